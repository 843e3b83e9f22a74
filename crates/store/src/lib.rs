//! The database of canvass: one interface, two engines.
//!
//! Each query is written once, with `$1..$n` numbered in the order of their first use, and runs on
//! SQLite and PostgreSQL alike; what differs stands in the module `backend` and in the few places that ask
//! for the [`Engine`]. Nothing here knows HTTP or the registry's JSON.

mod backend;
mod check;
mod compat;
mod error;
mod fold;
mod id;
mod idempotency;
mod import;
mod index;
mod leads;
mod lock;
mod migrate;
mod pace;
mod providers;
mod record;
mod saved;
mod search;
mod sync;
mod users;
mod value;
mod varint;

use std::path::PathBuf;

use jiff::Timestamp;

pub use backend::Engine;
#[cfg(feature = "faults")]
pub use backend::fault::Failing;
pub use check::Damage;
pub use compat::{
    AddressPurpose, ChangeWatch, NameKey, PersonQuery, PlaceQuery, PostalKey, RegistryQuery,
};
pub use error::Error;
pub use fold::{fold, sort_key};
pub use id::new_id;
pub use idempotency::Idempotency;
pub use import::{
    Delta, DoubleOutcome, Edit, ImportRun, ImportState, ImportTurn, MAX_DOUBLES, Missing,
    NewImport, Prepared, Replaced, Replacement, RowSetAside,
};
pub use leads::{
    BulkLeads, BulkPatch, BulkReceipt, Edited, EditedLead, ImportOutcome, LeadEdit, LeadRow,
    NewActivity, SaveAll,
};
pub use pace::{Pace, PaceLimits, PaceState, Permit};
pub use providers::{ChangeCounts, Outcome, StoredProvider, WriteSummary};
pub use saved::{NewSearch, SavedSearch, Saving};
pub use search::Whole;
pub use sync::{
    LeasedPartition, NewPartition, NewSpecialty, OpenLeftOut, PageWrite, PartitionEnd, RunState,
    SetAsideRecord,
};
pub use users::{AccessEdit, Attempt, LoginKey, NewUser, SetUp, TokenInfo, User, name_key};

use backend::{Durability, Sql, Tx, postgres::Postgres, sqlite::Sqlite};
use value::{Row, Value};

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    index: std::sync::Arc<index::Index>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Store {
    /// Opens the database at `sqlite:PATH` or `postgres://...` and brings it to the newest schema.
    ///
    /// # Errors
    /// When the address can't be understood, the database can't be reached, or it was written by
    /// a newer canvass.
    pub async fn open(url: &str, now: Timestamp) -> Result<Self, Error> {
        let backend = match url.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {
                let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
                let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path))
                    .await
                    .map_err(|e| Error::Statement(Box::new(e)))??;
                Backend::Sqlite(opened)
            }
            Some(("postgres" | "postgresql", _)) => {
                Backend::Postgres(Box::new(Postgres::open(url)?))
            }
            // The rest of the address may hold a password.
            _ => {
                let scheme: String = url.chars().take_while(|c| *c != ':').take(40).collect();
                return Err(Error::Address(scheme));
            }
        };
        let store = Self {
            backend,
            index: std::sync::Arc::new(index::Index::new()),
        };
        migrate::run(&store, now).await?;
        store.renew_terms().await?;
        Ok(store)
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        match self.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// The database for people to read: the path of the file, or server and name without password.
    pub fn describe(&self) -> String {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.path().display().to_string(),
            Backend::Postgres(postgres) => {
                let config = postgres.config();
                let host = match config.get_hosts().first() {
                    Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
                    _ => "local socket".to_owned(),
                };
                format!(
                    "PostgreSQL {} on {host}",
                    config.get_dbname().unwrap_or("(default)")
                )
            }
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.query("SELECT 1", vec![]).await.map(drop)
    }

    fn index(&self) -> &index::Index {
        &self.index
    }

    async fn query(&self, sql: impl Into<Sql>, params: Vec<Value>) -> Result<Vec<Row>, Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.query(sql.into(), params).await,
            Backend::Postgres(postgres) => postgres.query(&sql.into(), &params).await,
        }
    }

    async fn first(&self, sql: impl Into<Sql>, params: Vec<Value>) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    async fn begin(&self, durability: Durability) -> Result<Tx, Error> {
        Ok(match &self.backend {
            Backend::Sqlite(sqlite) => Tx::Sqlite(sqlite.begin(durability).await?),
            Backend::Postgres(postgres) => {
                Tx::Postgres(Box::new(postgres.begin(durability).await?))
            }
        })
    }
}
