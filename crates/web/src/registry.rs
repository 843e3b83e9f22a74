//! The registry-compatible endpoint: the NPPES read API 2.1, answered from the store.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use canvass_app::{Error, registry::RegistryEndpoint};

/// Longest query string that is read, in bytes.
const LONGEST_QUERY: usize = 8_192;

#[derive(Clone)]
struct Registry {
    endpoint: Arc<RegistryEndpoint>,
    latency: Duration,
}

/// Serves an endpoint at `/api` and `/api/`. Each answer is kept back for `latency`, which is how
/// a sample registry resembles the real one.
pub fn router(endpoint: Arc<RegistryEndpoint>, latency: Duration) -> Router {
    Router::new()
        .route("/api", get(answer))
        .route("/api/", get(answer))
        .with_state(Registry { endpoint, latency })
}

async fn answer(State(registry): State<Registry>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    if query.len() > LONGEST_QUERY {
        return StatusCode::URI_TOO_LONG.into_response();
    }
    let began = tokio::time::Instant::now();
    let params: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let answer = registry.endpoint.answer(&params).await;
    // The time that the answer took counts towards the latency.
    tokio::time::sleep_until(began + registry.latency).await;
    match answer {
        Ok(answer) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
                (header::PRAGMA, "no-cache"),
            ];
            (headers, answer.to_string()).into_response()
        }
        Err(Error::Store(error)) if error.is_passing() => {
            let again = [(header::RETRY_AFTER, "1")];
            (StatusCode::SERVICE_UNAVAILABLE, again).into_response()
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the registry endpoint failed"
            );
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
