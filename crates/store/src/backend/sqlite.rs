//! The embedded engine: one writing connection, several reading ones, write-ahead log.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter, types::ValueRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Durability, Sql, fault::Faults};
use crate::{
    Error,
    value::{Row, Value},
};

const READERS: usize = 4;
/// For how long opening is tried again while others that have just started open the same new file.
const OPENING: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Arc<Mutex<Connection>>,
    /// One permit: who holds it may use the writer.
    turn: Arc<Semaphore>,
    readers: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
    faults: Faults,
}

/// A connection can only be poisoned by a panic between two statements; SQLite itself keeps it
/// consistent, so going on is safe.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::Statement(Box::new(e)))
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            what: path.display().to_string(),
            source,
        };
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| failed(Box::new(e)))?;
        }
        let writer = first_connection(path).map_err(|e| failed(Box::new(e)))?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                writer: Arc::new(Mutex::new(writer)),
                turn: Arc::new(Semaphore::new(1)),
                readers: Mutex::new(Vec::new()),
                places: Arc::new(Semaphore::new(READERS)),
                faults: Faults::default(),
            }),
        })
    }

    #[cfg(feature = "faults")]
    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Copies what is committed into a file beside the database, over none that is there, and says
    /// which. `version` is the one that the database is about to become.
    pub(crate) async fn back_up(
        &self,
        version: i64,
        now: jiff::Timestamp,
    ) -> Result<PathBuf, Error> {
        let path = self.inner.path.clone();
        blocking(move || {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(
                ".before-v{version}-{}",
                now.strftime("%Y%m%dT%H%M%SZ")
            ));
            let backup = free(&name);
            copy(&path, &backup).map_err(|source| Error::Backup {
                path: backup.display().to_string(),
                source,
            })?;
            Ok(backup)
        })
        .await?
    }

    pub(crate) async fn query(&self, sql: Sql, params: Vec<Value>) -> Result<Vec<Row>, Error> {
        let place = self
            .inner
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(closed)?;
        let inner = self.inner.clone();
        let fate = inner.faults.next()?;
        blocking(move || {
            let idle = lock(&inner.readers).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => connect(&inner.path, true)?,
            };
            let rows = query(&connection, &sql, &params);
            lock(&inner.readers).push(connection);
            drop(place);
            fate.of(rows)
        })
        .await?
    }

    pub(crate) async fn begin(&self, durability: Durability) -> Result<Tx, Error> {
        let turn = self
            .inner
            .turn
            .clone()
            .acquire_owned()
            .await
            .map_err(closed)?;
        let tx = Tx {
            writer: self.inner.writer.clone(),
            lives: Arc::new(AtomicBool::new(true)),
            faults: self.inner.faults.clone(),
            turn: Some(turn),
        };
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        let faults = tx.faults.clone();
        tx.under_lock(move |connection| {
            // What a transaction left open that could not be rolled back is none of this one's.
            roll_back(connection);
            let begin = format!("PRAGMA synchronous={synchronous}; BEGIN IMMEDIATE");
            let fate = faults.next()?;
            fate.of(connection.execute_batch(&begin).map_err(Error::from))
        })
        .await?;
        Ok(tx)
    }
}

fn closed(error: tokio::sync::AcquireError) -> Error {
    Error::Statement(Box::new(error))
}

/// A path of this name, or with a number behind it, at which there is nothing.
fn free(name: &OsStr) -> PathBuf {
    let mut path = PathBuf::from(name);
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        number += 1;
        let mut next = name.to_owned();
        next.push(format!("-{number}"));
        path = PathBuf::from(next);
    }
    path
}

/// Copies a database; what has its name in the end is whole and on the disk.
fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = free(&part);
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(OPENING)?;
    let copied = source
        .execute("VACUUM INTO ?1", [part.to_string_lossy()])
        .map_err(Box::from)
        .and_then(|_| {
            std::fs::File::open(&part)?.sync_all()?;
            Ok(std::fs::rename(&part, to)?)
        });
    if copied.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    copied
}

/// The first connection of this process: of several that open a new file, each wants it for itself
/// to set its mode, and SQLite does not wait for that.
fn first_connection(path: &Path) -> Result<Connection, rusqlite::Error> {
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match connect(path, false) {
            Err(error)
                if waited < OPENING
                    && matches!(
                        error.sqlite_error_code(),
                        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                    ) =>
            {
                std::thread::sleep(pause);
                waited += pause;
            }
            connected => return connected,
        }
    }
}

fn connect(path: &Path, reader: bool) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Another process may hold the write lock for the length of a bulk write.
    connection.busy_timeout(Duration::from_mins(1))?;
    connection.execute_batch(
        "PRAGMA page_size=8192;
         PRAGMA journal_mode=WAL;
         PRAGMA foreign_keys=ON;
         PRAGMA cache_size=-32000;
         PRAGMA wal_autocheckpoint=8000;
         PRAGMA analysis_limit=1000;",
    )?;
    // Of ten million providers the pages that lead to the others are 4 MB, and stay in memory. Half as
    // large they would be four times as many, and each row a look for two.
    // The log is moved into the file every 32 MB: less often would make it long, more often would
    // wait for the disk all the time while much is written.
    // What leads to others has room here, and stays; the rest is for the system to keep.
    if reader {
        connection.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-16000")?;
    }
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

fn query(connection: &Connection, sql: &Sql, params: &[Value]) -> Result<Vec<Row>, Error> {
    let mut statement = connection.prepare_cached(&sql.text)?;
    let width = statement.column_count();
    let mut rows = statement.query(params_from_iter(params))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = (0..width)
            .map(|i| Ok(from_sqlite(row.get_ref(i)?)))
            .collect::<Result<_, rusqlite::Error>>()?;
        all.push(Row(columns));
    }
    Ok(all)
}

fn from_sqlite(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Real(v) => Value::Real(v),
        ValueRef::Text(v) => Value::Text(String::from_utf8_lossy(v).into_owned()),
        ValueRef::Blob(v) => Value::Bytes(v.to_vec()),
    }
}

/// A write transaction on the one writing connection.
///
/// Each statement is a task of the blocking pool, which runs those of a caller that went away also
/// after the roll-back: so each looks, under the lock of the connection, whether its transaction
/// still lives.
pub(crate) struct Tx {
    writer: Arc<Mutex<Connection>>,
    /// Cleared before the roll-back is queued; only looked at under the lock of the connection.
    lives: Arc<AtomicBool>,
    faults: Faults,
    turn: Option<OwnedSemaphorePermit>,
}

impl Tx {
    /// Runs `work` on the connection, unless this transaction has come to its end.
    async fn under_lock<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let writer = self.writer.clone();
        let lives = self.lives.clone();
        blocking(move || {
            let connection = lock(&writer);
            if lives.load(Ordering::Acquire) {
                work(&connection)
            } else {
                Err(over())
            }
        })
        .await?
    }

    /// As [`Tx::under_lock`], within the transaction. It ends with the first statement that fails,
    /// as on the server: some failures, a full disk for one, make SQLite roll back by itself, and
    /// what came after would stand alone.
    async fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let faults = self.faults.clone();
        self.under_lock(move |connection| {
            if connection.is_autocommit() {
                return Err(over());
            }
            let done = faults.next().and_then(|fate| fate.of(work(connection)));
            if done.is_err() {
                roll_back(connection);
            }
            done
        })
        .await
    }

    pub(crate) async fn query(&mut self, sql: Sql, params: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.within(move |connection| query(connection, &sql, &params))
            .await
    }

    pub(crate) async fn execute(&mut self, sql: Sql, params: Vec<Value>) -> Result<u64, Error> {
        self.within(move |connection| {
            let touched = connection
                .prepare_cached(&sql.text)?
                .execute(params_from_iter(&params))?;
            Ok(touched as u64)
        })
        .await
    }

    /// Runs a statement once for each row of parameters.
    pub(crate) async fn execute_each(
        &mut self,
        sql: Sql,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), Error> {
        self.within(move |connection| {
            let mut statement = connection.prepare_cached(&sql.text)?;
            for row in &rows {
                statement.execute(params_from_iter(row))?;
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn script(&mut self, sql: String) -> Result<(), Error> {
        self.within(move |connection| Ok(connection.execute_batch(&sql)?))
            .await
    }

    /// Gives the turn back with the transaction open.
    #[cfg(test)]
    pub(crate) fn forget(mut self) {
        self.turn = None;
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        let lives = self.lives.clone();
        self.within(move |connection| {
            connection.execute_batch("COMMIT")?;
            lives.store(false, Ordering::Release);
            Ok(())
        })
        .await?;
        self.turn = None;
        Ok(())
    }
}

fn over() -> Error {
    Error::Statement("the transaction has ended before this statement".into())
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

/// Rolls back where it is dropped, also when a runtime that ends drops its tasks unrun.
struct RollBack {
    writer: Arc<Mutex<Connection>>,
    _turn: OwnedSemaphorePermit,
}

impl Drop for RollBack {
    fn drop(&mut self) {
        roll_back(&lock(&self.writer));
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        // A statement of this transaction may still be running, if its caller went away, and the
        // roll-back waits for it; or it may yet have to begin, and does nothing.
        self.lives.store(false, Ordering::Release);
        let roll_back = RollBack {
            writer: self.writer.clone(),
            _turn: turn,
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(roll_back))),
            Err(_) => drop(roll_back),
        }
    }
}
