//! Compaction: makes segments of providers that none describes yet, together with small ones; and
//! builds the whole index anew.
//!
//! One process at a time does either, or publishes segments of an import, under the lock of the
//! index. What a holder before has left unfinished belongs to nobody, and the next one deletes it.
//! Should the lock be lost on the way, the number `manifest` tells: it moves with each change of the
//! list of segments, and who finds it moved gives up what it has built.

use roaring::RoaringBitmap;

use super::{
    add_to,
    build::{Builder, Described},
    coding::Blob,
    read_id, read_provider,
    stored::{BuiltBy, WRITTEN, delete_segment, hold_manifest, set_dead},
    terms::TERMS,
    view::Portion,
};
use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx, listed},
    lock::LockName,
    providers::WRITERS,
    value::{Row, Value, params},
};

/// So many providers that no segment describes become one.
const PENDING: u64 = 4_096;
/// Segments of about one size before they become one. A level's are this many times larger than
/// those of the one below.
const OF_A_SIZE: u64 = 4;
/// At the end of a bulk write a segment becomes one with the smaller ones when together they are
/// at least this fraction of it.
const WORTH_MERGING: u64 = 8;
/// Segments of more providers are only made anew by a rebuild.
const MAX_MERGED: u64 = 2_000_000;
/// Providers that are read at a time.
const READ: usize = 2_000;
/// How often a compaction whose lock was lost begins again.
const TRIES: u32 = 3;

/// Which providers a compaction reads.
enum Wanted {
    /// These.
    Ids(RoaringBitmap),
    /// All there are.
    All,
}

impl Store {
    /// Brings the search index in good shape: after much was written, at the end of a sync or an
    /// import. It ends at what was written when it began, and leaves it to whoever is at it already.
    /// Searches see all that was written without it too, but slower.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle(&self) -> Result<(), Error> {
        let compacting = self.index().settling.lock().await;
        let Some(lock) = self.lock_unless_busy(LockName::Index).await? else {
            return Ok(());
        };
        for _ in 0..TRIES {
            match self.compact(true).await {
                Err(Error::IndexMoved) => {}
                done => {
                    done?;
                    break;
                }
            }
        }
        self.sweep_index(&lock).await?;
        drop((lock, compacting));
        // The engine plans what it does itself by what it knows of its tables. PostgreSQL commits
        // after each table, so that no lock is held over all of them.
        match self.engine() {
            Engine::Postgres => self.query("ANALYZE", vec![]).await.map(drop),
            Engine::Sqlite => {
                let mut tx = self.begin(Durability::Relaxed).await?;
                tx.script("ANALYZE".into()).await?;
                tx.commit().await
            }
        }
    }

    /// Compacts in the background when enough was written and nobody does.
    pub(crate) fn settle_soon(&self) {
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_compacting) = store.index().settling.try_lock() else {
                return;
            };
            if let Err(error) = store.compact_what_is_due().await {
                tracing::warn!(%error, "the search index could not be compacted");
            }
        });
    }

    async fn compact_what_is_due(&self) -> Result<(), Error> {
        let pending = u64::try_from(self.index_state().await?.pending).unwrap_or(0);
        if pending < PENDING {
            return Ok(());
        }
        let Some(lock) = self.try_lock(LockName::Index).await? else {
            return Ok(());
        };
        while self.compact(false).await? {}
        self.sweep_index(&lock).await
    }

    /// Makes one segment under the lock of the index; false when there is nothing to do.
    async fn compact(&self, all: bool) -> Result<bool, Error> {
        self.delete_unfinished(BuiltBy::Index).await?;
        let state = self.index_state().await?;
        let portions = self.stored_portions(None).await?;
        let rows = self
            .query("SELECT id, written FROM index_pending", vec![])
            .await?;
        let mut pending = RoaringBitmap::new();
        let mut upto = 0;
        for row in &rows {
            pending.insert(read_id(row, 0)?);
            upto = upto.max(row.int(1)?);
        }
        let (merged, kept) = choose(portions, pending.len(), all);
        if merged.is_empty() && (pending.is_empty() || (!all && pending.len() < PENDING)) {
            return Ok(false);
        }
        let mut ids = pending;
        for Portion { segment, dead, .. } in &merged {
            let mut alive = RoaringBitmap::new();
            alive.insert_range(0..segment.len);
            alive -= &**dead;
            ids |= segment.ids_at(&alive);
        }
        let number = self.begin_segment(BuiltBy::Index).await?;
        let builder = self.fill(number, "providers", Wanted::Ids(ids)).await?;
        let providers = builder.len();
        let rest = self.finish_segment(number, builder).await?;

        let mut tx = self.begin(Durability::Relaxed).await?;
        hold_writers(&mut tx).await?;
        hold_manifest(&mut tx, state.manifest).await?;
        self.insert_blobs(&mut tx, number, rest).await?;
        for Portion { segment, .. } in &merged {
            delete_segment(&mut tx, segment.number).await?;
        }
        // What was written again meanwhile stays, and hides what any segment says of it.
        let described = delete_pending(&mut tx, upto).await?;
        for Portion { segment, dead, .. } in &kept {
            let more = segment.positions(&described);
            if !more.is_subset(dead) {
                set_dead(&mut tx, segment.number, &(&**dead | &more)).await?;
            }
        }
        self.put_in_use(&mut tx, number, providers, &RoaringBitmap::new())
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Builds the whole search index anew from the providers, and takes the place of what is there.
    /// Searches go on meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rebuild_index(&self) -> Result<u64, Error> {
        let _compacting = self.index().settling.lock().await;
        let lock = self.lock(LockName::Index).await?;
        for _ in 0..TRIES {
            match self.build_anew().await {
                Err(Error::IndexMoved) => {}
                done => {
                    let providers = done?;
                    self.sweep_index(&lock).await?;
                    return Ok(providers);
                }
            }
        }
        Err(Error::IndexMoved)
    }

    /// Builds the index anew where its terms are of an earlier version. Who opens the database beside
    /// somebody who does that already goes on, and finds less until it is done.
    pub(crate) async fn renew_terms(&self) -> Result<(), Error> {
        let is_current = self.index_state().await?.terms == TERMS;
        if is_current || self.try_lock(LockName::Index).await?.is_none() {
            return Ok(());
        }
        tracing::info!("the search index is built anew for this version of canvass, once");
        self.rebuild_index().await.map(drop)
    }

    async fn build_anew(&self) -> Result<u64, Error> {
        self.delete_unfinished(BuiltBy::Index).await?;
        let state = self.index_state().await?;
        let number = self.begin_segment(BuiltBy::Index).await?;
        let builder = self.fill(number, "providers", Wanted::All).await?;
        let providers = builder.len();
        let rest = self.finish_segment(number, builder).await?;

        let mut tx = self.begin(Durability::Relaxed).await?;
        hold_writers(&mut tx).await?;
        hold_manifest(&mut tx, state.manifest).await?;
        self.insert_blobs(&mut tx, number, rest).await?;
        let old = tx
            .query("SELECT segment FROM index_segments WHERE in_use", vec![])
            .await?;
        for row in &old {
            delete_segment(&mut tx, row.int(0)?).await?;
        }
        // What was written since the beginning may have been read before, and stays pending.
        delete_pending(&mut tx, state.written).await?;
        self.put_in_use(&mut tx, number, providers, &RoaringBitmap::new())
            .await?;
        for sql in [
            "UPDATE index_state SET value = (SELECT COUNT(*) FROM providers)
             WHERE name = 'providers'",
            "UPDATE index_state SET value = (SELECT COUNT(*) FROM index_pending)
             WHERE name = 'pending'",
        ] {
            tx.execute(sql, vec![]).await?;
        }
        tx.execute(
            "UPDATE index_state SET value = $1 WHERE name = 'terms'",
            params![TERMS],
        )
        .await?;
        tx.commit().await?;
        Ok(u64::from(providers))
    }

    /// Builds the index anew in the background, because it was found broken.
    pub(super) fn mend_soon(&self) {
        use std::sync::atomic::Ordering;
        if self.index().mending.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            match store.rebuild_index().await {
                Ok(providers) => tracing::info!(providers, "the search index was built anew"),
                Err(error) => tracing::error!(%error, "the search index could not be built anew"),
            }
            store.index().mending.store(false, Ordering::Release);
        });
    }

    /// A builder with providers of a table.
    async fn fill(&self, number: i64, table: &str, wanted: Wanted) -> Result<Builder, Error> {
        let mut builder = Builder::new();
        let mut group = Groups::new(self.engine(), table, wanted);
        while let Some((sql, values)) = group.next() {
            let rows = self.query(crate::Sql::kept(sql), values).await?;
            group.read(&rows)?;
            let added = tokio::task::spawn_blocking(move || -> Result<Builder, Error> {
                for row in &rows {
                    builder.add(read_id(row, 0)?, &Described::new(&read_provider(row, 1)?))?;
                }
                Ok(builder)
            });
            builder = added.await.map_err(|e| Error::Statement(Box::new(e)))??;
            let blobs = builder.take_blobs();
            self.write_blobs(number, blobs, 0).await?;
        }
        Ok(builder)
    }

    /// A builder with some providers of a table, by id.
    pub(crate) async fn fill_from(
        &self,
        number: i64,
        table: &str,
        ids: RoaringBitmap,
    ) -> Result<Builder, Error> {
        self.fill(number, table, Wanted::Ids(ids)).await
    }

    /// Writes most of the rest of a segment, and gives back its last blobs.
    pub(crate) async fn finish_segment(
        &self,
        number: i64,
        mut builder: Builder,
    ) -> Result<Vec<Blob>, Error> {
        let mut last = Vec::new();
        loop {
            let finished = tokio::task::spawn_blocking(move || {
                let blobs = builder.finish_some();
                (builder, blobs)
            });
            let (rest, blobs) = finished.await.map_err(|e| Error::Statement(Box::new(e)))?;
            builder = rest;
            let Some(blobs) = blobs? else {
                return Ok(last);
            };
            self.write_blobs(number, std::mem::take(&mut last), 0)
                .await?;
            last = self.write_blobs(number, blobs, WRITTEN).await?;
        }
    }
}

/// Keeps everybody from writing providers until the transaction ends, so that what it counts is
/// what there is. The embedded engine has one writer at a time.
async fn hold_writers(tx: &mut Tx) -> Result<(), Error> {
    if tx.engine() == Engine::Postgres {
        tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
            .await?;
    }
    Ok(())
}

/// Reads providers in groups, in the order of their ids.
struct Groups {
    sql: String,
    left: Left,
}

enum Left {
    Ids(RoaringBitmap),
    After(i64),
    Nothing,
}

impl Groups {
    fn new(engine: Engine, table: &str, wanted: Wanted) -> Self {
        let columns = format!("SELECT id, npi, record FROM {table}");
        match wanted {
            Wanted::Ids(ids) => {
                let among = engine.among("id", "$1");
                Self {
                    sql: format!("{columns} WHERE {among} ORDER BY id"),
                    left: Left::Ids(ids),
                }
            }
            Wanted::All => Self {
                sql: format!("{columns} WHERE id > $1 ORDER BY id LIMIT {READ}"),
                left: Left::After(-1),
            },
        }
    }

    fn next(&mut self) -> Option<(String, Vec<Value>)> {
        let values = match &mut self.left {
            Left::Nothing => return None,
            Left::After(id) => params![*id],
            Left::Ids(ids) => {
                let group: RoaringBitmap = ids.iter().take(READ).collect();
                let last = group.max()?;
                ids.remove_range(..=last);
                vec![listed(group.iter().map(i64::from))]
            }
        };
        Some((self.sql.clone(), values))
    }

    /// Takes in what a group had.
    fn read(&mut self, rows: &[Row]) -> Result<(), Error> {
        if let Left::After(id) = &mut self.left {
            match rows.last() {
                Some(row) => *id = row.int(0)?,
                None => self.left = Left::Nothing,
            }
        }
        Ok(())
    }
}

/// Takes off the list of pending providers what was written up to a number; gives their ids.
async fn delete_pending(tx: &mut Tx, upto: i64) -> Result<RoaringBitmap, Error> {
    let rows = tx
        .query(
            "DELETE FROM index_pending WHERE written <= $1 RETURNING id",
            params![upto],
        )
        .await?;
    let gone = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    add_to(tx, "pending", -gone).await?;
    rows.iter().map(|row| read_id(row, 0)).collect()
}

/// Which segments become one with what no segment describes, and which stay.
fn choose(portions: Vec<Portion>, pending: u64, all: bool) -> (Vec<Portion>, Vec<Portion>) {
    let alive = |p: &Portion| u64::from(p.segment.len) - p.dead.len();
    let level = |n: u64| (n / PENDING).max(1).ilog(OF_A_SIZE);
    let mut total = pending;
    let (mut merged, mut kept) = (Vec::new(), portions);
    kept.sort_by_key(|p| std::cmp::Reverse(alive(p)));
    if all {
        while let Some(last) = kept.pop_if(|p| {
            let is_first = merged.is_empty() && pending == 0;
            let is_small = alive(p) <= total * WORTH_MERGING;
            (is_first || is_small) && alive(p) + total <= MAX_MERGED
        }) {
            total += alive(&last);
            merged.push(last);
        }
        // One alone is only made anew when much of it is dead.
        if pending == 0
            && let [only] = merged.as_slice()
            && only.dead.len() * WORTH_MERGING < alive(only).max(1)
        {
            kept.append(&mut merged);
            return (merged, kept);
        }
    }
    // From the smallest on, each level that is full with what comes up from below.
    loop {
        let reached = level(total);
        let same = kept.iter().filter(|p| level(alive(p)) <= reached).count() as u64;
        if same + u64::from(total > 0) < OF_A_SIZE || same == 0 {
            return (merged, kept);
        }
        while let Some(last) = kept.pop_if(|p| level(alive(p)) <= reached) {
            total += alive(&last);
            merged.push(last);
        }
    }
}
