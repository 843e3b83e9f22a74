//! Searches as parameters of a query and as members of a body.

use super::request::{Others, Query};
use crate::problem::{FieldError, Problem};
use canvass_model::{FilterError, LeadFilter, ProviderFilter};
use serde_json::{Map, Value};

/// Members of a search over providers that may have several values.
const MANY: &[&str] = &ProviderFilter::MANY;
/// Members that are numbers.
const NUMBERS: [&str; 2] = ["radius_miles", "phone_shared_by"];

/// Members of a search over leads that may have several values.
fn many_of_leads() -> Vec<&'static str> {
    [MANY, &["status"]].concat()
}

/// A search over providers and the other parameters of a query.
pub fn providers(
    query: Query,
    others: &[&'static str],
) -> Result<(ProviderFilter, Others), Problem> {
    let mut filter = ProviderFilter::default();
    let others = query.sort(others, MANY, |name, value| filter.set(name, value))?;
    Ok((filter, others))
}

/// A search over leads and the other parameters of a query.
pub fn leads(query: Query, others: &[&'static str]) -> Result<(LeadFilter, Others), Problem> {
    let mut filter = LeadFilter::all();
    let others = query.sort(others, &many_of_leads(), |name, value| {
        filter.set(name, value)
    })?;
    Ok((filter, others))
}

/// A search over providers in a body.
pub fn providers_of_body(members: &Map<String, Value>) -> Result<ProviderFilter, Problem> {
    let mut filter = ProviderFilter::default();
    take(members, MANY, |name, value| filter.set(name, value))?;
    Ok(filter)
}

/// A search over leads in a body.
pub fn leads_of_body(members: &Map<String, Value>) -> Result<LeadFilter, Problem> {
    let mut filter = LeadFilter::all();
    take(members, &many_of_leads(), |name, value| {
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
        if set(name, "") == Ok(false) {
            wrong("no such member");
            continue;
        }
        let number = value.as_u64().filter(|_| NUMBERS.contains(&name.as_str()));
        if let Some(number) = number {
            if let Err(error) = set(name, &number.to_string()) {
                wrong(&error.problem);
            }
            continue;
        }
        match texts(value) {
            Some(texts) if texts.len() > 1 && !many.contains(&name.as_str()) => {
                wrong("may have one value");
            }
            Some(texts) => {
                for text in &texts {
                    if let Err(error) = set(name, text) {
                        wrong(&error.problem);
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
    use utoipa::IntoParams as _;

    use super::*;
    use crate::api::schema::{LeadFilterParams, ProviderFilterParams};

    #[test]
    fn a_body_says_what_a_query_says() {
        let body = json!({
            "q": "garcia", "state": ["CA", "NV"], "has_phone": true, "lead": false,
            "city": "Fresno", "specialty": null, "near": "93701", "radius_miles": 50,
            "county": ["Fresno, CA", "Kern, CA"], "has_fax": false,
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
            ("near", "93701"),
            ("radius_miles", "50"),
            ("county", "Fresno, CA"),
            ("county", "Kern, CA"),
            ("has_fax", "no"),
        ] {
            same.set(name, value).unwrap();
        }
        assert_eq!(filter, same);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let body = json!({
            "nosuch": "x", "none": null, "q": ["a", "b"], "state": "Calfornia",
            "postal_code": 93701, "limit": 5, "radius_miles": 900,
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
                "filter.radius_miles",
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
        let of_providers = documented(ProviderFilterParams::into_params(in_query));
        for name in &of_providers {
            assert_eq!(ProviderFilter::default().set(name, ""), Ok(true), "{name}");
        }
        let of_leads = documented(LeadFilterParams::into_params(in_query));
        for name in &of_leads {
            assert_eq!(LeadFilter::all().set(name, ""), Ok(true), "{name}");
        }
        // A part that is added to the filter, and so to its JSON, is missed here.
        let members = serde_json::to_value(ProviderFilter::default()).unwrap();
        for name in members.as_object().unwrap().keys() {
            assert!(of_providers.contains(name), "{name} is not described");
            let own = ["lead", "lead_status", "lead_owner"].contains(&name.as_str());
            assert!(own || of_leads.contains(name), "{name} is not described");
        }
    }
}
