//! Nothing that a real row says is lost, but for what is named here.

use std::collections::HashMap;

use canvass_model::Provider;
use canvass_nppes::files::{Catalog, Side};
use serde_json::Value;

use super::{fixture, read};

/// What has no place in a provider: numbers that the registry masks in every row, and, in the side
/// files, the extension of a telephone number, which the API does not know.
const NOT_READ: [&str; 3] = [
    "Employer Identification Number (EIN)",
    "Parent Organization TIN",
    "Provider Secondary Practice Location Address - Telephone Extension",
];

/// What the registry withholds, or says instead of nothing. A name of type 6 is always masked.
const MASKS: [&str; 5] = ["", "<UNAVAIL>", "=========", "--", "X"];

/// Letters and digits in upper case: what is left when spelling is taken away.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_uppercase).collect()
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.values().for_each(|v| leaves(v, found)),
        Value::Array(items) => items.iter().for_each(|v| leaves(v, found)),
        Value::Null => {}
        Value::String(text) => found.push(plain(text)),
        other => found.push(plain(&other.to_string())),
    }
}

/// A value as a provider has it.
fn expected(column: &str, value: &str) -> String {
    if let [month, day, year] = value.split('/').collect::<Vec<_>>()[..]
        && column.contains("Date")
    {
        return format!("{year}{month}{day}");
    }
    let switch = column.contains("Switch_");
    match (column, value) {
        ("Entity Type Code", "1") => "INDIVIDUAL".to_owned(),
        ("Entity Type Code", "2") => "ORGANIZATION".to_owned(),
        (_, "Y") => "TRUE".to_owned(),
        // A taxonomy that is not primary does not say so.
        (_, "N") if switch => String::new(),
        ("Is Sole Proprietor" | "Is Organization Subpart" | "Affiliation", "N") => {
            "FALSE".to_owned()
        }
        _ => plain(value),
    }
}

/// Every value of a file that is not in the provider of its row.
fn lost(name: &str, providers: &HashMap<String, Provider>) -> Vec<String> {
    let mut reader = csv::Reader::from_path(fixture(name)).unwrap();
    let header = reader.headers().unwrap().clone();
    let mut lost = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        let mut kept = vec![String::new()];
        leaves(
            &serde_json::to_value(&providers[&row[0]]).unwrap(),
            &mut kept,
        );
        // An identifier that is withheld takes along what is said of it.
        let withheld: Vec<&str> = header
            .iter()
            .zip(&row)
            .filter(|(_, value)| *value == "=========")
            .filter_map(|(column, _)| column.rsplit_once('_').map(|(_, n)| n))
            .collect();
        for (column, value) in header.iter().zip(&row) {
            let number = column.rsplit_once('_').map_or("", |(_, n)| n);
            if column.starts_with("Other Provider Identifier") && withheld.contains(&number) {
                continue;
            }
            let masked_name =
                column == "Provider Other Organization Name Type Code" && value == "6";
            let sex = column.starts_with("Provider Sex");
            if NOT_READ.contains(&column) || (MASKS.contains(&value) && !sex) || masked_name {
                continue;
            }
            let plain = expected(column, value);
            if !kept.contains(&plain) {
                lost.push(format!("{} {column}: {value}", &row[0]));
            }
        }
    }
    lost
}

fn by_npi(providers: Vec<Provider>) -> HashMap<String, Provider> {
    providers
        .into_iter()
        .map(|p| (p.npi.to_string(), p))
        .collect()
}

#[test]
fn nothing_that_a_real_row_says_is_lost() {
    for name in [
        "npidata_pfile_full_head700_2025.csv",
        "npidata_pfile_weekly_20260615_part.csv",
        "npidata_pfile_v1_sample98_2023_verbatim.csv",
        "npidata_pfile_v1_sample12_2020_verbatim.csv",
    ] {
        let catalog = Catalog::open(&[fixture(name)]).unwrap();
        let providers = by_npi(read(&catalog, &Side::default()).providers);
        assert_eq!(lost(name, &providers), [""; 0], "{name}");
    }
}

#[test]
fn nothing_that_a_real_row_beside_the_main_file_says_is_lost() {
    for name in [
        "pl_pfile_20190902-20190908_part.csv",
        "endpoint_pfile_20190902-20190908_part.csv",
        "othername_pfile_20190902-20190908_part.csv",
        "pl_pfile_2025_sample9_verbatim.csv",
        "othername_pfile_2025_sample9_verbatim.csv",
    ] {
        let catalog = Catalog::open(&[fixture(name)]).unwrap();
        let side = catalog.side(&mut |_| {}, &mut |_| {}).unwrap();
        let mut providers = Vec::new();
        for row in side.unused(|_| false) {
            let npi = row.npi.unwrap().parse().unwrap();
            let mut provider = Provider::new(npi);
            side.complete(&mut provider, &mut |warning| panic!("{warning:?}"));
            providers.push(provider);
        }
        assert_eq!(lost(name, &by_npi(providers)), [""; 0], "{name}");
    }
}
