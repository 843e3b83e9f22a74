//! `POST /leads/import`: leads from a file that a form sends.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::ImportPanel;
use super::handlers::after_import;
use crate::access::Manager;
use crate::api;
use crate::pages::visit::{Visit, fields, sentences};
use crate::problem::Problem;
use crate::server::Server;

pub fn router() -> Router<Server> {
    let limit = DefaultBodyLimit::max(api::import::LARGEST + 64 * 1024);
    Router::new().route("/leads/import", post(import).layer(limit))
}

/// Answers with the report itself, which is too long for a notice. Loading it again imports again,
/// which changes nothing.
async fn import(
    Manager(actor): Manager,
    visit: Visit,
    request: Request,
) -> Result<Response, Problem> {
    let upload = api::import::of_form(request).await?;
    let charset = upload.charset.as_deref();
    let imported = visit
        .app()
        .import_leads_in(&actor, upload.file, charset, false);
    let (status, panel) = match imported.await {
        Ok(report) => {
            let panel = ImportPanel {
                report: Some(report),
                error: None,
            };
            (StatusCode::OK, panel)
        }
        Err(error) => {
            let panel = ImportPanel {
                report: None,
                error: Some(sentences(&fields(error)?)),
            };
            (StatusCode::UNPROCESSABLE_ENTITY, panel)
        }
    };
    Ok((status, after_import(&visit, &actor, panel).await?).into_response())
}
