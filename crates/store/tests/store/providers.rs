use canvass_model::{Change, ChangeKind, Phone, RecordStatus, Source};
use canvass_store::WriteSummary;
use jiff::SignedDuration;

use crate::{
    both::now,
    both_engines,
    sample::{CARDIOLOGY, deactivated, npi, people, person, practice, taxonomy},
};

fn summary(created: u64, updated: u64, unchanged: u64) -> WriteSummary {
    WriteSummary {
        created,
        updated,
        unchanged,
    }
}

both_engines! {
    async fn a_write_tells_created_updated_and_unchanged_apart(db: Database) {
        let mut all: Vec<_> = (0..5).map(person).collect();
        assert_eq!(db.write_providers(&all, now()).await.unwrap(), summary(5, 0, 0));
        practice(&mut all[2]).phone = Phone::parse("5595550199");
        all.push(person(5));
        assert_eq!(db.write_providers(&all, now()).await.unwrap(), summary(1, 1, 4));
        assert_eq!(db.write_providers(&all, now()).await.unwrap(), summary(0, 0, 6));
    }

    async fn what_was_written_is_read_again(db: Database) {
        let mut p = person(1);
        p.other_names = vec![canvass_model::OtherName { organization: Some("ÉCLAIR \"&\" CO".into()), ..Default::default() }];
        p.taxonomies.push(taxonomy(CARDIOLOGY, false));
        db.write_providers(std::slice::from_ref(&p), now()).await.unwrap();
        let stored = db.provider(npi(1)).await.unwrap().unwrap();
        assert_eq!(stored.provider, p);
        assert_eq!((stored.first_seen_at, stored.changed_at), (now(), now()));
        assert_eq!(db.provider(npi(2)).await.unwrap(), None);
    }

    async fn of_two_records_of_one_provider_the_last_counts(db: Database) {
        let mut last = person(1);
        practice(&mut last).city = Some("CLOVIS".into());
        let wrote = db.write_providers(&[person(1), last.clone()], now()).await.unwrap();
        assert_eq!(wrote, summary(1, 0, 0));
        assert_eq!(db.provider(npi(1)).await.unwrap().unwrap().provider, last);
    }

    async fn a_change_is_recorded_with_both_values_and_its_time(db: Database) {
        people(&db, 0..2).await;
        let mut moved = person(1);
        practice(&mut moved).phone = Phone::parse("5595550199");
        moved.updated_on = Some(jiff::civil::date(2025, 1, 1));
        let at = now() + SignedDuration::from_hours(1);
        db.write_providers(&[moved], at).await.unwrap();
        let expected = Change {
            npi: npi(1),
            at,
            kind: ChangeKind::Field,
            field: "practice.phone".into(),
            before: Some("559-555-0100".into()),
            after: Some("559-555-0199".into()),
            source: Source::Api,
        };
        assert_eq!(db.changes(npi(1), 10).await.unwrap(), [expected]);
        assert!(db.changes(npi(0), 10).await.unwrap().is_empty());
        let stored = db.provider(npi(1)).await.unwrap().unwrap();
        assert_eq!((stored.first_seen_at, stored.changed_at), (now(), at));
        assert_eq!(stored.first_source, Source::Api);
    }

    async fn going_out_of_service_is_a_change_of_its_own_kind(db: Database) {
        people(&db, 1..2).await;
        db.write_providers(&[deactivated(1)], now()).await.unwrap();
        let changes = db.changes(npi(1), 10).await.unwrap();
        assert_eq!(changes[0].kind, ChangeKind::Deactivated);
        assert_eq!(db.provider(npi(1)).await.unwrap().unwrap().provider.status, RecordStatus::Deactivated);
    }

    async fn writers_of_the_same_providers_at_once_create_each_once(db: Database) {
        let all = (0..6).map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let all: Vec<_> = (0..1_500).map(person).collect();
                store.write_providers(&all, now()).await.unwrap()
            })
        });
        let mut created = 0;
        for wrote in futures_util::future::join_all(all).await {
            let wrote = wrote.unwrap();
            assert_eq!((wrote.created + wrote.unchanged, wrote.updated), (1_500, 0));
            created += wrote.created;
        }
        assert_eq!(created, 1_500);
    }
}
