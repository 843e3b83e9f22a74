use std::time::Duration;

use canvass_model::{JobState, Provider};
use canvass_store::{Error, LeasedPartition, PageWrite, PartitionEnd, Store};

use crate::{
    both::now,
    both_engines,
    raw::{OWNER, Other, in_an_hour, leased, number, part, run_of, standing},
    sample::person,
};

async fn state(store: &Store, run: &str) -> JobState {
    store.sync_run(run, now()).await.unwrap().unwrap().state
}

both_engines! {
    async fn a_lease_does_not_bring_a_cancelled_run_back_to_life(db: Database) {
        run_of(&db, "r", &["q"]).await;
        run_of(&db, "s", &["q"]).await;
        let cancelling = Other::begin(&db.url, "UPDATE sync_runs SET state = 'cancelled' WHERE id = 'r'").await;
        let store = db.store.clone();
        let leasing = tokio::spawn(async move {
            store.lease_partition(OWNER, None, in_an_hour(), now()).await.unwrap()
        });
        // Until it has looked, and waits for the row or the file.
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancelling.commit().await;
        assert_eq!(leasing.await.unwrap().unwrap().run_id, "s");
        assert_eq!(state(&db, "r").await, JobState::Cancelled);
    }

    async fn who_leases_and_who_cancels_at_once_leave_it_cancelled(db: Database) {
        for round in 0..30 {
            let run = format!("r{round}");
            run_of(&db, &run, &["q"]).await;
            let lease = db.lease_partition(OWNER, Some(&run), in_an_hour(), now());
            let (leased, cancelled) = tokio::join!(lease, db.cancel_sync(&run, now()));
            leased.unwrap();
            assert!(cancelled.unwrap());
            assert_eq!(state(&db, &run).await, JobState::Cancelled);
        }
    }

    async fn each_query_is_leased_by_one_of_many(db: Database) {
        let queries: Vec<String> = (0..20).map(|n| format!("q{n}")).collect();
        run_of(&db, "r", &queries.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let all = (0..8).map(|n| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let owner = format!("worker {n}");
                let mut mine = Vec::new();
                while let Some(leased) = store.lease_partition(&owner, None, in_an_hour(), now()).await.unwrap() {
                    mine.push(leased.query);
                }
                mine
            })
        });
        let mut leased = Vec::new();
        for mine in futures_util::future::join_all(all).await {
            leased.extend(mine.unwrap());
        }
        leased.sort();
        let mut wanted = queries;
        wanted.sort();
        assert_eq!(leased, wanted);
    }

    async fn of_two_workers_with_one_name_the_slower_one_moves_no_checkpoint_back(db: Database) {
        run_of(&db, "r", &["q"]).await;
        let slower = leased(&db, "r").await;
        let write = async |partition: &LeasedPartition, checkpoint: &str, providers: &[Provider]| {
            let page = PageWrite {
                partition,
                owner: OWNER,
                providers,
                set_aside: &[],
                checkpoint,
                reach: None,
                requests: 1,
                retries: 0,
                lease_until: in_an_hour(),
            };
            db.write_page(&page, now()).await
        };
        write(&slower, "1", &[person(1)]).await.unwrap();
        // The lease ran out while the machine slept, and another worker of the process went on.
        write(&standing(&db.url, &slower).await, "2", &[person(2)]).await.unwrap();
        let moved_back = write(&slower, "1", &[person(3)]).await;
        assert!(matches!(moved_back, Err(Error::LeaseLost)), "{moved_back:?}");
        assert_eq!(standing(&db.url, &slower).await.checkpoint, "2");
        assert_eq!(number(&db.url, "SELECT COUNT(*) FROM providers").await, 2);
    }

    async fn nothing_is_added_to_a_run_that_has_ended(db: Database) {
        run_of(&db, "r", &["q"]).await;
        let partition = leased(&db, "r").await;
        let end = PartitionEnd::Split {
            parts: vec![],
            left_out: Some("something".into()),
            still: String::new(),
            rest: vec![part("rest")],
        };
        db.finish_partition(&partition, OWNER, &end, (0, 0), now()).await.unwrap();
        db.finish_sync("r", None, now()).await.unwrap();
        db.add_left_out("r", &partition.id, &[part("rest")], now()).await.unwrap();
        assert_eq!(number(&db.url, "SELECT COUNT(*) FROM sync_partitions").await, 1);
        assert_eq!(number(&db.url, "SELECT COUNT(*) FROM sync_partitions WHERE left_out IS NOT NULL").await, 1);
        assert_eq!(state(&db, "r").await, JobState::Finished);
    }
}
