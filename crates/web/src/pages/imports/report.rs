use askama::Template;
use canvass_app::{FileReport, ImportView, ValuesLeftOut};
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
    /// Values that were left out: file, column, what is wrong, how many, the first of them.
    pub left_out: Vec<[String; 5]>,
    /// How many rows were set aside for each reason; empty where all of them are listed.
    pub reasons: Vec<(String, String)>,
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
        let left_out = done.map(|r| r.left_out.iter().map(left_out).collect());
        let many = done.filter(|r| r.set_aside > u64::from(Self::LISTED));
        let reasons = many.map(|r| {
            let mut reasons: Vec<_> = r.set_aside_reasons.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let each = reasons.into_iter();
            each.map(|(reason, count)| (number(*count), reason.clone()))
                .collect()
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
            left_out: left_out.unwrap_or_default(),
            reasons: reasons.unwrap_or_default(),
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

fn left_out(of: &ValuesLeftOut) -> [String; 5] {
    let first = of.examples.first();
    [
        of.file.clone(),
        of.column.clone(),
        of.reason.clone(),
        number(of.count),
        first.map_or_else(String::new, |one| {
            format!("line {}, NPI {}: {}", one.line, one.npi, one.problem)
        }),
    ]
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
