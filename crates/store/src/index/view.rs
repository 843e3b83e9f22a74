//! What the index says at one moment: the segments in use, and in memory what no segment
//! describes yet.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::civil::Date;
use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use super::{
    bits::Bits,
    build::{Builder, Described},
    cache::Cache,
    coding::BLOCK,
    phones::Phones,
    question::Question,
    read_id, read_provider,
    segment::{Scan, Segment},
    terms::{Order, Standing},
    walk::Walk,
};
use crate::{
    Error, Store,
    value::{Row, params},
};

/// Segments in memory before they are made one.
const IN_MEMORY: usize = 4;
/// How often the index is read anew when it was rebuilt meanwhile.
const TRIES: u32 = 8;

/// The numbers of `index_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) ids: i64,
    pub(crate) manifest: i64,
    pub(crate) written: i64,
    pub(crate) leads: i64,
}

/// What is asked of changes: in which state of the index, since which day, in which field.
type Changed = (State, Option<Date>, Option<String>);

/// What a process knows of the index.
pub(crate) struct Index {
    pub(super) cache: Cache,
    pub(super) phones: Phones,
    /// Ids of what has changed, by the state of the index and what was asked.
    pub(crate) changed: quick_cache::sync::Cache<Changed, Arc<RoaringBitmap>>,
    view: Mutex<Option<Arc<View>>>,
    leads: Mutex<Option<Leads>>,
    /// Held by whoever makes segments.
    pub(super) settling: Mutex<()>,
    in_memory: AtomicI64,
}

#[derive(Clone)]
struct Leads {
    ids: i64,
    upto: i64,
    set: Arc<RoaringBitmap>,
}

/// A segment in use, and which of its positions are dead.
#[derive(Clone)]
pub(crate) struct Portion {
    pub(crate) segment: Arc<Segment>,
    pub(crate) dead: Arc<RoaringBitmap>,
}

/// The index at one moment.
pub(crate) struct View {
    state: State,
    pub(super) portions: Vec<Portion>,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self {
            cache: Cache::new(),
            phones: Phones::default(),
            changed: quick_cache::sync::Cache::new(16),
            view: Mutex::new(None),
            leads: Mutex::new(None),
            settling: Mutex::new(()),
            in_memory: AtomicI64::new(-1),
        }
    }

    /// A number for a segment in memory: negative, so that no stored one has it.
    fn memory_number(&self) -> i64 {
        self.in_memory.fetch_sub(1, Ordering::Relaxed)
    }
}

/// Blocks of which a sample is made.
const SAMPLE: usize = 4;
/// Blocks of a small one, for what is asked at each keystroke.
const SMALL: usize = 2;
/// Providers of an answer that are sample enough.
const ENOUGH: u64 = 2_000;

/// A block, and what of it an answer has.
struct Block<'a> {
    segment: &'a Segment,
    found: &'a RoaringBitmap,
    number: u16,
    positions: std::ops::Range<u32>,
    count: u64,
}

/// Which providers a question has, by segment.
pub(crate) struct Answer {
    pub(super) portions: Vec<(Arc<Segment>, RoaringBitmap)>,
}

impl Answer {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.portions.iter().map(|(_, found)| found.len()).sum()
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> RoaringBitmap {
        let mut ids = RoaringBitmap::new();
        for (segment, found) in &self.portions {
            ids |= segment.ids_at(found);
        }
        ids
    }

    /// Those that meet a condition, and the others.
    pub(crate) async fn parted(
        &self,
        store: &Store,
        question: &Question,
    ) -> Result<(Self, Self), Error> {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (segment, found) in &self.portions {
            let meet = question.put(store, segment).await?;
            yes.push((segment.clone(), found & &*meet));
            no.push((segment.clone(), found - &*meet));
        }
        let answer = |mut portions: Vec<(Arc<Segment>, RoaringBitmap)>| {
            portions.retain(|(_, found)| !found.is_empty());
            Self { portions }
        };
        Ok((answer(yes), answer(no)))
    }

    pub(crate) fn portions(&self) -> impl Iterator<Item = (&Segment, &RoaringBitmap)> {
        self.portions
            .iter()
            .map(|(segment, found)| (&**segment, found))
    }

    /// Some blocks that have much of the answer: all of them up to a million providers. Of more,
    /// the same ones as long as they have enough of it, as what is read of them is kept.
    fn blocks(&self, most: usize) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        for (segment, found) in self.portions() {
            for number in 0..segment.blocks() {
                let from = u32::from(number) * BLOCK;
                let positions = from..segment.len.min(from + BLOCK);
                let count = found.range_cardinality(positions.clone());
                if count > 0 {
                    blocks.push(Block {
                        segment,
                        found,
                        number,
                        positions,
                        count,
                    });
                }
            }
        }
        let (some, others): (Vec<_>, Vec<_>) = {
            let step = blocks.len().div_ceil(most).max(1);
            let usual = blocks.into_iter().enumerate();
            usual.partition(|(i, _)| i.is_multiple_of(step))
        };
        let mut blocks: Vec<Block<'_>> = some.into_iter().map(|(_, block)| block).collect();
        if blocks.iter().map(|block| block.count).sum::<u64>() < ENOUGH {
            blocks.extend(others.into_iter().map(|(_, block)| block));
            blocks.sort_by_key(|block| std::cmp::Reverse(block.count));
            blocks.truncate(most);
        }
        blocks
    }

    /// Calls back for terms of a scan, with how many of a small sample of the answer have each.
    pub(crate) async fn sample(
        &self,
        store: &Store,
        scan: &Scan,
        mut each: impl FnMut(&[u8], u64),
    ) -> Result<(), Error> {
        for block in self.blocks(SMALL) {
            let Block {
                segment,
                found,
                positions,
                ..
            } = block;
            let all = block.count == positions.len() as u64;
            let mut bits = Bits::new(positions.start, positions.end);
            for position in found.range(positions) {
                bits.insert(position);
            }
            let each = |term: &[u8], having: &[u32]| {
                let having = if all {
                    having.len()
                } else {
                    having.iter().filter(|at| bits.contains(**at)).count()
                };
                if having > 0 {
                    each(term, having as u64);
                }
            };
            segment
                .each_term_of_block(store, scan, block.number, each)
                .await?;
        }
        Ok(())
    }

    /// The values of a kind that most of a sample of the answer have, at most so many.
    pub(crate) async fn frequent(
        &self,
        store: &Store,
        kind: u8,
        most: usize,
    ) -> Result<Vec<Box<[u8]>>, Error> {
        let mut counts: HashMap<Box<[u8]>, u64> = HashMap::new();
        for block in self.blocks(SAMPLE) {
            let values = block
                .segment
                .values_of_block(store, kind, block.number)
                .await?;
            let mut by_code = vec![0u64; values.texts.len()];
            for position in block.found.range(block.positions.clone()) {
                let at = (position - block.positions.start) as usize;
                let [from, to] = [values.starts[at], values.starts[at + 1]];
                for code in &values.codes[from as usize..to as usize] {
                    by_code[*code as usize] += 1;
                }
            }
            for (text, count) in values.texts.iter().zip(by_code) {
                if count > 0 {
                    *counts.entry(text.clone()).or_default() += count;
                }
            }
        }
        let mut counts: Vec<(Box<[u8]>, u64)> = counts.into_iter().collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        counts.truncate(most);
        Ok(counts.into_iter().map(|(text, _)| text).collect())
    }

    /// Leaves only those with these ids.
    pub(crate) fn keep(&mut self, ids: &RoaringBitmap) {
        for (segment, found) in &mut self.portions {
            *found &= segment.positions(ids);
        }
    }

    /// Goes along an order, from after a standing on.
    pub(crate) fn walk(self, sort: Order, after: Option<Standing>) -> Walk {
        Walk::new(self, sort, after)
    }
}

impl Store {
    pub(crate) async fn index_state(&self) -> Result<State, Error> {
        let rows = self
            .query("SELECT name, value FROM index_state", vec![])
            .await?;
        let mut state = State::default();
        for row in &rows {
            let value = row.int(1)?;
            match row.text(0)?.as_str() {
                "ids" => state.ids = value,
                "manifest" => state.manifest = value,
                "written" => state.written = value,
                "leads" => state.leads = value,
                _ => {}
            }
        }
        Ok(state)
    }

    /// The index as it is now.
    pub(super) async fn view(&self) -> Result<Arc<View>, Error> {
        for _ in 0..TRIES {
            let state = self.index_state().await?;
            let mut current = self.index().view.lock().await;
            if let Some(view) = current.as_ref()
                && same(view.state, state)
            {
                return Ok(view.clone());
            }
            match self.look(current.as_deref(), state).await {
                Ok(Some(view)) => {
                    let view = Arc::new(view);
                    *current = Some(view.clone());
                    return Ok(view);
                }
                Ok(None) | Err(Error::IndexMoved) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::IndexMoved)
    }

    /// Looks at what is new since `known`; nothing when segments were replaced meanwhile.
    async fn look(&self, known: Option<&View>, state: State) -> Result<Option<View>, Error> {
        let known = known.filter(|v| v.state.ids == state.ids);
        let (mut portions, since) = match known {
            Some(view) if view.state.manifest == state.manifest => {
                (view.portions.clone(), view.state.written)
            }
            _ => (self.stored_portions(known).await?, 0),
        };
        let mut rows = self.pending(since).await?;
        let in_memory = portions.iter().filter(|p| p.segment.number < 0).count();
        if since > 0 && !rows.is_empty() && in_memory >= IN_MEMORY {
            portions = self.stored_portions(known).await?;
            rows = self.pending(0).await?;
        }
        // Rows that became a segment between the two readings would be in neither.
        let again = self.index_state().await?;
        if (again.ids, again.manifest) != (state.ids, state.manifest) {
            return Ok(None);
        }
        let mut written = state.written;
        for row in &rows {
            written = written.max(row.int(3)?);
        }
        if !rows.is_empty() {
            let number = self.index().memory_number();
            let described = tokio::task::spawn_blocking(move || describe(&rows, number));
            let (segment, ids) = described
                .await
                .map_err(|e| Error::Statement(Box::new(e)))??;
            for portion in &mut portions {
                let dead = portion.segment.positions(&ids);
                if !dead.is_empty() {
                    portion.dead = Arc::new(&*portion.dead | &dead);
                }
            }
            portions.push(Portion {
                segment: Arc::new(segment),
                dead: Arc::default(),
            });
        }
        Ok(Some(View {
            state: State { written, ..state },
            portions,
        }))
    }

    /// The stored segments in use; those that are known already are not read again.
    pub(super) async fn stored_portions(
        &self,
        known: Option<&View>,
    ) -> Result<Vec<Portion>, Error> {
        let rows = self
            .query(
                "SELECT segment, dead FROM index_segments WHERE in_use ORDER BY segment",
                vec![],
            )
            .await?;
        let mut portions = Vec::with_capacity(rows.len());
        for row in &rows {
            let number = row.int(0)?;
            let read = known
                .iter()
                .flat_map(|view| &view.portions)
                .find(|p| p.segment.number == number);
            let segment = match read {
                Some(portion) => portion.segment.clone(),
                None => Arc::new(Segment::stored(self, number).await?),
            };
            portions.push(Portion {
                segment,
                dead: Arc::new(read_dead(row, 1)?),
            });
        }
        Ok(portions)
    }

    /// Providers that no segment describes: `id, npi, record, written`, by id.
    async fn pending(&self, since: i64) -> Result<Vec<Row>, Error> {
        self.query(
            "SELECT q.id, p.npi, p.record, q.written FROM index_pending q
             JOIN providers p ON p.id = q.id WHERE q.written > $1 ORDER BY q.id",
            params![since],
        )
        .await
    }

    /// The answer to a question.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        let mut moved = Error::IndexMoved;
        for _ in 0..TRIES {
            match self.ask_once(question).await {
                Err(Error::IndexMoved) => moved = Error::IndexMoved,
                answer => return answer,
            }
        }
        Err(moved)
    }

    async fn ask_once(&self, question: &Question) -> Result<Answer, Error> {
        let view = self.view().await?;
        let mut portions = Vec::with_capacity(view.portions.len());
        for portion in &view.portions {
            let found = question.put(self, &portion.segment).await?;
            let found = if portion.dead.is_empty() {
                Arc::unwrap_or_clone(found)
            } else {
                &*found - &*portion.dead
            };
            if !found.is_empty() {
                portions.push((portion.segment.clone(), found));
            }
        }
        Ok(Answer { portions })
    }

    /// The ids of all providers that are leads.
    pub(crate) async fn lead_ids(&self) -> Result<Arc<RoaringBitmap>, Error> {
        let state = self.index_state().await?;
        let mut known = self.index().leads.lock().await;
        let (since, mut set) = match known.take() {
            Some(leads) if leads.ids == state.ids => (leads.upto, leads.set),
            _ => (0, Arc::default()),
        };
        if since < state.leads {
            let rows = self
                .query(
                    "SELECT p.id FROM leads l JOIN providers p ON p.npi = l.npi
                     WHERE l.batch > $1",
                    params![since],
                )
                .await?;
            let mut ids = rows
                .iter()
                .map(|row| read_id(row, 0))
                .collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable();
            let end = ids.last().map_or(0, |last| last + 1);
            *Arc::make_mut(&mut set) |= Bits::collect(0, end, ids);
        }
        *known = Some(Leads {
            ids: state.ids,
            upto: state.leads,
            set: set.clone(),
        });
        Ok(set)
    }
}

/// Whether a view of one state is good for another: leads are no part of it.
fn same(a: State, b: State) -> bool {
    a.ids == b.ids && a.manifest == b.manifest && a.written >= b.written
}

pub(super) fn read_dead(row: &Row, i: usize) -> Result<RoaringBitmap, Error> {
    RoaringBitmap::deserialize_from(row.bytes_at(i)?)
        .map_err(|_| Error::corrupt("the dead of a segment"))
}

/// A segment in memory of rows `id, npi, record`, and their ids.
fn describe(rows: &[Row], number: i64) -> Result<(Segment, RoaringBitmap), Error> {
    let mut builder = Builder::new();
    let mut ids = RoaringBitmap::new();
    for row in rows {
        let id = read_id(row, 0)?;
        builder.add(id, &Described::new(&read_provider(row, 1)?))?;
        ids.insert(id);
    }
    Ok((Segment::in_memory(number, builder.finish()?)?, ids))
}
