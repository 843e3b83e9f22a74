//! Which pages of one query to ask for next, and when the query is at its end.
//!
//! `result_count` is the size of a page, never a total, and the documented reach of a query is
//! 1,200 records. So pages are asked for until one is short. Whether the registry serves pages past
//! its reach is found out by asking; when it repeats earlier ones instead, serves nothing or
//! refuses, the query has to be split.
//!
//! Nothing holds the registry still between two pages. So each begins with the record that the one
//! before it ended with. Where it does, whatever was in the registry all the time is on one of the
//! two, whenever either was asked for: each is a gapless part of the list. Where it does not, the
//! list has moved between them, and the older one is asked for again. What stands on two pages
//! otherwise has changed its place, and something else may have gone by unseen: that too is asked
//! again. It costs one record of each page, and no empty page is needed to see the end. Where asking
//! again does not help, the query is doubtful and never called complete.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

/// Records of a full page.
pub const PAGE: u32 = 200;
/// From one page to the next: all but the record that they have in common.
pub const STRIDE: u32 = PAGE - 1;
/// Where the last page within the documented reach begins.
pub const MAX_SKIP: u32 = 1_000;
/// Where the last of the pages that follow one another within the reach begins, and the next one.
const WITHIN: u32 = MAX_SKIP / STRIDE * STRIDE;
const PAST: u32 = WITHIN + STRIDE;
/// Pages of one query in flight at most.
const WINDOW: usize = 3;
/// Ten pages hold the 2,000 records from which on the number of requests is bounded.
const BOUNDED_FROM: u32 = 10;
/// How often two pages that contradict each other are asked for again.
const MAX_TRIES: u32 = 4;
/// Pages asked for again that no walk counts as too many.
const MIN_AGAIN: u32 = 10;

/// What is known of how far the registry serves pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nothing yet.
    #[default]
    Unknown,
    /// Pages past the documented reach are served.
    Deep,
    /// Not all pages are served.
    Capped {
        /// Where the last one begins that is.
        last: u32,
    },
}

/// What was seen of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Different records on it.
    records: u32,
    /// Its first record.
    first: u64,
    /// Its last record.
    last: u64,
    /// In which turn it came: tells which of two pages is the older.
    turn: u32,
    /// Whether it is as long as a full page only because records stand on it twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    padded: bool,
}

/// What a page means for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It belongs to the answer.
    Page,
    /// It contradicts another page, and one of the two is asked for again.
    Suspect,
    /// It lies past what the registry serves of this query, or past its end.
    Past,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for the pages that begin here; those in flight are not among them. Empty: wait for one of
    /// those.
    Fetch(Vec<u32>),
    /// Every page was served. Whether they agree, [`Walk::doubts`] says.
    Complete,
    /// The query holds more than the registry serves for it.
    Split,
}

/// How far a query is: its checkpoint. A page is known by the number of records before it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Walk {
    pages: BTreeMap<u32, Seen>,
    turn: u32,
    /// The first page that is not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capped_from: Option<u32>,
    /// Pages that kept contradicting one before them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    doubts: BTreeSet<u32>,
    /// Pages asked for again.
    #[serde(default)]
    again: u32,
    /// How often each page contradicted one before it. Whoever goes on counts anew.
    #[serde(skip)]
    tries: BTreeMap<u32, u32>,
    /// The records of the pages that came since the walk was taken up, and the pages of each record.
    #[serde(skip)]
    lists: BTreeMap<u32, Vec<u64>>,
    #[serde(skip)]
    pages_of: HashMap<u64, Vec<u32>>,
}

impl Walk {
    /// Takes in an answered page: how many records stand before it, and what is on it, each record
    /// once, in the order in which it came.
    pub fn take(&mut self, skip: u32, records: &[u64]) -> Meaning {
        self.take_in(skip, records, false)
    }

    /// Takes in a page that is as long as a full one, though records stand on it twice. It may have
    /// been the last one, or others may have been pushed out of it.
    pub fn take_padded(&mut self, skip: u32, records: &[u64]) -> Meaning {
        self.take_in(skip, records, true)
    }

    fn take_in(&mut self, skip: u32, records: &[u64], padded: bool) -> Meaning {
        if self.capped_from.is_some_and(|c| skip >= c) {
            return Meaning::Past;
        }
        let records = &records[..records.len().min(PAGE as usize)];
        self.insert(skip, records, padded);
        let mut suspect = false;
        while let Some((earlier, later)) = self.contradiction(skip) {
            let again = self.contradicted(earlier, later);
            suspect |= again.is_some();
            if !self.pages.contains_key(&skip) {
                return if again == Some(skip) {
                    Meaning::Suspect
                } else {
                    Meaning::Past
                };
            }
        }
        if suspect {
            Meaning::Suspect
        } else {
            Meaning::Page
        }
    }

    /// Notes that the registry refuses the page that begins here: it serves none from there on.
    pub fn refuse(&mut self, skip: u32) {
        self.cap(skip);
    }

    fn insert(&mut self, skip: u32, records: &[u64], padded: bool) {
        self.remove(skip);
        self.turn += 1;
        let seen = Seen {
            records: if padded {
                PAGE
            } else {
                u32::try_from(records.len()).unwrap_or(PAGE)
            },
            first: records.first().copied().unwrap_or_default(),
            last: records.last().copied().unwrap_or_default(),
            turn: self.turn,
            padded,
        };
        self.pages.insert(skip, seen);
        for record in records {
            self.pages_of.entry(*record).or_default().push(skip);
        }
        self.lists.insert(skip, records.to_vec());
    }

    fn remove(&mut self, skip: u32) {
        self.pages.remove(&skip);
        for record in self.lists.remove(&skip).unwrap_or_default() {
            if let Some(pages) = self.pages_of.get_mut(&record) {
                pages.retain(|p| *p != skip);
            }
        }
    }

    /// Another page that contradicts this one, as the earlier and the later of the two. What is
    /// doubtful already is none.
    fn contradiction(&self, skip: u32) -> Option<(u32, u32)> {
        let seen = self.pages.get(&skip)?;
        let before = self.pages.range(..skip).next_back();
        let after = self.pages.range(skip + 1..).next();
        let apart = [before, after]
            .into_iter()
            .flatten()
            .map(|(other, _)| (skip.min(*other), skip.max(*other)))
            .filter(|(a, b)| !self.joins(*a, *b));
        // Nothing comes after a short page.
        let short = self
            .pages
            .range(..skip)
            .filter(|(a, s)| s.records < PAGE && seen.records > 0 && !self.overlaps(**a, skip))
            .map(|(a, _)| (*a, skip));
        let more = self
            .pages
            .range(skip + 1..)
            .filter(|(b, s)| s.records > 0 && seen.records < PAGE && !self.overlaps(skip, **b))
            .map(|(b, _)| (skip, *b));
        let shared = self.shares(skip).into_iter();
        let shared = shared.map(|other| (other.min(skip), other.max(skip)));
        apart
            .chain(short)
            .chain(more)
            .chain(shared)
            .find(|(_, later)| !self.doubts.contains(later))
    }

    fn overlaps(&self, earlier: u32, later: u32) -> bool {
        later < earlier + self.pages.get(&earlier).map_or(0, |s| s.records)
    }

    /// Whether two pages fit together where one ends and the other begins.
    fn joins(&self, earlier: u32, later: u32) -> bool {
        let (Some(a), Some(b)) = (self.pages.get(&earlier), self.pages.get(&later)) else {
            return true;
        };
        if a.padded && b.records == 0 {
            return true;
        }
        let offset = later - earlier;
        if offset >= a.records {
            return a.records == PAGE || b.records == 0;
        }
        let as_long = if a.records == PAGE {
            b.records >= PAGE - offset
        } else {
            b.records == a.records - offset
        };
        let there = if offset + 1 == a.records {
            Some(a.last)
        } else {
            let list = self.lists.get(&earlier);
            list.and_then(|list| list.get(offset as usize).copied())
        };
        as_long && there == Some(b.first)
    }

    /// Pages that have records in common with this one which they should not have.
    fn shares(&self, skip: u32) -> Vec<u32> {
        let mut shared: BTreeMap<u32, u32> = BTreeMap::new();
        for record in self.lists.get(&skip).into_iter().flatten() {
            for page in self.pages_of.get(record).into_iter().flatten() {
                *shared.entry(*page).or_default() += 1;
            }
        }
        shared.retain(|other, n| *other != skip && *n > self.common(*other, skip));
        shared.into_keys().collect()
    }

    /// How many records two pages should have in common.
    fn common(&self, one: u32, other: u32) -> u32 {
        let (earlier, later) = (one.min(other), one.max(other));
        let end = |p: u32| p + self.pages.get(&p).map_or(0, |s| s.records);
        end(earlier).min(end(later)).saturating_sub(later)
    }

    /// Whether half of a page or more stands on others already.
    fn repeats(&self, skip: u32) -> bool {
        let Some(list) = self.lists.get(&skip).filter(|list| !list.is_empty()) else {
            return false;
        };
        let elsewhere = |record: &&u64| {
            self.pages_of
                .get(record)
                .is_some_and(|pages| pages.iter().any(|p| *p != skip))
        };
        list.iter().filter(elsewhere).count() * 2 >= list.len()
    }

    /// Decides which of two pages that contradict each other is asked for again. None when there is
    /// nothing to be asked: the later one is past the end or not served, or it stays doubtful.
    fn contradicted(&mut self, earlier: u32, later: u32) -> Option<u32> {
        let seen = |p: u32| self.pages.get(&p).copied();
        let (Some(a), Some(b)) = (seen(earlier), seen(later)) else {
            return None;
        };
        let repeats = self.repeats(later);
        if a.records < PAGE && repeats && !self.overlaps(earlier, later) {
            // What is repeated after the end says nothing.
            self.remove(later);
            return None;
        }
        let unserved = repeats || b.records == 0 && a.records == PAGE;
        let patience = match (repeats, b.records) {
            // That pages past the reach repeat is expected.
            (true, _) if later >= PAST && self.reach() == Reach::Unknown => 1,
            // The list may have become shorter: both are asked for again.
            (false, 0) => 2,
            _ => MAX_TRIES,
        };
        let times = self.tries.entry(later).or_default();
        *times += 1;
        let times = *times;
        let most = MIN_AGAIN + 2 * u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        if times > patience || self.again >= most {
            if unserved {
                self.cap(later);
            } else {
                self.doubts.insert(later);
            }
            return None;
        }
        self.again += 1;
        let again = if repeats && times == 1 || a.turn > b.turn {
            later
        } else {
            earlier
        };
        self.remove(again);
        Some(again)
    }

    fn cap(&mut self, from: u32) {
        let from = self.capped_from.map_or(from, |c| c.min(from));
        self.capped_from = Some(from);
        let past: Vec<u32> = self.pages.range(from..).map(|(p, _)| *p).collect();
        for page in past {
            self.remove(page);
        }
    }

    /// How far pages are served, as far as this query shows.
    pub fn reach(&self) -> Reach {
        match self.capped_from {
            Some(from) if from > MAX_SKIP => Reach::Capped {
                last: last_before(from),
            },
            _ if self.is_deep() => Reach::Deep,
            _ => Reach::Unknown,
        }
    }

    /// Whether a page past the documented reach was served, as the continuation of the one before it.
    fn is_deep(&self) -> bool {
        self.pages.range(PAST..).any(|(p, s)| {
            s.records > 0 && self.pages.contains_key(&(p - STRIDE)) && self.joins(p - STRIDE, *p)
        })
    }

    /// Forgets these pages, and those that contradict each other: to be asked for again.
    pub fn reconsider(&mut self, pages: &BTreeSet<u32>) {
        for page in pages {
            self.remove(*page);
        }
        for doubt in std::mem::take(&mut self.doubts) {
            self.remove(doubt);
            let before = self.pages.range(..doubt).next_back().map(|(p, _)| *p);
            if let Some(before) = before {
                self.remove(before);
            }
        }
        self.again = 0;
        self.tries.clear();
    }

    /// How many pages were asked for again so far.
    pub fn asked_again(&self) -> u32 {
        self.again
    }

    /// Pages that kept contradicting one before them, by their number from 1: what stands between
    /// them may be missing.
    pub fn doubts(&self) -> Vec<u32> {
        self.doubts.iter().map(|skip| page_number(*skip)).collect()
    }

    /// What to do next, given what is in flight and what is known of the registry. `eager` asks
    /// for the pages around the end of the documented reach at once: for a query of which much is
    /// expected, since it fills the pace from the first moment.
    pub fn next(&self, in_flight: &BTreeSet<u32>, reach: Reach, eager: bool) -> Step {
        let own = self.capped_from.map(last_before);
        let reach = match (own, self.reach()) {
            (Some(last), _) => Reach::Capped { last },
            (None, Reach::Unknown) => reach,
            (None, own) => own,
        };
        let end = self.pages.iter().find(|(_, s)| s.records < PAGE);
        if let Some((end, _)) = end {
            let missing: Vec<u32> = (0..*end)
                .step_by(STRIDE as usize)
                .filter(|p| !self.pages.contains_key(p))
                .collect();
            if missing.is_empty() {
                return if in_flight.is_empty() {
                    Step::Complete
                } else {
                    Step::Fetch(Vec::new())
                };
            }
            let known = matches!(reach, Reach::Capped { .. });
            return wanted(missing, in_flight, if known { 1 } else { WINDOW });
        }
        if let Reach::Capped { last } = reach {
            return self.next_capped(in_flight, last);
        }
        let first = self.pages.contains_key(&0);
        if reach == Reach::Unknown && !first && !eager {
            return wanted(vec![0], in_flight, 1);
        }
        // Without knowing the end, no more pages are asked for than the bound on requests allows
        // if the very next one turns out to be the end.
        let full = self.pages.keys().next_back().map_or(0, |p| p / STRIDE + 1);
        let at_least = (full * STRIDE + 1).div_ceil(PAGE);
        let most = (u64::from(at_least.max(BOUNDED_FROM)) * 12)
            .div_ceil(10)
            .saturating_sub(1);
        let mut order: Vec<u32> = Vec::new();
        if reach == Reach::Unknown {
            order.extend([0, WITHIN, PAST]);
        }
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let speculative = full + u32::try_from(WINDOW).unwrap_or(3);
        let pages = most.min(speculative.max(PAST / STRIDE + 1));
        order.extend((0..pages).map(|n| n * STRIDE));
        let mut seen = BTreeSet::new();
        order.retain(|p| !self.pages.contains_key(p) && seen.insert(*p));
        wanted(order, in_flight, WINDOW)
    }

    /// One page after the other: several queries are under way at the same time. Once two pages
    /// are full, the last page that is served tells whether to go on or to split, which is
    /// cheaper than six pages that a split asks for again.
    fn next_capped(&self, in_flight: &BTreeSet<u32>, last: u32) -> Step {
        if self.pages.contains_key(&last) {
            return if in_flight.is_empty() {
                Step::Split
            } else {
                Step::Fetch(Vec::new())
            };
        }
        let next = match self.pages.keys().next_back() {
            _ if !self.pages.contains_key(&0) => 0,
            Some(0) => STRIDE.min(last),
            _ => last,
        };
        wanted(vec![next], in_flight, 1)
    }
}

/// The number of a page, from 1, as people count them.
pub fn page_number(skip: u32) -> u32 {
    skip.div_ceil(STRIDE) + 1
}

/// Where the last page begins when none from here on is served.
fn last_before(from: u32) -> u32 {
    if (MAX_SKIP + 1..=PAST).contains(&from) {
        MAX_SKIP
    } else {
        from.saturating_sub(1) / STRIDE * STRIDE
    }
}

fn wanted(order: Vec<u32>, in_flight: &BTreeSet<u32>, window: usize) -> Step {
    let room = window.saturating_sub(in_flight.len());
    Step::Fetch(
        order
            .into_iter()
            .filter(|p| !in_flight.contains(p))
            .take(room)
            .collect(),
    )
}

#[cfg(test)]
mod tests;
