//! What the parts of a search are made of, and how their values are read.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::state::region_code;

/// Which states of a record a search looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusFilter {
    /// In service.
    #[default]
    Active,
    /// Taken out of service.
    Deactivated,
    /// Missing from the last full file.
    Unpublished,
    /// All of them.
    Any,
}

impl StatusFilter {
    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Unpublished => "unpublished",
            Self::Any => "any",
        }
    }
}

/// Whether a provider must be, or must not be, a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadPresence {
    /// Is a lead.
    Yes,
    /// Is not yet a lead.
    No,
}

/// Which addresses of a provider the parts of a search that name a place look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceOf {
    /// Practice locations, secondary ones among them.
    #[default]
    Practice,
    /// The mailing address.
    Mailing,
}

impl PlaceOf {
    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Practice => "practice",
            Self::Mailing => "mailing",
        }
    }

    /// From its name in the API.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Practice, Self::Mailing]
            .into_iter()
            .find(|place| place.as_str() == text)
    }
}

/// A search parameter that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FilterError {
    /// Which parameter.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl FilterError {
    pub(crate) fn new(field: &str, problem: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}

pub(super) fn state(name: &str, value: &str) -> Result<Option<String>, FilterError> {
    if value.is_empty() {
        return Ok(None);
    }
    match region_code(value) {
        Some(code) => Ok(Some(code.to_owned())),
        None => Err(FilterError::new(
            name,
            format!("{value:?} is no state; write two letters, as in CA"),
        )),
    }
}

/// A postal code or, with or without `*`, its beginning. Four digits alone are those of a ZIP code
/// whose first, a zero, a spreadsheet has dropped.
pub(super) fn postal_code(value: &str) -> String {
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let zip = value.split('-').next().unwrap_or_default();
    let cut = zip.len() == 4 && is_number(&value.replace('-', ""));
    let code = value.replace(['-', ' ', '*'], "").to_ascii_uppercase();
    if cut { format!("0{code}") } else { code }
}

pub(super) fn date(name: &str, value: &str) -> Result<Option<Date>, FilterError> {
    parsed(name, value, |v| v.parse().ok(), "a day as in 2026-01-31")
}

pub(super) fn flag(name: &str, value: &str) -> Result<Option<bool>, FilterError> {
    match value.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "yes" | "true" | "1" | "on" => Ok(Some(true)),
        "no" | "false" | "0" | "off" => Ok(Some(false)),
        _ => Err(FilterError::new(name, "yes or no")),
    }
}

pub(super) fn parsed<T>(
    name: &str,
    value: &str,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, FilterError> {
    if value.is_empty() {
        return Ok(None);
    }
    parse(value)
        .map(Some)
        .ok_or_else(|| FilterError::new(name, format!("{value:?} is not {expected}")))
}
