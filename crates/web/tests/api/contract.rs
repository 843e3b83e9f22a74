//! Holds answers against the API's description: status, kind of content, and every member.

use std::{fmt::Write as _, sync::LazyLock};

use axum::http::Method;
use serde_json::{Map, Value};

use crate::world::Answer;

/// The description as a client reads it.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(canvass_web::api::openapi()).unwrap());

/// All operations: method, path and what is said of them.
pub fn operations() -> Vec<(String, String, &'static Value)> {
    let mut all = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

/// Panics when an answer is not as the description says. Addresses that it does not describe are
/// not looked at.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let Some((template, operation)) = operation(method, path) else {
        return;
    };
    let what = format!("{method} {template} answered {}", answer.status);
    let response = &operation["responses"][answer.status.as_str()];
    assert!(
        !response.is_null(),
        "{what}, which is not described: {}",
        answer.text
    );
    let response = resolved(response);
    let kind = answer.header("content-type");
    let kind = kind.split(';').next().unwrap_or_default();
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{what} with a body");
        return;
    };
    let content = content
        .get(kind)
        .unwrap_or_else(|| panic!("{what} with {kind:?}"));
    if !matches!(kind, "application/json" | "application/problem+json") {
        return;
    }
    if let Err(wrong) = fits(&content["schema"], &answer.json(), "answer") {
        panic!("{what}: {wrong}\n{}", answer.text);
    }
}

fn operation(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object()?;
    let mut fitting: Vec<&String> = paths.keys().filter(|t| is_of(t, path)).collect();
    // A path that is written out goes before one with a parameter.
    fitting.sort_by_key(|t| t.contains('{'));
    let template = fitting.first()?;
    let operation = paths[*template].get(method.as_str().to_lowercase())?;
    Some((template, operation))
}

fn is_of(template: &str, path: &str) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    a.len() == b.len() && a.iter().zip(&b).all(|(t, p)| t == p || t.starts_with('{'))
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let found = DOCUMENT.pointer(&reference[1..]);
            found.unwrap_or_else(|| panic!("{reference} is nowhere"))
        }
        None => value,
    }
}

/// Whether a value is as a schema says, members that it does not name being wrong.
fn fits(schema: &'static Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = resolved(schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let mut wrong = String::new();
        for choice in choices {
            match fits(choice, value, at) {
                Ok(()) => return Ok(()),
                Err(why) => write!(wrong, "{why}; ").unwrap(),
            }
        }
        return Err(wrong);
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{at} is {value}, none of {allowed:?}"));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let number = kind == "integer" && kinds.contains(&"number");
    if !kinds.contains(&kind) && !number {
        return Err(format!("{at} is {kind}, not {kinds:?}"));
    }
    match value {
        Value::Object(members) => object_fits(schema, members, at),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(i, item)| fits(&schema["items"], item, &format!("{at}.{i}"))),
        _ => Ok(()),
    }
}

fn object_fits(
    schema: &'static Value,
    members: &Map<String, Value>,
    at: &str,
) -> Result<(), String> {
    let Some(properties) = schema["properties"].as_object() else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !members.contains_key(name) {
            return Err(format!("{at} has no {name}"));
        }
    }
    for (name, value) in members {
        let Some(property) = properties.get(name) else {
            return Err(format!("{at} has {name}, which is not described"));
        };
        fits(property, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

#[test]
fn the_description_is_of_openapi_3_1_and_keeps_its_routes() {
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
    let mut text = String::new();
    for (method, path, operation) in operations() {
        let role = operation["x-role"].as_str().unwrap_or("anybody");
        writeln!(text, "{method} {path} ({role})").unwrap();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let place = parameter["in"].as_str().unwrap();
            let required = if parameter["required"] == true {
                " required"
            } else {
                ""
            };
            writeln!(text, "    {place} {name}{required}").unwrap();
        }
        let body = operation["requestBody"]["content"].as_object();
        for kind in body.into_iter().flat_map(Map::keys) {
            writeln!(text, "    body {kind}").unwrap();
        }
        let statuses = operation["responses"].as_object().unwrap().keys();
        let statuses: Vec<&str> = statuses.map(String::as_str).collect();
        writeln!(text, "    -> {}", statuses.join(" ")).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_operation_says_what_it_does_and_has_a_name_of_its_own() {
    let mut names: Vec<&str> = Vec::new();
    for (method, path, operation) in operations() {
        assert!(
            operation["summary"].as_str().is_some_and(|s| s.len() > 5),
            "{method} {path}"
        );
        names.push(operation["operationId"].as_str().unwrap());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let described = parameter["description"].as_str();
            assert!(
                described.is_some_and(|d| !d.is_empty()),
                "{method} {path}: {}",
                parameter["name"]
            );
        }
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &'static Value) {
        match value {
            Value::Object(members) => {
                if members.contains_key("$ref") {
                    resolved(value);
                }
                members.values().for_each(walk);
            }
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    walk(&DOCUMENT);
}
