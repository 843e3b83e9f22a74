use canvass_model::{LeadPatch, LeadPresence, LeadStatus, ProviderFilter, Receipt, StatusFilter};
use canvass_store::{Edited, Error, Idempotency, LeadEdit, SaveAll, Store};
use futures_util::future::join_all;
use jiff::SignedDuration;

use crate::{
    both::now,
    both_engines,
    sample::{deactivated, in_city, npi, people, person},
};

pub async fn set_status(store: &Store, n: u32, status: LeadStatus) {
    let edit = LeadEdit {
        patch: LeadPatch {
            status: Some(status),
            ..LeadPatch::default()
        },
        activity: None,
    };
    let edited: Edited<()> = store
        .edit_lead(npi(n), None, None, now(), None, |_| Ok(edit))
        .await
        .unwrap();
    assert!(matches!(edited, Edited::Done(_)));
}

pub fn everything() -> SaveAll {
    SaveAll::Filter(ProviderFilter::default())
}

fn texts(places: impl IntoIterator<Item = u32>) -> Vec<String> {
    places.into_iter().map(|n| npi(n).to_string()).collect()
}

fn key(request: &[u8]) -> Idempotency {
    Idempotency {
        user: "u".into(),
        key: "k".into(),
        request: request.to_vec(),
    }
}

async fn leads_in(store: &Store) -> u64 {
    let all = canvass_model::LeadFilter::all();
    store.count_leads(&all).await.unwrap().count
}

both_engines! {
    async fn a_search_result_becomes_leads_and_each_is_counted_once(db: Database) {
        people(&db, 0..20).await;
        let mut far: Vec<_> = (20..25).map(|n| in_city(n, "RENO", "NV")).collect();
        far.push(deactivated(25));
        db.write_providers(&far, now()).await.unwrap();
        let some = SaveAll::Npis(texts(0..5));
        db.save_all(&some, None, now(), None).await.unwrap();
        set_status(&db, 0, LeadStatus::DoNotCall).await;
        set_status(&db, 1, LeadStatus::Converted).await;

        let filter = ProviderFilter { state: vec!["CA".into()], status: StatusFilter::Any, ..ProviderFilter::default() };
        let receipt = db.save_all(&SaveAll::Filter(filter), None, now(), None).await.unwrap();
        assert_eq!(
            receipt,
            Receipt { requested: 21, created: 15, existing: 4, suppressed: 1, rejected: 1 }
        );
        assert!(receipt.adds_up());
        assert_eq!(leads_in(&db).await, 20);
        assert_eq!(db.lead(npi(0)).await.unwrap().unwrap().status, LeadStatus::DoNotCall);
        assert_eq!(db.lead(npi(1)).await.unwrap().unwrap().status, LeadStatus::Converted);
        assert!(db.lead(npi(25)).await.unwrap().is_none());
    }

    async fn saving_again_creates_nothing_and_touches_nothing(db: Database) {
        people(&db, 0..10).await;
        db.save_all(&everything(), Some("x"), now(), None).await.unwrap();
        let before = db.lead(npi(3)).await.unwrap().unwrap();
        let later = now() + SignedDuration::from_hours(1);
        let receipt = db.save_all(&everything(), Some("y"), later, None).await.unwrap();
        assert_eq!((receipt.created, receipt.existing), (0, 10));
        assert_eq!(db.lead(npi(3)).await.unwrap().unwrap(), before);
    }

    async fn only_those_that_are_no_leads_yet_can_be_asked_for(db: Database) {
        people(&db, 0..10).await;
        db.save_all(&SaveAll::Npis(texts(0..4)), None, now(), None).await.unwrap();
        let filter = ProviderFilter { lead: Some(LeadPresence::No), ..ProviderFilter::default() };
        let receipt = db.save_all(&SaveAll::Filter(filter), None, now(), None).await.unwrap();
        assert_eq!((receipt.requested, receipt.created), (6, 6));
    }

    async fn a_list_rejects_what_is_no_provider_in_service(db: Database) {
        db.write_providers(&[person(0), person(1), person(2), deactivated(3)], now()).await.unwrap();
        db.save_all(&SaveAll::Npis(texts([0, 1])), None, now(), None).await.unwrap();
        set_status(&db, 0, LeadStatus::DoNotCall).await;
        let mut asked = texts([0, 1, 2, 2, 3, 77]);
        asked.extend(["1234567890".into(), "nonsense".into(), " nonsense".into()]);
        let receipt = db.save_all(&SaveAll::Npis(asked), None, now(), None).await.unwrap();
        assert_eq!(
            receipt,
            Receipt { requested: 7, created: 1, existing: 1, suppressed: 1, rejected: 4 }
        );
    }

    async fn fifty_identical_requests_at_once_make_one_set_of_leads(db: Database) {
        people(&db, 0..300).await;
        let idempotency = key(b"all");
        let requests = (0..50).map(|_| {
            let (store, idempotency) = (db.store.clone(), idempotency.clone());
            tokio::spawn(async move { store.save_all(&everything(), Some("u"), now(), Some(&idempotency)).await.unwrap() })
        });
        let receipts: Vec<Receipt> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
        let expected = Receipt { requested: 300, created: 300, ..Receipt::default() };
        assert_eq!(receipts, vec![expected; 50]);
        assert_eq!(leads_in(&db).await, 300);
    }

    async fn without_a_key_fifty_requests_still_make_each_lead_once(db: Database) {
        people(&db, 0..300).await;
        let requests = (0..50).map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move { store.save_all(&everything(), None, now(), None).await.unwrap() })
        });
        let receipts: Vec<Receipt> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
        assert!(receipts.iter().all(|r| r.adds_up() && r.requested == 300));
        assert_eq!(receipts.iter().map(|r| r.created).sum::<u64>(), 300);
        assert_eq!(leads_in(&db).await, 300);
    }

    async fn a_key_replays_its_receipt_though_the_data_have_changed(db: Database) {
        people(&db, 0..3).await;
        let first = db.save_all(&everything(), None, now(), Some(&key(b"all"))).await.unwrap();
        people(&db, 3..9).await;
        let again = db.save_all(&everything(), None, now(), Some(&key(b"all"))).await.unwrap();
        assert_eq!(again, first);
        assert_eq!(leads_in(&db).await, 3);
    }

    async fn a_key_is_refused_for_another_request_but_is_each_users_own(db: Database) {
        people(&db, 0..3).await;
        db.save_all(&everything(), None, now(), Some(&key(b"all"))).await.unwrap();
        let other = db.save_all(&everything(), None, now(), Some(&key(b"other"))).await;
        assert!(matches!(other, Err(Error::KeyReused)));
        let somebody = Idempotency { user: "v".into(), ..key(b"other") };
        let receipt = db.save_all(&everything(), None, now(), Some(&somebody)).await.unwrap();
        assert_eq!(receipt.existing, 3);
    }

    async fn a_save_all_and_edits_of_its_leads_never_wait_for_each_other_in_a_circle(db: Database) {
        people(&db, 0..4).await;
        db.save_all(&everything(), None, now(), None).await.unwrap();
        let editors = (0..4).map(|n| {
            let store = db.store.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let status = [LeadStatus::Contacted, LeadStatus::Interested][round % 2];
                    set_status(&store, n, status).await;
                }
            })
        });
        let editing = join_all(editors.collect::<Vec<_>>());
        let saving = async {
            for _ in 0..50 {
                let receipt = db.save_all(&everything(), None, now(), None).await.unwrap();
                assert_eq!((receipt.created, receipt.existing), (0, 4));
            }
        };
        let (edited, ()) = tokio::join!(editing, saving);
        for edited in edited {
            edited.unwrap();
        }
    }

    async fn answers_are_swept_after_a_week(db: Database) {
        people(&db, 0..1).await;
        db.save_all(&everything(), None, now(), Some(&key(b"all"))).await.unwrap();
        db.sweep(now() + SignedDuration::from_hours(7 * 24 - 1)).await.unwrap();
        let other = db.save_all(&everything(), None, now(), Some(&key(b"other"))).await;
        assert!(matches!(other, Err(Error::KeyReused)));
        db.sweep(now() + SignedDuration::from_hours(7 * 24 + 1)).await.unwrap();
        db.save_all(&everything(), None, now(), Some(&key(b"other"))).await.unwrap();
    }
}
