//! What stands around every handler: headers, limits, the defence against forged requests, the
//! request's number, the log.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::problem::{Problem, present};

/// Bytes of a body at most, where a route does not say otherwise.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// Time an ordinary answer may take.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Pages run no script and no style but our own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The API's viewer sets styles on its elements.
pub const VIEWER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The number of a request: in the log, in `X-Request-Id`, and on an error page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Puts the guards around the routes.
///
/// `ordinary` routes answer within `timeout`; `streaming` ones (events, exports, uploads, save-alls)
/// take as long as they take.
pub fn guarded(ordinary: Router, streaming: Router, timeout: Duration) -> Router {
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout);
    let csrf = CsrfLayer::new().with_rejection_response(forged);
    ordinary
        .layer(timeout)
        .merge(streaming)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(csrf)
        .layer(from_fn(bearer_only))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(present))
        .layer(CompressionLayer::new())
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ))
        .layer(set(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ))
        .layer(set(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
        // What is shown belongs to who is signed in; assets say otherwise for themselves.
        .layer(set(header::CACHE_CONTROL, "no-store"))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(DefaultOnResponse::new().level(Level::INFO)),
        )
        .layer(from_fn(number))
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Method and route only: a query may hold names, a header secrets.
fn span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| request.uri().path(), MatchedPath::as_str);
    tracing::info_span!(
        "request",
        id = id.map_or("", |id| id.0.as_str()),
        method = %request.method(),
        route
    )
}

/// Numbers a request. A number that came from outside is not believed: it would go to the log.
async fn number(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let value = HeaderValue::try_from(&id).unwrap_or(HeaderValue::from_static("unknown"));
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-request-id", value);
    response
}

/// A request with a bearer token can't be forged by another site, because no browser adds the token
/// by itself. It is judged by the token alone: its cookies are taken away, and then the headers by
/// which forged requests are known don't matter.
async fn bearer_only(mut request: Request, next: Next) -> Response {
    let headers = request.headers_mut();
    let bearer = headers.get(header::AUTHORIZATION).is_some_and(|v| {
        v.as_bytes()
            .get(..7)
            .is_some_and(|b| b.eq_ignore_ascii_case(b"bearer "))
    });
    if bearer {
        headers.remove(header::COOKIE);
        headers.remove(header::ORIGIN);
        headers.remove("sec-fetch-site");
    }
    next.run(request).await
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn forged(error: ProtectionError) -> Response<Body> {
    tracing::warn!(%error, "refused a request from another site");
    Problem {
        next: Some("Open the page here and try again.".into()),
        ..Problem::of_status(StatusCode::FORBIDDEN)
            .detail("The request came from another site. Nothing was changed.")
    }
    .into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let cause = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without words".to_owned());
    Problem::internal(&cause).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};
    use axum::routing::{get, post};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;
    use crate::problem::FieldError;

    fn app() -> Router {
        let wrong = || async { Problem::invalid(vec![FieldError::new("state", "two letters")]) };
        let cookie = |h: HeaderMap| async move { h.contains_key(header::COOKIE).to_string() };
        let router = Router::new()
            .route("/page", get(|| async { "ok" }).post(cookie))
            .route("/api/page", post(cookie))
            .route("/wrong", get(wrong))
            .route("/api/wrong", get(wrong))
            .route(
                "/api/number/{n}",
                get(async |_: axum::extract::Path<u8>| "ok"),
            )
            .route("/panic", get(async || -> &str { panic!("secret cause") }));
        guarded(router, Router::new(), TIMEOUT)
    }

    async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> (Response<()>, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (Response::from_parts(parts, ()), text)
    }

    #[tokio::test]
    async fn every_answer_carries_the_policy_and_a_number() {
        for path in ["/page", "/missing", "/panic"] {
            let (answer, _) = ask(Method::GET, path, &[("x-request-id", "from outside")]).await;
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert!(header("content-security-policy").starts_with("default-src 'none'"));
            assert!(!header("content-security-policy").contains("unsafe"));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("x-request-id").len(), 32);
        }
    }

    #[tokio::test]
    async fn another_site_can_not_post_with_somebodys_cookie() {
        let cookie = ("cookie", "canvass=secret");
        let cross = ("sec-fetch-site", "cross-site");
        let (answer, _) = ask(Method::POST, "/page", &[cookie, cross]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let origin = [
            cookie,
            ("origin", "https://evil.example"),
            ("host", "canvass.example"),
        ];
        let (answer, _) = ask(Method::POST, "/page", &origin).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let same = ("sec-fetch-site", "same-origin");
        let (answer, body) = ask(Method::POST, "/page", &[cookie, same]).await;
        assert_eq!((answer.status(), body.as_str()), (StatusCode::OK, "true"));
    }

    #[tokio::test]
    async fn a_token_is_judged_by_itself_and_never_with_a_cookie() {
        let headers = [
            ("authorization", "Bearer abc"),
            ("cookie", "canvass=secret"),
            ("sec-fetch-site", "cross-site"),
        ];
        let (answer, body) = ask(Method::POST, "/api/page", &headers).await;
        assert_eq!((answer.status(), body.as_str()), (StatusCode::OK, "false"));
    }

    #[tokio::test]
    async fn a_program_gets_a_problem_document() {
        let (answer, body) = ask(Method::GET, "/api/wrong", &[]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["status"], 422);
        assert_eq!(document["instance"], "/api/wrong");
        assert_eq!(document["errors"][0]["field"], "state");
        assert_eq!(
            document["request_id"].as_str().unwrap(),
            answer.headers()["x-request-id"].to_str().unwrap()
        );
    }

    #[tokio::test]
    async fn a_person_gets_a_page_and_a_script_a_notice() {
        let (answer, body) = ask(Method::GET, "/wrong", &[]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            body.contains("<!DOCTYPE html>") && body.contains("two letters"),
            "{body}"
        );
        let (answer, body) = ask(Method::GET, "/wrong", &[("hx-request", "true")]).await;
        assert!(
            !body.contains("<html") && body.contains("two letters"),
            "{body}"
        );
        assert!(answer.headers().contains_key("canvass-problem"));
    }

    #[tokio::test]
    async fn refusals_of_the_framework_have_the_same_form() {
        for (method, path, status) in [
            (Method::GET, "/api/missing", 404),
            (Method::GET, "/api/page", 405),
            (Method::GET, "/api/number/x", 400),
        ] {
            let (answer, body) = ask(method, path, &[]).await;
            assert_eq!(answer.status(), status, "{path}");
            let document: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(document["status"], status, "{path}");
        }
    }

    #[tokio::test]
    async fn a_panic_tells_nobody_its_cause() {
        let (answer, body) = ask(Method::GET, "/panic", &[]).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.contains("secret cause"), "{body}");
        assert!(body.contains(answer.headers()["x-request-id"].to_str().unwrap()));
    }
}
