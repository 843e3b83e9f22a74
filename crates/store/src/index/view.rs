//! What the index says at one moment: the segments in use, and in memory what no segment
//! describes yet.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::civil::Date;
use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use super::{
    answer::Answer,
    bits::Bits,
    build::{Builder, Described},
    cache::Cache,
    question::Question,
    read_id, read_provider,
    segment::Segment,
    shared::Shared,
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
    pub(super) shared: Shared,
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
            shared: Shared::default(),
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
