//! The search index: for everything that providers can be found by, the set of those that are.
//!
//! It is made of *segments*, each of which describes some providers as they were when it was
//! built, and never changes: `terms` says by what a provider is found, `build` makes a segment,
//! `coding`, `valued` and `phones` know its bytes, `segment` reads it. A provider that is written
//! goes on the list of those that no segment describes yet, in the transaction that writes it;
//! whoever searches describes these in memory (`view`), so that a search sees all that was
//! committed. From time to time they become a segment, and small segments one large one (`settle`).
//! What is dead in a segment was described anew since.
//!
//! A search is a `question` that is put to each segment and gives sets of positions; counting is
//! their size, and a page of an order is a `walk` along it. Both engines store the same bytes and
//! run the same code.

mod answer;
mod bits;
mod build;
mod cache;
mod coding;
mod follow;
mod leads;
mod order;
mod phones;
mod question;
mod segment;
mod settle;
mod shared;
mod stored;
mod terms;
mod typed;
mod valued;
mod view;
mod walk;

use std::collections::HashMap;

use canvass_model::{Cursor, LeadStatus, Npi, Provider};
use futures_util::future::try_join_all;

pub(crate) use answer::Answer;
pub(crate) use build::{Builder, Described};
use coding::keys_of;
pub(crate) use question::{Question, entity, in_zips, of_filter, one_of, same_practice, status};
pub(crate) use segment::{Keep, Scan, Segment};
pub(crate) use stored::{BuiltBy, hold_manifest, set_dead};
pub(crate) use terms::{Order, PART, Standing, city_key, kind, postal_head, term, terms};
pub(crate) use typed::{forgiving, text, text_whole};
pub(crate) use view::{Index, Portion, State};
pub(crate) use walk::Step;

use crate::{
    Error, Store,
    backend::{Engine, Tx, listed},
    record,
    value::{Row, params},
};

/// Providers are read in so many parts at a time,
const AT_A_TIME: usize = 4;
/// none of which is smaller than this.
const LEAST: usize = 12;

/// A provider as it stands in the database.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) id: u32,
    pub(crate) provider: Provider,
    /// Status of its lead, when it is one.
    pub(crate) lead: Option<LeadStatus>,
}

pub(crate) fn read_id(row: &Row, i: usize) -> Result<u32, Error> {
    u32::try_from(row.int(i)?).map_err(|_| Error::corrupt("the id of a provider"))
}

/// Reads `npi, record` from the columns that begin at `i`.
pub(crate) fn read_provider(row: &Row, i: usize) -> Result<Provider, Error> {
    let npi: Npi = row.npi(i)?;
    record::decode(npi, row.bytes_at(i + 1)?)
}

impl Store {
    /// Some blobs of a segment, by key.
    async fn index_blobs(
        &self,
        segment: i64,
        keys: &[i64],
    ) -> Result<HashMap<i64, Vec<u8>>, Error> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let among = self.engine().among("key", "$1");
        let sql = format!("SELECT key, data FROM index_blobs WHERE {among}");
        let first = keys_of(segment).start;
        let keys = listed(keys.iter().map(|key| first + key));
        let rows = self.query(crate::Sql::kept(sql), vec![keys]).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.int(0)? - first, row.take_bytes(1)?)))
            .collect()
    }

    /// The providers with these ids, in the order of the ids.
    ///
    /// They stand anywhere in a large table, and where the system does not keep that in memory each
    /// is a wait for the disk; so several wait at a time.
    pub(crate) async fn held(
        &self,
        ids: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<Held>, Error> {
        let mut ids: Vec<u32> = ids.into_iter().collect();
        ids.sort_unstable();
        let share = ids.len().div_ceil(AT_A_TIME).max(LEAST);
        let parts = ids.chunks(share).map(|part| self.held_alone(part));
        let parts = try_join_all(parts).await?;
        Ok(parts.into_iter().flatten().collect())
    }

    async fn held_alone(&self, ids: &[u32]) -> Result<Vec<Held>, Error> {
        let among = self.engine().among("p.id", "$1");
        let sql = format!(
            "SELECT p.id, p.npi, p.record, l.status FROM providers p
             LEFT JOIN leads l ON l.npi = p.npi WHERE {among} ORDER BY p.id"
        );
        let ids = listed(ids.iter().map(|id| i64::from(*id)));
        let rows = self.query(crate::Sql::kept(sql), vec![ids]).await?;
        rows.iter()
            .map(|row| {
                Ok(Held {
                    id: read_id(row, 0)?,
                    provider: read_provider(row, 1)?,
                    lead: row.text_opt(3)?.and_then(|t| t.parse().ok()),
                })
            })
            .collect()
    }
}

/// The place that a cursor of an order names; none where it belongs to another order.
pub(crate) fn standing(cursor: &Cursor, sort: Order) -> Option<Standing> {
    Standing::of_cursor(cursor, sort)
}

/// Notes in the transaction that wrote them that these providers are as no segment knows them.
pub(crate) async fn note_written(tx: &mut Tx, ids: &[i64]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let written = next(tx, "written").await?;
    let among = tx.engine().among("id", "$1");
    let sql = format!("SELECT COUNT(*) FROM index_pending WHERE {among}");
    let known = tx
        .first(crate::Sql::kept(sql), vec![listed(ids.iter().copied())])
        .await?
        .map_or(Ok(0), |row| row.int(0))?;
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    add_to(tx, "pending", count - known).await?;
    tx.insert(
        "INSERT INTO index_pending (id, written)",
        "ON CONFLICT (id) DO UPDATE SET written = excluded.written",
        ids.iter().map(|id| params![*id, written]).collect(),
    )
    .await?;
    Ok(())
}

/// The next value of one of the index's numbers. Until the transaction ends nobody else gets one,
/// so that their order is that of the commits.
pub(crate) async fn next(tx: &mut Tx, name: &'static str) -> Result<i64, Error> {
    let row = tx
        .first(
            "UPDATE index_state SET value = value + 1 WHERE name = $1 RETURNING value",
            params![name],
        )
        .await?
        .ok_or_else(|| Error::corrupt("the state of the search index"))?;
    row.int(0)
}

/// Gives out ids for new providers, which are theirs for good: the first of `count` in a row.
///
/// An id that was given is never given again, so on a server the transaction that takes one is safe
/// from a crash once it has committed, also where others of its kind need not be.
pub(crate) async fn take_ids(tx: &mut Tx, count: usize) -> Result<u32, Error> {
    if tx.engine() == Engine::Postgres {
        tx.script("SET LOCAL synchronous_commit TO DEFAULT".into())
            .await?;
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row = tx
        .first(
            "UPDATE index_state SET value = value + $1 WHERE name = 'next_id' RETURNING value",
            params![count],
        )
        .await?
        .ok_or_else(|| Error::corrupt("the state of the search index"))?;
    u32::try_from(row.int(0)?)
        .ok()
        .and_then(|next| next.checked_sub(u32::try_from(count).ok()?))
        .ok_or_else(|| Error::corrupt("all ids are given out"))
}

/// Counts providers that were added in the transaction.
pub(crate) async fn count_added(tx: &mut Tx, count: usize) -> Result<(), Error> {
    add_to(tx, "providers", i64::try_from(count).unwrap_or(i64::MAX)).await
}

/// Adds to one of the index's numbers.
async fn add_to(tx: &mut Tx, name: &'static str, count: i64) -> Result<(), Error> {
    let touched = tx
        .execute(
            "UPDATE index_state SET value = value + $1 WHERE name = $2",
            params![count, name],
        )
        .await?;
    if touched == 1 {
        Ok(())
    } else {
        Err(Error::corrupt("the state of the search index"))
    }
}
