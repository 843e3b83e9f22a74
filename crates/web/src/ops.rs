//! What whoever runs the server looks at: `/healthz`, `/readyz`, `/metrics`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use canvass_app::{App, Error};
use canvass_model::{Counts, SyncRun};
use jiff::Timestamp;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::access::{Admin, ClientAddress};
use crate::problem::Problem;
use crate::server::Server;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);
/// Upper bounds of the histogram of answers, in seconds.
const BUCKETS: [f64; 11] = [
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// How many of the latest syncs are looked at; more than begin between two looks.
const SYNCS: u32 = 50;

/// The counters of this process, of whatever crate.
static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("metrics go elsewhere already; /metrics stays empty");
    }
    handle
});

/// The routes.
pub fn router() -> Router<Server> {
    LazyLock::force(&RECORDER);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
}

/// Keeps histograms small that nobody fetches. To be called now and then.
pub(crate) fn upkeep() {
    RECORDER.run_upkeep();
}

async fn ready(State(app): State<App>) -> Response {
    let why = match tokio::time::timeout(PATIENCE, app.store().ping()).await {
        Ok(Ok(())) => return "ready\n".into_response(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the database does not answer".to_owned(),
    };
    tracing::error!(why, "not ready");
    Problem::of_status(StatusCode::SERVICE_UNAVAILABLE)
        .detail("The database does not answer.")
        .into_response()
}

/// Somebody who may see the metrics: on this machine, or an administrator.
struct Observer;

impl<S> FromRequestParts<S> for Observer
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, state).await;
        if address.is_some_and(|a| a.is_loopback()) {
            return Ok(Self);
        }
        Admin::from_request_parts(parts, state).await.map(|_| Self)
    }
}

async fn metrics_text(State(server): State<Server>, _: Observer) -> Result<Response, Problem> {
    server.syncs().observe(server.app()).await?;
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, RECORDER.render()).into_response())
}

/// Middleware that counts requests and times answers, by route.
pub async fn measure(request: Request, next: Next) -> Response {
    // Neither an address that nobody serves nor a method that nobody knows makes a new line.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = method(request.method());
    let began = tokio::time::Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let took = began.elapsed().as_secs_f64();
    counter!("canvass_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    histogram!("canvass_http_request_seconds", "method" => method, "route" => route).record(took);
    response
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// What syncs have done since the server started, as the database tells it: so it is the same
/// whichever process of a fleet works on them.
pub(crate) struct SyncMetrics {
    since: Timestamp,
    seen: Mutex<HashMap<String, Counts>>,
}

impl SyncMetrics {
    pub(crate) fn since(since: Timestamp) -> Self {
        Self {
            since,
            seen: Mutex::default(),
        }
    }

    async fn observe(&self, app: &App) -> Result<(), Error> {
        let runs = app.sync_runs(SYNCS).await?;
        let open = u32::try_from(runs.iter().filter(|r| !r.state.is_over()).count());
        gauge!("canvass_syncs_open").set(open.unwrap_or(u32::MAX));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for run in &runs {
            self.count(run, seen.get(&run.id).copied());
        }
        *seen = runs.into_iter().map(|r| (r.id, r.counts)).collect();
        Ok(())
    }

    fn count(&self, run: &SyncRun, before: Option<Counts>) {
        let before = match before {
            Some(before) => before,
            // What an older sync did before is not known, so it is not counted.
            None if run.created_at < self.since => return,
            None => Counts::default(),
        };
        let now = run.counts;
        let requests = now.requests.saturating_sub(before.requests);
        counter!("canvass_sync_requests_total").increment(requests);
        counter!("canvass_sync_retries_total")
            .increment(now.retries.saturating_sub(before.retries));
        for (outcome, now, before) in [
            ("created", now.created, before.created),
            ("updated", now.updated, before.updated),
            ("unchanged", now.unchanged, before.unchanged),
            ("set_aside", now.set_aside, before.set_aside),
        ] {
            counter!("canvass_sync_records_total", "outcome" => outcome)
                .increment(now.saturating_sub(before));
        }
    }
}
