//! Goes along an order through the providers of an answer.

use std::{collections::VecDeque, sync::Arc};

use canvass_model::{Cursor, Npi};
use roaring::RoaringBitmap;

use super::{
    Held,
    answer::Answer,
    bits::Bits,
    coding::{ORDERED, SIGNPOST},
    read_id, read_provider,
    segment::Segment,
    terms::{Order, Standing},
};
use crate::{Error, Store, value::params};

/// As many providers are read and sorted rather than looked for in the order.
const FEW: u64 = 64;
/// Places of the order that cost as much to go along as one place costs to be looked up.
const LOOK: u64 = 8;
/// Providers that are wanted of a segment, more or less, when a way is chosen.
const WANTED: u64 = 64;

/// Places of a piece that are looked at in one go.
const STRETCH: usize = 4_096;

/// A provider with its place in the order.
pub(crate) struct Step {
    pub(crate) held: Held,
    standing: Standing,
}

impl Step {
    pub(crate) fn npi(&self) -> Npi {
        self.held.provider.npi
    }

    /// The place after which the walk can be taken up again.
    pub(crate) fn cursor(&self, sort: Order) -> Cursor {
        self.standing.cursor(self.held.provider.npi, sort)
    }
}

/// A walk along an order.
pub(crate) struct Walk {
    sort: Order,
    after: Option<Standing>,
    /// All that is left, in order, when there were few.
    few: Option<VecDeque<Step>>,
    lanes: Vec<Lane>,
    all: Vec<(Arc<Segment>, RoaringBitmap)>,
}

/// The walk through one segment.
struct Lane {
    segment: Arc<Segment>,
    found: RoaringBitmap,
    way: Way,
    ready: VecDeque<Step>,
}

/// How the next providers of a segment are found.
enum Way {
    /// Not begun.
    Start,
    /// Along the order.
    Along(Along),
    /// By their places in the order, each with its position.
    Ranked {
        left: Vec<(u32, u32)>,
        state: Ranking,
    },
}

/// A walk that meets every provider of the order and takes those that were found.
struct Along {
    /// The next place.
    at: u32,
    /// Places that were looked at.
    steps: u64,
    /// What was found, once so much was looked at that it is worth the making.
    bits: Option<Bits>,
}

/// In what order the places are that are left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ranking {
    /// None, and nobody has asked yet.
    Unasked,
    /// None, and the first were taken out.
    Asked,
    /// Last to first.
    Sorted,
}

impl Walk {
    pub(super) fn new(answer: Answer, sort: Order, after: Option<Standing>) -> Self {
        Self {
            sort,
            after,
            few: None,
            lanes: Vec::new(),
            all: answer.portions,
        }
    }

    /// The next providers, at most so many; fewer only at the end.
    pub(crate) async fn next(&mut self, store: &Store, count: usize) -> Result<Vec<Step>, Error> {
        let all = std::mem::take(&mut self.all);
        if !all.is_empty() {
            let total: u64 = all.iter().map(|(_, found)| found.len()).sum();
            if total <= FEW {
                self.few = Some(self.sorted(store, &all).await?);
            } else {
                self.lanes = all.into_iter().map(Lane::new).collect();
            }
        }
        if let Some(few) = &mut self.few {
            let count = count.min(few.len());
            return Ok(few.drain(..count).collect());
        }
        self.fill(store, count).await?;
        let mut steps = Vec::with_capacity(count);
        while steps.len() < count {
            let least = self
                .lanes
                .iter_mut()
                .filter(|lane| !lane.ready.is_empty())
                .min_by(|a, b| {
                    let standing = |lane: &Lane| lane.ready.front().map(|s| s.standing.clone());
                    standing(a).cmp(&standing(b))
                });
            match least.and_then(|lane| lane.ready.pop_front()) {
                Some(step) => steps.push(step),
                None => break,
            }
        }
        Ok(steps)
    }

    async fn sorted(
        &self,
        store: &Store,
        all: &[(Arc<Segment>, RoaringBitmap)],
    ) -> Result<VecDeque<Step>, Error> {
        let ids = all
            .iter()
            .flat_map(|(segment, found)| found.iter().map(|position| segment.id(position)));
        let held = store.held(ids).await?;
        let mut steps: Vec<Step> = held.into_iter().filter_map(|h| self.step(h)).collect();
        steps.sort_unstable_by(|a, b| a.standing.cmp(&b.standing));
        Ok(steps.into())
    }

    /// A provider as a step, if it comes after where the walk began.
    fn step(&self, held: Held) -> Option<Step> {
        let standing = Standing::of(&held.provider, self.sort);
        let later = self.after.as_ref().is_none_or(|after| standing > *after);
        later.then_some(Step { held, standing })
    }

    /// Sees that each segment has so many steps ready, or all that it has.
    async fn fill(&mut self, store: &Store, count: usize) -> Result<(), Error> {
        loop {
            let mut wanted = Vec::new();
            for (i, lane) in self.lanes.iter_mut().enumerate() {
                if lane.ready.len() >= count {
                    continue;
                }
                if matches!(lane.way, Way::Start) {
                    lane.begin(store, self.sort, self.after.as_ref()).await?;
                }
                let missing = count - lane.ready.len();
                let ids = lane.next_ids(store, self.sort, missing).await?;
                if !ids.is_empty() {
                    wanted.push((i, ids));
                }
            }
            if wanted.is_empty() {
                return Ok(());
            }
            let ids = wanted.iter().flat_map(|(_, ids)| ids.iter().copied());
            let mut held: std::collections::HashMap<u32, Held> = store
                .held(ids)
                .await?
                .into_iter()
                .map(|held| (held.id, held))
                .collect();
            for (i, ids) in wanted {
                let steps: Vec<Step> = ids
                    .iter()
                    .filter_map(|id| held.remove(id))
                    .filter_map(|held| self.step(held))
                    .collect();
                self.lanes[i].ready.extend(steps);
            }
        }
    }
}

impl Lane {
    fn new((segment, found): (Arc<Segment>, RoaringBitmap)) -> Self {
        Self {
            segment,
            found,
            way: Way::Start,
            ready: VecDeque::new(),
        }
    }

    /// Chooses the way, and goes to where it begins.
    async fn begin(
        &mut self,
        store: &Store,
        sort: Order,
        after: Option<&Standing>,
    ) -> Result<(), Error> {
        let cache = &store.index().cache;
        let from = match after {
            Some(after) => {
                let near = self.segment.place_near(store, cache, sort, after).await?;
                self.first_after(store, sort, after, near).await?
            }
            None => 0,
        };
        let found = self.found.len();
        // Where they are spread over the whole order, as most are, going along it until enough were
        // met is the shorter way.
        self.way = if found * found * LOOK < WANTED * u64::from(self.segment.len) {
            self.ranked(store, sort, from).await?
        } else {
            Way::Along(Along {
                at: from,
                steps: 0,
                bits: None,
            })
        };
        Ok(())
    }

    /// The way by the places of all that were found, from this place on.
    async fn ranked(&self, store: &Store, sort: Order, from: u32) -> Result<Way, Error> {
        let ranks = self.segment.ranks(store, sort).await?;
        let ranked = self.found.iter().filter_map(|position| {
            let rank = *ranks.get(position as usize)?;
            (rank >= from).then_some((rank, position))
        });
        Ok(Way::Ranked {
            left: ranked.collect(),
            state: Ranking::Unasked,
        })
    }

    /// The ids of the next providers, at most so many; fewer only at the end.
    async fn next_ids(
        &mut self,
        store: &Store,
        sort: Order,
        count: usize,
    ) -> Result<Vec<u32>, Error> {
        let mut ids = Vec::with_capacity(count);
        if let Way::Along(along) = &mut self.way {
            let found = &self.found;
            ids = along.next(store, &self.segment, found, sort, count).await?;
            let at = along.at;
            if ids.len() == count || at >= self.segment.len {
                return Ok(ids);
            }
            // They stand together somewhere behind.
            self.way = self.ranked(store, sort, at).await?;
        }
        let count = count - ids.len();
        let id = |position: u32| self.segment.id(position);
        if let Way::Ranked { left, state } = &mut self.way {
            // One page wants the first few of many; whoever comes again wants all.
            if *state == Ranking::Unasked && left.len() > count {
                let (first, ..) = left.select_nth_unstable(count);
                first.sort_unstable();
                ids.extend(first.iter().map(|(_, position)| id(*position)));
                left.drain(..count);
                *state = Ranking::Asked;
                return Ok(ids);
            }
            if *state != Ranking::Sorted {
                left.sort_unstable_by(|a, b| b.cmp(a));
                *state = Ranking::Sorted;
            }
            let rest = left.len().saturating_sub(count);
            ids.extend(left.drain(rest..).rev().map(|(_, position)| id(position)));
        }
        Ok(ids)
    }

    /// The position of the provider that a standing is of, if it stands there still.
    async fn position_of(
        &self,
        store: &Store,
        sort: Order,
        standing: &Standing,
    ) -> Result<Option<u32>, Error> {
        let sql = "SELECT id, npi, record FROM providers WHERE npi = $1";
        let Some(row) = store.first(sql, params![standing.npi(sort)]).await? else {
            return Ok(None);
        };
        if Standing::of(&read_provider(&row, 1)?, sort) != *standing {
            return Ok(None);
        }
        let id: RoaringBitmap = [read_id(&row, 0)?].into_iter().collect();
        Ok(self.segment.positions(&id).min())
    }

    /// The place from `near` on at which what comes after a standing begins.
    async fn first_after(
        &self,
        store: &Store,
        sort: Order,
        after: &Standing,
        near: u32,
    ) -> Result<u32, Error> {
        let cache = &store.index().cache;
        let piece = self
            .segment
            .order(store, cache, sort, near / ORDERED)
            .await?;
        // Only those that were found are as the order knows them.
        let found: Vec<(u32, u32)> = (near..near + SIGNPOST)
            .zip(piece.iter().skip((near % ORDERED) as usize))
            .filter(|(_, position)| self.found.contains(**position))
            .map(|(place, position)| (place, *position))
            .collect();
        // Mostly it is the very row that the page before ended with.
        if let Some(at) = self.position_of(store, sort, after).await?
            && let Some((place, _)) = found.iter().find(|(_, position)| *position == at)
        {
            return Ok(place + 1);
        }
        let (mut low, mut high) = (0, found.len());
        while low < high {
            let middle = low.midpoint(high);
            let held = store.held([self.segment.id(found[middle].1)]).await?;
            let before = held
                .first()
                .is_some_and(|h| Standing::of(&h.provider, sort) <= *after);
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let beyond = (near + SIGNPOST).min(self.segment.len);
        Ok(found.get(low).map_or(beyond, |(place, _)| *place))
    }
}

impl Along {
    /// The ids of the next providers that were found, at most so many; fewer at the end, and where
    /// looking each place up is the shorter way.
    async fn next(
        &mut self,
        store: &Store,
        segment: &Segment,
        found: &RoaringBitmap,
        sort: Order,
        count: usize,
    ) -> Result<Vec<u32>, Error> {
        let cache = &store.index().cache;
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count && self.at < segment.len && self.steps <= found.len() * LOOK {
            if self.bits.is_none() && self.steps > found.len() / 8 {
                self.bits = Some(Bits::of(found, segment.len));
            }
            let piece = segment.order(store, cache, sort, self.at / ORDERED).await?;
            let rest = piece
                .get((self.at % ORDERED) as usize..)
                .unwrap_or_default();
            // What was looked at is noted between stretches of the piece.
            let stretch = rest.len().min(STRETCH);
            let mut looked = 0;
            for &position in &rest[..stretch] {
                looked += 1;
                let is_found = match &self.bits {
                    Some(bits) => bits.contains(position),
                    None => found.contains(position),
                };
                if is_found {
                    ids.push(segment.id(position));
                    if ids.len() == count {
                        break;
                    }
                }
            }
            self.at += looked;
            self.steps += u64::from(looked);
            if rest.is_empty() {
                return Err(Error::corrupt("an order of the search index"));
            }
        }
        Ok(ids)
    }
}
