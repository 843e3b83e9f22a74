use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use canvass_store::{Pace, PaceLimits, Permit, Store};
use jiff::{SignedDuration, Timestamp};

use crate::{both::now, both_engines};

const LIMITS: PaceLimits = PaceLimits {
    in_flight: 3,
    starts: 3,
    window: SignedDuration::from_millis(200),
    lease: SignedDuration::from_secs(60),
};

fn at(milliseconds: i64) -> Timestamp {
    now() + SignedDuration::from_millis(milliseconds)
}

async fn ask(store: &Store, milliseconds: i64) -> Pace {
    store
        .pace_acquire("registry", "me", LIMITS, at(milliseconds))
        .await
        .unwrap()
}

async fn go(store: &Store, milliseconds: i64) -> Permit {
    match ask(store, milliseconds).await {
        Pace::Go(permit) => permit,
        other => panic!("{other:?}"),
    }
}

both_engines! {
    async fn no_more_are_under_way_than_allowed(db: Database) {
        let permits = [go(&db, 0).await, go(&db, 0).await, go(&db, 0).await];
        assert!(matches!(ask(&db, 1_000).await, Pace::Wait(_)));
        db.pace_answered(&permits[1], at(1_000)).await.unwrap();
        go(&db, 1_000).await;
        assert!(matches!(ask(&db, 1_000).await, Pace::Wait(_)));
    }

    async fn no_more_start_in_a_window_than_allowed(db: Database) {
        for ms in [0, 50, 100] {
            let permit = go(&db, ms).await;
            db.pace_answered(&permit, at(ms)).await.unwrap();
        }
        assert_eq!(ask(&db, 199).await, Pace::Wait(at(200)));
        go(&db, 200).await;
        assert_eq!(ask(&db, 201).await, Pace::Wait(at(250)));
    }

    async fn a_request_whose_process_died_gives_its_place_back(db: Database) {
        for _ in 0..3 {
            go(&db, 0).await;
        }
        assert!(matches!(ask(&db, 59_999).await, Pace::Wait(_)));
        go(&db, 60_000).await;
    }

    async fn a_permit_that_came_too_late_frees_nobody_elses_place(db: Database) {
        let mut old = Vec::new();
        for _ in 0..3 {
            old.push(go(&db, 0).await);
        }
        for _ in 0..3 {
            let pace = db.pace_acquire("registry", "another", LIMITS, at(60_000)).await.unwrap();
            assert!(matches!(pace, Pace::Go(_)));
        }
        for permit in &old {
            db.pace_answered(permit, at(60_001)).await.unwrap();
        }
        assert!(matches!(ask(&db, 61_000).await, Pace::Wait(_)));
    }

    async fn registries_have_each_their_own_pace(db: Database) {
        for _ in 0..3 {
            go(&db, 0).await;
        }
        let other = db.pace_acquire("another", "me", LIMITS, at(0)).await.unwrap();
        assert!(matches!(other, Pace::Go(_)));
    }

    async fn failures_in_a_row_pause_and_an_answer_ends_the_row(db: Database) {
        let until = at(5_000);
        let pause = |failures: u32| (failures >= 2).then(|| (until, "it answers 503".to_owned()));
        let one = go(&db, 0).await;
        assert_eq!(db.pace_failed(&one, pause, at(0)).await.unwrap(), 1);
        let two = go(&db, 0).await;
        assert_eq!(db.pace_failed(&two, pause, at(0)).await.unwrap(), 2);
        assert_eq!(ask(&db, 4_999).await, Pace::Paused { until, note: "it answers 503".into() });
        let probe = go(&db, 5_000).await;
        assert_eq!(probe.failures, 2);
        db.pace_answered(&probe, at(5_001)).await.unwrap();
        assert_eq!(db.pace_state("registry").await.unwrap().failures, 0);
    }

    async fn two_processes_keep_one_pace(db: Database) {
        let stores = [db.store.clone(), Store::open(&db.url, now()).await.unwrap()];
        // A clock that both share, and that each asking moves on.
        let clock = Arc::new(AtomicI64::new(0));
        let mut workers = Vec::new();
        for i in 0..8 {
            let (store, clock) = (stores[i % 2].clone(), clock.clone());
            workers.push(tokio::spawn(async move {
                let mut log = Vec::new();
                let holder = format!("worker {i}");
                while log.len() < 10 {
                    let asked = clock.fetch_add(3, Ordering::SeqCst);
                    let pace = store.pace_acquire("registry", &holder, LIMITS, at(asked)).await.unwrap();
                    if let Pace::Go(permit) = pace {
                        let ended = clock.fetch_add(40, Ordering::SeqCst) + 40;
                        store.pace_answered(&permit, at(ended)).await.unwrap();
                        log.push((asked, ended));
                    }
                }
                log
            }));
        }
        let mut log = Vec::new();
        for worker in workers {
            log.extend(worker.await.unwrap());
        }
        log.sort_unstable();
        assert_eq!(log.len(), 80);
        for &(start, _) in &log {
            let in_window = log.iter().filter(|(s, _)| (start..start + 200).contains(s)).count();
            assert!(in_window <= 3, "{in_window} started in the 200 ms from {start}: {log:?}");
        }
    }
}
