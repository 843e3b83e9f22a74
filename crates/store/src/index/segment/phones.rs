//! Columns of telephone numbers.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::Segment;
use crate::{
    Error, Store,
    index::{
        coding::{PIECE, Part},
        phones::Piece,
    },
};

/// Pieces that are read at a time.
const AT_A_TIME: usize = 8;

impl Segment {
    /// Calls back for each telephone number and each position that has it.
    pub(crate) async fn each_phone(
        &self,
        store: &Store,
        mut each: impl FnMut(u32, u64),
    ) -> Result<(), Error> {
        self.phones(store, None, |from, piece| {
            for (place, number) in piece.each() {
                each(from + place, number);
            }
        })
        .await
    }

    /// As [`Segment::each_phone`], of some positions, in their order.
    pub(crate) async fn each_phone_of(
        &self,
        store: &Store,
        some: &RoaringBitmap,
        mut each: impl FnMut(u32, u64),
    ) -> Result<(), Error> {
        self.phones(store, Some(some), |from, piece| {
            for position in some.range(from..from + PIECE) {
                for number in piece.at(position - from) {
                    each(position, number);
                }
            }
        })
        .await
    }

    /// Reads the pieces that have some positions, or all, each with where it begins.
    async fn phones(
        &self,
        store: &Store,
        some: Option<&RoaringBitmap>,
        mut each: impl FnMut(u32, Piece<'_>),
    ) -> Result<(), Error> {
        let positions = |piece: u32| piece * PIECE..self.len.min((piece + 1) * PIECE);
        let pieces: Vec<u32> = (0..self.len.div_ceil(PIECE))
            .filter(|piece| some.is_none_or(|some| some.range_cardinality(positions(*piece)) > 0))
            .collect();
        for pieces in pieces.chunks(AT_A_TIME) {
            let keys: Vec<i64> = pieces
                .iter()
                .map(|piece| Part::Phones(*piece).key())
                .collect();
            let mut read = pieces.iter();
            self.blobs(store, &keys, |_, blob| {
                let positions = positions(*read.next()?);
                each(positions.start, Piece::read(blob, positions.len())?);
                Some(())
            })
            .await?;
        }
        Ok(())
    }

    /// Of each position, how many of the segment have the telephone number of it that fewest have.
    pub(crate) async fn shared(&self, store: &Store) -> Result<Arc<Vec<u8>>, Error> {
        if let Some(known) = self.shared.get() {
            return Ok(known.clone());
        }
        let keys: Vec<i64> = (0..self.len.div_ceil(PIECE))
            .map(|piece| Part::Shared(piece).key())
            .collect();
        let mut counts = Vec::with_capacity(self.len as usize);
        self.blobs(store, &keys, |_, blob| {
            counts.extend_from_slice(blob);
            Some(())
        })
        .await?;
        if counts.len() != self.len as usize {
            return Err(self.damaged());
        }
        Ok(self.shared.get_or_init(|| Arc::new(counts)).clone())
    }
}
