//! A registry that fails.

use std::time::Duration;

use canvass_model::{JobState, SpecialtyState, SyncRequest};
use canvass_testkit::{Deep, Fault, Faults, FaultyRegistry, Record, registry::npi};
use serde_json::Value;

use crate::{
    both_engines,
    world::{
        INTERNIST, assert_whole, hurried, internists, internists_of_california, knowing, npis,
        sync, work,
    },
};

const HANG: Duration = Duration::from_secs(2);

fn kinds() -> [Fault; 8] {
    [
        Fault::TooManyRequests { retry_after: None },
        Fault::ServerError,
        Fault::Html200,
        Fault::HalfBody,
        Fault::Reset,
        Fault::Hang(HANG),
        Fault::RepeatPreviousPage,
        Fault::RepeatRecordsInPage,
    ]
}

both_engines! {
    async fn each_kind_of_fault_loses_nothing_and_doubles_nothing(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing());
        let mut settings = hurried(&registry);
        settings.timeout = Duration::from_millis(250);
        let app = db.open(settings).await;
        let mut first = 0;
        let [.., hang, _, repeat] = kinds();
        for (seed, &kind) in (1..).zip(db.less(&kinds(), &[Fault::Reset, hang, repeat])) {
            // Pages that repeat others are looked at most closely past the reach.
            let repeats = matches!(kind, Fault::RepeatPreviousPage | Fault::RepeatRecordsInPage);
            let size = if repeats { 1_250 } else { 850 };
            let records = internists_of_california(first..first + size);
            registry.set_records(&records);
            // The first page, one in the middle twice, and one past the reach, whose repetition is
            // believed the second time.
            registry.set_faults(Faults::of_pages(kind, [(0, 1), (597, 2), (1_194, 1)]));
            let run = sync(&app, internists()).await;
            assert_whole(&app, &run, &npis(&records), &format!("{kind:?}")).await;
            assert_eq!(run.counts.created, u64::from(size), "{kind:?}");
            assert_eq!(run.coverage.split, 0, "passing faults split nothing: {kind:?} {run:?}");

            registry.set_faults(Faults::random(seed, 0.25, [kind]));
            let again = sync(&app, internists()).await;
            assert_whole(&app, &again, &npis(&records), &format!("{kind:?}")).await;
            assert_eq!(again.counts.unchanged, u64::from(size), "{kind:?}");
            first += size;
        }
    }

    async fn faults_of_all_kinds_lose_nothing_where_queries_are_split(db: Database) {
        let records = internists_of_california(0..1_300);
        let registry = FaultyRegistry::start(&records, knowing().deep(Deep::Repeats));
        let mut settings = hurried(&registry);
        settings.timeout = Duration::from_millis(250);
        let app = db.open(settings).await;
        for seed in 1..=3 {
            registry.set_faults(Faults::random(seed, 0.15, kinds()));
            let run = sync(&app, internists()).await;
            assert_whole(&app, &run, &npis(&records), &format!("seed {seed}")).await;
        }
    }

    async fn the_registry_is_left_alone_by_everybody_as_long_as_it_asks(db: Database) {
        let records = internists_of_california(0..3_000);
        let latency = Duration::from_millis(60);
        // Two requests are under way, after failures, when a third is told to wait: that they are
        // answered then does not end the wait.
        let later = Some(Fault::Hang(Duration::from_millis(200)));
        let faults = [
            Some(Fault::ServerError),
            Some(Fault::ServerError),
            Some(Fault::ServerError),
            Some(Fault::TooManyRequests { retry_after: Some(1) }),
            later,
            later,
        ];
        let registry = FaultyRegistry::start(
            &records,
            knowing().latency(latency).faults(Faults::scripted(faults)),
        );
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, internists()).await;
        assert_whole(&app, &run, &npis(&records), "429").await;
        let requests = registry.requests();
        let refused = requests.iter().find(|r| r.fault == faults[3]).unwrap().end.unwrap();
        let meanwhile = requests.iter().filter(|r| {
            r.start > refused && r.start < refused + Duration::from_millis(950)
        });
        // What had leave already when the refusal arrived may still go out: as many pages of a
        // query as are asked for at once.
        let meanwhile = meanwhile.count();
        assert!(meanwhile <= 3 && requests.len() > 15, "{meanwhile}: {requests:#?}");
    }

    async fn a_query_that_fails_for_good_fails_alone_and_can_be_asked_again(db: Database) {
        let mut records = internists_of_california(0..700);
        records.extend((700..1_300).map(|i| {
            Record::individual(npi(i), "FAMILY", &format!("DOCTOR{i}"))
                .codes(&["207Q00000X"])
                .practice("CA", "FRESNO", "93701")
                .build()
        }));
        let fails = |p: &canvass_testkit::registry::Params| {
            p["taxonomy_description"] == "Internal Medicine" && p["skip"] == "398"
        };
        let registry = FaultyRegistry::start(&records, knowing().always_fail(fails));
        let app = db.open(hurried(&registry)).await;
        let request = SyncRequest {
            specialties: vec!["Internal Medicine".into(), "Family Medicine".into()],
            ..internists()
        };
        let run = sync(&app, request).await;
        assert_eq!((run.state, run.complete), (JobState::Finished, false), "{run:?}");
        let [internal, family] = run.specialties.as_slice() else {
            panic!("{run:?}");
        };
        assert_eq!(internal.state, SpecialtyState::Incomplete);
        assert!(internal.reason.as_deref().unwrap().contains("page 3"), "{internal:?}");
        assert_eq!(run.counts.requests, registry.requests().len() as u64, "{run:?}");
        assert_eq!(family.state, SpecialtyState::Complete);
        assert_eq!(family.counts.found, 600);
        assert_eq!(run.coverage.failed.len(), 1, "{run:?}");
        assert!(run.coverage.failed[0].query.contains("Internal Medicine"), "{run:?}");

        registry.set_settings(knowing());
        let before = registry.requests().len();
        let resumed = app.resume_sync(&run.id).await.unwrap();
        assert_eq!(resumed.state, JobState::Running);
        let run = work(&app, &run.id).await;
        assert_whole(&app, &run, &npis(&records), "resumed").await;
        assert_eq!(run.counts.created, 1_300);
        assert!(run.coverage.failed.is_empty() && run.specialties[0].reason.is_none(), "{run:?}");
        let asked = registry.requests().len() - before;
        assert!(asked <= 4, "pages that were stored are not asked for again: {asked}");
        let nothing_left = app.resume_sync(&run.id).await;
        assert!(matches!(nothing_left, Err(canvass_app::Error::Conflict(_))), "{nothing_left:?}");
    }

    async fn pages_that_keep_repeating_records_are_doubtful_and_can_be_asked_again(db: Database) {
        // A full page of which records push others out: 200 records, of which 181 differ.
        let records: Vec<Value> = internists_of_california(0..579);
        let registry = FaultyRegistry::start(&records, knowing());
        let app = db.open(hurried(&registry)).await;
        registry.set_faults(Faults::random(1, 1.0, [Fault::RepeatRecordsInPage]));
        let run = sync(&app, internists()).await;
        assert!(!run.complete, "{run:?}");
        assert_eq!(run.coverage.doubtful.len(), 1, "{run:?}");
        assert_eq!(run.specialties[0].state, SpecialtyState::Incomplete);
        registry.set_faults(Faults::none());
        app.resume_sync(&run.id).await.unwrap();
        let run = work(&app, &run.id).await;
        assert_whole(&app, &run, &npis(&records), "resumed").await;
    }

    async fn an_answer_that_keeps_failing_ends_a_run_that_says_so(db: Database) {
        let records = vec![
            Record::individual(npi(0), "ONLY", "ONE").codes(&[INTERNIST]).build(),
        ];
        let registry = FaultyRegistry::start(&records, knowing().always_fail(|_| true));
        let app = db.open(hurried(&registry)).await;
        let request = SyncRequest { postal_code: Some("90012".into()), ..internists() };
        let run = sync(&app, request).await;
        assert_eq!((run.state, run.complete, run.counts.found), (JobState::Finished, false, 0));
        assert_eq!(run.counts.requests, 10, "as many as the settings say: {run:?}");
        assert_eq!(run.counts.retries, 9, "{run:?}");
        assert!(run.coverage.failed[0].reason.contains("500"), "{run:?}");
    }
}
