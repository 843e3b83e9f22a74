//! What a request of the API brings: bodies, parameters, identifiers, headers. Whatever can't be
//! understood is named in the problem that answers it.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use canvass_model::{FilterError, Npi, PageRequest};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::problem::{FieldError, Problem};

/// Longest query string that is read, in bytes.
const LONGEST_QUERY: usize = 8_192;
/// Longest time that `Prefer: wait` is waited.
pub const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A JSON body. 415 when it is of another kind, 400 when it is no JSON, 422 when it says something
/// else than what is asked for.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(value) = Json::<Value>::from_request(request, state)
            .await
            .map_err(|e| unreadable(&e))?;
        if let Some(at) = place_of_nul(&value) {
            let at = if at.is_empty() { "body" } else { &at };
            return Err(invalid(at, "may not hold the character NUL"));
        }
        serde_path_to_error::deserialize(value)
            .map(Self)
            .map_err(|error| {
                let at = error.path().to_string();
                let at = if at == "." { "body".to_owned() } else { at };
                invalid(&at, &error.into_inner().to_string())
            })
    }
}

fn unreadable(error: &JsonRejection) -> Problem {
    let problem = Problem::of_status(error.status());
    match error {
        JsonRejection::MissingJsonContentType(_) => {
            problem.detail("Send the body as JSON, with \"Content-Type: application/json\".")
        }
        JsonRejection::BytesRejection(_) => problem,
        other => problem.detail(format!("{}.", other.body_text())),
    }
}

/// Where a body holds the character that neither database does: `npis[0]`.
fn place_of_nul(value: &Value) -> Option<String> {
    let within = |at: String, value: &Value| {
        let inner = place_of_nul(value)?;
        let dot = if inner.is_empty() || inner.starts_with('[') {
            ""
        } else {
            "."
        };
        Some(format!("{at}{dot}{inner}"))
    };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, item)| within(format!("[{i}]"), item)),
        Value::Object(members) => members
            .iter()
            .find_map(|(name, member)| within(name.clone(), member)),
        _ => None,
    }
}

/// One thing that is wrong, as a 422.
pub fn invalid(field: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(field, detail)])
}

/// What is wrong with a query, as a 400.
pub fn misunderstood(errors: Vec<FieldError>) -> Problem {
    Problem {
        status: StatusCode::BAD_REQUEST,
        ..Problem::invalid(errors)
    }
}

/// The parameters of a query string, in their order.
pub struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > LONGEST_QUERY {
            return Err(Problem::of_status(StatusCode::URI_TOO_LONG).detail(format!(
                "The query string may have {LONGEST_QUERY} bytes at most."
            )));
        }
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Ok(Self(pairs.collect()))
    }
}

/// What a list is asked for besides a filter.
pub const LIST: [&str; 3] = ["sort", "limit", "cursor"];

/// The parameters that are none of a filter's.
pub struct Others(HashMap<&'static str, String>);

impl Others {
    /// The value of one; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A yes or no; no when absent.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            Some("yes" | "true" | "1" | "on") => Ok(true),
            None | Some("no" | "false" | "0" | "off") => Ok(false),
            Some(_) => Err(misunderstood(vec![FieldError::new(name, "yes or no")])),
        }
    }

    /// A number from 1 on.
    pub fn count(&self, name: &str, default: u32, most: u32) -> Result<u32, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|n| (1..=most).contains(n));
        number.ok_or_else(|| {
            let detail = format!("a whole number from 1 to {most}");
            misunderstood(vec![FieldError::new(name, detail)])
        })
    }

    /// The order and the page of a list, which [`LIST`] names.
    pub fn list<S: Default>(
        &self,
        sort: impl Fn(&str) -> Result<S, FilterError>,
    ) -> Result<(S, PageRequest), Problem> {
        let page = PageRequest::parse(self.get("limit"), self.get("cursor"))?;
        Ok((self.sort(sort)?, page))
    }

    /// The order; the usual one when none is named.
    pub fn sort<S: Default>(
        &self,
        sort: impl Fn(&str) -> Result<S, FilterError>,
    ) -> Result<S, Problem> {
        let named = self.get("sort").map(sort).transpose()?;
        Ok(named.unwrap_or_default())
    }
}

impl Query {
    /// Takes parameters of these names; any other is a 400 that names it.
    pub fn only(self, names: &[&'static str]) -> Result<Others, Problem> {
        self.sort(names, &[], |_, _| Ok(false))
    }

    /// Gives `set` the parameters that it knows and takes others of these names; any other is a
    /// 400 that names it, as is one that comes twice without being in `many`.
    pub fn sort(
        self,
        names: &[&'static str],
        many: &[&str],
        mut set: impl FnMut(&str, &str) -> Result<bool, FilterError>,
    ) -> Result<Others, Problem> {
        let mut others = HashMap::new();
        let mut seen: Vec<String> = Vec::new();
        let mut errors: Vec<FieldError> = Vec::new();
        for (name, value) in self.0 {
            if seen.contains(&name) && !many.contains(&name.as_str()) {
                errors.push(FieldError::new(&name, "may be given once"));
            } else if let Some(known) = names.iter().find(|n| **n == name) {
                others.insert(*known, value);
            } else {
                match set(&name, &value) {
                    Ok(true) => {}
                    Ok(false) => errors.push(FieldError::new(&name, "no such parameter")),
                    Err(error) => errors.push(FieldError::new(error.field, error.problem)),
                }
            }
            seen.push(name);
        }
        if errors.is_empty() {
            Ok(Others(others))
        } else {
            Err(misunderstood(errors))
        }
    }
}

/// The NPI of an address.
pub fn npi(text: &str) -> Result<Npi, Problem> {
    text.parse().map_err(|e: canvass_model::InvalidNpi| {
        misunderstood(vec![FieldError::new("npi", e.to_string())])
    })
}

/// The identifier of an address. Nothing has one with other characters than these.
pub fn id<'a>(what: &str, text: &'a str) -> Result<&'a str, Problem> {
    let fits = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then_some(text).ok_or_else(|| Problem::not_found(what))
}

/// `Idempotency-Key`, whatever it holds; the application judges it.
pub fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("idempotency-key")?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The version that `If-Match` names: `"7"`. `*` asks for none.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let version = version.and_then(|v| v.parse().ok());
    version.map(Some).ok_or_else(|| {
        let detail = "the ETag of the lead as it was read, as in \"7\"";
        misunderstood(vec![FieldError::new("If-Match", detail)])
    })
}

/// `wait` of `Prefer` (RFC 7240, section 4.3), at most [`LONGEST_WAIT`]. What is not understood is
/// passed over, as section 2 wants it.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split([',', ';']))
        .find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let seconds = value.trim().trim_matches('"').parse().ok()?;
            name.trim()
                .eq_ignore_ascii_case("wait")
                .then(|| Duration::from_secs(seconds).min(LONGEST_WAIT))
        })
}

/// Tells a member that is null, which clears, from one that is absent.
#[expect(clippy::option_option, reason = "null and absent say two things")]
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_wait_is_bounded_and_nonsense_is_passed_over() {
        let seconds = |value: &str| wait(&headers("prefer", value)).map(|d| d.as_secs());
        assert_eq!(seconds("wait=10"), Some(10));
        assert_eq!(seconds("respond-async, wait=10"), Some(10));
        assert_eq!(seconds("Wait = \"7\""), Some(7));
        assert_eq!(seconds("wait=99999999"), Some(600));
        assert_eq!(seconds("wait=-1"), None);
        assert_eq!(seconds("return=minimal"), None);
    }

    #[test]
    fn if_match_names_one_version() {
        let version = |value: &str| if_match(&headers("if-match", value)).map_err(|p| p.status);
        assert_eq!(version("\"7\""), Ok(Some(7)));
        assert_eq!(version("*"), Ok(None));
        for odd in ["7", "W/\"7\"", "\"7\", \"8\"", "\"x\""] {
            assert_eq!(version(odd), Err(StatusCode::BAD_REQUEST), "{odd}");
        }
    }

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        let place = |json: &str| place_of_nul(&serde_json::from_str(json).unwrap());
        assert_eq!(place(r#"{"a":[{"b":"x\u0000"}]}"#).unwrap(), "a[0].b");
        assert_eq!(place(r#"{"a":{"b":["\u0000"]}}"#).unwrap(), "a.b[0]");
        assert_eq!(place(r#"{"a":["x\\u0000"]}"#), None);
    }
}
