//! Columns of days.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{Segment, from_positions};
use crate::{
    Error, Store,
    index::{
        bits::pack,
        cache::{Cache, Cached, Key},
        coding::{PIECE, Part, days},
    },
};

impl Segment {
    /// The positions whose day in a column is this one or later.
    pub(crate) async fn since(
        &self,
        store: &Store,
        cache: &Cache,
        column: u16,
        from: u16,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let key = Key::Since(self.key, column, from);
        if let Some(known) = cache.positions(&key) {
            return Ok(known);
        }
        let mut bytes = Vec::with_capacity(self.len.div_ceil(8) as usize);
        for piece in 0..self.len.div_ceil(PIECE) {
            let days = self.days(store, cache, column, piece).await?;
            pack(&days, |day| day >= from, &mut bytes);
        }
        let positions = Arc::new(RoaringBitmap::from_lsb0_bytes(0, &bytes));
        cache.put(key, Cached::Positions(positions.clone()));
        Ok(positions)
    }

    /// Those of some positions whose day in a column is this one or later.
    pub(crate) async fn since_among(
        &self,
        store: &Store,
        cache: &Cache,
        (column, from): (u16, u16),
        positions: &RoaringBitmap,
    ) -> Result<RoaringBitmap, Error> {
        let mut later = Vec::new();
        let mut last: Option<(u32, Arc<Vec<u16>>)> = None;
        for position in positions {
            let piece = position / PIECE;
            let days = match &last {
                Some((known, days)) if *known == piece => days,
                _ => {
                    let days = self.days(store, cache, column, piece).await?;
                    &last.insert((piece, days)).1
                }
            };
            if days
                .get((position % PIECE) as usize)
                .is_some_and(|day| *day >= from)
            {
                later.push(position);
            }
        }
        Ok(from_positions(later, self.len))
    }

    /// A piece of a column.
    async fn days(
        &self,
        store: &Store,
        cache: &Cache,
        column: u16,
        piece: u32,
    ) -> Result<Arc<Vec<u16>>, Error> {
        let part = Part::Column(column, piece);
        let key = Key::Days(self.key, part.key());
        if let Some(known) = cache.days(&key) {
            return Ok(known);
        }
        let read = self.blob(store, part, |blob| Some(days(blob).collect()));
        let read: Arc<Vec<u16>> = Arc::new(read.await?);
        cache.put(key, Cached::Days(read.clone()));
        Ok(read)
    }
}
