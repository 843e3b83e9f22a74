//! Makes a segment of providers.

use std::{
    collections::{HashMap, HashSet},
    io,
};

use canvass_model::Provider;

use super::{
    coding::{BLOCK, Blob, Dictionary, PIECE, Part},
    order::Sorter,
    phones::{self, number_of},
    terms::{Order, Standing, day, kind, terms, word_key},
    valued::{Writer, valued},
};
use crate::varint;

/// The columns of a segment.
pub(crate) const ENUMERATED: u16 = 0;
pub(crate) const UPDATED: u16 = 1;

/// What a segment keeps of a provider. It is made apart from the segment, on any thread.
pub(crate) struct Described {
    /// Its terms, each behind its length.
    terms: Vec<u8>,
    /// In the order of [`Order::ALL`].
    standings: [Standing; 4],
    days: [u16; 2],
}

impl Described {
    pub(crate) fn new(p: &Provider) -> Self {
        let mut all = Vec::with_capacity(256);
        terms(p, |term| varint::put_bytes(term, &mut all));
        Self {
            terms: all,
            standings: Order::ALL.map(|sort| Standing::of(p, sort)),
            days: [day(p.enumerated_on), day(p.updated_on)],
        }
    }
}

/// Takes providers in the order of their ids and gives the blobs of a segment.
pub(crate) struct Builder {
    ids: Vec<u32>,
    /// The first id, while all ids follow one upon the other and `ids` is empty.
    first: Option<u32>,
    count: u32,
    block: u16,
    names: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
    /// What columns keep of each term of the block.
    kept: Vec<Option<Kept>>,
    /// A term and a position that has it, in the order they came.
    pairs: Vec<(u32, u32)>,
    orders: Vec<(Order, Sorter)>,
    columns: [Column; 2],
    values: [Writer; 4],
    phones: phones::Writer,
    blobs: Vec<Blob>,
    /// The words of names, each short.
    words: HashSet<u32, foldhash::fast::FixedState>,
    finished: bool,
}

/// What a column keeps of a term.
#[derive(Clone, Copy)]
enum Kept {
    /// A value: its column, and its number there.
    Value(u16, u32),
    /// A telephone number.
    Phone(u64),
}

struct Column {
    number: u16,
    piece: Vec<u8>,
    pieces: u32,
}

impl Column {
    fn push(&mut self, day: u16, blobs: &mut Vec<Blob>) {
        self.piece.extend_from_slice(&day.to_le_bytes());
        if self.piece.len() == PIECE as usize * 2 {
            self.end(blobs);
        }
    }

    fn end(&mut self, blobs: &mut Vec<Blob>) {
        let part = Part::Column(self.number, self.pieces);
        blobs.push((part.key(), std::mem::take(&mut self.piece)));
        self.pieces += 1;
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        let column = |number| Column {
            number,
            piece: Vec::new(),
            pieces: 0,
        };
        Self {
            ids: Vec::new(),
            first: None,
            count: 0,
            block: 0,
            names: HashMap::default(),
            kept: Vec::new(),
            pairs: Vec::new(),
            orders: Order::ALL
                .into_iter()
                .map(|sort| (sort, Sorter::new()))
                .collect(),
            columns: [column(ENUMERATED), column(UPDATED)],
            values: Default::default(),
            phones: phones::Writer::new(),
            blobs: Vec::new(),
            words: HashSet::default(),
            finished: false,
        }
    }

    /// Adds a provider whose id is greater than all before.
    pub(crate) fn add(&mut self, id: u32, provider: &Described) -> io::Result<()> {
        self.note_id(id);
        let position = self.count;
        self.count += 1;
        let mut terms = provider.terms.as_slice();
        while let Some(term) = varint::get_bytes(&mut terms) {
            let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            let known = self.names.get(term).copied().unwrap_or_else(|| {
                self.names.insert(term.into(), next);
                let value = valued(term).and_then(|(column, text)| {
                    let writer = self.values.get_mut(usize::from(column))?;
                    Some(Kept::Value(column, writer.number(text)))
                });
                self.kept
                    .push(value.or_else(|| number_of(term).map(Kept::Phone)));
                next
            });
            self.pairs.push((known, position));
            match self.kept.get(known as usize).copied().flatten() {
                Some(Kept::Value(column, number)) => self.values[usize::from(column)].note(number),
                Some(Kept::Phone(number)) => self.phones.note(number),
                None => {}
            }
        }
        for (column, writer) in (0..).zip(&mut self.values) {
            writer.end_position(column, &mut self.blobs);
        }
        self.phones.end_position(&mut self.blobs)?;
        for ((_, sorter), standing) in self.orders.iter_mut().zip(&provider.standings) {
            sorter.push(standing, position)?;
        }
        for (column, day) in self.columns.iter_mut().zip(provider.days) {
            column.push(day, &mut self.blobs);
        }
        if self.count.is_multiple_of(BLOCK) {
            self.end_block()?;
        }
        Ok(())
    }

    fn note_id(&mut self, id: u32) {
        match self.first {
            None if self.count == 0 => self.first = Some(id),
            Some(first) if first + self.count == id => {}
            Some(first) => {
                self.ids.extend(first..first + self.count);
                self.ids.push(id);
                self.first = None;
            }
            None => self.ids.push(id),
        }
    }

    /// Groups the pairs by term and writes the dictionary of the block.
    fn end_block(&mut self) -> io::Result<()> {
        let mut terms: Vec<(Box<[u8]>, u32)> = self.names.drain().collect();
        self.kept.clear();
        terms.sort_unstable();
        let mut starts = vec![0u32; terms.len() + 1];
        for &(term, _) in &self.pairs {
            starts[term as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut positions = vec![0u32; self.pairs.len()];
        for &(term, position) in &self.pairs {
            let at = &mut next[term as usize];
            positions[*at as usize] = position;
            *at += 1;
        }
        self.pairs.clear();
        let mut dictionary = Dictionary::new(self.block, &mut self.blobs);
        let mut of_term = Vec::new();
        for (term, number) in &terms {
            let number = *number as usize;
            of_term.clear();
            of_term.extend_from_slice(
                &positions[starts[number] as usize..starts[number + 1] as usize],
            );
            // A provider may have a term twice.
            of_term.dedup();
            if let [kind::NAME, word @ ..] = term.as_ref() {
                self.words.insert(word_key(word));
            }
            dictionary.add(term, &of_term)?;
        }
        dictionary.finish();
        self.block += 1;
        Ok(())
    }

    /// How many providers were added.
    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    /// What is finished so far, to be stored before the rest, in the order of its keys.
    pub(crate) fn take_blobs(&mut self) -> Vec<Blob> {
        let mut blobs = std::mem::take(&mut self.blobs);
        blobs.sort_unstable_by_key(|(key, _)| *key);
        blobs
    }

    /// The rest of the segment, piece by piece: an order of many providers is large.
    pub(crate) fn finish_some(&mut self) -> io::Result<Option<Vec<Blob>>> {
        if let Some((sort, sorter)) = self.orders.pop() {
            sorter.finish(sort.number(), &mut self.blobs)?;
            return Ok(Some(self.take_blobs()));
        }
        if self.finished {
            return Ok(None);
        }
        self.finished = true;
        if !self.count.is_multiple_of(BLOCK) {
            self.end_block()?;
        }
        for column in &mut self.columns {
            if !column.piece.is_empty() {
                column.end(&mut self.blobs);
            }
        }
        for (column, writer) in (0..).zip(std::mem::take(&mut self.values)) {
            writer.finish(column, &mut self.blobs);
        }
        std::mem::replace(&mut self.phones, phones::Writer::new()).finish(&mut self.blobs)?;
        let mut words: Vec<u32> = self.words.drain().collect();
        words.sort_unstable();
        let words = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.blobs.push((Part::Vocabulary.key(), words));
        let mut head = Vec::with_capacity(12 + self.ids.len() * 4);
        head.extend_from_slice(&self.count.to_le_bytes());
        match self.first {
            Some(first) => head.extend_from_slice(&first.to_le_bytes()),
            None => head.extend(self.ids.iter().flat_map(|id| id.to_le_bytes())),
        }
        self.blobs.push((Part::Head.key(), head));
        Ok(Some(self.take_blobs()))
    }

    /// The rest of the segment at once.
    pub(crate) fn finish(mut self) -> io::Result<Vec<Blob>> {
        let mut all = self.take_blobs();
        while let Some(more) = self.finish_some()? {
            all.extend(more);
        }
        Ok(all)
    }
}
