//! One answer of the registry: a page of records, a refusal, or a fault.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

/// What the registry answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A page of records, empty when nothing was found.
    Page {
        /// The records, as they came.
        records: Vec<Value>,
    },
    /// The registry will not answer this query, now or later. Never to be asked again.
    Refused(Vec<Refusal>),
}

/// Why the registry will not answer a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Two digits: `07`. The registry publishes no list of them.
    pub number: String,
    /// The parameter that it is about, or `generic`.
    pub field: String,
    /// In the registry's words.
    pub description: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            field,
            description,
        } = self;
        write!(f, "{description} ({field}, error {number})")
    }
}

/// Why there is no answer. Another attempt may have one: see [`Fault::is_passing`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A web page with a status of success: maintenance, or a firewall.
    #[error("the registry answered with a web page instead of data")]
    Html,
    /// Not JSON, or JSON of another shape.
    #[error("the registry's answer can't be understood: {0}")]
    Malformed(String),
    /// Fewer records than the answer says.
    #[error("the registry's answer says {stated} records and holds {held}")]
    CountMismatch {
        /// `result_count`.
        stated: u64,
        /// Length of `results`.
        held: u64,
    },
    /// A status that is none of success.
    #[error("the registry answered with status {code}")]
    Status {
        /// HTTP status.
        code: u16,
        /// How long the registry asks to wait (RFC 9110, "Retry-After").
        retry_after: Option<Duration>,
    },
    /// No whole answer within the time set.
    #[error("the registry did not answer in time")]
    Timeout,
    /// No connection.
    #[error("the registry can't be reached: {0}")]
    Connect(String),
    /// The connection ended before the answer did.
    #[error("the registry's answer broke off: {0}")]
    Broken(String),
    /// More than an answer can be.
    #[error("the registry's answer has more than {limit} bytes")]
    TooLarge {
        /// The longest that is read.
        limit: usize,
    },
}

impl Fault {
    /// Whether another attempt may end otherwise. A status that blames the request will not; 403
    /// may, because it is what a web firewall answers under load.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 403 | 408 | 425 | 429 | 500..),
            _ => true,
        }
    }
}

/// Reads an answer. The body decides: the registry answers refusals with status 200 too.
///
/// # Errors
/// When the answer is neither a page nor a refusal.
pub fn parse_answer(status: u16, content_type: Option<&str>, body: &[u8]) -> Result<Answer, Fault> {
    if !(200..300).contains(&status) {
        return Err(Fault::Status {
            code: status,
            retry_after: None,
        });
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let is_html = content_type.is_some_and(|t| t.to_ascii_lowercase().contains("html"));
    if is_html || body.trim_ascii_start().starts_with(b"<") {
        return Err(Fault::Html);
    }
    let answer = serde_json::from_slice(body).map_err(|e| Fault::Malformed(e.to_string()))?;
    let Value::Object(mut answer) = answer else {
        return Err(Fault::Malformed("it is no object".to_owned()));
    };
    if let Some(errors) = answer.get("Errors") {
        return refused(errors);
    }
    let Some(Value::Array(records)) = answer.remove("results") else {
        return Err(Fault::Malformed("it has no results".to_owned()));
    };
    let Some(stated) = answer.get("result_count").and_then(Value::as_u64) else {
        return Err(Fault::Malformed("it has no result_count".to_owned()));
    };
    let held = records.len() as u64;
    // What more it holds is there to be taken.
    if held < stated {
        return Err(Fault::CountMismatch { stated, held });
    }
    Ok(Answer::Page { records })
}

fn refused(errors: &Value) -> Result<Answer, Fault> {
    let refusals: Vec<Refusal> = errors
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(|error| Refusal {
            number: word(error, "number"),
            field: word(error, "field"),
            description: word(error, "description"),
        })
        .collect();
    if refusals.is_empty() {
        return Err(Fault::Malformed("it refuses without a reason".to_owned()));
    }
    Ok(Answer::Refused(refusals))
}

fn word(error: &Map<String, Value>, key: &str) -> String {
    match error.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}
