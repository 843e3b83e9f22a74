//! Staging what a full file changes.

use std::collections::HashMap;

use canvass_model::{Change, Door, Npi, Provider, changes_between};
use jiff::Timestamp;
use roaring::RoaringBitmap;

use super::{
    GROUP, IDS, Known, KnownRow, NEXT, NEXT_CHANGES, OLD, Prepared, Replaced, Replacement, SOURCE,
    number,
};
use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx, listed},
    index::{self, Builder, BuiltBy, Described, read_provider},
    lock::LockName,
    providers::{WRITERS, change_row, source_number},
    record,
    value::{Value, params},
};

/// A known provider with the record that replaces what is known of it.
pub(super) struct Changed {
    pub(super) row: KnownRow,
    new: Provider,
    record: Vec<u8>,
    hash: i64,
    pub(super) changes: Vec<Change>,
}

impl Changed {
    /// What becomes of a known provider of which a full file says this; nothing when what is known
    /// stays.
    pub(super) fn of(row: KnownRow, new: &Provider, door: &Door, now: Timestamp) -> Option<Self> {
        let replacing = new.onto(&row.provider, door);
        (replacing != row.provider).then(|| Self::new(row, replacing, now))
    }

    pub(super) fn new(row: KnownRow, new: Provider, now: Timestamp) -> Self {
        let record = record::encode(&new);
        let hash = record::hash(&record);
        let changes = changes_between(&row.provider, &new, SOURCE, now);
        Self {
            row,
            new,
            record,
            hash,
            changes,
        }
    }

    fn values(&self, now: Timestamp) -> Vec<Value> {
        params![
            self.row.id,
            self.new.npi,
            self.hash,
            self.record.clone(),
            self.row.first_seen_at,
            now.as_microsecond(),
            self.row.source
        ]
    }
}

impl Store {
    /// Begins to load a full file. The caller holds the turn
    /// of imports; what is left of a load that was broken off goes away. With `dry_run` nothing is
    /// written and no turn is needed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_providers(
        &self,
        door: Door,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Replacement, Error> {
        let mut segment = 0;
        if !dry_run {
            self.clear_replacements().await?;
            self.begin_staging().await?;
            segment = self.begin_segment(BuiltBy::Load).await?;
        }
        Ok(Replacement {
            store: self.clone(),
            now,
            dry_run,
            known: self.known().await?,
            met: RoaringBitmap::new(),
            rows: 0,
            doubles: Vec::new(),
            segment,
            builder: Builder::new(),
            free: 0..0,
            created: RoaringBitmap::new(),
            changed: RoaringBitmap::new(),
            unpublished: RoaringBitmap::new(),
            door,
            latest: None,
            done: Replaced::default(),
        })
    }

    async fn begin_staging(&self) -> Result<(), Error> {
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
        tx.commit().await
    }

    /// What the providers in use are.
    async fn known(&self) -> Result<Known, Error> {
        let mut known = Known::default();
        let mut after = -1;
        loop {
            let rows = self
                .query(
                    "SELECT id, npi, hash FROM providers WHERE id > $1 ORDER BY id LIMIT 50000",
                    params![after],
                )
                .await?;
            let Some(last) = rows.last() else { break };
            after = last.int(0)?;
            for row in &rows {
                let id = index::read_id(row, 0)?;
                known.all.push((number(row.npi(1)?), id, row.int(2)?));
            }
        }
        known.all.sort_unstable();
        Ok(known)
    }

    /// The rows of some known NPIs.
    pub(super) async fn known_rows(&self, npis: &[i64]) -> Result<HashMap<Npi, KnownRow>, Error> {
        let among = self.engine().among("npi", "$1");
        let sql =
            format!("SELECT id, npi, record, first_seen_at, source FROM providers WHERE {among}");
        let npis = listed(npis.iter().copied());
        let rows = self.query(crate::Sql::kept(sql), vec![npis]).await?;
        rows.iter()
            .map(|row| {
                let row = KnownRow {
                    id: row.int(0)?,
                    provider: read_provider(row, 1)?,
                    first_seen_at: row.int(3)?,
                    source: row.int(4)?,
                };
                Ok((row.provider.npi, row))
            })
            .collect()
    }

    /// Clears away what a load that was broken off has left, and what one that has ended has put
    /// out of use. To be called by who holds the turn of imports.
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
                     (SELECT MAX(id) FROM (SELECT id FROM {table} ORDER BY id LIMIT {}))",
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
        self.delete_unfinished(BuiltBy::Load).await?;
        // Where somebody else has the index, they sweep it.
        if let Some(lock) = self.try_lock(LockName::Index).await? {
            self.sweep_index(&lock).await?;
        }
        Ok(())
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

pub(super) async fn set_replacing(tx: &mut Tx, replacing: bool) -> Result<(), Error> {
    tx.execute(
        "UPDATE index_state SET value = $1 WHERE name = 'replacing'",
        params![i64::from(replacing)],
    )
    .await?;
    Ok(())
}

impl Replacement {
    /// Stages new providers, and others with the record that replaces what is known.
    pub(super) async fn stage(
        &mut self,
        new: Vec<Prepared>,
        changed: Vec<Changed>,
    ) -> Result<(), Error> {
        self.done.created += new.len() as u64;
        if self.dry_run || (new.is_empty() && changed.is_empty()) {
            return Ok(());
        }
        let now = self.now.as_microsecond();
        let mut rows = Vec::with_capacity(new.len() + changed.len());
        let mut described = Vec::with_capacity(new.len());
        for new in new {
            let id = self.next_id().await?;
            self.created.insert(id);
            rows.push(params![
                i64::from(id),
                new.npi,
                new.hash,
                new.record,
                now,
                now,
                source_number(SOURCE)
            ]);
            described.push((id, new.described));
        }
        let mut changes = Vec::new();
        for one in changed {
            if let Ok(id) = u32::try_from(one.row.id) {
                self.changed.insert(id);
            }
            rows.push(one.values(self.now));
            changes.extend(one.changes.into_iter().map(change_row));
        }
        let built = self.describe(described);
        let mut tx = self.store.begin(Durability::Relaxed).await?;
        tx.load_providers(NEXT, rows).await?;
        insert_changes(&mut tx, changes).await?;
        tx.commit().await?;
        self.builder = built.await.map_err(|e| Error::Statement(Box::new(e)))??;
        let blobs = self.builder.take_blobs();
        self.store.write_blobs(self.segment, blobs, 0).await?;
        Ok(())
    }

    /// Adds new providers to the segment, on another thread.
    fn describe(
        &mut self,
        described: Vec<(u32, Described)>,
    ) -> tokio::task::JoinHandle<Result<Builder, Error>> {
        let mut builder = std::mem::replace(&mut self.builder, Builder::new());
        tokio::task::spawn_blocking(move || {
            for (id, described) in &described {
                builder.add(*id, described)?;
            }
            Ok(builder)
        })
    }

    /// An id for a new provider. Those that are taken and not used are nobody's for good.
    async fn next_id(&mut self) -> Result<u32, Error> {
        if self.free.is_empty() {
            let mut tx = self.store.begin(Durability::Full).await?;
            let first = index::take_ids(&mut tx, IDS).await?;
            tx.commit().await?;
            let count = u32::try_from(IDS).unwrap_or(u32::MAX);
            self.free = first..first.saturating_add(count);
        }
        let id = self.free.start;
        self.free.start += 1;
        Ok(id)
    }

    /// Makes what is staged findable by NPI and by id.
    pub(super) async fn index_staged(&self) -> Result<(), Error> {
        let mut tx = self.store.begin(Durability::Relaxed).await?;
        // Its name is that of no index of the table in use, whose place it may take.
        let index = format!("providers_by_npi_{}", self.segment);
        tx.script(format!("CREATE UNIQUE INDEX {index} ON {NEXT} (npi)"))
            .await?;
        if tx.engine() == Engine::Postgres {
            tx.script(format!("ALTER TABLE {NEXT} ADD PRIMARY KEY (id)"))
                .await?;
        }
        tx.commit().await
    }

    /// Lets a row take the place of an earlier one with the same NPI, if its last update is later.
    pub(super) async fn take_over(&mut self, prepared: &Prepared) -> Result<bool, Error> {
        let npi = prepared.npi;
        let later = prepared.provider()?;
        let sql = format!("SELECT id, npi, record, source FROM {NEXT} WHERE npi = $1");
        let staged = self.store.first(sql, params![npi]).await?;
        let mut known = self.store.known_rows(&[npi.as_i64()]).await?;
        let first = match &staged {
            Some(row) => read_provider(row, 1)?,
            None => match known.get(&npi) {
                Some(row) => row.provider.clone(),
                None => return Ok(false),
            },
        };
        if later.updated_on <= first.updated_on {
            return Ok(false);
        }
        let (values, changes) = match (known.remove(&npi), &staged) {
            (Some(row), _) => match Changed::of(row, &later, &self.door, self.now) {
                Some(one) => (one.values(self.now), one.changes),
                None => return Ok(false),
            },
            (None, Some(row)) => {
                let now = self.now.as_microsecond();
                let values = params![
                    row.int(0)?,
                    npi,
                    prepared.hash,
                    prepared.record.clone(),
                    now,
                    now,
                    row.int(3)?
                ];
                (values, Vec::new())
            }
            (None, None) => return Ok(false),
        };
        if staged.is_none() {
            self.done.unchanged = self.done.unchanged.saturating_sub(1);
            self.done.updated += 1;
        }
        let id = match values.first() {
            Some(Value::Int(id)) => u32::try_from(*id).ok(),
            _ => None,
        };
        self.changed
            .insert(id.ok_or_else(|| Error::corrupt("the id of a provider"))?);
        let mut tx = self.store.begin(Durability::Relaxed).await?;
        let sql = format!("DELETE FROM {NEXT} WHERE npi = $1");
        tx.execute(crate::Sql::kept(sql), params![npi]).await?;
        let sql = format!("DELETE FROM {NEXT_CHANGES} WHERE npi = $1");
        tx.execute(crate::Sql::kept(sql), params![npi]).await?;
        tx.load_providers(NEXT, vec![values]).await?;
        insert_changes(&mut tx, changes.into_iter().map(change_row).collect()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn insert_changes(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<(), Error> {
    tx.insert(
        &format!("INSERT INTO {NEXT_CHANGES} (npi, at, kind, field, before, after, source)"),
        "",
        rows,
    )
    .await?;
    Ok(())
}
