//! Columns of values: which of the values of a kind each position has. A dictionary tells who has
//! a value; this is the other way round, for what is said beside a result.
//!
//! Most providers have one value of a kind, and most values are few: so each position has two
//! bytes, and what else it has, or what two bytes can't say, stands behind.

use std::{collections::HashMap, ops::Range};

use roaring::RoaringBitmap;

use super::{
    bits::Bits,
    coding::{Blob, PIECE, Part},
    terms::{PART, kind},
};
use crate::varint;

/// The kinds of terms that have a column.
const KINDS: [u8; 4] = [kind::TAXONOMY, kind::PRIMARY, kind::CITY, kind::MAIL_CITY];

/// The number of the column of a kind.
pub(super) fn column_of(kind: u8) -> Option<u16> {
    let at = KINDS.iter().position(|of| *of == kind)?;
    u16::try_from(at).ok()
}

/// The column and the value of a term. Of terms of several parts the last is no part of the value.
pub(super) fn valued(term: &[u8]) -> Option<(u16, &[u8])> {
    let (&kind, text) = term.split_first()?;
    let last = text.iter().rposition(|b| *b == PART);
    Some((column_of(kind)?, &text[..last.unwrap_or(text.len())]))
}

/// Writes the column of a kind.
#[derive(Default)]
pub(super) struct Writer {
    /// Numbers of the values, as they came.
    numbers: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
    /// How many positions have each.
    counts: Vec<u32>,
    /// What the last position has.
    of_last: Vec<u32>,
    dense: Vec<u16>,
    more: Vec<(u16, u32)>,
    pieces: u32,
}

impl Writer {
    /// The number of a value.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        self.numbers.get(text).copied().unwrap_or_else(|| {
            let next = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
            self.numbers.insert(text.into(), next);
            self.counts.push(0);
            next
        })
    }

    /// Notes a value of the position that comes next, perhaps once more.
    pub(super) fn note(&mut self, number: u32) {
        if !self.of_last.contains(&number) {
            self.of_last.push(number);
        }
    }

    /// Ends a position.
    pub(super) fn end_position(&mut self, column: u16, blobs: &mut Vec<Blob>) {
        let place = u16::try_from(self.dense.len()).unwrap_or(u16::MAX);
        let mut dense = 0;
        for number in self.of_last.drain(..) {
            if let Some(count) = self.counts.get_mut(number as usize) {
                *count += 1;
            }
            match u16::try_from(number + 1) {
                Ok(short) if dense == 0 => dense = short,
                _ => self.more.push((place, number)),
            }
        }
        self.dense.push(dense);
        if self.dense.len() == PIECE as usize {
            self.end_piece(column, blobs);
        }
    }

    fn end_piece(&mut self, column: u16, blobs: &mut Vec<Blob>) {
        let mut bytes = Vec::with_capacity(self.dense.len() * 2 + self.more.len() * 6);
        for short in self.dense.drain(..) {
            bytes.extend_from_slice(&short.to_le_bytes());
        }
        for (place, number) in self.more.drain(..) {
            bytes.extend_from_slice(&place.to_le_bytes());
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        blobs.push((Part::Values(column, self.pieces).key(), bytes));
        self.pieces += 1;
    }

    pub(super) fn finish(mut self, column: u16, blobs: &mut Vec<Blob>) {
        if !self.dense.is_empty() {
            self.end_piece(column, blobs);
        }
        let mut values: Vec<(Box<[u8]>, u32)> = self.numbers.into_iter().collect();
        values.sort_unstable_by_key(|(_, number)| *number);
        let mut bytes = Vec::new();
        for ((text, _), count) in values.iter().zip(self.counts) {
            varint::put_bytes(text, &mut bytes);
            varint::put(count, &mut bytes);
        }
        blobs.push((Part::Texts(column).key(), bytes));
    }
}

/// The values of a column by their numbers, each with how many positions have it.
pub(crate) struct Texts(pub(super) Vec<(Box<[u8]>, u32)>);

impl Texts {
    /// None when the bytes are no values.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut texts = Vec::new();
        while !bytes.is_empty() {
            let text = varint::get_bytes(&mut bytes)?.into();
            texts.push((text, varint::get(&mut bytes)?));
        }
        Some(Self(texts))
    }
}

/// Values that are gone through in the time in which one is looked up.
const LOOK: u64 = 64;

/// Some positions of a column.
pub(crate) struct Piece {
    /// Of each the number of a value and 1, or 0.
    dense: Vec<u16>,
    /// Other values: the position in the piece, and the number.
    more: Vec<(u16, u32)>,
}

impl Piece {
    /// A piece of so many positions; none when the bytes are no piece.
    pub(super) fn read(bytes: &[u8], positions: usize) -> Option<Self> {
        let (dense, more) = bytes.split_at_checked(positions * 2)?;
        let (dense, _) = dense.as_chunks::<2>();
        let (more, _) = more.as_chunks::<6>();
        Some(Self {
            dense: dense.iter().map(|b| u16::from_le_bytes(*b)).collect(),
            more: more
                .iter()
                .map(|&[a, b, rest @ ..]| (u16::from_le_bytes([a, b]), u32::from_le_bytes(rest)))
                .collect(),
        })
    }

    /// Bytes in memory.
    pub(super) fn size(&self) -> usize {
        self.dense.len() * 2 + self.more.len() * 8
    }

    /// Counts the values of those positions that were found, of which the piece has `positions`.
    pub(super) fn count(&self, found: &RoaringBitmap, positions: Range<u32>, counts: &mut [u32]) {
        let mut one = |number: usize| {
            if let Some(count) = counts.get_mut(number) {
                *count += 1;
            }
        };
        let having = found.range_cardinality(positions.clone());
        let from = positions.start;
        // Going through all others costs less than to look some of them up each.
        let few = having * LOOK < self.more.len() as u64;
        let mut bits = Bits::new(from, if few { from } else { positions.end });
        for position in found.range(positions) {
            let place = position - from;
            match self.dense.get(place as usize) {
                Some(&short) if short > 0 => one(usize::from(short) - 1),
                _ => {}
            }
            if few {
                let at = self.more.partition_point(|more| u32::from(more.0) < place);
                let same = self.more[at..].iter();
                for (_, number) in same.take_while(|more| u32::from(more.0) == place) {
                    one(*number as usize);
                }
            } else {
                bits.insert(position);
            }
        }
        if !few {
            for (place, number) in &self.more {
                if bits.contains(from + u32::from(*place)) {
                    one(*number as usize);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes what each position has, reads it again, and counts it for some positions.
    fn counted(having: &[Vec<u32>], found: &RoaringBitmap) -> Vec<u32> {
        let mut writer = Writer::default();
        // More values than two bytes can say; those that are had are from both ends.
        for number in 0..70_000u32 {
            writer.number(&number.to_be_bytes());
        }
        let mut blobs = Vec::new();
        for numbers in having {
            for number in numbers {
                writer.note(*number);
            }
            writer.end_position(0, &mut blobs);
        }
        writer.finish(0, &mut blobs);
        let texts = blobs.pop().unwrap();
        assert_eq!(texts.0, Part::Texts(0).key());
        let texts = Texts::read(&texts.1).unwrap();
        let of_all: u32 = texts.0.iter().map(|(_, count)| count).sum();
        let had = having.iter().map(|numbers| {
            let mut numbers = numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            numbers.len()
        });
        assert_eq!(of_all as usize, had.sum::<usize>());
        let mut counts = vec![0; texts.0.len()];
        for (piece, (key, bytes)) in (0..).zip(&blobs) {
            assert_eq!(*key, Part::Values(0, piece).key());
            let from = piece * PIECE;
            let len = u32::try_from(having.len()).unwrap();
            let positions = from..len.min(from + PIECE);
            let read = Piece::read(bytes, positions.len()).unwrap();
            read.count(found, positions, &mut counts);
        }
        counts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_was_noted_is_counted(
            having in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![0u32..4, 65_530u32..65_540], 0..4), 1..200),
            one_in in 1usize..40,
        ) {
            let found: RoaringBitmap = (0u32..).take(having.len()).step_by(one_in).collect();
            let counts = counted(&having, &found);
            for number in (0..4).chain(65_530..65_540) {
                let with = (0u32..).zip(&having)
                    .filter(|(at, has)| found.contains(*at) && has.contains(&number))
                    .count();
                prop_assert_eq!(counts[number as usize] as usize, with);
            }
        }
    }

    #[test]
    fn a_second_piece_goes_on_where_the_first_ended() {
        let having: Vec<Vec<u32>> = (0..PIECE + 10).map(|n| vec![n % 3]).collect();
        let found: RoaringBitmap = (PIECE - 3..PIECE + 3).collect();
        assert_eq!(counted(&having, &found)[..3], [2, 2, 2]);
    }
}
