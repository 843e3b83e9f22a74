use canvass_app::{Actor, Error};
use canvass_model::{
    ActivityKind, ContactMethod, LeadFilter, LeadPatch, LeadSort, LeadStatus, PageRequest,
    ProviderFilter, ProviderSort, Role,
};
use canvass_store::{BulkLeads, BulkPatch, SaveAll};

use crate::{
    both::now,
    both_engines,
    opened::{Opened, npi, people, person},
};

fn status(status: LeadStatus) -> LeadPatch {
    LeadPatch {
        status: Some(status),
        ..LeadPatch::default()
    }
}

fn owner(id: Option<&str>) -> LeadPatch {
    LeadPatch {
        owner_id: Some(id.map(str::to_owned)),
        ..LeadPatch::default()
    }
}

fn caller() -> Actor {
    Actor {
        user_id: None,
        name: "Cal".into(),
        role: Role::Caller,
    }
}

fn in_state(state: &str) -> SaveAll {
    SaveAll::Filter(ProviderFilter {
        state: vec![state.into()],
        ..ProviderFilter::default()
    })
}

fn field(error: &Error) -> &str {
    match error {
        Error::Invalid(fields) => &fields[0].name,
        other => panic!("{other:?}"),
    }
}

both_engines! {
    async fn saving_and_sharing_out_are_a_managers(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..2)).await;
        let bulk = BulkPatch { status: Some(LeadStatus::Interested), owner_id: None };
        let forbidden = |e: Error| assert!(matches!(e, Error::Forbidden(_)), "{e:?}");
        forbidden(app.save_all(&caller(), &in_state("CA"), None).await.unwrap_err());
        forbidden(app.bulk_leads(&caller(), &BulkLeads::Ids(vec![]), &bulk, None).await.unwrap_err());
        forbidden(app.import_leads(&caller(), &b"npi\n"[..], false).await.unwrap_err());
    }

    async fn a_key_is_replayed_and_not_used_for_two_things(db: Database) {
        let app = Opened::on(&db).await;
        app.store().write_providers(&people(0..3), now()).await.unwrap();
        let all = Actor::system();
        let first = app.save_all(&all, &in_state("CA"), Some("k")).await.unwrap();
        assert_eq!(first.created, 3);
        assert_eq!(app.save_all(&all, &in_state("CA"), Some("k")).await.unwrap(), first);
        let other = app.save_all(&all, &in_state("NV"), Some("k")).await;
        assert!(matches!(other, Err(Error::KeyReused)));
        let another_action = app.add_activity(&all, npi(0), ActivityKind::Note, "x", Some("k")).await;
        assert!(matches!(another_action, Err(Error::KeyReused)));
        for bad in ["", "a b", &"x".repeat(201)] {
            let refused = app.save_all(&all, &in_state("CA"), Some(bad)).await.unwrap_err();
            assert_eq!(field(&refused), "Idempotency-Key");
        }
    }

    async fn a_filter_is_understood_the_same_whichever_way_it_comes(db: Database) {
        let app = Opened::on(&db).await;
        app.store().write_providers(&people(0..3), now()).await.unwrap();
        // As it comes in a JSON body, where nobody has looked at the values yet.
        let receipt = app.save_all(&Actor::system(), &in_state("ca"), None).await.unwrap();
        assert_eq!(receipt.created, 3);
        let count = async |filter: ProviderFilter| app.count(&filter).await;
        let by_name = ProviderFilter { specialty: vec!["cardiologist".into()], ..ProviderFilter::default() };
        assert_eq!(count(by_name).await.unwrap().count, 3);
        let unknown = ProviderFilter { specialty: vec!["plumbing".into()], ..ProviderFilter::default() };
        assert_eq!(field(&count(unknown).await.unwrap_err()), "specialty");
        let nul = ProviderFilter { q: Some("a\0b".into()), ..ProviderFilter::default() };
        assert_eq!(field(&count(nul).await.unwrap_err()), "q");
        let many = ProviderFilter { city: vec!["x".into(); 501], ..ProviderFilter::default() };
        assert_eq!(field(&count(many).await.unwrap_err()), "filter");
    }

    async fn a_provider_is_shown_with_its_lead(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1)).await;
        let view = app.provider(npi(0)).await.unwrap().unwrap();
        assert_eq!((view.provider, view.first_seen_at), (person(0), now()));
        assert_eq!(view.lead.unwrap().status, LeadStatus::New);
        assert_eq!(app.provider(npi(1)).await.unwrap(), None);
        let page = app.search(&ProviderFilter::default(), ProviderSort::Name, &PageRequest::first(10)).await.unwrap();
        assert_eq!(page.items.len(), 1);
    }

    async fn an_edit_from_an_old_version_is_stale(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1)).await;
        let lead = app.patch_lead(&caller(), npi(0), status(LeadStatus::Interested), Some(1)).await.unwrap();
        assert_eq!(lead.version, 2);
        let stale = app.patch_lead(&caller(), npi(0), status(LeadStatus::Converted), Some(1)).await;
        assert!(matches!(stale, Err(Error::Stale { current: 2 })));
        let missing = app.patch_lead(&caller(), npi(9), status(LeadStatus::Converted), None).await;
        assert!(matches!(missing, Err(Error::NotFound("lead"))));
    }

    async fn only_a_manager_lifts_do_not_call(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1)).await;
        app.patch_lead(&caller(), npi(0), status(LeadStatus::DoNotCall), None).await.unwrap();
        let refused = app.patch_lead(&caller(), npi(0), status(LeadStatus::Contacted), None).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
        for kind in [ActivityKind::Call, ActivityKind::Email] {
            let refused = app.add_activity(&Actor::system(), npi(0), kind, "", None).await;
            assert!(matches!(refused, Err(Error::Forbidden(_))));
        }
        app.add_activity(&caller(), npi(0), ActivityKind::Note, "asked us to stop", None).await.unwrap();
        let lead = app.patch_lead(&Actor::system(), npi(0), status(LeadStatus::Contacted), None).await.unwrap();
        assert_eq!(lead.status, LeadStatus::Contacted);
    }

    async fn a_caller_takes_free_leads_and_gives_up_their_own(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1)).await;
        let ana = app.user("Ana", Role::Caller).await;
        let bob = app.user("Bob", Role::Caller).await;
        let (a, b) = (Actor::from(&ana), Actor::from(&bob));
        let give = async |actor: &Actor, to: Option<&str>| app.patch_lead(actor, npi(0), owner(to), None).await;
        assert!(matches!(give(&a, Some(&bob.id)).await, Err(Error::Forbidden(_))));
        give(&a, Some(&ana.id)).await.unwrap();
        assert!(matches!(give(&b, Some(&bob.id)).await, Err(Error::Forbidden(_))));
        assert!(matches!(give(&b, None).await, Err(Error::Forbidden(_))));
        give(&a, None).await.unwrap();
        give(&b, Some(&bob.id)).await.unwrap();
        assert_eq!(give(&Actor::system(), Some(&ana.id)).await.unwrap().owner.as_deref(), Some("Ana"));
        assert_eq!(field(&give(&Actor::system(), Some("nobody")).await.unwrap_err()), "owner_id");
    }

    async fn a_call_is_the_last_contact_and_makes_a_new_lead_contacted(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1)).await;
        let ana = Actor::from(&app.user("Ana", Role::Caller).await);
        app.pass(60);
        let done = app.add_activity(&ana, npi(0), ActivityKind::Call, " no answer ", Some("k")).await.unwrap();
        let activity = done.activity.clone().unwrap();
        assert_eq!((activity.text.as_str(), activity.user.as_deref()), ("no answer", Some("Ana")));
        assert_eq!(done.lead.status, LeadStatus::Contacted);
        assert_eq!(done.lead.last_contact_at, Some(app.clock().now()));
        assert_eq!(done.lead.last_contact_method, Some(ContactMethod::Call));
        app.pass(60);
        let again = app.add_activity(&ana, npi(0), ActivityKind::Call, " no answer ", Some("k")).await.unwrap();
        assert_eq!(again, done);
        let calls = app.activities(npi(0)).await.unwrap().iter().filter(|a| a.kind == ActivityKind::Call).count();
        assert_eq!(calls, 1);
        for (kind, text, name) in [(ActivityKind::Note, " ", "text"), (ActivityKind::Status, "new", "kind"), (ActivityKind::Note, "a\0", "text")] {
            let refused = app.add_activity(&ana, npi(0), kind, text, None).await.unwrap_err();
            assert_eq!(field(&refused), name);
        }
    }

    async fn notes_and_times_are_bounded(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1)).await;
        let notes = |text: String| LeadPatch { notes: Some(text), ..LeadPatch::default() };
        let refused = app.patch_lead(&caller(), npi(0), notes("x".repeat(10_001)), None).await.unwrap_err();
        assert_eq!(field(&refused), "notes");
        app.patch_lead(&caller(), npi(0), notes("é".repeat(10_000)), None).await.unwrap();
        let at = |at: &str| LeadPatch { last_contact_at: Some(Some(at.parse().unwrap())), ..LeadPatch::default() };
        let refused = app.patch_lead(&caller(), npi(0), at("1969-01-01T00:00:00Z"), None).await.unwrap_err();
        assert_eq!(field(&refused), "last_contact_at");
        let refused = app.patch_lead(&caller(), npi(0), at("2999-01-01T00:00:00Z"), None).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
    }

    async fn many_leads_are_edited_and_listed(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..5)).await;
        let patch = BulkPatch { status: Some(LeadStatus::Interested), owner_id: None };
        let ids = BulkLeads::Ids(vec![npi(1).to_string(), npi(2).to_string()]);
        let manager = Actor::system();
        let receipt = app.bulk_leads(&manager, &ids, &patch, Some("k")).await.unwrap();
        assert_eq!(receipt.updated, 2);
        assert_eq!(app.bulk_leads(&manager, &ids, &patch, Some("k")).await.unwrap(), receipt);
        let empty = app.bulk_leads(&manager, &ids, &BulkPatch::default(), None).await.unwrap_err();
        assert_eq!(field(&empty), "patch");
        let mut filter = LeadFilter::all();
        filter.set("status", "interested").unwrap();
        let page = app.leads(&filter, LeadSort::Name, &PageRequest::first(10)).await.unwrap();
        assert_eq!(page.items.len(), 2);
        assert_eq!(app.count_leads(&filter).await.unwrap().count, 2);
        let counts = app.lead_counts(&LeadFilter::all()).await.unwrap();
        assert!(counts.contains(&(LeadStatus::Interested, 2)) && counts.contains(&(LeadStatus::New, 3)));
        let by_name = app.leads(&LeadFilter::all(), LeadSort::Name, &PageRequest::first(1)).await.unwrap();
        let wrong = PageRequest { limit: 1, after: by_name.next };
        let refused = app.leads(&LeadFilter::all(), LeadSort::Updated, &wrong).await.unwrap_err();
        assert_eq!(field(&refused), "cursor");
    }
}
