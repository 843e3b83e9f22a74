use std::fmt;

use canvass_model::{Change, Source};
use jiff::Timestamp;

use crate::format::{Now, When};

/// What a person calls a source.
pub(super) fn source_label(source: Source) -> &'static str {
    match source {
        Source::Api => "NPPES API",
        Source::FullFile => "Monthly file",
        Source::WeeklyFile => "Weekly file",
        Source::DeactivationReport => "Deactivation report",
    }
}

/// Where a value comes from, and since when canvass knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    source: Source,
    when: When,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", source_label(self.source), self.when)
    }
}

/// Where each value of a provider comes from: what canvass first saw of it, and what it saw change.
#[derive(Clone, Copy, Debug)]
pub struct Origins<'a> {
    /// Where and when canvass first saw the provider.
    pub first: (Source, Timestamp),
    /// What changed since, the newest first.
    pub changes: &'a [Change],
    /// Now, in the zone of the page.
    pub now: &'a Now,
}

impl Origins<'_> {
    fn at(&self, source: Source, at: Timestamp) -> Origin {
        Origin {
            source,
            when: When::short(at, self.now),
        }
    }

    /// Where canvass first saw the provider.
    pub fn first(&self) -> Origin {
        let (source, at) = self.first;
        self.at(source, at)
    }

    /// Where the present value of a field comes from: of one of changes, or of all below it, as in
    /// `practice`.
    pub fn of(&self, field: &str) -> Origin {
        self.changed(field).unwrap_or_else(|| self.first())
    }

    /// As [`Origins::of`], where the value is another than canvass first saw.
    pub fn changed(&self, field: &str) -> Option<Origin> {
        if field.is_empty() {
            return None;
        }
        let names = |change: &&Change| {
            let rest = change.field.strip_prefix(field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let latest = self.changes.iter().find(names)?;
        Some(self.at(latest.source, latest.at))
    }
}

// Its words are fixed, and a time makes its own markup.
impl askama::filters::HtmlSafe for Origin {}

#[cfg(test)]
mod tests {
    use canvass_model::{ChangeKind, Npi};

    use super::*;

    #[test]
    fn a_value_comes_from_its_latest_change_or_from_where_it_was_first_seen() {
        let now = Now::utc("2026-11-24T15:00:00Z".parse().unwrap());
        let change = |field: &str, source, at: &str| Change {
            npi: Npi::from_first_nine(123_456_789).unwrap(),
            at: at.parse().unwrap(),
            kind: ChangeKind::Field,
            field: field.to_owned(),
            before: None,
            after: None,
            source,
        };
        let changes = [
            change("practice.phone", Source::Api, "2026-11-23T09:00:00Z"),
            change(
                "practice.line_1",
                Source::WeeklyFile,
                "2026-08-01T09:00:00Z",
            ),
            change("name.last", Source::FullFile, "2026-02-09T09:00:00Z"),
        ];
        let origins = Origins {
            first: (Source::FullFile, "2025-01-12T09:00:00Z".parse().unwrap()),
            changes: &changes,
            now: &now,
        };
        let words = |origin: Origin| {
            let text = origin.when.text().to_owned();
            format!("{}, {text}", source_label(origin.source))
        };
        assert_eq!(words(origins.of("practice")), "NPPES API, yesterday");
        assert_eq!(words(origins.of("practice.line_1")), "Weekly file, 1 Aug");
        assert_eq!(words(origins.of("name")), "Monthly file, 9 Feb");
        assert_eq!(words(origins.of("mailing")), "Monthly file, 12 Jan 2025");
        assert_eq!(origins.changed("mailing"), None);
        assert_eq!(origins.changed("pract"), None);
    }
}
