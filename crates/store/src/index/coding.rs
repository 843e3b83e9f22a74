//! The bytes of a segment: its blobs, the dictionary of its terms, the sets of providers behind
//! them.
//!
//! A segment numbers its providers from 0 in the order of their ids: a *position*. Positions fall
//! into blocks of [`BLOCK`]. Of each block there is a dictionary: its terms in order, packed into
//! leaves of some kilobytes, each term with the positions that have it. Few positions stand in the
//! leaf, many in a blob of their own as a Roaring bitmap.

use std::io;

use super::bits::Bits;
use crate::varint;

/// Positions of a block. A power of two and a multiple of the 65,536 of a Roaring container.
pub(crate) const BLOCK: u32 = 1 << 18;
/// Positions of a piece of a column.
pub(crate) const PIECE: u32 = 1 << 16;
/// Positions of a piece of an order: a page mostly needs one.
pub(crate) const ORDERED: u32 = 1 << 15;
/// Bytes of a leaf at most, if its terms are no longer: two with what a row has about it fill a
/// page of either engine.
const LEAF: usize = 4_020;
/// Positions whose bytes are more than this stand in a blob of their own.
const INLINE: usize = 600;
/// Of every so many places of an order, one is a signpost.
pub(crate) const SIGNPOST: u32 = 1 << 10;

/// What a blob of a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// How many providers, and their ids.
    Head,
    /// The first term of each leaf of a block.
    Directory(u16),
    /// A leaf of a block.
    Leaf(u16, u32),
    /// The positions of one term of a block.
    Positions(u16, u32),
    /// A piece of an order: positions, first to last.
    Order(u16, u32),
    /// The signposts of an order.
    Signposts(u16),
    /// A piece of a column: a day per position.
    Column(u16, u32),
    /// The words of names, each in four bytes, in order.
    Vocabulary,
    /// A piece of a column of values.
    Values(u16, u32),
    /// The values of a column.
    Texts(u16),
    /// A piece of the column of telephone numbers.
    Phones(u32),
    /// A piece of a column: how many share the number of a position.
    Shared(u32),
}

impl Part {
    /// Its key among the blobs of a segment: those of a block are next to each other, as they are
    /// written together.
    pub(crate) fn key(self) -> i64 {
        let (part, group, number) = match self {
            Self::Head => (0, 0, 0),
            Self::Directory(block) => (1, block, 0),
            Self::Leaf(block, n) => (2, block, n),
            Self::Positions(block, n) => (3, block, n),
            Self::Order(order, n) => (4, order, n),
            Self::Signposts(order) => (5, order, 0),
            Self::Column(column, n) => (6, column, n),
            Self::Vocabulary => (7, 0, 0),
            Self::Values(column, n) => (8, column, n),
            Self::Texts(column) => (9, column, 0),
            Self::Phones(n) => (10, 0, n),
            Self::Shared(n) => (11, 0, n),
        };
        i64::from(group) << 24 | part << 20 | i64::from(number)
    }
}

/// Bits of the key of a part.
const KEY: u32 = 40;

/// The keys of all blobs of a segment.
pub(crate) fn keys_of(segment: i64) -> std::ops::Range<i64> {
    segment << KEY..(segment + 1) << KEY
}

/// The segment of which a key is.
pub(crate) fn segment_of(key: i64) -> i64 {
    key >> KEY
}

/// A blob with its key.
pub(crate) type Blob = (i64, Vec<u8>);

/// Writes the dictionary of a block, term by term in order.
pub(crate) struct Dictionary<'a> {
    block: u16,
    leaf: Vec<u8>,
    leaves: u32,
    last: Vec<u8>,
    directory: Vec<u8>,
    positions: u32,
    blobs: &'a mut Vec<Blob>,
    inline: Vec<u8>,
}

impl<'a> Dictionary<'a> {
    pub(crate) fn new(block: u16, blobs: &'a mut Vec<Blob>) -> Self {
        Self {
            block,
            leaf: Vec::new(),
            leaves: 0,
            last: Vec::new(),
            directory: Vec::new(),
            positions: 0,
            blobs,
            inline: Vec::new(),
        }
    }

    /// Adds a term with its positions, which are in order.
    pub(crate) fn add(&mut self, term: &[u8], positions: &[u32]) -> io::Result<()> {
        self.inline.clear();
        let mut before = u32::from(self.block) * BLOCK;
        for &position in positions {
            varint::put(position - before, &mut self.inline);
            before = position;
            if self.inline.len() > INLINE {
                break;
            }
        }
        let inline = self.inline.len() <= INLINE;
        self.add_term(term, if inline { self.inline.len() } else { 0 });
        if inline {
            varint::put_bytes(&self.inline, &mut self.leaf);
            return Ok(());
        }
        let from = u32::from(self.block) * BLOCK;
        let mut bitmap = Bits::collect(from, from + BLOCK, positions.iter().copied());
        bitmap.optimize();
        let mut bytes = Vec::with_capacity(bitmap.serialized_size());
        bitmap.serialize_into(&mut bytes)?;
        varint::put(0, &mut self.leaf);
        varint::put(self.positions, &mut self.leaf);
        let part = Part::Positions(self.block, self.positions);
        self.blobs.push((part.key(), bytes));
        self.positions += 1;
        Ok(())
    }

    /// Adds a term to the leaf, or to the next one where so many bytes behind it would not fit.
    fn add_term(&mut self, term: &[u8], behind: usize) {
        /// Of three lengths and a number of a blob.
        const LENGTHS: usize = 12;
        if self.leaf.len() + term.len() + behind + LENGTHS > LEAF && !self.leaf.is_empty() {
            self.end_leaf();
        }
        if self.leaf.is_empty() {
            self.last.clear();
            varint::put_bytes(term, &mut self.directory);
        }
        let shared = term
            .iter()
            .zip(&self.last)
            .take_while(|(a, b)| a == b)
            .count();
        varint::put(u32::try_from(shared).unwrap_or(0), &mut self.leaf);
        varint::put_bytes(&term[shared..], &mut self.leaf);
        term.clone_into(&mut self.last);
    }

    fn end_leaf(&mut self) {
        let part = Part::Leaf(self.block, self.leaves);
        self.blobs
            .push((part.key(), std::mem::take(&mut self.leaf)));
        self.leaves += 1;
    }

    pub(crate) fn finish(mut self) {
        if !self.leaf.is_empty() {
            self.end_leaf();
        }
        let part = Part::Directory(self.block);
        self.blobs.push((part.key(), self.directory));
    }
}

/// Where the positions of a term are.
pub(crate) enum Found<'a> {
    /// Here, as differences.
    Inline(&'a [u8]),
    /// In this blob of positions.
    Blob(u32),
}

/// Calls back for each term of a leaf; false ends it early. None when the bytes are no leaf.
pub(crate) fn read_leaf(
    mut leaf: &[u8],
    mut each: impl FnMut(&[u8], Found<'_>) -> bool,
) -> Option<()> {
    let mut term = Vec::with_capacity(64);
    while !leaf.is_empty() {
        let shared = usize::try_from(varint::get(&mut leaf)?).ok()?;
        term.truncate(shared);
        term.extend_from_slice(varint::get_bytes(&mut leaf)?);
        let found = match varint::get(&mut leaf)? {
            0 => Found::Blob(varint::get(&mut leaf)?),
            bytes => Found::Inline(varint::take(&mut leaf, bytes)?),
        };
        if !each(&term, found) {
            break;
        }
    }
    Some(())
}

/// Adds the positions of a block that stand inline.
pub(crate) fn read_inline(block: u16, mut bytes: &[u8], to: &mut Vec<u32>) -> Option<()> {
    let mut position = u32::from(block) * BLOCK;
    while !bytes.is_empty() {
        position = position.checked_add(varint::get(&mut bytes)?)?;
        to.push(position);
    }
    Some(())
}

/// The first terms of the leaves of a block, as they are stored: of ten million providers there
/// are many.
pub(crate) struct Directory {
    bytes: Box<[u8]>,
    /// Where each begins.
    starts: Box<[u32]>,
}

impl Directory {
    /// None when the bytes are no directory.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut starts = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            starts.push(u32::try_from(bytes.len() - rest.len()).ok()?);
            varint::get_bytes(&mut rest)?;
        }
        Some(Self {
            bytes: bytes.into(),
            starts: starts.into(),
        })
    }

    /// The leaves that may have one of some terms, which are in order, or with `beginning` a term
    /// that begins with one.
    pub(crate) fn leaves_of<'a>(
        &self,
        terms: impl IntoIterator<Item = &'a [u8]>,
        beginning: bool,
    ) -> Vec<u32> {
        let first_is = |leaf: usize, meets: &dyn Fn(&[u8]) -> bool| {
            let start = self.starts.get(leaf).map(|start| *start as usize);
            let rest = start.and_then(|start| self.bytes.get(start..));
            rest.is_some_and(|mut rest| varint::get_bytes(&mut rest).is_some_and(meets))
        };
        let mut leaves: Vec<u32> = Vec::new();
        let mut note = |leaf: usize| {
            let leaf = u32::try_from(leaf).unwrap_or(u32::MAX);
            if leaves.last().is_none_or(|last| *last < leaf) {
                leaves.push(leaf);
            }
        };
        let mut at = 0;
        for term in terms {
            let not_after = |first: &[u8]| first <= term;
            // Of many terms most are in the leaf of the one before.
            if first_is(at + 1, &not_after) {
                let (mut low, mut high) = (at + 1, self.starts.len());
                while high - low > 1 {
                    let middle = low.midpoint(high);
                    if first_is(middle, &not_after) {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                at = low;
            }
            if at < self.starts.len() {
                note(at);
            }
            while beginning && first_is(at + 1, &|first| first.starts_with(term)) {
                at += 1;
                note(at);
            }
        }
        leaves
    }
}

/// Little-endian numbers of four bytes.
pub(crate) fn numbers(bytes: &[u8]) -> Vec<u32> {
    let (all, _) = bytes.as_chunks::<4>();
    all.iter().map(|b| u32::from_le_bytes(*b)).collect()
}

/// Little-endian numbers of two bytes.
pub(crate) fn days(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (all, _) = bytes.as_chunks::<2>();
    all.iter().map(|b| u16::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(n: u32) -> Vec<u8> {
        format!("W{n:05} and what makes it longer").into_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Of every third number there is a term; some are asked for, whole or by how they begin.
        #[test]
        fn the_leaves_of_terms_have_all_of_them(
            mut asked in proptest::collection::btree_set(0u32..3_000, 1..60),
            short in 1usize..7,
            beginning: bool,
        ) {
            let terms: Vec<Vec<u8>> = (0..3_000).step_by(3).map(name).collect();
            let mut blobs = Vec::new();
            let mut dictionary = Dictionary::new(0, &mut blobs);
            for term in &terms {
                dictionary.add(term, &[7]).unwrap();
            }
            dictionary.finish();
            let directory = Directory::read(&blobs.pop().unwrap().1).unwrap();
            prop_assert!(blobs.len() > 4, "there are several leaves");
            prop_assert!(blobs.iter().all(|(_, leaf)| leaf.len() <= LEAF));

            asked.insert(2_999);
            let mut wanted: Vec<Vec<u8>> = asked.into_iter().map(name).collect();
            if beginning {
                for term in &mut wanted {
                    term.truncate(short);
                }
                wanted.dedup();
            }
            let meant = |term: &[u8]| wanted.iter().any(|wanted| {
                if beginning { term.starts_with(wanted) } else { term == wanted.as_slice() }
            });
            let leaves = directory.leaves_of(wanted.iter().map(Vec::as_slice), beginning);
            prop_assert!(leaves.is_sorted_by(|a, b| a < b), "each leaf once, in order");
            let mut found = 0;
            for leaf in &leaves {
                read_leaf(&blobs[*leaf as usize].1, |term, _| {
                    found += usize::from(meant(term));
                    true
                }).unwrap();
            }
            prop_assert_eq!(found, terms.iter().filter(|term| meant(term)).count());
            prop_assert!(beginning || leaves.len() <= wanted.len());
        }
    }
}
