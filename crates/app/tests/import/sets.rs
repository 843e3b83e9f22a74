//! Whole sets: full ones, weeks, reports.

use std::collections::BTreeMap;

use canvass_app::{Error, ImportOptions};
use canvass_model::{Npi, Phone, Provider, RecordStatus};
use canvass_nppes::sample::files::{FullSettings, providers};

use crate::{
    all, archives, both::now, both_engines, count, full_set, import, load, opened::Opened,
    week_after,
};

const ROWS: u64 = 1_200;

both_engines! {
    async fn a_full_set_is_there_whole_and_the_same_again_is_nothing(db: Database) {
        let app = Opened::on(&db).await;
        let (folder, report) = full_set(app.catalogue(), ROWS);
        let done = load(&app, archives(folder.path())).await;
        let [full, deactivations] = done.as_slice() else { panic!("{done:?}") };
        assert_eq!((full.rows, full.created, full.set_aside), (ROWS, ROWS, 0));
        assert_eq!(deactivations.rows, report.deactivated);
        assert_eq!(deactivations.unchanged, report.deactivated);
        assert_eq!(count(&app, &[]).await, report.active);
        assert_eq!(count(&app, &[("status", "deactivated")]).await, report.deactivated);

        // What the files say is what was generated; names in side files are of mixed case.
        let stored = all(&app).await;
        let wanted: BTreeMap<Npi, Provider> =
            providers(FullSettings { rows: ROWS, seed: 1 }, app.catalogue()).map(|p| (p.npi, p)).collect();
        assert_eq!(stored.len(), wanted.len());
        for p in &stored {
            let w = &wanted[&p.npi];
            assert_eq!((&p.name, &p.organization_name, &p.taxonomies), (&w.name, &w.organization_name, &w.taxonomies));
            assert_eq!((&p.practice, &p.mailing, &p.identifiers), (&w.practice, &w.mailing, &w.identifiers));
            assert_eq!(p.secondary.len(), w.secondary.len());
        }

        for again in load(&app, archives(folder.path())).await {
            assert_eq!(again.already_imported, Some(now()), "{again:?}");
        }
        let forced = ImportOptions { force: true, ..ImportOptions::default() };
        let again = import(&app, archives(folder.path()), &forced).await.unwrap();
        assert_eq!((again[0].unchanged, again[0].created), (ROWS, 0));
        assert_eq!(all(&app).await, stored);
    }

    async fn a_week_changes_exactly_what_it_says(db: Database) {
        let app = Opened::on(&db).await;
        let (folder, _) = full_set(app.catalogue(), ROWS);
        load(&app, archives(folder.path())).await;
        let before: BTreeMap<Npi, Provider> = all(&app).await.into_iter().map(|p| (p.npi, p)).collect();
        let (week, report) = week_after(app.catalogue(), folder.path(), 300);
        app.pass(60);
        let tried = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let would = import(&app, archives(week.path()), &tried).await.unwrap();
        assert_eq!((would[0].created, would[0].unchanged), (report.created, report.unchanged));
        assert_eq!(all(&app).await.len(), before.len());

        let done = load(&app, archives(week.path())).await;
        let done = &done[0];
        assert_eq!(
            (done.rows, done.created, done.updated, done.unchanged, done.deactivated, done.reactivated),
            (report.rows, report.created, report.updated, report.unchanged, report.deactivated, report.reactivated)
        );
        assert_eq!(done.fields, report.fields);
        assert_eq!(done.reactivated_fields, report.reactivated_fields);

        // Who went out of service is still known by name, and found as such.
        let gone: Vec<Provider> = all(&app).await.into_iter()
            .filter(|p| p.status == RecordStatus::Deactivated && before[&p.npi].status == RecordStatus::Active)
            .collect();
        assert_eq!(gone.len() as u64, report.deactivated);
        for p in &gone {
            assert_eq!(p.display_name(), before[&p.npi].display_name());
            let view = app.provider(p.npi).await.unwrap().unwrap();
            assert!(view.changes.iter().any(|c| c.kind == canvass_model::ChangeKind::Deactivated));
        }
        // The same by building all anew: the search finds the same.
        assert_eq!(count(&app, &[("status", "any")]).await, ROWS + report.created);
    }

    async fn what_is_older_than_what_is_known_needs_force(db: Database) {
        let app = Opened::on(&db).await;
        let (folder, _) = full_set(app.catalogue(), 300);
        let (first, _) = week_after(app.catalogue(), folder.path(), 40);
        let (second, _) = week_after(app.catalogue(), &archives(first.path())[0], 40);
        load(&app, archives(folder.path())).await;
        load(&app, archives(second.path())).await;
        let after = all(&app).await;
        let refused = import(&app, archives(first.path()), &ImportOptions::default()).await;
        assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("2026-11-08")), "{refused:?}");
        assert_eq!(all(&app).await, after);
        let forced = ImportOptions { force: true, ..ImportOptions::default() };
        assert!(import(&app, archives(first.path()), &forced).await.unwrap()[0].rows > 0);
    }

    async fn whoever_is_missing_from_a_full_set_is_no_longer_published_and_stays_a_lead(db: Database) {
        let app = Opened::on(&db).await;
        let (larger, _) = full_set(app.catalogue(), 400);
        let (smaller, _) = full_set(app.catalogue(), 300);
        load(&app, archives(larger.path())).await;
        let everybody = canvass_store::SaveAll::Filter(crate::found_by(&[]));
        let saved = app.store().save_all(&everybody, None, now(), None).await.unwrap();
        app.pass(60);
        let refused = import(&app, archives(smaller.path()), &ImportOptions::default()).await;
        let Err(canvass_app::Error::Conflict(why)) = refused else { panic!("{refused:?}") };
        assert!(why.contains("active providers are not in this file, more than 5 %"), "{why}");
        assert_eq!(count(&app, &[("status", "unpublished")]).await, 0);
        let forced = ImportOptions { force: true, ..ImportOptions::default() };
        let done = import(&app, archives(smaller.path()), &forced).await.unwrap();
        assert_eq!((done[0].created, done[0].unchanged, done[0].updated), (0, 300, 0));
        let missing = done[0].unpublished;
        assert!(missing > 90, "{missing}");
        assert_eq!(count(&app, &[("status", "unpublished")]).await, missing);
        assert_eq!(count(&app, &[("status", "any")]).await, 400);
        assert_eq!(count(&app, &[("status", "any"), ("lead", "yes")]).await, saved.created);
        app.pass(60);
        let by = Some(app.user("lee", canvass_model::Role::Manager).await.id);
        let forced = ImportOptions { force: true, by, ..ImportOptions::default() };
        let back = import(&app, archives(larger.path()), &forced).await.unwrap();
        assert_eq!((back[0].unpublished, back[0].updated), (0, missing));
        assert_eq!(count(&app, &[("status", "unpublished")]).await, 0);
    }

    async fn what_is_written_while_all_is_built_anew_is_not_lost(db: Database) {
        let app = Opened::on(&db).await;
        let known: Vec<Provider> = crate::opened::people(0..30);
        app.leads_of(&known).await;
        let import = canvass_store::NewImport { fingerprint: b"x", what: "a test", full: true, known_until: None, by: None };
        let turn = app.store().begin_import(&import, now()).await.unwrap().unwrap();
        assert!(app.store().begin_import(&import, now()).await.unwrap().is_none(), "one at a time");
        let mut new = app.store().replace_providers(canvass_model::Door::whole(canvass_model::Source::FullFile, None), false, now()).await.unwrap();
        // The file has the first twenty as they were; meanwhile the registry says otherwise of one
        // of them, and has one more.
        let again = new.add(known[..20].iter().map(canvass_store::Prepared::new).collect()).await.unwrap();
        assert!(again.is_empty());
        let mut moved = known[3].clone();
        moved.practice.get_or_insert_default().phone = Phone::parse("5595550177");
        let more = crate::opened::people(40..41).remove(0);
        app.store().write_providers(&[moved.clone(), more.clone()], now()).await.unwrap();
        assert_eq!(count(&app, &[("status", "any")]).await, 31, "the old data, until all is done");
        new.end_rows().await.unwrap();
        new.unpublish_missing().await.unwrap();
        new.publish(&turn.id, |_| "{}".into()).await.unwrap();
        assert_eq!(count(&app, &[("status", "any")]).await, 31);
        assert_eq!(count(&app, &[("status", "unpublished")]).await, 10);
        assert_eq!(app.provider(moved.npi).await.unwrap().unwrap().provider, moved);
        assert_eq!(app.provider(more.npi).await.unwrap().unwrap().provider, more);
        assert_eq!(count(&app, &[("q", "559-555-0177")]).await, 1);
    }
}
