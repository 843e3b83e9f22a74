use canvass_model::{
    ActivityKind, ContactMethod, Lead, LeadFilter, LeadPatch, LeadSort, LeadStatus, PageRequest,
    ProviderFilter, Role, StatusFilter,
};
use canvass_store::{
    BulkLeads, BulkPatch, BulkReceipt, Edited, ImportOutcome, LeadEdit, LeadRow, NewActivity,
    NewUser, Store, User,
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::{
    both::now,
    both_engines,
    sample::{in_city, npi, people, person},
    save_all::{everything, set_status},
};

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

async fn ten_leads(store: &Store) {
    people(store, 0..10).await;
    store
        .save_all(&everything(), None, now(), None)
        .await
        .unwrap();
}

pub async fn user(store: &Store, name: &str) -> User {
    let new = NewUser {
        name: name.into(),
        role: Role::Caller,
        password_hash: "x".into(),
    };
    store.add_user(&new, now()).await.unwrap().unwrap()
}

pub async fn edit(store: &Store, n: u32, if_match: Option<i64>, patch: LeadPatch) -> Edited<()> {
    let edit = LeadEdit {
        patch,
        activity: None,
    };
    store
        .edit_lead(npi(n), if_match, None, later(1), None, |_| Ok(edit))
        .await
        .unwrap()
}

fn notes(text: &str) -> LeadPatch {
    LeadPatch {
        notes: Some(text.into()),
        ..LeadPatch::default()
    }
}

async fn lead(store: &Store, n: u32) -> Lead {
    store.lead(npi(n)).await.unwrap().unwrap()
}

/// All pages of a list, one after the other.
async fn pages(store: &Store, filter: &LeadFilter, sort: LeadSort, limit: u32) -> Vec<Lead> {
    let mut all = Vec::new();
    let mut page = PageRequest::first(limit);
    loop {
        let got = store.leads(filter, sort, &page).await.unwrap();
        assert!(got.items.len() <= limit as usize);
        all.extend(got.items);
        match got.next {
            Some(next) => page.after = Some(next),
            None => return all,
        }
    }
}

fn with_status(status: LeadStatus) -> LeadFilter {
    LeadFilter {
        status: vec![status],
        ..LeadFilter::all()
    }
}

both_engines! {
    async fn an_edit_counts_versions_and_a_stale_one_is_told_the_current(db: Database) {
        ten_leads(&db).await;
        let Edited::Done(done) = edit(&db, 1, Some(1), notes("rang")).await else { panic!() };
        assert_eq!((done.lead.version, done.lead.notes.as_str()), (2, "rang"));
        assert_eq!(edit(&db, 1, Some(1), notes("late")).await, Edited::Stale { current: 2 });
        assert_eq!(lead(&db, 1).await.notes, "rang");
        assert_eq!(edit(&db, 99, None, notes("x")).await, Edited::Missing);
    }

    async fn of_many_edits_of_one_version_one_is_made(db: Database) {
        ten_leads(&db).await;
        let edits = (0..20).map(|i| {
            let store = db.store.clone();
            tokio::spawn(async move { edit(&store, 1, Some(1), notes(&format!("by {i}"))).await })
        });
        let done: Vec<_> = join_all(edits).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().filter(|d| matches!(d, Edited::Done(_))).count(), 1);
        assert_eq!(lead(&db, 1).await.version, 2);
    }

    async fn an_edit_that_changes_nothing_is_no_edit(db: Database) {
        ten_leads(&db).await;
        let before = lead(&db, 1).await;
        edit(&db, 1, None, notes("")).await;
        assert_eq!(lead(&db, 1).await, before);
        assert!(db.activities(npi(1), 10).await.unwrap().is_empty());
    }

    async fn a_refusal_leaves_everything_as_it_was(db: Database) {
        ten_leads(&db).await;
        let before = lead(&db, 1).await;
        let refused = db.edit_lead(npi(1), None, None, later(1), None, |_| Err("no")).await.unwrap();
        assert_eq!(refused, Edited::Refused("no"));
        assert_eq!(lead(&db, 1).await, before);
    }

    async fn the_timeline_has_calls_statuses_and_notes_newest_first(db: Database) {
        ten_leads(&db).await;
        let ana = user(&db, "Ana").await;
        let first = LeadEdit {
            patch: LeadPatch { status: Some(LeadStatus::Contacted), ..LeadPatch::default() },
            activity: Some(NewActivity { kind: ActivityKind::Call, text: "no answer".into() }),
        };
        let done: Edited<()> = db.edit_lead(npi(1), None, Some(&ana.id), later(1), None, |_| Ok(first)).await.unwrap();
        let Edited::Done(done) = done else { panic!() };
        assert_eq!(done.activity.unwrap().text, "no answer");
        edit(&db, 1, None, notes("busy on Mondays")).await;
        let entries = db.activities(npi(1), 10).await.unwrap();
        let said: Vec<(ActivityKind, &str, Option<&str>)> =
            entries.iter().map(|a| (a.kind, a.text.as_str(), a.user.as_deref())).collect();
        assert_eq!(said, [
            (ActivityKind::Note, "busy on Mondays", None),
            (ActivityKind::Status, "contacted", Some("Ana")),
            (ActivityKind::Call, "no answer", Some("Ana")),
        ]);
        assert_eq!(db.activities(npi(1), 1).await.unwrap().len(), 1);
    }

    async fn leads_go_only_to_users_who_may_sign_in(db: Database) {
        ten_leads(&db).await;
        let ana = user(&db, "Ana").await;
        let to = |id: &str| LeadPatch { owner_id: Some(Some(id.into())), ..LeadPatch::default() };
        let Edited::Done(done) = edit(&db, 1, None, to(&ana.id)).await else { panic!() };
        assert_eq!(done.lead.owner.as_deref(), Some("Ana"));
        assert_eq!(edit(&db, 2, None, to("nobody")).await, Edited::NoSuchOwner);
        db.set_disabled(&ana.id, true).await.unwrap();
        assert_eq!(edit(&db, 2, None, to(&ana.id)).await, Edited::NoSuchOwner);
        // What she has stays hers, and can be taken from her.
        assert!(matches!(edit(&db, 1, None, to(&ana.id)).await, Edited::Done(_)));
        let none = LeadPatch { owner_id: Some(None), ..LeadPatch::default() };
        let Edited::Done(done) = edit(&db, 1, None, none).await else { panic!() };
        assert_eq!(done.lead.owner_id, None);
    }

    async fn pages_cover_every_lead_once_in_every_order(db: Database) {
        let all: Vec<_> = (0..60).map(|n| {
            let mut p = person(n);
            p.name.last = Some(["ÁLVAREZ", "Brown", "ADAMS"][n as usize % 3].into());
            p
        }).collect();
        db.write_providers(&all, now()).await.unwrap();
        for (i, group) in all.chunks(10).enumerate() {
            let npis = group.iter().map(|p| p.npi.to_string()).collect();
            let at = later(i64::try_from(i).unwrap() / 2);
            db.save_all(&canvass_store::SaveAll::Npis(npis), None, at, None).await.unwrap();
        }
        for sort in [LeadSort::Updated, LeadSort::Created, LeadSort::Name] {
            let got = pages(&db, &LeadFilter::all(), sort, 7).await;
            assert_eq!(got.len(), 60);
            let keys: Vec<_> = got.iter().map(|l| match sort {
                LeadSort::Name => (canvass_store::sort_key(&l.provider.name), l.id),
                _ => (format!("{:020}", i64::MAX - l.created_at.as_microsecond()), l.id),
            }).collect();
            let ordered = keys.windows(2).all(|w| match sort {
                LeadSort::Name => w[0] < w[1],
                _ => w[0].0 < w[1].0 || w[0].0 == w[1].0 && w[0].1 > w[1].1,
            });
            assert!(ordered, "{sort:?}: {keys:?}");
        }
    }

    async fn pages_of_very_many_leads_cover_each_once_too(db: Database) {
        // More than are looked at all when a page is wanted.
        for chunk in 0..3 {
            people(&db, chunk * 7_000..(chunk + 1) * 7_000).await;
            db.save_all(&everything(), None, later(i64::from(chunk)), None).await.unwrap();
        }
        set_status(&db, 5, LeadStatus::Interested).await;
        let new = with_status(LeadStatus::New);
        let nobodys = LeadFilter { owner: Some(String::new()), ..LeadFilter::all() };
        let both = LeadFilter { owner: Some(String::new()), ..new.clone() };
        for sort in [LeadSort::Updated, LeadSort::Created, LeadSort::Name] {
            for (filter, expected) in [(&new, 20_999), (&nobodys, 21_000), (&both, 20_999)] {
                let got = pages(&db, filter, sort, 1_000).await;
                let mut ids: Vec<_> = got.iter().map(|l| l.id).collect();
                ids.sort_unstable();
                ids.dedup();
                assert_eq!((ids.len(), got.len()), (expected, expected), "{sort:?} {filter:?}");
                let ordered = got.is_sorted_by(|a, b| match sort {
                    LeadSort::Updated => a.updated_at >= b.updated_at,
                    LeadSort::Created => a.created_at >= b.created_at,
                    LeadSort::Name => a.provider.name <= b.provider.name,
                });
                assert!(ordered, "{sort:?} {filter:?}");
            }
        }
    }

    async fn a_cursor_of_another_list_is_refused(db: Database) {
        ten_leads(&db).await;
        let by_name = db.leads(&LeadFilter::all(), LeadSort::Name, &PageRequest::first(2)).await.unwrap();
        let page = PageRequest { limit: 2, after: by_name.next };
        let wrong = db.leads(&LeadFilter::all(), LeadSort::Updated, &page).await;
        assert!(matches!(wrong, Err(canvass_store::Error::Cursor)));
    }

    async fn filters_of_the_lead_and_of_its_provider(db: Database) {
        db.write_providers(&[person(0), in_city(1, "Reno", "NV"), in_city(2, "RENO", "NV"), person(3)], now()).await.unwrap();
        db.save_all(&everything(), None, now(), None).await.unwrap();
        let ana = user(&db, "Ana").await;
        set_status(&db, 1, LeadStatus::Interested).await;
        edit(&db, 2, None, LeadPatch { owner_id: Some(Some(ana.id.clone())), ..LeadPatch::default() }).await;
        let ids = async |filter: LeadFilter| {
            let mut ids: Vec<_> = pages(&db, &filter, LeadSort::Updated, 50).await.iter().map(|l| l.id).collect();
            ids.sort_unstable();
            let total = db.count_leads(&filter).await.unwrap();
            assert_eq!((total.count, total.exact), (ids.len() as u64, true));
            ids
        };
        assert_eq!(ids(with_status(LeadStatus::Interested)).await, [npi(1)]);
        assert_eq!(ids(LeadFilter { owner: Some(ana.id.clone()), ..LeadFilter::all() }).await, [npi(2)]);
        assert_eq!(ids(LeadFilter { owner: Some(String::new()), ..LeadFilter::all() }).await, [npi(0), npi(1), npi(3)]);
        let reno = ProviderFilter { city: vec!["reno".into()], status: StatusFilter::Any, ..ProviderFilter::default() };
        assert_eq!(ids(LeadFilter { provider: reno.clone(), ..LeadFilter::all() }).await, [npi(1), npi(2)]);
        let both = LeadFilter { provider: reno, owner: Some(ana.id), ..LeadFilter::all() };
        assert_eq!(ids(both).await, [npi(2)]);
    }

    async fn a_lead_of_a_deactivated_provider_is_still_listed(db: Database) {
        ten_leads(&db).await;
        db.write_providers(&[crate::sample::deactivated(4)], later(1)).await.unwrap();
        assert_eq!(pages(&db, &LeadFilter::all(), LeadSort::Name, 50).await.len(), 10);
    }

    async fn every_status_is_counted(db: Database) {
        ten_leads(&db).await;
        set_status(&db, 1, LeadStatus::Interested).await;
        set_status(&db, 2, LeadStatus::Interested).await;
        let counts = db.lead_counts(&LeadFilter::all()).await.unwrap();
        assert_eq!(counts.iter().map(|(s, _)| *s).collect::<Vec<_>>(), LeadStatus::ALL);
        let of = |status| counts.iter().find(|(s, _)| *s == status).unwrap().1;
        assert_eq!((of(LeadStatus::New), of(LeadStatus::Interested), of(LeadStatus::Converted)), (8, 2, 0));
    }

    async fn a_bulk_edit_adds_up_and_never_revives_the_suppressed(db: Database) {
        people(&db, 0..2_500).await;
        db.save_all(&everything(), None, now(), None).await.unwrap();
        set_status(&db, 0, LeadStatus::DoNotCall).await;
        set_status(&db, 1, LeadStatus::Interested).await;
        let patch = BulkPatch { status: Some(LeadStatus::Interested), owner_id: None };
        let all = BulkLeads::Filter(LeadFilter::all());
        let receipt = db.bulk_leads(&all, &patch, Role::Admin, None, later(1), None).await.unwrap().unwrap();
        assert_eq!(receipt, BulkReceipt { requested: 2_500, updated: 2_498, unchanged: 1, suppressed: 1, rejected: 0 });
        assert_eq!(lead(&db, 0).await.status, LeadStatus::DoNotCall);
        let changed = lead(&db, 2_400).await;
        assert_eq!((changed.status, changed.version, changed.updated_at), (LeadStatus::Interested, 2, later(1)));
        assert_eq!(db.activities(npi(2_400), 9).await.unwrap()[0].kind, ActivityKind::Status);
    }

    async fn a_bulk_edit_of_the_statuses_it_searches_by_meets_each_lead_once(db: Database) {
        people(&db, 0..2_500).await;
        db.save_all(&everything(), None, now(), None).await.unwrap();
        let patch = BulkPatch { status: Some(LeadStatus::FollowUp), owner_id: None };
        let what = BulkLeads::Filter(with_status(LeadStatus::New));
        let receipt = db.bulk_leads(&what, &patch, Role::Manager, None, later(1), None).await.unwrap().unwrap();
        assert_eq!((receipt.requested, receipt.updated), (2_500, 2_500));
    }

    async fn a_bulk_edit_of_a_list_rejects_what_is_no_lead(db: Database) {
        ten_leads(&db).await;
        let ana = user(&db, "Ana").await;
        let ids = vec![npi(1).to_string(), npi(1).to_string(), npi(77).to_string(), "x".into()];
        let patch = BulkPatch { status: None, owner_id: Some(Some(ana.id.clone())) };
        let receipt = db.bulk_leads(&BulkLeads::Ids(ids.clone()), &patch, Role::Manager, None, later(1), None).await.unwrap().unwrap();
        assert_eq!(receipt, BulkReceipt { requested: 3, updated: 1, rejected: 2, ..BulkReceipt::default() });
        assert_eq!(lead(&db, 1).await.owner.as_deref(), Some("Ana"));
        let nobody = BulkPatch { status: None, owner_id: Some(Some("nobody".into())) };
        assert_eq!(db.bulk_leads(&BulkLeads::Ids(ids), &nobody, Role::Manager, None, later(1), None).await.unwrap(), None);
    }

    async fn rows_of_a_file_create_update_and_leave_alone(db: Database) {
        people(&db, 0..3).await;
        let row = |n: u32| LeadRow {
            npi: npi(n),
            status: Some(LeadStatus::Interested),
            notes: Some("kept".into()),
            owner_id: None,
            last_contact_at: Some(Some(later(-60))),
            last_contact_method: Some(Some(ContactMethod::Email)),
            created_at: Some(later(-600)),
        };
        let rows = [row(0), row(1), row(9)];
        let dry = db.import_leads(&rows, None, true, now()).await.unwrap();
        assert_eq!(dry[0], (ImportOutcome::Created, false));
        assert!(db.lead(npi(0)).await.unwrap().is_none());
        let made = db.import_leads(&rows, None, false, now()).await.unwrap();
        assert_eq!(made.iter().map(|(o, _)| *o).collect::<Vec<_>>(),
            [ImportOutcome::Created, ImportOutcome::Created, ImportOutcome::NoSuchProvider]);
        let got = lead(&db, 0).await;
        assert_eq!((got.status, got.notes.as_str(), got.created_at), (LeadStatus::Interested, "kept", later(-600)));
        assert_eq!((got.last_contact_at, got.last_contact_method), (Some(later(-60)), Some(ContactMethod::Email)));

        let again = db.import_leads(&rows[..2], None, false, later(1)).await.unwrap();
        assert_eq!(again, [(ImportOutcome::Unchanged, false); 2]);
        assert_eq!(lead(&db, 0).await, got);

        set_status(&db, 0, LeadStatus::DoNotCall).await;
        let again = db.import_leads(&rows[..1], None, false, later(1)).await.unwrap();
        assert_eq!(again, [(ImportOutcome::Unchanged, true)]);
        assert_eq!(lead(&db, 0).await.status, LeadStatus::DoNotCall);

        let mut suppressing = row(1);
        suppressing.status = Some(LeadStatus::DoNotCall);
        db.import_leads(&[suppressing], None, false, later(1)).await.unwrap();
        assert_eq!(lead(&db, 1).await.status, LeadStatus::DoNotCall);
    }
}
