//! Imports of dissemination files.

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// Which file is loaded: exactly one of `path` and `url`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"url": "https://download.cms.gov/nppes/NPPES_Data_Dissemination_October_2026_V2.zip"}))]
pub struct ImportRequest {
    /// Name of a file in the folder that the server's settings name.
    pub path: Option<String>,
    /// Address of a file, over HTTPS. Where an earlier import has fetched a part of it, it goes on
    /// there.
    #[schema(
        example = "https://download.cms.gov/nppes/NPPES_Data_Dissemination_October_2026_V2.zip"
    )]
    pub url: Option<String>,
    /// Load it also when it is older than what is stored.
    pub force: Option<bool>,
}

/// A file that is sent.
#[derive(Debug, ToSchema)]
pub struct ImportUpload {
    /// Load it also when it is older than what is stored.
    pub force: Option<bool>,
    /// The file. Its name counts where it is not packed.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    pub file: String,
}

/// State of an import.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ImportState {
    /// Its file is fetched, or it waits for another.
    Fetching,
    /// Under way.
    Running,
    /// All of it is in the database.
    Done,
    /// Nothing of it is in the database; `reason` says why.
    Failed,
    /// Nothing of it is in the database, because somebody stopped it.
    Cancelled,
}

/// What an import is at.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ImportPhase {
    /// Fetching the file.
    Fetching,
    /// Waiting for the end of another import.
    Waiting,
    /// Looking at the file.
    Opening,
    /// Reading it.
    Reading,
    /// Bringing what was read into use.
    Publishing,
}

/// How far an import is.
#[derive(Debug, ToSchema)]
pub struct ImportProgress {
    /// What it is at.
    pub phase: ImportPhase,
    /// Bytes that have come, or were read: then of the unpacked files.
    pub bytes: u64,
    /// Of so many; 0 where that is not known.
    pub of_bytes: u64,
    /// Rows of the main file that were read.
    pub rows: u64,
    /// Rows that were set aside.
    pub set_aside: u64,
    /// How much of what it is at is done, in percent.
    #[schema(maximum = 99)]
    pub percent: u8,
    /// Bytes in a second.
    pub bytes_per_second: Option<u64>,
    /// Rows in a second.
    pub rows_per_second: Option<u64>,
    /// Seconds until the file has come, or was read.
    pub seconds_left: Option<f64>,
}

/// One file of an import.
#[derive(Debug, ToSchema)]
pub struct ImportedFile {
    /// Its name, within its archive.
    pub file: String,
    /// What it holds; why it was passed over, if it was.
    pub what: String,
    /// Its rows.
    pub rows: u64,
    /// Of these, set aside.
    pub set_aside: u64,
}

/// What an import did: `rows = created + updated + unchanged + deactivated + reactivated`, and those
/// rows of the main file that were set aside.
#[derive(Debug, ToSchema)]
pub struct ImportSummary {
    /// The import that did it: an earlier one, where the files had been loaded before.
    pub id: Option<String>,
    /// Where the files came from.
    pub source: Option<String>,
    /// What they are, in words.
    pub what: String,
    /// When these very files were loaded before; then nothing was done.
    #[schema(format = DateTime)]
    pub already_imported: Option<String>,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Each file that was read.
    pub files: Vec<ImportedFile>,
    /// Each that was not.
    pub passed_over: Vec<ImportedFile>,
    /// Rows of the main file, or of the report of deactivations.
    pub rows: u64,
    /// Providers not known before.
    pub created: u64,
    /// Known, with another record.
    pub updated: u64,
    /// Known, with this very record.
    pub unchanged: u64,
    /// Known before and missing from a full file.
    pub unpublished: u64,
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
    pub left_out: Vec<ImportValuesLeftOut>,
    /// How long it took.
    pub seconds: f64,
}

/// Values of one column that were left out for one reason.
#[derive(Debug, ToSchema)]
pub struct ImportValuesLeftOut {
    /// The file, within its archive.
    pub file: String,
    /// The column, without the number that those of taxonomies and identifiers have.
    pub column: String,
    /// What is wrong with them.
    #[schema(example = "is no date")]
    pub reason: String,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<ImportValueLeftOut>,
}

/// A value that was left out.
#[derive(Debug, ToSchema)]
pub struct ImportValueLeftOut {
    /// Its line in the file, from 1.
    pub line: u64,
    /// Whose it is.
    #[schema(example = "1234567893")]
    pub npi: String,
    /// Which value, and what is wrong with it.
    pub problem: String,
}

/// One load of dissemination files.
#[derive(Debug, ToSchema)]
pub struct Import {
    /// Identifier.
    pub id: String,
    /// What the files are, in words; until that is known, what they are called.
    pub what: String,
    /// Where they came from: a name or an address. Absent where the command line has loaded them.
    pub source: Option<String>,
    /// Whether they are the whole registry.
    pub full: bool,
    /// The last day they know of.
    #[schema(format = Date)]
    pub known_until: Option<String>,
    /// State.
    pub state: ImportState,
    /// Why it failed, or who stopped it.
    pub reason: Option<String>,
    /// How far it is, while it goes on.
    pub progress: Option<ImportProgress>,
    /// What it did, when it is done.
    pub report: Option<ImportSummary>,
    /// When it was asked for.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub created_at: String,
    /// When it ended.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub finished_at: Option<String>,
    /// From then until its end, or until now.
    pub seconds: f64,
}
