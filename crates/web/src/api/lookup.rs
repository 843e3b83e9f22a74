//! `/api/suggest`, `/api/specialties`, `/api/me`: what forms and scripts look up.

use axum::Json;
use axum::extract::State;
use canvass_app::App;
use canvass_model::{Catalogue, Role};
use canvass_nppes::geo::Places;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::List;
use super::request::{Query, misunderstood};
use super::schema;
use crate::access::Caller;
use crate::problem::{FieldError, Problem};

/// Something that a few typed letters may mean.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"value": "Family Medicine"}))]
pub struct Suggestion {
    /// What to put in the field.
    value: String,
    /// State of a city.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

/// Suggest a specialty, a city or a name
///
/// What a few typed letters may mean, the likeliest first.
#[utoipa::path(
    get, path = "/api/suggest", tag = "Look-up", operation_id = "suggest",
    extensions(("x-role" = json!("caller"))),
    params(
        ("kind" = String, Query, description = "`specialty`, `city` or `name`."),
        ("q" = String, Query, description = "What was typed.", example = "card"),
        ("state" = Option<String>, Query, description = "Two-letter state of a city.", example = "CA"),
        ("limit" = Option<u32>, Query, description = "Rows at most.", minimum = 1, maximum = 50),
    ),
    responses((status = 200, description = "Suggestions", body = List<Suggestion>)),
)]
pub async fn suggest(
    State(app): State<App>,
    _: Caller,
    query: Query,
) -> Result<Json<List<Suggestion>>, Problem> {
    let others = query.only(&["kind", "q", "state", "limit"])?;
    let limit = others.count("limit", 10, 50)? as usize;
    let typed = others.get("q").unwrap_or_default();
    let typed: String = typed.chars().take(100).collect();
    let items = match others.get("kind") {
        Some("specialty") => specialties(app.catalogue(), &typed, limit),
        Some("city") => cities(&typed, others.get("state"), limit),
        Some("name") => app
            .suggest_names(&typed, limit)
            .await?
            .into_iter()
            .map(|value| Suggestion { value, state: None })
            .collect(),
        _ => {
            let wrong = FieldError::new("kind", "specialty, city or name");
            return Err(misunderstood(vec![wrong]));
        }
    };
    Ok(Json(List::whole(items, None)))
}

fn specialties(catalogue: &Catalogue, typed: &str, limit: usize) -> Vec<Suggestion> {
    let names = catalogue.suggest(typed, limit).into_iter();
    names
        .map(|value| Suggestion { value, state: None })
        .collect()
}

/// Cities that begin with what was typed, by the number of their ZIP codes, which is how large they
/// are, more or less.
fn cities(typed: &str, state: Option<&str>, limit: usize) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    if typed.is_empty() {
        return Vec::new();
    }
    let mut found = std::collections::BTreeMap::<(&str, &str), u32>::new();
    for place in Places::bundled().all() {
        let here = state.is_none_or(|state| place.state.eq_ignore_ascii_case(state));
        if here && place.city.to_lowercase().starts_with(&typed) {
            *found.entry((place.city, place.state)).or_default() += 1;
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, zips)| std::cmp::Reverse(*zips));
    found
        .into_iter()
        .take(limit)
        .map(|((city, state), _)| Suggestion {
            value: city.to_owned(),
            state: Some(state.to_owned()),
        })
        .collect()
}

/// A named choice of specialties.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preset {
    /// Name.
    #[schema(example = "Primary care")]
    name: &'static str,
    /// Names of specialties, as a sync takes them.
    #[schema(value_type = Vec<String>)]
    specialties: &'static [&'static str],
}

/// List choices of specialties
///
/// Named choices to start a sync from.
#[utoipa::path(
    get, path = "/api/specialties", tag = "Look-up", operation_id = "list_presets",
    extensions(("x-role" = json!("caller"))),
    responses((status = 200, description = "Choices", body = List<Preset>)),
)]
pub async fn presets(_: Caller) -> Json<List<Preset>> {
    let presets = Catalogue::presets().iter().map(|preset| Preset {
        name: preset.name,
        specialties: preset.specialties,
    });
    Json(List::whole(presets.collect(), None))
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Identifier.
    id: Option<String>,
    /// Name.
    name: String,
    /// What they may do.
    #[schema(value_type = schema::Role)]
    role: Role,
}

/// Get oneself
///
/// Who the token or the session belongs to.
#[utoipa::path(
    get, path = "/api/me", tag = "Look-up", operation_id = "get_me",
    extensions(("x-role" = json!("caller"))),
    responses((status = 200, description = "You", body = Me)),
)]
pub async fn me(Caller(actor): Caller) -> Json<Me> {
    Json(Me {
        id: actor.user_id,
        name: actor.name,
        role: actor.role,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_is_found_by_its_beginning_the_largest_first() {
        let found = cities("san", Some("ca"), 3);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|s| s.value.starts_with("San")));
        assert!(found.iter().all(|s| s.state.as_deref() == Some("CA")));
        assert!(found.iter().any(|s| s.value == "San Diego"), "{found:?}");
        assert_eq!(cities("", None, 3), []);
        assert_eq!(cities("zzzz", None, 3), []);
    }
}
