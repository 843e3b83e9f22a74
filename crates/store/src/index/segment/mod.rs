//! Reading a segment.

mod days;
mod orders;
mod phones;
mod values;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use roaring::RoaringBitmap;

use super::{
    bits::Bits,
    cache::{Cache, Cached, Key},
    coding::{BLOCK, Blob, Directory, Found, Part, numbers, read_inline, read_leaf},
    terms::{PART, word_key},
};
use crate::{Error, Store};

pub(crate) use values::Groups;

/// Blobs that are asked for at once.
const AT_ONCE: usize = 256;

/// Where the blobs of a segment are.
enum Source {
    /// In this process: of providers that no stored segment describes yet.
    Memory(HashMap<i64, Vec<u8>>),
    /// In the database.
    Stored,
}

/// A segment, as far as it was read.
pub(crate) struct Segment {
    /// Its number in the database; negative for one in memory.
    pub(crate) number: i64,
    /// What is kept of it is kept under this, which no other segment of this process ever has. A
    /// server that lost its last commits may give a number again, to other providers.
    key: i64,
    source: Source,
    /// How many positions it has.
    pub(crate) len: u32,
    ids: Ids,
    directories: OnceLock<Arc<Vec<Directory>>>,
    /// Of each position its place, by order. Too large for the cache, and of use to every search.
    ranks: [OnceLock<Arc<Vec<u32>>>; 4],
    /// The words of names, each short, in order.
    vocabulary: OnceLock<Arc<Vec<u32>>>,
    /// Of each position, how many share its telephone.
    shared: OnceLock<Arc<Vec<u8>>>,
}

/// The ids behind the positions.
enum Ids {
    /// This one, and on from there.
    From(u32),
    /// These, in order.
    Listed(Vec<u32>),
}

/// Which terms a question is after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scan {
    /// How a term begins.
    pub(crate) begins: Vec<u8>,
    /// Which of those that begin so.
    pub(crate) keep: Keep,
}

/// Which of the terms that begin in one way are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Keep {
    /// The one that is nothing but its beginning.
    Whole,
    /// All of them.
    All,
    /// Those whose last part is this one.
    LastPart(Vec<u8>),
    /// Those whose last part begins so.
    LastPartBegins(Vec<u8>),
}

/// How a term must fit one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fit {
    /// Be it. They are words of names.
    Whole,
    /// Begin with it.
    Beginning,
}

impl Scan {
    pub(crate) fn whole(term: Vec<u8>) -> Self {
        Self {
            begins: term,
            keep: Keep::Whole,
        }
    }

    pub(crate) fn beginning(term: Vec<u8>) -> Self {
        Self {
            begins: term,
            keep: Keep::All,
        }
    }

    fn keeps(&self, term: &[u8]) -> bool {
        let last = || term.rsplit(|b| *b == PART).next().unwrap_or_default();
        match &self.keep {
            Keep::Whole => term.len() == self.begins.len(),
            Keep::All => true,
            Keep::LastPart(part) => last() == part,
            Keep::LastPartBegins(part) => last().starts_with(part),
        }
    }
}

fn damaged(segment: i64) -> Error {
    Error::corrupt(format!("segment {segment} of the search index"))
}

impl Segment {
    /// A segment of blobs that stand in memory.
    pub(crate) fn in_memory(number: i64, blobs: Vec<Blob>) -> Result<Self, Error> {
        let blobs: HashMap<i64, Vec<u8>> = blobs.into_iter().collect();
        let head = blobs
            .get(&Part::Head.key())
            .ok_or_else(|| damaged(number))?;
        let (len, ids) = read_head(head).ok_or_else(|| damaged(number))?;
        Ok(Self {
            number,
            key: number,
            len,
            ids,
            source: Source::Memory(blobs),
            directories: OnceLock::new(),
            ranks: Default::default(),
            vocabulary: OnceLock::new(),
            shared: OnceLock::new(),
        })
    }

    /// A segment of the database.
    pub(crate) async fn stored(store: &Store, number: i64) -> Result<Self, Error> {
        let head = store.index_blobs(number, &[Part::Head.key()]).await?;
        let head = head.get(&Part::Head.key()).ok_or(Error::IndexMoved)?;
        let (len, ids) = read_head(head).ok_or_else(|| damaged(number))?;
        Ok(Self {
            number,
            key: store.index().own_number(),
            len,
            ids,
            source: Source::Stored,
            directories: OnceLock::new(),
            ranks: Default::default(),
            vocabulary: OnceLock::new(),
            shared: OnceLock::new(),
        })
    }

    fn damaged(&self) -> Error {
        damaged(self.number)
    }

    /// The id at a position.
    pub(crate) fn id(&self, position: u32) -> u32 {
        match &self.ids {
            Ids::From(first) => first + position,
            Ids::Listed(ids) => ids.get(position as usize).copied().unwrap_or(u32::MAX),
        }
    }

    /// The positions of those of some ids that it has.
    pub(crate) fn positions(&self, ids: &RoaringBitmap) -> RoaringBitmap {
        match &self.ids {
            Ids::From(first) => {
                let all = ids.range(*first..first + self.len).map(|id| id - first);
                Bits::collect(0, self.len, all)
            }
            Ids::Listed(list) if ids.len() * 16 < list.len() as u64 => {
                let all = ids.iter().filter_map(|id| list.binary_search(&id).ok());
                all.filter_map(|at| u32::try_from(at).ok()).collect()
            }
            Ids::Listed(list) => {
                let all = (0..self.len).zip(list).filter(|(_, id)| ids.contains(**id));
                Bits::collect(0, self.len, all.map(|(position, _)| position))
            }
        }
    }

    /// Its ids at some positions.
    pub(crate) fn ids_at(&self, positions: &RoaringBitmap) -> RoaringBitmap {
        match &self.ids {
            Ids::From(0) => positions.clone(),
            Ids::From(first) => {
                let all = positions.iter().map(|position| first + position);
                Bits::collect(*first, first + self.len, all)
            }
            Ids::Listed(_) => positions.iter().map(|position| self.id(position)).collect(),
        }
    }

    pub(crate) fn blocks(&self) -> u16 {
        u16::try_from(self.len.div_ceil(BLOCK)).unwrap_or(u16::MAX)
    }

    /// Some of its blobs; each has to be there.
    async fn blobs<T>(
        &self,
        store: &Store,
        keys: &[i64],
        mut each: impl FnMut(i64, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::with_capacity(keys.len());
        match &self.source {
            Source::Memory(blobs) => {
                for key in keys {
                    let blob = blobs.get(key).ok_or_else(|| self.damaged())?;
                    all.push(each(*key, blob).ok_or_else(|| self.damaged())?);
                }
            }
            Source::Stored => {
                for group in keys.chunks(AT_ONCE) {
                    let blobs = store.index_blobs(self.number, group).await?;
                    for key in group {
                        // A segment goes away as a whole when others take its place.
                        let blob = blobs.get(key).ok_or(Error::IndexMoved)?;
                        all.push(each(*key, blob).ok_or_else(|| self.damaged())?);
                    }
                }
            }
        }
        Ok(all)
    }

    /// One of its blobs.
    async fn blob<T>(
        &self,
        store: &Store,
        part: Part,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, Error> {
        let all = self
            .blobs(store, &[part.key()], |_, blob| read(blob))
            .await?;
        all.into_iter().next().ok_or_else(|| self.damaged())
    }

    async fn directories(&self, store: &Store) -> Result<Arc<Vec<Directory>>, Error> {
        if let Some(known) = self.directories.get() {
            return Ok(known.clone());
        }
        let keys: Vec<i64> = (0..self.blocks())
            .map(|block| Part::Directory(block).key())
            .collect();
        let read = self
            .blobs(store, &keys, |_, blob| Directory::read(blob))
            .await?;
        Ok(self.directories.get_or_init(|| Arc::new(read)).clone())
    }

    async fn vocabulary(&self, store: &Store) -> Result<Arc<Vec<u32>>, Error> {
        if let Some(known) = self.vocabulary.get() {
            return Ok(known.clone());
        }
        let read = self.blob(store, Part::Vocabulary, |blob| Some(numbers(blob)));
        let read = read.await?;
        Ok(self.vocabulary.get_or_init(|| Arc::new(read)).clone())
    }

    /// The leaves that may have terms of a scan, by block.
    async fn leaves(&self, store: &Store, scan: &Scan) -> Result<Vec<(u16, u32)>, Error> {
        let beginning = scan.keep != Keep::Whole;
        self.leaves_of(store, &[scan.begins.as_slice()], beginning)
            .await
    }

    /// The leaves that may have some terms, which are in order, or with `beginning` what begins
    /// with them; by block.
    async fn leaves_of(
        &self,
        store: &Store,
        terms: &[&[u8]],
        beginning: bool,
    ) -> Result<Vec<(u16, u32)>, Error> {
        let directories = self.directories(store).await?;
        let of_block = |(block, directory): (u16, &Directory)| {
            let leaves = directory.leaves_of(terms.iter().copied(), beginning);
            leaves.into_iter().map(move |leaf| (block, leaf))
        };
        Ok((0..).zip(directories.iter()).flat_map(of_block).collect())
    }

    /// The positions that have one of the terms of a scan.
    pub(crate) async fn scan(
        &self,
        store: &Store,
        cache: &Cache,
        scan: &Scan,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let key = Key::Scan(self.key, scan.clone());
        if let Some(known) = cache.positions(&key) {
            return Ok(known);
        }
        let leaves = self.leaves(store, scan).await?;
        let begins = scan.begins.as_slice();
        let wanted = |term: &[u8]| {
            if !term.starts_with(begins) {
                return (false, term < begins);
            }
            (scan.keeps(term), scan.keep != Keep::Whole)
        };
        let positions = self.read(store, &leaves, wanted).await?;
        cache.put(key, Cached::Positions(positions.clone()));
        Ok(positions)
    }

    /// The positions that have one of some terms, which are in order.
    pub(crate) async fn among(
        &self,
        store: &Store,
        cache: &Cache,
        terms: &Arc<Vec<Vec<u8>>>,
        fit: Fit,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let key = Key::Among(self.key, terms.clone(), fit);
        if let Some(known) = cache.positions(&key) {
            return Ok(known);
        }
        let known = match fit {
            // Of all that a word may be mistaken for few are words.
            Fit::Whole => {
                let words = self.vocabulary(store).await?;
                let is_word = |term: &&Vec<u8>| {
                    let word = term.get(1..).unwrap_or_default();
                    words.binary_search(&word_key(word)).is_ok()
                };
                terms.iter().filter(is_word).map(Vec::as_slice).collect()
            }
            Fit::Beginning => terms.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        };
        let beginning = fit == Fit::Beginning;
        let leaves = self.leaves_of(store, &known, beginning).await?;
        // Both the terms of a leaf and those that are meant are in order.
        let mut at = 0;
        let mut belongs = |term: &[u8]| {
            if known.get(at).is_none_or(|meant| *meant > term) {
                at = known.partition_point(|meant| *meant <= term);
                at = at.saturating_sub(1);
            }
            while known.get(at + 1).is_some_and(|next| *next <= term) {
                at += 1;
            }
            known.get(at).is_some_and(|meant| match fit {
                Fit::Whole => term == *meant,
                Fit::Beginning => term.starts_with(meant),
            })
        };
        let positions = self
            .read(store, &leaves, |term| (belongs(term), true))
            .await?;
        cache.put(key, Cached::Positions(positions.clone()));
        Ok(positions)
    }

    /// The positions of terms of some leaves: `wanted` says of a term whether it is meant, and
    /// whether another after it in its leaf may be.
    async fn read(
        &self,
        store: &Store,
        leaves: &[(u16, u32)],
        mut wanted: impl FnMut(&[u8]) -> (bool, bool),
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let keys: Vec<i64> = leaves
            .iter()
            .map(|&(block, leaf)| Part::Leaf(block, leaf).key())
            .collect();
        let mut few: Vec<u32> = Vec::new();
        let mut many: Vec<i64> = Vec::new();
        let mut block_of = leaves.iter().map(|(block, _)| *block);
        self.blobs(store, &keys, |_, leaf| {
            let block = block_of.next()?;
            let mut whole = Some(());
            read_leaf(leaf, |term, found| {
                let (meant, more) = wanted(term);
                if meant {
                    match found {
                        Found::Inline(bytes) => whole = read_inline(block, bytes, &mut few),
                        Found::Blob(number) => many.push(Part::Positions(block, number).key()),
                    }
                }
                whole.is_some() && more
            })?;
            whole
        })
        .await?;
        let mut positions = from_positions(few, self.len);
        self.blobs(store, &many, |_, blob| {
            positions |= RoaringBitmap::deserialize_from(blob).ok()?;
            Some(())
        })
        .await?;
        Ok(Arc::new(positions))
    }
}

fn read_head(head: &[u8]) -> Option<(u32, Ids)> {
    let head = numbers(head);
    let (&len, rest) = head.split_first()?;
    let ids = match *rest {
        [first] => Ids::From(first),
        _ if rest.len() == len as usize => Ids::Listed(rest.to_vec()),
        _ => return None,
    };
    Some((len, ids))
}

/// A set of positions in any order, each perhaps several times.
fn from_positions(mut positions: Vec<u32>, len: u32) -> RoaringBitmap {
    if positions.len() < 4_096 {
        positions.sort_unstable();
        positions.dedup();
        return RoaringBitmap::from_sorted_iter(positions).unwrap_or_default();
    }
    Bits::collect(0, len, positions)
}
