//! Whole results as files, streamed: CSV, JSON lines and spreadsheets.
//!
//! Rows are read a page at a time, so memory stays the same however long a result is.

mod columns;
mod spreadsheet;

use std::collections::HashMap;

use canvass_model::{
    Cursor, Lead, LeadFilter, LeadPresence, LeadSort, LeadStatus, Npi, PageRequest, Provider,
    ProviderFilter, ProviderSort,
};
use canvass_store::Whole;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use crate::{App, Error};
use columns::{Columns, Line};

pub use columns::ExportList;
pub(crate) use columns::{protected, unprotected};

/// A file, piece by piece.
pub type ExportStream = BoxStream<'static, Result<Vec<u8>, Error>>;

/// Rows that are read at a time.
const PAGE: u32 = 1_000;
/// The byte order mark, which says that a text is UTF-8.
const BOM: &str = "\u{feff}";

/// In which form a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// RFC 4180, UTF-8, with a byte order mark unless it is not wanted. A cell that a spreadsheet would run as a formula begins with an
    /// apostrophe; an import takes it off again.
    Csv,
    /// One JSON object per line.
    Ndjson,
    /// Office Open XML.
    Xlsx,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Ndjson, Self::Xlsx];

    /// Its name, which is also how the name of a file ends.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Xlsx => "xlsx",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// From its name.
    ///
    /// # Errors
    /// When there is no such form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|f| f.as_str() == text)
            .ok_or_else(|| Error::invalid("format", "csv, ndjson or xlsx"))
    }
}

/// How a result is written. A form alone stands for the usual columns and all rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// Form.
    pub format: ExportFormat,
    /// Names of the columns, from left to right; the usual ones when there is none.
    pub columns: Vec<String>,
    /// Rows at most.
    pub most: u64,
    /// Whether CSV begins with a byte order mark. Excel takes a file without one for the encoding of
    /// the machine, and shows other letters than were written.
    pub bom: bool,
}

impl From<ExportFormat> for ExportOptions {
    fn from(format: ExportFormat) -> Self {
        Self {
            format,
            columns: Vec::new(),
            most: u64::MAX,
            bom: true,
        }
    }
}

impl App {
    /// The providers of a search as a file, in an order, or, quickest, as they are stored. What is
    /// written to the database meanwhile may or may
    /// not be in it.
    ///
    /// # Errors
    /// When the filter can't be understood or a column is none. The stream fails when the database
    /// does.
    pub fn export_providers(
        &self,
        filter: &ProviderFilter,
        sort: Option<ProviderSort>,
        options: impl Into<ExportOptions>,
    ) -> Result<ExportStream, Error> {
        let options = options.into();
        let columns = ExportList::Providers.chosen(&options.columns)?;
        let what = match sort {
            Some(sort) => What::Sorted(self.checked_search(filter, sort)?, sort),
            None => What::Stored(self.checked_filter(filter)?, None),
        };
        Ok(Rows::new(self, what, columns, options.most).into_file(&options))
    }

    /// The leads of a filter as a file, newest first: in the one order that no edit changes, so
    /// that none is missed that is edited meanwhile.
    ///
    /// # Errors
    /// When the filter can't be understood or a column is none. The stream fails when the database
    /// does.
    pub fn export_leads(
        &self,
        filter: &LeadFilter,
        options: impl Into<ExportOptions>,
    ) -> Result<ExportStream, Error> {
        let options = options.into();
        let columns = ExportList::Leads.chosen(&options.columns)?;
        let what = What::Leads(self.checked_lead_filter(filter)?);
        Ok(Rows::new(self, what, columns, options.most).into_file(&options))
    }
}

enum What {
    /// Providers in an order.
    Sorted(ProviderFilter, ProviderSort),
    /// Providers as they are stored, and those that are still to come, once they were looked for.
    Stored(ProviderFilter, Option<Box<Whole>>),
    Leads(LeadFilter),
}

/// Writes rows as text.
type Writer = fn(&App, &Columns, &[Row]) -> Result<Vec<u8>, Error>;

/// A row of an export.
struct Row {
    provider: Provider,
    /// Status of its lead, where an export of providers tells it.
    status: Option<LeadStatus>,
    /// Absent in an export of providers.
    lead: Option<Lead>,
}

/// The rows of a result, a page at a time.
struct Rows {
    app: App,
    what: What,
    columns: Columns,
    after: Option<Cursor>,
    /// Rows that may still come.
    left: u64,
}

impl Rows {
    fn new(app: &App, what: What, columns: Columns, most: u64) -> Self {
        Self {
            app: app.clone(),
            what,
            columns,
            after: None,
            left: most,
        }
    }

    /// The next rows; nothing after the last.
    async fn next(&mut self) -> Result<Option<Vec<Row>>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let store = self.app.store();
        let page = PageRequest {
            limit: u32::try_from(self.left).unwrap_or(PAGE).min(PAGE),
            after: self.after.take(),
        };
        let rows: Vec<Row> = match &mut self.what {
            What::Sorted(filter, sort) => {
                let found = store.search_records(filter, *sort, &page).await?;
                self.after = found.next;
                if self.after.is_none() {
                    self.left = 0;
                }
                self.with_statuses(found.items).await?
            }
            What::Stored(filter, whole) => {
                let whole = match whole {
                    Some(whole) => whole,
                    None => whole.insert(Box::new(store.whole(filter).await?)),
                };
                let found = store.next_of(whole, page.limit).await?;
                if found.is_empty() {
                    self.left = 0;
                }
                self.with_statuses(found).await?
            }
            What::Leads(filter) => {
                let found = store.leads(filter, LeadSort::Created, &page).await?;
                self.after = found.next;
                if self.after.is_none() {
                    self.left = 0;
                }
                let npis: Vec<Npi> = found.items.iter().map(|lead| lead.id).collect();
                let mut leads = found.items.into_iter();
                let providers = store.records(&npis).await?;
                let with_lead = providers.into_iter().map(|provider| Row {
                    status: None,
                    lead: leads.find(|lead| lead.id == provider.npi),
                    provider,
                });
                with_lead.collect()
            }
        };
        // Statuses are read after the providers: what has become or ceased to be what is asked for
        // in between is not told as if it were.
        let rows: Vec<Row> = rows.into_iter().filter(|row| self.fits(row)).collect();
        self.left -= self.left.min(rows.len() as u64);
        Ok(Some(rows))
    }

    /// Whether a row is, as a lead, what the filter of providers asks for, where a column tells it.
    fn fits(&self, row: &Row) -> bool {
        let (What::Sorted(filter, _) | What::Stored(filter, _)) = &self.what else {
            return true;
        };
        if !self.columns.tell_leads() {
            return true;
        }
        let is_lead = match filter.lead {
            Some(LeadPresence::Yes) => row.status.is_some(),
            Some(LeadPresence::No) => row.status.is_none(),
            None => true,
        };
        let statuses = &filter.lead_status;
        is_lead
            && (statuses.is_empty() || row.status.is_some_and(|status| statuses.contains(&status)))
    }

    /// Providers as rows; what became of them as leads is looked for where a column tells it.
    async fn with_statuses(&self, providers: Vec<Provider>) -> Result<Vec<Row>, Error> {
        let mut statuses = HashMap::new();
        if self.columns.tell_leads() {
            let npis: Vec<Npi> = providers.iter().map(|provider| provider.npi).collect();
            statuses = self.app.store().lead_statuses(&npis).await?;
        }
        let rows = providers.into_iter().map(|provider| Row {
            status: statuses.remove(&provider.npi),
            lead: None,
            provider,
        });
        Ok(rows.collect())
    }

    fn into_file(self, options: &ExportOptions) -> ExportStream {
        match options.format {
            ExportFormat::Csv => {
                let columns = self.columns.clone();
                let bom = options.bom;
                let header = stream::once(async move { csv_header(&columns, bom) });
                header.chain(self.lines(csv_lines)).boxed()
            }
            ExportFormat::Ndjson => self.lines(json_lines).boxed(),
            ExportFormat::Xlsx => stream::once(spreadsheet::file(self, spreadsheet::ROWS))
                .try_flatten()
                .boxed(),
        }
    }

    /// The rows as text, a page a piece.
    fn lines(
        self,
        write: Writer,
    ) -> impl futures_util::Stream<Item = Result<Vec<u8>, Error>> + Send {
        stream::try_unfold(self, move |mut rows| async move {
            let Some(page) = rows.next().await? else {
                return Ok(None);
            };
            let text = write(&rows.app, &rows.columns, &page)?;
            Ok(Some((text, rows)))
        })
    }
}

fn csv_writer(begun: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(begun)
}

fn csv_header(columns: &Columns, bom: bool) -> Result<Vec<u8>, Error> {
    let mark = if bom { BOM } else { "" };
    let mut writer = csv_writer(mark.into());
    writer
        .write_record(columns.iter().map(|c| c.name))
        .map_err(unwritable)?;
    writer.into_inner().map_err(|e| unwritable(e.into_error()))
}

fn csv_lines(app: &App, columns: &Columns, rows: &[Row]) -> Result<Vec<u8>, Error> {
    let mut writer = csv_writer(Vec::new());
    for row in rows {
        let cells = columns.iter().map(|c| columns::protected(c.of(row, app)));
        writer
            .write_record(cells.map(String::into_bytes))
            .map_err(unwritable)?;
    }
    writer.into_inner().map_err(|e| unwritable(e.into_error()))
}

fn json_lines(app: &App, columns: &Columns, rows: &[Row]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, &Line { app, columns, row }).map_err(unwritable)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("an export could not be written: {error}"))
}
