//! What was read of the index, kept while there is room. Segments never change, and each is known
//! by a key that no other has, so nothing here ever gets old.

use std::{mem::size_of, sync::Arc};

use quick_cache::{Weighter, sync};
use roaring::RoaringBitmap;

use super::{
    segment::{Fit, Groups, Scan},
    terms::{Standing, of_postal_code},
    valued::{Piece, Texts},
};

/// Bytes that are kept at most of what many searches ask for. Of ten million providers an order is
/// 40 MB, and the sets that most searches are made of as much.
const LASTING: u64 = 216 << 20;

/// What is kept, by the key of its segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Scan(i64, Scan),
    Among(i64, Arc<Vec<Vec<u8>>>, Fit),
    Since(i64, u16, u16),
    Days(i64, i64),
    Order(i64, i64),
    Signposts(i64, u16),
    Groups(i64, u8, usize),
    Values(i64, i64),
    Texts(i64, u16),
}

#[derive(Clone)]
pub(crate) enum Cached {
    Positions(Arc<RoaringBitmap>),
    Order(Arc<Vec<u32>>),
    Days(Arc<Vec<u16>>),
    Signposts(Arc<Vec<Standing>>),
    Groups(Arc<Groups>),
    Values(Arc<Piece>),
    Texts(Arc<Texts>),
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Cached> for Bytes {
    fn weight(&self, _: &Key, value: &Cached) -> u64 {
        let bytes = match value {
            Cached::Positions(positions) => positions.serialized_size(),
            Cached::Order(order) => order.len() * size_of::<u32>(),
            Cached::Days(days) => days.len() * size_of::<u16>(),
            Cached::Signposts(posts) => posts.len() * 64,
            Cached::Groups(groups) => groups
                .iter()
                .map(|(text, positions)| text.len() + positions.serialized_size() + 64)
                .sum(),
            Cached::Values(piece) => piece.size(),
            Cached::Texts(texts) => texts.0.iter().map(|(text, _)| text.len() + 32).sum(),
        };
        bytes as u64 + 128
    }
}

/// For what one search asks and hardly another, as the surroundings of a place. They would push out
/// what many ask for.
const PASSING: u64 = 32 << 20;

/// For who has a day since another. They are large and quickly made again, and would push out all
/// else that is passing.
const SINCE: u64 = 8 << 20;

/// For columns of values, of which ten million providers have four of up to 30 MB. Facets need a
/// column as a whole, so pieces that others push out would be of no use.
const VALUES: u64 = 112 << 20;

/// Sets, orders and signposts.
pub(crate) struct Cache {
    lasting: sync::Cache<Key, Cached, Bytes>,
    passing: sync::Cache<Key, Cached, Bytes>,
    since: sync::Cache<Key, Cached, Bytes>,
    values: sync::Cache<Key, Cached, Bytes>,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            lasting: sync::Cache::with_weighter(10_000, LASTING, Bytes),
            passing: sync::Cache::with_weighter(500, PASSING, Bytes),
            since: sync::Cache::with_weighter(10, SINCE, Bytes),
            values: sync::Cache::with_weighter(1_000, VALUES, Bytes),
        }
    }

    fn of(&self, key: &Key) -> &sync::Cache<Key, Cached, Bytes> {
        match key {
            Key::Since(..) => &self.since,
            Key::Values(..) | Key::Texts(..) => &self.values,
            Key::Among(_, _, Fit::Whole) => &self.passing,
            Key::Among(_, terms, _) if terms.first().is_some_and(|t| of_postal_code(t)) => {
                &self.passing
            }
            _ => &self.lasting,
        }
    }

    pub(crate) fn put(&self, key: Key, value: Cached) {
        self.of(&key).insert(key, value);
    }

    pub(crate) fn positions(&self, key: &Key) -> Option<Arc<RoaringBitmap>> {
        match self.of(key).get(key) {
            Some(Cached::Positions(positions)) => Some(positions),
            _ => None,
        }
    }

    pub(crate) fn order(&self, key: &Key) -> Option<Arc<Vec<u32>>> {
        match self.of(key).get(key) {
            Some(Cached::Order(order)) => Some(order),
            _ => None,
        }
    }

    pub(crate) fn days(&self, key: &Key) -> Option<Arc<Vec<u16>>> {
        match self.of(key).get(key) {
            Some(Cached::Days(days)) => Some(days),
            _ => None,
        }
    }

    pub(crate) fn signposts(&self, key: &Key) -> Option<Arc<Vec<Standing>>> {
        match self.of(key).get(key) {
            Some(Cached::Signposts(posts)) => Some(posts),
            _ => None,
        }
    }

    pub(crate) fn values(&self, key: &Key) -> Option<Arc<Piece>> {
        match self.of(key).get(key) {
            Some(Cached::Values(piece)) => Some(piece),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, key: &Key) -> Option<Arc<Texts>> {
        match self.of(key).get(key) {
            Some(Cached::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    pub(crate) fn groups(&self, key: &Key) -> Option<Arc<Groups>> {
        match self.of(key).get(key) {
            Some(Cached::Groups(groups)) => Some(groups),
            _ => None,
        }
    }
}
