//! The one path that writes providers, and what is read of a single one.

use std::collections::HashMap;

use canvass_model::{Change, ChangeKind, Npi, Provider, changes_between};
use jiff::Timestamp;

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx, listed},
    index::{self, read_provider},
    record,
    value::params,
};

/// What a provider that was written was to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Not known before.
    Created,
    /// Known, with another record.
    Updated,
    /// Known, with this very record; nothing was written.
    Unchanged,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How many providers a write met, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// Not known before.
    pub created: u64,
    /// Known, with another record.
    pub updated: u64,
    /// Known, with this very record.
    pub unchanged: u64,
}

/// A provider with what the database knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProvider {
    /// The record.
    pub provider: Provider,
    /// When canvass first saw it.
    pub first_seen_at: Timestamp,
    /// When its record last changed here.
    pub changed_at: Timestamp,
}

/// Key of the advisory lock under which one transaction at a time writes providers.
const WRITERS: i64 = 0x6e70_6900;

impl Store {
    /// Writes providers in one transaction; of several with one NPI the last counts.
    ///
    /// # Errors
    /// When the database fails; then nothing was written.
    pub async fn write_providers(
        &self,
        providers: &[Provider],
        now: Timestamp,
    ) -> Result<WriteSummary, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let outcomes = write(&mut tx, providers, now).await?;
        tx.commit().await?;
        self.settle_soon(now);
        let count = |wanted| outcomes.iter().filter(|(_, o)| *o == wanted).count() as u64;
        Ok(WriteSummary {
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
        })
    }

    /// One provider, whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provider(&self, npi: Npi) -> Result<Option<StoredProvider>, Error> {
        let row = self
            .first(
                "SELECT npi, record, first_seen_at, changed_at FROM providers WHERE npi = $1",
                params![npi],
            )
            .await?;
        row.map(|row| {
            Ok(StoredProvider {
                provider: read_provider(&row, 0)?,
                first_seen_at: row.micros(2)?,
                changed_at: row.micros(3)?,
            })
        })
        .transpose()
    }

    /// The latest changes of a provider, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes(&self, npi: Npi, limit: u32) -> Result<Vec<Change>, Error> {
        let rows = self
            .query(
                "SELECT npi, at, kind, field, before, after FROM changes
                 WHERE npi = $1 ORDER BY at DESC, field LIMIT $2",
                params![npi, limit],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Change {
                    npi: row.npi(0)?,
                    at: row.time(1)?,
                    kind: row.word(2, ChangeKind::parse)?,
                    field: row.text(3)?,
                    before: row.text_opt(4)?,
                    after: row.text_opt(5)?,
                })
            })
            .collect()
    }
}

/// Writes providers within a transaction and says what each was, once per NPI.
pub(crate) async fn write(
    tx: &mut Tx,
    providers: &[Provider],
    now: Timestamp,
) -> Result<Vec<(Npi, Outcome)>, Error> {
    let mut last: HashMap<Npi, usize> = HashMap::with_capacity(providers.len());
    last.extend(providers.iter().enumerate().map(|(i, p)| (p.npi, i)));
    // In the order of the keys, so that the tables are written from front to back.
    let mut unique: Vec<&Provider> = providers
        .iter()
        .enumerate()
        .filter(|(i, p)| last.get(&p.npi) == Some(i))
        .map(|(_, p)| p)
        .collect();
    unique.sort_by_key(|p| p.npi);
    if tx.engine() == Engine::Postgres {
        // Two writers of one NPI would each believe that it was they who created it.
        tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
            .await?;
    }
    let mut outcomes = Vec::with_capacity(unique.len());
    for batch in unique.chunks(1_000) {
        write_batch(tx, batch, now, &mut outcomes).await?;
    }
    Ok(outcomes)
}

/// A provider of a batch as it is going to stand in the database.
struct New<'a> {
    provider: &'a Provider,
    record: Vec<u8>,
    hash: i64,
}

/// What the database has of an NPI.
struct Known {
    id: i64,
    hash: i64,
}

async fn write_batch(
    tx: &mut Tx,
    batch: &[&Provider],
    now: Timestamp,
    outcomes: &mut Vec<(Npi, Outcome)>,
) -> Result<(), Error> {
    let known = known(tx, batch).await?;
    let mut created = Vec::new();
    let mut updated = Vec::new();
    for &provider in batch {
        let record = record::encode(provider);
        let hash = record::hash(&record);
        let new = New {
            provider,
            record,
            hash,
        };
        let outcome = match known.get(&provider.npi) {
            None => {
                created.push(new);
                Outcome::Created
            }
            Some(known) if known.hash == hash => Outcome::Unchanged,
            Some(known) => {
                updated.push((known.id, new));
                Outcome::Updated
            }
        };
        outcomes.push((provider.npi, outcome));
    }
    record_changes(tx, &updated, now).await?;
    let mut rows = updated;
    if !created.is_empty() {
        let row = tx
            .first("SELECT COALESCE(MAX(id) + 1, 0) FROM providers", vec![])
            .await?
            .ok_or_else(|| Error::corrupt("no greatest id"))?;
        rows.extend((row.int(0)?..).zip(created));
    }
    let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
    let at = now.as_microsecond();
    tx.insert(
        "INSERT INTO providers (id, npi, hash, record, first_seen_at, changed_at)",
        "ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, record = excluded.record,
         changed_at = excluded.changed_at",
        rows.into_iter()
            .map(|(id, new)| params![id, new.provider.npi, new.hash, new.record, at, at])
            .collect(),
    )
    .await?;
    index::note_written(tx, &ids).await
}

async fn known(tx: &mut Tx, batch: &[&Provider]) -> Result<HashMap<Npi, Known>, Error> {
    let among = tx.engine().among("npi", "$1");
    let sql = format!("SELECT npi, id, hash FROM providers WHERE {among}");
    let npis = listed(batch.iter().map(|p| p.npi.as_i64()));
    let mut known = HashMap::with_capacity(batch.len());
    for row in tx.query(crate::Sql::kept(sql), vec![npis]).await? {
        let (id, hash) = (row.int(1)?, row.int(2)?);
        known.insert(row.npi(0)?, Known { id, hash });
    }
    Ok(known)
}

async fn record_changes(
    tx: &mut Tx,
    updated: &[(i64, New<'_>)],
    now: Timestamp,
) -> Result<(), Error> {
    if updated.is_empty() {
        return Ok(());
    }
    let among = tx.engine().among("id", "$1");
    let sql = format!("SELECT npi, record FROM providers WHERE {among}");
    let ids = listed(updated.iter().map(|(id, _)| *id));
    let mut before: HashMap<Npi, Provider> = HashMap::with_capacity(updated.len());
    for row in tx.query(crate::Sql::kept(sql), vec![ids]).await? {
        before.insert(row.npi(0)?, read_provider(&row, 0)?);
    }
    let mut rows = Vec::new();
    for (_, new) in updated {
        let Some(before) = before.get(&new.provider.npi) else {
            continue;
        };
        for c in changes_between(before, new.provider, now) {
            rows.push(params![
                c.npi,
                c.at,
                c.kind.as_str(),
                c.field,
                c.before,
                c.after
            ]);
        }
    }
    tx.insert(
        "INSERT INTO changes (npi, at, kind, field, before, after)",
        "ON CONFLICT (npi, at, field) DO NOTHING",
        rows,
    )
    .await?;
    Ok(())
}
