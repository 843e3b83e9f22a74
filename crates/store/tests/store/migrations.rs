use canvass_store::{Engine, Error, Store};

use crate::{both::now, both_engines, raw::execute, sample::people};

both_engines! {
    async fn opening_again_changes_nothing(db: Database) {
        people(&db, 0..3).await;
        let again = Store::open(&db.url, now()).await.unwrap();
        assert_eq!(again.count(&canvass_model::ProviderFilter::default()).await.unwrap().count, 3);
    }

    async fn a_database_of_a_newer_canvass_is_refused(db: Database) {
        execute(
            &db.url,
            "INSERT INTO schema_migrations (version, name, applied_at)
             VALUES (9999, 'x', '2026-01-01T00:00:00Z')",
        )
        .await;
        let refused = Store::open(&db.url, now()).await;
        assert!(matches!(refused, Err(Error::Newer { found: 9999, .. })));
    }

    async fn many_that_open_a_database_at_once_all_can(db: Database) {
        execute(&db.url, "DROP TABLE schema_migrations; DROP TABLE activities; DROP TABLE leads").await;
        // The rest of the schema stands in the way of a second first migration: it has to fail
        // for all, and as a whole.
        for _ in 0..2 {
            assert!(matches!(Store::open(&db.url, now()).await, Err(Error::Statement(_))));
        }
        let fresh = match db.engine() {
            Engine::Sqlite => crate::both::Database::sqlite().await,
            Engine::Postgres => crate::both::Database::postgres().await,
        };
        let url = fresh.url.clone();
        let all = (0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url, now()).await.map(drop) })
        });
        for opened in futures_util::future::join_all(all).await {
            opened.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_its_password() {
    let refused = Store::open("mysql://ana:secret@host/x", now()).await;
    let Err(error) = refused else { panic!() };
    assert!(matches!(error, Error::Address(_)));
}
