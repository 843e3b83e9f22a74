use askama::Template;

use crate::format::number;

/// A line of an import that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// Number of the line in the file, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Lines with a lead.
    pub rows: u64,
    /// New leads.
    pub created: u64,
    /// Leads that were changed.
    pub updated: u64,
    /// Leads that were the same already.
    pub unchanged: u64,
    /// Lines not taken; the first of them, for reading.
    pub rejected: Vec<RejectedLine>,
    /// How many lines were not taken.
    pub rejected_count: u64,
}

/// Import of a CSV file, and the report of the last one.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "leads/import.html")]
pub struct ImportPanel {
    /// The report.
    pub report: Option<ImportReport>,
    /// Why the file as a whole was refused.
    pub error: Option<String>,
}

impl ImportPanel {
    fn open(&self) -> bool {
        self.report.is_some() || self.error.is_some()
    }

    fn parts(report: &ImportReport) -> [(String, &'static str); 4] {
        [
            (number(report.created), "new leads"),
            (number(report.updated), "changed"),
            (number(report.unchanged), "the same already"),
            (number(report.rejected_count), "lines not taken"),
        ]
    }
}

crate::ui::shown_as_html!(ImportPanel);
