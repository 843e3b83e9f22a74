//! Records and pages that a database does not take.

use canvass_model::{JobState, SpecialtyState};
use canvass_testkit::{FaultyRegistry, registry::npi};

use crate::{
    both_engines,
    world::{found, hurried, internists, internists_of_california, knowing, npis, sync},
};

both_engines! {
    async fn a_record_with_a_nul_is_set_aside_with_its_reason(db: Database) {
        let mut records = internists_of_california(0..20);
        records[7]["number"] = "12345\u{0}678".into();
        let registry = FaultyRegistry::start(&records, knowing());
        let app = db.open(hurried(&registry)).await;
        let run = sync(&app, internists()).await;
        assert!(run.complete, "{run:?}");
        assert_eq!((run.counts.found, run.counts.set_aside), (19, 1), "{run:?}");
        let aside = app.store().set_asides(&run.id, 10).await.unwrap();
        assert_eq!(aside[0].npi.as_deref(), Some("12345678"), "{aside:?}");
        assert!(aside[0].reason.contains("ten digits"), "{aside:?}");
    }

    async fn what_the_database_refuses_is_set_aside_and_the_others_are_written(db: Database) {
        let records = internists_of_california(0..450);
        let registry = FaultyRegistry::start(&records, knowing());
        let app = db.open(hurried(&registry)).await;
        let refused = npi(77);
        db.tamper(&if db.is_sqlite() {
            format!("CREATE TRIGGER refuse BEFORE INSERT ON providers WHEN NEW.npi = {refused}
                     BEGIN SELECT RAISE(ABORT, 'not this one'); END")
        } else {
            format!("ALTER TABLE providers ADD CONSTRAINT not_this_one CHECK (npi <> {refused})")
        }).await;
        let run = sync(&app, internists()).await;
        let mut expected = npis(&records);
        expected.remove(&refused);
        assert_eq!(found(&app, &run.id).await, expected, "{run:?}");
        assert_eq!((run.state, run.counts.set_aside), (JobState::Finished, 1), "{run:?}");
        let aside = app.store().set_asides(&run.id, 10).await.unwrap();
        assert_eq!(aside[0].npi.as_deref(), Some(refused.to_string().as_str()));
        assert!(aside[0].reason.contains("not"), "{aside:?}");
        assert_eq!(run.counts.requests, registry.requests().len() as u64, "{run:?}");
    }

    async fn a_page_that_can_never_be_written_fails_after_bounded_tries(db: Database) {
        let registry = FaultyRegistry::start(&internists_of_california(0..450), knowing());
        let app = db.open(hurried(&registry)).await;
        db.tamper("ALTER TABLE sync_results RENAME TO elsewhere").await;
        let run = sync(&app, internists()).await;
        assert_eq!((run.state, run.complete), (JobState::Finished, false), "{run:?}");
        assert_eq!(run.specialties[0].state, SpecialtyState::Incomplete);
        assert!(run.coverage.failed[0].reason.contains("stored"), "{run:?}");
        assert!(registry.requests().len() < 40, "{}", registry.requests().len());
    }
}
