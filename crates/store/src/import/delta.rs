//! A part of the providers, from a weekly file or a report of deactivations.

use canvass_model::{Provider, Source};
use jiff::Timestamp;

use super::runs::end;
use crate::{ChangeCounts, Error, Store, WriteSummary, backend::Durability, providers};

impl Store {
    /// Writes providers and ends an import, whose last report `report` writes, in one transaction:
    /// all of it at once, or nothing.
    ///
    /// # Errors
    /// When the database fails; then nothing was written.
    pub async fn apply_import(
        &self,
        import: &str,
        (providers, source): (&[Provider], Source),
        report: impl FnOnce(WriteSummary, &ChangeCounts) -> String + Send,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let written = providers::write(&mut tx, providers, source, now).await?;
        let report = report(written.summary(), &written.changes);
        end(&mut tx, import, &report, now).await?;
        tx.commit().await?;
        self.settle_soon();
        Ok(())
    }
}
