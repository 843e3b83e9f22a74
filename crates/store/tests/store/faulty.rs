//! Whichever statement fails, the database is as before or as after, and the same again succeeds.

use canvass_model::{Provider, ProviderFilter, Receipt, Role};
use canvass_store::{
    BulkLeads, BulkPatch, Error, Failing, Idempotency, PageWrite, PartitionEnd, SaveAll, Store,
};

use crate::{
    both::now,
    both_engines,
    leads::user,
    raw::{OWNER, in_an_hour, leased, number, part, run_of, standing},
    sample::{npi, people, person},
};

/// Providers or leads of one transaction.
const SIZE: u32 = 5;
/// More statements than any of these has.
const MANY: u32 = 80;

fn group(round: u32) -> std::ops::Range<u32> {
    round * SIZE..(round + 1) * SIZE
}

fn key(round: u32) -> Idempotency {
    Idempotency {
        user: "u".into(),
        key: format!("k{round}"),
        request: vec![1],
    }
}

/// Does something once for each of its statements, which fails, in either way. What is done gets
/// the number of the round, and gives what it does; it is looked at after and done once more.
async fn at_each_statement<T>(
    store: &Store,
    act: impl AsyncFn(u32) -> Result<T, Error>,
    check: impl AsyncFn(u32, bool),
    again: impl AsyncFn(u32, Result<T, Error>),
) {
    let mut round = 0;
    for failing in [Failing::Refused, Failing::AnswerLost] {
        for n in 1.. {
            assert!(n < MANY, "it never ends");
            store.fail_statement(u64::from(n), failing);
            let done = act(round).await;
            let failed = store.statement_failed();
            store.fail_no_statement();
            check(round, done.is_ok()).await;
            again(round, act(round).await).await;
            round += 1;
            if !failed {
                assert!(done.is_ok());
                break;
            }
        }
    }
}

both_engines! {
    async fn a_save_all_of_which_a_statement_fails_can_be_sent_again(db: Database) {
        people(&db, 0..2 * MANY * SIZE).await;
        let save = async |round| {
            let what = SaveAll::Npis(group(round).map(|n| npi(n).to_string()).collect());
            db.save_all(&what, None, now(), Some(&key(round))).await
        };
        let check = async |round: u32, made: bool| {
            let sql = format!(
                "SELECT (SELECT COUNT(*) FROM leads) + {SIZE} * (SELECT COUNT(*) FROM idempotency WHERE response <> '')
                 + 1000000 * (SELECT COUNT(*) FROM idempotency WHERE response = '')"
            );
            let got = number(&db.url, &sql).await;
            let before = i64::from(2 * round * SIZE);
            let after = before + i64::from(2 * SIZE);
            assert!(got == after || (got == before && !made), "{round}: {got}");
        };
        let again = async |round, receipt: Result<Receipt, Error>| {
            let requested = u64::from(SIZE);
            let whole = Receipt { requested, created: requested, ..Receipt::default() };
            assert_eq!(receipt.unwrap(), whole, "{round}");
        };
        at_each_statement(&db, save, check, again).await;
    }

    async fn an_edit_of_many_of_which_a_statement_fails_can_be_sent_again(db: Database) {
        people(&db, 0..SIZE).await;
        db.save_all(&SaveAll::Filter(ProviderFilter::default()), None, now(), None).await.unwrap();
        let owners = [user(&db, "ana").await.id, user(&db, "bob").await.id];
        let ids = BulkLeads::Ids((0..SIZE).map(|n| npi(n).to_string()).collect());
        let edit = async |round: u32| {
            let owner = owners[round as usize % 2].clone();
            let patch = BulkPatch { owner_id: Some(Some(owner)), ..BulkPatch::default() };
            db.bulk_leads(&ids, &patch, Role::Admin, None, now(), Some(&key(round))).await
        };
        let versions = "SELECT CAST(SUM(version) AS BIGINT) FROM leads";
        let check = async |round: u32, made: bool| {
            let got = number(&db.url, versions).await;
            let before = i64::from((round + 1) * SIZE);
            assert!(got == before + i64::from(SIZE) || (got == before && !made), "{round}: {got}");
        };
        let again = async |round: u32, receipt: Result<Option<_>, Error>| {
            let receipt: canvass_store::BulkReceipt = receipt.unwrap().unwrap();
            assert_eq!(receipt.updated, u64::from(SIZE), "{round}");
            assert_eq!(number(&db.url, versions).await, i64::from((round + 2) * SIZE));
        };
        at_each_statement(&db, edit, check, again).await;
    }

    async fn a_page_of_which_a_statement_fails_is_written_or_not(db: Database) {
        run_of(&db, "r", &["q"]).await;
        let partition = leased(&db, "r").await;
        let write = async |round: u32| {
            let all: Vec<Provider> = group(round).map(person).collect();
            let page = PageWrite {
                partition: &standing(&db.url, &partition).await,
                owner: OWNER,
                providers: &all,
                set_aside: &[],
                checkpoint: &((round + 1) * SIZE).to_string(),
                reach: Some("reach"),
                requests: 1,
                retries: 0,
                lease_until: in_an_hour(),
            };
            db.write_page(&page, now()).await
        };
        let even = "SELECT r.found FROM sync_partitions p JOIN sync_runs r ON r.id = p.run_id
                    WHERE (CASE p.checkpoint WHEN '' THEN '0' ELSE p.checkpoint END) = CAST(r.found AS TEXT)
                    AND r.found = (SELECT COUNT(*) FROM providers)
                    AND r.found = (SELECT COUNT(*) FROM sync_results)";
        let check = async |round: u32, made: bool| {
            let got = number(&db.url, even).await;
            let before = i64::from(round * SIZE);
            assert!(got == before + i64::from(SIZE) || (got == before && !made), "{round}: {got}");
        };
        let again = async |round: u32, done: Result<_, Error>| {
            done.unwrap();
            let found = db.count(&ProviderFilter::default()).await.unwrap().count;
            assert_eq!(found, u64::from((round + 1) * SIZE));
        };
        at_each_statement(&db, write, check, again).await;
    }

    async fn the_end_of_a_query_of_which_a_statement_fails_is_noted_or_not(db: Database) {
        let queries: Vec<String> = (0..2 * MANY).map(|n| format!("q{n}")).collect();
        run_of(&db, "r", &queries.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut partitions = Vec::new();
        for _ in 0..2 * MANY {
            partitions.push(leased(&db, "r").await);
        }
        let finish = async |round: u32| {
            let end = PartitionEnd::Split {
                parts: vec![part("a"), part("b")],
                left_out: None,
                still: String::new(),
                rest: vec![],
            };
            db.finish_partition(&partitions[round as usize], OWNER, &end, (1, 0), now()).await
        };
        let even = "SELECT SUM(CASE state WHEN 'split' THEN 1000 WHEN 'pending' THEN 1 ELSE 0 END) FROM sync_partitions";
        let even = format!("SELECT CAST(({even}) AS BIGINT)");
        let check = async |round: u32, made: bool| {
            let got = number(&db.url, &even).await;
            let before = i64::from(round * 1_002);
            assert!(got == before + 1_002 || (got == before && !made), "{round}: {got}");
        };
        let again = async |round: u32, done: Result<(), Error>| {
            assert!(matches!(done, Ok(()) | Err(Error::LeaseLost)));
            assert_eq!(number(&db.url, &even).await, i64::from((round + 1) * 1_002));
        };
        at_each_statement(&db, finish, check, again).await;
    }

    async fn settling_of_which_a_statement_fails_loses_nobody(db: Database) {
        let settle = async |round: u32| {
            people(&db, group(round)).await;
            db.settle().await
        };
        let found = async || db.count(&ProviderFilter::default()).await.unwrap().count;
        let mut round = 0;
        for failing in [Failing::Refused, Failing::AnswerLost] {
            for n in 1..500 {
                people(&db, group(round)).await;
                round += 1;
                db.fail_statement(n, failing);
                let done = db.settle().await;
                let failed = db.statement_failed();
                db.fail_no_statement();
                assert_eq!(found().await, u64::from(round * SIZE), "{n} {failing:?}");
                // One that opens the database knows nothing but what it holds.
                let other = Store::open(&db.url, now()).await.unwrap();
                let filter = ProviderFilter::default();
                assert_eq!(other.count(&filter).await.unwrap().count, u64::from(round * SIZE));
                if !failed {
                    done.unwrap();
                    break;
                }
            }
        }
        settle(round).await.unwrap();
        assert_eq!(found().await, u64::from((round + 1) * SIZE));
        assert_eq!(number(&db.url, "SELECT COUNT(*) FROM index_pending").await, 0);
    }
}
