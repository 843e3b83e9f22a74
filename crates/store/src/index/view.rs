//! What the index says at one moment: the segments in use, and in memory what no segment
//! describes yet.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use jiff::civil::Date;
use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use super::{
    answer::Answer,
    build::{Builder, Described},
    cache::Cache,
    leads::LeadSets,
    question::Question,
    read_id, read_provider,
    segment::Segment,
    shared::Shared,
    terms::TERMS,
};
use crate::{
    Error, Store,
    backend::{Engine, listed},
    value::{Row, params},
};

/// Segments in memory before some are made one.
const IN_MEMORY: usize = 8;
/// A segment in memory is joined with those after it when it is at most so many times as large.
const GROWTH: u32 = 4;
/// How often the index is read anew when it was rebuilt meanwhile.
const TRIES: u32 = 8;

/// Providers that are read and described together.
const DESCRIBE_BATCH: usize = 8_192;

/// The numbers of `index_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// When the server was started, in microseconds; 0 where there is none. A server that crashed
    /// may have lost its last commits, and what was read before holds no longer.
    pub(crate) epoch: i64,
    pub(crate) manifest: i64,
    pub(crate) written: i64,
    pub(crate) leads: i64,
    /// How many providers there are.
    pub(crate) providers: i64,
    /// How many of them no segment describes yet.
    pub(crate) pending: i64,
    /// Of which version the terms of the segments are.
    pub(crate) terms: i64,
}

impl State {
    /// Whether what was read at `self` is true at `later` as far as providers go: leads are no
    /// part of it.
    fn same_providers(self, later: Self) -> bool {
        Self {
            leads: later.leads,
            ..self
        } == later
    }

    /// Whether `later` can have come after this. After a crash of the server numbers may have gone
    /// back.
    fn leads_to(self, later: Self) -> bool {
        self.epoch == later.epoch
            && self.manifest <= later.manifest
            && self.written <= later.written
    }
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
    pub(super) leads: Mutex<Option<Arc<LeadSets>>>,
    /// Held by whoever makes segments in this process.
    pub(super) settling: Mutex<()>,
    /// Whether this process is mending the index.
    pub(super) mending: AtomicBool,
    /// Checksums of the segments that this process makes.
    pub(super) sums: std::sync::Mutex<HashMap<i64, i64>>,
    in_memory: AtomicI64,
}

/// A segment in use, and which of its positions are dead.
#[derive(Clone)]
pub(crate) struct Portion {
    pub(crate) segment: Arc<Segment>,
    pub(crate) dead: Arc<RoaringBitmap>,
    /// Of one in memory: after which number of writes its providers were written.
    pub(super) since: i64,
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
            mending: AtomicBool::new(false),
            sums: std::sync::Mutex::default(),
            in_memory: AtomicI64::new(-1),
        }
    }

    /// How many providers a search would find without reading anything first.
    #[cfg(test)]
    pub(super) async fn providers_known(&self) -> u64 {
        let view = self.view.lock().await;
        view.as_ref().map_or(0, |view| view.alive())
    }

    /// A number that no segment of this process has: negative, so that no stored one has it either.
    pub(super) fn own_number(&self) -> i64 {
        self.in_memory.fetch_sub(1, Ordering::Relaxed)
    }
}

impl Store {
    pub(crate) async fn index_state(&self) -> Result<State, Error> {
        let sql = match self.engine() {
            Engine::Sqlite => "SELECT name, value FROM index_state",
            Engine::Postgres => {
                "SELECT name, value FROM index_state UNION ALL SELECT 'epoch',
                 CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000000 AS BIGINT)"
            }
        };
        let rows = self.query(sql, vec![]).await?;
        let mut state = State::default();
        for row in &rows {
            let value = row.int(1)?;
            match row.text(0)?.as_str() {
                "epoch" => state.epoch = value,
                "manifest" => state.manifest = value,
                "written" => state.written = value,
                "leads" => state.leads = value,
                "providers" => state.providers = value,
                "pending" => state.pending = value,
                "terms" => state.terms = value,
                _ => {}
            }
        }
        Ok(state)
    }

    /// The index as it is now.
    pub(crate) async fn view(&self) -> Result<Arc<View>, Error> {
        for _ in 0..TRIES {
            let mut state = self.index_state().await?;
            let mut current = self.index().view.lock().await;
            if let Some(view) = current.as_ref() {
                if view.state.same_providers(state) {
                    return Ok(view.clone());
                }
                // Who waited for the lock may have read the numbers before the one who held it.
                state = self.index_state().await?;
                if view.state.same_providers(state) {
                    return Ok(view.clone());
                }
                if !view.state.leads_to(state) {
                    tracing::warn!("the server has lost its last commits; reading the index anew");
                    *current = None;
                }
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
        let (mut portions, mut since) = match known {
            Some(view) if view.state.manifest == state.manifest => {
                (view.portions.clone(), view.state.written)
            }
            _ => (self.stored_portions(known).await?, 0),
        };
        since = join_small(&mut portions, since);
        let described = self.describe_pending(since).await?;
        // Rows that became a segment between the two readings would be in neither.
        let again = self.index_state().await?;
        if (again.epoch, again.manifest) != (state.epoch, state.manifest) {
            return Ok(None);
        }
        let pending = described.as_ref().map_or(0, |(_, ids)| ids.len());
        if let Some((segment, ids)) = described {
            for portion in &mut portions {
                let dead = portion.segment.positions(&ids);
                if !dead.is_empty() {
                    portion.dead = Arc::new(&*portion.dead | &dead);
                }
            }
            portions.push(Portion {
                segment: Arc::new(segment),
                dead: Arc::default(),
                since,
            });
        }
        if state.terms != TERMS {
            self.mend_soon();
        }
        let view = View { state, portions };
        let all_pending = since > 0 || u64::try_from(state.pending) == Ok(pending);
        if again.same_providers(state) && !(view.covers_all() && all_pending) {
            tracing::error!(
                described = view.alive(),
                providers = state.providers,
                pending,
                counted_pending = state.pending,
                "the search index does not describe every provider; it is built anew"
            );
            self.mend_soon();
        }
        Ok(Some(view))
    }

    /// A segment in memory of what was written after a number, and its ids; nothing when nothing
    /// was.
    async fn describe_pending(
        &self,
        since: i64,
    ) -> Result<Option<(Segment, RoaringBitmap)>, Error> {
        let mut builder = Builder::new();
        let mut ids = RoaringBitmap::new();
        let mut after = -1;
        loop {
            let rows = self
                .query(
                    "SELECT q.id, p.npi, p.record FROM index_pending q
                     JOIN providers p ON p.id = q.id
                     WHERE q.written > $1 AND q.id > $2 ORDER BY q.id LIMIT $3",
                    params![
                        since,
                        after,
                        i64::try_from(DESCRIBE_BATCH).unwrap_or(i64::MAX)
                    ],
                )
                .await?;
            let Some(last) = rows.last() else { break };
            after = last.int(0)?;
            let is_last = rows.len() < DESCRIBE_BATCH;
            let described = tokio::task::spawn_blocking(move || {
                for row in &rows {
                    let id = read_id(row, 0)?;
                    builder.add(id, &Described::new(&read_provider(row, 1)?))?;
                    ids.insert(id);
                }
                Ok::<_, Error>((builder, ids))
            });
            (builder, ids) = described
                .await
                .map_err(|e| Error::Statement(Box::new(e)))??;
            if is_last {
                break;
            }
        }
        if ids.is_empty() {
            return Ok(None);
        }
        let number = self.index().own_number();
        let finished =
            tokio::task::spawn_blocking(move || Segment::in_memory(number, builder.finish()?));
        let segment = finished
            .await
            .map_err(|e| Error::Statement(Box::new(e)))??;
        Ok(Some((segment, ids)))
    }

    /// The stored segments in use; those that are known already are not read again.
    pub(crate) async fn stored_portions(
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
                since: 0,
            });
        }
        Ok(portions)
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
        Ok(Answer {
            portions,
            state: view.state,
        })
    }

    /// Whether some providers stand in the database as they did when a search looked for them.
    /// Ids are given for good, so that rows read later are those of the same providers, but what
    /// they say may have changed.
    pub(crate) async fn unchanged_since(&self, state: State, ids: &[u32]) -> Result<bool, Error> {
        let now = self.index_state().await?;
        if state.same_providers(now) {
            return Ok(true);
        }
        if (state.epoch, state.manifest) != (now.epoch, now.manifest) {
            return Ok(false);
        }
        let among = self.engine().among("id", "$1");
        let sql = format!("SELECT 1 FROM index_pending WHERE {among} AND written > $2 LIMIT 1");
        let ids = listed(ids.iter().map(|id| i64::from(*id)));
        let written = self
            .first(crate::Sql::kept(sql), vec![ids, state.written.into()])
            .await?;
        Ok(written.is_none())
    }

    /// The same of providers by NPI.
    pub(crate) async fn npis_unchanged_since(
        &self,
        state: State,
        npis: impl Iterator<Item = canvass_model::Npi>,
    ) -> Result<bool, Error> {
        if state.same_providers(self.index_state().await?) {
            return Ok(true);
        }
        let among = self.engine().among("npi", "$1");
        let sql = format!("SELECT id FROM providers WHERE {among}");
        let npis = listed(npis.map(canvass_model::Npi::as_i64));
        let rows = self.query(crate::Sql::kept(sql), vec![npis]).await?;
        let ids = rows
            .iter()
            .map(|row| read_id(row, 0))
            .collect::<Result<Vec<_>, _>>()?;
        self.unchanged_since(state, &ids).await
    }
}

/// Where many segments are in memory, takes the last ones out, to be described again together.
/// Gives the number of writes after which all that was written has to be described.
fn join_small(portions: &mut Vec<Portion>, written: i64) -> i64 {
    let in_memory = portions.iter().filter(|p| p.segment.number < 0).count();
    if in_memory < IN_MEMORY {
        return written;
    }
    let (mut since, mut total) = (written, 0);
    while let Some(last) = portions.pop_if(|p| {
        let is_small = total == 0 || p.segment.len <= total * GROWTH;
        p.segment.number < 0 && is_small
    }) {
        since = last.since;
        total += last.segment.len;
    }
    since
}

impl View {
    /// How many providers it describes.
    fn alive(&self) -> u64 {
        let alive = |p: &Portion| u64::from(p.segment.len).saturating_sub(p.dead.len());
        self.portions.iter().map(alive).sum()
    }

    fn covers_all(&self) -> bool {
        u64::try_from(self.state.providers) == Ok(self.alive())
    }
}

fn read_dead(row: &Row, i: usize) -> Result<RoaringBitmap, Error> {
    RoaringBitmap::deserialize_from(row.bytes_at(i)?)
        .map_err(|_| Error::corrupt("the dead of a segment"))
}
