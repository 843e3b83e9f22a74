//! What ends a command other than well.

use std::{error::Error as StdError, io, process::ExitCode};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command was called in a way that can't be understood.
    #[error("{0}")]
    Usage(String),
    /// canvass could not do it.
    #[error(transparent)]
    App(#[from] canvass_app::Error),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Whether the reader of our output went away, which is no failure of ours.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        let (Self::Io(io) | Self::App(canvass_app::Error::Io(io))) = self else {
            return false;
        };
        io.kind() == io::ErrorKind::BrokenPipe
    }

    /// The error and its causes, each once.
    pub(crate) fn describe(&self) -> String {
        if let Self::App(canvass_app::Error::Store(canvass_store::Error::Address(address))) = self {
            // After the first colon there may be a password.
            let kind = address.split(':').next().unwrap_or_default();
            return format!(
                "--database {kind}...: no address of a database; write sqlite:PATH or postgres://USER@HOST/NAME"
            );
        }
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = error.source();
        }
        text
    }

    /// 2 for what the caller can mend by calling differently, 1 otherwise.
    pub(crate) fn exit_code(&self) -> ExitCode {
        use canvass_app::Error;
        match self {
            Self::Usage(_)
            | Self::App(
                Error::Invalid(_)
                | Error::NotFound(_)
                | Error::Nucc(_)
                | Error::Store(canvass_store::Error::Address(_)),
            ) => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }
}

impl From<canvass_store::Error> for Failure {
    fn from(error: canvass_store::Error) -> Self {
        Self::App(error.into())
    }
}

impl From<canvass_model::FilterError> for Failure {
    fn from(error: canvass_model::FilterError) -> Self {
        Self::Usage(format!(
            "--{}: {}",
            error.field.replace('_', "-"),
            error.problem
        ))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(kind) => Self::Io(kind.into()),
            None => Self::Other(error.to_string()),
        }
    }
}
