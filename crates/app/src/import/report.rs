use std::collections::BTreeMap;

use canvass_nppes::files::{Catalog, FileKind};
use canvass_store::{ChangeCounts, Replaced, WriteSummary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ValuesLeftOut;

/// What was read of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its name, within its archive.
    pub file: String,
    /// What it holds, in words; why it was passed over, if it was.
    pub what: String,
    /// Its rows.
    pub rows: u64,
    /// Of these, set aside.
    pub set_aside: u64,
}

/// What a load of one set of files did, or would do.
///
/// Of the main file, `rows = created + updated + unchanged + deactivated + reactivated` and those
/// set aside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportSummary {
    /// Identifier of the load.
    pub id: Option<String>,
    /// Where the files came from, as people know it: a name or an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the files are, in words.
    pub what: String,
    /// When these very files were loaded before; then nothing was done.
    pub already_imported: Option<Timestamp>,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Each file that was read.
    pub files: Vec<FileReport>,
    /// Each that was not.
    pub passed_over: Vec<FileReport>,
    /// Rows of the main file, or of the report of deactivations.
    pub rows: u64,
    /// Providers not known before.
    pub created: u64,
    /// Known, with another record, and neither taken out of service nor in service again.
    pub updated: u64,
    /// Known, with this very record.
    pub unchanged: u64,
    /// Known before and missing from a full file.
    pub unpublished: u64,
    /// Why the files are none that a load would take without force: what they would take away, or
    /// what of them can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Taken out of service.
    pub deactivated: u64,
    /// In service again.
    pub reactivated: u64,
    /// Of those updated: how often each field changed.
    pub fields: BTreeMap<String, u64>,
    /// Of those reactivated, the same.
    pub reactivated_fields: BTreeMap<String, u64>,
    /// Rows of all files that were set aside.
    pub set_aside: u64,
    /// Of these, kept with their text.
    pub set_aside_kept: u64,
    /// How many were set aside for each reason.
    pub set_aside_reasons: BTreeMap<String, u64>,
    /// Values that were left out of their providers because they could not be understood.
    pub values_left_out: u64,
    /// The same by column and reason.
    pub left_out: Vec<ValuesLeftOut>,
    /// How long it took.
    pub seconds: f64,
}

impl ImportSummary {
    pub(super) fn of(catalog: &Catalog, dry_run: bool) -> Self {
        let files = catalog.members().iter().map(|m| FileReport {
            file: m.name.clone(),
            what: m.kind.as_str().to_owned(),
            ..FileReport::default()
        });
        let passed_over = catalog.passed_over().iter().map(|p| FileReport {
            file: p.name.clone(),
            what: p.why.clone(),
            ..FileReport::default()
        });
        Self {
            what: catalog.extent().to_string(),
            dry_run,
            files: files.collect(),
            passed_over: passed_over.collect(),
            ..Self::default()
        }
    }

    /// Counts rows of a file of one kind that were read.
    pub(super) fn add_rows(&mut self, file: &str, rows: u64) {
        if let Some(report) = self.files.iter_mut().find(|f| f.file == file) {
            report.rows += rows;
        }
    }

    /// Sums up the rows that stand for providers.
    pub(super) fn sum_up(&mut self) {
        let main = [
            FileKind::Providers.as_str(),
            FileKind::Deactivations.as_str(),
        ];
        self.rows = self
            .files
            .iter()
            .filter(|f| main.contains(&f.what.as_str()))
            .map(|f| f.rows)
            .sum();
    }

    pub(super) fn written(&mut self, done: WriteSummary, changes: &ChangeCounts) {
        self.created = done.created;
        self.updated = done.updated;
        self.unchanged = done.unchanged;
        self.changed(changes);
    }

    pub(super) fn replaced(&mut self, done: &Replaced) {
        self.created = done.created;
        self.updated = done.updated;
        self.unchanged = done.unchanged;
        self.unpublished = done.unpublished;
        self.changed(&done.changes);
    }

    fn changed(&mut self, changes: &ChangeCounts) {
        self.deactivated = changes.deactivated;
        self.reactivated = changes.reactivated;
        self.updated = self
            .updated
            .saturating_sub(changes.deactivated + changes.reactivated);
        self.fields.clone_from(&changes.fields);
        self.reactivated_fields
            .clone_from(&changes.reactivated_fields);
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a load is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportPhase {
    /// Fetching the files; bytes are those of the files as they come.
    Fetching,
    /// Waiting for the end of another load.
    Waiting,
    /// Looking at the files.
    #[default]
    Opening,
    /// Reading them.
    Reading,
    /// Bringing what was read into use.
    Publishing,
}

/// How far a load is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportProgress {
    /// Where the files come from, as people know it: a name or an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the files are, in words.
    pub what: String,
    /// What it is at.
    pub phase: ImportPhase,
    /// Uncompressed bytes that were read.
    pub bytes: u64,
    /// Of so many.
    pub of_bytes: u64,
    /// Rows of the main file that were read.
    pub rows: u64,
    /// Rows that were set aside.
    pub set_aside: u64,
    /// For how long it is at this, in milliseconds, where the database tells of it.
    pub phase_ms: u64,
}

impl ImportProgress {
    /// The files are known now.
    pub(super) fn begin(&mut self, summary: &ImportSummary, of_bytes: u64) {
        *self = Self {
            source: self.source.take(),
            what: summary.what.clone(),
            of_bytes,
            ..Self::default()
        };
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
