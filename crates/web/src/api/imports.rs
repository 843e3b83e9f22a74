//! `/api/imports`: loading the registry's dissemination files.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use canvass_app::{Actor, App, ExportFormat, ImportSource, ImportView, NewUpload};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::answer::List;
use super::request::{Body as JsonBody, Query, id, invalid};
use super::{export, schema};
use crate::access::Manager;
use crate::events;
use crate::problem::Problem;

const WHAT: &str = "such import";
/// How long an upload may stand still.
const STILL: Duration = Duration::from_mins(1);
/// Bytes of a form beside those of its file, more or less.
const BESIDE: u64 = 1_024;

/// What is asked for, besides an upload.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    path: Option<String>,
    url: Option<String>,
    force: bool,
}

impl Asked {
    fn source(self) -> Result<ImportSource, Problem> {
        match (self.path, self.url) {
            (Some(path), None) => Ok(ImportSource::Path(path)),
            (None, Some(url)) => Ok(ImportSource::Url(url)),
            _ => Err(invalid(
                "path",
                "give one of path and url, or send the file as a form",
            )),
        }
    }
}

/// Start an import
///
/// Loads a dissemination file of the registry: monthly, weekly, or the report of deactivated NPIs, as
/// it is published or unpacked. What it is, its content tells. The file is one of the folder that the
/// server's settings name, one at an `https` address, or the field `file` of a form. The import goes
/// on in the background; one that comes while another runs waits for its turn. The same file again
/// changes nothing and says so.
#[utoipa::path(
    post, path = "/api/imports", tag = "Imports", operation_id = "start_import",
    extensions(("x-role" = json!("manager"))),
    request_body(description = "Where the file is, or the file", content(
        (schema::ImportRequest = "application/json"),
        (schema::ImportUpload = "multipart/form-data"),
    )),
    responses(
        (status = 202, description = "It was accepted", body = schema::Import,
            headers(("Location" = String, description = "Where its progress is"))),
        (status = 409, response = schema::ProblemResponse),
    ),
)]
pub async fn start(
    State(app): State<App>,
    Manager(actor): Manager,
    request: Request,
) -> Result<Response, Problem> {
    let import = if is_form(&request) {
        received(&app, &actor, request).await?
    } else {
        let JsonBody(asked) = JsonBody::<Asked>::from_request(request, &()).await?;
        let force = asked.force;
        app.start_import(&actor, asked.source()?, force).await?
    };
    let location = format!("/api/imports/{}", import.id);
    let accepted = StatusCode::ACCEPTED;
    Ok((accepted, [(header::LOCATION, location)], Json(import)).into_response())
}

/// Whether a request is a form with a file.
pub fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|k| k.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// Takes the file that a form sends, and starts its import.
pub async fn received(app: &App, actor: &Actor, request: Request) -> Result<ImportView, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|l| l.to_str().ok()?.parse().ok());
    // What reads the form takes in all that is ready; this way that is one piece at a time. It asks
    // twice in a row while it looks for the first boundary, and takes an end that comes the second
    // time for too early, so twice nothing is ready.
    let request = request.map(|body| {
        Body::from_stream(body.into_data_stream().then(async |piece| {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            piece
        }))
    });
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| Problem::of_status(e.status()).detail(e.body_text()))?;
    let mut force = false;
    let mut sent: Option<NewUpload> = None;
    while let Some(field) = form.next_field().await.map_err(broken_off)? {
        match field.name() {
            Some("file") if sent.is_none() => {
                sent = Some(received_file(app, actor, field, length).await?);
            }
            Some("force") => {
                let text = field.text().await.map_err(broken_off)?;
                force = matches!(text.trim(), "true" | "yes" | "on" | "1");
            }
            _ => {}
        }
    }
    let sent = sent.ok_or_else(|| invalid("file", "the form has no file"))?;
    Ok(sent.load(force).await?)
}

async fn received_file(
    app: &App,
    actor: &Actor,
    mut field: Field<'_>,
    length: Option<u64>,
) -> Result<NewUpload, Problem> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut sent = app.receive_import(actor, &name).await?;
    if let Some(length) = length.and_then(|l| l.checked_sub(BESIDE)) {
        sent.expect(length)?;
    }
    loop {
        let piece = tokio::time::timeout(STILL, field.chunk())
            .await
            .map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?;
        match piece.map_err(broken_off)? {
            Some(piece) => sent.write(&piece).await?,
            None => return Ok(sent),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where errors are mapped"
)]
fn broken_off(error: MultipartError) -> Problem {
    Problem::of_status(error.status()).detail(format!(
        "The form did not come whole: {}. Nothing was changed.",
        error.body_text()
    ))
}

/// List imports
///
/// The latest first.
#[utoipa::path(
    get, path = "/api/imports", tag = "Imports", operation_id = "list_imports",
    extensions(("x-role" = json!("manager"))),
    params(("limit" = Option<u32>, Query, description = "Rows at most.", minimum = 1, maximum = 200)),
    responses((status = 200, description = "Imports", body = List<schema::Import>)),
)]
pub async fn list(
    State(app): State<App>,
    _: Manager,
    query: Query,
) -> Result<Json<List<ImportView>>, Problem> {
    let limit = query.only(&["limit"])?.count("limit", 50, 200)?;
    let imports = app.imports_of_late(limit).await?;
    Ok(Json(List::whole(imports, Some(limit))))
}

/// Get an import
///
/// With its progress while it goes on, and its report when it is done.
#[utoipa::path(
    get, path = "/api/imports/{id}", tag = "Imports", operation_id = "get_import",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the import")),
    responses((status = 200, description = "The import", body = schema::Import)),
)]
pub async fn show(
    State(app): State<App>,
    _: Manager,
    Path(import): Path<String>,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(found(&app, &import).await?))
}

/// Follow an import
///
/// Server-sent events: `progress` with the import whenever something in it changed, first of all as
/// it is now, and `end` with the import at its end, after which the stream closes.
#[utoipa::path(
    get, path = "/api/imports/{id}/events", tag = "Imports", operation_id = "follow_import",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the import")),
    responses((status = 200, description = "Events; the data of each is the import as JSON",
        body = String, content_type = "text/event-stream")),
)]
pub async fn follow(
    State(app): State<App>,
    State(stopping): State<CancellationToken>,
    _: Manager,
    Path(import): Path<String>,
) -> Result<Response, Problem> {
    let import = found(&app, &import).await?;
    Ok(events::of(app, import, stopping))
}

/// Stop an import
///
/// Nothing of it is kept. Stopping one that is stopped changes nothing.
#[utoipa::path(
    post, path = "/api/imports/{id}/cancel", tag = "Imports", operation_id = "cancel_import",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the import")),
    responses(
        (status = 200, description = "The import", body = schema::Import),
        (status = 409, response = schema::ProblemResponse),
    ),
)]
pub async fn cancel(
    State(app): State<App>,
    Manager(actor): Manager,
    Path(import): Path<String>,
) -> Result<Json<ImportView>, Problem> {
    let import = app.cancel_import(&actor, id(WHAT, &import)?).await?;
    Ok(Json(import))
}

/// Download rows set aside
///
/// The rows that an import could not understand, or that belong to nothing, as CSV: file, line, NPI,
/// reason, and the row.
#[utoipa::path(
    get, path = "/api/imports/{id}/set-asides", tag = "Imports", operation_id = "export_import_set_asides",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the import")),
    responses((status = 200, description = "A file", body = String, content_type = "text/csv")),
)]
pub async fn set_asides(
    State(app): State<App>,
    _: Manager,
    Path(import): Path<String>,
) -> Result<Response, Problem> {
    let rows = app.import_set_asides(id(WHAT, &import)?).await?;
    export::file(&app, "set-asides", ExportFormat::Csv, rows).await
}

async fn found(app: &App, import: &str) -> Result<ImportView, Problem> {
    let import = app.import(id(WHAT, import)?).await?;
    import.ok_or_else(|| Problem::not_found(WHAT))
}
