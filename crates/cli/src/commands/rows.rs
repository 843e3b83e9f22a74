//! Rows of a list, of providers or of leads: page after page, as a table, as JSON, as a file.

use std::io::{BufWriter, Write};

use canvass_app::{Error, ExportFormat, ExportOptions, ExportStream};
use canvass_model::{Page, PageRequest, Total};
use futures_util::StreamExt;
use serde::Serialize;

use crate::{
    args::{ColumnArgs, Format},
    failure::Failure,
    table::{Table, thousands},
};

/// Rows of a table when nobody says otherwise.
pub(crate) const TABLE_ROWS: u64 = 50;

/// Calls `each` with the rows of a list, page after page, until there are so many.
pub(crate) async fn walk<T>(
    limit: u64,
    page: impl AsyncFn(&PageRequest) -> Result<Page<T>, Error>,
    mut each: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut left = limit;
    let mut after = None;
    while left > 0 {
        let size = u32::try_from(left).unwrap_or(u32::MAX);
        let limit = size.min(PageRequest::MAX_LIMIT);
        let found = page(&PageRequest { limit, after }).await?;
        left -= found.items.len() as u64;
        for row in found.items {
            each(row)?;
        }
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

/// Prints a table, and beside it how many rows of how many it has.
pub(crate) fn print(table: &Table, total: Total, noun: &str) -> Result<(), Failure> {
    table.print(&mut std::io::stdout().lock())?;
    let about = if total.exact { "" } else { "about " };
    eprintln!(
        "{} of {about}{} {noun}",
        thousands(table.len()),
        thousands(total.count)
    );
    Ok(())
}

/// Prints a list as the API gives it, all of it or so many rows; `shown` is how it shows one.
pub(crate) async fn json<T, U: Serialize>(
    total: Total,
    limit: Option<u64>,
    page: impl AsyncFn(&PageRequest) -> Result<Page<T>, Error>,
    shown: impl Fn(T) -> U,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write!(
        out,
        "{{\"total\":{},\"items\":[",
        serde_json::to_string(&total)?
    )?;
    let mut between = "";
    walk(limit.unwrap_or(u64::MAX), page, |row| {
        out.write_all(between.as_bytes())?;
        between = ",";
        Ok(serde_json::to_writer(&mut out, &shown(row))?)
    })
    .await?;
    writeln!(out, "]}}")?;
    Ok(out.flush()?)
}

/// How the flags want a file: its form, its columns, and so many rows of it.
pub(crate) fn file_options(
    format: Format,
    columns: ColumnArgs,
    limit: Option<u64>,
) -> Result<ExportOptions, Failure> {
    Ok(ExportOptions {
        format: file_format(format)?,
        columns: columns.columns,
        most: limit.unwrap_or(u64::MAX),
        bom: !columns.no_bom,
    })
}

/// Refuses columns for what is no file.
pub(crate) fn no_columns(columns: &ColumnArgs) -> Result<(), Failure> {
    if columns.no_bom {
        return Err(Failure::Usage("--no-bom goes with --format csv".into()));
    }
    if columns.columns.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(
        "--columns goes with --format csv, ndjson or xlsx".into(),
    ))
}

/// The export format of a flag.
fn file_format(format: Format) -> Result<ExportFormat, Failure> {
    match format {
        Format::Csv => Ok(ExportFormat::Csv),
        Format::Ndjson => Ok(ExportFormat::Ndjson),
        Format::Xlsx => Ok(ExportFormat::Xlsx),
        Format::Table | Format::Json => Err(Failure::Usage("--format: csv, ndjson or xlsx".into())),
    }
}

/// Writes an export as it comes.
pub(crate) async fn copy(mut rows: ExportStream, out: &mut impl Write) -> Result<(), Failure> {
    while let Some(piece) = rows.next().await {
        out.write_all(&piece?)?;
    }
    Ok(out.flush()?)
}
