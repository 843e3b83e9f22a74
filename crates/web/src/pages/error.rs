//! The page that says what went wrong.

use askama::Template;

use crate::problem::{FieldError, Problem};
use crate::ui::Link;

/// What happened, what to do, and the number of the request.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorView {
    /// HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub next: Option<String>,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
    /// Number of the request in the log; empty when it has none.
    pub request_id: String,
    /// Where to go on.
    pub link: Link,
}

impl ErrorView {
    /// The page of a problem.
    pub fn new(problem: &Problem, request_id: String) -> Self {
        let link = match problem.status.as_u16() {
            401 => Link::new("Sign in", "/login"),
            _ => Link::new("Go to the providers", "/providers"),
        };
        Self {
            status: problem.status.as_u16(),
            title: problem.title.clone().into_owned(),
            detail: problem.detail.clone(),
            next: problem.next.clone().map(std::borrow::Cow::into_owned),
            errors: problem.errors.clone(),
            request_id,
            link,
        }
    }
}
