//! A registry that repeats its last page within reach: what lies past it is found by splitting.

use canvass_model::{SpecialtyState, SyncRequest};
use canvass_nppes::{
    api::render,
    sample::{SampleSettings, providers},
};
use canvass_testkit::{Deep, FaultyRegistry, Record, registry::npi};
use serde_json::Value;

use crate::{
    both_engines,
    world::{
        INTERNIST, assert_whole, catalogue, found, hurried, internist, internists,
        internists_of_california, knowing, last_name, npis, pages, sync, zips_of_california,
    },
};

both_engines! {
    async fn every_size_is_pulled_whole(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let mut first = 0;
        for size in [0, 1, 199, 200, 201, 1_000, 1_199, 1_200, 1_201, 2_000, 2_345, 10_000] {
            let records = internists_of_california(first..first + size);
            registry.set_records(&records);
            let run = sync(&app, internists()).await;
            assert_whole(&app, &run, &npis(&records), &size.to_string()).await;
            if size >= 2_000 {
                let requests = run.counts.requests;
                assert!(requests < 3 * pages(size as usize), "{requests} for {size}: {run:?}");
            }
            first += size;
        }
    }

    async fn a_generated_registry_is_pulled_whole(db: Database) {
        let settings = SampleSettings { providers: 12_000, seed: 7 };
        let records: Vec<Value> = providers(settings, catalogue())
            .map(|p| render(&p, catalogue()))
            .collect();
        let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let request = SyncRequest {
            specialties: vec!["Nurse Practitioner".into(), "Internal Medicine".into()],
            ..SyncRequest::default()
        };
        let run = sync(&app, request.clone()).await;
        let codes: Vec<String> = request
            .specialties
            .iter()
            .flat_map(|s| catalogue().resolve(s).unwrap().codes)
            .collect();
        let has = |r: &&Value| {
            let mut of = r["taxonomies"].as_array().unwrap().iter();
            of.any(|t| codes.iter().any(|c| t["code"] == c.as_str()))
        };
        let expected: Vec<Value> = records.iter().filter(has).cloned().collect();
        assert!(expected.len() > 1_200, "{}", expected.len());
        assert_whole(&app, &run, &npis(&expected), "all states").await;
    }

    async fn stray_postal_codes_are_found_or_said_to_be_left_out(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let zips = zips_of_california();
        let mut first = 0;
        // One in 333 and one in 100 has a ZIP code of another state.
        for (size, every) in [(2_345, 333), (2_345, 100)] {
            let records: Vec<Value> = (first..first + size)
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
            let told = !run.complete || !run.coverage.left_out.is_empty();
            assert!(found == expected || told, "{size}, 1 of {every}: {run:?}");
            first += size;
        }
    }

    async fn one_dense_postal_code_is_split_by_kind_and_by_name(db: Database) {
        let zip = "900121234";
        let records: Vec<Value> = (0..3_300)
            .map(|i| {
                let record = if i % 3 == 0 {
                    Record::organization(npi(i), &format!("{} CLINIC {i}", last_name(i)))
                } else {
                    // Enough of one short name that its query has to be split once more.
                    let name = if i % 3 == 1 { last_name(i / 3) } else { "NG" };
                    Record::individual(npi(i), name, &format!("PERSON{i}"))
                };
                record.codes(&[INTERNIST]).practice("CA", "LOS ANGELES", zip).build()
            })
            .collect();
        let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, SyncRequest { postal_code: Some("90012".into()), ..internists() }).await;
        assert_whole(&app, &run, &npis(&records), "dense").await;
    }

    async fn what_cannot_be_split_is_truncated_and_never_complete(db: Database) {
        let records: Vec<Value> = (0..2_000)
            .map(|i| {
                Record::individual(npi(i), "NGUYEN", &format!("PERSON{i}"))
                    .codes(&[INTERNIST])
                    .practice("CA", "SAN JOSE", "951121234")
                    .build()
            })
            .collect();
        let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, SyncRequest { postal_code: Some("95112".into()), ..internists() }).await;
        assert!(!run.complete, "{run:?}");
        assert_eq!(run.specialties[0].state, SpecialtyState::Incomplete);
        let [truncated] = run.coverage.truncated.as_slice() else {
            panic!("{run:?}");
        };
        assert!(truncated.query.contains("NGUY"), "{truncated:?}");
        assert!(run.specialties[0].reason.is_some());
        let found = found(&app, &run.id).await;
        assert!(found.is_subset(&npis(&records)));
        assert!(found.len() >= 600, "what was served is kept: {}", found.len());
    }
}
