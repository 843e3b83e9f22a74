//! Save-all: a whole search result, or a list of NPIs, becomes leads.

use std::sync::Arc;

use canvass_model::{LeadStatus, Npi, ProviderFilter, Receipt, RecordStatus, StatusFilter};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::distinct_npis;
use crate::{
    Error, Store,
    backend::{Durability, Tx, listed},
    idempotency::{self, Idempotency},
    index::{self, Question, State, read_provider},
    value::{Value, params},
};

/// Which providers are to become leads.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per request, and it is passed by reference"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SaveAll {
    /// All that a search finds. Its specialties have to be resolved.
    Filter(ProviderFilter),
    /// These, each once however often it is named.
    Npis(Vec<String>),
}

/// Providers that become leads by one statement.
const GROUP: usize = 20_000;

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
        self.repeat(|| self.save_once(what, actor, now, idempotency))
            .await
    }

    async fn save_once(
        &self,
        what: &SaveAll,
        actor: Option<&str>,
        now: Timestamp,
        idempotency: Option<&Idempotency>,
    ) -> Result<Receipt, Error> {
        // Looked for before the transaction: it reads through other connections, of which all may
        // be waiting for this very key.
        let found = match what {
            SaveAll::Filter(filter) => self.asked_by(filter).await?,
            SaveAll::Npis(_) => Asked::default(),
        };
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(receipt) = idempotency::replay(&mut tx, idempotency, now).await? {
            return Ok(receipt);
        }
        let mut asked = match what {
            SaveAll::Filter(_) => found,
            SaveAll::Npis(texts) => by_number(&mut tx, texts).await?,
        };
        asked.recheck(&mut tx).await?;
        let receipt = save(&mut tx, &asked, actor, now).await?;
        idempotency::keep(&mut tx, idempotency, &receipt).await?;
        tx.commit().await?;
        Ok(receipt)
    }

    /// The providers of a search, those in service apart from the others.
    async fn asked_by(&self, filter: &ProviderFilter) -> Result<Asked, Error> {
        let answer = self.matching(filter).await?;
        let (state, ids) = (answer.state, answer.ids());
        let active = if filter.status == StatusFilter::Active {
            ids.clone()
        } else {
            let ids = Arc::new(ids.clone());
            let mut question = vec![Question::Ids(ids)];
            question.extend(index::status(StatusFilter::Active));
            let question = Question::All(question);
            self.repeat(|| self.ask(&question)).await?.ids()
        };
        Ok(Asked {
            others: self.npis_of(&(ids - &active)).await?,
            active: self.npis_of(&active).await?,
            unknown: 0,
            as_of: Some(state),
        })
    }
}

/// What is asked to become leads. Each list is in the order of NPIs: leads and their indexes then
/// grow at their ends, which is several times as fast as anywhere.
#[derive(Default)]
struct Asked {
    /// Providers in service.
    active: Vec<Npi>,
    /// Other providers.
    others: Vec<Npi>,
    /// How many are no provider.
    unknown: u64,
    /// As of when, where they were searched for.
    as_of: Option<State>,
}

impl Asked {
    /// Moves to the others what was taken out of service since it was searched for.
    /// [`Error::IndexMoved`] when that can't be told.
    async fn recheck(&mut self, tx: &mut Tx) -> Result<(), Error> {
        let Some(state) = self.as_of else {
            return Ok(());
        };
        let same = tx
            .first(
                "SELECT 1 FROM index_state WHERE name = 'manifest' AND value = $1",
                params![state.manifest],
            )
            .await?;
        if same.is_none() {
            return Err(Error::IndexMoved);
        }
        let rows = tx
            .query(
                "SELECT p.npi, p.record FROM index_pending q JOIN providers p ON p.id = q.id
                 WHERE q.written > $1",
                params![state.written],
            )
            .await?;
        for row in &rows {
            let npi = row.npi(0)?;
            if read_provider(row, 0)?.status == RecordStatus::Active {
                continue;
            }
            if let Ok(at) = self.active.binary_search(&npi) {
                self.active.remove(at);
                let place = self.others.partition_point(|other| *other < npi);
                self.others.insert(place, npi);
            }
        }
        Ok(())
    }
}

/// The providers that some texts name.
async fn by_number(tx: &mut Tx, texts: &[String]) -> Result<Asked, Error> {
    let (npis, others) = distinct_npis(texts);
    let mut asked = Asked {
        unknown: others + npis.len() as u64,
        ..Asked::default()
    };
    let among = tx.engine().among("npi", "$1");
    let sql = format!("SELECT npi, record FROM providers WHERE {among}");
    for group in npis.chunks(GROUP) {
        let values = vec![numbers(group)];
        for row in tx.query(crate::Sql::kept(sql.clone()), values).await? {
            asked.unknown -= 1;
            if read_provider(&row, 0)?.status == RecordStatus::Active {
                asked.active.push(row.npi(0)?);
            } else {
                asked.others.push(row.npi(0)?);
            }
        }
    }
    asked.active.sort_unstable();
    asked.others.sort_unstable();
    Ok(asked)
}

async fn save(
    tx: &mut Tx,
    asked: &Asked,
    actor: Option<&str>,
    now: Timestamp,
) -> Result<Receipt, Error> {
    // Until this transaction ends nobody else makes leads.
    let batch = index::next(tx, "leads").await?;
    let mut receipt = Receipt {
        requested: (asked.active.len() + asked.others.len()) as u64 + asked.unknown,
        rejected: asked.unknown,
        ..Receipt::default()
    };
    // Those that are leads are left out, for ON CONFLICT waits for whoever is editing one, who may
    // wait for this transaction's number in turn.
    let each = tx.engine().each("$6");
    let insert = format!(
        "INSERT INTO leads (npi, status, notes, version, created_at, updated_at, created_by, batch)
         SELECT each.value, $1, $2, 1, $3, $3, $4, $5 FROM {each}
         WHERE NOT EXISTS (SELECT 1 FROM leads WHERE npi = each.value)
         ON CONFLICT (npi) DO NOTHING"
    );
    for group in asked.active.chunks(GROUP) {
        let status = LeadStatus::New.as_str();
        let values = params![status, "", now, actor, batch, numbers(group)];
        let created = tx.execute(crate::Sql::kept(insert.clone()), values).await?;
        receipt.created += created;
        if created < group.len() as u64 {
            let (leads, suppressed) = standing(tx, group, batch).await?;
            receipt.existing += leads - suppressed;
            receipt.suppressed += suppressed;
        }
    }
    for group in asked.others.chunks(GROUP) {
        let (leads, suppressed) = standing(tx, group, batch).await?;
        receipt.existing += leads - suppressed;
        receipt.suppressed += suppressed;
        receipt.rejected += group.len() as u64 - leads;
    }
    Ok(receipt)
}

fn numbers(npis: &[Npi]) -> Value {
    listed(npis.iter().map(|npi| npi.as_i64()))
}

/// How many of some providers are leads of other batches, and how many of those must not be
/// called.
async fn standing(tx: &mut Tx, npis: &[Npi], batch: i64) -> Result<(u64, u64), Error> {
    let among = tx.engine().among("npi", "$1");
    let sql = format!(
        "SELECT COUNT(*), COUNT(CASE WHEN status = 'do_not_call' THEN 1 END)
         FROM leads WHERE {among} AND batch <> $2"
    );
    let row = tx
        .first(crate::Sql::kept(sql), vec![numbers(npis), batch.into()])
        .await?
        .ok_or_else(|| Error::corrupt("no count"))?;
    Ok((row.count(0)?, row.count(1)?))
}
