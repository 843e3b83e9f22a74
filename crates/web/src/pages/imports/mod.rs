//! Loading the registry's dissemination files: asking for it, watching it, what came of it.

pub(super) mod handlers;
mod panel;
mod report;

use askama::Template;
use canvass_app::{ImportFile, ImportView};
use canvass_store::ImportState;

pub use panel::{ImportPanel, name_of, state};
pub use report::ImportReportView;

use crate::format::{Now, When, bytes, number};
use crate::problem::{FieldError, detail_of};
use crate::ui::{Badge, Empty, Field, Select};

/// What was typed into one of the forms, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// A file of the folder.
    pub path: String,
    /// An address.
    pub url: String,
    /// Whether older files are loaded as well.
    pub force: bool,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
}

/// The section of the registry's files: three ways to load one, and what was loaded.
#[derive(Clone, Debug, Template)]
#[template(path = "imports/files.html")]
pub struct RegistryFiles {
    /// What was typed before.
    pub typed: Typed,
    /// The files of the folder; absent where none is set.
    pub folder: Option<Vec<ImportFile>>,
    /// Bytes of a file at most that is sent or fetched.
    pub most: u64,
    /// What was loaded.
    pub rows: Vec<ImportRow>,
}

/// One import of the past.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// Where its report is.
    pub href: String,
    /// When it was asked for.
    pub when: When,
    /// What the files are.
    pub what: String,
    /// Where they came from, where that is something else.
    pub source: Option<String>,
    /// Rows of the main file.
    pub rows: String,
    /// Providers not known before.
    pub created: String,
    /// Providers that have changed.
    pub changed: String,
    /// Rows that were set aside.
    pub set_aside: String,
    /// Its end.
    pub state: Badge,
}

impl ImportRow {
    /// The row of an import.
    pub fn new(import: &ImportView, now: &Now) -> Self {
        let count = |n: fn(&canvass_app::ImportSummary) -> u64| {
            let report = import.report.as_ref();
            let report = report.filter(|r| r.already_imported.is_none());
            report.map(|r| number(n(r))).unwrap_or_default()
        };
        Self {
            href: format!("/sync/imports/{}", import.id),
            when: When::moment(import.created_at, now),
            what: panel::what_of(import).unwrap_or_else(|| name_of(import)),
            source: panel::what_of(import).map(|_| name_of(import)),
            rows: count(|r| r.rows),
            created: count(|r| r.created),
            changed: count(|r| r.updated + r.deactivated + r.reactivated),
            set_aside: count(|r| r.set_aside),
            state: state(import),
        }
    }
}

impl RegistryFiles {
    /// Imports that are listed.
    pub const LISTED: u32 = 20;

    /// The section, with those of these imports that are at their end.
    pub fn new(
        imports: &[ImportView],
        folder: Option<Vec<ImportFile>>,
        most: u64,
        typed: Typed,
        now: &Now,
    ) -> Self {
        let past = imports.iter().filter(|import| import.state.is_over());
        Self {
            typed,
            folder,
            most,
            rows: past.map(|import| ImportRow::new(import, now)).collect(),
        }
    }

    fn file_error(&self) -> Option<String> {
        detail_of(&self.typed.errors, "file")
    }

    fn largest(&self) -> String {
        format!("At most {}", bytes(self.most))
    }

    /// The files of the folder, to choose from.
    fn path(&self) -> Option<Select> {
        let files = self.folder.as_ref().filter(|files| !files.is_empty())?;
        let shown = |file: &ImportFile| {
            let label = format!("{} ({})", file.name, bytes(file.bytes));
            (file.name.clone(), label)
        };
        let select = Select::new(
            "path",
            "Load one from the server's folder",
            &self.typed.path,
            files.iter().map(shown),
        );
        Some(select.errors(&self.typed.errors))
    }

    fn url(&self) -> Field {
        Field {
            placeholder: Some("https://…"),
            required: true,
            ..Field::text("url", "Fetch one from an address")
                .value(self.typed.url.clone())
                .hint(format!("{}, over HTTPS", self.largest()))
                .errors(&self.typed.errors)
        }
    }

    /// Whether the form with this field asked for force.
    fn forces(&self, field: &str) -> bool {
        let filled = match field {
            "path" => !self.typed.path.is_empty(),
            "url" => !self.typed.url.is_empty(),
            _ => self.typed.path.is_empty() && self.typed.url.is_empty(),
        };
        self.typed.force && filled
    }

    fn empty() -> Empty {
        Empty {
            icon: "sync",
            title: "No file was loaded yet".to_owned(),
            text:
                "The monthly file holds every provider; load it first, then a weekly one each week."
                    .to_owned(),
            links: Vec::new(),
        }
    }
}

/// Whether an import is shown by its panel, because it goes on.
pub fn is_live(import: &ImportView) -> bool {
    matches!(import.state, ImportState::Fetching | ImportState::Running)
}

crate::ui::shown_as_html!(RegistryFiles);
