//! Columns of days.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{Segment, from_positions};
use crate::{
    Error, Store,
    index::{
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
        let key = Key::Since(self.number, column, from);
        if let Some(known) = cache.positions(&key) {
            return Ok(known);
        }
        let mut bytes = Vec::with_capacity(self.len.div_ceil(8) as usize);
        for piece in 0..self.len.div_ceil(PIECE) {
            let days = self.days(store, cache, column, piece).await?;
            let (groups, rest) = days.as_chunks::<GROUP>();
            for group in groups {
                bytes.extend_from_slice(&bits_of(group, from));
            }
            if !rest.is_empty() {
                let mut group = [0; GROUP];
                group[..rest.len()].copy_from_slice(rest);
                bytes.extend_from_slice(&bits_of(&group, from));
            }
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
        let key = Key::Days(self.number, part.key());
        if let Some(known) = cache.days(&key) {
            return Ok(known);
        }
        let read = self.blob(store, part, |blob| Some(days(blob).collect()));
        let read: Arc<Vec<u16>> = Arc::new(read.await?);
        cache.put(key, Cached::Days(read.clone()));
        Ok(read)
    }
}

/// Days that are looked at together: a processor compares several at once.
const GROUP: usize = 64;

/// A bit for each of some days, the first the lowest: whether it is `from`, which is not 0, or a
/// later one.
fn bits_of(days: &[u16; GROUP], from: u16) -> [u8; GROUP / 8] {
    let mut is = [0u8; GROUP];
    for (is, day) in is.iter_mut().zip(days) {
        *is = u8::from(*day >= from);
    }
    let mut bits = [0; GROUP / 8];
    let (eights, _) = is.as_chunks::<8>();
    for (bits, eight) in bits.iter_mut().zip(eights) {
        // Each byte is 0 or 1; the product brings them together in its highest byte.
        *bits = (u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_says_whether_its_day_is_late_enough() {
        for pattern in 0..=u8::MAX {
            let days = std::array::from_fn(|i| 99 + u16::from(pattern >> (i % 8) & 1));
            assert_eq!(bits_of(&days, 100), [pattern; GROUP / 8]);
        }
    }
}
