use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use canvass_model::Catalogue;
use canvass_testkit::{Record, Settings, registry::npi};
use serde_json::Value;

use super::{Running, command};

/// `canvass registry serve` in a process of its own.
pub struct Sample {
    /// Its address, as `--registry` takes it.
    pub url: String,
    _process: Running,
}

impl Sample {
    /// Serves so many providers, each answer after so many milliseconds.
    pub fn start(providers: u32, latency: u32) -> Self {
        let mut process = Running::start(command(&[
            "registry",
            "serve",
            "--providers",
            &providers.to_string(),
            "--latency",
            &latency.to_string(),
            "--listen",
            "127.0.0.1:0",
        ]));
        let line = process.line("providers at http://");
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .and_then(|word| word.split('?').next())
            .unwrap()
            .to_owned();
        Self {
            url,
            _process: process,
        }
    }
}

/// The NUCC catalogue of the project.
fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../data/nucc/nucc_taxonomy_251.csv"
        );
        canvass_nppes::nucc::load(file.as_ref()).unwrap()
    });
    &CATALOGUE
}

/// A faulty registry that knows the texts of the whole catalogue.
pub fn knowing() -> Settings {
    static CODES: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);
    Settings::new(|text| {
        let mut codes = CODES.lock().unwrap();
        codes
            .entry(text.to_owned())
            .or_insert_with(|| catalogue().codes_of_text(text))
            .clone()
    })
}

/// So many people with this code in California, their NPIs from `first` on.
pub fn internists(code: &str, first: u32, count: u32) -> Vec<Value> {
    (first..first + count)
        .map(|i| {
            Record::individual(npi(i), &format!("LAST{}", i % 97), &format!("FIRST{i}"))
                .codes(&[code])
                .practice("CA", "FRESNO", &format!("937{:02}1234", i % 30))
                .build()
        })
        .collect()
}
