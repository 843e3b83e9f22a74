//! Cancelling, resuming, dying: a sync is rows in the database.

use std::{collections::BTreeSet, time::Duration};

use canvass_app::{App, Error, Runner};
use canvass_model::{JobState, SpecialtyState, SyncRequest};
use canvass_nppes::api::normalise;
use canvass_store::Idempotency;
use canvass_testkit::{Deep, FaultyRegistry};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    both_engines,
    world::{
        assert_whole, found, hurried, internists, internists_of_california, knowing, npis, state,
        work,
    },
};

const LEASE: Duration = Duration::from_millis(400);
/// After so many answers a sync is far from its beginning and from its end.
const AMID: u64 = 7;

both_engines! {
    async fn what_was_stored_stays_and_a_resumed_sync_ends_as_if_nothing_had_happened(db: Database) {
        for deep in [Deep::Served, Deep::Repeats] {
            let first = if deep == Deep::Served { 0 } else { 10_000 };
            let records = internists_of_california(first..first + 1_900);
            let registry = serve(&records, deep);
            registry.hold(|r| r.number >= AMID);
            let app = db.open(hurried(&registry)).await;
            let run = app.start_sync(None, internists(), None).await.unwrap().id;
            let stop = CancellationToken::new();
            let runner = Runner::new(&app, Some(run.clone())).unwrap();
            let worker = tokio::spawn(runner.run(stop.clone()));
            until_amid(&app, &registry, &run).await;
            assert_eq!(app.cancel_sync(&run).await.unwrap().state, JobState::Cancelled);
            // Its runner sees it with the next answer, and ends by itself.
            registry.release();
            worker.await.unwrap().unwrap();

            let cancelled = state(&app, &run).await;
            assert_eq!((cancelled.state, cancelled.complete), (JobState::Cancelled, false));
            assert_eq!(cancelled.specialties[0].state, SpecialtyState::Cancelled);
            let kept = found(&app, &run).await;
            assert!(kept.len() >= 500, "{}", kept.len());
            assert_eq!(kept.len() as u64, cancelled.counts.found);
            assert!(cancelled.finished_at.is_some());

            let before = registry.requests().len();
            assert_eq!(app.resume_sync(&run).await.unwrap().state, JobState::Running);
            let ended = work(&app, &run).await;
            assert_whole(&app, &ended, &npis(&records), &format!("{deep:?}")).await;
            assert_eq!(ended.counts.created, 1_900, "{ended:?}");
            assert_stored(&app, &records).await;
            if deep == Deep::Served {
                let asked = registry.requests().len() - before;
                let pages = 10 - kept.len() / 200;
                assert!(asked <= pages + 2, "{asked} for the {pages} pages that were left");
            }
        }
    }

    async fn a_sync_is_resumed_by_the_runner_that_it_was_taken_from(db: Database) {
        let records = internists_of_california(0..1_500);
        let registry = serve(&records, Deep::Served);
        registry.hold(|r| r.number >= AMID);
        let app = db.open(hurried(&registry)).await;
        let stop = CancellationToken::new();
        let server = tokio::spawn(Runner::new(&app, None).unwrap().with_lease(LEASE).run(stop.clone()));
        let run = app.start_sync(None, internists(), None).await.unwrap().id;
        until_amid(&app, &registry, &run).await;
        app.cancel_sync(&run).await.unwrap();
        registry.release();
        until("nobody holds it any more", async || app.store().lease_owners().await.unwrap().is_empty()).await;
        let asked = registry.requests().len();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(registry.requests().len(), asked);
        app.resume_sync(&run).await.unwrap();
        let ended = app.wait_sync(&run, Duration::from_mins(1)).await.unwrap();
        assert_whole(&app, &ended, &npis(&records), "resumed").await;
        stop.cancel();
        server.await.unwrap().unwrap();
    }

    async fn a_runner_that_stops_leaves_its_work_to_the_next_at_once(db: Database) {
        let records = internists_of_california(0..1_500);
        let registry = serve(&records, Deep::Repeats);
        registry.hold(|r| r.number >= AMID);
        let app = db.open(hurried(&registry)).await;
        let run = app.start_sync(None, internists(), None).await.unwrap().id;
        let stop = CancellationToken::new();
        // A lease so long that the test would end before it.
        let runner = Runner::new(&app, Some(run.clone())).unwrap().with_lease(Duration::from_mins(10));
        let worker = tokio::spawn(runner.run(stop.clone()));
        until_amid(&app, &registry, &run).await;
        stop.cancel();
        worker.await.unwrap().unwrap();
        assert_eq!(state(&app, &run).await.state, JobState::Running);
        registry.release();
        let ended = work(&app, &run).await;
        assert_whole(&app, &ended, &npis(&records), "stopped").await;
    }

    async fn a_sync_whose_runners_die_at_any_moment_ends_as_if_nothing_had_happened(db: Database) {
        let records = internists_of_california(0..1_900);
        let registry = serve(&records, Deep::Repeats);
        let app = db.open(hurried(&registry)).await;
        let request = SyncRequest {
            specialties: vec!["Internal Medicine".into(), "Family Medicine".into()],
            save_leads: true,
            ..internists()
        };
        let run = app.start_sync(None, request, None).await.unwrap().id;
        for n in 0..6u64 {
            // Each gets a few answers and dies soon after, with more of them asked for.
            let answered = registry.requests().len() + 2 + usize::try_from(n % 3).unwrap();
            registry.hold(move |r| r.number >= answered as u64);
            let runner = Runner::new(&app, Some(run.clone())).unwrap().with_lease(LEASE);
            let worker = tokio::spawn(runner.run(CancellationToken::new()));
            until("more is asked for", async || registry.requests().len() > answered).await;
            tokio::time::sleep(Duration::from_millis(n * 37 % 50)).await;
            assert_eq!(state(&app, &run).await.state, JobState::Running);
            worker.abort();
            let _ = worker.await;
        }
        registry.release();
        let ended = work(&app, &run).await;
        assert_whole(&app, &ended, &npis(&records), "died").await;
        assert_eq!(ended.counts.created, 1_900, "{ended:?}");
        assert_eq!(ended.leads.unwrap().created, 1_900, "{ended:?}");
        assert_stored(&app, &records).await;
    }

    async fn a_small_sync_ends_while_a_large_one_goes_on(db: Database) {
        let records = internists_of_california(0..900);
        let registry = serve(&records, Deep::Served);
        // The large one can't end.
        registry.hold(|r| !r.params.contains_key("postal_code") && r.params["skip"] == "597");
        let app = db.open(hurried(&registry)).await;
        let large = app.start_sync(None, internists(), None).await.unwrap().id;
        let small = SyncRequest { postal_code: Some("90012".into()), ..internists() };
        let small = app.start_sync(None, small, None).await.unwrap().id;
        let stop = CancellationToken::new();
        let server = tokio::spawn(Runner::new(&app, None).unwrap().run(stop.clone()));
        let ended = app.wait_sync(&small, Duration::from_mins(1)).await.unwrap();
        assert_eq!(ended.state, JobState::Finished);
        assert_eq!(state(&app, &large).await.state, JobState::Running);
        stop.cancel();
        server.await.unwrap().unwrap();
    }

    async fn the_same_key_leads_to_the_same_sync(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing());
        let app = db.open(hurried(&registry)).await;
        let key = |request: &str| Idempotency {
            user: "somebody".into(),
            key: "one".into(),
            request: request.as_bytes().to_vec(),
        };
        let first = app.start_sync(Some("somebody"), internists(), Some(key("a"))).await.unwrap();
        let again = app.start_sync(Some("somebody"), internists(), Some(key("a"))).await.unwrap();
        assert_eq!(first.id, again.id);
        let other = app.start_sync(Some("somebody"), internists(), Some(key("b"))).await;
        assert!(
            matches!(other, Err(Error::KeyReused | Error::Store(canvass_store::Error::KeyReused))),
            "{other:?}"
        );
        assert_eq!(app.sync_runs(10).await.unwrap().len(), 1);
        assert_eq!(work(&app, &first.id).await.state, JobState::Finished);
    }

    async fn what_is_not_there_or_at_its_end_is_neither_stopped_nor_resumed(db: Database) {
        let registry = FaultyRegistry::start(&[], knowing());
        let app = db.open(hurried(&registry)).await;
        let nothing = app.cancel_sync("none").await;
        assert!(matches!(nothing, Err(Error::NotFound(_))), "{nothing:?}");
        let nothing = app.resume_sync("none").await;
        assert!(matches!(nothing, Err(Error::NotFound(_))), "{nothing:?}");
        let run = crate::world::sync(&app, internists()).await;
        assert!(run.complete);
        let ended = app.cancel_sync(&run.id).await;
        assert!(matches!(ended, Err(Error::Conflict(_))), "{ended:?}");
        let ended = app.resume_sync(&run.id).await;
        assert!(matches!(ended, Err(Error::Conflict(_))), "{ended:?}");

        // One that nobody has begun is stopped, and begun when it is resumed.
        let run = app.start_sync(None, internists(), None).await.unwrap();
        app.cancel_sync(&run.id).await.unwrap();
        assert_eq!(app.cancel_sync(&run.id).await.unwrap().state, JobState::Cancelled);
        app.resume_sync(&run.id).await.unwrap();
        assert!(work(&app, &run.id).await.complete);
    }
}

fn serve(records: &[Value], deep: Deep) -> FaultyRegistry {
    FaultyRegistry::start(records, knowing().deep(deep))
}

/// Waits until a sync that gets as many answers as [`AMID`] says asks for more than that.
async fn until_amid(app: &App, registry: &FaultyRegistry, run: &str) {
    until("it is amid", async || {
        registry.requests().len() as u64 > AMID && state(app, run).await.counts.found >= 500
    })
    .await;
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    tokio::time::timeout(Duration::from_mins(1), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Every record is stored as it came.
async fn assert_stored(app: &App, records: &[Value]) {
    let mut checked = BTreeSet::new();
    for record in records.iter().step_by(17) {
        let provider = normalise(record).unwrap().provider;
        let stored = app.store().provider(provider.npi).await.unwrap().unwrap();
        checked.insert(provider.npi);
        assert_eq!(stored.provider, provider);
    }
    assert!(checked.len() > 100);
}
