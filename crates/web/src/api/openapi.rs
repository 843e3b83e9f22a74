//! The description of the API: OpenAPI 3.1.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Required};

use super::schema::ProblemResponse;
use crate::problem::ProblemDocument;

const INTRODUCTION: &str = "\
Finds, keeps and works healthcare-provider leads.

**Access.** Send a token as `Authorization: Bearer cvs_...`; one is made under Team or with \
`canvass token create`. Each operation says which role it needs: a manager may do what a caller may, \
an administrator may do everything.

**A first tour.** `POST /api/sync` with `Prefer: wait=60` pulls specialties from the registry; \
`GET /api/providers` searches what was pulled; `POST /api/providers/save-all` makes leads of a search; \
`GET /api/leads` lists them, `PATCH /api/leads/{id}` works one, `GET /api/leads/export` takes them along.

**Lists** are `items`, `next_cursor` and `total`; give `next_cursor` as `cursor` for the next page.

**Problems** are `application/problem+json` (RFC 9457), with `errors` field by field and the number \
of the request in the log.

**Sending again.** What would do something twice takes an `Idempotency-Key`: starting a sync, saving \
leads, saving a search, adding to a timeline, editing many leads. The same key with the same request gives the same answer \
for a week and does nothing twice; with another request it is refused with 422. The other `POST`s need \
none: stopping and resuming a sync, importing a file (of leads or of the registry) and adding a user are \
harmless to repeat. Making a \
token takes none, because its secret is in one answer and nowhere else: sent again it makes another.";

/// The operations that take an `Idempotency-Key`.
const KEYED: [&str; 5] = [
    "start_sync",
    "save_all",
    "save_search",
    "add_activity",
    "edit_many_leads",
];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "canvass", description = INTRODUCTION, license(name = "MIT OR Apache-2.0")),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Sync", description = "Pulling providers from the registry"),
        (name = "Imports", description = "Loading the registry's dissemination files"),
        (name = "Providers", description = "Search over what was pulled"),
        (name = "Leads", description = "Providers that the team works"),
        (name = "Look-up", description = "What forms and scripts look up"),
        (name = "Access", description = "Users and tokens"),
    ),
    components(schemas(ProblemDocument), responses(ProblemResponse)),
    security(("token" = []), ("session" = [])),
)]
struct Description;

/// The description of the API, with the routes as they are.
pub fn openapi() -> OpenApi {
    let mut document = Description::openapi();
    for part in [super::ordinary(), super::streaming()] {
        document.merge(part.into_openapi());
    }
    let components = document.components.get_or_insert_with(Components::new);
    let token = SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token, as in `Authorization: Bearer cvs_...`"))
            .build(),
    );
    components.add_security_scheme("token", token);
    let cookie = ApiKeyValue::with_description("canvass", "The session of a browser");
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
    components.add_security_scheme("session", session);
    for (path, item) in &mut document.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            complete(operation, path);
        }
    }
    document
}

/// Adds what is the same for all operations: the role, the key, the problems.
fn complete(operation: &mut Operation, path: &str) {
    let role = operation
        .extensions
        .as_ref()
        .and_then(|e| e.get("x-role")?.as_str());
    let needs = match role {
        Some("own") => "For what is somebody else's it needs the role `admin`.".to_owned(),
        Some(role) => format!("Needs the role `{role}`."),
        None => String::new(),
    };
    let said = operation.description.take().unwrap_or_default();
    operation.description = Some(format!("{said}\n\n{needs}").trim().to_owned());
    if operation
        .operation_id
        .as_deref()
        .is_some_and(|id| KEYED.contains(&id))
    {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(200));
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The same key gives the same answer and does nothing twice.",
            ))
            .schema(Some(text))
            .build();
        operation
            .parameters
            .get_or_insert_default()
            .push(key.into());
    }
    let mut problems = vec!["400", "401", "403", "500"];
    if operation.request_body.is_some() {
        problems.extend(["413", "415"]);
    }
    if operation.request_body.is_some() || takes_a_query(operation) {
        problems.push("422");
    }
    if path.contains('{') {
        problems.push("404");
    }
    for status in problems {
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert_with(|| Ref::from_response_name("ProblemResponse").into());
    }
}

fn takes_a_query(operation: &Operation) -> bool {
    let is_query =
        |p: &RefOr<Parameter>| matches!(p, RefOr::T(p) if p.parameter_in == ParameterIn::Query);
    operation.parameters.iter().flatten().any(is_query)
}

/// `GET /api/openapi.json`.
pub async fn serve() -> Response {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| openapi().to_json().unwrap_or_else(|_| "{}".to_owned()));
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, TEXT.as_str()).into_response()
}
