//! Each test of the sync runs on both engines, from one text.

use canvass_app::{App, Clock, RegistrySettings, Settings};

/// An empty database of one engine, for one test.
pub struct Database {
    url: String,
    /// An SQLite database stands in it.
    folder: Option<tempfile::TempDir>,
}

impl Database {
    /// A file of its own.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("canvass.db").display());
        Self {
            url,
            folder: Some(folder),
        }
    }

    /// A database of its own on a throwaway server.
    pub async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(canvass_testkit::postgres_url)
            .await
            .unwrap();
        Self { url, folder: None }
    }

    /// Changes what stands in it past the store, as nothing in canvass does.
    pub async fn tamper(&self, sql: &str) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let tampered = rusqlite::Connection::open(path).unwrap().execute_batch(sql);
            return tampered.unwrap();
        }
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }

    /// Whether it is an SQLite database.
    pub fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// What to try on this engine: less on PostgreSQL, where the rule does not depend on the engine
    /// and all of it was tried on SQLite.
    pub fn less<'a, T>(&self, all: &'a [T], on_postgres: &'a [T]) -> &'a [T] {
        match self.folder {
            Some(_) => all,
            None => on_postgres,
        }
    }

    /// canvass on this database, as one more process would open it.
    pub async fn open(&self, registry: RegistrySettings) -> App {
        self.open_with(registry, Clock::system()).await
    }

    /// The same, by another clock.
    pub async fn open_with(&self, registry: RegistrySettings, clock: Clock) -> App {
        let settings = Settings {
            database: self.url.clone(),
            nucc: crate::world::NUCC.into(),
            registry,
            imports: canvass_app::ImportSettings::default(),
        };
        App::open(settings, clock).await.unwrap()
    }
}

/// Makes of each function a test per engine: `a_rule::sqlite` and `a_rule::postgres`.
#[macro_export]
macro_rules! both_engines {
    ($(async fn $name:ident($db:ident: Database) $body:block)+) => {$(
        async fn $name($db: $crate::both::Database) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::both::Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::both::Database::postgres().await).await;
            }
        }
    )+};
}
