//! The other way round: what terms there are, and which of them positions have.

use std::{collections::HashMap, sync::Arc};

use roaring::RoaringBitmap;

use super::{AT_ONCE, Scan, Segment};
use crate::{
    Error, Store,
    index::{
        cache::{Cached, Key},
        coding::{BLOCK, Found, Part, read_inline, read_leaf},
        terms::PART,
    },
};

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

impl Segment {
    /// Calls back for each term of a scan in each block, with its positions there.
    pub(crate) async fn each_term(
        &self,
        store: &Store,
        scan: &Scan,
        mut each: impl FnMut(&[u8], &[u32]),
    ) -> Result<(), Error> {
        let leaves = self.leaves(store, scan).await?;
        self.terms_of(store, &leaves, scan, &mut each).await
    }

    /// As [`Segment::each_term`], of one block.
    pub(crate) async fn each_term_of_block(
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
}
