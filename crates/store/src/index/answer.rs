//! What a question has for an answer, and what can be said of it.

use std::{collections::HashMap, sync::Arc};

use roaring::RoaringBitmap;

use super::{
    bits::Bits,
    coding::BLOCK,
    question::Question,
    segment::{Scan, Segment},
    terms::{Order, Standing},
    walk::Walk,
};
use crate::{Error, Store};

/// Blocks of which a sample is made.
const SAMPLE: usize = 4;
/// Blocks of a small one, for what is asked at each keystroke.
const SMALL: usize = 2;
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
            Self { portions }
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

    /// Calls back for terms of a scan, with how many of a small sample of the answer have each.
    pub(crate) async fn sample(
        &self,
        store: &Store,
        scan: &Scan,
        mut each: impl FnMut(&[u8], u64),
    ) -> Result<(), Error> {
        for block in self.blocks(SMALL) {
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

    /// The values of a kind that most of a sample of the answer have, at most so many.
    pub(crate) async fn frequent(
        &self,
        store: &Store,
        kind: u8,
        most: usize,
    ) -> Result<Vec<Box<[u8]>>, Error> {
        let mut counts: HashMap<Box<[u8]>, u64> = HashMap::new();
        for block in self.blocks(SAMPLE) {
            let values = block
                .segment
                .values_of_block(store, kind, block.number)
                .await?;
            let mut by_code = vec![0u64; values.texts.len()];
            for position in block.found.range(block.positions.clone()) {
                let at = (position - block.positions.start) as usize;
                let [from, to] = [values.starts[at], values.starts[at + 1]];
                for code in &values.codes[from as usize..to as usize] {
                    by_code[*code as usize] += 1;
                }
            }
            for (text, count) in values.texts.iter().zip(by_code) {
                if count > 0 {
                    *counts.entry(text.clone()).or_default() += count;
                }
            }
        }
        let mut counts: Vec<(Box<[u8]>, u64)> = counts.into_iter().collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        counts.truncate(most);
        Ok(counts.into_iter().map(|(text, _)| text).collect())
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
