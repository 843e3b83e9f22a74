//! `/api/searches`: searches that people keep.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use canvass_app::{App, SearchQuery};
use canvass_model::ProviderSort;
use canvass_store::SavedSearch;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::List;
use super::filter;
use super::request::{Body, id, idempotency_key, invalid};
use super::schema;
use crate::access::Caller;
use crate::problem::Problem;

/// List saved searches
///
/// One's own by name, then the team's by name.
#[utoipa::path(
    get, path = "/api/searches", tag = "Providers", operation_id = "list_searches",
    extensions(("x-role" = json!("caller"))),
    responses((status = 200, description = "Saved searches", body = List<schema::SavedSearch>)),
)]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<List<SavedSearch>>, Problem> {
    let saved = app.saved_searches(&actor).await?;
    Ok(Json(List::whole(saved, None)))
}

/// A search that is to be kept: exactly one of `query` and `filter` says it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Cardiologists of Fresno", "filter": {"specialty": ["Cardiology"], "city": ["Fresno"]}}))]
pub struct NewSearchRequest {
    /// Name, unique among one's own or among the team's without regard to case.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// The search as the query of an address, with its order: `state=CA&sort=city`.
    query: Option<String>,
    /// The search.
    #[schema(value_type = Option<schema::ProviderFilterParams>)]
    filter: Option<Map<String, Value>>,
    /// Order of a search that `filter` says, as `GET /api/providers` takes it; `name` when absent.
    sort: Option<String>,
    /// Whether it is for the whole team, which needs the role `manager`.
    #[serde(default)]
    team: bool,
}

impl NewSearchRequest {
    fn search(&self) -> Result<SearchQuery, Problem> {
        match (&self.query, &self.filter) {
            (Some(query), None) => {
                if self.sort.is_some() {
                    return Err(invalid("sort", "say it in the query"));
                }
                Ok(SearchQuery::parse(query)?)
            }
            (None, Some(filter)) => {
                let sort = self.sort.as_deref().map(ProviderSort::parse).transpose();
                Ok(SearchQuery {
                    filter: filter::providers_of_body(filter)?,
                    sort: sort.map_err(canvass_app::Error::from)?.unwrap_or_default(),
                })
            }
            _ => Err(invalid("filter", "give either a query or a filter")),
        }
    }
}

/// Save a search
///
/// For oneself, or for the team by a manager; 200 at most. The same `Idempotency-Key` gives the same
/// answer; without one, sending it again is refused, since the name is taken then.
#[utoipa::path(
    post, path = "/api/searches", tag = "Providers", operation_id = "save_search",
    extensions(("x-role" = json!("caller"))),
    request_body = NewSearchRequest,
    responses(
        (status = 201, description = "The saved search", body = schema::SavedSearch),
        (status = 409, response = schema::ProblemResponse),
    ),
)]
pub async fn save(
    State(app): State<App>,
    Caller(actor): Caller,
    headers: HeaderMap,
    Body(new): Body<NewSearchRequest>,
) -> Result<(StatusCode, Json<SavedSearch>), Problem> {
    let search = new.search()?;
    let key = idempotency_key(&headers);
    let saved = app
        .save_search(&actor, &new.name, &search, new.team, key.as_deref())
        .await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Delete a saved search
///
/// One's own; one of the team by whoever saved it, or by a manager.
#[utoipa::path(
    delete, path = "/api/searches/{id}", tag = "Providers", operation_id = "delete_search",
    extensions(("x-role" = json!("caller"))),
    params(("id" = String, Path, description = "Identifier of the saved search")),
    responses((status = 204, description = "It is deleted")),
)]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(search): Path<String>,
) -> Result<StatusCode, Problem> {
    let search = id("such saved search", &search)?;
    app.delete_search(&actor, search).await?;
    Ok(StatusCode::NO_CONTENT)
}
