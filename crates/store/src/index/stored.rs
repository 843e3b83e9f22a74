//! The list of segments and their blobs, as they are stored.
//!
//! Each change of the list is made under the lock of the index, moves the number `manifest`, and must
//! touch the rows that it means, or its transaction is given up.

use roaring::RoaringBitmap;

use super::{
    coding::{Blob, keys_of, segment_of},
    next,
};
use crate::{
    Error, Store,
    backend::{Durability, Tx},
    lock::Lock,
    value::params,
};

/// Bytes of blobs that are written at a time.
pub(super) const WRITTEN: usize = 4 << 20;
/// Blobs that are deleted at a time.
const DELETED: i64 = 1_000;
/// Blobs that are checked at a time.
const CHECKED: i64 = 64;

/// Who builds a segment, as stored. It is deleted only by whoever holds the lock of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltBy {
    /// A compaction or a rebuild, under the lock of the index.
    Index,
    /// An import, under the lock of imports.
    Load,
}

impl BuiltBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Load => "load",
        }
    }
}

impl Store {
    /// Takes a number for a segment. The number is safe from a crash of the server before anything
    /// is known by it, so that it is never given to another segment.
    pub(crate) async fn begin_segment(&self, by: BuiltBy) -> Result<i64, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let number = next(&mut tx, "segment").await?;
        tx.execute(
            "INSERT INTO index_segments (segment, providers, dead, in_use, built_until, builder)
             VALUES ($1, 0, $2, $3, $4, $5)",
            params![
                number,
                bitmap(&RoaringBitmap::new())?,
                false,
                // Nobody decides by a time any longer.
                jiff::Timestamp::UNIX_EPOCH,
                by.as_str()
            ],
        )
        .await?;
        tx.commit().await?;
        // A server that lost its last commits may give the number for the second time.
        lock(&self.index().sums).remove(&number);
        Ok(number)
    }

    /// Deletes the segments that one who held the lock of `by` has left unfinished. To be called by
    /// who holds it. Their blobs go with the next sweep.
    pub(crate) async fn delete_unfinished(&self, by: BuiltBy) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.execute(
            "DELETE FROM index_segments WHERE in_use = $1 AND builder = $2",
            params![false, by.as_str()],
        )
        .await?;
        tx.commit().await
    }

    /// Deletes blobs that belong to no segment, in pieces, so that nobody waits for long. What is
    /// being built is listed before its first blob is there.
    pub(crate) async fn sweep_index(&self, _lock: &Lock) -> Result<(), Error> {
        for segment in self.segments_of_blobs().await? {
            let keys = keys_of(segment);
            let listed = self
                .first(
                    "SELECT 1 FROM index_segments WHERE segment = $1",
                    params![segment],
                )
                .await?;
            while listed.is_none() {
                let mut tx = self.begin(Durability::Relaxed).await?;
                let gone = tx
                    .execute(
                        "DELETE FROM index_blobs WHERE key IN
                         (SELECT key FROM index_blobs WHERE key >= $1 AND key < $2 LIMIT $3)",
                        params![keys.start, keys.end, DELETED],
                    )
                    .await?;
                tx.commit().await?;
                if gone == 0 {
                    break;
                }
            }
        }
        Ok(())
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
            self.insert_blobs(&mut tx, segment, group).await?;
            tx.commit().await?;
        }
        Ok(blobs.collect())
    }

    pub(super) async fn insert_blobs(
        &self,
        tx: &mut Tx,
        segment: i64,
        blobs: Vec<Blob>,
    ) -> Result<(), Error> {
        let sum = blobs.iter().fold(0, |sum: i64, (key, data)| {
            sum.wrapping_add(checksum(*key, data))
        });
        let rows = blobs
            .into_iter()
            .map(|(key, data)| params![keys_of(segment).start + key, data])
            .collect();
        tx.insert("INSERT INTO index_blobs (key, data)", "", rows)
            .await?;
        let mut sums = lock(&self.index().sums);
        let all = sums.entry(segment).or_default();
        *all = all.wrapping_add(sum);
        Ok(())
    }

    /// Searches use a segment that this process has made from now on, but for what is dead in it.
    /// [`Error::LeaseLost`] when the segment is gone: then there is nothing to try again with.
    pub(crate) async fn put_in_use(
        &self,
        tx: &mut Tx,
        segment: i64,
        providers: u32,
        dead: &RoaringBitmap,
    ) -> Result<(), Error> {
        let sum = lock(&self.index().sums).get(&segment).copied();
        let touched = tx
            .execute(
                "UPDATE index_segments SET providers = $1, dead = $2, in_use = $3, checksum = $4
                 WHERE segment = $5 AND NOT in_use",
                params![i64::from(providers), bitmap(dead)?, true, sum, segment],
            )
            .await?;
        one(touched).map_err(|_| Error::LeaseLost)
    }

    /// Whether all blobs of a segment in use are as they were written; those of a segment without a
    /// checksum can't be told.
    pub(crate) async fn is_segment_whole(&self, segment: i64) -> Result<bool, Error> {
        let row = self
            .first(
                "SELECT checksum FROM index_segments WHERE segment = $1",
                params![segment],
            )
            .await?;
        let Some(wanted) = row.map(|row| row.int_opt(0)).transpose()?.flatten() else {
            return Ok(true);
        };
        let keys = keys_of(segment);
        let (mut from, mut sum) = (keys.start, 0i64);
        loop {
            let rows = self
                .query(
                    "SELECT key, data FROM index_blobs WHERE key >= $1 AND key < $2
                     ORDER BY key LIMIT $3",
                    params![from, keys.end, CHECKED],
                )
                .await?;
            let Some(last) = rows.last() else {
                return Ok(sum == wanted);
            };
            from = last.int(0)? + 1;
            for row in &rows {
                let key = row.int(0)? - keys.start;
                sum = sum.wrapping_add(checksum(key, row.bytes_at(1)?));
            }
        }
    }

    /// The segments of which there are blobs.
    pub(crate) async fn segments_of_blobs(&self) -> Result<Vec<i64>, Error> {
        let (mut segments, mut from) = (Vec::new(), 0);
        loop {
            let row = self
                .first(
                    "SELECT key FROM index_blobs WHERE key >= $1 ORDER BY key LIMIT 1",
                    params![from],
                )
                .await?;
            let Some(row) = row else {
                return Ok(segments);
            };
            let segment = segment_of(row.int(0)?);
            segments.push(segment);
            from = keys_of(segment).end;
        }
    }
}

/// Of a blob with its key; those of a segment are added up.
fn checksum(key: i64, data: &[u8]) -> i64 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(&key.to_le_bytes());
    hash.update(data);
    i64::from(hash.finalize())
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Moves the number of the list of segments on, which nobody else can then until the transaction
/// ends. [`Error::IndexMoved`] when the list is no longer the one that was read.
pub(crate) async fn hold_manifest(tx: &mut Tx, manifest: i64) -> Result<(), Error> {
    let held = tx
        .execute(
            "UPDATE index_state SET value = value + 1 WHERE name = 'manifest' AND value = $1",
            params![manifest],
        )
        .await?;
    one(held)
}

/// One row was to be touched, and was.
fn one(touched: u64) -> Result<(), Error> {
    if touched == 1 {
        Ok(())
    } else {
        Err(Error::IndexMoved)
    }
}

/// What is dead in a segment that is in use.
pub(crate) async fn set_dead(tx: &mut Tx, segment: i64, dead: &RoaringBitmap) -> Result<(), Error> {
    let touched = tx
        .execute(
            "UPDATE index_segments SET dead = $1 WHERE segment = $2 AND in_use",
            params![bitmap(dead)?, segment],
        )
        .await?;
    one(touched)
}

/// Takes a segment out of use. Its blobs go with the next sweep.
pub(super) async fn delete_segment(tx: &mut Tx, segment: i64) -> Result<(), Error> {
    let touched = tx
        .execute(
            "DELETE FROM index_segments WHERE segment = $1 AND in_use",
            params![segment],
        )
        .await?;
    one(touched)
}

pub(crate) fn bitmap(set: &RoaringBitmap) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes)?;
    Ok(bytes)
}
