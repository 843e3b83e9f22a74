//! What was imported, and what is.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    Backend, Error, Store,
    backend::{Durability, Tx},
    id::new_id,
    value::{Row, params},
};

/// For how long an import is shown as running without a sign of life.
pub(super) const ALIVE: SignedDuration = SignedDuration::from_secs(60);

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// Its files are fetched, or it waits for another.
    Fetching,
    /// Reading, or about to.
    Running,
    /// All of it is in the database.
    Done,
    /// Nothing of it is in the database, for a reason.
    Failed,
    /// Nothing of it is in the database, because somebody stopped it.
    Cancelled,
}

impl ImportState {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Fetching,
            Self::Running,
            Self::Done,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }

    /// Whether it is at its end.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Fetching | Self::Running)
    }
}

/// An import that has begun. While this is held no other can begin, in whatever process; when its
/// process dies, another can at once.
pub struct ImportTurn {
    /// Identifier of the import.
    pub id: String,
    lock: Lock,
}

impl ImportTurn {
    /// Whether the turn is still held: the connection that holds it may be lost.
    pub async fn is_held(&self) -> bool {
        match &self.lock {
            Lock::File { .. } => true,
            Lock::Connection { client } => client.batch_execute("SELECT 1").await.is_ok(),
        }
    }
}

enum Lock {
    /// Of the system, on a file beside the database.
    File { _file: std::fs::File },
    /// Of the server, for as long as the connection lasts.
    Connection {
        client: deadpool_postgres::ClientWrapper,
    },
}

/// How often the lock is tried, every 50 ms.
const GONE_AFTER: u32 = 60;

/// Key of the advisory lock of the one import.
const IMPORT: i64 = 0x696d_706f_7274;

/// An import that is about to begin.
#[derive(Clone, Debug)]
pub struct NewImport<'a> {
    /// Hash of the files' content.
    pub fingerprint: &'a [u8],
    /// What the files are, in words.
    pub what: &'a str,
    /// Whether they are the whole registry.
    pub full: bool,
    /// The last day they know of.
    pub known_until: Option<Date>,
    /// Who asked for it.
    pub by: Option<&'a str>,
}

/// One load of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRun {
    /// Identifier.
    pub id: String,
    /// What the files are, in words.
    pub what: String,
    /// Whether they are the whole registry.
    pub full: bool,
    /// The last day they know of.
    pub known_until: Option<Date>,
    /// Where it stands. One that shows no sign of life has failed.
    pub state: ImportState,
    /// What it did so far, as whoever runs it wrote it.
    pub report: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A row of a file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSetAside {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
    /// What stands where the NPI should.
    pub npi: Option<String>,
    /// Why.
    pub reason: String,
    /// The row.
    pub row: String,
}

const BROKEN_OFF: &str = "it was broken off; nothing of it was kept";

const RUN: &str = "id, what, full_file, known_until, state, report, reason, created_at, \
    finished_at, alive_until";

fn read_run(row: &Row, now: Timestamp) -> Result<ImportRun, Error> {
    let state = row.word(4, ImportState::parse)?;
    let gone = !state.is_over() && row.time(9)? < now;
    Ok(ImportRun {
        id: row.text(0)?,
        what: row.text(1)?,
        full: row.bool(2)?,
        known_until: row.text_opt(3)?.and_then(|t| t.parse().ok()),
        state: if gone { ImportState::Failed } else { state },
        report: row.text(5)?,
        reason: if gone {
            Some(BROKEN_OFF.into())
        } else {
            row.text_opt(6)?
        },
        created_at: row.time(7)?,
        finished_at: row.time_opt(8)?,
    })
}

impl Store {
    /// Notes that an import begins; nothing when another is running.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_import(
        &self,
        new: &NewImport<'_>,
        now: Timestamp,
    ) -> Result<Option<ImportTurn>, Error> {
        let Some(lock) = self.import_lock().await? else {
            return Ok(None);
        };
        let mut tx = self.begin(Durability::Full).await?;
        end_broken_off(&mut tx, now).await?;
        let id = new_id(now);
        tx.execute(
            "INSERT INTO imports (id, fingerprint, what, full_file, known_until, state, report,
             created_by, created_at, alive_until)
             VALUES ($1, $2, $3, $4, $5, 'running', '{}', $6, $7, $8)",
            params![
                &id,
                new.fingerprint,
                new.what,
                new.full,
                new.known_until.map(|d| d.to_string()),
                new.by,
                now,
                now + ALIVE
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(Some(ImportTurn { id, lock }))
    }

    /// As [`Store::begin_import`], of one that was announced.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when somebody has stopped it, or when the database fails.
    pub async fn begin_announced(
        &self,
        import: &str,
        new: &NewImport<'_>,
        now: Timestamp,
    ) -> Result<Option<ImportTurn>, Error> {
        let Some(lock) = self.import_lock().await? else {
            return Ok(None);
        };
        let mut tx = self.begin(Durability::Full).await?;
        end_broken_off(&mut tx, now).await?;
        let begun = tx
            .execute(
                "UPDATE imports SET state = 'running', fingerprint = $1, what = $2,
                 full_file = $3, known_until = $4, alive_until = $5
                 WHERE id = $6 AND state = 'fetching'",
                params![
                    new.fingerprint,
                    new.what,
                    new.full,
                    new.known_until.map(|d| d.to_string()),
                    now + ALIVE,
                    import
                ],
            )
            .await?;
        if begun == 0 {
            return Err(Error::LeaseLost);
        }
        tx.commit().await?;
        let id = import.to_owned();
        Ok(Some(ImportTurn { id, lock }))
    }

    async fn import_lock(&self) -> Result<Option<Lock>, Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => {
                let mut path = sqlite.path().as_os_str().to_owned();
                path.push("-import");
                let file = std::fs::File::create(path)?;
                Ok(match file.try_lock() {
                    Ok(()) => Some(Lock::File { _file: file }),
                    Err(std::fs::TryLockError::WouldBlock) => None,
                    Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
                })
            }
            Backend::Postgres(postgres) => {
                let client = postgres.lone_client().await?;
                // The server takes a moment to see that the connection of the last one is gone.
                for _ in 0..GONE_AFTER {
                    let row = client
                        .query_one("SELECT pg_try_advisory_lock($1)", &[&IMPORT])
                        .await?;
                    if row.try_get(0)? {
                        return Ok(Some(Lock::Connection { client }));
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Ok(None)
            }
        }
    }

    /// Shows a sign of life of an import, with what it did so far. False when somebody has
    /// stopped it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_alive(
        &self,
        import: &str,
        report: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let alive = tx
            .execute(
                "UPDATE imports SET alive_until = $1, report = $2
                 WHERE id = $3 AND state IN ('running', 'fetching')",
                params![now + ALIVE, report, import],
            )
            .await?;
        tx.commit().await?;
        Ok(alive > 0)
    }

    /// Ends an import of which nothing is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up_import(
        &self,
        import: &str,
        state: ImportState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let was_running = tx
            .execute(
                "UPDATE imports SET state = $1, reason = $2, finished_at = $3
                 WHERE id = $4 AND state IN ('running', 'fetching')",
                params![state.as_str(), reason, now, import],
            )
            .await?;
        tx.commit().await?;
        Ok(was_running > 0)
    }

    /// Notes when an import that is done ended, and its last report: the transaction that ended it
    /// was begun before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_end_of_import(
        &self,
        import: &str,
        report: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.execute(
            "UPDATE imports SET report = $1, finished_at = $2 WHERE id = $3 AND state = 'done'",
            params![report, now, import],
        )
        .await?;
        tx.commit().await
    }

    /// Keeps rows that an import has set aside, after those that it has already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_rows_aside(&self, import: &str, rows: &[RowSetAside]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin(Durability::Relaxed).await?;
        let first = tx
            .first(
                "SELECT COALESCE(MAX(number) + 1, 0) FROM import_set_asides WHERE import_id = $1",
                params![import],
            )
            .await?
            .ok_or_else(|| Error::corrupt("no number"))?
            .int(0)?;
        tx.insert(
            "INSERT INTO import_set_asides (import_id, number, file, line, npi, reason, row_text)",
            "",
            (first..)
                .zip(rows)
                .map(|(number, row)| {
                    params![
                        import,
                        number,
                        &row.file,
                        i64::try_from(row.line).unwrap_or(i64::MAX),
                        row.npi.clone(),
                        &row.reason,
                        &row.row
                    ]
                })
                .collect(),
        )
        .await?;
        tx.commit().await
    }

    /// Rows that an import has set aside, from this place on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_set_asides(
        &self,
        import: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<RowSetAside>, Error> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let rows = self
            .query(
                "SELECT file, line, npi, reason, row_text FROM import_set_asides
                 WHERE import_id = $1 AND number >= $2 ORDER BY number LIMIT $3",
                params![import, from, limit],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(RowSetAside {
                    file: row.text(0)?,
                    line: row.count(1)?,
                    npi: row.text_opt(2)?,
                    reason: row.text(3)?,
                    row: row.text(4)?,
                })
            })
            .collect()
    }

    /// The imports, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imports(&self, limit: u32, now: Timestamp) -> Result<Vec<ImportRun>, Error> {
        let sql = format!("SELECT {RUN} FROM imports ORDER BY created_at DESC, id DESC LIMIT $1");
        let rows = self.query(crate::Sql::kept(sql), params![limit]).await?;
        rows.iter().map(|row| read_run(row, now)).collect()
    }

    /// One import.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_run(&self, id: &str, now: Timestamp) -> Result<Option<ImportRun>, Error> {
        let sql = format!("SELECT {RUN} FROM imports WHERE id = $1");
        let row = self.first(crate::Sql::kept(sql), params![id]).await?;
        row.map(|row| read_run(&row, now)).transpose()
    }

    /// The import that has loaded files of this content, if one has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imported(
        &self,
        fingerprint: &[u8],
        now: Timestamp,
    ) -> Result<Option<ImportRun>, Error> {
        let sql = format!(
            "SELECT {RUN} FROM imports WHERE fingerprint = $1 AND state = 'done'
             ORDER BY created_at DESC LIMIT 1"
        );
        let row = self
            .first(crate::Sql::kept(sql), params![fingerprint])
            .await?;
        row.map(|row| read_run(&row, now)).transpose()
    }

    /// The last day that any import knew of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imported_until(&self) -> Result<Option<Date>, Error> {
        let row = self
            .first(
                "SELECT MAX(known_until) FROM imports WHERE state = 'done'",
                vec![],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(row.text_opt(0)?.and_then(|text| text.parse().ok()))
    }
}

/// Those that are not at their end, oldest first.
pub(super) async fn open(store: &Store, now: Timestamp) -> Result<Vec<ImportRun>, Error> {
    let sql = format!(
        "SELECT {RUN} FROM imports WHERE state IN ('running', 'fetching') AND alive_until >= $1
         ORDER BY created_at, id"
    );
    let rows = store.query(crate::Sql::kept(sql), params![now]).await?;
    rows.iter().map(|row| read_run(row, now)).collect()
}

/// Whoever ran what is running while nobody holds the lock is gone.
async fn end_broken_off(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE imports SET state = 'failed', finished_at = $1, reason = $2
         WHERE state = 'running'",
        params![now, BROKEN_OFF],
    )
    .await?;
    Ok(())
}

/// Ends an import in the transaction that writes what it brought.
pub(super) async fn end(
    tx: &mut Tx,
    import: &str,
    report: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let running = tx
        .execute(
            "UPDATE imports SET state = 'done', report = $1, finished_at = $2
             WHERE id = $3 AND state = 'running'",
            params![report, now, import],
        )
        .await?;
    // Somebody has stopped it in the last moment, or another has taken its place.
    if running == 0 {
        return Err(Error::LeaseLost);
    }
    Ok(())
}
