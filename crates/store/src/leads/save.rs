//! Save-all: a whole search result, or a list of NPIs, becomes leads.

use std::sync::Arc;

use canvass_model::{LeadStatus, ProviderFilter, Receipt, RecordStatus, StatusFilter};
use jiff::Timestamp;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::distinct_npis;
use crate::{
    Error, Store,
    backend::{Durability, Tx, listed},
    idempotency::{self, Idempotency},
    index::{self, Question, read_id, read_provider},
    value::params,
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
const GROUP: usize = 10_000;

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
        // Looked for before the transaction: it reads through other connections, of which all may
        // be waiting for this very key.
        let found = match what {
            SaveAll::Filter(filter) => {
                let ids = self.matching(filter).await?.ids();
                self.split(ids, filter.status).await?
            }
            SaveAll::Npis(_) => Asked::default(),
        };
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(receipt) = idempotency::replay(&mut tx, idempotency, now).await? {
            return Ok(receipt);
        }
        let asked = match what {
            SaveAll::Filter(_) => found,
            SaveAll::Npis(texts) => by_number(&mut tx, texts).await?,
        };
        let receipt = save(&mut tx, &asked, actor, now).await?;
        idempotency::keep(&mut tx, idempotency, &receipt).await?;
        tx.commit().await?;
        Ok(receipt)
    }

    /// Parts those in service from the others.
    async fn split(&self, ids: RoaringBitmap, status: StatusFilter) -> Result<Asked, Error> {
        if status == StatusFilter::Active {
            return Ok(Asked {
                active: ids,
                ..Asked::default()
            });
        }
        let ids = Arc::new(ids);
        let mut question = vec![Question::Ids(ids.clone())];
        question.extend(index::status(StatusFilter::Active));
        let active = self.ask(&Question::All(question)).await?.ids();
        Ok(Asked {
            others: &*ids - &active,
            active,
            unknown: 0,
        })
    }
}

/// What is asked to become leads.
#[derive(Default)]
struct Asked {
    /// Ids of providers in service.
    active: RoaringBitmap,
    /// Ids of other providers.
    others: RoaringBitmap,
    /// How many are no provider.
    unknown: u64,
}

/// The providers that some texts name.
async fn by_number(tx: &mut Tx, texts: &[String]) -> Result<Asked, Error> {
    let (npis, others) = distinct_npis(texts);
    let mut asked = Asked {
        unknown: others + npis.len() as u64,
        ..Asked::default()
    };
    let among = tx.engine().among("npi", "$1");
    let sql = format!("SELECT id, npi, record FROM providers WHERE {among}");
    for group in npis.chunks(GROUP) {
        let group = listed(group.iter().map(|npi| npi.as_i64()));
        for row in tx.query(crate::Sql::kept(sql.clone()), vec![group]).await? {
            let id = read_id(&row, 0)?;
            asked.unknown -= 1;
            if read_provider(&row, 1)?.status == RecordStatus::Active {
                asked.active.insert(id);
            } else {
                asked.others.insert(id);
            }
        }
    }
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
        requested: asked.active.len() + asked.others.len() + asked.unknown,
        rejected: asked.unknown,
        ..Receipt::default()
    };
    let among = tx.engine().among("p.id", "$7");
    let insert = format!(
        "INSERT INTO leads (npi, status, notes, version, created_at, updated_at, created_by, batch)
         SELECT p.npi, $1, $2, 1, $3, $4, $5, $6 FROM providers p WHERE {among}
         ON CONFLICT (npi) DO NOTHING"
    );
    for group in groups(&asked.active) {
        let values = params![
            LeadStatus::New.as_str(),
            "",
            now,
            now,
            actor,
            batch,
            listed(group.iter().map(i64::from))
        ];
        let created = tx.execute(crate::Sql::kept(insert.clone()), values).await?;
        receipt.created += created;
        if created < group.len() {
            let (leads, suppressed) = standing(tx, &group, batch).await?;
            receipt.existing += leads - suppressed;
            receipt.suppressed += suppressed;
        }
    }
    for group in groups(&asked.others) {
        let (leads, suppressed) = standing(tx, &group, batch).await?;
        receipt.existing += leads - suppressed;
        receipt.suppressed += suppressed;
        receipt.rejected += group.len() - leads;
    }
    Ok(receipt)
}

fn groups(ids: &RoaringBitmap) -> impl Iterator<Item = RoaringBitmap> {
    let mut ids = ids.iter();
    std::iter::from_fn(move || {
        let group: RoaringBitmap = ids.by_ref().take(GROUP).collect();
        (!group.is_empty()).then_some(group)
    })
}

/// How many of some providers are leads of other batches, and how many of those must not be
/// called.
async fn standing(tx: &mut Tx, ids: &RoaringBitmap, batch: i64) -> Result<(u64, u64), Error> {
    let among = tx.engine().among("p.id", "$1");
    let sql = format!(
        "SELECT COUNT(*), COUNT(CASE WHEN l.status = 'do_not_call' THEN 1 END)
         FROM providers p CROSS JOIN leads l WHERE {among} AND l.npi = p.npi AND l.batch <> $2"
    );
    let values = params![listed(ids.iter().map(i64::from)), batch];
    let row = tx
        .first(crate::Sql::kept(sql), values)
        .await?
        .ok_or_else(|| Error::corrupt("no count"))?;
    Ok((row.count(0)?, row.count(1)?))
}
