//! What went wrong, told once for everybody: `application/problem+json` (RFC 9457) for the API, a
//! page for people, a notice for a part of a page.
//!
//! A handler answers with a [`Problem`]; [`present`] gives it the form that fits the request. A
//! refusal of the framework (no such path, a body too large, a panic) becomes a problem there too.

mod app;

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use canvass_model::{FilterError, LeadRuleError, UnknownSpecialty};
use serde::{Deserialize, Serialize};

use crate::cookies::Theme;
use crate::pages::error::ErrorView;
use crate::pages::{BarePage, html};
use crate::security::RequestId;
use crate::ui::Notice;

/// What is wrong with one field of a form, a body or a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Name of the field.
    pub field: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl FieldError {
    /// An error of this field.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }
}

/// What is wrong with a field, if anything.
pub fn detail_of(errors: &[FieldError], field: &str) -> Option<String> {
    let found = errors.iter().find(|e| e.field == field)?;
    Some(found.detail.clone())
}

/// A request that could not be served, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    /// Status of the answer.
    pub status: StatusCode,
    /// What happened, in a few words that are the same for every problem of this kind.
    pub title: Cow<'static, str>,
    /// What happened this time.
    pub detail: String,
    /// What to do next.
    pub next: Option<Cow<'static, str>>,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of this status.
    pub fn new(
        status: StatusCode,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            title: title.into(),
            detail: detail.into(),
            next: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The problem that a status alone tells of.
    pub fn of_status(status: StatusCode) -> Self {
        let (title, detail, next): (&str, &str, Option<&'static str>) = match status {
            StatusCode::BAD_REQUEST => (
                "The request can't be understood",
                "Something in the request is not as it should be. Nothing was changed.",
                Some("Go back, check what you entered, and try again."),
            ),
            StatusCode::UNAUTHORIZED => (
                "You are not signed in",
                "This needs somebody who is signed in, or a token.",
                Some("Sign in and try again."),
            ),
            StatusCode::FORBIDDEN => (
                "You may not do this",
                "Your role does not allow this. Nothing was changed.",
                Some("Ask an administrator for the role that it needs."),
            ),
            StatusCode::NOT_FOUND => (
                "There is nothing here",
                "There is no such page, or what it showed is gone.",
                Some("Check the address, or search for what you want."),
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                "This address can't be used that way",
                "The address exists, but not for this method.",
                None,
            ),
            StatusCode::REQUEST_TIMEOUT => (
                "The server took too long",
                "The answer was not ready in time. What you sent may or may not have been done.",
                Some("Look whether it was done before you try again."),
            ),
            StatusCode::CONFLICT => (
                "This does not fit what is there",
                "Something else is in the way. Nothing was changed.",
                None,
            ),
            StatusCode::PRECONDITION_FAILED => (
                "Somebody was faster",
                "This was changed after you opened it. Your change was not saved.",
                Some("Load it again, look at what changed, and repeat your change."),
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (
                "That is too large",
                "The body of the request is larger than this address accepts. Nothing was changed.",
                Some("Send it in smaller parts."),
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "This kind of content is not accepted",
                "The Content-Type of the request is not one that this address takes.",
                None,
            ),
            StatusCode::UNPROCESSABLE_ENTITY => (
                "Some of it is not right",
                "Something in the request is not as it should be. Nothing was changed.",
                Some("Correct it and try again."),
            ),
            StatusCode::TOO_MANY_REQUESTS => (
                "Too many tries",
                "There were too many requests of this kind in a short time.",
                Some("Wait a little and try again."),
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                "Not available at the moment",
                "Something that this needs is not available. Nothing was changed.",
                Some("Try again in a minute."),
            ),
            status if status.is_server_error() => (
                "Something failed in the server",
                "The request could not be completed. What was finished before is kept.",
                Some(
                    "Try again; if it fails again, give the request number below to your administrator.",
                ),
            ),
            _ => ("The request was refused", "Nothing was changed.", None),
        };
        Self {
            next: next.map(Cow::Borrowed),
            ..Self::new(status, title.to_owned(), detail)
        }
    }

    /// Nothing of this kind and name exists: `lead 1234567893`.
    pub fn not_found(what: &str) -> Self {
        Self {
            detail: format!("There is no {what}."),
            ..Self::of_status(StatusCode::NOT_FOUND)
        }
    }

    /// Something is wrong with these fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}.", only.field, only.detail.trim_end_matches('.')),
            _ => "Some fields are not as they should be. Nothing was changed.".to_owned(),
        };
        Self {
            detail,
            errors,
            ..Self::of_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
    }

    /// A fault of ours. The cause goes to the log, never to the reader.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// With another detail.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            ..Self::invalid(vec![FieldError::new(error.field, error.problem)])
        }
    }
}

impl From<UnknownSpecialty> for Problem {
    fn from(error: UnknownSpecialty) -> Self {
        Self::invalid(vec![FieldError::new("specialty", error.to_string())])
    }
}

impl From<LeadRuleError> for Problem {
    fn from(error: LeadRuleError) -> Self {
        let status = match error {
            LeadRuleError::Suppressed => StatusCode::FORBIDDEN,
            LeadRuleError::NotNew
            | LeadRuleError::ContactSuppressed
            | LeadRuleError::ContactInFuture => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::of_status(status).detail(format!("{error}. Nothing was changed."))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem document, RFC 9457. `request_id` finds the request in the log.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Always `about:blank`: the status says the kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in a few words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// Path of the request.
    pub instance: String,
    /// Number of the request in the log.
    pub request_id: String,
    /// What is wrong, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<FieldError>,
}

/// Whether an address is one of programs, which get a problem document, and not one of people.
pub fn is_for_programs(path: &str) -> bool {
    let begins = ["/api/", "/healthz", "/readyz", "/metrics"];
    path == "/api" || begins.iter().any(|p| path.starts_with(p))
}

/// Who reads the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Program,
    Page,
    Fragment,
}

impl Audience {
    fn of(path: &str, headers: &HeaderMap) -> Self {
        if is_for_programs(path) {
            Self::Program
        } else if headers.contains_key("hx-request") {
            Self::Fragment
        } else {
            Self::Page
        }
    }
}

/// Says what went wrong to a script that swaps parts of a page.
const PROBLEM_HEADER: HeaderName = HeaderName::from_static("canvass-problem");

/// Middleware that gives every refusal the form that its reader expects.
pub async fn present(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let audience = Audience::of(&path, request.headers());
    let theme = Theme::of(request.headers());
    let id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let problem = match parts.extensions.get::<Problem>() {
        Some(problem) => problem.clone(),
        // A handler's own error body (a form shown again, a registry-shaped refusal) stays.
        None if !is_bare(&parts.headers) => return Response::from_parts(parts, body),
        None => from_framework(status, body).await,
    };
    let id = id.map_or_else(String::new, |id| id.0);
    let mut shown = match audience {
        Audience::Program => as_document(&problem, path, id),
        Audience::Page => as_page(&problem, id, theme),
        Audience::Fragment => as_fragment(&problem),
    };
    let kept = [
        header::ALLOW,
        header::ETAG,
        header::SET_COOKIE,
        header::WWW_AUTHENTICATE,
    ];
    for name in kept {
        for value in parts.headers.get_all(&name) {
            shown.headers_mut().append(&name, value.clone());
        }
    }
    if let Some(wait) = problem.retry_after {
        shown
            .headers_mut()
            .insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    shown
}

/// Whether an answer has no body, or a line of text by the framework.
fn is_bare(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Extractors say in plain text what they did not understand; that is worth passing on.
async fn from_framework(status: StatusCode, body: Body) -> Problem {
    let problem = Problem::of_status(status);
    if status.is_server_error() || status == StatusCode::NOT_FOUND {
        return problem;
    }
    match axum::body::to_bytes(body, 1_000).await {
        Ok(text) if !text.is_empty() => problem.detail(String::from_utf8_lossy(&text).into_owned()),
        _ => problem,
    }
}

fn as_document(problem: &Problem, instance: String, request_id: String) -> Response {
    let document = ProblemDocument {
        kind: "about:blank".to_owned(),
        title: problem.title.clone().into_owned(),
        status: problem.status.as_u16(),
        detail: problem.detail.clone(),
        instance,
        request_id,
        errors: problem.errors.clone(),
    };
    let kind = HeaderValue::from_static("application/problem+json");
    let mut response = (problem.status, axum::Json(document)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn as_page(problem: &Problem, request_id: String, theme: Theme) -> Response {
    let page = BarePage {
        title: problem.title.clone().into_owned(),
        theme,
        wide: true,
        view: ErrorView::new(problem, request_id),
    };
    (problem.status, html(&page)).into_response()
}

fn as_fragment(problem: &Problem) -> Response {
    let words = match &problem.next {
        Some(next) => format!("{} {next}", problem.detail),
        None => problem.detail.clone(),
    };
    // A header holds visible ASCII; anything else in a message is shown as a question mark.
    let ascii: String = words
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect();
    let mut response = (problem.status, html(&Notice::bad(words))).into_response();
    if let Ok(value) = HeaderValue::from_str(&ascii) {
        response.headers_mut().insert(PROBLEM_HEADER, value);
    }
    response
}
