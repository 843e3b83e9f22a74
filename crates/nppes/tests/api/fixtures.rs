//! The real answers; `fixtures/api/README.md` says where they come from.

use std::{fs, path::PathBuf};

use canvass_model::Provider;
use canvass_nppes::api::normalise;
use serde_json::Value;

pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/api"))
}

pub fn read(name: &str) -> Value {
    let bytes = fs::read(folder().join(name)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Every record with its shape: those of single answers and those of the recorded page.
pub fn records() -> Vec<(String, Value)> {
    let lines = fs::read_to_string(folder().join("records.ndjson")).unwrap();
    let mut records: Vec<(String, Value)> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| {
            let shape = line["shape"].as_str().unwrap().to_owned();
            (shape, line["record"].clone())
        })
        .collect();
    assert_eq!(records.len(), 176);
    let page = read("page_200_first134.json");
    let page = page["results"].as_array().unwrap().clone();
    assert_eq!(page.len(), 134);
    records.extend(page.into_iter().map(|r| ("2.1-current".to_owned(), r)));
    records
}

/// The records of the shape that the registry serves today.
pub fn current() -> Vec<Value> {
    let current = records().into_iter().filter(|(shape, _)| shape != "old");
    current.map(|(_, record)| record).collect()
}

/// The provider of a record that has nothing wrong in it.
pub fn provider(record: &Value) -> Provider {
    let normalised = normalise(record).unwrap();
    assert_eq!(normalised.warnings, [""; 0], "{record}");
    normalised.provider
}
