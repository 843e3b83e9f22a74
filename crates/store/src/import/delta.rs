//! A part of the providers, from a weekly file, side files or a report of deactivations.

use canvass_model::{Door, Npi, Provider, Source};
use jiff::Timestamp;

use super::runs::end;
use crate::{
    ChangeCounts, Error, Store, WriteSummary,
    backend::{Durability, Tx},
    providers::{self, Written},
};

/// How a known provider is edited.
pub type Edit<'a> = &'a (dyn Fn(&mut Provider) + Send + Sync);

/// What files that are no full ones say of some providers.
#[derive(Clone, Copy)]
pub struct Delta<'a> {
    /// Known providers that are edited, whatever they are at that moment.
    pub edits: Option<(&'a [Npi], Edit<'a>)>,
    /// Providers by the door they came by. Of two with one NPI in one part the last counts.
    pub parts: &'a [(Vec<Provider>, Door)],
}

impl Store {
    /// Writes what files say and ends the import, whose last report `report` writes, in one
    /// transaction: all of it at once, or nothing. What is known is read in that transaction.
    ///
    /// # Errors
    /// When the database fails; then nothing was written.
    pub async fn apply_delta(
        &self,
        import: &str,
        delta: Delta<'_>,
        report: impl FnOnce(WriteSummary, &ChangeCounts) -> String + Send,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let written = write(&mut tx, delta, now).await?;
        let report = report(written.summary(), &written.changes);
        end(&mut tx, import, &report, now).await?;
        tx.commit().await?;
        self.settle_soon();
        Ok(())
    }

    /// What [`Store::apply_delta`] would do. Nothing of it stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_delta(
        &self,
        delta: Delta<'_>,
        now: Timestamp,
    ) -> Result<(WriteSummary, ChangeCounts), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let written = write(&mut tx, delta, now).await?;
        Ok((written.summary(), written.changes))
    }
}

async fn write(tx: &mut Tx, delta: Delta<'_>, now: Timestamp) -> Result<Written, Error> {
    let mut written = Written::default();
    if let Some((npis, edit)) = delta.edits {
        // Side files come with a week, or by themselves.
        written.append(providers::edit(tx, npis, edit, (Source::WeeklyFile, now)).await?);
    }
    for (part, door) in delta.parts {
        written.append(providers::write(tx, part, door, now).await?);
    }
    Ok(written)
}
