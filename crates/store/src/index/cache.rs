//! What was read of the index, kept while there is room. Segments never change, so nothing here
//! ever gets old.

use std::{mem::size_of, sync::Arc};

use quick_cache::{Weighter, sync};
use roaring::RoaringBitmap;

use super::{
    segment::{Fit, Groups, Scan},
    terms::Standing,
};

/// Bytes that are kept at most. Of ten million providers an order is 40 MB, and the sets that most
/// searches are made of as much.
const BYTES: u64 = 256 << 20;

/// What is kept, by the number of its segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Scan(i64, Scan),
    Among(i64, Arc<Vec<Vec<u8>>>, Fit),
    Since(i64, u16, u16),
    Days(i64, i64),
    Order(i64, i64),
    Signposts(i64, u16),
    Groups(i64, u8, usize),
}

#[derive(Clone)]
pub(crate) enum Cached {
    Positions(Arc<RoaringBitmap>),
    Order(Arc<Vec<u32>>),
    Days(Arc<Vec<u16>>),
    Signposts(Arc<Vec<Standing>>),
    Groups(Arc<Groups>),
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
        };
        bytes as u64 + 128
    }
}

/// Sets, orders and signposts.
pub(crate) struct Cache(sync::Cache<Key, Cached, Bytes>);

impl Cache {
    pub(crate) fn new() -> Self {
        Self(sync::Cache::with_weighter(10_000, BYTES, Bytes))
    }

    pub(crate) fn put(&self, key: Key, value: Cached) {
        self.0.insert(key, value);
    }

    pub(crate) fn positions(&self, key: &Key) -> Option<Arc<RoaringBitmap>> {
        match self.0.get(key) {
            Some(Cached::Positions(positions)) => Some(positions),
            _ => None,
        }
    }

    pub(crate) fn order(&self, key: &Key) -> Option<Arc<Vec<u32>>> {
        match self.0.get(key) {
            Some(Cached::Order(order)) => Some(order),
            _ => None,
        }
    }

    pub(crate) fn days(&self, key: &Key) -> Option<Arc<Vec<u16>>> {
        match self.0.get(key) {
            Some(Cached::Days(days)) => Some(days),
            _ => None,
        }
    }

    pub(crate) fn signposts(&self, key: &Key) -> Option<Arc<Vec<Standing>>> {
        match self.0.get(key) {
            Some(Cached::Signposts(posts)) => Some(posts),
            _ => None,
        }
    }

    pub(crate) fn groups(&self, key: &Key) -> Option<Arc<Groups>> {
        match self.0.get(key) {
            Some(Cached::Groups(groups)) => Some(groups),
            _ => None,
        }
    }
}
