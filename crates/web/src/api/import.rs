//! `POST /api/leads/import`: leads from a CSV file.

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

/// Import leads
///
/// From CSV, as a body or as the field `file` of a form. The first line names the columns: `npi`, and
/// as many of `status`, `notes`, `owner`, `last_contact_at`, `last_contact_method` and `created_at`
/// as there are. Importing the same file again changes nothing.
#[utoipa::path(
    post, path = "/api/leads/import", tag = "Leads", operation_id = "import_leads",
    extensions(("x-role" = json!("manager"))),
    params(("dry_run" = Option<bool>, Query, description = "Says what would happen and keeps nothing.")),
    request_body(description = "At most 64 MiB", content(
        (String = "text/csv", example = json!("npi,status,notes\n1234567893,interested,Call back on Tuesday\n")),
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
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|k| k.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let file = match kind.to_ascii_lowercase().as_str() {
        "text/csv" => received(request.into_body().into_data_stream()).await?,
        "multipart/form-data" => of_form(request).await?,
        _ => {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("Send the file as \"Content-Type: text/csv\" or as a multipart form."));
        }
    };
    Ok(Json(app.import_leads(&actor, file, dry_run).await?))
}

/// The field `file` of a form.
pub async fn of_form(request: Request) -> Result<File, Problem> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| Problem::of_status(e.status()).detail(e.body_text()))?;
    loop {
        let field = form
            .next_field()
            .await
            .map_err(|e| Problem::of_status(e.status()).detail(e.body_text()))?;
        match field {
            Some(field) if field.name() == Some("file") => return received(field).await,
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
