use std::error::Error as StdError;

/// Why the database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the database can't be understood.
    #[error("{0:?} is no database address; write sqlite:PATH or postgres://USER@HOST/NAME")]
    Address(String),
    /// The database can't be opened or reached.
    #[error("the database can't be opened ({what})")]
    Open {
        /// Which.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The database was written by a newer canvass.
    #[error(
        "this database has schema version {found}, newer than the {known} that this canvass knows; run the newer canvass, or restore a backup"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version that this binary knows.
        known: i64,
    },
    /// A migration of the database was not the one that this canvass has.
    #[error(
        "migration {version} of this database is not the one that this canvass has; run the canvass that made it, or restore a backup"
    )]
    Altered {
        /// Which.
        version: i64,
    },
    /// The database could not be copied before it was to be migrated, and is as it was.
    #[error(
        "the database could not be backed up to {path} before its migration; nothing was changed"
    )]
    Backup {
        /// Where to.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A statement failed.
    #[error("the database refused a statement")]
    Statement(#[source] Box<dyn StdError + Send + Sync>),
    /// Somebody else changed the same rows at the same moment; the same again may succeed.
    #[error("somebody else changed the same data at the same moment")]
    Conflict,
    /// The same idempotency key came with another request before.
    #[error("this idempotency key was used before with another request")]
    KeyReused,
    /// A cursor of another list.
    #[error("this is no cursor of this list")]
    Cursor,
    /// A row has not the shape that canvass writes.
    #[error("the database holds what canvass did not write: {0}")]
    Corrupt(String),
    /// The search index was rebuilt while it was read; reading it anew succeeds.
    #[error("the search index was rebuilt meanwhile; please try again")]
    IndexMoved,
    /// Somebody holds a lock that this needs.
    #[error("somebody else works with the same data for long; try again later")]
    Busy,
    /// A query of the registry-compatible endpoint that too many providers nearly meet.
    #[error("too many providers nearly meet this query; add criteria")]
    TooBroad,
    /// A file has too many rows with the NPI of an earlier row.
    #[error(
        "more than {} rows of the file have the NPI of an earlier row; this is no file of the registry",
        crate::MAX_DOUBLES
    )]
    TooManyDoubles,
    /// A file that the search index is built with could not be written.
    #[error("the search index could not be built")]
    Build(#[from] std::io::Error),
    /// This worker no longer holds what it is working on.
    #[error("another worker has taken over this work")]
    LeaseLost,
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    /// Whether others who write at the same moment were in the way. Nothing was changed, and the
    /// same again may succeed.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Conflict | Self::IndexMoved | Self::Busy)
    }

    /// Whether the database refuses what it was given to write, now and whenever it is tried again.
    pub fn is_refusal(&self) -> bool {
        let Self::Statement(source) = self else {
            return false;
        };
        if let Some(error) = source.downcast_ref::<tokio_postgres::Error>() {
            // Data exceptions, broken constraints, limits of the program.
            return error
                .code()
                .is_some_and(|c| ["22", "23", "54"].contains(&&c.code()[..2]));
        }
        let error = source.downcast_ref::<rusqlite::Error>();
        error
            .and_then(rusqlite::Error::sqlite_error_code)
            .is_some_and(|code| {
                use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
                matches!(code, ConstraintViolation | TooBig | TypeMismatch)
            })
    }

    /// Whether the database can't be reached, so that nothing that was asked of it is at fault.
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Open { .. } => true,
            Self::Statement(source) => {
                source
                    .downcast_ref::<tokio_postgres::Error>()
                    .is_some_and(|error| {
                        // Connections, and a server that starts or stops.
                        error
                            .code()
                            .is_none_or(|c| ["08", "57"].contains(&&c.code()[..2]))
                    })
            }
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Conflict
            }
            _ => Self::Statement(Box::new(error)),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        match error.code() {
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {
                Self::Conflict
            }
            Some(&SqlState::LOCK_NOT_AVAILABLE) => Self::Busy,
            _ => Self::Statement(Box::new(error)),
        }
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Open {
            what: "PostgreSQL".into(),
            source: Box::new(error),
        }
    }
}
