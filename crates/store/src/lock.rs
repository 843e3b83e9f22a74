//! Locks that end with their process: of the system on a file beside an embedded database, of the
//! server for as long as a connection lasts. No clock has a part in them.

use crate::{Backend, Error, Store};

/// What one process at a time may do on a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockName {
    /// Make segments of the search index and publish them.
    Index,
}

impl LockName {
    /// What follows the path of an embedded database in the name of its lock file.
    fn suffix(self) -> &'static str {
        match self {
            Self::Index => "-index",
        }
    }

    /// The key of its advisory lock: its name in hexadecimal.
    fn key(self) -> i64 {
        match self {
            Self::Index => 0x0069_6e64_6578,
        }
    }
}

/// A lock that is held until it is dropped or its process ends.
pub(crate) enum Lock {
    File(std::fs::File),
    Connection(deadpool_postgres::ClientWrapper),
}

impl Store {
    /// Takes a lock; nothing when somebody else has it.
    pub(crate) async fn try_lock(&self, name: LockName) -> Result<Option<Lock>, Error> {
        let lock = self.lock_to_take(name).await?;
        Ok(lock.take(name).await?.then_some(lock))
    }

    /// Takes a lock, unless somebody else has it for longer than a server takes to see that the
    /// connection of the one before is gone.
    pub(crate) async fn lock_unless_busy(&self, name: LockName) -> Result<Option<Lock>, Error> {
        let lock = self.lock_to_take(name).await?;
        for _ in 0..MAX_TRIES {
            if lock.take(name).await? {
                return Ok(Some(lock));
            }
            tokio::time::sleep(RETRY).await;
        }
        Ok(None)
    }

    /// Takes a lock as soon as nobody else has it.
    pub(crate) async fn lock(&self, name: LockName) -> Result<Lock, Error> {
        let lock = self.lock_to_take(name).await?;
        while !lock.take(name).await? {
            tokio::time::sleep(RETRY).await;
        }
        Ok(lock)
    }

    /// What a lock is taken with: one file or connection, however often it is tried.
    async fn lock_to_take(&self, name: LockName) -> Result<Lock, Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => {
                let mut path = sqlite.path().as_os_str().to_owned();
                path.push(name.suffix());
                Ok(Lock::File(std::fs::File::create(path)?))
            }
            Backend::Postgres(postgres) => Ok(Lock::Connection(postgres.lone_client().await?)),
        }
    }
}

impl Lock {
    async fn take(&self, name: LockName) -> Result<bool, Error> {
        match self {
            Self::File(file) => match file.try_lock() {
                Ok(()) => Ok(true),
                Err(std::fs::TryLockError::WouldBlock) => Ok(false),
                Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
            },
            Self::Connection(client) => {
                let row = client
                    .query_one("SELECT pg_try_advisory_lock($1)", &[&name.key()])
                    .await?;
                Ok(row.try_get(0)?)
            }
        }
    }
}

/// How long a lock that somebody has is left alone.
const RETRY: std::time::Duration = std::time::Duration::from_millis(100);
/// How often a lock is tried that need not be had.
const MAX_TRIES: u32 = 30;
