//! `/api/leads`: lists, edits, timelines, export.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use canvass_app::{App, Error};
use canvass_model::{Activity, ActivityKind, ContactMethod, LeadPatch, LeadSort, LeadStatus};
use canvass_store::{BulkLeads, BulkPatch, BulkReceipt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{ActivityAdded, LeadRow, List, etag};
use super::export;
use super::filter;
use super::request::{Body, LIST, Query, given, idempotency_key, if_match, invalid, npi};
use super::schema;
use crate::access::{Caller, Manager};
use crate::problem::Problem;

/// Entries of a timeline that are given at most.
const TIMELINE: u32 = 500;

/// How many leads have a status.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusCount {
    /// The status.
    #[schema(value_type = schema::LeadStatus)]
    status: LeadStatus,
    /// How many.
    count: u64,
}

/// List leads
#[utoipa::path(
    get, path = "/api/leads", tag = "Leads", operation_id = "list_leads",
    extensions(("x-role" = json!("caller"))),
    params(
        schema::LeadFilterParams,
        ("sort" = Option<String>, Query, description = "Order: `updated` (default), `name` or `created`."),
        schema::PageParams,
    ),
    responses((status = 200, description = "A page of leads", body = List<LeadRow>)),
)]
pub async fn list(
    State(app): State<App>,
    _: Caller,
    query: Query,
) -> Result<Json<List<LeadRow>>, Problem> {
    let (filter, others) = filter::leads(query, &LIST)?;
    let (sort, page) = others.list(LeadSort::parse)?;
    let (found, total) =
        tokio::try_join!(app.leads(&filter, sort, &page), app.count_leads(&filter))?;
    let shown = |lead| LeadRow::new(lead, app.catalogue());
    Ok(Json(List::page(found, total, shown)))
}

/// Count leads by status
///
/// In the order of the work.
#[utoipa::path(
    get, path = "/api/leads/counts", tag = "Leads", operation_id = "count_leads",
    extensions(("x-role" = json!("caller"))),
    params(schema::LeadFilterParams),
    responses((status = 200, description = "Counts", body = List<StatusCount>)),
)]
pub async fn counts(
    State(app): State<App>,
    _: Caller,
    query: Query,
) -> Result<Json<List<StatusCount>>, Problem> {
    let (filter, _) = filter::leads(query, &[])?;
    let counts = app.lead_counts(&filter).await?;
    let items = counts
        .into_iter()
        .map(|(status, count)| StatusCount { status, count });
    Ok(Json(List::whole(items.collect(), None)))
}

/// Get a lead
///
/// Its `ETag` is what `If-Match` of an edit takes.
#[utoipa::path(
    get, path = "/api/leads/{id}", tag = "Leads", operation_id = "get_lead",
    extensions(("x-role" = json!("caller"))),
    params(("id" = String, Path, description = "NPI of the lead", example = "1234567893")),
    responses((status = 200, description = "The lead", body = LeadRow,
        headers(("ETag" = String, description = "Its version")))),
)]
pub async fn show(
    State(app): State<App>,
    _: Caller,
    Path(lead): Path<String>,
) -> Result<Response, Problem> {
    let found = app.lead(npi(&lead)?).await?;
    let lead = found.ok_or_else(|| Problem::not_found("such lead"))?;
    Ok(with_etag(LeadRow::new(lead, app.catalogue())))
}

/// An edit of a lead. What is absent stays; null clears.
#[expect(clippy::option_option, reason = "null clears and absent leaves")]
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LeadPatch, example = json!({"status": "interested", "notes": "Call back on Tuesday."}))]
pub struct LeadPatchRequest {
    /// New status. A caller can't lift `do_not_call`, nor go back to `new`.
    #[schema(value_type = Option<schema::LeadStatus>)]
    status: Option<LeadStatus>,
    /// New notes; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    notes: Option<Option<String>>,
    /// Identifier of the new owner; null for nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    owner_id: Option<Option<String>>,
    /// When somebody was last in touch.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_contact_at: Option<Option<Timestamp>>,
    /// How.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::ContactMethod>)]
    last_contact_method: Option<Option<ContactMethod>>,
}

/// Edit a lead
///
/// With `If-Match` an edit made from an older version is refused with 412; the `ETag` of that answer
/// is the version that the lead has now.
#[utoipa::path(
    patch, path = "/api/leads/{id}", tag = "Leads", operation_id = "edit_lead",
    extensions(("x-role" = json!("caller"))),
    params(
        ("id" = String, Path, description = "NPI of the lead", example = "1234567893"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the lead as it was read, as in `\"7\"`."),
    ),
    request_body = LeadPatchRequest,
    responses(
        (status = 200, description = "The lead as it is now", body = LeadRow,
            headers(("ETag" = String, description = "Its version"))),
        (status = 412, response = schema::ProblemResponse),
    ),
)]
pub async fn edit(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(lead): Path<String>,
    headers: HeaderMap,
    Body(request): Body<LeadPatchRequest>,
) -> Result<Response, Response> {
    let refuse = IntoResponse::into_response;
    let lead = npi(&lead).map_err(refuse)?;
    let version = if_match(&headers).map_err(refuse)?;
    let patch = LeadPatch {
        status: request.status,
        notes: request.notes.map(Option::unwrap_or_default),
        owner_id: request.owner_id,
        last_contact_at: request.last_contact_at,
        last_contact_method: request.last_contact_method,
    };
    match app.patch_lead(&actor, lead, patch, version).await {
        Ok(lead) => Ok(with_etag(LeadRow::new(lead, app.catalogue()))),
        Err(error @ Error::Stale { current }) => {
            let now = [(header::ETAG, etag(current))];
            Err((now, Problem::from(error)).into_response())
        }
        Err(error) => Err(Problem::from(error).into_response()),
    }
}

/// Get a lead's timeline
///
/// The latest 500 entries, newest first.
#[utoipa::path(
    get, path = "/api/leads/{id}/activities", tag = "Leads", operation_id = "list_activities",
    extensions(("x-role" = json!("caller"))),
    params(("id" = String, Path, description = "NPI of the lead", example = "1234567893")),
    responses((status = 200, description = "The timeline", body = List<schema::Activity>)),
)]
pub async fn activities(
    State(app): State<App>,
    _: Caller,
    Path(lead): Path<String>,
) -> Result<Json<List<Activity>>, Problem> {
    let lead = npi(&lead)?;
    if app.lead(lead).await?.is_none() {
        return Err(Problem::not_found("such lead"));
    }
    let activities = app.activities(lead).await?;
    Ok(Json(List::whole(activities, Some(TIMELINE))))
}

/// An entry for a lead's timeline.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "call", "text": "Asked for a brochure."}))]
pub struct NewActivityRequest {
    /// `call`, `email` or `note`; a status is changed by editing the lead.
    #[schema(value_type = schema::ActivityKind)]
    kind: ActivityKind,
    /// Free text; a note says something.
    #[serde(default)]
    text: String,
}

/// Add to a lead's timeline
///
/// A call or an e-mail is the lead's last contact, and a new lead is contacted by it. A lead marked
/// `do_not_call` takes none.
#[utoipa::path(
    post, path = "/api/leads/{id}/activities", tag = "Leads", operation_id = "add_activity",
    extensions(("x-role" = json!("caller"))),
    params(("id" = String, Path, description = "NPI of the lead", example = "1234567893")),
    request_body = NewActivityRequest,
    responses((status = 201, description = "The entry, and the lead as it is now", body = ActivityAdded,
        headers(("ETag" = String, description = "Version of the lead")))),
)]
pub async fn add_activity(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(lead): Path<String>,
    headers: HeaderMap,
    Body(request): Body<NewActivityRequest>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers);
    let NewActivityRequest { kind, text } = request;
    let done = app
        .add_activity(&actor, npi(&lead)?, kind, &text, key.as_deref())
        .await?;
    let added = ActivityAdded {
        lead: LeadRow::new(done.lead, app.catalogue()),
        activity: done.activity,
    };
    let etag = [(header::ETAG, added.lead.etag())];
    Ok((StatusCode::CREATED, etag, Json(added)).into_response())
}

/// What is to become of many leads. What is absent stays; a null owner is nobody.
#[expect(clippy::option_option, reason = "null clears and absent leaves")]
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkPatchRequest {
    /// New status. A lead marked `do_not_call` keeps it.
    #[schema(value_type = Option<schema::LeadStatus>)]
    status: Option<LeadStatus>,
    /// Identifier of the new owner.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    owner_id: Option<Option<String>>,
}

/// One edit of many leads: exactly one of `filter` and `ids`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"status": ["new"], "owner": "none", "state": ["CA"]}, "patch": {"status": "contacted"}}))]
pub struct BulkRequest {
    /// All leads of this search.
    #[schema(value_type = Option<schema::LeadFilterParams>)]
    filter: Option<Map<String, Value>>,
    /// The leads with these NPIs, at most 100,000.
    ids: Option<Vec<String>>,
    /// What is to become of them.
    patch: BulkPatchRequest,
}

/// Edit many leads
///
/// Gives them another status or owner. The same `Idempotency-Key` gives the same receipt.
#[utoipa::path(
    post, path = "/api/leads/bulk", tag = "Leads", operation_id = "edit_many_leads",
    extensions(("x-role" = json!("manager"))),
    request_body = BulkRequest,
    responses((status = 200, description = "The receipt", body = schema::BulkReceipt)),
)]
pub async fn bulk(
    State(app): State<App>,
    Manager(actor): Manager,
    headers: HeaderMap,
    Body(request): Body<BulkRequest>,
) -> Result<Json<BulkReceipt>, Problem> {
    let what = match (request.filter, request.ids) {
        (Some(filter), None) => BulkLeads::Filter(filter::leads_of_body(&filter)?),
        (None, Some(ids)) => BulkLeads::Ids(ids),
        _ => return Err(invalid("filter", "give either a filter or ids")),
    };
    let patch = BulkPatch {
        status: request.patch.status,
        owner_id: request.patch.owner_id,
    };
    let key = idempotency_key(&headers);
    let receipt = app
        .bulk_leads(&actor, &what, &patch, key.as_deref())
        .await?;
    Ok(Json(receipt))
}

/// Export leads
///
/// All of a search, newest first, as a file that an import takes back, as long as `npi` is one of its
/// columns.
#[utoipa::path(
    get, path = "/api/leads/export", tag = "Leads", operation_id = "export_leads",
    extensions(("x-role" = json!("manager"))),
    params(
        ("format" = Option<String>, Query, description = "`csv` (default), `xlsx` or `ndjson`."),
        ("bom" = Option<bool>, Query, description = "Whether CSV begins with a byte order mark, by which Excel knows UTF-8: `yes` (default) or `no`."),
        ("columns" = Option<String>, Query, example = "npi,name,phone,status", description = "\
            Columns from left to right, with commas between them; the usual ones when absent. There are \
            `npi`, `name`, `credential`, `entity`, `sex`, `specialty`, `taxonomy`, `license`, \
            `license_state`, `address_1`, `address_2`, `city`, `state`, `postal_code`, `phone`, `fax`, \
            `official`, `official_title`, `official_phone`, `enumerated_on`, `updated_on`, `status`, \
            `notes`, `owner`, `last_contact_at`, `last_contact_method`, `created_at`, `updated_at`."),
        schema::LeadFilterParams,
    ),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"),
        (String = "application/x-ndjson"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ), headers(("Content-Disposition" = String, description = "A name for the file")))),
)]
pub async fn export(State(app): State<App>, _: Manager, query: Query) -> Result<Response, Problem> {
    let (filter, others) = filter::leads(query, &export::SHAPE)?;
    let options = export::options(&others)?;
    let format = options.format;
    let file = app.export_leads(&filter, options)?;
    export::file(&app, "leads", format, file).await
}

fn with_etag(lead: LeadRow) -> Response {
    ([(header::ETAG, lead.etag())], Json(lead)).into_response()
}
