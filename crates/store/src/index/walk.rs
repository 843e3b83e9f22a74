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

/// As many providers are read and sorted rather than looked for along the order.
const FEW: u64 = 400;

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
    bits: Vec<u64>,
    /// The next place of the order; none before the first is known.
    at: Option<u32>,
    ready: VecDeque<Step>,
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
        let cache = &store.index().cache;
        loop {
            let mut wanted = Vec::new();
            for (i, lane) in self.lanes.iter_mut().enumerate() {
                if lane.ready.len() >= count || lane.at.is_some_and(|at| at >= lane.segment.len) {
                    continue;
                }
                let mut at = match (lane.at, &self.after) {
                    (Some(at), _) => at,
                    (None, Some(after)) => {
                        let near = lane.segment.place_near(store, cache, self.sort, after);
                        let near = near.await?;
                        lane.first_after(store, self.sort, after, near).await?
                    }
                    (None, None) => 0,
                };
                let mut ids = Vec::new();
                let missing = count - lane.ready.len();
                while ids.len() < missing && at < lane.segment.len {
                    let piece = lane
                        .segment
                        .order(store, cache, self.sort, at / PIECE)
                        .await?;
                    for &position in piece.iter().skip((at % PIECE) as usize) {
                        at += 1;
                        if lane.has(position) {
                            ids.push(lane.segment.id(position));
                            if ids.len() == missing {
                                break;
                            }
                        }
                    }
                }
                lane.at = Some(at);
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
        let mut bits = vec![0u64; segment.len.div_ceil(64) as usize];
        for position in found {
            bits[(position / 64) as usize] |= 1 << (position % 64);
        }
        Self {
            segment,
            bits,
            at: None,
            ready: VecDeque::new(),
        }
    }

    fn has(&self, position: u32) -> bool {
        self.bits
            .get((position / 64) as usize)
            .is_some_and(|word| word >> (position % 64) & 1 == 1)
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
            .filter(|(_, position)| self.has(**position))
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
