//! Goes along an order through the providers of an answer.

use std::{collections::VecDeque, sync::Arc};

use canvass_model::{Cursor, Npi, ProviderSort};
use roaring::RoaringBitmap;

use super::{
    Held,
    coding::{PIECE, SIGNPOST},
    segment::Segment,
    terms::Standing,
    view::Answer,
};
use crate::{Error, Store};

/// As many providers are read and sorted rather than looked for in the order.
const FEW: u64 = 120;
/// Where fewer than one in so many are wanted, their places in the order are looked up; else the
/// order is gone along until enough were met.
const SPARSE: u64 = 48;

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
    pub(crate) fn cursor(&self, sort: ProviderSort) -> Cursor {
        self.standing.cursor(self.held.provider.npi, sort)
    }
}

/// A walk along an order.
pub(crate) struct Walk {
    sort: ProviderSort,
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
    /// Along the order, from this place on.
    Along(u32),
    /// By their places in the order, each with its position.
    Ranked {
        left: Vec<(u32, u32)>,
        state: Ranking,
    },
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
    pub(super) fn new(answer: Answer, sort: ProviderSort, after: Option<Standing>) -> Self {
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
        sort: ProviderSort,
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
        self.way = if self.found.len() * SPARSE < u64::from(self.segment.len) {
            let ranks = self.segment.ranks(store, sort).await?;
            let ranked = self.found.iter().filter_map(|position| {
                let rank = *ranks.get(position as usize)?;
                (rank >= from).then_some((rank, position))
            });
            Way::Ranked {
                left: ranked.collect(),
                state: Ranking::Unasked,
            }
        } else {
            Way::Along(from)
        };
        Ok(())
    }

    /// The ids of the next providers, at most so many; fewer only at the end.
    async fn next_ids(
        &mut self,
        store: &Store,
        sort: ProviderSort,
        count: usize,
    ) -> Result<Vec<u32>, Error> {
        let segment = &self.segment;
        let mut ids = Vec::with_capacity(count);
        match &mut self.way {
            Way::Start => {}
            // One page wants the first few of many; whoever comes again wants all.
            Way::Ranked { left, state } if *state == Ranking::Unasked && left.len() > count => {
                let (first, ..) = left.select_nth_unstable(count);
                first.sort_unstable();
                ids.extend(first.iter().map(|(_, position)| segment.id(*position)));
                left.drain(..count);
                *state = Ranking::Asked;
            }
            Way::Ranked { left, state } => {
                if *state != Ranking::Sorted {
                    left.sort_unstable_by(|a, b| b.cmp(a));
                    *state = Ranking::Sorted;
                }
                let rest = left.len().saturating_sub(count);
                let next = left.drain(rest..).rev();
                ids.extend(next.map(|(_, position)| segment.id(position)));
            }
            Way::Along(at) => {
                let cache = &store.index().cache;
                while ids.len() < count && *at < segment.len {
                    let piece = segment.order(store, cache, sort, *at / PIECE).await?;
                    for &position in piece.iter().skip((*at % PIECE) as usize) {
                        *at += 1;
                        if self.found.contains(position) {
                            ids.push(segment.id(position));
                            if ids.len() == count {
                                break;
                            }
                        }
                    }
                }
            }
        }
        Ok(ids)
    }

    /// The place from `near` on at which what comes after a standing begins.
    async fn first_after(
        &self,
        store: &Store,
        sort: ProviderSort,
        after: &Standing,
        near: u32,
    ) -> Result<u32, Error> {
        let cache = &store.index().cache;
        let piece = self.segment.order(store, cache, sort, near / PIECE).await?;
        // Only those that were found are as the order knows them.
        let found: Vec<(u32, u32)> = (near..near + SIGNPOST)
            .zip(piece.iter().skip((near % PIECE) as usize))
            .filter(|(_, position)| self.found.contains(**position))
            .map(|(place, position)| (place, *position))
            .collect();
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
