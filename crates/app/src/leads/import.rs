//! Leads from a CSV file: the way back of an export.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use canvass_model::{ContactMethod, LeadStatus, Npi, Role};
use canvass_store::{ImportOutcome, LeadRow};
use jiff::Timestamp;
use serde::Serialize;

use super::text_problem;
use crate::{Actor, App, Error, export::unprotected};

/// Rows that one transaction writes.
const BATCH: usize = 1_000;
/// Rows that a file may have.
const MOST_ROWS: u64 = 5_000_000;
/// Bytes that a row may have.
const MOST_ROW: u64 = 1 << 20;
/// Rejected rows that are listed; all are counted.
const MOST_LISTED: usize = 1_000;

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Line of the file where it begins.
    pub line: u64,
    /// What it gave as NPI.
    pub npi: String,
    /// Why.
    pub reason: String,
}

/// The answer to an import: `rows = created + updated + unchanged + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows read, the line of names aside.
    pub rows: u64,
    /// New leads.
    pub created: u64,
    /// Leads that were there and have changed.
    pub updated: u64,
    /// Leads that were there and are as the file says.
    pub unchanged: u64,
    /// Rows not taken.
    pub rejected: u64,
    /// The first 1,000 of them.
    pub rejections: Vec<Rejection>,
    /// Rows of which the status was passed over, because the lead is marked `do_not_call`. They
    /// are among the updated and unchanged.
    pub suppressed: u64,
    /// Owners that are no users who may sign in; their leads have got no owner.
    pub unknown_owners: BTreeSet<String>,
}

impl App {
    /// Reads leads from CSV. The first line names the columns, in any order: `npi`, and as many of
    /// `status`, `notes`, `owner` (a name), `last_contact_at`, `last_contact_method` and
    /// `created_at` as there are; other columns are passed over. Cells are parted by commas.
    ///
    /// A column that is there is taken as it is: an empty cell clears, but for `status` and
    /// `created_at`, where it says nothing. A lead marked `do_not_call` keeps its status.
    /// With `dry_run` nothing is kept.
    ///
    /// # Errors
    /// When the actor is no manager or the file can't be read. What was read before a row that
    /// can't be read, in whole thousands of rows, is kept; importing again is harmless.
    pub async fn import_leads(
        &self,
        actor: &Actor,
        file: impl Read + Send,
        dry_run: bool,
    ) -> Result<ImportReport, Error> {
        actor.require(Role::Manager)?;
        let mut users = HashMap::new();
        for user in self.store().users().await? {
            if !user.disabled {
                users.insert(canvass_store::name_key(&user.name), user.id);
            }
        }
        let mut file = File::open(file);
        let mut reading = Reading {
            columns: file.columns()?,
            users,
            now: self.clock().now(),
            seen: HashSet::new(),
            report: ImportReport::default(),
        };
        let mut batch: Vec<Placed> = Vec::with_capacity(BATCH);
        let mut record = csv::ByteRecord::new();
        while file.next(&mut record)? {
            reading.report.rows += 1;
            if reading.report.rows > MOST_ROWS {
                let problem = format!("more than {MOST_ROWS} rows: split it; these were imported");
                return Err(Error::invalid("file", problem));
            }
            let line = record.position().map_or(0, csv::Position::line) + file.behind;
            match reading.row(&record) {
                Ok(row) => batch.push(Placed { line, row }),
                Err((npi, reason)) => reading.report.reject(line, npi, reason),
            }
            if batch.len() == BATCH {
                self.import_batch(actor, &mut batch, dry_run, &mut reading.report)
                    .await?;
            }
        }
        self.import_batch(actor, &mut batch, dry_run, &mut reading.report)
            .await?;
        let report = reading.report;
        tracing::info!(by = %actor.name, rows = report.rows, created = report.created, dry_run, "imported leads");
        Ok(report)
    }

    async fn import_batch(
        &self,
        actor: &Actor,
        batch: &mut Vec<Placed>,
        dry_run: bool,
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        let (lines, rows): (Vec<u64>, Vec<LeadRow>) =
            batch.drain(..).map(|p| (p.line, p.row)).unzip();
        let now = self.clock().now();
        let store = self.store();
        let mut attempts = 0;
        let outcomes = loop {
            match store.import_leads(&rows, actor.id(), dry_run, now).await {
                Err(canvass_store::Error::Conflict) if attempts < 5 => attempts += 1,
                other => break other?,
            }
        };
        for ((outcome, suppressed), (line, row)) in outcomes.iter().zip(lines.iter().zip(&rows)) {
            report.suppressed += u64::from(*suppressed);
            match outcome {
                ImportOutcome::Created => report.created += 1,
                ImportOutcome::Updated => report.updated += 1,
                ImportOutcome::Unchanged => report.unchanged += 1,
                ImportOutcome::NoSuchProvider => report.reject(
                    *line,
                    row.npi.to_string(),
                    "no provider with this NPI is known here; pull or import it first".to_owned(),
                ),
            }
        }
        Ok(())
    }
}

impl ImportReport {
    fn reject(&mut self, line: u64, npi: String, reason: String) {
        self.rejected += 1;
        if self.rejections.len() < MOST_LISTED {
            self.rejections.push(Rejection { line, npi, reason });
        }
    }
}

/// A row with its line.
struct Placed {
    line: u64,
    row: LeadRow,
}

/// A CSV file of which no row can take more memory than a row may.
struct File<R> {
    reader: csv::Reader<Bounded<R>>,
    /// Up to which byte the reader may read.
    allowed: Arc<AtomicU64>,
    /// What has to be added to the reader's lines: it ends a row at CR, and counts the LF that
    /// follows to the next one.
    behind: u64,
}

struct Bounded<R> {
    inner: R,
    read: u64,
    allowed: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read > self.allowed.load(Ordering::Relaxed) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a row has more than {MOST_ROW} bytes; is a quote not closed?"),
            ));
        }
        let n = self.inner.read(buffer)?;
        self.read += n as u64;
        Ok(n)
    }
}

impl<R: Read> File<R> {
    fn open(file: R) -> Self {
        let allowed = Arc::new(AtomicU64::new(MOST_ROW));
        let reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(Bounded {
                inner: file,
                read: 0,
                allowed: allowed.clone(),
            });
        Self {
            reader,
            allowed,
            behind: 0,
        }
    }

    fn next(&mut self, record: &mut csv::ByteRecord) -> Result<bool, Error> {
        let line = self.reader.position().line() + self.behind;
        let more = self
            .reader
            .read_byte_record(record)
            .map_err(|e| unreadable(e, line))?;
        let here = self.reader.position().byte();
        self.allowed.store(here + MOST_ROW, Ordering::Relaxed);
        Ok(more)
    }

    /// The place of each column that is known.
    fn columns(&mut self) -> Result<Columns, Error> {
        let names = self
            .reader
            .byte_headers()
            .map_err(|e| unreadable(e, 1))?
            .clone();
        self.behind = u64::from(self.reader.position().line() < 2);
        let names: Vec<String> = names
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .collect();
        let place = |wanted: &str| {
            let mut places = names.iter().enumerate().filter(|(_, n)| *n == wanted);
            match (places.next(), places.next()) {
                (_, Some(_)) => Err(Error::invalid(
                    "file",
                    format!("the column {wanted} is there twice"),
                )),
                (found, None) => Ok(found.map(|(place, _)| place)),
            }
        };
        let npi = place("npi")?.ok_or_else(|| {
            Error::invalid(
                "file",
                "the first line has to name the columns, parted by commas, and one of them is npi",
            )
        })?;
        Ok(Columns {
            width: names.len(),
            npi,
            status: place("status")?,
            notes: place("notes")?,
            owner: place("owner")?,
            last_contact_at: place("last_contact_at")?,
            last_contact_method: place("last_contact_method")?,
            created_at: place("created_at")?,
        })
    }
}

fn unreadable(error: csv::Error, line: u64) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) if e.kind() != io::ErrorKind::InvalidData => Error::Io(e),
        csv::ErrorKind::Io(e) => Error::invalid("file", format!("line {line}: {e}")),
        other => Error::invalid("file", format!("line {line}: {other:?}")),
    }
}

/// Places of the columns in a row.
struct Columns {
    width: usize,
    npi: usize,
    status: Option<usize>,
    notes: Option<usize>,
    owner: Option<usize>,
    last_contact_at: Option<usize>,
    last_contact_method: Option<usize>,
    created_at: Option<usize>,
}

/// What is known while rows are read.
struct Reading {
    columns: Columns,
    /// Identifiers of users, by the keys of their names.
    users: HashMap<String, String>,
    now: Timestamp,
    seen: HashSet<Npi>,
    report: ImportReport,
}

impl Reading {
    /// What a row says, or its NPI with what is wrong with it.
    fn row(&mut self, record: &csv::ByteRecord) -> Result<LeadRow, (String, String)> {
        let npi = record.get(self.columns.npi).unwrap_or_default();
        let npi = String::from_utf8_lossy(npi)
            .trim()
            .chars()
            .take(40)
            .collect();
        match self.parsed(record) {
            Ok(row) => Ok(row),
            Err(reason) => Err((npi, reason)),
        }
    }

    fn parsed(&mut self, record: &csv::ByteRecord) -> Result<LeadRow, String> {
        let width = self.columns.width;
        if record.len() != width {
            return Err(format!(
                "{} cells, and the first line names {width}",
                record.len()
            ));
        }
        let cell = |place: Option<usize>| -> Result<Option<&str>, String> {
            let Some(bytes) = place.and_then(|place| record.get(place)) else {
                return Ok(None);
            };
            std::str::from_utf8(bytes)
                .map(|text| Some(unprotected(text)))
                .map_err(|_| "a cell is not UTF-8".to_owned())
        };
        let columns = &self.columns;
        let npi: Npi = cell(Some(columns.npi))?
            .unwrap_or_default()
            .parse()
            .map_err(|e: canvass_model::InvalidNpi| e.to_string())?;
        if self.seen.contains(&npi) {
            return Err("an earlier row has this NPI".to_owned());
        }
        let status = match cell(columns.status)?.map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(
                text.parse::<LeadStatus>()
                    .map_err(|e| format!("status: {e}"))?,
            ),
        };
        let notes = cell(columns.notes)?;
        if let Some(problem) = notes.and_then(text_problem) {
            return Err(format!("notes: {problem}"));
        }
        let last_contact_at = cell(columns.last_contact_at)?
            .map(|text| self.time("last_contact_at", text))
            .transpose()?;
        let last_contact_method = match cell(columns.last_contact_method)?.map(str::trim) {
            None => None,
            Some("") => Some(None),
            Some(text) => Some(Some(
                ContactMethod::parse(text).ok_or("last_contact_method: call, email or both")?,
            )),
        };
        let created_at = cell(columns.created_at)?
            .map(|text| self.time("created_at", text))
            .transpose()?
            .flatten();
        let owner = match cell(columns.owner)?.map(str::trim) {
            None => None,
            Some("") => Some(None),
            Some(name) => {
                let id = self.users.get(&canvass_store::name_key(name)).cloned();
                if id.is_none() && self.report.unknown_owners.len() < MOST_LISTED {
                    let name = name.chars().take(100).collect();
                    self.report.unknown_owners.insert(name);
                }
                // Who can't be found takes the lead from nobody.
                id.map(Some)
            }
        };
        self.seen.insert(npi);
        Ok(LeadRow {
            npi,
            status,
            notes: notes.map(str::to_owned),
            owner_id: owner,
            last_contact_at,
            last_contact_method,
            created_at,
        })
    }

    /// A time in the past; nothing for an empty cell.
    fn time(&self, name: &str, text: &str) -> Result<Option<Timestamp>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let at: Timestamp = text
            .parse()
            .map_err(|_| format!("{name}: a time as in 2026-01-31T17:00:00Z"))?;
        if at < Timestamp::UNIX_EPOCH || at > self.now {
            return Err(format!("{name}: a time since 1970 and not in the future"));
        }
        // Both databases keep microseconds.
        Ok(Timestamp::from_microsecond(at.as_microsecond()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_is_never_closed_ends_the_import_not_the_memory() {
        let endless = io::Read::chain(&b"npi,notes\n1,\""[..], io::repeat(b'x'));
        let mut file = File::open(endless);
        file.columns().unwrap();
        let refused = file.next(&mut csv::ByteRecord::new());
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }

    #[test]
    fn a_file_may_be_longer_than_a_row() {
        let row = format!("1,{}\n", "x".repeat(600_000));
        let text = format!("npi,notes\n{}", row.repeat(5));
        let mut file = File::open(text.as_bytes());
        file.columns().unwrap();
        let mut rows = 0;
        while file.next(&mut csv::ByteRecord::new()).unwrap() {
            rows += 1;
        }
        assert_eq!(rows, 5);
    }
}
