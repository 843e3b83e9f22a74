//! What the application refuses, as problems.

use std::error::Error as _;
use std::time::Duration;

use axum::http::StatusCode;
use canvass_app::Error;

use super::{FieldError, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(fields) => Self::invalid(
                fields
                    .into_iter()
                    .map(|f| FieldError::new(f.name, f.problem))
                    .collect(),
            ),
            Error::NotFound(what) => Self::not_found(&format!("such {what}")),
            Error::Forbidden(why) => {
                Self::of_status(StatusCode::FORBIDDEN).detail(sentence(&format!("{why}.")))
            }
            Error::Stale { current } => Self {
                errors: vec![FieldError::new("version", format!("it is {current} now"))],
                ..Self::of_status(StatusCode::PRECONDITION_FAILED)
            }
            .detail(format!(
                "This was changed after you read it, and has version {current} now. Your change \
                 was not saved."
            )),
            Error::KeyReused => Self::invalid(vec![FieldError::new(
                "Idempotency-Key",
                "this key was used before with another request; use a new one",
            )]),
            Error::Conflict(why) => {
                Self::of_status(StatusCode::CONFLICT).detail(sentence(&format!("{why}.")))
            }
            Error::Files(why) => Self::of_status(StatusCode::UNPROCESSABLE_ENTITY)
                .detail(sentence(&format!("{why}."))),
            Error::WrongLogin => Self::of_status(StatusCode::UNAUTHORIZED)
                .detail("The name or the password is wrong."),
            Error::Throttled { seconds } => Self {
                retry_after: Some(Duration::from_secs(seconds)),
                ..Self::of_status(StatusCode::TOO_MANY_REQUESTS)
            }
            .detail(format!(
                "There were too many failed logins. Try again in {seconds} seconds."
            )),
            Error::Store(why) if why.is_passing() => Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::of_status(StatusCode::SERVICE_UNAVAILABLE)
            }
            .detail("Others changed the same data at the same moment. Nothing was changed."),
            Error::Nucc(_) | Error::Store(_) | Error::Io(_) | Error::Internal(_) => {
                Self::internal(&chain(&error))
            }
        }
    }
}

/// An error with its causes, for the log.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use canvass_store::Error::{Busy, Conflict, IndexMoved, LeaseLost};

    use super::*;

    #[test]
    fn what_passes_is_worth_trying_again() {
        for error in [Busy, Conflict, IndexMoved] {
            let problem = Problem::from(Error::Store(error));
            assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(problem.retry_after, Some(Duration::from_secs(1)));
        }
        let other = Problem::from(Error::Store(LeaseLost));
        assert_eq!(other.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(other.retry_after, None);
    }
}
