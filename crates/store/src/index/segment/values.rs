//! The other way round: what terms there are, and which of them positions have.

use std::{collections::HashMap, sync::Arc};

use roaring::RoaringBitmap;

use super::{AT_ONCE, Scan, Segment};
use crate::{
    Error, Store,
    index::{
        cache::{Cached, Key},
        coding::{Found, PIECE, Part, read_inline, read_leaf},
        terms::PART,
        valued::{Piece, Texts},
    },
};

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
        let key = Key::Groups(self.key, kind, bytes);
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

    /// The values of a column.
    pub(crate) async fn texts(&self, store: &Store, column: u16) -> Result<Arc<Texts>, Error> {
        let cache = &store.index().cache;
        let key = Key::Texts(self.key, column);
        if let Some(known) = cache.texts(&key) {
            return Ok(known);
        }
        let read = self.blob(store, Part::Texts(column), Texts::read).await?;
        let texts = Arc::new(read);
        cache.put(key, Cached::Texts(texts.clone()));
        Ok(texts)
    }

    /// How many of some positions have each value of a column, by their numbers.
    pub(crate) async fn count_values(
        &self,
        store: &Store,
        column: u16,
        texts: &Texts,
        found: &RoaringBitmap,
    ) -> Result<Vec<u32>, Error> {
        let others = (found.len() > u64::from(self.len) / 2).then(|| {
            let mut others = RoaringBitmap::new();
            others.insert_range(0..self.len);
            others - found
        });
        let mut counts = vec![0; texts.0.len()];
        let counted = others.as_ref().unwrap_or(found);
        for piece in 0..self.len.div_ceil(PIECE) {
            let from = piece * PIECE;
            let positions = from..self.len.min(from + PIECE);
            if counted.range_cardinality(positions.clone()) > 0 {
                let values = self.values(store, column, piece, positions.len()).await?;
                values.count(counted, positions, &mut counts);
            }
        }
        if others.is_some() {
            // What all have, less what the others have, is the shorter way.
            for (count, (_, of_all)) in counts.iter_mut().zip(&texts.0) {
                *count = of_all.saturating_sub(*count);
            }
        }
        Ok(counts)
    }

    /// A piece of a column of values.
    async fn values(
        &self,
        store: &Store,
        column: u16,
        piece: u32,
        positions: usize,
    ) -> Result<Arc<Piece>, Error> {
        let cache = &store.index().cache;
        let part = Part::Values(column, piece);
        let key = Key::Values(self.key, part.key());
        if let Some(known) = cache.values(&key) {
            return Ok(known);
        }
        let read = self.blob(store, part, |blob| Piece::read(blob, positions));
        let read = Arc::new(read.await?);
        cache.put(key, Cached::Values(read.clone()));
        Ok(read)
    }
}
