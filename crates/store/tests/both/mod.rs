//! Each test of the store runs on both engines, from one text.
//!
//! ```ignore
//! both_engines! {
//!     async fn a_rule(db: Database) { db.ping().await.unwrap(); }
//! }
//! ```

use std::ops::Deref;

use canvass_store::Store;
use jiff::Timestamp;

/// The time at which databases of tests are made.
pub fn now() -> Timestamp {
    "2026-11-24T15:00:00.123456Z".parse().unwrap()
}

/// An empty database of one engine, for one test.
pub struct Database {
    /// The store.
    pub store: Store,
    /// Its address, for a second store on the same database.
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    /// A file of its own.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("canvass.db").display());
        Self {
            store: Store::open(&url, now()).await.unwrap(),
            url,
            _folder: Some(folder),
        }
    }

    /// A database of its own on a throwaway server.
    pub async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(canvass_testkit::postgres_url)
            .await
            .unwrap();
        Self {
            store: Store::open(&url, now()).await.unwrap(),
            url,
            _folder: None,
        }
    }
}

impl Deref for Database {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was on {}", self.url);
        }
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
                super::$name($crate::both::Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::both::Database::postgres().await).await;
            }
        }
    )+};
}
