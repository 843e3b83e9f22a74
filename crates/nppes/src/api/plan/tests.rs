use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::ChaCha8Rng, seq::SliceRandom as _};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Served {
    Deep,
    Repeats,
    Nothing,
    Refused,
}

/// A list of records of which the pages are served.
struct Registry {
    records: Vec<u64>,
    served: Served,
}

impl Registry {
    fn new(matches: u32, served: Served) -> Self {
        Self {
            records: (1..=u64::from(matches)).collect(),
            served,
        }
    }

    /// None when it refuses.
    fn page(&self, skip: u32) -> Option<&[u64]> {
        let skip = match self.served {
            _ if skip <= MAX_SKIP => skip,
            Served::Deep => skip,
            Served::Repeats => MAX_SKIP,
            Served::Nothing => u32::MAX,
            Served::Refused => return None,
        };
        let rest = self.records.get(skip as usize..).unwrap_or_default();
        Some(&rest[..rest.len().min(PAGE as usize)])
    }
}

/// What came of a walk.
struct Walked {
    end: Step,
    requests: u32,
    got: BTreeSet<u64>,
    doubtful: bool,
}

/// Walks a query; before each answer something may happen to the registry. Of several requests in
/// flight the first or the last is answered next.
fn walk(
    registry: &mut Registry,
    reach: Reach,
    eager: bool,
    mut meanwhile: impl FnMut(&mut Registry, u32),
    mut pick: impl FnMut(&BTreeSet<u32>) -> u32,
) -> Walked {
    let mut walk = Walk::default();
    let mut in_flight = BTreeSet::new();
    let (mut requests, mut got) = (0, BTreeSet::new());
    loop {
        match walk.next(&in_flight, reach, eager) {
            Step::Fetch(pages) => {
                in_flight.extend(pages.iter().copied());
                requests += u32::try_from(pages.len()).unwrap();
                assert!(!in_flight.is_empty(), "a walk that waits for nothing");
                let page = pick(&in_flight);
                in_flight.remove(&page);
                meanwhile(registry, requests);
                match registry.page(page) {
                    Some(records) => {
                        got.extend(records);
                        walk.take(page, records);
                    }
                    None => walk.refuse(page),
                }
            }
            end => {
                return Walked {
                    end,
                    requests,
                    got,
                    doubtful: !walk.doubts().is_empty(),
                };
            }
        }
    }
}

fn first(in_flight: &BTreeSet<u32>) -> u32 {
    *in_flight.first().unwrap()
}

/// Walks a query of a registry that holds still.
fn walk_still(matches: u32, served: Served, reach: Reach, eager: bool) -> Walked {
    walk(
        &mut Registry::new(matches, served),
        reach,
        eager,
        |_, _| {},
        first,
    )
}

fn any_cap() -> impl Strategy<Value = Served> {
    prop_oneof![
        Just(Served::Repeats),
        Just(Served::Nothing),
        Just(Served::Refused)
    ]
}

const CAPPED: Reach = Reach::Capped { last: MAX_SKIP };

proptest! {
    #[test]
    fn where_deep_pages_are_served_every_page_is_fetched(matches in 0u32..30_000, eager: bool) {
        let walked = walk_still(matches, Served::Deep, Reach::Unknown, eager);
        prop_assert_eq!(walked.end, Step::Complete);
        prop_assert!(!walked.doubtful);
        prop_assert_eq!(walked.got.len(), matches as usize);
        if matches >= 2_000 {
            let pages = matches.div_ceil(PAGE);
            prop_assert!(f64::from(walked.requests) < 1.2 * f64::from(pages), "{} for {}", walked.requests, pages);
        }
    }

    #[test]
    fn what_is_past_the_reach_of_a_capped_registry_is_split(
        matches in 0u32..9_000, served in any_cap(), eager: bool, late: bool,
    ) {
        let pick = |in_flight: &BTreeSet<u32>| if late { *in_flight.last().unwrap() } else { first(in_flight) };
        let mut registry = Registry::new(matches, served);
        let walked = walk(&mut registry, Reach::Unknown, eager, |_, _| {}, pick);
        prop_assert!(!walked.doubtful);
        if matches < MAX_SKIP + PAGE {
            prop_assert_eq!(walked.end, Step::Complete);
            prop_assert_eq!(walked.got.len(), matches as usize);
        } else {
            prop_assert_eq!(walked.end, Step::Split);
            prop_assert!(walked.requests <= 14, "{}", walked.requests);
        }
    }

    #[test]
    fn a_registry_known_to_be_capped_costs_little(matches in 0u32..9_000, served in any_cap()) {
        let walked = walk_still(matches, served, CAPPED, false);
        prop_assert!(!walked.doubtful);
        if matches < MAX_SKIP + PAGE {
            prop_assert_eq!(walked.end, Step::Complete);
            prop_assert_eq!(walked.got.len(), matches as usize);
            prop_assert!(walked.requests <= matches / PAGE + 3);
        } else {
            prop_assert_eq!(walked.end, Step::Split);
            prop_assert!(walked.requests <= 3);
        }
    }

    /// Records come and go at any place, several at any moment: what was there all the time is
    /// found, or the walk says that it can't tell.
    #[test]
    fn what_is_there_all_the_time_is_found_whatever_comes_and_goes(
        matches in 0u32..4_000, seed: u64, changes in 0.0..0.5f64, eager: bool,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order = ChaCha8Rng::seed_from_u64(!seed);
        let mut registry = Registry::new(matches, Served::Deep);
        // Even numbers may come and go.
        registry.records.iter_mut().for_each(|r| *r *= 10);
        let staying: BTreeSet<u64> = registry.records.iter().copied().filter(|r| r % 20 == 0).collect();
        let mut left = 30;
        let walked = walk(
            &mut registry,
            Reach::Unknown,
            eager,
            |registry, _| {
                while left > 0 && rng.random_bool(changes) {
                    left -= 1;
                    let at = rng.random_range(0..=registry.records.len());
                    if rng.random_bool(0.5) {
                        let before = at.checked_sub(1).map_or(0, |i| registry.records[i]);
                        if registry.records.get(at) != Some(&(before + 1)) {
                            registry.records.insert(at, before + 1);
                        }
                    } else if registry.records.get(at).is_some_and(|r| r % 20 != 0) {
                        registry.records.remove(at);
                    }
                }
            },
            |in_flight| *in_flight.iter().nth(order.random_range(0..in_flight.len())).unwrap(),
        );
        let missing = staying.difference(&walked.got).count();
        prop_assert!(missing == 0 || walked.doubtful || walked.end == Step::Split, "{missing} missing");
    }

    /// Records that sort alike come in another order with each request.
    #[test]
    fn ties_in_another_order_lose_nothing_or_are_doubtful(matches in 0u32..3_000, seed: u64, alike in 2usize..40) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut registry = Registry::new(matches, Served::Deep);
        let walked = walk(
            &mut registry,
            Reach::Unknown,
            true,
            |registry, _| {
                for ties in registry.records.chunks_mut(alike) {
                    ties.shuffle(&mut rng);
                }
            },
            first,
        );
        prop_assert!(walked.got.len() == matches as usize || walked.doubtful || walked.end == Step::Split);
        let pages = matches.div_ceil(STRIDE) + 1;
        prop_assert!(walked.requests <= 3 * pages + 20, "{} for {pages} pages", walked.requests);
    }
}

#[test]
fn a_record_that_goes_between_two_pages_loses_none_of_the_others() {
    let mut registry = Registry::new(500, Served::Deep);
    let walked = walk(
        &mut registry,
        Reach::Unknown,
        false,
        |registry, requests| {
            if requests == 2 && registry.records.len() == 500 {
                registry.records.remove(10);
            }
        },
        first,
    );
    assert_eq!((walked.got.len(), walked.doubtful), (500, false));
    assert_eq!(walked.end, Step::Complete);
}

#[test]
fn a_walk_that_is_taken_up_after_the_registry_has_changed_asks_again_for_what_moved() {
    let mut registry = Registry::new(3_000, Served::Deep);
    let mut before = Walk::default();
    for page in 0..8 {
        before.take(page * STRIDE, registry.page(page * STRIDE).unwrap());
    }
    registry.records.drain(..100);
    let mut walk: Walk = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    let mut got: BTreeSet<u64> = (1..=1_593).collect();
    let mut in_flight = BTreeSet::new();
    while let Step::Fetch(pages) = walk.next(&in_flight, Reach::Deep, false) {
        in_flight.extend(pages);
        let page = in_flight.pop_first().unwrap();
        got.extend(registry.page(page).unwrap());
        walk.take(page, registry.page(page).unwrap());
    }
    assert_eq!(got.len(), 3_000);
    assert!(walk.doubts().is_empty());
}

#[test]
fn a_registry_that_serves_nothing_past_ten_thousand_is_capped_there() {
    let registry = Registry::new(12_000, Served::Deep);
    let mut walk = Walk::default();
    let mut in_flight = BTreeSet::new();
    let mut requests = 0;
    while let Step::Fetch(pages) = walk.next(&in_flight, Reach::Unknown, true) {
        in_flight.extend(pages);
        let page = in_flight.pop_first().unwrap();
        requests += 1;
        let served = registry.page(page).filter(|_| page < 10_000);
        walk.take(page, served.unwrap_or_default());
    }
    assert_eq!(
        walk.next(&in_flight, Reach::Unknown, true),
        Step::Split,
        "it is not the end"
    );
    assert_eq!(walk.reach(), Reach::Capped { last: 9_950 });
    assert!(requests <= 56, "{requests}");
}

#[test]
fn a_refused_first_page_is_no_end_and_no_cap_that_others_learn_of() {
    let mut walk = Walk::default();
    walk.refuse(STRIDE);
    assert_eq!(walk.reach(), Reach::Unknown);
    let Step::Fetch(pages) = walk.next(&BTreeSet::new(), Reach::Unknown, false) else {
        panic!("it ended");
    };
    assert_eq!(pages, [0]);
}

#[test]
fn a_big_query_fills_the_pace_from_the_first_moment() {
    let walk = Walk::default();
    let next = |eager| walk.next(&BTreeSet::new(), Reach::Unknown, eager);
    assert_eq!(next(true), Step::Fetch(vec![0, WITHIN, PAST]));
    assert_eq!(next(false), Step::Fetch(vec![0]));
}

#[test]
fn a_page_that_repeats_within_the_reach_is_asked_for_again_first() {
    let records: Vec<u64> = (1..=200).collect();
    let mut walk = Walk::default();
    assert_eq!(walk.take(0, &records), Meaning::Page);
    assert_eq!(walk.take(STRIDE, &records), Meaning::Suspect);
    let Step::Fetch(pages) = walk.next(&BTreeSet::new(), Reach::Deep, false) else {
        panic!("it ended");
    };
    assert_eq!(pages[0], STRIDE);
    for _ in 0..9 {
        if let Step::Fetch(pages) = walk.next(&BTreeSet::new(), Reach::Deep, false) {
            walk.take(pages[0], &records);
        }
    }
    assert_eq!(
        walk.next(&BTreeSet::new(), Reach::Unknown, true),
        Step::Split
    );
}

#[test]
fn one_repetition_past_the_reach_does_not_make_a_registry_capped() {
    let registry = Registry::new(3_000, Served::Deep);
    let page = |skip| registry.page(skip).unwrap();
    let mut walk = Walk::default();
    // The page past the reach came first, with the records of the one before.
    assert_eq!(walk.take(PAST, page(WITHIN)), Meaning::Page);
    assert_eq!(walk.take(WITHIN, page(WITHIN)), Meaning::Suspect);
    assert_eq!(walk.reach(), Reach::Unknown);
    assert_eq!(walk.take(PAST, page(PAST)), Meaning::Page);
    assert_eq!(walk.reach(), Reach::Deep);
}

#[test]
fn a_page_that_is_full_only_by_repetition_is_the_end_only_when_nothing_follows() {
    let registry = Registry::new(500, Served::Deep);
    let page = |skip| registry.page(skip).unwrap();
    let next = |walk: &Walk| walk.next(&BTreeSet::new(), Reach::Deep, false);
    let mut walk = Walk::default();
    walk.take(0, page(0));
    walk.take_padded(STRIDE, &page(STRIDE)[1..]);
    assert_ne!(next(&walk), Step::Complete);
    let mut last = Walk::default();
    last.take(0, page(0));
    last.take_padded(STRIDE, &page(STRIDE)[..150]);
    last.take(2 * STRIDE, &[]);
    assert_eq!(next(&last), Step::Complete);
}

#[test]
fn what_is_reconsidered_is_asked_for_again() {
    let registry = Registry::new(500, Served::Deep);
    let mut walk = Walk::default();
    for page in 0..3 {
        walk.take(page * STRIDE, registry.page(page * STRIDE).unwrap());
    }
    let next = |walk: &Walk| walk.next(&BTreeSet::new(), Reach::Deep, false);
    assert_eq!(next(&walk), Step::Complete);
    walk.reconsider(&BTreeSet::from([STRIDE]));
    assert_eq!(next(&walk), Step::Fetch(vec![STRIDE]));
}

#[test]
fn a_short_page_before_a_full_one_is_not_the_end() {
    let registry = Registry::new(3_000, Served::Deep);
    let mut walk = Walk::default();
    walk.take(0, &registry.records[..12]);
    walk.take(WITHIN, registry.page(WITHIN).unwrap());
    let Step::Fetch(pages) = walk.next(&BTreeSet::new(), Reach::Unknown, true) else {
        panic!("it ended");
    };
    assert!(pages.contains(&0), "{pages:?}");
}

#[test]
fn a_checkpoint_goes_on_where_it_was() {
    let registry = Registry::new(3_000, Served::Deep);
    let mut walk = Walk::default();
    walk.take(0, registry.page(0).unwrap());
    walk.take(STRIDE, registry.page(STRIDE).unwrap());
    let again: Walk = serde_json::from_str(&serde_json::to_string(&walk).unwrap()).unwrap();
    let Step::Fetch(pages) = again.next(&BTreeSet::new(), Reach::Deep, false) else {
        panic!("it ended");
    };
    assert_eq!(pages, [2, 3, 4].map(|n| n * STRIDE));
}
