//! A run that says complete is: pages that do not agree, a registry that changes, one that ends
//! early, and what nobody can be asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use canvass_app::{Clock, Runner};
use canvass_model::{SpecialtyState, SyncRequest};
use canvass_testkit::{Deep, FaultyRegistry, Record, Settings, registry::npi};
use jiff::SignedDuration;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    both_engines,
    world::{
        INTERNIST, assert_whole, found, hurried, internists, internists_of_california, knowing,
        npis, pages, state, sync, work,
    },
};

/// The internists of one ZIP code.
fn in_one_place() -> SyncRequest {
    SyncRequest {
        postal_code: Some("90012".into()),
        ..internists()
    }
}

fn of_one_place(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(|i| at(i, "CA", "900121234")).collect()
}

/// Somebody whose place in the registry's order is that of the number.
fn at(i: u32, state: &str, code: &str) -> Value {
    Record::individual(npi(i), &format!("N{i:06}"), "ALEX")
        .codes(&[INTERNIST])
        .practice(state, "SOMEWHERE", code)
        .build()
}

fn rearranged(rearrange: impl Fn(usize, &mut Vec<usize>) + Send + Sync + 'static) -> Settings {
    knowing().rearrange(move |request, list| {
        rearrange(request.params["skip"].parse().unwrap(), list);
    })
}

both_engines! {
    async fn a_record_that_goes_between_two_pages_loses_none_of_the_others(db: Database) {
        let records = of_one_place(0..900);
        // Whatever comes after the first answer does not list the eleventh.
        let gone = knowing().rearrange(|request, list| {
            if request.number > 0 {
                list.remove(10);
            }
        });
        let registry = FaultyRegistry::start(&records, gone);
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, in_one_place()).await;
        assert_whole(&app, &run, &npis(&records), "one gone").await;
        assert!(run.counts.retries > 0, "what is asked again is counted: {run:?}");
        assert_eq!(run.counts.requests, registry.requests().len() as u64);
    }

    async fn ties_in_another_order_are_doubtful_until_they_hold_still(db: Database) {
        let records = of_one_place(0..900);
        // Two records change places for whoever asks past them.
        let registry = FaultyRegistry::start(&records, rearranged(|skip, list| {
            if skip >= 199 {
                list.swap(199, 200);
                list.swap(198, 199);
            }
        }));
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, in_one_place()).await;
        assert!(!run.complete, "{run:?}");
        assert_eq!(run.specialties[0].state, SpecialtyState::Incomplete);
        let [doubt] = run.coverage.doubtful.as_slice() else {
            panic!("{run:?}");
        };
        assert!(doubt.reason.contains("page 2"), "{doubt:?}");
        let asked = run.counts.requests;
        assert!(asked <= 5 + 5 + 10, "asked again within a bound: {asked}");

        registry.set_settings(knowing());
        app.resume_sync(&run.id).await.unwrap();
        let run = work(&app, &run.id).await;
        assert_whole(&app, &run, &npis(&records), "held still").await;
    }

    async fn a_run_taken_up_after_the_registry_has_changed_loses_nothing(db: Database) {
        let mut first = 0;
        // Soon, and after the pages that were stored have become too old.
        for later in [SignedDuration::from_secs(60), SignedDuration::from_hours(2)] {
            let records = of_one_place(first..first + 1_900);
            let registry = FaultyRegistry::start(&records, knowing());
            registry.hold(|r| r.number >= 6);
            let passed = Arc::new(AtomicI64::new(0));
            let clock = passed.clone();
            let clock = Clock::from_fn(move || {
                Clock::system().now() + SignedDuration::from_secs(clock.load(Ordering::Relaxed))
            });
            let app = db.open_with(hurried(&registry), clock).await;
            let run = app.start_sync(None, in_one_place(), None).await.unwrap().id;
            let stop = CancellationToken::new();
            let worker = tokio::spawn(Runner::new(&app, Some(run.clone())).unwrap().run(stop.clone()));
            while registry.requests().len() < 7 || state(&app, &run).await.counts.found < 1_000 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
            worker.await.unwrap().unwrap();
            registry.release();

            // The first hundred have gone, and a hundred others came where the rest of the list
            // keeps its place.
            let mut changed = records[100..].to_vec();
            let news: Vec<Value> = (0..100).map(|i| {
                Record::individual(npi(first + 5_000 + i), &format!("N{:06}", first + 150), &format!("B{i}"))
                    .codes(&[INTERNIST])
                    .practice("CA", "SOMEWHERE", "900121234")
                    .build()
            }).collect();
            let old = later > SignedDuration::from_hours(1);
            if old {
                changed.extend(news);
            }
            registry.set_records(&changed);
            passed.store(later.as_secs(), Ordering::Relaxed);
            let run = work(&app, &run).await;
            let missing: Vec<_> = npis(&changed).difference(&found(&app, &run.id).await).copied().collect();
            assert!(missing.is_empty() && run.complete, "{later}: {} missing, {run:?}", missing.len());
            first += 10_000;
        }
    }

    async fn a_registry_that_ends_early_or_refuses_what_is_past_its_reach_is_split(db: Database) {
        for deep in [Deep::Refused, Deep::EmptyFrom(1_500)] {
            let registry = FaultyRegistry::start(&[], knowing().deep(deep));
            let app = db.open(hurried(&registry)).await;
            for size in [300, 1_700] {
                let records = internists_of_california(0..size);
                registry.set_records(&records);
                let run = sync(&app, internists()).await;
                assert_whole(&app, &run, &npis(&records), &format!("{deep:?} {size}")).await;
                assert_eq!(run.coverage.split > 0, size > 300, "{deep:?} {size}: {run:?}");
            }
        }
    }

    async fn what_no_part_of_a_split_asks_for_is_never_complete(db: Database) {
        let mut records: Vec<Value> = (0..1_300).map(|i| at(i, "CA", &format!("90{:03}", i % 100))).collect();
        // Behind what is seen before the split.
        records.push(at(2_000, "CA", ""));
        records.push(at(2_001, "CA", "K1A0B1"));
        let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, internists()).await;
        assert_eq!(run.counts.found, 1_300, "{run:?}");
        assert!(!run.complete, "{run:?}");
        assert_eq!(run.specialties[0].state, SpecialtyState::Incomplete);
        assert!(run.specialties[0].reason.is_some());
        let told = &run.coverage.left_out[0];
        assert!(told.what.contains("without one") && told.what.contains("letters"), "{told:?}");
    }

    async fn codes_of_other_countries_and_those_that_end_early_are_found(db: Database) {
        let mut records: Vec<Value> = (0..1_500).map(|i| at(i, "ON", &format!("K1A0B{}", i % 10))).collect();
        records.push(at(2_000, "ON", "K1"));
        let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let request = SyncRequest { postal_code: Some("K1*".into()), state: None, ..internists() };
        let run = sync(&app, request).await;
        let missing: Vec<_> = npis(&records).difference(&found(&app, &run.id).await).copied().collect();
        assert!(missing.is_empty() || missing == [npi(2_000)], "{} missing: {run:?}", missing.len());
        assert!(!run.complete && !run.coverage.left_out.is_empty(), "{run:?}");
        // Digits alone, with room for one more request: what ends early is asked for.
        let mut records: Vec<Value> = (3_000..6_000).map(|i| at(i, "CA", &format!("900{:02}", i % 100))).collect();
        records.push(at(7_000, "CA", "900"));
        registry.set_records(&records);
        let request = SyncRequest { postal_code: Some("900*".into()), ..internists() };
        let run = sync(&app, request).await;
        assert_whole(&app, &run, &npis(&records), "900").await;
        assert!(run.counts.requests < 3 * pages(records.len()), "{run:?}");
    }
}

/// What is left out in many places is asked for within one bound: not in each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_is_asked_for_within_one_bound_for_the_whole_run() {
    let db = crate::both::Database::sqlite();
    let zips = crate::world::zips_of_california();
    let specialties = ["Internal Medicine", "Family Medicine", "Pain Management"];
    let codes = specialties.map(|s| crate::world::catalogue().resolve(s).unwrap().codes[0].clone());
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let records: Vec<Value> = (0..8_000)
        .map(|i| crate::world::internist(i, &zips).codes(&codes[..]).build())
        .collect();
    let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
    let app = db.open(hurried(&registry)).await;
    let one = sync(&app, internists()).await;
    let request = SyncRequest {
        specialties: specialties.map(str::to_owned).to_vec(),
        ..internists()
    };
    let all = sync(&app, request).await;
    assert_whole(&app, &all, &npis(&records), "three specialties").await;
    // Three times the queries of one find the same providers, which leaves no room for more.
    assert!(
        all.counts.requests <= 3 * one.counts.requests,
        "{one:?} {all:?}"
    );
    assert!(one.counts.requests < 3 * pages(records.len()), "{one:?}");
}
