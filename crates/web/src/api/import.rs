//! `POST /api/leads/import`: leads from a file.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::{BoxError, Json};
use canvass_app::{App, Error, ImportReport};
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;

use super::request::{Query, invalid};
use super::schema;
use crate::access::Manager;
use crate::problem::Problem;

/// Bytes of a file at most.
pub const LARGEST: usize = 64 * 1024 * 1024;
/// How long an upload may stand still.
const STILL: Duration = Duration::from_secs(30);

/// A media type of spreadsheets.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A file that somebody sent.
pub struct Upload {
    /// The file, from its beginning.
    pub file: File,
    /// The character set that was declared for it.
    pub charset: Option<String>,
}

/// Import leads
///
/// From delimited text (CSV) or a spreadsheet (XLSX), as a body or as the field `file` of a form; what
/// it is is seen by its content. One of the first lines names the columns: `npi`, and as many of
/// `status`, `notes`, `owner`, `last_contact_at`, `last_contact_method` and `created_at` as there are,
/// or other usual names of these, such as `NPI Number`, `Comments`, `Assigned to` and `Last contact`.
/// Cells may be parted by commas, semicolons, tabs or `|`.
///
/// Text may be UTF-8, UTF-16 or Windows-1252; a `charset` of its `Content-Type` is honored unless a
/// byte order mark says otherwise. NPIs, statuses and times are read as spreadsheets and people write
/// them: `1.234567893E+09`, `Do not call`, `1/31/2026 5:00 PM`. Times without a zone are UTC, and a day
/// alone is its beginning. A row with an owner who is no user is rejected. Importing the same file
/// again changes nothing.
#[utoipa::path(
    post, path = "/api/leads/import", tag = "Leads", operation_id = "import_leads",
    extensions(("x-role" = json!("manager"))),
    params(("dry_run" = Option<bool>, Query, description = "Says what would happen and keeps nothing.")),
    request_body(description = "At most 64 MiB; a spreadsheet at most 100,000 rows", content(
        (String = "text/csv", example = json!("npi,status,notes\n1234567893,interested,Call back on Tuesday\n")),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (schema::ImportForm = "multipart/form-data"),
    )),
    responses((status = 200, description = "What came of it", body = schema::ImportReport)),
)]
pub async fn import(
    State(app): State<App>,
    Manager(actor): Manager,
    query: Query,
    request: Request,
) -> Result<Json<ImportReport>, Problem> {
    let dry_run = query.only(&["dry_run"])?.flag("dry_run")?;
    let declared = request.headers().get(header::CONTENT_TYPE);
    let declared = declared.and_then(|k| k.to_str().ok()).unwrap_or_default();
    let declared = declared.to_owned();
    let kind = declared.split(';').next().unwrap_or_default().trim();
    let upload = match kind.to_ascii_lowercase().as_str() {
        "text/csv" | XLSX => Upload {
            file: received(request.into_body().into_data_stream()).await?,
            charset: charset(&declared),
        },
        "multipart/form-data" => of_form(request).await?,
        _ => {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(format!(
                "Send the file as \"Content-Type: text/csv\", as \"{XLSX}\" or as a multipart form."
            )));
        }
    };
    let charset = upload.charset.as_deref();
    let report = app
        .import_leads_in(&actor, upload.file, charset, dry_run)
        .await?;
    Ok(Json(report))
}

/// The character set that a `Content-Type` names.
fn charset(kind: &str) -> Option<String> {
    kind.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let named = name.trim().eq_ignore_ascii_case("charset");
        let value = value.trim().trim_matches('"');
        (named && !value.is_empty()).then(|| value.to_owned())
    })
}

/// The field `file` of a form.
pub async fn of_form(request: Request) -> Result<Upload, Problem> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| Problem::of_status(e.status()).detail(e.body_text()))?;
    loop {
        let field = form
            .next_field()
            .await
            .map_err(|e| Problem::of_status(e.status()).detail(e.body_text()))?;
        match field {
            Some(field) if field.name() == Some("file") => {
                let charset = field.content_type().and_then(charset);
                let file = received(field).await?;
                return Ok(Upload { file, charset });
            }
            Some(_) => {}
            None => return Err(invalid("file", "the form has no file")),
        }
    }
}

/// What is sent, in a file that is gone when it is closed.
async fn received<E>(
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<File, Problem>
where
    E: Into<BoxError>,
{
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(Error::from)?);
    let mut length = 0;
    loop {
        let piece = tokio::time::timeout(STILL, pieces.next())
            .await
            .map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|e| broken_off(&e.into()))?;
        length += piece.len();
        if length > LARGEST {
            return Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        file.write_all(&piece).await.map_err(Error::from)?;
    }
    file.flush().await.map_err(Error::from)?;
    let mut file = file.into_std().await;
    file.seek(SeekFrom::Start(0)).map_err(Error::from)?;
    Ok(file)
}

fn broken_off(error: &BoxError) -> Problem {
    Problem::of_status(StatusCode::BAD_REQUEST).detail(format!(
        "The file did not come whole: {error}. Nothing was changed."
    ))
}
