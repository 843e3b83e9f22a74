//! The one path that writes providers, and what is read of a single one.

use std::collections::{BTreeMap, HashMap};

use canvass_model::{Change, ChangeKind, Door, Npi, Provider, Source, changes_between};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx, listed},
    index::{self, read_provider},
    record,
    value::{Row, Value, params},
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
    /// Where it was first seen.
    pub first_source: Source,
    /// When its record last changed here.
    pub changed_at: Timestamp,
}

/// Key of the advisory lock under which one transaction at a time writes providers.
pub(crate) const WRITERS: i64 = 0x6e70_6900;

impl Store {
    /// Writes providers that the registry's API gave in one transaction; of several with one NPI
    /// the last counts.
    ///
    /// # Errors
    /// When the database fails; then nothing was written.
    pub async fn write_providers(
        &self,
        providers: &[Provider],
        now: Timestamp,
    ) -> Result<WriteSummary, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let written = write(&mut tx, providers, &Door::API, now).await?;
        tx.commit().await?;
        self.settle_soon();
        Ok(written.summary())
    }

    /// One provider, whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provider(&self, npi: Npi) -> Result<Option<StoredProvider>, Error> {
        let row = self
            .first(
                "SELECT npi, record, first_seen_at, changed_at, source
                 FROM providers WHERE npi = $1",
                params![npi],
            )
            .await?;
        row.map(|row| {
            Ok(StoredProvider {
                provider: read_provider(&row, 0)?,
                first_seen_at: row.micros(2)?,
                changed_at: row.micros(3)?,
                first_source: read_source(&row, 4)?,
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
                "SELECT npi, at, kind, field, before, after, source FROM changes
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
                    source: read_source(row, 6)?,
                })
            })
            .collect()
    }
}

/// What writing providers did.
#[derive(Default)]
pub(crate) struct Written {
    /// What each was, once per NPI.
    pub(crate) outcomes: Vec<(Npi, Outcome)>,
    pub(crate) changes: ChangeCounts,
}

impl Written {
    pub(crate) fn append(&mut self, mut more: Self) {
        self.outcomes.append(&mut more.outcomes);
        self.changes.append(more.changes);
    }

    pub(crate) fn summary(&self) -> WriteSummary {
        let count = |wanted| {
            let met = self.outcomes.iter().filter(|(_, o)| *o == wanted);
            met.count() as u64
        };
        WriteSummary {
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
        }
    }
}

/// Writes providers within a transaction.
pub(crate) async fn write(
    tx: &mut Tx,
    providers: &[Provider],
    door: &Door,
    now: Timestamp,
) -> Result<Written, Error> {
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
    let replacing = begin_writing(tx).await?;
    let mut written = Written::default();
    for batch in unique.chunks(BATCH) {
        let planned = plan(tx, batch, door).await?;
        write_planned(tx, planned, (door.source, now), &mut written).await?;
        if replacing {
            note_meanwhile(tx, batch).await?;
        }
    }
    Ok(written)
}

/// Edits known providers within a transaction; NPIs that are not known are passed over.
pub(crate) async fn edit(
    tx: &mut Tx,
    npis: &[Npi],
    edit: &(dyn Fn(&mut Provider) + Send + Sync),
    (source, now): (Source, Timestamp),
) -> Result<Written, Error> {
    let replacing = begin_writing(tx).await?;
    let mut written = Written::default();
    for batch in npis.chunks(BATCH) {
        let named: Vec<Provider> = batch.iter().map(|npi| Provider::new(*npi)).collect();
        let named: Vec<&Provider> = named.iter().collect();
        let known = known(tx, &named).await?;
        let ids = known.values().map(|known| known.id).collect();
        let mut planned = Vec::with_capacity(batch.len());
        for (npi, before) in records_by_id(tx, ids).await? {
            let Some(known) = known.get(&npi) else {
                continue;
            };
            let mut after = before.clone();
            edit(&mut after);
            planned.push((npi, Planned::update(known, before, New::of(after))));
        }
        planned.sort_by_key(|(npi, _)| *npi);
        write_planned(tx, planned, (source, now), &mut written).await?;
        if replacing {
            note_meanwhile(tx, &named).await?;
        }
    }
    Ok(written)
}

/// Keeps others from writing providers until the transaction ends. Says whether a full file is
/// being loaded, which has to know what is written meanwhile.
async fn begin_writing(tx: &mut Tx) -> Result<bool, Error> {
    if tx.engine() == Engine::Postgres {
        // Two writers of one NPI would each believe that it was they who created it.
        tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
            .await?;
    }
    let row = tx
        .first(
            "SELECT value FROM index_state WHERE name = 'replacing'",
            vec![],
        )
        .await?;
    Ok(row.is_some_and(|row| row.int(0).is_ok_and(|value| value != 0)))
}

async fn note_meanwhile(tx: &mut Tx, batch: &[&Provider]) -> Result<(), Error> {
    tx.insert(
        "INSERT INTO written_meanwhile (npi)",
        "ON CONFLICT (npi) DO NOTHING",
        batch.iter().map(|p| params![p.npi]).collect(),
    )
    .await?;
    Ok(())
}

/// Providers that are written together.
const BATCH: usize = 1_000;

/// A provider as it is going to stand in the database.
struct New {
    provider: Provider,
    record: Vec<u8>,
    hash: i64,
}

impl New {
    fn of(provider: Provider) -> Self {
        let record = record::encode(&provider);
        let hash = record::hash(&record);
        Self {
            provider,
            record,
            hash,
        }
    }
}

/// What is to become of a provider that was read.
enum Planned {
    /// It is not known.
    Create(Box<New>),
    /// It is known with another record, which the new one replaces.
    Update(Box<Update>),
    /// What is known of it stays.
    Keep,
}

impl Planned {
    fn update(known: &Known, before: Provider, new: New) -> Self {
        if new.hash == known.hash {
            return Self::Keep;
        }
        let id = known.id;
        Self::Update(Box::new(Update { id, before, new }))
    }
}

struct Update {
    id: i64,
    before: Provider,
    new: New,
}

/// What is to become of some providers, in their order: the one rule of what replaces what, by
/// whichever door it came. The caller's transaction keeps others from writing them meanwhile.
async fn plan(tx: &mut Tx, batch: &[&Provider], door: &Door) -> Result<Vec<(Npi, Planned)>, Error> {
    let known = known(tx, batch).await?;
    let new: Vec<New> = batch.iter().map(|p| New::of((*p).clone())).collect();
    let differ = new.iter().filter_map(|new| {
        let known = known.get(&new.provider.npi)?;
        (known.hash != new.hash).then_some(known.id)
    });
    let mut before = records_by_id(tx, differ.collect()).await?;
    let mut planned = Vec::with_capacity(new.len());
    for new in new {
        let npi = new.provider.npi;
        let what = match (known.get(&npi), before.remove(&npi)) {
            (None, _) => Planned::Create(Box::new(new)),
            (Some(known), Some(before)) => {
                let new = New::of(new.provider.onto(&before, door));
                Planned::update(known, before, new)
            }
            (Some(_), None) => Planned::Keep,
        };
        planned.push((npi, what));
    }
    Ok(planned)
}

/// What the database has of an NPI.
struct Known {
    id: i64,
    hash: i64,
}

async fn write_planned(
    tx: &mut Tx,
    planned: Vec<(Npi, Planned)>,
    (source, now): (Source, Timestamp),
    written: &mut Written,
) -> Result<(), Error> {
    let mut created = Vec::new();
    let mut rows: Vec<(i64, New)> = Vec::new();
    let mut changes = Vec::new();
    for (npi, planned) in planned {
        let outcome = match planned {
            Planned::Create(new) => {
                created.push(*new);
                Outcome::Created
            }
            Planned::Update(update) => {
                let Update { id, before, new } = *update;
                let its = changes_between(&before, &new.provider, source, now);
                written.changes.add(&its);
                changes.extend(its.into_iter().map(change_row));
                rows.push((id, new));
                Outcome::Updated
            }
            Planned::Keep => Outcome::Unchanged,
        };
        written.outcomes.push((npi, outcome));
    }
    tx.insert(
        "INSERT INTO changes (npi, at, kind, field, before, after, source)",
        "ON CONFLICT (npi, at, field) DO NOTHING",
        changes,
    )
    .await?;
    if !created.is_empty() {
        let first = index::take_ids(tx, created.len()).await?;
        index::count_added(tx, created.len()).await?;
        rows.extend((i64::from(first)..).zip(created));
    }
    let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
    let at = now.as_microsecond();
    tx.insert(
        "INSERT INTO providers (id, npi, hash, record, first_seen_at, changed_at, source)",
        "ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, record = excluded.record,
         changed_at = excluded.changed_at",
        rows.into_iter()
            .map(|(id, new)| {
                let from = source_number(source);
                params![id, new.provider.npi, new.hash, new.record, at, at, from]
            })
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

async fn records_by_id(tx: &mut Tx, ids: Vec<i64>) -> Result<HashMap<Npi, Provider>, Error> {
    let mut records = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(records);
    }
    let among = tx.engine().among("id", "$1");
    let sql = format!("SELECT npi, record FROM providers WHERE {among}");
    for row in tx.query(crate::Sql::kept(sql), vec![listed(ids)]).await? {
        records.insert(row.npi(0)?, read_provider(&row, 0)?);
    }
    Ok(records)
}

/// The columns `npi, at, kind, field, before, after, source`.
pub(crate) fn change_row(c: Change) -> Vec<Value> {
    let source = source_number(c.source);
    params![
        c.npi,
        c.at,
        c.kind.as_str(),
        c.field,
        c.before,
        c.after,
        source
    ]
}

/// A source as it is stored.
pub(crate) fn source_number(source: Source) -> i64 {
    match source {
        Source::Api => 1,
        Source::FullFile => 2,
        Source::WeeklyFile => 3,
        Source::DeactivationReport => 4,
    }
}

fn read_source(row: &Row, i: usize) -> Result<Source, Error> {
    let number = row.int(i)?;
    Source::ALL
        .into_iter()
        .find(|source| source_number(*source) == number)
        .ok_or_else(|| Error::corrupt("the source of a provider"))
}

/// How many known providers have changed, by what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeCounts {
    /// Taken out of service.
    pub deactivated: u64,
    /// In service again.
    pub reactivated: u64,
    /// Of those that are neither: how often each field changed, as [`Change::field`] names it.
    pub fields: BTreeMap<String, u64>,
    /// The same of those that are in service again.
    pub reactivated_fields: BTreeMap<String, u64>,
}

impl ChangeCounts {
    pub(crate) fn append(&mut self, more: Self) {
        self.deactivated += more.deactivated;
        self.reactivated += more.reactivated;
        for (all, its) in [
            (&mut self.fields, more.fields),
            (&mut self.reactivated_fields, more.reactivated_fields),
        ] {
            for (field, count) in its {
                *all.entry(field).or_default() += count;
            }
        }
    }

    /// Takes off what was counted and did not come to be.
    pub(crate) fn take_off(&mut self, less: &Self) {
        self.deactivated = self.deactivated.saturating_sub(less.deactivated);
        self.reactivated = self.reactivated.saturating_sub(less.reactivated);
        for (all, its) in [
            (&mut self.fields, &less.fields),
            (&mut self.reactivated_fields, &less.reactivated_fields),
        ] {
            for (field, count) in its {
                if let Some(counted) = all.get_mut(field) {
                    *counted = counted.saturating_sub(*count);
                }
            }
            all.retain(|_, count| *count > 0);
        }
    }

    /// Counts all changes of one provider.
    pub(crate) fn add(&mut self, changes: &[Change]) {
        self.note(changes.iter().map(|c| (c.kind, c.field.as_str())));
    }

    /// The same by the kind and the field of each.
    pub(crate) fn note<'a>(
        &mut self,
        changes: impl Iterator<Item = (ChangeKind, &'a str)> + Clone,
    ) {
        let is = |kind| changes.clone().any(|change| change.0 == kind);
        let fields = if is(ChangeKind::Deactivated) {
            self.deactivated += 1;
            return;
        } else if is(ChangeKind::Reactivated) {
            self.reactivated += 1;
            &mut self.reactivated_fields
        } else {
            &mut self.fields
        };
        for (_, field) in changes.filter(|change| change.0 == ChangeKind::Field) {
            *fields.entry(field.to_owned()).or_default() += 1;
        }
    }
}
