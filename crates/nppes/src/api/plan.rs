//! Which pages of one query to ask for next, and when the query is at its end.
//!
//! `result_count` is the size of a page, never a total, and the documented reach of a query is
//! 1,200 records over six pages of 200. So pages are asked for until one is short. Whether the
//! registry serves a seventh page is found out by asking; when it repeats an earlier one instead,
//! the query has to be split.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Records of a full page.
pub const PAGE: u32 = 200;
/// Pages within the documented reach of a query.
pub const REACH: u32 = 6;
/// Pages of one query in flight at most.
const WINDOW: usize = 3;
/// Ten pages hold the 2,000 records from which on the number of requests is bounded.
const BOUNDED_FROM: u32 = 10;

/// What is known of how far the registry serves pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nothing yet.
    #[default]
    Unknown,
    /// Pages past the sixth are served.
    Deep,
    /// Pages past the sixth repeat earlier ones.
    Capped,
}

/// What was seen of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Records on it, repeated ones included.
    records: u32,
    /// Fingerprint of its set of NPIs.
    mark: u64,
}

/// What a page means for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It belongs to the answer.
    Page,
    /// It repeats another page, where that may be a passing fault of the registry.
    Suspect,
    /// It repeats another page: the reach of the query ends before it.
    Repeated,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for these pages; those in flight are not among them. Empty: wait for one of those.
    Fetch(Vec<u32>),
    /// Every page was served.
    Complete,
    /// Exactly as many records as the documented reach, and then nothing: the end, or a registry
    /// that serves nothing past its reach. One more question has to tell.
    Verify,
    /// The query holds more than the registry serves for it.
    Split,
}

/// How far a query is: its checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    pages: BTreeMap<u32, Seen>,
    /// The first page that repeated another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeats_from: Option<u32>,
    /// Whether somebody found out that the empty seventh page is the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    verified: bool,
    /// How often pages contradicted each other.
    #[serde(default)]
    contradictions: u32,
    /// How often a page seemed to repeat another one. Whoever goes on counts anew.
    #[serde(skip)]
    suspected: BTreeMap<u32, u32>,
}

impl Walk {
    /// Takes in an answered page: its number, how many records it had, and a fingerprint of the
    /// set of their NPIs.
    pub fn take(&mut self, page: u32, records: u32, mark: u64) -> Meaning {
        let twin = self
            .pages
            .iter()
            .find(|(p, s)| **p != page && records > 0 && s.mark == mark)
            .map(|(p, _)| *p);
        match twin {
            Some(twin) if twin > page => {
                // The later one is the repetition, though it came first.
                self.pages.remove(&twin);
                if self.is_beyond_doubt(twin) {
                    self.repeats(twin);
                }
            }
            Some(_) => {
                if !self.is_beyond_doubt(page) {
                    return Meaning::Suspect;
                }
                self.repeats(page);
                return Meaning::Repeated;
            }
            None => {}
        }
        // A page with records after a short one: one of the two answers was wrong, and the short
        // one is the likelier, so it is asked for again.
        let contradicted: Vec<u32> = match records {
            0 => Vec::new(),
            _ => self
                .pages
                .range(..page)
                .filter(|(_, s)| s.records < PAGE)
                .map(|(p, _)| *p)
                .collect(),
        };
        let doubtful = records < PAGE && self.pages.range(page + 1..).any(|(_, s)| s.records > 0);
        if (doubtful || !contradicted.is_empty()) && self.contradictions < 5 {
            self.contradictions += 1;
            for page in contradicted {
                self.pages.remove(&page);
            }
            if doubtful {
                return Meaning::Page;
            }
        }
        self.pages.insert(page, Seen { records, mark });
        Meaning::Page
    }

    /// Notes that a page repeats another one, and says whether it was asked for often enough to
    /// believe it. One more time is enough where the end of the reach is expected; elsewhere it
    /// is likelier that something went wrong.
    fn is_beyond_doubt(&mut self, page: u32) -> bool {
        let patience = if page >= REACH && self.reach() == Reach::Unknown {
            1
        } else {
            2
        };
        let times = self.suspected.entry(page).or_default();
        *times += 1;
        *times > patience
    }

    fn repeats(&mut self, page: u32) {
        self.repeats_from = Some(self.repeats_from.map_or(page, |p| p.min(page)));
    }

    /// Whether pages past the documented reach were served.
    pub fn reach(&self) -> Reach {
        if self.repeats_from.is_some_and(|p| p >= REACH) {
            Reach::Capped
        } else if self.verified || self.pages.range(REACH..).any(|(_, s)| s.records > 0) {
            Reach::Deep
        } else {
            Reach::Unknown
        }
    }

    /// Whether the documented reach is full, and the page past it empty: the end, or a registry
    /// that serves nothing past its reach.
    pub fn ends_at_the_reach(&self) -> bool {
        let records = |page: u32| self.pages.get(&page).map(|s| s.records);
        !self.verified && records(REACH - 1) == Some(PAGE) && records(REACH) == Some(0)
    }

    /// Notes that the empty seventh page is the end.
    pub fn verify(&mut self) {
        self.verified = true;
    }

    /// Forgets these pages, and what contradicted itself: to be asked for again.
    pub fn reconsider(&mut self, doubtful: &BTreeSet<u32>) {
        let contradictory = self.is_doubtful();
        self.pages
            .retain(|p, s| !(doubtful.contains(p) || contradictory && s.records < PAGE));
        self.contradictions = 0;
    }

    /// Whether the registry's pages kept contradicting each other.
    pub fn is_doubtful(&self) -> bool {
        self.contradictions >= 5
    }

    /// What to do next, given what is in flight and what is known of the registry. `eager` asks
    /// for the pages around the end of the documented reach at once: for a query of which much is
    /// expected, since it fills the pace from the first moment.
    pub fn next(&self, in_flight: &BTreeSet<u32>, reach: Reach, eager: bool) -> Step {
        let reach = if self.reach() == Reach::Unknown {
            reach
        } else {
            self.reach()
        };
        let end = self
            .pages
            .iter()
            .find(|(_, s)| s.records < PAGE)
            .map(|(p, _)| *p);
        // A short page ends the query whatever is repeated after it.
        if self
            .repeats_from
            .is_some_and(|r| end.is_none_or(|end| r < end))
        {
            return if in_flight.is_empty() {
                Step::Split
            } else {
                Step::Fetch(Vec::new())
            };
        }
        if let Some(end) = end {
            let missing: Vec<u32> = (0..end).filter(|p| !self.pages.contains_key(p)).collect();
            if missing.is_empty() {
                let unclear = self.ends_at_the_reach() && reach != Reach::Deep;
                return match (in_flight.is_empty(), unclear) {
                    (true, true) => Step::Verify,
                    (true, false) => Step::Complete,
                    (false, _) => Step::Fetch(Vec::new()),
                };
            }
            let window = if reach == Reach::Capped { 1 } else { WINDOW };
            return wanted(missing, in_flight, window);
        }
        if reach == Reach::Capped {
            return self.next_capped(in_flight);
        }
        let first = self.pages.contains_key(&0);
        if reach == Reach::Unknown && !first && !eager {
            return wanted(vec![0], in_flight, 1);
        }
        // Without knowing the end, no more pages are asked for than the bound on requests allows
        // if the very next one turns out to be the end.
        let full = self.pages.keys().next_back().map_or(0, |p| p + 1);
        let most = (u64::from(full.max(BOUNDED_FROM)) * 12)
            .div_ceil(10)
            .saturating_sub(1);
        let mut order: Vec<u32> = Vec::new();
        if reach == Reach::Unknown {
            order.extend([0, REACH - 1, REACH]);
        }
        let last = u32::try_from(most).unwrap_or(u32::MAX);
        let speculative = full + u32::try_from(WINDOW).unwrap_or(3);
        order.extend(0..last.min(speculative.max(REACH + 1)));
        let mut seen = BTreeSet::new();
        order.retain(|p| !self.pages.contains_key(p) && seen.insert(*p));
        wanted(order, in_flight, WINDOW)
    }

    /// One page after the other: several queries are under way at the same time. Once two pages
    /// are full, the last page within the reach tells whether to go on or to split, which is
    /// cheaper than six pages that a split asks for again.
    fn next_capped(&self, in_flight: &BTreeSet<u32>) -> Step {
        let full = |page: u32| self.pages.contains_key(&page);
        if full(REACH - 1) {
            return if in_flight.is_empty() {
                Step::Split
            } else {
                Step::Fetch(Vec::new())
            };
        }
        let next = match (full(0), full(1)) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => REACH - 1,
        };
        wanted(vec![next], in_flight, 1)
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Served {
        Deep,
        Repeats,
        Nothing,
    }

    /// Walks a query with so many matches; returns the end, the requests and the pages served.
    fn walk(matches: u32, served: Served, reach: Reach, eager: bool) -> (Step, u32, BTreeSet<u32>) {
        let mut walk = Walk::default();
        let mut in_flight = BTreeSet::new();
        let (mut requests, mut got) = (0, BTreeSet::new());
        loop {
            match walk.next(&in_flight, reach, eager) {
                Step::Fetch(pages) => {
                    in_flight.extend(pages.iter().copied());
                    requests += u32::try_from(pages.len()).unwrap();
                    let page = *in_flight.first().expect("a walk that waits for nothing");
                    in_flight.remove(&page);
                    let page_served = match served {
                        Served::Repeats => page.min(REACH - 1),
                        _ => page,
                    };
                    let records = match served {
                        Served::Nothing if page >= REACH => 0,
                        _ => matches.saturating_sub(page_served * PAGE).min(PAGE),
                    };
                    let mark = if records == 0 {
                        0
                    } else {
                        u64::from(page_served) + 1
                    };
                    if walk.take(page, records, mark) == Meaning::Page && records > 0 {
                        got.insert(page);
                    }
                }
                Step::Verify if served == Served::Deep => walk.verify(),
                end => return (end, requests, got),
            }
        }
    }

    proptest! {
        #[test]
        fn where_deep_pages_are_served_every_page_is_fetched(matches in 0u32..30_000, eager: bool) {
            let (end, requests, got) = walk(matches, Served::Deep, Reach::Unknown, eager);
            prop_assert_eq!(end, Step::Complete);
            let pages = matches.div_ceil(PAGE);
            prop_assert_eq!(got, (0..pages).collect::<BTreeSet<_>>());
            if matches >= 2_000 {
                prop_assert!(f64::from(requests) < 1.2 * f64::from(pages), "{} for {}", requests, pages);
            }
        }

        #[test]
        fn where_pages_repeat_what_is_past_the_reach_is_split(matches in 0u32..9_000, eager: bool) {
            let (end, requests, got) = walk(matches, Served::Repeats, Reach::Unknown, eager);
            if matches < 1_000 + PAGE {
                prop_assert_eq!(end, Step::Complete);
                prop_assert_eq!(got, (0..matches.div_ceil(PAGE)).collect::<BTreeSet<_>>());
            } else {
                prop_assert_eq!(end, Step::Split);
                prop_assert!(requests <= 10);
            }
        }

        #[test]
        fn a_registry_known_to_be_capped_costs_little(matches in 0u32..9_000) {
            let (end, requests, _) = walk(matches, Served::Repeats, Reach::Capped, false);
            if matches < 1_000 + PAGE {
                prop_assert_eq!(end, Step::Complete);
                prop_assert!(requests <= matches / PAGE + 2);
            } else {
                prop_assert_eq!(end, Step::Split);
                prop_assert!(requests <= 3);
            }
        }

        #[test]
        fn nothing_past_the_reach_is_never_taken_for_the_end_unasked(matches in 1_200u32..9_000, eager: bool) {
            let (end, _, _) = walk(matches, Served::Nothing, Reach::Unknown, eager);
            prop_assert_eq!(end, Step::Verify);
        }
    }

    #[test]
    fn a_big_query_fills_the_pace_from_the_first_moment() {
        let walk = Walk::default();
        assert_eq!(
            walk.next(&BTreeSet::new(), Reach::Unknown, true),
            Step::Fetch(vec![0, 5, 6])
        );
        assert_eq!(
            walk.next(&BTreeSet::new(), Reach::Unknown, false),
            Step::Fetch(vec![0])
        );
    }

    #[test]
    fn a_page_that_repeats_within_the_reach_is_asked_for_again_first() {
        let mut walk = Walk::default();
        assert_eq!(walk.take(0, PAGE, 7), Meaning::Page);
        assert_eq!(walk.take(1, PAGE, 7), Meaning::Suspect);
        assert_eq!(walk.take(1, PAGE, 7), Meaning::Suspect);
        assert_eq!(walk.take(1, PAGE, 7), Meaning::Repeated);
        assert_eq!(
            walk.next(&BTreeSet::new(), Reach::Unknown, true),
            Step::Split
        );
    }

    #[test]
    fn one_repetition_past_the_reach_does_not_make_a_registry_capped() {
        let mut walk = Walk::default();
        // The seventh page came first, with the records of the sixth.
        assert_eq!(walk.take(REACH, PAGE, 5), Meaning::Page);
        assert_eq!(walk.take(REACH - 1, PAGE, 5), Meaning::Page);
        assert_eq!(walk.reach(), Reach::Unknown);
        assert_eq!(walk.take(REACH, PAGE, 6), Meaning::Page);
        assert_eq!(walk.reach(), Reach::Deep);
        // Where pages past the reach are served, it takes more to believe that one repeats.
        for expected in [Meaning::Suspect, Meaning::Suspect, Meaning::Repeated] {
            assert_eq!(walk.take(REACH + 1, PAGE, 6), expected);
        }
    }

    #[test]
    fn what_is_reconsidered_is_asked_for_again() {
        let mut walk = Walk::default();
        for page in 0..3 {
            walk.take(page, PAGE - page / 2, u64::from(page) + 1);
        }
        let complete = |walk: &Walk| walk.next(&BTreeSet::new(), Reach::Deep, false);
        assert_eq!(complete(&walk), Step::Complete);
        walk.reconsider(&BTreeSet::from([1]));
        assert_eq!(complete(&walk), Step::Fetch(vec![1]));
    }

    #[test]
    fn a_short_page_before_a_full_one_is_not_the_end() {
        let mut walk = Walk::default();
        walk.take(0, 12, 1);
        walk.take(5, PAGE, 2);
        let Step::Fetch(pages) = walk.next(&BTreeSet::new(), Reach::Unknown, true) else {
            panic!("it ended");
        };
        assert!(pages.contains(&0), "{pages:?}");
    }

    #[test]
    fn a_checkpoint_goes_on_where_it_was() {
        let mut walk = Walk::default();
        walk.take(0, PAGE, 1);
        walk.take(1, PAGE, 2);
        let again: Walk = serde_json::from_str(&serde_json::to_string(&walk).unwrap()).unwrap();
        assert_eq!(again, walk);
        let Step::Fetch(pages) = again.next(&BTreeSet::new(), Reach::Deep, false) else {
            panic!()
        };
        assert_eq!(pages, [2, 3, 4]);
    }
}
