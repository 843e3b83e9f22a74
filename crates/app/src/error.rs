use canvass_model::{FilterError, LeadRuleError, UnknownSpecialty};

/// A field of a request that can't be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// Why canvass did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request can't be understood; each field says why.
    #[error("{}", .0.iter().map(|f| format!("{}: {}", f.name, f.problem)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Field>),
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A rule forbids it.
    #[error("{0}")]
    Forbidden(String),
    /// Somebody else has edited it since; it has this version now.
    #[error("somebody else has edited this since; it has version {current} now: load it again")]
    Stale {
        /// Its version.
        current: i64,
    },
    /// The same `Idempotency-Key` came with another request before.
    #[error("this Idempotency-Key was used before with another request; use a new key")]
    KeyReused,
    /// It can't be done in the state it is in.
    #[error("{0}")]
    Conflict(String),
    /// Nobody has this name and password; which of both is wrong is not said.
    #[error("the name or the password is wrong")]
    WrongLogin,
    /// Too many failed logins.
    #[error("too many failed logins; try again in {seconds} seconds")]
    Throttled {
        /// How long to wait.
        seconds: u64,
    },
    /// The NUCC catalogue can't be read.
    #[error(transparent)]
    Nucc(#[from] canvass_nppes::nucc::NuccError),
    /// A dissemination file can't be read.
    #[error(transparent)]
    Files(#[from] canvass_nppes::files::FileError),
    /// The database failed.
    #[error(transparent)]
    Store(canvass_store::Error),
    /// A file or a stream can't be read or written.
    #[error("reading or writing failed")]
    Io(#[from] std::io::Error),
    /// A bug.
    #[error("something went wrong inside canvass: {0}")]
    Internal(String),
}

impl Error {
    /// One field that can't be accepted.
    pub fn invalid(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid(vec![Field {
            name: name.into(),
            problem: problem.into(),
        }])
    }
}

impl From<canvass_store::Error> for Error {
    fn from(error: canvass_store::Error) -> Self {
        match error {
            canvass_store::Error::KeyReused => Self::KeyReused,
            canvass_store::Error::Cursor => Self::invalid("cursor", error.to_string()),
            other => Self::Store(other),
        }
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::invalid(error.field, error.problem)
    }
}

impl From<UnknownSpecialty> for Error {
    fn from(error: UnknownSpecialty) -> Self {
        Self::invalid("specialty", error.to_string())
    }
}

impl From<LeadRuleError> for Error {
    fn from(error: LeadRuleError) -> Self {
        Self::Forbidden(error.to_string())
    }
}
