//! `/api/providers`: search, one provider, save-all, export.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use canvass_app::App;
use canvass_model::{Facets, ProviderSort, Receipt};
use canvass_store::SaveAll;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{List, ProviderDetail, ProviderRow};
use super::export;
use super::filter;
use super::request::{Body, LIST, Query, idempotency_key, invalid, npi};
use super::schema;
use crate::access::{Caller, Manager};
use crate::problem::Problem;

/// Search providers
///
/// `total` is exact, however many there are.
#[utoipa::path(
    get, path = "/api/providers", tag = "Providers", operation_id = "search_providers",
    extensions(("x-role" = json!("caller"))),
    params(
        schema::ProviderFilterParams,
        ("sort" = Option<String>, Query, description = "Order: `name` (default), `city`, `enumerated`, `updated`, `relevance` to `q`, or `distance` from `near`."),
        schema::PageParams,
    ),
    responses((status = 200, description = "A page of providers", body = List<ProviderRow>)),
)]
pub async fn search(
    State(app): State<App>,
    _: Caller,
    query: Query,
) -> Result<Json<List<ProviderRow>>, Problem> {
    let (filter, others) = filter::providers(query, &LIST)?;
    let (sort, page) = others.list(ProviderSort::parse)?;
    let (found, total) = app.search_counted(&filter, sort, &page).await?;
    let shown = |row| ProviderRow::new(row, app.catalogue());
    Ok(Json(List::page(found, total, shown)))
}

/// What a search finds is like
///
/// The most frequent specialties, states, cities and kinds of what a search finds, with how many
/// have each, at most twelve of each.
#[utoipa::path(
    get, path = "/api/providers/facets", tag = "Providers", operation_id = "provider_facets",
    extensions(("x-role" = json!("caller"))),
    params(schema::ProviderFilterParams),
    responses((status = 200, description = "Counts", body = schema::Facets)),
)]
pub async fn facets(
    State(app): State<App>,
    _: Caller,
    query: Query,
) -> Result<Json<Facets>, Problem> {
    let (filter, _) = filter::providers(query, &[])?;
    Ok(Json(app.facets(&filter).await?))
}

/// Get a provider
///
/// Whole, with its changes and its lead.
#[utoipa::path(
    get, path = "/api/providers/{npi}", tag = "Providers", operation_id = "get_provider",
    extensions(("x-role" = json!("caller"))),
    params(("npi" = String, Path, description = "NPI", example = "1234567893")),
    responses((status = 200, description = "The provider", body = ProviderDetail)),
)]
pub async fn show(
    State(app): State<App>,
    _: Caller,
    Path(number): Path<String>,
) -> Result<Json<ProviderDetail>, Problem> {
    let found = app.provider(npi(&number)?).await?;
    let view = found.ok_or_else(|| Problem::not_found("provider with this NPI"))?;
    Ok(Json(ProviderDetail::new(view, &app)))
}

/// Which providers are to become leads: exactly one of the two members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"specialty": ["Family Medicine"], "state": ["CA"], "has_phone": true}}))]
pub struct SaveAllRequest {
    /// All that this search finds.
    #[schema(value_type = Option<schema::ProviderFilterParams>)]
    filter: Option<Map<String, Value>>,
    /// These NPIs, at most 100,000.
    #[schema(example = json!(null))]
    npis: Option<Vec<String>>,
}

/// Save providers as leads
///
/// All that a search finds, or a list. What is a lead already stays as it is, and what must not be
/// called is left out; the receipt counts both. The same `Idempotency-Key` gives the same receipt.
#[utoipa::path(
    post, path = "/api/providers/save-all", tag = "Providers", operation_id = "save_all",
    extensions(("x-role" = json!("manager"))),
    request_body = SaveAllRequest,
    responses((status = 200, description = "The receipt", body = schema::Receipt)),
)]
pub async fn save_all(
    State(app): State<App>,
    Manager(actor): Manager,
    headers: HeaderMap,
    Body(request): Body<SaveAllRequest>,
) -> Result<Json<Receipt>, Problem> {
    let what = match (request.filter, request.npis) {
        (Some(filter), None) => SaveAll::Filter(filter::providers_of_body(&filter)?),
        (None, Some(npis)) => SaveAll::Npis(npis),
        _ => return Err(invalid("filter", "give either a filter or npis")),
    };
    let key = idempotency_key(&headers);
    Ok(Json(app.save_all(&actor, &what, key.as_deref()).await?))
}

/// Export providers
///
/// All that a search finds, as a file.
#[utoipa::path(
    get, path = "/api/providers/export", tag = "Providers", operation_id = "export_providers",
    extensions(("x-role" = json!("manager"))),
    params(
        ("format" = Option<String>, Query, description = "`csv` (default), `xlsx` or `ndjson`."),
        ("bom" = Option<bool>, Query, description = "Whether CSV begins with a byte order mark, by which Excel knows UTF-8: `yes` (default) or `no`."),
        ("columns" = Option<String>, Query, example = "npi,name,phone,lead", description = "\
            Columns from left to right, with commas between them; the usual ones when absent. There are \
            `npi`, `name`, `credential`, `entity`, `sex`, `specialty`, `taxonomy`, `license`, \
            `license_state`, `address_1`, `address_2`, `city`, `state`, `postal_code`, `phone`, `fax`, \
            `official`, `official_title`, `official_phone`, `enumerated_on`, `updated_on`, `lead`."),
        schema::ProviderFilterParams,
        ("sort" = Option<String>, Query, description = "Order, as of the search. Without one the rows come as they are stored, which is quickest."),
    ),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"),
        (String = "application/x-ndjson"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ), headers(("Content-Disposition" = String, description = "A name for the file")))),
)]
pub async fn export(State(app): State<App>, _: Manager, query: Query) -> Result<Response, Problem> {
    let [format, columns, bom] = export::SHAPE;
    let (filter, others) = filter::providers(query, &[format, columns, bom, "sort"])?;
    let options = export::options(&others)?;
    let format = options.format;
    let sort = match others.get("sort") {
        Some(_) => Some(others.sort(ProviderSort::parse)?),
        None => None,
    };
    let file = app.export_providers(&filter, sort, options)?;
    export::file(&app, "providers", format, file).await
}
