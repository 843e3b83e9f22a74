//! One pace for all processes on a database.

use std::time::Duration;

use canvass_app::{RegistrySettings, Runner};
use canvass_model::SyncRequest;
use canvass_testkit::{FaultyRegistry, Record, registry::npi};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    both_engines,
    world::{assert_whole, catalogue, internists, knowing, last_name, npis, state},
};

const SPECIALTIES: [&str; 8] = [
    "Internal Medicine",
    "Family Medicine",
    "Pediatrics",
    "Dermatology",
    "Neurology",
    "Urology",
    "Anesthesiology",
    "Ophthalmology",
];

both_engines! {
    async fn two_processes_share_one_sync_and_one_pace(db: Database) {
        let records = of_each(210);
        for latency in [0, 50] {
            let latency = Duration::from_millis(latency);
            let registry = FaultyRegistry::start(&records, knowing().latency(latency));
            let apps = [
                db.open(paced(&registry, "first")).await,
                db.open(paced(&registry, "second")).await,
            ];
            let run = apps[0].start_sync(None, eight(), None).await.unwrap().id;
            let runners = apps.each_ref().map(|app| {
                let runner = Runner::new(app, Some(run.clone())).unwrap();
                tokio::spawn(runner.run(CancellationToken::new()))
            });
            for runner in runners {
                runner.await.unwrap().unwrap();
            }
            let ended = state(&apps[0], &run).await;
            assert_whole(&apps[0], &ended, &npis(&records), &format!("{latency:?}")).await;
            assert!(registry.max_in_flight() <= 3, "{}", registry.max_in_flight());
            // Arrivals are looked at, which a busy machine delays unequally.
            let starts = registry.max_starts_within(Duration::from_millis(150));
            assert!(starts <= 3, "{starts} started in 150 ms, at {latency:?}");
            for app in ["first", "second"] {
                assert!(requests_of(&registry, app) > 0, "{app} did nothing, at {latency:?}");
            }
            assert_eq!(ended.counts.requests, registry.requests().len() as u64);
        }
    }

    async fn when_one_process_dies_the_other_finishes_its_work(db: Database) {
        let records = of_each(250);
        let registry = FaultyRegistry::start(&records, knowing().latency(Duration::from_millis(20)));
        let apps = [
            db.open(paced(&registry, "first")).await,
            db.open(paced(&registry, "second")).await,
        ];
        let run = apps[0].start_sync(None, eight(), None).await.unwrap().id;
        let [dies, lives] = apps.each_ref().map(|app| {
            let runner = Runner::new(app, Some(run.clone()))
                .unwrap()
                .with_lease(Duration::from_millis(800));
            tokio::spawn(runner.run(CancellationToken::new()))
        });
        while requests_of(&registry, "first") < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        dies.abort();
        let _ = dies.await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let sent = requests_of(&registry, "first");
        tokio::time::timeout(Duration::from_mins(1), lives)
            .await
            .expect("the other does not finish")
            .unwrap()
            .unwrap();
        assert_eq!(requests_of(&registry, "first"), sent, "the dead one goes on");
        let ended = state(&apps[1], &run).await;
        assert_whole(&apps[1], &ended, &npis(&records), "one died").await;
        assert_eq!(ended.counts.created, records.len() as u64, "{ended:?}");
    }

    async fn what_is_given_up_in_flight_does_not_hold_up_the_others(db: Database) {
        let records = of_each(210);
        let registry = FaultyRegistry::start(&records, knowing());
        // Three pages of one query are under way when their sync is stopped.
        registry.hold(|r| r.number < 3);
        // Places that nobody gives back are free again after the timeout of a request only.
        let settings = RegistrySettings {
            timeout: Duration::from_mins(10),
            ..paced(&registry, "first")
        };
        let app = db.open(settings).await;
        let stop = CancellationToken::new();
        let server = tokio::spawn(Runner::new(&app, None).unwrap().run(stop.clone()));
        let first = app.start_sync(None, internists(), None).await.unwrap().id;
        while registry.requests().len() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        app.cancel_sync(&first).await.unwrap();
        // One is answered, from which its runner learns that; the others never are.
        registry.hold(|r| r.number < 3 && r.params["skip"] != "0");
        let second = app.start_sync(None, eight(), None).await.unwrap().id;
        let ended = app.wait_sync(&second, Duration::from_mins(1)).await.unwrap();
        assert_whole(&app, &ended, &npis(&records), "after one that was stopped").await;
        stop.cancel();
        server.await.unwrap().unwrap();
    }
}

/// The pace of the design.
fn paced(registry: &FaultyRegistry, contact: &str) -> RegistrySettings {
    RegistrySettings {
        url: registry.url().to_owned(),
        contact: format!("{contact}@canvass.example"),
        ..RegistrySettings::default()
    }
}

fn requests_of(registry: &FaultyRegistry, contact: &str) -> usize {
    let from = |r: &canvass_testkit::registry::Request| {
        r.user_agent.as_deref().is_some_and(|a| a.contains(contact))
    };
    registry.requests().iter().filter(|r| from(r)).count()
}

fn eight() -> SyncRequest {
    SyncRequest {
        specialties: SPECIALTIES.map(str::to_owned).to_vec(),
        ..internists()
    }
}

/// So many providers of each specialty.
fn of_each(count: u32) -> Vec<Value> {
    (0..)
        .zip(SPECIALTIES)
        .flat_map(|(place, specialty)| {
            let code = catalogue().resolve(specialty).unwrap().codes.remove(0);
            (0..count).map(move |i| {
                let i = place * count + i;
                Record::individual(npi(i), last_name(i), &format!("PERSON{i}"))
                    .codes(&[&code])
                    .practice("CA", "FRESNO", "937011234")
                    .build()
            })
        })
        .collect()
}
