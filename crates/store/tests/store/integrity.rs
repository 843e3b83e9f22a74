//! What the search index keeps whatever happens beside it.

use canvass_model::{
    Door, Entity, LeadPresence, PageRequest, Provider, ProviderFilter, ProviderSort, Source,
    StatusFilter,
};
use canvass_store::{Error, Failing, NewImport, Prepared, Replacement, SaveAll, Store};

use crate::{
    both::{Database, now},
    both_engines, raw,
    sample::{people, person},
};

fn any() -> ProviderFilter {
    ProviderFilter {
        status: StatusFilter::Any,
        ..ProviderFilter::default()
    }
}

async fn count(store: &Store) -> u64 {
    store.count(&any()).await.unwrap().count
}

const IMPORT: NewImport<'static> = NewImport {
    fingerprint: b"x",
    what: "a test",
    full: true,
    known_until: None,
    by: None,
};

fn full() -> Door {
    Door::whole(Source::FullFile, None)
}

async fn staged(db: &Store, providers: &[Provider]) -> Replacement {
    let mut new = db.replace_providers(full(), false, now()).await.unwrap();
    let batch = providers.iter().map(Prepared::new).collect();
    new.add(batch).await.unwrap();
    new.end_rows().await.unwrap();
    new.unpublish_missing().await.unwrap();
    new
}

/// The ids of all providers, by NPI.
async fn ids(db: &Database) -> Vec<(i64, i64)> {
    raw::pairs(&db.url, "SELECT npi, id FROM providers ORDER BY npi").await
}

/// Everything that must hold does.
async fn sound(db: &Store) {
    assert_eq!(db.check().await.unwrap(), []);
}

both_engines! {
    async fn a_provider_keeps_its_id_through_a_full_load(db: Database) {
        people(&db, 0..40).await;
        let before = ids(&db).await;
        // Fewer of them, others besides, and in another order.
        let mut file: Vec<Provider> = (10..30).chain(100..130).map(person).collect();
        file.reverse();
        let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
        staged(&db, &file).await.publish(&turn.id, |_| "{}".into()).await.unwrap();
        drop(turn);
        let after = ids(&db).await;
        assert_eq!(after.len(), 70);
        for pair in before {
            assert!(after.contains(&pair), "{pair:?}");
        }
        sound(&db).await;
        assert_eq!(count(&db).await, 70);
        // The other way to publish: many known, few new.
        let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
        let file: Vec<Provider> = (0..130).map(person).collect();
        staged(&db, &file).await.publish(&turn.id, |_| "{}".into()).await.unwrap();
        let last = ids(&db).await;
        for pair in after {
            assert!(last.contains(&pair), "{pair:?}");
        }
        sound(&db).await;
        assert_eq!(db.count(&ProviderFilter::default()).await.unwrap().count, 130);
    }

    async fn a_load_that_begins_or_is_given_up_leaves_what_a_compaction_builds(db: Database) {
        for round in 0..6 {
            let from = round * 500;
            people(&db, from..from + 500).await;
            let other = Store::open(&db.url, now()).await.unwrap();
            let compacting = tokio::spawn(async move { other.settle().await });
            let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
            let new = db.replace_providers(full(), false, now()).await.unwrap();
            if round % 2 == 0 {
                drop(new);
                db.clear_replacements().await.unwrap();
            } else {
                drop(new);
                let known: Vec<Provider> = (0..from + 500).map(person).collect();
                let new = staged(&db, &known).await;
                new.publish(&turn.id, |_| "{}".into()).await.unwrap();
            }
            compacting.await.unwrap().unwrap();
            assert_eq!(count(&db).await, u64::from(from + 500));
            sound(&db).await;
        }
    }

    async fn a_load_keeps_its_segment_however_long_it_takes(db: Database) {
        people(&db, 0..20).await;
        let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
        let new = staged(&db, &(0..60).map(person).collect::<Vec<_>>()).await;
        // As if two hours had passed, and somebody else makes segments.
        raw::execute(&db.url, "UPDATE index_segments SET built_until = '2020-01-01T00:00:00Z' WHERE NOT in_use").await;
        let other = Store::open(&db.url, now()).await.unwrap();
        people(&other, 100..120).await;
        other.settle().await.unwrap();
        new.publish(&turn.id, |_| "{}".into()).await.unwrap();
        assert_eq!(count(&db).await, 80);
        sound(&db).await;
    }

    async fn a_segment_that_is_gone_fails_a_publish_as_a_whole(db: Database) {
        people(&db, 0..20).await;
        let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
        let new = staged(&db, &(0..60).map(person).collect::<Vec<_>>()).await;
        raw::execute(&db.url, "DELETE FROM index_segments WHERE NOT in_use").await;
        let published = new.publish(&turn.id, |_| "{}".into()).await;
        assert!(matches!(published, Err(Error::LeaseLost)), "{published:?}");
        drop(turn);
        assert_eq!(count(&db).await, 20);
        sound(&db).await;
        // The next one is as if nothing had been.
        let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
        let new = staged(&db, &(0..60).map(person).collect::<Vec<_>>()).await;
        new.publish(&turn.id, |_| "{}".into()).await.unwrap();
        assert_eq!(count(&db).await, 60);
        sound(&db).await;
    }

    async fn pages_counts_and_exports_are_right_while_a_load_publishes(db: Database) {
        // Every third an organization, and the file turns their order around.
        let all: Vec<Provider> = (0..300).map(|n| entity(n, n % 3 == 0)).collect();
        db.write_providers(&all, now()).await.unwrap();
        let mut file: Vec<Provider> = all.iter().chain(&(300..900).map(|n| entity(n, n % 3 == 0)).collect::<Vec<_>>()).cloned().collect();
        file.reverse();
        let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
        let new = staged(&db, &file).await;
        let publishing = tokio::spawn(async move {
            new.publish(&turn.id, |_| "{}".into()).await.unwrap();
        });
        let organizations = ProviderFilter { entity: Some(Entity::Organization), ..any() };
        let mut looked = 0;
        while !publishing.is_finished() || looked < 3 {
            looked += 1;
            for sort in [ProviderSort::Name, ProviderSort::Updated] {
                let page = db.search(&organizations, sort, &PageRequest { limit: 50, after: None }).await.unwrap();
                assert_eq!(page.items.len(), 50);
                assert!(page.items.iter().all(|p| p.entity == Some(Entity::Organization)));
            }
            let total = count(&db).await;
            assert!(total == 300 || total == 900, "{total}");
            let mut whole = db.whole(&organizations).await.unwrap();
            let mut read = 0;
            loop {
                let rows = db.next_of(&mut whole, 64).await.unwrap();
                if rows.is_empty() {
                    break;
                }
                read += rows.len();
                assert!(rows.iter().all(|p| p.entity == Some(Entity::Organization)));
            }
            assert!((100..=300).contains(&read), "{read}");
            let facets = db.facets(&organizations).await.unwrap();
            assert!(facets.entity.iter().all(|f| f.value == "organization"));
        }
        publishing.await.unwrap();
        sound(&db).await;
    }

    async fn a_publish_of_which_a_statement_fails_is_whole_or_nothing(db: Database) {
        // Each round brings ten new providers, and gives ten known ones another name.
        let file = |round: u32| -> Vec<Provider> {
            (0..10 + round * 10).map(|n| {
                let mut p = person(n);
                if n < 10 {
                    p.name.middle = Some(format!("ROUND{round}"));
                    p.updated_on = jiff::civil::date(2025, 1, 1).checked_add(jiff::Span::new().days(round)).ok();
                }
                p
            }).collect()
        };
        people(&db, 0..10).await;
        let mut round = 0;
        for failing in [Failing::Refused, Failing::AnswerLost] {
            // A lost answer is mostly that of a statement whose transaction then ends: some will do.
            let step = if failing == Failing::Refused { 1 } else { 3 };
            for n in (1..200).step_by(step) {
                let before = count(&db).await;
                round += 1;
                let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
                let new = staged(&db, &file(round)).await;
                db.fail_statement(n, failing);
                let done = new.publish(&turn.id, |_| "{}".into()).await;
                let failed = db.statement_failed();
                db.fail_no_statement();
                // What a load leaves that failed goes with the next one.
                db.clear_replacements().await.unwrap();
                drop(turn);
                let after = u64::from(10 + round * 10);
                let found = count(&db).await;
                assert!(found == after || (found == before && done.is_err()), "{n} {failing:?}: {before} {found}");
                let stored = db.provider(person(3).npi).await.unwrap().unwrap().provider;
                let is_new = stored.name.middle == Some(format!("ROUND{round}"));
                assert_eq!(is_new, found == after, "{n} {failing:?}");
                sound(&db).await;
                if !failed {
                    done.unwrap();
                    break;
                }
            }
        }
    }

    async fn what_a_server_has_lost_is_found_no_longer(db: Database) {
        people(&db, 0..10).await;
        assert_eq!(count(&db).await, 10);
        people(&db, 10..20).await;
        assert_eq!(count(&db).await, 20);
        // As after a crash that lost the last commit: all its numbers are as they were before.
        raw::execute(&db.url, "DELETE FROM providers WHERE id >= 10; DELETE FROM index_pending WHERE id >= 10;
            UPDATE index_state SET value = value - 1 WHERE name = 'written';
            UPDATE index_state SET value = value - 10 WHERE name IN ('providers', 'pending', 'next_id')").await;
        assert_eq!(count(&db).await, 10);
        people(&db, 30..35).await;
        assert_eq!(count(&db).await, 15);
        sound(&db).await;
    }

    async fn after_a_failover_nothing_is_told_of_a_segment_whose_number_came_again(db: Database) {
        let answers = async |store: &Store| {
            let in_nevada = ProviderFilter { state: vec!["NV".into()], ..any() };
            let shared = ProviderFilter { phone_shared_by: Some(3), ..any() };
            let page = PageRequest { limit: 200, after: None };
            let mut all = Vec::new();
            for filter in [any(), in_nevada, shared] {
                for sort in [ProviderSort::Name, ProviderSort::City, ProviderSort::Updated] {
                    let (page, total) = store.search_counted(&filter, sort, &page).await.unwrap();
                    all.push((total.count, page.items));
                }
                all.push((store.facets(&filter).await.unwrap().city.len() as u64, Vec::new()));
            }
            all
        };
        people(&db, 0..30).await;
        people(&db, 30..60).await;
        db.settle().await.unwrap();
        answers(&db).await;
        // Another server takes over that knows of none of this, and gets other providers.
        raw::execute(&db.url, "DELETE FROM providers; DELETE FROM index_pending; DELETE FROM index_segments;
            DELETE FROM index_blobs; UPDATE index_state SET value = 0 WHERE name <> 'terms'").await;
        let other = Store::open(&db.url, now()).await.unwrap();
        let mut all: Vec<Provider> = (0..40).map(|n| person(100 + n * 7 % 40)).collect();
        for p in all.iter_mut().step_by(3) {
            let home = p.practice.as_mut().unwrap();
            (home.state, home.city) = (Some("NV".into()), Some("RENO".into()));
        }
        other.write_providers(&all, now()).await.unwrap();
        other.settle().await.unwrap();
        assert_eq!(answers(&db).await, answers(&other).await);
        sound(&db).await;
    }

    async fn a_publish_and_searches_go_on_beside_somebody_who_reads_for_long(db: Database) {
        people(&db, 0..40).await;
        let mut before = 40;
        for total in [45, 200] {
            let file: Vec<Provider> = (0..total).map(person).collect();
            let total = u64::from(total);
            let reader = raw::Reader::begin(&db.url).await;
            let turn = db.begin_import(&IMPORT, now()).await.unwrap().unwrap();
            let new = staged(&db, &file).await;
            let publishing = tokio::spawn(async move {
                new.publish(&turn.id, |_| "{}".into()).await.unwrap();
            });
            for _ in 0..20 {
                let found = count(&db).await;
                assert!(found == before || found == total, "{found}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            reader.end().await;
            publishing.await.unwrap();
            assert_eq!(count(&db).await, total);
            sound(&db).await;
            before = total;
        }
    }

    async fn a_page_of_those_that_are_no_leads_has_none_while_leads_are_made(db: Database) {
        people(&db, 0..300).await;
        let store = db.store.clone();
        let saving = tokio::spawn(async move {
            for n in 0..300 {
                let what = SaveAll::Npis(vec![person(n).npi.to_string()]);
                store.save_all(&what, None, now(), None).await.unwrap();
            }
        });
        let no_leads = ProviderFilter { lead: Some(LeadPresence::No), ..any() };
        let page = PageRequest { limit: 300, after: None };
        while !saving.is_finished() {
            match db.search_counted(&no_leads, ProviderSort::Name, &page).await {
                Ok((found, total)) => {
                    assert!(found.items.iter().all(|p| p.lead.is_none()));
                    assert_eq!(found.items.len() as u64, total.count);
                }
                // It says that it keeps moving rather than something false.
                Err(error) => assert!(matches!(error, Error::IndexMoved)),
            }
        }
        saving.await.unwrap();
        assert_eq!(db.count(&no_leads).await.unwrap().count, 0);
    }

    async fn a_broken_index_is_found_and_built_anew_by_itself(db: Database) {
        people(&db, 0..50).await;
        db.settle().await.unwrap();
        people(&db, 50..60).await;
        raw::execute(&db.url, "DELETE FROM index_segments").await;
        let other = Store::open(&db.url, now()).await.unwrap();
        for _ in 0..200 {
            if count(&other).await == 60 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(count(&other).await, 60);
        sound(&other).await;
    }

    async fn doctor_tells_each_kind_of_damage_and_mends_it(db: Database) {
        let npi = person(3).npi;
        for (round, (damage, told)) in (1u32..).zip([
            ("DELETE FROM index_segments".to_owned(), "are in no segment"),
            ("DELETE FROM index_pending".to_owned(), "are in no segment"),
            ("DELETE FROM index_pending WHERE id < 5".to_owned(), "pending providers, but"),
            ("UPDATE index_pending SET id = id + 100000 WHERE id = (SELECT MAX(id) FROM index_pending)".to_owned(), "and nowhere else"),
            ("UPDATE index_state SET value = 7 WHERE name = 'providers'".to_owned(), "were counted"),
            (bad_blob(&db), "not as it was written"),
            ("DELETE FROM index_blobs WHERE key = (SELECT MAX(key) FROM index_blobs)".to_owned(), "not as it was written"),
            ("INSERT INTO idempotency (user_id, key, request, response, created_at) SELECT '', 'k', data, '', '2026-01-01T00:00:00Z' FROM index_blobs LIMIT 1".to_owned(), "a key and no answer"),
        ]) {
            people(&db, 0..50).await;
            db.settle().await.unwrap();
            people(&db, round * 100..round * 100 + 10).await;
            // Known ones with another record are pending beside the segment that has the old one.
            let changed: Vec<Provider> = (0..5).map(|n| {
                let mut p = person(n);
                p.name.middle = Some(format!("M{round}"));
                p
            }).collect();
            db.write_providers(&changed, now()).await.unwrap();
            sound(&db).await;
            raw::execute(&db.url, &damage).await;
            let found = db.check().await.unwrap();
            assert!(found.iter().any(|d| d.what.contains(told)), "{told}: {found:?}");
            assert!(found.iter().all(|d| !d.remedy.is_empty()));
            db.mend().await.unwrap();
            sound(&db).await;
        }
        raw::execute(&db.url, &format!("INSERT INTO leads (npi, status, notes, version, created_at, updated_at, batch) VALUES ({npi}, 'new', '', 1, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1); DELETE FROM providers WHERE npi = {npi}")).await;
        let found = db.check().await.unwrap();
        assert!(found.iter().any(|d| d.what.contains(&format!("leads have no provider: {npi}"))), "{found:?}");
    }
}

fn entity(n: u32, organization: bool) -> Provider {
    let mut p = person(n);
    p.entity = Some(if organization {
        Entity::Organization
    } else {
        Entity::Individual
    });
    p
}

fn bad_blob(db: &Store) -> String {
    let bytes = match db.engine() {
        canvass_store::Engine::Sqlite => "zeroblob(length(data))",
        canvass_store::Engine::Postgres => "decode(repeat('00', length(data)), 'hex')",
    };
    format!(
        "UPDATE index_blobs SET data = {bytes} WHERE key = (SELECT key FROM index_blobs ORDER BY length(data) DESC LIMIT 1)"
    )
}
