//! Orders and pages of lists.

use serde::{Deserialize, Serialize};

use crate::{Cursor, FilterError};

/// Order of a list of providers. Every order ends with the NPI, so that it is total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderSort {
    /// By name, A first.
    #[default]
    Name,
    /// By city of the primary practice location, A first.
    City,
    /// By day of enumeration, newest first.
    Enumerated,
    /// By day of the last update in the registry, newest first.
    Updated,
    /// By how well a name fits the text that is looked for: those that have its words whole before
    /// those of which they are only beginnings, and among these last names, and organizations that
    /// begin with them, before others. By name where there is no text, and among equals.
    Relevance,
    /// By the distance of the nearest address from the place that is looked around, nearest first;
    /// by name among equals.
    Distance,
}

impl ProviderSort {
    /// All orders.
    pub const ALL: [Self; 6] = [
        Self::Name,
        Self::City,
        Self::Enumerated,
        Self::Updated,
        Self::Relevance,
        Self::Distance,
    ];

    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::City => "city",
            Self::Enumerated => "enumerated",
            Self::Updated => "updated",
            Self::Relevance => "relevance",
            Self::Distance => "distance",
        }
    }

    /// From its name in the API.
    ///
    /// # Errors
    /// When there is no such order.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| {
                FilterError::new(
                    "sort",
                    "name, city, enumerated, updated, relevance or distance",
                )
            })
    }
}

/// Order of a list of leads. Every order ends with the NPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeadSort {
    /// By the time of the last edit, newest first.
    #[default]
    Updated,
    /// By the provider's name, A first.
    Name,
    /// By the time of creation, newest first.
    Created,
}

impl LeadSort {
    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Name => "name",
            Self::Created => "created",
        }
    }

    /// From its name in the API.
    ///
    /// # Errors
    /// When there is no such order.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        [Self::Updated, Self::Name, Self::Created]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| FilterError::new("sort", "updated, name or created"))
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many rows.
    pub limit: u32,
    /// After this row; from the start when absent.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// Rows of a page when nobody says otherwise.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// Rows of a page at most.
    pub const MAX_LIMIT: u32 = 1_000;

    /// The first page, of so many rows.
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// From the parameters `limit` and `cursor`.
    ///
    /// # Errors
    /// When the limit is no number from 1 to 1,000 or the cursor is none.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, FilterError> {
        let limit = match limit.map(str::trim).filter(|t| !t.is_empty()) {
            None => Self::DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=Self::MAX_LIMIT).contains(n))
                .ok_or_else(|| FilterError::new("limit", "a whole number from 1 to 1000"))?,
        };
        let after = cursor
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::parse)
            .transpose()
            .map_err(|e: crate::InvalidCursor| FilterError::new("cursor", e.to_string()))?;
        Ok(Self { limit, after })
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<Cursor>,
}

/// How many rows a search has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Whether that is exact; if not, people are told "about".
    pub exact: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded() {
        assert_eq!(
            PageRequest::parse(None, Some("")).unwrap(),
            PageRequest::first(50)
        );
        for limit in ["0", "1001", "-1", "many"] {
            assert_eq!(
                PageRequest::parse(Some(limit), None).unwrap_err().field,
                "limit"
            );
        }
    }
}
