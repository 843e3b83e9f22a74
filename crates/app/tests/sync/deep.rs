//! A registry that serves pages past its documented reach, and one that serves nothing there.

use canvass_testkit::{Deep, FaultyRegistry, Record, registry::npi};

use crate::{
    both_engines,
    world::{
        INTERNIST, assert_whole, hurried, internists, internists_of_california, knowing, last_name,
        npis, pages, sync,
    },
};

both_engines! {
    // The pages of every size up to 30,000 are walked in the tests of canvass-nppes.
    async fn sizes_around_the_reach_are_pulled_whole_and_the_same_again_writes_nothing(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing());
        let app = db.open(hurried(&registry)).await;
        let mut first = 0;
        for &size in db.less(&[0, 1, 199, 200, 201, 1_200, 2_001], &[0, 1, 200, 1_200]) {
            let records = internists_of_california(first..first + size);
            let expected = npis(&records);
            // There are others elsewhere: that of 1,200 none is left is found out from them.
            let elsewhere = (0..10).map(|i| {
                Record::individual(npi(1_000_000 + i), "ELSEWHERE", "SOMEBODY")
                    .codes(&[INTERNIST])
                    .practice("NV", "RENO", "89501")
                    .build()
            });
            let everybody: Vec<_> = records.into_iter().chain(elsewhere).collect();
            registry.set_records(&everybody);

            let run = sync(&app, internists()).await;
            assert_whole(&app, &run, &expected, &size.to_string()).await;
            assert_eq!(run.counts.created, u64::from(size), "{run:?}");
            if size >= 2_000 {
                let bound = pages(expected.len()) * 12;
                assert!(run.counts.requests * 10 < bound, "{size}: {run:?}");
            }
            assert_eq!(run.coverage.split, 0, "{size}: {run:?}");

            let some = [first, first + size / 2, (first + size).saturating_sub(1)];
            let before = stored(&app, &some).await;
            let again = sync(&app, internists()).await;
            assert_whole(&app, &again, &expected, &size.to_string()).await;
            let counts = again.counts;
            assert_eq!((counts.created, counts.updated), (0, 0), "{again:?}");
            assert_eq!(counts.unchanged, u64::from(size), "{again:?}");
            assert_eq!(stored(&app, &some).await, before, "{size}");
            first += size;
        }
        let sent = registry.requests().len() as u64;
        let runs = app.sync_runs(100).await.unwrap();
        let counted: u64 = runs.iter().map(|r| r.counts.requests).sum();
        assert_eq!(counted, sent, "every request is counted");
    }

    async fn a_record_that_changed_is_updated_and_only_it(db: Database) {
        let mut records = internists_of_california(0..450);
        let registry = FaultyRegistry::start(&records, knowing());
        let app = db.open(hurried(&registry)).await;
        sync(&app, internists()).await;
        records[77]["basic"]["credential"] = "D.O.".into();
        records[77]["basic"]["last_updated"] = "2026-11-24".into();
        registry.set_records(&records);
        let run = sync(&app, internists()).await;
        let counts = run.counts;
        assert_eq!((counts.created, counts.updated, counts.unchanged), (0, 1, 449), "{run:?}");
        let changes = app.store().changes(npi(77), 10).await.unwrap();
        assert!(changes.iter().any(|c| c.after.as_deref() == Some("D.O.")), "{changes:?}");
    }

    async fn where_nothing_is_served_past_the_reach_the_rest_is_found_or_missed_aloud(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing().deep(Deep::Empty));
        let app = db.open(hurried(&registry)).await;
        for &size in db.less(&[1_199, 1_200, 1_201], &[1_200]) {
            let records = internists_of_california(0..size);
            registry.set_records(&records);
            let run = sync(&app, internists()).await;
            assert_whole(&app, &run, &npis(&records), &size.to_string()).await;
        }

        // In one place, where a query can't be split by ZIP code.
        let records: Vec<_> = (2_000..3_250)
            .map(|i| {
                let record = if i % 2 == 0 {
                    Record::organization(npi(i), &format!("CLINIC {i}"))
                } else {
                    Record::individual(npi(i), last_name(i), "ALEX")
                };
                record.codes(&[INTERNIST]).practice("CA", "LOS ANGELES", "900121234").build()
            })
            .collect();
        registry.set_records(&records);
        let run = sync(&app, canvass_model::SyncRequest {
            postal_code: Some("90012".into()),
            ..internists()
        }).await;
        assert_whole(&app, &run, &npis(&records), "one place").await;
        assert_eq!(run.coverage.split, 1, "{run:?}");
    }
}

async fn stored(
    app: &canvass_app::App,
    numbers: &[u32],
) -> Vec<Option<canvass_store::StoredProvider>> {
    let mut all = Vec::new();
    for n in numbers {
        all.push(app.store().provider(npi(*n)).await.unwrap());
    }
    all
}
