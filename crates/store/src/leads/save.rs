//! Save-all: a whole search result, or a list of NPIs, becomes leads.

use canvass_model::{LeadStatus, ProviderFilter, Receipt, RecordStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::distinct_npis;
use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx},
    idempotency::{self, Idempotency},
    search::Text,
};

/// Which providers are to become leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SaveAll {
    /// All that a search finds. Its specialties have to be resolved.
    Filter(ProviderFilter),
    /// These, each once however often it is named.
    Npis(Vec<String>),
}

impl Store {
    /// Makes leads of providers, in one transaction. What is a lead already stays as it is.
    ///
    /// Each provider asked for is counted once: as suppressed or existing, when it is a lead, by
    /// its status; else as rejected, when there is no such provider in service; else as created.
    ///
    /// # Errors
    /// When the key of `idempotency` was used for something else, or the database fails.
    pub async fn save_all(
        &self,
        what: &SaveAll,
        actor: Option<&str>,
        now: Timestamp,
        idempotency: Option<&Idempotency>,
    ) -> Result<Receipt, Error> {
        // Planned before the transaction: it reads through other connections, of which all may be
        // waiting for this very key.
        let search = match what {
            SaveAll::Filter(filter) => Some(self.plan_all(filter).await?),
            SaveAll::Npis(_) => None,
        };
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(receipt) = idempotency::replay(&mut tx, idempotency, now).await? {
            return Ok(receipt);
        }
        let mut receipt = Receipt::default();
        match (what, search) {
            (SaveAll::Npis(texts), _) => {
                let (npis, others) = distinct_npis(texts);
                receipt.requested = others + npis.len() as u64;
                receipt.rejected = others;
                for group in npis.chunks(1_000) {
                    let matching = |text: &mut Text| {
                        text.push(" FROM providers p WHERE p.npi IN ");
                        text.values(group.iter().copied());
                    };
                    let saved = save_matching(&mut tx, &matching, actor, now).await?;
                    receipt.created += saved.created;
                    receipt.existing += saved.existing;
                    receipt.suppressed += saved.suppressed;
                    receipt.rejected += saved.rejected + group.len() as u64 - saved.requested;
                }
            }
            (SaveAll::Filter(_), Some(search)) => {
                let matching = |text: &mut Text| search.sources(text);
                receipt = save_matching(&mut tx, &matching, actor, now).await?;
            }
            (SaveAll::Filter(_), None) => {}
        }
        idempotency::keep(&mut tx, idempotency, &receipt).await?;
        tx.commit().await?;
        Ok(receipt)
    }
}

/// Writes a `FROM ... WHERE ...` with the providers that are asked for as `p`.
type Matching<'a> = &'a (dyn Fn(&mut Text) + Sync);

/// Makes leads of the providers `p` of a `FROM ... WHERE ...`.
async fn save_matching(
    tx: &mut Tx,
    matching: Matching<'_>,
    actor: Option<&str>,
    now: Timestamp,
) -> Result<Receipt, Error> {
    match tx.engine() {
        Engine::Sqlite => save_alone(tx, matching, actor, now).await,
        Engine::Postgres => save_among_others(tx, matching, actor, now).await,
    }
}

/// `INSERT INTO leads ... SELECT`, up to the source of the NPIs `p.npi`. In the order of the
/// NPIs, so that two that insert the same ones meet in one order.
fn insert(text: &mut Text, actor: Option<&str>, now: Timestamp) {
    text.push(
        "INSERT INTO leads (npi, status, notes, version, created_at, updated_at, created_by) \
         SELECT p.npi, ",
    );
    text.value(LeadStatus::New.as_str());
    text.push(", '', 1, ");
    text.value(now);
    text.push(", ");
    text.value(now);
    text.push(", ");
    text.value(actor);
}

fn only_active(text: &mut Text) {
    text.push(" AND p.status = ");
    text.value(RecordStatus::Active.as_str());
    text.push(" ORDER BY p.npi ON CONFLICT (npi) DO NOTHING");
}

/// Where nobody else writes meanwhile, what was counted before stays true.
async fn save_alone(
    tx: &mut Tx,
    matching: Matching<'_>,
    actor: Option<&str>,
    now: Timestamp,
) -> Result<Receipt, Error> {
    let mut count = Text::default();
    count.push(
        "SELECT COUNT(*), COUNT(CASE WHEN m.lead <> 'do_not_call' THEN 1 END), \
         COUNT(CASE WHEN m.lead = 'do_not_call' THEN 1 END), \
         COUNT(CASE WHEN m.lead IS NULL AND m.status <> 'active' THEN 1 END) \
         FROM (SELECT p.status, (SELECT l.status FROM leads l WHERE l.npi = p.npi) AS lead",
    );
    matching(&mut count);
    count.push(") m");
    let row = tx
        .first(count.sql, count.params)
        .await?
        .ok_or_else(|| Error::corrupt("no count"))?;
    let mut text = Text::default();
    insert(&mut text, actor, now);
    matching(&mut text);
    only_active(&mut text);
    Ok(Receipt {
        requested: row.count(0)?,
        created: tx.execute(text.sql, text.params).await?,
        existing: row.count(1)?,
        suppressed: row.count(2)?,
        rejected: row.count(3)?,
    })
}

/// Where others write meanwhile, one statement counts and inserts over one view of the data. A
/// lead that somebody else makes in the same moment is not in that view; it is existing.
async fn save_among_others(
    tx: &mut Tx,
    matching: Matching<'_>,
    actor: Option<&str>,
    now: Timestamp,
) -> Result<Receipt, Error> {
    let mut text = Text::default();
    text.push("WITH matching AS MATERIALIZED (SELECT p.npi, p.status, (SELECT l.status FROM leads l WHERE l.npi = p.npi) AS lead");
    matching(&mut text);
    text.push("), made AS (");
    insert(&mut text, actor, now);
    text.push(" FROM matching p WHERE p.lead IS NULL");
    only_active(&mut text);
    text.push(
        " RETURNING 1) SELECT COUNT(*), (SELECT COUNT(*) FROM made), \
         COUNT(CASE WHEN m.lead = 'do_not_call' THEN 1 END), \
         COUNT(CASE WHEN m.lead IS NULL AND m.status <> 'active' THEN 1 END) FROM matching m",
    );
    let row = tx
        .first(text.sql, text.params)
        .await?
        .ok_or_else(|| Error::corrupt("no count"))?;
    let (requested, created) = (row.count(0)?, row.count(1)?);
    let (suppressed, rejected) = (row.count(2)?, row.count(3)?);
    Ok(Receipt {
        requested,
        created,
        existing: requested - created - suppressed - rejected,
        suppressed,
        rejected,
    })
}
