//! `/api/sync`: pulling specialties from the registry.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use canvass_app::App;
use canvass_model::{SyncRequest, SyncRun};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::answer::List;
use super::request::{Body, Query, id, idempotency_key, wait};
use super::schema;
use crate::access::Manager;
use crate::events;
use crate::problem::Problem;

/// Start a sync
///
/// Pulls specialties at a place from the registry. It goes on in the background; with
/// `Prefer: wait=N` the answer comes when it is at its end, or after N seconds. All specialties of a
/// request are one job.
#[utoipa::path(
    post, path = "/api/sync", tag = "Sync", operation_id = "start_sync",
    extensions(("x-role" = json!("manager"))),
    params(("Prefer" = Option<String>, Header, description = "`wait=N` waits for the end, at most N and 600 seconds.", example = "wait=60")),
    request_body = schema::SyncRequest,
    responses(
        (status = 202, description = "It was enqueued, or is not yet at its end", body = schema::SyncRun,
            headers(("Location" = String, description = "Where its progress is"))),
        (status = 200, description = "It is at its end", body = schema::SyncRun),
    ),
)]
pub async fn start(
    State(app): State<App>,
    Manager(actor): Manager,
    headers: HeaderMap,
    Body(request): Body<SyncRequest>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers);
    let once = actor.idempotency(key.as_deref(), "sync", &request)?;
    let wait = wait(&headers);
    let mut run = app
        .start_sync(actor.user_id.as_deref(), request, once)
        .await?;
    if let Some(longest) = wait {
        run = app.wait_sync(&run.id, longest).await?;
    }
    let status = if wait.is_some() && run.state.is_over() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let location = format!("/api/sync/{}", run.id);
    let mut response = (status, [(header::LOCATION, location)], Json(run)).into_response();
    if let Some(longest) = wait {
        let applied = format!("wait={}", longest.as_secs());
        if let Ok(applied) = applied.parse() {
            response.headers_mut().insert("preference-applied", applied);
        }
    }
    Ok(response)
}

/// List syncs
///
/// The latest first.
#[utoipa::path(
    get, path = "/api/sync", tag = "Sync", operation_id = "list_syncs",
    extensions(("x-role" = json!("manager"))),
    params(("limit" = Option<u32>, Query, description = "Rows at most.", minimum = 1, maximum = 200)),
    responses((status = 200, description = "Syncs", body = List<schema::SyncRun>)),
)]
pub async fn list(
    State(app): State<App>,
    _: Manager,
    query: Query,
) -> Result<Json<List<SyncRun>>, Problem> {
    let limit = query.only(&["limit"])?.count("limit", 50, 200)?;
    Ok(Json(List::whole(app.sync_runs(limit).await?, Some(limit))))
}

/// Get a sync
///
/// With its counts and coverage.
#[utoipa::path(
    get, path = "/api/sync/{id}", tag = "Sync", operation_id = "get_sync",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the sync")),
    responses((status = 200, description = "The sync", body = schema::SyncRun)),
)]
pub async fn show(
    State(app): State<App>,
    _: Manager,
    Path(run): Path<String>,
) -> Result<Json<SyncRun>, Problem> {
    Ok(Json(found(&app, &run).await?))
}

/// Follow a sync
///
/// Server-sent events: `progress` with the sync whenever something in it changed, first of all as
/// it is now, and `end` with the sync at its end, after which the stream closes.
#[utoipa::path(
    get, path = "/api/sync/{id}/events", tag = "Sync", operation_id = "follow_sync",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the sync")),
    responses((status = 200, description = "Events; the data of each is the sync as JSON",
        body = String, content_type = "text/event-stream")),
)]
pub async fn follow(
    State(app): State<App>,
    State(stopping): State<CancellationToken>,
    _: Manager,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    let run = found(&app, &run).await?;
    Ok(events::of(app, run, stopping))
}

/// Stop a sync
///
/// What was stored stays, and it can be resumed. Stopping one that is stopped changes nothing.
#[utoipa::path(
    post, path = "/api/sync/{id}/cancel", tag = "Sync", operation_id = "cancel_sync",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the sync")),
    responses(
        (status = 200, description = "The sync", body = schema::SyncRun),
        (status = 409, response = schema::ProblemResponse),
    ),
)]
pub async fn cancel(
    State(app): State<App>,
    _: Manager,
    Path(run): Path<String>,
) -> Result<Json<SyncRun>, Problem> {
    Ok(Json(app.cancel_sync(id("such sync", &run)?).await?))
}

/// Go on with a sync
///
/// Goes on with one that was stopped, and asks again for what failed in one that is at its end.
/// Resuming one that is under way changes nothing.
#[utoipa::path(
    post, path = "/api/sync/{id}/resume", tag = "Sync", operation_id = "resume_sync",
    extensions(("x-role" = json!("manager"))),
    params(("id" = String, Path, description = "Identifier of the sync")),
    responses(
        (status = 200, description = "The sync", body = schema::SyncRun),
        (status = 409, response = schema::ProblemResponse),
    ),
)]
pub async fn resume(
    State(app): State<App>,
    _: Manager,
    Path(run): Path<String>,
) -> Result<Json<SyncRun>, Problem> {
    Ok(Json(app.resume_sync(id("such sync", &run)?).await?))
}

/// A record that a sync could not understand.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetAside {
    /// What it had for an NPI.
    npi: Option<String>,
    /// Why.
    reason: String,
    /// The record, as it came.
    #[schema(value_type = Object)]
    record: Value,
}

/// List records set aside
///
/// The records that a sync could not understand, with their reasons.
#[utoipa::path(
    get, path = "/api/sync/{id}/set-asides", tag = "Sync", operation_id = "list_set_asides",
    extensions(("x-role" = json!("manager"))),
    params(
        ("id" = String, Path, description = "Identifier of the sync"),
        ("limit" = Option<u32>, Query, description = "Rows at most.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, description = "Records", body = List<SetAside>)),
)]
pub async fn set_asides(
    State(app): State<App>,
    _: Manager,
    Path(run): Path<String>,
    query: Query,
) -> Result<Json<List<SetAside>>, Problem> {
    let limit = query.only(&["limit"])?.count("limit", 200, 1_000)?;
    let run = found(&app, &run).await?;
    let records = app.set_asides(&run.id, limit).await?;
    let items = records.into_iter().map(|r| SetAside {
        npi: r.npi,
        reason: r.reason,
        record: serde_json::from_str(&r.record).unwrap_or(Value::String(r.record)),
    });
    Ok(Json(List::whole(items.collect(), Some(limit))))
}

async fn found(app: &App, run: &str) -> Result<SyncRun, Problem> {
    let run = app.sync_run(id("such sync", run)?).await?;
    run.ok_or_else(|| Problem::not_found("such sync"))
}
