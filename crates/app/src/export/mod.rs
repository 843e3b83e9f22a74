//! Whole results as files, streamed: CSV, JSON lines and spreadsheets.
//!
//! Rows are read a page at a time, so memory stays the same however long a result is.

mod columns;
mod spreadsheet;

use canvass_model::{
    Cursor, Lead, LeadFilter, LeadSort, Npi, PageRequest, Provider, ProviderFilter, ProviderSort,
};
use canvass_store::Whole;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use crate::{App, Error};
use columns::{Column, LEAD, Line, PROVIDER};

pub(crate) use columns::{protected, unprotected};

/// A file, piece by piece.
pub type ExportStream = BoxStream<'static, Result<Vec<u8>, Error>>;

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// In which form a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// RFC 4180, UTF-8. A cell that a spreadsheet would run as a formula begins with an
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

impl App {
    /// All providers of a search as a file, in an order, or, quickest, as they are stored. What is
    /// written to the database meanwhile may or may
    /// not be in it.
    ///
    /// # Errors
    /// When the filter can't be understood. The stream fails when the database does.
    pub fn export_providers(
        &self,
        filter: &ProviderFilter,
        sort: Option<ProviderSort>,
        format: ExportFormat,
    ) -> Result<ExportStream, Error> {
        self.export_providers_up_to(filter, sort, format, u64::MAX)
    }

    /// The first providers of a search as a file, at most so many.
    ///
    /// # Errors
    /// When the filter can't be understood. The stream fails when the database does.
    pub fn export_providers_up_to(
        &self,
        filter: &ProviderFilter,
        sort: Option<ProviderSort>,
        format: ExportFormat,
        most: u64,
    ) -> Result<ExportStream, Error> {
        let what = match sort {
            Some(sort) => What::Sorted(self.checked_search(filter, sort)?, sort),
            None => What::Stored(self.checked_filter(filter)?, None),
        };
        Ok(Rows::new(self, what, most).into_file(format))
    }

    /// All leads of a filter as a file, newest first: in the one order that no edit changes, so
    /// that none is missed that is edited meanwhile.
    ///
    /// # Errors
    /// When the filter can't be understood. The stream fails when the database does.
    pub fn export_leads(
        &self,
        filter: &LeadFilter,
        format: ExportFormat,
    ) -> Result<ExportStream, Error> {
        self.export_leads_up_to(filter, format, u64::MAX)
    }

    /// The newest leads of a filter as a file, at most so many.
    ///
    /// # Errors
    /// When the filter can't be understood. The stream fails when the database does.
    pub fn export_leads_up_to(
        &self,
        filter: &LeadFilter,
        format: ExportFormat,
        most: u64,
    ) -> Result<ExportStream, Error> {
        let what = What::Leads(self.checked_lead_filter(filter)?);
        Ok(Rows::new(self, what, most).into_file(format))
    }
}

enum What {
    /// Providers in an order.
    Sorted(ProviderFilter, ProviderSort),
    /// Providers as they are stored, and those that are still to come, once they were looked for.
    Stored(ProviderFilter, Option<Whole>),
    Leads(LeadFilter),
}

/// Writes rows as text.
type Writer = fn(&App, &[Column], &[Row]) -> Result<Vec<u8>, Error>;

/// A row of an export.
struct Row {
    provider: Provider,
    /// Absent in an export of providers.
    lead: Option<Lead>,
}

impl From<Provider> for Row {
    fn from(provider: Provider) -> Self {
        Self {
            provider,
            lead: None,
        }
    }
}

/// The rows of a result, a page at a time.
struct Rows {
    app: App,
    what: What,
    after: Option<Cursor>,
    /// Rows that may still come.
    left: u64,
}

impl Rows {
    fn new(app: &App, what: What, most: u64) -> Self {
        Self {
            app: app.clone(),
            what,
            after: None,
            left: most,
        }
    }

    fn columns(&self) -> &'static [Column] {
        match self.what {
            What::Sorted(..) | What::Stored(..) => &PROVIDER,
            What::Leads(_) => &LEAD,
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
                found.items.into_iter().map(Row::from).collect()
            }
            What::Stored(filter, whole) => {
                let whole = match whole {
                    Some(whole) => whole,
                    None => whole.insert(store.whole(filter).await?),
                };
                let found = store.next_of(whole, page.limit).await?;
                if found.is_empty() {
                    self.left = 0;
                }
                found.into_iter().map(Row::from).collect()
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
                    lead: leads.find(|lead| lead.id == provider.npi),
                    provider,
                });
                with_lead.collect()
            }
        };
        self.left -= self.left.min(rows.len() as u64);
        Ok(Some(rows))
    }

    fn into_file(self, format: ExportFormat) -> ExportStream {
        let columns = self.columns();
        match format {
            ExportFormat::Csv => {
                let header = stream::once(async move { csv_header(columns) });
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
            let text = write(&rows.app, rows.columns(), &page)?;
            Ok(Some((text, rows)))
        })
    }
}

fn csv_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new())
}

fn csv_header(columns: &[Column]) -> Result<Vec<u8>, Error> {
    let mut writer = csv_writer();
    writer
        .write_record(columns.iter().map(|c| c.name))
        .map_err(unwritable)?;
    writer.into_inner().map_err(|e| unwritable(e.into_error()))
}

fn csv_lines(app: &App, columns: &[Column], rows: &[Row]) -> Result<Vec<u8>, Error> {
    let mut writer = csv_writer();
    for row in rows {
        let cells = columns.iter().map(|c| columns::protected(c.of(row, app)));
        writer
            .write_record(cells.map(String::into_bytes))
            .map_err(unwritable)?;
    }
    writer.into_inner().map_err(|e| unwritable(e.into_error()))
}

fn json_lines(app: &App, columns: &[Column], rows: &[Row]) -> Result<Vec<u8>, Error> {
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
