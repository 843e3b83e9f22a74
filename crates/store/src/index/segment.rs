//! Reading a segment.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use roaring::RoaringBitmap;

use super::{
    bits::Bits,
    cache::{Cache, Cached, Key},
    coding::{
        BLOCK, Blob, Directory, Found, PIECE, Part, SIGNPOST, days, numbers, read_inline, read_leaf,
    },
    terms::{Order, PART, Standing, word_key},
};
use crate::{Error, Store, varint};

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
    /// Its number; no two of one process have the same.
    pub(crate) number: i64,
    source: Source,
    /// How many positions it has.
    pub(crate) len: u32,
    ids: Ids,
    directories: OnceLock<Arc<Vec<Directory>>>,
    /// Of each position its place, by order. Too large for the cache, and of use to every search.
    ranks: [OnceLock<Arc<Vec<u32>>>; 4],
    /// The words of names, each short, in order.
    vocabulary: OnceLock<Arc<Vec<u32>>>,
}

/// Which values the positions of a block have.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) texts: Vec<Box<[u8]>>,
    /// Where the codes of each position begin, and where those of the last end.
    pub(crate) starts: Vec<u32>,
    /// Places among the texts.
    pub(crate) codes: Vec<u32>,
}

/// Texts, each with the positions that have it.
pub(crate) type Groups = Vec<(Arc<str>, RoaringBitmap)>;

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
            len,
            ids,
            source: Source::Memory(blobs),
            directories: OnceLock::new(),
            ranks: Default::default(),
            vocabulary: OnceLock::new(),
        })
    }

    /// A segment of the database.
    pub(crate) async fn stored(store: &Store, number: i64) -> Result<Self, Error> {
        let head = store.index_blobs(number, &[Part::Head.key()]).await?;
        let head = head.get(&Part::Head.key()).ok_or(Error::IndexMoved)?;
        let (len, ids) = read_head(head).ok_or_else(|| damaged(number))?;
        Ok(Self {
            number,
            len,
            ids,
            source: Source::Stored,
            directories: OnceLock::new(),
            ranks: Default::default(),
            vocabulary: OnceLock::new(),
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
        let read = self
            .blobs(store, &[Part::Vocabulary.key()], |_, blob| {
                Some(numbers(blob))
            })
            .await?
            .pop()
            .ok_or_else(|| self.damaged())?;
        Ok(self.vocabulary.get_or_init(|| Arc::new(read)).clone())
    }

    /// The leaves that may have terms of a scan, by block.
    async fn leaves(&self, store: &Store, scan: &Scan) -> Result<Vec<(u16, u32)>, Error> {
        let directories = self.directories(store).await?;
        let mut leaves = Vec::new();
        for (block, directory) in (0..).zip(directories.iter()) {
            let from = directory
                .count_from(0, |first| first <= scan.begins.as_slice())
                .saturating_sub(1);
            let beyond = |first: &[u8]| match scan.keep {
                Keep::Whole => first > scan.begins.as_slice(),
                _ => first > scan.begins.as_slice() && !first.starts_with(&scan.begins),
            };
            let until = from + directory.count_from(from, |first| !beyond(first));
            let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            leaves.extend((place(from)..place(until)).map(|leaf| (block, leaf)));
        }
        Ok(leaves)
    }

    /// The positions that have one of the terms of a scan.
    pub(crate) async fn scan(
        &self,
        store: &Store,
        cache: &Cache,
        scan: &Scan,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let key = Key::Scan(self.number, scan.clone());
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
        let key = Key::Among(self.number, terms.clone(), fit);
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
                terms.iter().filter(is_word).collect::<Vec<_>>()
            }
            Fit::Beginning => terms.iter().collect(),
        };
        let mut leaves = Vec::new();
        for term in known {
            let scan = match fit {
                Fit::Whole => Scan::whole(term.clone()),
                Fit::Beginning => Scan::beginning(term.clone()),
            };
            leaves.extend(self.leaves(store, &scan).await?);
        }
        leaves.sort_unstable();
        leaves.dedup();
        let belongs = |term: &[u8]| {
            let after = terms.partition_point(|known| known.as_slice() <= term);
            let last = after.checked_sub(1).and_then(|at| terms.get(at));
            last.is_some_and(|known| match fit {
                Fit::Whole => term == known,
                Fit::Beginning => term.starts_with(known),
            })
        };
        let positions = self
            .read(store, &leaves, |term| (belongs(term), true))
            .await?;
        cache.put(key, Cached::Positions(positions.clone()));
        Ok(positions)
    }

    /// Calls back for each term of a scan in each block, with its positions there.
    pub(super) async fn each_term(
        &self,
        store: &Store,
        scan: &Scan,
        mut each: impl FnMut(&[u8], &[u32]),
    ) -> Result<(), Error> {
        let leaves = self.leaves(store, scan).await?;
        self.terms_of(store, &leaves, scan, &mut each).await
    }

    /// As [`Segment::each_term`], of one block.
    pub(super) async fn each_term_of_block(
        &self,
        store: &Store,
        scan: &Scan,
        block: u16,
        mut each: impl FnMut(&[u8], &[u32]),
    ) -> Result<(), Error> {
        let mut leaves = self.leaves(store, scan).await?;
        leaves.retain(|(of, _)| *of == block);
        self.terms_of(store, &leaves, scan, &mut each).await
    }

    async fn terms_of(
        &self,
        store: &Store,
        leaves: &[(u16, u32)],
        scan: &Scan,
        each: &mut impl FnMut(&[u8], &[u32]),
    ) -> Result<(), Error> {
        for leaves in leaves.chunks(AT_ONCE) {
            let keys: Vec<i64> = leaves
                .iter()
                .map(|&(block, leaf)| Part::Leaf(block, leaf).key())
                .collect();
            let mut many: Vec<(i64, Vec<u8>)> = Vec::new();
            let mut few: Vec<u32> = Vec::new();
            let mut block_of = leaves.iter().map(|(block, _)| *block);
            self.blobs(store, &keys, |_, leaf| {
                let block = block_of.next()?;
                let mut whole = Some(());
                read_leaf(leaf, |term, found| {
                    if !term.starts_with(&scan.begins) {
                        return term < scan.begins.as_slice();
                    }
                    if scan.keeps(term) {
                        match found {
                            Found::Inline(bytes) => {
                                few.clear();
                                whole = read_inline(block, bytes, &mut few);
                                each(term, &few);
                            }
                            Found::Blob(number) => {
                                many.push((Part::Positions(block, number).key(), term.to_vec()));
                            }
                        }
                    }
                    whole.is_some()
                })?;
                whole
            })
            .await?;
            let keys: Vec<i64> = many.iter().map(|(key, _)| *key).collect();
            let mut terms = many.iter().map(|(_, term)| term);
            self.blobs(store, &keys, |_, blob| {
                let positions = RoaringBitmap::deserialize_from(blob).ok()?;
                few.clear();
                few.extend(positions);
                each(terms.next()?, &few);
                Some(())
            })
            .await?;
        }
        Ok(())
    }

    /// The positions of all terms of a kind, those together whose texts begin with the same so
    /// many bytes, and have nothing after a part.
    pub(crate) async fn groups(
        &self,
        store: &Store,
        kind: u8,
        bytes: usize,
    ) -> Result<Arc<Groups>, Error> {
        let cache = &store.index().cache;
        let key = Key::Groups(self.number, kind, bytes);
        if let Some(known) = cache.groups(&key) {
            return Ok(known);
        }
        let mut groups: HashMap<Vec<u8>, RoaringBitmap> = HashMap::new();
        let scan = Scan::beginning(vec![kind]);
        self.each_term(store, &scan, |term, positions| {
            let text = term.get(1..).unwrap_or_default();
            let text = text.split(|b| *b == PART).next().unwrap_or_default();
            let group = &text[..text.len().min(bytes)];
            if !groups.contains_key(group) {
                groups.insert(group.to_vec(), RoaringBitmap::new());
            }
            if let Some(group) = groups.get_mut(group) {
                group.extend(positions);
            }
        })
        .await?;
        let mut groups: Groups = groups
            .into_iter()
            .map(|(text, positions)| (String::from_utf8_lossy(&text).into(), positions))
            .collect();
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        let groups = Arc::new(groups);
        cache.put(key, Cached::Groups(groups.clone()));
        Ok(groups)
    }

    /// Of each position of a block, the values of a kind that it has. Of terms of several parts the
    /// last is no part of the value.
    pub(crate) async fn values_of_block(
        &self,
        store: &Store,
        kind: u8,
        block: u16,
    ) -> Result<Arc<Values>, Error> {
        let cache = &store.index().cache;
        let key = Key::Values(self.number, kind, block);
        if let Some(known) = cache.values(&key) {
            return Ok(known);
        }
        let from = u32::from(block) * BLOCK;
        let mut values = Values::default();
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut codes: HashMap<Vec<u8>, u32> = HashMap::new();
        let scan = Scan::beginning(vec![kind]);
        self.each_term_of_block(store, &scan, block, |term, positions| {
            let text = term.get(1..).unwrap_or_default();
            let last = text.iter().rposition(|b| *b == PART);
            let text = &text[..last.unwrap_or(text.len())];
            let code = codes.get(text).copied().unwrap_or_else(|| {
                let next = u32::try_from(values.texts.len()).unwrap_or(u32::MAX);
                codes.insert(text.to_vec(), next);
                values.texts.push(text.into());
                next
            });
            pairs.extend(positions.iter().map(|position| (position - from, code)));
        })
        .await?;
        pairs.sort_unstable();
        pairs.dedup();
        values.starts = vec![0; BLOCK as usize + 1];
        for (position, code) in pairs {
            values.starts[position as usize + 1] += 1;
            values.codes.push(code);
        }
        for i in 1..values.starts.len() {
            values.starts[i] += values.starts[i - 1];
        }
        let values = Arc::new(values);
        cache.put(key, Cached::Values(values.clone()));
        Ok(values)
    }

    /// The positions of terms of some leaves: `wanted` says of a term whether it is meant, and
    /// whether another after it in its leaf may be.
    async fn read(
        &self,
        store: &Store,
        leaves: &[(u16, u32)],
        wanted: impl Fn(&[u8]) -> (bool, bool),
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
            let (eights, rest) = days.as_chunks::<8>();
            bytes.extend(eights.iter().map(|eight| bits_of(*eight, from)));
            if !rest.is_empty() {
                let mut eight = [0; 8];
                eight[..rest.len()].copy_from_slice(rest);
                bytes.push(bits_of(eight, from));
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
        let part = Part::Column(column, piece).key();
        let key = Key::Days(self.number, part);
        if let Some(known) = cache.days(&key) {
            return Ok(known);
        }
        let read: Vec<u16> = self
            .blobs(store, &[part], |_, blob| Some(days(blob).collect()))
            .await?
            .pop()
            .ok_or_else(|| self.damaged())?;
        let read = Arc::new(read);
        cache.put(key, Cached::Days(read.clone()));
        Ok(read)
    }

    /// Of each position its place in an order.
    pub(crate) async fn ranks(&self, store: &Store, sort: Order) -> Result<Arc<Vec<u32>>, Error> {
        let of_order = &self.ranks[usize::from(sort.number())];
        if let Some(known) = of_order.get() {
            return Ok(known.clone());
        }
        let keys: Vec<i64> = (0..self.len.div_ceil(PIECE))
            .map(|piece| Part::Order(sort.number(), piece).key())
            .collect();
        let mut ranks = vec![0; self.len as usize];
        let mut place = 0u32;
        for group in keys.chunks(16) {
            self.blobs(store, group, |_, blob| {
                for position in numbers(blob) {
                    *ranks.get_mut(position as usize)? = place;
                    place += 1;
                }
                Some(())
            })
            .await?;
        }
        Ok(of_order.get_or_init(|| Arc::new(ranks)).clone())
    }

    /// A piece of an order.
    pub(crate) async fn order(
        &self,
        store: &Store,
        cache: &Cache,
        sort: Order,
        piece: u32,
    ) -> Result<Arc<Vec<u32>>, Error> {
        let part = Part::Order(sort.number(), piece).key();
        let key = Key::Order(self.number, part);
        if let Some(known) = cache.order(&key) {
            return Ok(known);
        }
        let read = self
            .blobs(store, &[part], |_, blob| Some(numbers(blob)))
            .await?
            .pop()
            .ok_or_else(|| self.damaged())?;
        let order = Arc::new(read);
        cache.put(key, Cached::Order(order.clone()));
        Ok(order)
    }

    /// The place in an order from which what comes after a standing begins at the earliest: less
    /// than [`SIGNPOST`] places before it.
    pub(crate) async fn place_near(
        &self,
        store: &Store,
        cache: &Cache,
        sort: Order,
        after: &Standing,
    ) -> Result<u32, Error> {
        let key = Key::Signposts(self.number, sort.number());
        let posts = if let Some(known) = cache.signposts(&key) {
            known
        } else {
            let part = Part::Signposts(sort.number()).key();
            let read = self
                .blobs(store, &[part], |_, blob| read_signposts(blob))
                .await?
                .pop()
                .ok_or_else(|| self.damaged())?;
            let read = Arc::new(read);
            cache.put(key, Cached::Signposts(read.clone()));
            read
        };
        let before = posts
            .partition_point(|post| post <= after)
            .saturating_sub(1);
        Ok(u32::try_from(before).unwrap_or(0) * SIGNPOST)
    }
}

/// A bit for each of eight days, the first the lowest: whether it is `from`, which is not 0, or a
/// later one.
fn bits_of(days: [u16; 8], from: u16) -> u8 {
    let is = days.map(|day| u8::from(day >= from));
    // Each byte is 0 or 1; the product brings them together in its highest byte.
    (u64::from_le_bytes(is).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
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

fn read_signposts(mut bytes: &[u8]) -> Option<Vec<Standing>> {
    let mut posts = Vec::new();
    while !bytes.is_empty() {
        let key = varint::get_bytes(&mut bytes)?.to_vec();
        let tie = u32::from_le_bytes(varint::take(&mut bytes, 4)?.try_into().ok()?);
        posts.push(Standing { key, tie });
    }
    Some(posts)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_says_whether_its_day_is_late_enough() {
        for pattern in 0..=u8::MAX {
            let days = std::array::from_fn(|i| 99 + u16::from(pattern >> i & 1));
            assert_eq!(bits_of(days, 100), pattern);
        }
    }
}
