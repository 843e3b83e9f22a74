//! Orders, and where positions stand in them.

use std::sync::Arc;

use super::Segment;
use crate::{
    Error, Store,
    index::{
        cache::{Cache, Cached, Key},
        coding::{ORDERED, Part, SIGNPOST, numbers},
        terms::{Order, Standing},
    },
    varint,
};

impl Segment {
    /// Of each position its place in an order.
    pub(crate) async fn ranks(&self, store: &Store, sort: Order) -> Result<Arc<Vec<u32>>, Error> {
        let of_order = &self.ranks[usize::from(sort.number())];
        if let Some(known) = of_order.get() {
            return Ok(known.clone());
        }
        let keys: Vec<i64> = (0..self.len.div_ceil(ORDERED))
            .map(|piece| Part::Order(sort.number(), piece).key())
            .collect();
        let mut ranks = vec![0; self.len as usize];
        let mut place = 0u32;
        for group in keys.chunks(16) {
            self.blobs(store, group, |_, blob| {
                for position in numbers(blob) {
                    *ranks.get_mut(position as usize)? = place;
                    place += 1;
                }
                Some(())
            })
            .await?;
        }
        Ok(of_order.get_or_init(|| Arc::new(ranks)).clone())
    }

    /// A piece of an order.
    pub(crate) async fn order(
        &self,
        store: &Store,
        cache: &Cache,
        sort: Order,
        piece: u32,
    ) -> Result<Arc<Vec<u32>>, Error> {
        let part = Part::Order(sort.number(), piece);
        let key = Key::Order(self.key, part.key());
        if let Some(known) = cache.order(&key) {
            return Ok(known);
        }
        let read = self.blob(store, part, |blob| Some(numbers(blob)));
        let order = Arc::new(read.await?);
        cache.put(key, Cached::Order(order.clone()));
        Ok(order)
    }

    /// The place in an order from which what comes after a standing begins at the earliest: less
    /// than [`SIGNPOST`] places before it.
    pub(crate) async fn place_near(
        &self,
        store: &Store,
        cache: &Cache,
        sort: Order,
        after: &Standing,
    ) -> Result<u32, Error> {
        let key = Key::Signposts(self.key, sort.number());
        let posts = if let Some(known) = cache.signposts(&key) {
            known
        } else {
            let part = Part::Signposts(sort.number());
            let read = Arc::new(self.blob(store, part, read_signposts).await?);
            cache.put(key, Cached::Signposts(read.clone()));
            read
        };
        let before = posts
            .partition_point(|post| post <= after)
            .saturating_sub(1);
        Ok(u32::try_from(before).unwrap_or(0) * SIGNPOST)
    }
}

fn read_signposts(mut bytes: &[u8]) -> Option<Vec<Standing>> {
    let mut posts = Vec::new();
    while !bytes.is_empty() {
        let key = varint::get_bytes(&mut bytes)?.to_vec();
        let tie = u32::from_le_bytes(varint::take(&mut bytes, 4)?.try_into().ok()?);
        posts.push(Standing { key, tie });
    }
    Some(posts)
}
