//! What a question has for an answer, and what can be said of it.

use std::{collections::HashMap, sync::Arc};

use roaring::RoaringBitmap;

use super::{
    Held,
    bits::Bits,
    coding::BLOCK,
    question::Question,
    segment::{Scan, Segment},
    terms::{Order, Standing},
    valued::column_of,
    view::State,
    walk::Walk,
};
use crate::{Error, Store};

/// Blocks of which a sample is made.
const SAMPLE: usize = 2;
/// Providers of an answer that are sample enough.
const ENOUGH: u64 = 2_000;

/// A block, and what of it an answer has.
struct Block<'a> {
    segment: &'a Segment,
    found: &'a RoaringBitmap,
    number: u16,
    positions: std::ops::Range<u32>,
    count: u64,
}

/// Which providers a question has, by segment.
pub(crate) struct Answer {
    pub(super) portions: Vec<(Arc<Segment>, RoaringBitmap)>,
    /// As of when.
    pub(crate) state: State,
}

impl Answer {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.portions.iter().map(|(_, found)| found.len()).sum()
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> RoaringBitmap {
        let mut ids = RoaringBitmap::new();
        for (segment, found) in &self.portions {
            ids |= segment.ids_at(found);
        }
        ids
    }

    /// Those that meet a condition, and the others.
    pub(crate) async fn parted(
        &self,
        store: &Store,
        question: &Question,
    ) -> Result<(Self, Self), Error> {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (segment, found) in &self.portions {
            let meet = question.put(store, segment).await?;
            yes.push((segment.clone(), found & &*meet));
            no.push((segment.clone(), found - &*meet));
        }
        let answer = |mut portions: Vec<(Arc<Segment>, RoaringBitmap)>| {
            portions.retain(|(_, found)| !found.is_empty());
            Self {
                portions,
                state: self.state,
            }
        };
        Ok((answer(yes), answer(no)))
    }

    pub(crate) fn portions(&self) -> impl Iterator<Item = (&Segment, &RoaringBitmap)> {
        self.portions
            .iter()
            .map(|(segment, found)| (&**segment, found))
    }

    /// Some blocks that have much of the answer: all of them up to a million providers. Of more,
    /// the same ones as long as they have enough of it, as what is read of them is kept.
    fn blocks(&self, most: usize) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        for (segment, found) in self.portions() {
            for number in 0..segment.blocks() {
                let from = u32::from(number) * BLOCK;
                let positions = from..segment.len.min(from + BLOCK);
                let count = found.range_cardinality(positions.clone());
                if count > 0 {
                    blocks.push(Block {
                        segment,
                        found,
                        number,
                        positions,
                        count,
                    });
                }
            }
        }
        let (some, others): (Vec<_>, Vec<_>) = {
            let step = blocks.len().div_ceil(most).max(1);
            let usual = blocks.into_iter().enumerate();
            usual.partition(|(i, _)| i.is_multiple_of(step))
        };
        let mut blocks: Vec<Block<'_>> = some.into_iter().map(|(_, block)| block).collect();
        if blocks.iter().map(|block| block.count).sum::<u64>() < ENOUGH {
            blocks.extend(others.into_iter().map(|(_, block)| block));
            blocks.sort_by_key(|block| std::cmp::Reverse(block.count));
            blocks.truncate(most);
        }
        blocks
    }

    /// Records of the answer, at most so many, from all over it.
    pub(crate) async fn some(&self, store: &Store, most: usize) -> Result<Vec<Held>, Error> {
        let ids = self.ids();
        let step = usize::try_from(ids.len())
            .unwrap_or(usize::MAX)
            .div_ceil(most);
        store.held(ids.iter().step_by(step.max(1))).await
    }

    /// Calls back for terms of a scan, with how many of a sample of the answer have each.
    pub(crate) async fn sample(
        &self,
        store: &Store,
        scan: &Scan,
        mut each: impl FnMut(&[u8], u64),
    ) -> Result<(), Error> {
        for block in self.blocks(SAMPLE) {
            let Block {
                segment,
                found,
                positions,
                ..
            } = block;
            let all = block.count == positions.len() as u64;
            let mut bits = Bits::new(positions.start, positions.end);
            for position in found.range(positions) {
                bits.insert(position);
            }
            let each = |term: &[u8], having: &[u32]| {
                let having = if all {
                    having.len()
                } else {
                    having.iter().filter(|at| bits.contains(**at)).count()
                };
                if having > 0 {
                    each(term, having as u64);
                }
            };
            segment
                .each_term_of_block(store, scan, block.number, each)
                .await?;
        }
        Ok(())
    }

    /// The values of a kind that most of the answer have, at most so many, each with how many
    /// have it; of equally many the first by their bytes.
    pub(crate) async fn frequent(
        &self,
        store: &Store,
        kind: u8,
        most: usize,
    ) -> Result<Vec<(Box<[u8]>, u64)>, Error> {
        let Some(column) = column_of(kind) else {
            return Ok(Vec::new());
        };
        let mut portions: Vec<(&Segment, &RoaringBitmap)> = self.portions().collect();
        portions.sort_by_key(|(segment, _)| segment.len);
        let largest = portions.pop();
        // Those of small segments, which are few, are added to those of the largest.
        let mut small: HashMap<Box<[u8]>, u64> = HashMap::new();
        for (segment, found) in portions {
            let texts = segment.texts(store, column).await?;
            let counts = segment.count_values(store, column, &texts, found).await?;
            for ((text, _), count) in texts.0.iter().zip(counts) {
                if count > 0 {
                    *small.entry(text.clone()).or_default() += u64::from(count);
                }
            }
        }
        let mut all: Vec<(Box<[u8]>, u64)> = Vec::new();
        if let Some((segment, found)) = largest {
            let texts = segment.texts(store, column).await?;
            let counts = segment.count_values(store, column, &texts, found).await?;
            let mut counts: Vec<(&[u8], u64)> = texts
                .0
                .iter()
                .zip(counts)
                .map(|((text, _), count)| {
                    let more = if small.is_empty() {
                        None
                    } else {
                        small.remove(text)
                    };
                    (text.as_ref(), u64::from(count) + more.unwrap_or(0))
                })
                .filter(|(_, count)| *count > 0)
                .collect();
            let order = |a: &(&[u8], u64), b: &(&[u8], u64)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
            if counts.len() > most {
                counts.select_nth_unstable_by(most, order);
                counts.truncate(most);
            }
            all.extend(counts.into_iter().map(|(text, count)| (text.into(), count)));
        }
        all.extend(small);
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(most);
        Ok(all)
    }

    /// Leaves only those with these ids.
    pub(crate) fn keep(&mut self, ids: &RoaringBitmap) {
        for (segment, found) in &mut self.portions {
            *found &= segment.positions(ids);
        }
    }

    /// Goes along an order, from after a standing on.
    pub(crate) fn walk(self, sort: Order, after: Option<Standing>) -> Walk {
        Walk::new(self, sort, after)
    }
}
