//! How many providers share a telephone number, over all segments.
//!
//! Each segment has counts of its own. What the small ones have more, and what is dead in the
//! largest, changes the counts of few of its numbers; those are counted anew.

use std::{collections::HashMap, sync::Arc};

use quick_cache::sync::Cache;
use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use super::{
    bits::{Bits, pack},
    phones::lesser,
    segment::Segment,
    view::{Portion, View},
};
use crate::{Error, Store};

/// Of each position of a segment, how many providers have the telephone number of it that fewest
/// have; 0 where it has none, and the greatest count for all greater ones.
pub(super) type Counts = Arc<Vec<u8>>;

/// Sets that are kept: of the numbers that searches are made with few are in use.
const SETS: usize = 32;

/// What was counted last.
#[derive(Default)]
pub(crate) struct Shared(Mutex<Option<Arc<Counted>>>);

/// The counts of a view.
struct Counted {
    view: Arc<View>,
    /// In the order of its portions.
    counts: Vec<Counts>,
    /// Who shares a number with at most so many, by segment.
    sets: Cache<(i64, u32), Arc<RoaringBitmap>>,
}

/// How many have some numbers.
#[derive(Default)]
struct Numbers {
    having: HashMap<u64, Having, foldhash::fast::FixedState>,
    /// Bits of the numbers, which most others do not have.
    hints: Vec<u64>,
}

#[derive(Default)]
struct Having {
    /// In the largest segment, dead ones included.
    there: i64,
    /// In the others, less the dead of the largest.
    beside: i64,
}

impl Numbers {
    fn note(&mut self, number: u64, beside: i64) {
        self.having.entry(number).or_default().beside += beside;
        if self.hints.is_empty() {
            self.hints = vec![0; 1 << (HINTS - 6)];
        }
        let (word, bit) = hint(number);
        self.hints[word] |= bit;
    }

    /// Counts one that has a number in the largest segment, if the number was noted.
    fn count(&mut self, number: u64) -> Option<&Having> {
        let (word, bit) = hint(number);
        if self.hints.get(word).is_none_or(|hints| hints & bit == 0) {
            return None;
        }
        let having = self.having.get_mut(&number)?;
        having.there += 1;
        Some(having)
    }

    fn all(&self, number: u64) -> Option<usize> {
        let having = self.having.get(&number)?;
        usize::try_from(having.there + having.beside).ok()
    }
}

/// Bits that stand for numbers.
const HINTS: u32 = 22;

fn hint(number: u64) -> (usize, u64) {
    let bit = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HINTS);
    (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
}

impl Store {
    /// The positions with a telephone number that at least one provider and at most so many have.
    pub(super) async fn phones_shared_by(
        &self,
        segment: &Segment,
        most: u32,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let counted = self.counted().await?;
        let key = (segment.number, most);
        if let Some(known) = counted.sets.get(&key) {
            return Ok(known);
        }
        let mut of = counted.view.portions.iter().zip(&counted.counts);
        let (_, counts) = of
            .find(|(portion, _)| portion.segment.number == segment.number)
            .ok_or(Error::IndexMoved)?;
        let most = u8::try_from(most).unwrap_or(u8::MAX - 1);
        let mut bytes = Vec::with_capacity(segment.len.div_ceil(8) as usize);
        // 0, which is of nobody, becomes the greatest of all.
        pack(counts, |count| count.wrapping_sub(1) < most, &mut bytes);
        let set = Arc::new(RoaringBitmap::from_lsb0_bytes(0, &bytes));
        counted.sets.insert(key, set.clone());
        Ok(set)
    }

    async fn counted(&self) -> Result<Arc<Counted>, Error> {
        let view = self.view().await?;
        let mut known = self.index().shared.0.lock().await;
        if let Some(counted) = known.as_ref()
            && Arc::ptr_eq(&counted.view, &view)
        {
            return Ok(counted.clone());
        }
        let counts = count(self, &view.portions).await?;
        let counted = Arc::new(Counted {
            view,
            counts,
            sets: Cache::new(SETS),
        });
        *known = Some(counted.clone());
        Ok(counted)
    }
}

/// Counts over some segments, but for what is dead in them.
async fn count(store: &Store, portions: &[Portion]) -> Result<Vec<Counts>, Error> {
    let Some(largest) = portions.iter().max_by_key(|portion| portion.segment.len) else {
        return Ok(Vec::new());
    };
    let is_largest = |portion: &Portion| portion.segment.number == largest.segment.number;
    let own = largest.segment.shared(store).await?;
    if portions.len() == 1 && largest.dead.is_empty() {
        return Ok(vec![own]);
    }
    let mut numbers = Numbers::default();
    for portion @ Portion { segment, dead, .. } in portions {
        if is_largest(portion) {
            let each = |_, number| numbers.note(number, -1);
            segment.each_phone_of(store, dead, each).await?;
        } else {
            let each = |position, number| {
                if !dead.contains(position) {
                    numbers.note(number, 1);
                }
            };
            segment.each_phone(store, each).await?;
        }
    }
    let changed = count_there(store, &largest.segment, &mut numbers).await?;
    let mut counts = Vec::with_capacity(portions.len());
    for portion @ Portion { segment, .. } in portions {
        let mut all = vec![0; segment.len as usize];
        let each = |position, number| {
            if let Some(count) = all.get_mut(position as usize)
                && let Some(having) = numbers.all(number)
            {
                *count = lesser(*count, having);
            }
        };
        if is_largest(portion) {
            segment.each_phone_of(store, &changed, each).await?;
            for (count, own) in all.iter_mut().zip(own.iter()) {
                // Nobody's is 0 that was counted anew.
                if *count == 0 {
                    *count = *own;
                }
            }
        } else {
            segment.each_phone(store, each).await?;
        }
        counts.push(Arc::new(all));
    }
    Ok(counts)
}

/// Counts the noted numbers in the largest segment. Gives the positions one of whose numbers is had
/// by more or fewer than the segment knows of; all numbers of these are counted.
async fn count_there(
    store: &Store,
    segment: &Segment,
    numbers: &mut Numbers,
) -> Result<RoaringBitmap, Error> {
    let mut changed = Bits::new(0, segment.len);
    let each = |position, number| {
        if numbers
            .count(number)
            .is_some_and(|having| having.beside != 0)
        {
            changed.insert(position);
        }
    };
    segment.each_phone(store, each).await?;
    let changed = changed.into_set();
    let mut more = Numbers::default();
    let each = |_, number| {
        if !numbers.having.contains_key(&number) {
            more.note(number, 0);
        }
    };
    segment.each_phone_of(store, &changed, each).await?;
    if !more.having.is_empty() {
        let each = |_, number| {
            more.count(number);
        };
        segment.each_phone(store, each).await?;
        numbers.having.extend(more.having);
    }
    Ok(changed)
}
