use askama::Template;
use canvass_app::{FileReport, ImportView};
use canvass_store::RowSetAside;

use super::ImportPanel;
use crate::format::{Now, When, number};
use crate::ui::{Bar, BarChart};

/// Fields that are shown of those that changed.
const FIELDS: usize = 15;

/// The page of one import.
#[derive(Clone, Debug, Template)]
#[template(path = "imports/show.html")]
pub struct ImportReportView {
    /// The import.
    pub panel: ImportPanel,
    /// Its files: name, what it holds, rows, rows set aside.
    pub files: Vec<[String; 4]>,
    /// What was passed over, and why.
    pub passed_over: Vec<(String, String)>,
    /// How often each field changed; none where none did.
    pub fields: Option<BarChart>,
    /// The first rows that were set aside.
    pub aside: Vec<RowSetAside>,
    /// When it was asked for and ended.
    pub times: Vec<(&'static str, When)>,
    /// What else there is to know of it.
    pub facts: Vec<(&'static str, String)>,
    /// The page of the import that had loaded the same before.
    pub earlier: Option<String>,
}

impl ImportReportView {
    /// Rows set aside that are listed.
    pub const LISTED: u32 = 50;

    /// Whether there is more to say than what it was.
    fn says_more(&self) -> bool {
        self.panel.live || !self.files.is_empty() || !self.aside.is_empty()
    }

    /// The page of an import, with the first of the rows that it has set aside.
    pub fn new(import: &ImportView, aside: Vec<RowSetAside>, now: &Now) -> Self {
        let report = import.report.as_ref();
        let known = report.filter(|r| r.already_imported.is_some());
        let done = report.filter(|r| r.already_imported.is_none());
        let line = |f: &FileReport| {
            [
                f.file.clone(),
                f.what.clone(),
                number(f.rows),
                number(f.set_aside),
            ]
        };
        let files = done.map(|r| r.files.iter().map(line).collect());
        let passed_over = done.map(|r| {
            let each = r.passed_over.iter();
            each.map(|f| (f.file.clone(), f.what.clone())).collect()
        });
        let times = [
            ("Asked for", Some(import.created_at)),
            ("Ended", import.finished_at),
        ];
        let mut facts = vec![(
            "From",
            import
                .source
                .clone()
                .unwrap_or_else(|| "the command line".to_owned()),
        )];
        facts.extend(super::panel::what_of(import).map(|what| ("Holds", what)));
        facts.push(("Number", import.id.clone()));
        Self {
            panel: ImportPanel::new(import),
            files: files.unwrap_or_default(),
            passed_over: passed_over.unwrap_or_default(),
            fields: done.and_then(fields),
            aside,
            times: times
                .into_iter()
                .filter_map(|(label, at)| Some((label, When::moment(at?, now))))
                .collect(),
            facts,
            earlier: known
                .and_then(|r| r.id.as_deref())
                .map(|id| format!("/sync/imports/{id}")),
        }
    }
}

/// The fields that changed most often.
fn fields(report: &canvass_app::ImportSummary) -> Option<BarChart> {
    let mut fields: Vec<(&String, u64)> = report.fields.iter().map(|(f, n)| (f, *n)).collect();
    fields.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
    let bars: Vec<Bar> = fields
        .into_iter()
        .take(FIELDS)
        .map(|(field, value)| Bar {
            label: words(field),
            value,
        })
        .collect();
    (!bars.is_empty()).then(|| BarChart {
        title: "How often each field changed".to_owned(),
        bars,
    })
}

/// The name of a field as people read it: `practice.postal_code` is `practice postal code`.
fn words(field: &str) -> String {
    field.replace(['.', '_'], " ")
}

crate::ui::shown_as_html!(ImportReportView);
