//! A registry that repeats its last page within reach: what lies past it is found by splitting.

use std::collections::BTreeSet;

use canvass_model::{Npi, Provider, SpecialtyState, SyncRequest};
use canvass_nppes::{
    api::render,
    sample::{SampleSettings, providers},
};
use canvass_testkit::{Deep, FaultyRegistry, Record, registry::npi};
use serde_json::Value;

use crate::{
    both::Database,
    both_engines,
    world::{
        INTERNIST, assert_whole, catalogue, found, hurried, internist, internists,
        internists_of_california, knowing, last_name, npis, pages, sync, zips_of_california,
    },
};

both_engines! {
    // Every size up to 20,000 is pulled in the tests of canvass-nppes, without a database.
    async fn sizes_around_the_reach_are_pulled_whole(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        for &size in db.less(&[1_199, 1_200, 1_201, 2_345], &[1_201]) {
            let records = internists_of_california(0..size);
            registry.set_records(&records);
            let run = sync(&app, internists()).await;
            assert_whole(&app, &run, &npis(&records), &size.to_string()).await;
            if size >= 2_000 {
                let requests = run.counts.requests;
                assert!(requests < 3 * pages(size as usize), "{requests} for {size}: {run:?}");
            }
        }
    }

    async fn stray_postal_codes_are_found_and_others_said_to_be_left_out(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let zips = zips_of_california();
        let size = 1_300;
        // One in 333 and one in 100 has a ZIP code of another state.
        for &every in db.less(&[333, 100], &[333]) {
            let records: Vec<Value> = (0..size)
                .map(|i| {
                    let record = internist(i, &zips);
                    if i % every == 5 {
                        record.practice("CA", "SOMEWHERE", "303091234").build()
                    } else {
                        record.build()
                    }
                })
                .collect();
            registry.set_records(&records);
            let run = sync(&app, internists()).await;
            let (found, expected) = (found(&app, &run.id).await, npis(&records));
            assert!(found.is_subset(&expected), "{run:?}");
            assert_eq!(found, expected, "what was seen is asked for; 1 of {every}: {run:?}");
            assert!(!run.complete && !run.coverage.left_out.is_empty(), "1 of {every}: {run:?}");
        }
    }
}

/// The country is split by state, which doesn't depend on the engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_registry_is_pulled_whole() {
    let db = Database::sqlite();
    let settings = SampleSettings {
        providers: 11_000,
        seed: 7,
    };
    let specialty = "Internal Medicine";
    let codes = catalogue().resolve(specialty).unwrap().codes;
    let has = |p: &Provider| p.taxonomies.iter().any(|t| codes.contains(&t.code));
    // With some of the others, who are not asked for.
    let all: Vec<Provider> = providers(settings, catalogue())
        .enumerate()
        .filter(|(i, p)| i % 20 == 0 || has(p))
        .map(|(_, p)| p)
        .collect();
    let records: Vec<Value> = all.iter().map(|p| render(p, catalogue())).collect();
    let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
    let app = db.open(hurried(&registry)).await;
    let request = SyncRequest {
        specialties: vec![specialty.into()],
        ..SyncRequest::default()
    };
    let run = sync(&app, request).await;
    let expected: BTreeSet<Npi> = all.iter().filter(|p| has(p)).map(|p| p.npi).collect();
    assert!(expected.len() > 1_200, "{}", expected.len());
    assert_whole(&app, &run, &expected, "all states").await;
    assert_eq!(run.coverage.split, 1, "{run:?}");
}

/// Splitting by name makes hundreds of queries, so it is tried on one engine. Where names end is
/// also tried in the tests of canvass-nppes, without a database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dense_postal_code_is_split_by_kind_and_name_and_what_cannot_be_split_is_truncated() {
    let db = Database::sqlite();
    let records: Vec<Value> = (0..2_900)
        .map(|i| {
            let person = |name: &str| Record::individual(npi(i), name, &format!("PERSON{i}"));
            let record = match i {
                0..100 => Record::organization(npi(i), &format!("{} CLINIC {i}", last_name(i))),
                100..300 => person(["ABBOTT", "CHEN", "O'BRIEN", "YOUNG"][i as usize % 4]),
                // Enough of one beginning that its query has to be split once more.
                300..1_600 => person(["NG", "NGUYEN"][i as usize % 2]),
                // More of one name than are served.
                _ => person("NAKAMURA"),
            };
            record
                .codes(&[INTERNIST])
                .practice("CA", "LOS ANGELES", "900121234")
                .build()
        })
        .collect();
    let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
    let app = db.open(hurried(&registry)).await;
    let request = SyncRequest {
        postal_code: Some("90012".into()),
        ..internists()
    };
    let run = sync(&app, request).await;
    assert!(!run.complete, "{run:?}");
    assert_eq!(run.specialties[0].state, SpecialtyState::Incomplete);
    assert!(run.specialties[0].reason.is_some());
    let [truncated] = run.coverage.truncated.as_slice() else {
        panic!("{run:?}");
    };
    assert!(truncated.query.contains("NAKA*"), "{truncated:?}");
    // The postal code, its people, and those whose names begin with NG, NA, NAK.
    assert_eq!(run.coverage.split, 5, "{run:?}");

    let (found, all) = (found(&app, &run.id).await, npis(&records));
    assert!(found.is_subset(&all));
    let others = npis(&records[..1_600]);
    assert_eq!(others.difference(&found).count(), 0, "of the other names");
    // What was served of the one name is kept.
    let kept = found.len() - others.len();
    assert!((600..1_300).contains(&kept), "{kept}");
}
