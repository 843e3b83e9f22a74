//! All providers anew, from a full file.

use std::collections::HashMap;

use canvass_model::{Npi, Provider, RecordStatus, Source, changes_between};
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx, listed},
    index::{self, Builder, Described, read_provider},
    providers::{self, ChangeCounts, WRITERS, change_row, source_number},
    record,
    value::{Row, Value, params},
};

/// The providers that are being built.
const NEXT: &str = "providers_next";
/// Their changes.
const NEXT_CHANGES: &str = "changes_next";
/// Those that were in use before.
const OLD: &str = "providers_old";
/// Providers that are compared, copied or removed at a time.
const GROUP: u32 = 5_000;

/// A provider made ready to be loaded. This can be done on any thread, and is most of the work.
pub struct Prepared {
    npi: Npi,
    hash: i64,
    record: Vec<u8>,
    described: Described,
    /// Whether it is said to be out of service and nothing else, and since when.
    bare: bool,
    deactivated_on: Option<Date>,
}

impl Prepared {
    /// Makes a provider ready.
    pub fn new(provider: &Provider) -> Self {
        let record = record::encode(provider);
        Self {
            npi: provider.npi,
            hash: record::hash(&record),
            described: Described::new(provider),
            bare: provider.is_bare_deactivation(),
            deactivated_on: provider.deactivated_on,
            record,
        }
    }

    /// Whose record it is.
    pub fn npi(&self) -> Npi {
        self.npi
    }
}

/// What a replacement did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Not known before.
    pub created: u64,
    /// Known, with another record.
    pub updated: u64,
    /// Known, with this very record.
    pub unchanged: u64,
    /// Known before, and no longer published.
    pub unpublished: u64,
    /// What changed of those that were known.
    pub changes: ChangeCounts,
}

/// When a provider was first seen, when it changed, and where it was first seen. Few of them are
/// different.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Times {
    first_seen: i64,
    changed: i64,
    source: i64,
}

/// What is known of the providers in use, by NPI.
#[derive(Default)]
struct Old {
    /// NPI, which of the times, and hash.
    known: Vec<(u32, u32, i64)>,
    times: Vec<Times>,
    seen: Vec<bool>,
}

/// A registry that is being built beside the one in use.
pub struct Replacement {
    store: Store,
    now: Timestamp,
    segment: i64,
    ids: i64,
    next: u32,
    builder: Builder,
    old: Old,
    met: RoaringBitmap,
    updated: Vec<Npi>,
    /// Known providers that are said to be out of service and nothing else, and since when.
    bare: HashMap<Npi, Option<Date>>,
    done: Replaced,
}

impl Store {
    /// Begins to build all providers anew. There must be no other that is not yet at its end;
    /// what is left of one that was broken off goes away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_providers(&self, now: Timestamp) -> Result<Replacement, Error> {
        self.clear_replacements().await?;
        let mut tx = self.begin(Durability::Relaxed).await?;
        if tx.engine() == Engine::Postgres {
            // Whoever writes providers now does not know yet that this goes on.
            tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
                .await?;
        }
        tx.execute("DELETE FROM written_meanwhile", vec![]).await?;
        set_replacing(&mut tx, true).await?;
        let script = match tx.engine() {
            Engine::Sqlite => format!(
                "CREATE TABLE {NEXT} (id INTEGER PRIMARY KEY, npi INTEGER NOT NULL,
                 hash INTEGER NOT NULL, record BLOB NOT NULL, first_seen_at INTEGER NOT NULL,
                 changed_at INTEGER NOT NULL, source INTEGER NOT NULL) STRICT;
                 CREATE TABLE {NEXT_CHANGES} AS SELECT * FROM changes WHERE 1 = 0"
            ),
            Engine::Postgres => format!(
                "CREATE TABLE {NEXT} (LIKE providers INCLUDING STORAGE);
                 CREATE TABLE {NEXT_CHANGES} (LIKE changes)"
            ),
        };
        tx.script(script).await?;
        tx.commit().await?;
        let segment = self.begin_segment(now).await?;
        Ok(Replacement {
            store: self.clone(),
            now,
            segment,
            ids: self.index_state().await?.ids,
            next: 0,
            builder: Builder::new(),
            old: self.old().await?,
            met: RoaringBitmap::new(),
            updated: Vec::new(),
            bare: HashMap::new(),
            done: Replaced::default(),
        })
    }

    /// What the providers in use are.
    async fn old(&self) -> Result<Old, Error> {
        let mut old = Old::default();
        let mut times: HashMap<Times, u32> = HashMap::new();
        let mut after = -1;
        loop {
            let rows = self
                .query(
                    "SELECT id, npi, hash, first_seen_at, changed_at, source FROM providers
                     WHERE id > $1 ORDER BY id LIMIT 50000",
                    params![after],
                )
                .await?;
            let Some(last) = rows.last() else { break };
            after = last.int(0)?;
            for row in &rows {
                let its = Times {
                    first_seen: row.int(3)?,
                    changed: row.int(4)?,
                    source: row.int(5)?,
                };
                let next = u32::try_from(times.len()).unwrap_or(u32::MAX);
                let code = *times.entry(its).or_insert_with(|| {
                    old.times.push(its);
                    next
                });
                old.known.push((number(row.npi(1)?), code, row.int(2)?));
            }
        }
        old.known.sort_unstable();
        old.seen = vec![false; old.known.len()];
        Ok(old)
    }

    /// Clears away what an import that was broken off has left, and what one that has ended has
    /// put out of use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear_replacements(&self) -> Result<(), Error> {
        for table in [NEXT, OLD, NEXT_CHANGES] {
            if !self.has_table(table).await? {
                continue;
            }
            // A large table goes in pieces, so that nobody else waits for long.
            while table != NEXT_CHANGES && self.engine() == Engine::Sqlite {
                let mut tx = self.begin(Durability::Relaxed).await?;
                let sql = format!(
                    "DELETE FROM {table} WHERE id <=
                     (SELECT MIN(id) + {} FROM {table})",
                    GROUP * 4
                );
                let gone = tx.execute(sql, vec![]).await?;
                tx.commit().await?;
                if gone == 0 {
                    break;
                }
            }
            let mut tx = self.begin(Durability::Relaxed).await?;
            tx.script(format!("DROP TABLE IF EXISTS {table}")).await?;
            tx.commit().await?;
        }
        let mut tx = self.begin(Durability::Relaxed).await?;
        set_replacing(&mut tx, false).await?;
        tx.commit().await?;
        self.clear_segments().await
    }

    async fn has_table(&self, name: &str) -> Result<bool, Error> {
        let sql = match self.engine() {
            Engine::Sqlite => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1",
            Engine::Postgres => {
                "SELECT 1 FROM pg_tables WHERE tablename = $1 AND schemaname = current_schema()"
            }
        };
        Ok(self.first(sql, params![name]).await?.is_some())
    }
}

async fn set_replacing(tx: &mut Tx, replacing: bool) -> Result<(), Error> {
    tx.execute(
        "UPDATE index_state SET value = $1 WHERE name = 'replacing'",
        params![i64::from(replacing)],
    )
    .await?;
    Ok(())
}

fn number(npi: Npi) -> u32 {
    u32::try_from(npi.as_i64()).unwrap_or(u32::MAX)
}

impl Replacement {
    /// Adds providers. Gives the places in the batch of those whose NPI was added before; they
    /// are passed over.
    ///
    /// # Errors
    /// When the database fails. Then the replacement is of no more use.
    pub async fn add(&mut self, batch: Vec<Prepared>) -> Result<Vec<usize>, Error> {
        let mut again = Vec::new();
        let mut new = Vec::with_capacity(batch.len());
        for (place, prepared) in batch.into_iter().enumerate() {
            if !self.met.insert(number(prepared.npi)) {
                again.push(place);
            } else if prepared.bare && self.old.find(prepared.npi).is_some() {
                self.bare.insert(prepared.npi, prepared.deactivated_on);
            } else {
                new.push(prepared);
            }
        }
        self.load(new).await?;
        Ok(again)
    }

    async fn load(&mut self, batch: Vec<Prepared>) -> Result<(), Error> {
        let now = self.now.as_microsecond();
        let mut rows = Vec::with_capacity(batch.len());
        let mut described = Vec::with_capacity(batch.len());
        for new in batch {
            let id = self.next;
            self.next += 1;
            let times = match self.old.find(new.npi) {
                None => {
                    self.done.created += 1;
                    Times {
                        first_seen: now,
                        changed: now,
                        source: source_number(Source::FullFile),
                    }
                }
                Some((hash, times)) if hash == new.hash => {
                    self.done.unchanged += 1;
                    times
                }
                Some((_, times)) => {
                    self.done.updated += 1;
                    self.updated.push(new.npi);
                    Times {
                        changed: now,
                        ..times
                    }
                }
            };
            rows.push(params![
                i64::from(id),
                new.npi,
                new.hash,
                new.record,
                times.first_seen,
                times.changed,
                times.source
            ]);
            described.push((id, new.described));
        }
        let mut builder = std::mem::replace(&mut self.builder, Builder::new());
        let built = tokio::task::spawn_blocking(move || -> Result<Builder, Error> {
            for (id, described) in &described {
                builder.add(*id, described)?;
            }
            Ok(builder)
        });
        let mut tx = self.store.begin(Durability::Relaxed).await?;
        tx.load_providers(NEXT, rows).await?;
        tx.commit().await?;
        self.builder = built.await.map_err(|e| Error::Statement(Box::new(e)))??;
        let blobs = self.builder.take_blobs();
        self.store.write_blobs(self.segment, blobs, 0).await?;
        Ok(())
    }

    /// Whether a provider with this NPI was added.
    pub fn has(&self, npi: Npi) -> bool {
        self.met.contains(number(npi))
    }

    /// How many were added.
    pub fn len(&self) -> u64 {
        u64::from(self.next)
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// Puts the new providers in the place of those in use, and with them what was written
    /// meanwhile, and ends the import, whose last report `report` writes: all of it at once.
    ///
    /// # Errors
    /// When the database fails; then those in use stay as they are.
    pub async fn publish(
        mut self,
        import: &str,
        report: impl FnOnce(&Replaced) -> String + Send,
    ) -> Result<Replaced, Error> {
        self.keep_bare().await?;
        self.keep_unpublished().await?;
        let index = format!("providers_by_npi_{}", self.ids + 1);
        let mut tx = self.store.begin(Durability::Relaxed).await?;
        tx.script(format!("CREATE UNIQUE INDEX {index} ON {NEXT} (npi)"))
            .await?;
        if tx.engine() == Engine::Postgres {
            tx.script(format!("ALTER TABLE {NEXT} ADD PRIMARY KEY (id)"))
                .await?;
        }
        tx.commit().await?;
        self.compare().await?;
        let mut builder = std::mem::replace(&mut self.builder, Builder::new());
        let providers = i64::from(builder.len());
        loop {
            let finished = tokio::task::spawn_blocking(move || {
                let blobs = builder.finish_some();
                (builder, blobs)
            });
            let (rest, blobs) = finished.await.map_err(|e| Error::Statement(Box::new(e)))?;
            builder = rest;
            let Some(blobs) = blobs? else { break };
            self.store.write_blobs(self.segment, blobs, 0).await?;
        }
        let report = report(&self.done);
        self.swap(providers, import, &report).await?;
        self.store.clear_replacements().await?;
        Ok(self.done)
    }

    /// Takes over what was known of providers that are said to be out of service.
    async fn keep_bare(&mut self) -> Result<(), Error> {
        let bare = std::mem::take(&mut self.bare);
        let npis: Vec<i64> = bare.keys().map(|npi| npi.as_i64()).collect();
        for group in npis.chunks(GROUP as usize) {
            let mut prepared = Vec::with_capacity(group.len());
            for row in self.rows_of("providers", group).await? {
                let provider = read_provider(&row, 0)?;
                let on = bare.get(&provider.npi).copied().flatten();
                prepared.push(Prepared::new(&provider.out_of_service(on)));
            }
            self.load(prepared).await?;
        }
        Ok(())
    }

    /// Takes over the providers that the file does not have.
    async fn keep_unpublished(&mut self) -> Result<(), Error> {
        let missing: Vec<i64> = self
            .old
            .known
            .iter()
            .zip(&self.old.seen)
            .filter(|(_, seen)| !**seen)
            .map(|((npi, ..), _)| i64::from(*npi))
            .collect();
        for group in missing.chunks(GROUP as usize) {
            let mut prepared = Vec::with_capacity(group.len());
            for row in self.rows_of("providers", group).await? {
                let mut provider = read_provider(&row, 0)?;
                if provider.status == RecordStatus::Active {
                    provider.status = RecordStatus::Unpublished;
                    self.done.unpublished += 1;
                }
                prepared.push(Prepared::new(&provider));
            }
            let before = (self.done.updated, self.done.unchanged);
            self.load(prepared).await?;
            // They were not in the file, so they are no rows of it.
            (self.done.updated, self.done.unchanged) = before;
        }
        Ok(())
    }

    async fn rows_of(&self, table: &str, npis: &[i64]) -> Result<Vec<Row>, Error> {
        let among = self.store.engine().among("npi", "$1");
        let sql = format!("SELECT npi, record FROM {table} WHERE {among}");
        self.store
            .query(sql, vec![listed(npis.iter().copied())])
            .await
    }

    /// Writes down what changed of the providers that were known with another record.
    async fn compare(&mut self) -> Result<(), Error> {
        for group in std::mem::take(&mut self.updated).chunks(GROUP as usize) {
            let npis: Vec<i64> = group.iter().map(|npi| npi.as_i64()).collect();
            let mut before: HashMap<Npi, Provider> = HashMap::with_capacity(npis.len());
            for row in self.rows_of("providers", &npis).await? {
                let provider = read_provider(&row, 0)?;
                before.insert(provider.npi, provider);
            }
            let mut rows: Vec<Vec<Value>> = Vec::new();
            for row in self.rows_of(NEXT, &npis).await? {
                let after = read_provider(&row, 0)?;
                let Some(before) = before.get(&after.npi) else {
                    continue;
                };
                let changes = changes_between(before, &after, Source::FullFile, self.now);
                self.done.changes.add(&changes);
                rows.extend(changes.into_iter().map(change_row));
            }
            let mut tx = self.store.begin(Durability::Relaxed).await?;
            tx.insert(
                &format!(
                    "INSERT INTO {NEXT_CHANGES} (npi, at, kind, field, before, after, source)"
                ),
                "",
                rows,
            )
            .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn swap(&self, providers: i64, import: &str, report: &str) -> Result<(), Error> {
        let mut tx = self.store.begin(Durability::Full).await?;
        if tx.engine() == Engine::Postgres {
            tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
                .await?;
        }
        index::next(&mut tx, "ids").await?;
        index::next(&mut tx, "manifest").await?;
        let rows = tx
            .query(
                "SELECT p.npi, p.record FROM written_meanwhile w
                 JOIN providers p ON p.npi = w.npi ORDER BY p.npi",
                vec![],
            )
            .await?;
        let meanwhile = rows
            .iter()
            .map(|row| read_provider(row, 0))
            .collect::<Result<Vec<_>, _>>()?;
        tx.script(format!(
            "ALTER TABLE providers RENAME TO {OLD};
             ALTER TABLE {NEXT} RENAME TO providers;
             INSERT INTO changes SELECT * FROM {NEXT_CHANGES} WHERE 1 = 1
             ON CONFLICT (npi, at, field) DO NOTHING;
             DELETE FROM index_pending;
             DELETE FROM written_meanwhile"
        ))
        .await?;
        tx.execute(
            "UPDATE index_segments SET in_use = $1, built_until = $2 WHERE segment <> $3",
            params![false, self.now, self.segment],
        )
        .await?;
        tx.execute(
            "UPDATE index_segments SET in_use = $1, providers = $2 WHERE segment = $3",
            params![true, providers, self.segment],
        )
        .await?;
        set_replacing(&mut tx, false).await?;
        // What the registry said while the file was read is newer than the file.
        providers::write(&mut tx, &meanwhile, Source::Api, self.now).await?;
        super::runs::end(&mut tx, import, report, self.now).await?;
        tx.commit().await
    }
}

impl Old {
    /// Hash and times of an NPI, which is noted as met.
    fn find(&mut self, npi: Npi) -> Option<(i64, Times)> {
        let at = self
            .known
            .binary_search_by_key(&number(npi), |(npi, ..)| *npi)
            .ok()?;
        self.seen[at] = true;
        let (_, code, hash) = self.known[at];
        Some((hash, self.times[code as usize]))
    }
}
