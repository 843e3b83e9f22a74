//! Makes segments: of providers that none describes yet, together with the small ones.

use jiff::{SignedDuration, Timestamp};
use roaring::RoaringBitmap;

use super::{
    build::{Builder, Described},
    coding::{Blob, keys_of},
    next, read_id, read_provider,
    view::Portion,
};
use crate::{
    Error, Store,
    backend::{Durability, Tx, listed},
    value::{Value, params},
};

/// So many providers that no segment describes become one.
const PENDING: u64 = 4_096;
/// Segments of about one size before they become one. A level's are this many times larger than
/// those of the one below.
const OF_A_SIZE: u64 = 4;
/// Up to so many providers stand in a single segment when all has to be settled.
const ONE_SEGMENT: u64 = 2_000_000;
/// Providers that are read at a time.
const READ: usize = 2_000;
/// Bytes of blobs that are written at a time.
const WRITTEN: usize = 4 << 20;
/// After this time a segment that is still being built was given up by its builder.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(2);

impl Store {
    /// Brings the search index in good shape: after much was written, at the end of a sync or an
    /// import. Searches see all that was written without it too, but slower.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle(&self, now: Timestamp) -> Result<(), Error> {
        let settling = self.index().settling.lock().await;
        while self.settle_once(now, true).await? {}
        drop(settling);
        // The engine plans what it does itself by what it knows of its tables.
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.script("ANALYZE".into()).await?;
        tx.commit().await
    }

    /// Settles in the background when enough was written and nobody in this process does.
    pub(crate) fn settle_soon(&self, now: Timestamp) {
        let store = self.clone();
        tokio::spawn(async move {
            let Ok(_settling) = store.index().settling.try_lock() else {
                return;
            };
            loop {
                match store.settle_once(now, false).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        tracing::warn!(%error, "the search index could not be settled");
                        return;
                    }
                }
            }
        });
    }

    /// Makes one segment; false when there is nothing to do.
    async fn settle_once(&self, now: Timestamp, all: bool) -> Result<bool, Error> {
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
        let mut ids = pending.clone();
        for Portion { segment, dead } in &merged {
            let mut alive = RoaringBitmap::new();
            alive.insert_range(0..segment.len);
            alive -= &**dead;
            ids |= segment.ids_at(&alive);
        }
        let number = self.begin_segment(now).await?;
        let builder = self.fill(number, &ids).await?;
        let providers = i64::from(builder.len());
        let blobs = tokio::task::spawn_blocking(move || builder.finish())
            .await
            .map_err(|e| Error::Statement(Box::new(e)))??;
        let rest = self.write_blobs(number, blobs, WRITTEN).await?;

        let mut tx = self.begin(Durability::Relaxed).await?;
        let moved = tx
            .execute(
                "UPDATE index_state SET value = value + 1
                 WHERE name = 'manifest' AND value = $1",
                params![state.manifest],
            )
            .await?;
        if moved == 0 {
            // Somebody else was quicker; what was built is of no use.
            remove(&mut tx, &[number]).await?;
            tx.commit().await?;
            return Ok(true);
        }
        insert_blobs(&mut tx, number, rest).await?;
        tx.execute(
            "UPDATE index_segments SET providers = $1, in_use = $2 WHERE segment = $3",
            params![providers, true, number],
        )
        .await?;
        let merged: Vec<i64> = merged.iter().map(|p| p.segment.number).collect();
        remove(&mut tx, &merged).await?;
        for Portion { segment, dead } in &kept {
            let more = segment.positions(&pending);
            if !more.is_subset(dead) {
                tx.execute(
                    "UPDATE index_segments SET dead = $1 WHERE segment = $2",
                    params![bitmap(&(&**dead | &more))?, segment.number],
                )
                .await?;
            }
        }
        // What was written again meanwhile stays.
        tx.execute(
            "DELETE FROM index_pending WHERE written <= $1",
            params![upto],
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a number for a segment, and clears away what was given up.
    pub(crate) async fn begin_segment(&self, now: Timestamp) -> Result<i64, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let rows = tx
            .query(
                "SELECT segment FROM index_segments WHERE in_use = $1 AND built_until < $2",
                params![false, now],
            )
            .await?;
        let given_up = rows
            .iter()
            .map(|row| row.int(0))
            .collect::<Result<Vec<_>, _>>()?;
        remove(&mut tx, &given_up).await?;
        let number = next(&mut tx, "segment").await?;
        tx.execute(
            "INSERT INTO index_segments (segment, providers, dead, in_use, built_until)
             VALUES ($1, 0, $2, $3, $4)",
            params![
                number,
                bitmap(&RoaringBitmap::new())?,
                false,
                now + GIVEN_UP
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Clears away segments that nobody is going to use, in pieces.
    pub(crate) async fn clear_segments(&self) -> Result<(), Error> {
        let rows = self
            .query(
                "SELECT segment FROM index_segments WHERE NOT in_use",
                vec![],
            )
            .await?;
        for row in &rows {
            let segment = row.int(0)?;
            let keys = keys_of(segment);
            loop {
                let mut tx = self.begin(Durability::Relaxed).await?;
                let gone = tx
                    .execute(
                        "DELETE FROM index_blobs WHERE key IN
                         (SELECT key FROM index_blobs WHERE key >= $1 AND key < $2 LIMIT 1000)",
                        params![keys.start, keys.end],
                    )
                    .await?;
                if gone == 0 {
                    remove(&mut tx, &[segment]).await?;
                }
                tx.commit().await?;
                if gone == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A builder with the providers of some ids.
    async fn fill(&self, number: i64, ids: &RoaringBitmap) -> Result<Builder, Error> {
        let mut builder = Builder::new();
        let mut ids = ids.iter();
        let among = self.engine().among("id", "$1");
        let sql = format!("SELECT id, npi, record FROM providers WHERE {among} ORDER BY id");
        loop {
            let group = listed(ids.by_ref().take(READ).map(i64::from));
            if group == Value::Text(String::new()) {
                return Ok(builder);
            }
            let rows = self
                .query(crate::Sql::kept(sql.clone()), vec![group])
                .await?;
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
    }

    /// Writes blobs in small transactions, and gives back the last ones, of up to `left` bytes.
    pub(crate) async fn write_blobs(
        &self,
        segment: i64,
        blobs: Vec<Blob>,
        left: usize,
    ) -> Result<Vec<Blob>, Error> {
        let mut bytes: usize = blobs.iter().map(|(_, data)| data.len()).sum();
        let mut blobs = blobs.into_iter();
        while bytes > left {
            let mut group = Vec::new();
            let mut size = 0;
            while size < WRITTEN {
                let Some(blob) = blobs.next() else { break };
                size += blob.1.len();
                group.push(blob);
            }
            if group.is_empty() {
                break;
            }
            bytes -= size;
            let mut tx = self.begin(Durability::Relaxed).await?;
            insert_blobs(&mut tx, segment, group).await?;
            tx.commit().await?;
        }
        Ok(blobs.collect())
    }
}

pub(crate) fn bitmap(set: &RoaringBitmap) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes)?;
    Ok(bytes)
}

async fn insert_blobs(tx: &mut Tx, segment: i64, blobs: Vec<Blob>) -> Result<(), Error> {
    tx.insert(
        "INSERT INTO index_blobs (key, data)",
        "",
        blobs
            .into_iter()
            .map(|(key, data)| params![keys_of(segment).start + key, data])
            .collect(),
    )
    .await?;
    Ok(())
}

/// Removes segments.
pub(crate) async fn remove(tx: &mut Tx, segments: &[i64]) -> Result<(), Error> {
    for segment in segments {
        let keys = keys_of(*segment);
        tx.execute(
            "DELETE FROM index_blobs WHERE key >= $1 AND key < $2",
            params![keys.start, keys.end],
        )
        .await?;
        tx.execute(
            "DELETE FROM index_segments WHERE segment = $1",
            params![*segment],
        )
        .await?;
    }
    Ok(())
}

/// Which segments become one with what no segment describes, and which stay.
fn choose(portions: Vec<Portion>, pending: u64, all: bool) -> (Vec<Portion>, Vec<Portion>) {
    let alive = |p: &Portion| u64::from(p.segment.len) - p.dead.len();
    if all {
        let total: u64 = portions.iter().map(alive).sum();
        let in_shape = pending == 0 && portions.len() <= 1;
        if !in_shape && total + pending <= ONE_SEGMENT {
            return (portions, Vec::new());
        }
    }
    let level = |n: u64| (n / PENDING).max(1).ilog(OF_A_SIZE);
    let mut total = pending;
    let (mut merged, mut kept) = (Vec::new(), portions);
    kept.sort_by_key(|p| std::cmp::Reverse(alive(p)));
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
