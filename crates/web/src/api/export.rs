//! Exports as answers: streamed, with a name for the file.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use canvass_app::{App, ExportFormat, ExportOptions, ExportStream};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::request::{Others, misunderstood};
use crate::problem::{FieldError, Problem};

/// What an export is asked for besides a search.
pub const SHAPE: [&str; 3] = ["format", "columns", "bom"];

/// The form and the columns that [`SHAPE`] asks for: CSV with a byte order mark and the usual ones
/// when it asks for none.
pub fn options(others: &Others) -> Result<ExportOptions, Problem> {
    let columns = others.get("columns").unwrap_or_default();
    Ok(ExportOptions {
        columns: columns.split(',').map(ToOwned::to_owned).collect(),
        bom: others.get("bom").is_none() || others.flag("bom")?,
        ..format(others)?.into()
    })
}

fn format(others: &Others) -> Result<ExportFormat, Problem> {
    let Some(name) = others.get("format") else {
        return Ok(ExportFormat::Csv);
    };
    ExportFormat::parse(name)
        .map_err(|_| misunderstood(vec![FieldError::new("format", "csv, ndjson or xlsx")]))
}

/// A file of `what`, with the day in its name.
///
/// Its first piece is waited for, so that a failure before it is still told as one; a later one
/// breaks the answer off, which a client sees as a transfer that did not end.
pub async fn file(
    app: &App,
    what: &str,
    format: ExportFormat,
    mut pieces: ExportStream,
) -> Result<Response, Problem> {
    let first = pieces.next().await.transpose()?;
    let pieces = stream::iter(first.map(Ok))
        .chain(pieces)
        .inspect_err(|error| {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "an export broke off"
            );
        });
    let day = jiff::tz::Offset::UTC.to_datetime(app.clock().now()).date();
    let name = format!(
        "attachment; filename=\"canvass-{what}-{day}.{}\"",
        format.as_str()
    );
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
