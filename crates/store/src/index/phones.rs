//! Columns of telephone numbers: those that each position has, and how many positions of the
//! segment have them too. Who has one number is in the dictionary; this is for what concerns all
//! numbers at once.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use super::{
    coding::{Blob, PIECE, Part},
    terms::kind,
};

/// Bytes of a number,
const NUMBER: usize = 5;
/// of one with the place in its piece of who has it beside others,
const MORE: usize = 2 + NUMBER;
/// and of one with a position.
const HAD: usize = NUMBER + 4;

/// Numbers are counted in so many parts, one after the other, so that what stands in memory at a
/// time stays small.
const PARTS: usize = 64;
/// Bytes of a part before they go to a file.
const MEMORY: usize = 64 << 10;

/// The telephone number of a term in [`NUMBER`] bytes: never 0.
pub(super) fn number_of(term: &[u8]) -> Option<u64> {
    let [kind::PHONE, digits @ ..] = term else {
        return None;
    };
    let number = if digits.len() == 10 {
        digits.iter().fold(0, |number, digit| {
            number * 10 + u64::from(digit.wrapping_sub(b'0') % 10)
        })
    } else {
        // Too long to stand as they are, or mistaken for a longer one: what stands for them is
        // above all of ten digits.
        let hash = digits
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, digit| {
                (hash ^ u64::from(*digit)).wrapping_mul(0x0100_0000_01b3)
            });
        hash >> 25 | 1 << 39
    };
    Some(number + 1).filter(|number| number >> (8 * NUMBER) == 0)
}

fn bytes_of(number: u64) -> [u8; NUMBER] {
    let mut bytes = [0; NUMBER];
    bytes.copy_from_slice(&number.to_le_bytes()[..NUMBER]);
    bytes
}

fn of_bytes(bytes: [u8; NUMBER]) -> u64 {
    let mut all = [0; 8];
    all[..NUMBER].copy_from_slice(&bytes);
    u64::from_le_bytes(all)
}

/// Writes the columns.
pub(super) struct Writer {
    of_last: Vec<u64>,
    position: u32,
    dense: Vec<u8>,
    more: Vec<u8>,
    pieces: u32,
    sharing: Sharing,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            of_last: Vec::new(),
            position: 0,
            dense: Vec::new(),
            more: Vec::new(),
            pieces: 0,
            sharing: Sharing {
                parts: vec![Vec::new(); PARTS],
                written: Vec::new(),
                file: None,
            },
        }
    }

    /// Notes a number of the position that comes next, perhaps once more.
    pub(super) fn note(&mut self, number: u64) {
        if !self.of_last.contains(&number) {
            self.of_last.push(number);
        }
    }

    /// Ends a position.
    pub(super) fn end_position(&mut self, blobs: &mut Vec<Blob>) -> io::Result<()> {
        let place = u16::try_from(self.position % PIECE).unwrap_or(u16::MAX);
        let (first, others) = match self.of_last.split_first() {
            Some((first, others)) => (*first, others),
            None => (0, [].as_slice()),
        };
        self.dense.extend_from_slice(&bytes_of(first));
        for number in others {
            self.more.extend_from_slice(&place.to_le_bytes());
            self.more.extend_from_slice(&bytes_of(*number));
        }
        for number in self.of_last.drain(..) {
            self.sharing.note(number, self.position)?;
        }
        self.position += 1;
        if self.position.is_multiple_of(PIECE) {
            self.end_piece(blobs);
        }
        Ok(())
    }

    fn end_piece(&mut self, blobs: &mut Vec<Blob>) {
        let mut bytes = Vec::with_capacity(self.dense.len() + self.more.len());
        bytes.append(&mut self.dense);
        bytes.append(&mut self.more);
        blobs.push((Part::Phones(self.pieces).key(), bytes));
        self.pieces += 1;
    }

    pub(super) fn finish(mut self, blobs: &mut Vec<Blob>) -> io::Result<()> {
        if !self.dense.is_empty() {
            self.end_piece(blobs);
        }
        let counts = self.sharing.count(self.position)?;
        for (piece, counts) in (0..).zip(counts.chunks(PIECE as usize)) {
            blobs.push((Part::Shared(piece).key(), counts.to_vec()));
        }
        Ok(())
    }
}

/// Collects who has which number.
struct Sharing {
    parts: Vec<Vec<u8>>,
    /// Parts that are in the file: which, from where, and how many bytes.
    written: Vec<(usize, u64, usize)>,
    file: Option<File>,
}

impl Sharing {
    fn note(&mut self, number: u64, position: u32) -> io::Result<()> {
        let part = usize::try_from(number % PARTS as u64).unwrap_or(0);
        let bytes = &mut self.parts[part];
        bytes.extend_from_slice(&bytes_of(number));
        bytes.extend_from_slice(&position.to_le_bytes());
        if bytes.len() + HAD > MEMORY {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile()?),
            };
            let from = file.seek(SeekFrom::End(0))?;
            file.write_all(bytes)?;
            self.written.push((part, from, bytes.len()));
            bytes.clear();
        }
        Ok(())
    }

    /// Of each position, how many have the number of it that fewest have; 0 where it has none, and
    /// the greatest count for all greater ones.
    fn count(self, positions: u32) -> io::Result<Vec<u8>> {
        let mut counts = vec![0u8; positions as usize];
        let mut file = self.file;
        for (part, mut bytes) in self.parts.into_iter().enumerate() {
            for (_, from, length) in self.written.iter().filter(|written| written.0 == part) {
                let Some(file) = &mut file else { break };
                file.seek(SeekFrom::Start(*from))?;
                file.take(*length as u64).read_to_end(&mut bytes)?;
            }
            let mut had: Vec<(u64, u32)> = Vec::with_capacity(bytes.len() / HAD);
            for entry in bytes.as_chunks::<HAD>().0 {
                let [number @ .., a, b, c, d] = entry;
                had.push((of_bytes(*number), u32::from_le_bytes([*a, *b, *c, *d])));
            }
            had.sort_unstable();
            for same in had.chunk_by(|a, b| a.0 == b.0) {
                for (_, position) in same {
                    if let Some(least) = counts.get_mut(*position as usize) {
                        *least = lesser(*least, same.len());
                    }
                }
            }
        }
        Ok(counts)
    }
}

/// The lesser of a count, of which 0 is none yet, and another one.
pub(super) fn lesser(least: u8, count: usize) -> u8 {
    let count = u8::try_from(count).unwrap_or(u8::MAX);
    if least == 0 { count } else { least.min(count) }
}

/// Some positions of the column of numbers.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    dense: &'a [[u8; NUMBER]],
    more: &'a [[u8; MORE]],
}

impl<'a> Piece<'a> {
    /// A piece of so many positions; none when the bytes are no piece.
    pub(super) fn read(bytes: &'a [u8], positions: usize) -> Option<Self> {
        let (dense, more) = bytes.split_at_checked(positions * NUMBER)?;
        Some(Self {
            dense: dense.as_chunks().0,
            more: more.as_chunks().0,
        })
    }

    /// The numbers of the position at a place.
    pub(super) fn at(self, place: u32) -> impl Iterator<Item = u64> {
        let first = self.dense.get(place as usize).copied().map(of_bytes);
        let begin = self.more.partition_point(|more| place_of(*more) < place);
        let more = self.more[begin..].iter();
        let more = more.take_while(move |more| place_of(**more) == place);
        let more = more.map(|[_, _, number @ ..]| of_bytes(*number));
        first.filter(|number| *number > 0).into_iter().chain(more)
    }

    /// Each number with a place that has it, not in the order of the places.
    pub(super) fn each(self) -> impl Iterator<Item = (u32, u64)> {
        let dense = (0..).zip(self.dense.iter().map(|number| of_bytes(*number)));
        let more = self.more.iter();
        let more = more.map(|more @ [_, _, number @ ..]| (place_of(*more), of_bytes(*number)));
        dense.filter(|(_, number)| *number > 0).chain(more)
    }
}

fn place_of([low, high, ..]: [u8; MORE]) -> u32 {
    u32::from_le_bytes([low, high, 0, 0])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::index::terms::term;

    fn number(digits: &str) -> u64 {
        number_of(&term(kind::PHONE, digits)).unwrap()
    }

    #[test]
    fn different_digits_are_different_numbers() {
        let odd = [
            "0",
            "00",
            "5550142",
            "0005550142",
            "0000000000",
            "01144207946",
            "9999999999",
        ];
        for (i, a) in odd.iter().enumerate() {
            for b in &odd[i + 1..] {
                assert_ne!(number(a), number(b), "{a} {b}");
            }
            assert_eq!(of_bytes(bytes_of(number(a))), number(a));
        }
        assert_eq!(number_of(&term(kind::CITY, "5550142")), None);
    }

    proptest! {
        #[test]
        fn what_was_noted_is_read_and_counted(
            having in proptest::collection::vec(
                proptest::collection::vec(1u64..40, 0..4), 1..200),
        ) {
            let mut writer = Writer::new();
            let mut blobs = Vec::new();
            for numbers in &having {
                for number in numbers {
                    writer.note(*number);
                }
                writer.end_position(&mut blobs).unwrap();
            }
            writer.finish(&mut blobs).unwrap();
            let of: HashMap<i64, Vec<u8>> = blobs.into_iter().collect();
            let piece = Piece::read(&of[&Part::Phones(0).key()], having.len()).unwrap();
            let mut each = vec![Vec::new(); having.len()];
            for (place, number) in piece.each() {
                each[place as usize].push(number);
            }
            let shared = &of[&Part::Shared(0).key()];
            let with = |number: &u64| having.iter().filter(|has| has.contains(number)).count();
            for (position, mut has) in having.iter().cloned().enumerate() {
                let fewest = has.iter().map(with).min().unwrap_or(0);
                prop_assert_eq!(usize::from(shared[position]), fewest);
                has.sort_unstable();
                has.dedup();
                let mut at: Vec<u64> = piece.at(u32::try_from(position).unwrap()).collect();
                prop_assert_eq!(&at, &each[position]);
                at.sort_unstable();
                prop_assert_eq!(&at, &has);
            }
        }
    }

    #[test]
    fn more_than_stands_in_memory_is_counted_too() {
        let mut writer = Writer::new();
        let mut blobs = Vec::new();
        let positions = PIECE + 1_000;
        // One part takes them all: the greatest count is the last one told.
        for position in 0..positions {
            let shared = if position < 300 {
                0
            } else {
                u64::from(position) / 2
            };
            writer.note((shared + 1) * PARTS as u64);
            writer.end_position(&mut blobs).unwrap();
        }
        assert!(!writer.sharing.written.is_empty());
        writer.finish(&mut blobs).unwrap();
        let of: HashMap<i64, Vec<u8>> = blobs.into_iter().collect();
        let shared = [0, 1]
            .map(|piece| of[&Part::Shared(piece).key()].as_slice())
            .concat();
        assert_eq!(shared.len(), positions as usize);
        assert!(shared[..300].iter().all(|count| *count == u8::MAX));
        assert!(shared[300..].iter().all(|count| *count == 2));
        let second = Piece::read(&of[&Part::Phones(1).key()], 1_000).unwrap();
        assert_eq!(second.each().count(), 1_000);
    }
}
