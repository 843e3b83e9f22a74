//! Searches as parameters of a query and as members of a body.

use canvass_model::{FilterError, LeadFilter, ProviderFilter};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::request::{Others, Query};
use crate::problem::{FieldError, Problem};

/// Members of a search over providers that may have several values.
const MANY: [&str; 4] = ["specialty", "taxonomy", "state", "city"];
/// The same over leads.
const MANY_OF_LEADS: [&str; 5] = ["specialty", "taxonomy", "state", "city", "status"];

/// A search over providers. All parts must hold; of several values of one part, one must.
#[derive(Debug, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = ProviderFilter)]
pub struct ProviderFilterParams {
    /// Words of a name, in any order, each the beginning of a word.
    #[schema(example = "garcia", max_length = 200)]
    #[param(example = "garcia", max_length = 200)]
    pub q: Option<String>,
    /// Specialties, as people say them; may repeat.
    #[schema(example = json!(["Family Medicine"]))]
    pub specialty: Option<Vec<String>>,
    /// NUCC taxonomy codes; may repeat.
    #[schema(example = json!(["207Q00000X"]))]
    pub taxonomy: Option<Vec<String>>,
    /// Look at the primary taxonomy only.
    pub primary_only: Option<bool>,
    /// Two-letter states of a practice location; may repeat.
    #[schema(example = json!(["CA"]))]
    pub state: Option<Vec<String>>,
    /// Cities of a practice location; may repeat.
    #[schema(example = json!(["Fresno"]))]
    pub city: Option<Vec<String>>,
    /// The postal code of a practice location, or its beginning.
    #[schema(example = "937")]
    #[param(example = "937")]
    pub postal_code: Option<String>,
    /// A person or an organization.
    #[schema(value_type = Option<super::schema::Entity>)]
    #[param(value_type = Option<super::schema::Entity>)]
    pub entity: Option<String>,
    /// Sex of a person.
    #[schema(value_type = Option<super::schema::Sex>)]
    #[param(value_type = Option<super::schema::Sex>)]
    pub sex: Option<String>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// State of the record; `active` when absent.
    #[schema(value_type = Option<super::schema::StatusFilter>)]
    #[param(value_type = Option<super::schema::StatusFilter>)]
    pub status: Option<String>,
    /// Whether it is a lead already.
    pub lead: Option<bool>,
    /// Updated in the registry on this day or later.
    #[schema(format = Date, example = "2026-01-31")]
    #[param(format = Date, example = "2026-01-31")]
    pub updated_since: Option<String>,
    /// Found by the sync with this identifier.
    pub sync: Option<String>,
}

/// A search over leads: the lead's own parts, and those of its provider.
#[derive(Debug, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = LeadFilter)]
pub struct LeadFilterParams {
    /// Statuses of the lead; may repeat.
    #[schema(value_type = Option<Vec<super::schema::LeadStatus>>)]
    #[param(value_type = Option<Vec<super::schema::LeadStatus>>)]
    pub status: Option<Vec<String>>,
    /// Identifier of the user who works it; `none` for leads that nobody owns.
    #[schema(example = "none")]
    #[param(example = "none")]
    pub owner: Option<String>,
    /// Words of a name, in any order, each the beginning of a word.
    #[schema(max_length = 200)]
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// Specialties, as people say them; may repeat.
    pub specialty: Option<Vec<String>>,
    /// NUCC taxonomy codes; may repeat.
    pub taxonomy: Option<Vec<String>>,
    /// Look at the primary taxonomy only.
    pub primary_only: Option<bool>,
    /// Two-letter states of a practice location; may repeat.
    pub state: Option<Vec<String>>,
    /// Cities of a practice location; may repeat.
    pub city: Option<Vec<String>>,
    /// The postal code of a practice location, or its beginning.
    pub postal_code: Option<String>,
    /// A person or an organization.
    #[schema(value_type = Option<super::schema::Entity>)]
    #[param(value_type = Option<super::schema::Entity>)]
    pub entity: Option<String>,
    /// Sex of a person.
    #[schema(value_type = Option<super::schema::Sex>)]
    #[param(value_type = Option<super::schema::Sex>)]
    pub sex: Option<String>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// Updated in the registry on this day or later.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub updated_since: Option<String>,
    /// Found by the sync with this identifier.
    pub sync: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A search over providers and the other parameters of a query.
pub fn providers(
    query: Query,
    others: &[&'static str],
) -> Result<(ProviderFilter, Others), Problem> {
    let mut filter = ProviderFilter::default();
    let others = query.sort(others, &MANY, |name, value| filter.set(name, value))?;
    Ok((filter, others))
}

/// A search over leads and the other parameters of a query.
pub fn leads(query: Query, others: &[&'static str]) -> Result<(LeadFilter, Others), Problem> {
    let mut filter = LeadFilter::all();
    let others = query.sort(others, &MANY_OF_LEADS, |name, value| {
        filter.set(name, value)
    })?;
    Ok((filter, others))
}

/// A search over providers in a body.
pub fn providers_of_body(members: &Map<String, Value>) -> Result<ProviderFilter, Problem> {
    let mut filter = ProviderFilter::default();
    take(members, &MANY, |name, value| filter.set(name, value))?;
    Ok(filter)
}

/// A search over leads in a body.
pub fn leads_of_body(members: &Map<String, Value>) -> Result<LeadFilter, Problem> {
    let mut filter = LeadFilter::all();
    take(members, &MANY_OF_LEADS, |name, value| {
        filter.set(name, value)
    })?;
    Ok(filter)
}

fn take(
    members: &Map<String, Value>,
    many: &[&str],
    mut set: impl FnMut(&str, &str) -> Result<bool, FilterError>,
) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for (name, value) in members {
        let mut wrong =
            |detail: &str| errors.push(FieldError::new(format!("filter.{name}"), detail));
        match texts(value) {
            // The name is looked at also where the value says nothing.
            Some(texts) if texts.is_empty() => match set(name, "") {
                Ok(false) => wrong("no such member"),
                _ => {}
            },
            Some(texts) if texts.len() > 1 && !many.contains(&name.as_str()) => {
                wrong("may have one value");
            }
            Some(texts) => {
                for text in &texts {
                    match set(name, text) {
                        Ok(true) => {}
                        Ok(false) => wrong("no such member"),
                        Err(error) => wrong(&error.problem),
                    }
                }
            }
            None => wrong("a text, true or false, or a list of texts"),
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    errors.dedup();
    Err(Problem::invalid(errors))
}

/// The texts that a member stands for; none when it is of no kind that a filter has.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Bool(yes) => Some(vec![if *yes { "yes" } else { "no" }]),
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_says_what_a_query_says() {
        let body = json!({
            "q": "garcia", "state": ["CA", "NV"], "has_phone": true, "lead": false,
            "city": "Fresno", "specialty": null,
        });
        let filter = providers_of_body(body.as_object().unwrap()).unwrap();
        let mut same = ProviderFilter::default();
        for (name, value) in [
            ("q", "garcia"),
            ("state", "CA"),
            ("state", "NV"),
            ("has_phone", "yes"),
            ("lead", "no"),
            ("city", "Fresno"),
        ] {
            same.set(name, value).unwrap();
        }
        assert_eq!(filter, same);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let body = json!({
            "nosuch": "x", "none": null, "q": ["a", "b"], "state": "California",
            "postal_code": 93701, "limit": 5,
        });
        let problem = providers_of_body(body.as_object().unwrap()).unwrap_err();
        let mut named: Vec<&str> = problem.errors.iter().map(|e| e.field.as_str()).collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                "filter.limit",
                "filter.none",
                "filter.nosuch",
                "filter.postal_code",
                "filter.q",
                "filter.state"
            ]
        );
    }

    #[test]
    fn every_part_of_a_filter_is_described() {
        let documented = |params: Vec<utoipa::openapi::path::Parameter>| -> Vec<String> {
            params.into_iter().map(|p| p.name).collect()
        };
        let in_query = || Some(utoipa::openapi::path::ParameterIn::Query);
        for name in documented(ProviderFilterParams::into_params(in_query)) {
            assert_eq!(ProviderFilter::default().set(&name, ""), Ok(true), "{name}");
        }
        for name in documented(LeadFilterParams::into_params(in_query)) {
            assert_eq!(LeadFilter::all().set(&name, ""), Ok(true), "{name}");
        }
    }
}
