//! How many providers share a telephone number.
//!
//! A dictionary knows who has a number, of one block of one segment. What is wanted is the other
//! way round and over all of them, so it is counted once for all stored segments, and kept until
//! there are others. Providers that no segment describes yet are counted among themselves.

use std::sync::Arc;

use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use super::{
    bits::Bits,
    segment::{Scan, Segment},
    terms::{kind, term},
    view::Portion,
};
use crate::{Error, Store};

/// Of each position of a segment, how many providers have the telephone number of it that fewest
/// have; 0 where it has none, and the greatest number for all greater ones.
type Counts = Arc<Vec<u8>>;

/// What was counted, by segment, in the order of their numbers.
#[derive(Default)]
pub(crate) struct Phones(Mutex<Vec<(i64, Counts)>>);

impl Store {
    /// The positions with a telephone number that at least one provider and at most so many have.
    pub(super) async fn phones_shared_by(
        &self,
        segment: &Segment,
        most: u32,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let counts = self.phone_counts(segment).await?;
        let shared = (0..segment.len)
            .zip(counts.iter())
            .filter(|(_, count)| **count > 0 && u32::from(**count) <= most);
        let positions = shared.map(|(position, _)| position);
        Ok(Arc::new(Bits::collect(0, segment.len, positions)))
    }

    async fn phone_counts(&self, segment: &Segment) -> Result<Counts, Error> {
        if segment.number < 0 {
            // It is gone in a moment, so it is not kept.
            let mut counts = count(self, &[(segment, &RoaringBitmap::new())]).await?;
            return Ok(counts.pop().unwrap_or_default());
        }
        let view = self.view().await?;
        let stored: Vec<&Portion> = view
            .portions
            .iter()
            .filter(|portion| portion.segment.number >= 0)
            .collect();
        let mut known = self.index().phones.0.lock().await;
        let of = |known: &[(i64, Counts)]| {
            let known = known.iter().find(|(number, _)| *number == segment.number);
            known.map(|(_, counts)| counts.clone())
        };
        let same = known.iter().map(|(number, _)| *number);
        if !same.eq(stored.iter().map(|portion| portion.segment.number)) {
            let alive: Vec<(&Segment, &RoaringBitmap)> = stored
                .iter()
                .map(|portion| (&*portion.segment, &*portion.dead))
                .collect();
            let counts = count(self, &alive).await?;
            let numbers = stored.iter().map(|portion| portion.segment.number);
            *known = numbers.zip(counts).collect();
        }
        of(&known).ok_or(Error::IndexMoved)
    }
}

/// Counts over some segments but for what is dead in them, by the first two digits of the numbers, so that what stands in
/// memory at a time stays small.
async fn count(
    store: &Store,
    segments: &[(&Segment, &RoaringBitmap)],
) -> Result<Vec<Counts>, Error> {
    let mut counts: Vec<Vec<u8>> = segments
        .iter()
        .map(|(segment, _)| vec![0; segment.len as usize])
        .collect();
    for digits in 0..100 {
        let scan = Scan::beginning(term(kind::PHONE, &format!("{digits:02}")));
        // A number, shortened, and who has it.
        let mut having: Vec<(u64, usize, u32)> = Vec::new();
        for (i, (segment, dead)) in segments.iter().enumerate() {
            let each = |term: &[u8], positions: &[u32]| {
                let digits = term.get(1..).unwrap_or_default();
                let number = digits.iter().fold(0u64, |number, digit| {
                    number.wrapping_mul(11).wrapping_add(u64::from(*digit))
                });
                let alive = positions
                    .iter()
                    .filter(|position| !dead.contains(**position));
                having.extend(alive.map(|position| (number, i, *position)));
            };
            segment.each_term(store, &scan, each).await?;
        }
        having.sort_unstable();
        for same in having.chunk_by(|a, b| a.0 == b.0) {
            let count = u8::try_from(same.len()).unwrap_or(u8::MAX);
            for (_, segment, position) in same {
                if let Some(least) = counts[*segment].get_mut(*position as usize)
                    && (*least == 0 || *least > count)
                {
                    *least = count;
                }
            }
        }
    }
    Ok(counts.into_iter().map(Arc::new).collect())
}
