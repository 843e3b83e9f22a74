//! The same provider by the API and by the files is the same value.
//!
//! None of the recorded answers is of a provider in the recorded files, so each real one is carried
//! over to the other door: the answers are written as rows in the spelling of the files, the rows
//! as answers in the spelling of the API.

use std::{collections::BTreeMap, fs};

use canvass_model::{Catalogue, Provider};
use canvass_nppes::{
    api::{normalise, render},
    files::{Catalog, Side},
};
use serde_json::Value;

use super::{
    fixture, read,
    written::{self, Table},
};

/// The recorded answers of the shape that the API has today.
fn answers() -> Vec<Value> {
    let lines = fs::read_to_string(fixture("../api/records.ndjson")).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["shape"] != "old")
        .map(|line| line["record"].clone())
        .collect()
}

type Values = BTreeMap<String, String>;

/// The rows that a set of files would have of a recorded answer.
#[derive(Default)]
struct Rows {
    main: Values,
    other_names: Vec<Values>,
    locations: Vec<Values>,
    endpoints: Vec<Values>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn day(value: &Value) -> String {
    let day = text(value);
    if day.is_empty() {
        return day;
    }
    format!("{}/{}/{}", &day[5..7], &day[8..10], &day[..4])
}

fn digits(value: &Value) -> String {
    text(value).replace('-', "")
}

fn letter(value: &Value) -> String {
    text(value).chars().take(1).collect()
}

/// Titles stand in upper case in the files, and only where there is one.
fn title(value: &Value) -> String {
    text(value).to_uppercase()
}

fn rows(record: &Value) -> Rows {
    let mut rows = Rows::default();
    let npi = text(&record["number"]);
    let basic = &record["basic"];
    let mut main = Values::new();
    let mut set = |column: &str, value: String| {
        main.insert(column.to_owned(), value);
    };
    set("NPI", npi.clone());
    set(
        "Entity Type Code",
        text(&record["enumeration_type"]).replace("NPI-", ""),
    );
    set(
        "Employer Identification Number (EIN)",
        "<UNAVAIL>".to_owned(),
    );
    for (column, key) in [
        (
            "Provider Organization Name (Legal Business Name)",
            "organization_name",
        ),
        ("Provider Last Name (Legal Name)", "last_name"),
        ("Provider First Name", "first_name"),
        ("Provider Middle Name", "middle_name"),
        ("Provider Credential Text", "credential"),
        (
            "Authorized Official Last Name",
            "authorized_official_last_name",
        ),
        (
            "Authorized Official First Name",
            "authorized_official_first_name",
        ),
        (
            "Authorized Official Middle Name",
            "authorized_official_middle_name",
        ),
        (
            "Authorized Official Credential Text",
            "authorized_official_credential",
        ),
        (
            "Authorized Official Title or Position",
            "authorized_official_title_or_position",
        ),
        (
            "Authorized Official Telephone Number",
            "authorized_official_telephone_number",
        ),
        (
            "Parent Organization LBN",
            "parent_organization_legal_business_name",
        ),
    ] {
        set(column, text(&basic[key]));
    }
    // One of the recorded answers is from before the key was renamed.
    set(
        "Provider Sex Code",
        text(&basic["sex"]) + &text(&basic["gender"]),
    );
    for (column, key) in [
        ("Provider Name Prefix Text", "name_prefix"),
        ("Provider Name Suffix Text", "name_suffix"),
        (
            "Authorized Official Name Prefix Text",
            "authorized_official_name_prefix",
        ),
        (
            "Authorized Official Name Suffix Text",
            "authorized_official_name_suffix",
        ),
    ] {
        set(column, title(&basic[key]));
    }
    for (column, key) in [
        ("Provider Enumeration Date", "enumeration_date"),
        ("Last Update Date", "last_updated"),
        ("Certification Date", "certification_date"),
    ] {
        set(column, day(&basic[key]));
    }
    set("Is Sole Proprietor", letter(&basic["sole_proprietor"]));
    set(
        "Is Organization Subpart",
        letter(&basic["organizational_subpart"]),
    );
    for address in record["addresses"].as_array().unwrap() {
        let kind = match address["address_purpose"].as_str() {
            Some("MAILING") => "Mailing",
            _ => "Practice Location",
        };
        let at = |part: &str| format!("Provider Business {kind} Address {part}");
        set(
            &format!("Provider First Line Business {kind} Address"),
            text(&address["address_1"]),
        );
        set(
            &format!("Provider Second Line Business {kind} Address"),
            text(&address["address_2"]),
        );
        set(&at("City Name"), text(&address["city"]));
        set(&at("State Name"), text(&address["state"]));
        set(&at("Postal Code"), text(&address["postal_code"]));
        set(
            &at("Country Code (If outside U.S.)"),
            text(&address["country_code"]),
        );
        set(
            &at("Telephone Number"),
            digits(&address["telephone_number"]),
        );
        set(&at("Fax Number"), digits(&address["fax_number"]));
    }
    for (i, taxonomy) in record["taxonomies"].as_array().unwrap().iter().enumerate() {
        let n = i + 1;
        let primary = taxonomy["primary"].as_bool().unwrap();
        // The files have two spaces in the first of the three labels, and no hyphen.
        let group = text(&taxonomy["taxonomy_group"])
            .replace(" - ", " ")
            .to_uppercase()
            .replace("X SINGLE SPECIALTY GROUP", "X SINGLE SPECIALTY  GROUP");
        set(
            &format!("Healthcare Provider Taxonomy Code_{n}"),
            text(&taxonomy["code"]),
        );
        set(
            &format!("Provider License Number_{n}"),
            text(&taxonomy["license"]),
        );
        set(
            &format!("Provider License Number State Code_{n}"),
            text(&taxonomy["state"]),
        );
        let switch = if primary { "Y" } else { "N" };
        set(
            &format!("Healthcare Provider Primary Taxonomy Switch_{n}"),
            switch.to_owned(),
        );
        set(&format!("Healthcare Provider Taxonomy Group_{n}"), group);
    }
    for (i, identifier) in record["identifiers"].as_array().unwrap().iter().enumerate() {
        let n = i + 1;
        set(
            &format!("Other Provider Identifier_{n}"),
            text(&identifier["identifier"]),
        );
        set(
            &format!("Other Provider Identifier Type Code_{n}"),
            text(&identifier["code"]),
        );
        set(
            &format!("Other Provider Identifier State_{n}"),
            text(&identifier["state"]),
        );
        set(
            &format!("Other Provider Identifier Issuer_{n}"),
            text(&identifier["issuer"]),
        );
    }
    for name in record["other_names"].as_array().unwrap() {
        if name["organization_name"].is_string() {
            set("Provider Other Organization Name", "<UNAVAIL>".to_owned());
            set("Provider Other Organization Name Type Code", "6".to_owned());
            rows.other_names.push(values(&[
                ("NPI", npi.clone()),
                (
                    "Provider Other Organization Name",
                    text(&name["organization_name"]),
                ),
                (
                    "Provider Other Organization Name Type Code",
                    text(&name["code"]),
                ),
            ]));
        } else {
            set("Provider Other Last Name", text(&name["last_name"]));
            set("Provider Other First Name", text(&name["first_name"]));
            set("Provider Other Middle Name", text(&name["middle_name"]));
            set("Provider Other Name Prefix Text", title(&name["prefix"]));
            set("Provider Other Name Suffix Text", title(&name["suffix"]));
            set("Provider Other Credential Text", text(&name["credential"]));
            set("Provider Other Last Name Type Code", text(&name["code"]));
        }
    }
    rows.main = main;
    for location in record["practiceLocations"].as_array().unwrap() {
        let at = |part: &str| format!("Provider Secondary Practice Location Address{part}");
        rows.locations.push(values(&[
            ("NPI", npi.clone()),
            (&at("- Address Line 1"), text(&location["address_1"])),
            (&at("-  Address Line 2"), text(&location["address_2"])),
            (&at(" - City Name"), text(&location["city"])),
            (&at(" - State Name"), text(&location["state"])),
            (&at(" - Postal Code"), text(&location["postal_code"])),
            (
                &at(" - Country Code (If outside U.S.)"),
                text(&location["country_code"]),
            ),
            (
                &at(" - Telephone Number"),
                digits(&location["telephone_number"]),
            ),
            (
                "Provider Practice Location Address - Fax Number",
                digits(&location["fax_number"]),
            ),
        ]));
    }
    for endpoint in record["endpoints"].as_array().unwrap() {
        rows.endpoints.push(values(&[
            ("NPI", npi.clone()),
            ("Endpoint Type", text(&endpoint["endpointType"])),
            (
                "Endpoint Type Description",
                text(&endpoint["endpointTypeDescription"]),
            ),
            ("Endpoint", text(&endpoint["endpoint"])),
            ("Affiliation", letter(&endpoint["affiliation"])),
            (
                "Endpoint Description",
                text(&endpoint["endpointDescription"]),
            ),
            (
                "Affiliation Legal Business Name",
                text(&endpoint["affiliationName"]),
            ),
            ("Use Code", text(&endpoint["use"])),
            ("Use Description", text(&endpoint["useDescription"])),
            (
                "Other Use Description",
                text(&endpoint["useOtherDescription"]),
            ),
            ("Content Type", text(&endpoint["contentType"])),
            (
                "Content Description",
                text(&endpoint["contentTypeDescription"]),
            ),
            (
                "Other Content Description",
                text(&endpoint["contentOtherDescription"]),
            ),
            ("Affiliation Address Line One", text(&endpoint["address_1"])),
            ("Affiliation Address Line Two", text(&endpoint["address_2"])),
            ("Affiliation Address City", text(&endpoint["city"])),
            ("Affiliation Address State", text(&endpoint["state"])),
            (
                "Affiliation Address Country",
                text(&endpoint["country_code"]),
            ),
            (
                "Affiliation Address Postal Code",
                text(&endpoint["postal_code"]),
            ),
        ]));
    }
    rows
}

fn values(values: &[(&str, String)]) -> Values {
    values
        .iter()
        .map(|(column, value)| ((*column).to_owned(), value.clone()))
        .collect()
}

#[test]
fn an_answer_written_as_rows_is_read_as_the_same_provider() {
    let mut main = Table::main();
    let mut other_names = Table::other_names();
    let mut locations = Table::locations();
    let mut endpoints = Table::endpoints();
    let mut by_api: Vec<Provider> = Vec::new();
    for record in answers() {
        by_api.push(normalise(&record).unwrap().provider);
        let rows = rows(&record);
        main.push(rows.main);
        rows.other_names
            .into_iter()
            .for_each(|row| other_names.push(row));
        rows.locations
            .into_iter()
            .for_each(|row| locations.push(row));
        rows.endpoints
            .into_iter()
            .for_each(|row| endpoints.push(row));
    }
    assert_eq!(by_api.len(), 139);
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        ("npidata_pfile", &main),
        ("othername_pfile", &other_names),
        ("pl_pfile", &locations),
        ("endpoint_pfile", &endpoints),
    ]
    .map(|(name, table)| {
        written::file(
            folder.path(),
            &format!("{name}_20260831-20260906.csv"),
            &table.bytes(),
        )
    });
    let catalog = Catalog::open(&paths).unwrap();
    let side = catalog
        .side(&mut |_| {}, &mut |row| panic!("{row:?}"))
        .unwrap();
    assert!(
        side.files().iter().all(|file| file.rows > 0),
        "{:?}",
        side.files()
    );
    let by_file = read(&catalog, &side);
    assert_eq!(by_file.set_aside, []);
    assert_eq!(by_file.warnings, []);
    for (by_file, by_api) in by_file.providers.iter().zip(&by_api) {
        assert_eq!(by_file, by_api);
    }
    assert_eq!(by_file.providers.len(), by_api.len());
}

#[test]
fn a_row_written_as_an_answer_is_read_as_the_same_provider() {
    let nothing = Catalogue::new(Vec::new());
    let mut count = 0;
    for name in [
        "npidata_pfile_full_head700_2025.csv",
        "npidata_pfile_weekly_20260615_part.csv",
        "npidata_pfile_v1_sample98_2023_verbatim.csv",
        "npidata_pfile_v1_sample12_2020_verbatim.csv",
    ] {
        let catalog = Catalog::open(&[fixture(name)]).unwrap();
        for by_file in read(&catalog, &Side::default()).providers {
            let by_api = normalise(&render(&by_file, &nothing)).unwrap();
            assert_eq!(by_api.provider, by_file);
            count += 1;
        }
    }
    assert_eq!(count, 700 + 612 + 98 + 12);
}
