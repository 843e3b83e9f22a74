//! `/api/docs`: the API's description, readable.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::html;
use crate::security::VIEWER_POLICY;

/// The page of the viewer.
#[derive(Clone, Debug, Template)]
#[template(path = "api_docs.html")]
pub struct ApiDocs {
    /// Address of the description.
    pub description: &'static str,
}

/// `GET /api/docs`. The viewer styles its elements, so this page has a policy of its own.
pub async fn show() -> Response {
    let mut response = html(&ApiDocs {
        description: "/api/openapi.json",
    });
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(VIEWER_POLICY),
    );
    response
}
