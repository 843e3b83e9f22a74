//! Leads saved at the end of a sync.

use canvass_model::SyncRequest;
use canvass_testkit::FaultyRegistry;

use crate::{
    both_engines,
    world::{hurried, internists, internists_of_california, knowing, sync, work},
};

both_engines! {
    async fn what_was_found_becomes_leads_once(db: Database) {
        let registry = FaultyRegistry::start(&internists_of_california(0..450), knowing());
        let app = db.open(hurried(&registry)).await;
        let request = SyncRequest { save_leads: true, ..internists() };
        let run = sync(&app, request.clone()).await;
        let receipt = run.leads.unwrap();
        assert!(receipt.adds_up(), "{receipt:?}");
        assert_eq!((receipt.requested, receipt.created), (450, 450), "{receipt:?}");

        let again = sync(&app, request).await.leads.unwrap();
        assert!(again.adds_up(), "{again:?}");
        assert_eq!((again.requested, again.created, again.existing), (450, 0, 450), "{again:?}");

        let without = sync(&app, internists()).await;
        assert_eq!(without.leads, None);
    }

    async fn what_a_resumed_sync_finds_becomes_leads_too(db: Database) {
        let fails = |p: &canvass_testkit::registry::Params| p["skip"] == "398";
        let registry = FaultyRegistry::start(
            &internists_of_california(0..500),
            knowing().always_fail(fails),
        );
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, SyncRequest { save_leads: true, ..internists() }).await;
        let first = run.leads.unwrap();
        assert!(!run.complete && first.adds_up() && first.created >= 200, "{run:?}");

        registry.set_settings(knowing());
        app.resume_sync(&run.id).await.unwrap();
        let run = work(&app, &run.id).await;
        assert!(run.complete, "{run:?}");
        let receipt = run.leads.unwrap();
        assert!(receipt.adds_up(), "{receipt:?}");
        // The receipt is of the whole run.
        assert_eq!((receipt.requested, receipt.created, receipt.existing), (500, 500, 0), "{receipt:?}");
    }
}
