//! Sorts more keys than should stand in memory: sorted runs go to a temporary file, and are merged.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
};

use super::{
    coding::{Blob, ORDERED, Part, SIGNPOST},
    terms::Standing,
};
use crate::varint;

/// Bytes of keys in memory.
const MEMORY: usize = 12 << 20;

/// Collects where providers stand in an order.
pub(crate) struct Sorter {
    keys: Vec<u8>,
    /// Where a key begins and ends, its tie and position.
    entries: Vec<(u32, u32, u32, u32)>,
    runs: Vec<u64>,
    file: Option<File>,
}

impl Sorter {
    pub(crate) fn new() -> Self {
        Self {
            keys: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            file: None,
        }
    }

    pub(crate) fn push(&mut self, standing: &Standing, position: u32) -> io::Result<()> {
        let from = place(self.keys.len())?;
        self.keys.extend_from_slice(&standing.key);
        let to = place(self.keys.len())?;
        self.entries.push((from, to, standing.tie, position));
        if self.keys.len() + self.entries.len() * 16 > MEMORY {
            self.spill()?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let keys = &self.keys;
        let key = |(from, to, ..): &(u32, u32, u32, u32)| &keys[*from as usize..*to as usize];
        self.entries
            .sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.2.cmp(&b.2)));
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        self.runs.push(file.seek(SeekFrom::End(0))?);
        let mut out = BufWriter::with_capacity(1 << 18, &mut file);
        for &(from, to, tie, position) in &self.entries {
            let key = &self.keys[from as usize..to as usize];
            out.write_all(&(to - from).to_le_bytes())?;
            out.write_all(key)?;
            out.write_all(&tie.to_le_bytes())?;
            out.write_all(&position.to_le_bytes())?;
        }
        out.flush()?;
        drop(out);
        self.file = Some(file);
        self.keys.clear();
        self.entries.clear();
        Ok(())
    }

    /// Writes the order as blobs: its positions, and its signposts.
    pub(crate) fn finish(mut self, order: u16, blobs: &mut Vec<Blob>) -> io::Result<()> {
        let mut out = Ordered {
            order,
            piece: Vec::new(),
            pieces: 0,
            signposts: Vec::new(),
            count: 0,
            blobs,
        };
        if self.runs.is_empty() {
            self.sort();
            for &(from, to, tie, position) in &self.entries {
                out.push(&self.keys[from as usize..to as usize], tie, position);
            }
        } else {
            self.spill()?;
            let Some(file) = self.file.take() else {
                return Err(io::Error::other("a run without a file"));
            };
            merge(&file, &self.runs, &mut out)?;
        }
        out.finish();
        Ok(())
    }
}

fn place(n: usize) -> io::Result<u32> {
    u32::try_from(n).map_err(io::Error::other)
}

struct Ordered<'a> {
    order: u16,
    piece: Vec<u8>,
    pieces: u32,
    signposts: Vec<u8>,
    count: u32,
    blobs: &'a mut Vec<Blob>,
}

impl Ordered<'_> {
    fn push(&mut self, key: &[u8], tie: u32, position: u32) {
        if self.count.is_multiple_of(SIGNPOST) {
            varint::put_bytes(key, &mut self.signposts);
            self.signposts.extend_from_slice(&tie.to_le_bytes());
        }
        self.count += 1;
        self.piece.extend_from_slice(&position.to_le_bytes());
        if self.piece.len() == ORDERED as usize * 4 {
            self.end_piece();
        }
    }

    fn end_piece(&mut self) {
        let part = Part::Order(self.order, self.pieces);
        self.blobs
            .push((part.key(), std::mem::take(&mut self.piece)));
        self.pieces += 1;
    }

    fn finish(mut self) {
        if !self.piece.is_empty() {
            self.end_piece();
        }
        let part = Part::Signposts(self.order);
        self.blobs.push((part.key(), self.signposts));
    }
}

/// One run of the file, read from front to back.
struct Run {
    file: BufReader<Slice>,
    left: u64,
}

/// A reader of a part of a file that others read too: it knows its own place.
struct Slice {
    file: File,
    at: u64,
}

impl Read for Slice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(self.at))?;
        let read = self.file.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Run {
    fn next(&mut self) -> io::Result<Option<(Vec<u8>, u32, u32)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut four = [0; 4];
        self.file.read_exact(&mut four)?;
        let length = u32::from_le_bytes(four);
        let mut key = vec![0; length as usize];
        self.file.read_exact(&mut key)?;
        self.file.read_exact(&mut four)?;
        let tie = u32::from_le_bytes(four);
        self.file.read_exact(&mut four)?;
        self.left = self.left.saturating_sub(u64::from(length) + 12);
        Ok(Some((key, tie, u32::from_le_bytes(four))))
    }
}

fn merge(file: &File, starts: &[u64], out: &mut Ordered<'_>) -> io::Result<()> {
    let end = file.metadata()?.len();
    let ends = starts.iter().skip(1).copied().chain([end]);
    let mut runs = Vec::new();
    for (&at, end) in starts.iter().zip(ends) {
        let slice = Slice {
            file: file.try_clone()?,
            at,
        };
        runs.push(Run {
            file: BufReader::with_capacity(1 << 17, slice),
            left: end - at,
        });
    }
    let mut heap = BinaryHeap::new();
    for (i, run) in runs.iter_mut().enumerate() {
        heap.extend(run.next()?.map(|entry| Reverse((entry, i))));
    }
    while let Some(Reverse(((key, tie, position), i))) = heap.pop() {
        out.push(&key, tie, position);
        heap.extend(runs[i].next()?.map(|entry| Reverse((entry, i))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::coding::numbers;

    #[test]
    fn runs_are_merged_into_one_order() {
        let mut sorter = Sorter::new();
        let mut expected = Vec::new();
        for position in 0..5_000u32 {
            let standing = Standing {
                key: format!("{:05}", (position * 7_919) % 1_000).into_bytes(),
                tie: position ^ 0x5555,
            };
            sorter.push(&standing, position).unwrap();
            expected.push((standing, position));
            if position % 1_700 == 1_699 {
                sorter.spill().unwrap();
            }
        }
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        let mut blobs = Vec::new();
        sorter.finish(3, &mut blobs).unwrap();
        let order = numbers(&blobs[0].1);
        assert_eq!(order, expected.iter().map(|e| e.1).collect::<Vec<_>>());
        assert_eq!(blobs[1].0, Part::Signposts(3).key());
    }
}
