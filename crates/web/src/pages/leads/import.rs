use askama::Template;
use canvass_app::ImportReport;

use crate::format::{counted, noun, number};

/// Import of a file, and the report of the last one.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "leads/import.html")]
pub struct ImportPanel {
    /// The report.
    pub report: Option<ImportReport>,
    /// Why the file as a whole was refused.
    pub error: Option<String>,
}

impl ImportPanel {
    /// Lines not taken that are listed at most.
    const LISTED: usize = 200;

    fn open(&self) -> bool {
        self.report.is_some() || self.error.is_some()
    }

    fn parts(report: &ImportReport) -> [(String, &'static str); 4] {
        let created = noun(report.created, "new lead", "new leads");
        let rejected = noun(report.rejected, "line not taken", "lines not taken");
        [
            (number(report.created), created),
            (number(report.updated), "changed"),
            (number(report.unchanged), "the same already"),
            (number(report.rejected), rejected),
        ]
    }

    /// What else there is to know.
    fn remarks(report: &ImportReport) -> Vec<String> {
        let mut remarks = Vec::new();
        if report.suppressed > 0 {
            remarks.push(format!(
                "{} marked do not call, and kept that status.",
                counted(report.suppressed, "lead is", "leads are")
            ));
        }
        if !report.unknown_owners.is_empty() {
            let names: Vec<&str> = report.unknown_owners.iter().map(String::as_str).collect();
            remarks.push(format!(
                "Nobody who may sign in is called {}; lines with these owners were not taken.",
                names.join(", ")
            ));
        }
        let unlisted = report.rejected - report.rejected.min(Self::LISTED as u64);
        if unlisted > 0 {
            let lines = counted(unlisted, "more line was", "more lines were");
            remarks.push(format!("{lines} not taken; the first are listed below."));
        }
        remarks
    }
}

crate::ui::shown_as_html!(ImportPanel);
