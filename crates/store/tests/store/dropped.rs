//! A transaction whose caller goes away leaves the database as it was before, or as it is after.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use canvass_model::{LeadFilter, Provider, ProviderFilter, Receipt, Role};
use canvass_store::{BulkLeads, BulkPatch, Engine, Idempotency, PageWrite, SaveAll, Store};

use crate::{
    both::now,
    both_engines,
    leads::user,
    raw::{OWNER, in_an_hour, leased, number, run_of, standing},
    sample::{npi, people, person},
};

/// How often each kind of transaction is dropped. A server needs a new connection for each.
fn drops(store: &Store) -> u32 {
    match store.engine() {
        Engine::Sqlite => 500,
        Engine::Postgres => 60,
    }
}

/// Providers or leads of one transaction.
const SIZE: u32 = 5;

/// Polls a future until it has been pending `times` times more than once, and drops it then.
async fn polled<F: Future>(times: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Drops at one await after the other; every third time at some moment between two of them.
async fn dropped<F: Future>(round: u32, future: F) {
    let random = u64::from(round).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    if round.is_multiple_of(3) {
        let after = Duration::from_micros(random % 3_000);
        drop(tokio::time::timeout(after, future).await);
    } else {
        drop(polled(round % 23, future).await);
    }
}

fn key(of: &str, round: u32) -> Idempotency {
    Idempotency {
        user: "u".into(),
        key: format!("{of}{round}"),
        request: vec![1],
    }
}

fn group(round: u32) -> std::ops::Range<u32> {
    round * SIZE..(round + 1) * SIZE
}

/// Queries beside, so that the threads that statements run on are busy.
fn readers(store: &Store) -> Vec<tokio::task::JoinHandle<()>> {
    let read = |store: Store| async move {
        loop {
            store.ping().await.unwrap();
        }
    };
    (0..3).map(|_| tokio::spawn(read(store.clone()))).collect()
}

both_engines! {
    async fn a_dropped_save_all_is_made_or_not(db: Database) {
        people(&db, 0..drops(&db) * SIZE).await;
        let readers = readers(&db);
        for round in 0..drops(&db) {
            let what = SaveAll::Npis(group(round).map(|n| npi(n).to_string()).collect());
            let key = key("save", round);
            dropped(round, db.save_all(&what, None, now(), Some(&key))).await;
            let receipt = db.save_all(&what, None, now(), Some(&key)).await.unwrap();
            let requested = u64::from(SIZE);
            assert_eq!(receipt, Receipt { requested, created: requested, ..Receipt::default() }, "{round}");
        }
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        let leads = db.count_leads(&LeadFilter::all()).await.unwrap().count;
        assert_eq!(leads, u64::from(drops(&db) * SIZE));
        assert_eq!(number(&db.url, "SELECT COUNT(*) FROM idempotency WHERE response = ''").await, 0);
    }

    async fn a_dropped_edit_of_many_is_made_or_not(db: Database) {
        people(&db, 0..SIZE).await;
        db.save_all(&SaveAll::Filter(ProviderFilter::default()), None, now(), None).await.unwrap();
        let owners = [user(&db, "ana").await.id, user(&db, "bob").await.id];
        let ids = BulkLeads::Ids((0..SIZE).map(|n| npi(n).to_string()).collect());
        let readers = readers(&db);
        for round in 0..drops(&db) {
            let owner = owners[round as usize % 2].clone();
            let patch = BulkPatch { owner_id: Some(Some(owner)), ..BulkPatch::default() };
            let key = key("bulk", round);
            let edit = || db.bulk_leads(&ids, &patch, Role::Admin, None, now(), Some(&key));
            dropped(round, edit()).await;
            let receipt = edit().await.unwrap().unwrap();
            assert_eq!(receipt.updated, u64::from(SIZE), "{round}");
        }
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        let versions = number(&db.url, "SELECT CAST(SUM(version) AS BIGINT) FROM leads").await;
        assert_eq!(versions, i64::from((drops(&db) + 1) * SIZE));
    }

    async fn a_dropped_write_of_providers_is_made_or_not_and_they_are_found(db: Database) {
        let readers = readers(&db);
        for round in 0..drops(&db) {
            let all: Vec<Provider> = group(round).map(person).collect();
            dropped(round, db.write_providers(&all, now())).await;
            let written = db.write_providers(&all, now()).await.unwrap();
            let whole = [written.created, written.unchanged].contains(&u64::from(SIZE));
            assert!(whole, "{round}: {written:?}");
        }
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        let found = db.count(&ProviderFilter::default()).await.unwrap().count;
        assert_eq!(found, u64::from(drops(&db) * SIZE));
    }

    async fn a_checkpoint_never_moves_without_its_page(db: Database) {
        run_of(&db, "r", &["q"]).await;
        let partition = leased(&db, "r").await;
        let readers = readers(&db);
        for round in 0..drops(&db) {
            let all: Vec<Provider> = group(round).map(person).collect();
            let checkpoint = ((round + 1) * SIZE).to_string();
            let page = |partition| PageWrite {
                partition,
                owner: OWNER,
                providers: &all,
                set_aside: &[],
                checkpoint: &checkpoint,
                reach: None,
                requests: 1,
                retries: 0,
                lease_until: in_an_hour(),
            };
            let before = standing(&db.url, &partition).await;
            dropped(round, db.write_page(&page(&before), now())).await;
            let even = "SELECT COUNT(*) FROM sync_partitions p JOIN sync_runs r ON r.id = p.run_id
                        WHERE (CASE p.checkpoint WHEN '' THEN '0' ELSE p.checkpoint END) = CAST(r.found AS TEXT)
                        AND r.found = (SELECT COUNT(*) FROM providers)
                        AND r.found = (SELECT COUNT(*) FROM sync_results)
                        AND r.requests >= p.requests";
            assert_eq!(number(&db.url, even).await, 1, "{round}");
            // Whether it was written or not, the worker goes on from where it stands.
            let after = standing(&db.url, &partition).await;
            db.write_page(&page(&after), now()).await.unwrap();
            assert_eq!(number(&db.url, even).await, 1, "{round}");
        }
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        let found = db.count(&ProviderFilter::default()).await.unwrap().count;
        assert_eq!(found, u64::from(drops(&db) * SIZE));
    }
}
