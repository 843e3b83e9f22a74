//! Whether anything was committed since one last looked.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use crate::{Backend, Error, Store};

/// Tells whether the database is the same as when it was last asked, whoever writes to it and from
/// whichever process. For keeping what was read while it is still true.
pub struct ChangeWatch(Watch);

enum Watch {
    /// A connection of its own: what SQLite tells of changes, it tells of those by others.
    Sqlite(Arc<Mutex<Connection>>),
    Postgres(Store),
}

impl Store {
    /// A watch on this database.
    ///
    /// # Errors
    /// When a connection can't be opened.
    pub fn change_watch(&self) -> Result<ChangeWatch, Error> {
        let watch = match &self.backend {
            Backend::Sqlite(sqlite) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(sqlite.path(), flags)?;
                connection.busy_timeout(std::time::Duration::from_mins(1))?;
                connection.execute_batch("PRAGMA query_only=ON")?;
                Watch::Sqlite(Arc::new(Mutex::new(connection)))
            }
            Backend::Postgres(_) => Watch::Postgres(self.clone()),
        };
        Ok(ChangeWatch(watch))
    }
}

impl ChangeWatch {
    /// A text that is another one after each commit by anybody. What was read after one was given
    /// is still what the database holds while the same one is given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version(&self) -> Result<String, Error> {
        match &self.0 {
            Watch::Sqlite(connection) => {
                let connection = connection.clone();
                let version = tokio::task::spawn_blocking(move || {
                    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                    connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0))
                })
                .await
                .map_err(|e| Error::Statement(Box::new(e)))??;
                Ok(version.to_string())
            }
            // Which transactions are seen; the same ones, the same data.
            Watch::Postgres(store) => {
                let row = store
                    .first("SELECT CAST(pg_current_snapshot() AS TEXT)", vec![])
                    .await?;
                row.map_or_else(|| Err(Error::corrupt("no snapshot")), |row| row.text(0))
            }
        }
    }
}
