use canvass_model::{Entity, Phone, Provider, RecordStatus, Sex};
use canvass_nppes::api::{SetAside, normalise};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::fixtures;

#[test]
fn every_real_record_is_understood_whole() {
    let records = fixtures::records();
    assert_eq!(records.len(), 176 + 134);
    for (_, record) in &records {
        let p = fixtures::provider(record);
        assert!(p.entity.is_some());
        assert!(!p.display_name().is_empty());
        assert!(p.practice.is_some() && p.mailing.is_some(), "{}", p.npi);
        assert_eq!(p.taxonomies.iter().filter(|t| t.primary).count(), 1);
    }
}

/// Every value of a record that stands nowhere in its provider.
fn lost(record: &Value, p: &Provider) -> Vec<String> {
    // What follows from other values: words for codes, joined names; and the time at which a
    // secondary location was entered, which the registry no longer serves.
    const FOLLOWS: [&str; 9] = [
        "desc",
        "type",
        "country_name",
        "address_type",
        "address_purpose",
        "created_epoch",
        "last_updated_epoch",
        "name",
        "update_date",
    ];
    let mut kept = Vec::new();
    leaves(&serde_json::to_value(p).unwrap(), "", &mut kept);
    let kept: Vec<String> = kept.into_iter().map(|(_, text)| plain(&text)).collect();
    let mut has = Vec::new();
    leaves(record, "", &mut has);
    has.into_iter()
        .filter(|(key, _)| !FOLLOWS.contains(&key.as_str()))
        .map(|(key, text)| {
            let text = match (key.as_str(), text.as_str()) {
                ("status", "A") => "active".to_owned(),
                ("enumeration_type", "NPI-1") => "individual".to_owned(),
                ("enumeration_type", "NPI-2") => "organization".to_owned(),
                (_, "YES" | "Y") => "true".to_owned(),
                (_, "NO" | "N") => "false".to_owned(),
                // An entry that is not primary does not say so.
                ("primary", "false") => String::new(),
                _ => text,
            };
            (key, plain(&text))
        })
        .filter(|(_, text)| !text.is_empty() && !kept.contains(text))
        .map(|(key, text)| format!("{key}: {text}"))
        .collect()
}

fn leaves(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| leaves(v, key, found)),
        Value::Array(items) => items.iter().for_each(|v| leaves(v, key, found)),
        Value::Null => {}
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        other => found.push((key.to_owned(), other.to_string())),
    }
}

/// Letters and digits only, in upper case: what is left when spelling is taken away.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_uppercase).collect()
}

#[test]
fn nothing_that_a_real_record_says_is_lost() {
    for (_, record) in fixtures::records() {
        let p = fixtures::provider(&record);
        assert_eq!(lost(&record, &p), [""; 0], "{}", p.npi);
    }
}

#[test]
fn epochs_alone_give_the_days_of_every_real_record() {
    for (_, record) in fixtures::records() {
        let p = fixtures::provider(&record);
        let mut bare = record.clone();
        let basic = bare["basic"].as_object_mut().unwrap();
        basic.remove("enumeration_date");
        basic.remove("last_updated");
        assert_eq!(fixtures::provider(&bare), p);
    }
}

fn of(record: &Value) -> (Provider, Vec<String>) {
    let normalised = normalise(record).unwrap();
    (normalised.provider, normalised.warnings)
}

fn with(key: &str, value: Value) -> Value {
    let mut record = json!({"number": "1234567893", "enumeration_type": "NPI-1"});
    record[key] = value;
    record
}

#[test]
fn both_shapes_of_one_provider_are_one_value() {
    let current = json!({
        "number": "1234567893", "enumeration_type": "NPI-1", "created_epoch": "1256126400000",
        "last_updated_epoch": "1553380697000",
        "basic": {"first_name": "ANA", "last_name": "SILVA", "name_prefix": "Dr.", "sex": "F",
            "sole_proprietor": "NO", "status": "A", "enumeration_date": "2009-10-21",
            "last_updated": "2019-03-23"},
        "addresses": [
            {"address_purpose": "MAILING", "address_1": "PO BOX 1", "city": "WASILLA"},
            {"address_purpose": "LOCATION", "address_1": "1 MAIN ST", "city": "WASILLA",
                "postal_code": "996546569", "telephone_number": "907-555-0142"}],
        "practiceLocations": [{"address_purpose": "LOCATION", "address_1": "2 MAIN ST"}],
        "taxonomies": [{"code": "225700000X", "primary": true, "license": "140733", "state": "AK",
            "taxonomy_group": "193400000X - Multiple Single Specialty Group"}],
        "identifiers": [], "endpoints": [], "other_names": []
    });
    let old = json!({
        "number": 1_234_567_893, "enumeration_type": "NPI-1", "created_epoch": 1_256_083_200,
        "last_updated_epoch": 1_553_380_697,
        "basic": {"first_name": "ANA", "middle_name": "", "last_name": "SILVA", "name": "SILVA ANA",
            "name_prefix": "DR.", "name_suffix": "--", "gender": "F", "sole_proprietor": "N"},
        "addresses": [
            {"address_purpose": "LOCATION", "address_1": "1 MAIN ST", "address_2": "",
                "city": "WASILLA", "postal_code": "99654-6569", "telephone_number": "(907) 555-0142"},
            {"address_purpose": "MAILING", "address_1": " PO BOX 1 ", "city": "WASILLA"}],
        "practiceLocations": [{"address_1": "2 MAIN ST", "update_date": "2019-03-23 22:03"}],
        "taxonomies": [{"code": "225700000X", "primary": true, "license": "140733", "state": "AK",
            "taxonomy_group": "193400000X MULTIPLE SINGLE SPECIALTY GROUP"}]
    });
    let p = fixtures::provider(&current);
    assert_eq!(fixtures::provider(&old), p);
    assert_eq!((p.sex, p.sole_proprietor), (Some(Sex::F), Some(false)));
    assert_eq!(p.enumerated_on, Some(date(2009, 10, 21)));
    assert_eq!(p.secondary.len(), 1);
    let group = p.taxonomies[0].group.as_deref();
    assert_eq!(group, Some("193400000X MULTIPLE SINGLE SPECIALTY GROUP"));
}

#[test]
fn a_record_without_a_valid_npi_is_set_aside() {
    let refused = |record: Value| normalise(&record).unwrap_err();
    assert_eq!(
        refused(json!([1])),
        SetAside {
            npi: None,
            reason: "the record is no JSON object".into()
        }
    );
    assert_eq!(refused(json!({"basic": {}})).npi, None);
    let wrong = refused(json!({"number": 1_234_567_890}));
    assert_eq!(wrong.npi.as_deref(), Some("1234567890"));
    assert!(wrong.reason.contains("check digit"), "{}", wrong.reason);
    let long = refused(json!({"number": "9".repeat(5_000)}));
    assert!(long.npi.unwrap().len() <= 20 && long.reason.len() < 200);
    assert!(refused(json!({"number": {"a": 1}})).npi.is_some());
}

#[test]
fn what_is_wrong_in_a_record_is_a_warning() {
    let (p, warnings) = of(&with(
        "basic",
        json!({"last_name": "SILVA", "enumeration_date": "2009-13-45", "sex": "Q",
            "sole_proprietor": "maybe", "credential": {"a": 1}}),
    ));
    assert_eq!(p.name.last.as_deref(), Some("SILVA"));
    assert_eq!(
        warnings,
        [
            "basic.credential: a single value was expected",
            "basic.sex: \"Q\" is no sex",
            "basic.sole_proprietor: \"maybe\" is neither yes nor no",
            "basic.enumeration_date: \"2009-13-45\" is no date",
        ]
    );
    let (p, warnings) = of(&with(
        "taxonomies",
        json!([{"license": "1"}, "text", {"code": "207r00000x"}]),
    ));
    assert_eq!(p.taxonomies.len(), 1);
    assert_eq!(p.taxonomies[0].code, "207R00000X");
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let (_, warnings) = of(&with("addresses", json!("none")));
    assert_eq!(warnings, ["addresses: a list was expected"]);
}

#[test]
fn a_masked_identifier_is_passed_over() {
    let (p, warnings) = of(&with(
        "identifiers",
        json!([{"identifier": "=========", "code": "05"}, {"identifier": 7, "code": 5}]),
    ));
    assert_eq!(warnings.len(), 1);
    assert_eq!(p.identifiers.len(), 1);
    assert_eq!(p.identifiers[0].identifier, "7");
    assert_eq!(p.identifiers[0].code.as_deref(), Some("05"));
}

#[test]
fn a_status_is_told_by_its_letter_and_the_dates() {
    let status = |basic: Value| of(&with("basic", basic));
    let gone = json!({"status": "D", "deactivation_date": "2015-01-14"});
    assert_eq!(status(gone).0.status, RecordStatus::Deactivated);
    let gone = json!({"deactivation_date": "2015-01-14", "reactivation_date": "2014-01-01"});
    assert_eq!(status(gone).0.status, RecordStatus::Deactivated);
    let back = json!({"deactivation_date": "2015-01-14", "reactivation_date": "2019-02-13"});
    assert_eq!(status(back).0.status, RecordStatus::Active);
    let back = json!({"status": "A", "deactivation_date": "2015-01-14"});
    assert_eq!(status(back).0.status, RecordStatus::Active);
    let (p, warnings) = status(json!({"status": "Z"}));
    assert_eq!((p.status, warnings.len()), (RecordStatus::Active, 1));
}

#[test]
fn more_addresses_of_a_purpose_are_kept_where_they_fit() {
    let (p, warnings) = of(&with(
        "addresses",
        json!([
            {"address_purpose": "LOCATION", "city": "A"},
            {"address_purpose": "location", "city": "B"},
            {"address_purpose": "MAILING", "city": "C", "telephone_number": "none"},
            {"address_purpose": "MAILING", "city": "D"},
            {"address_purpose": "MAILING", "city": ""},
        ]),
    ));
    assert_eq!(p.practice.unwrap().city.as_deref(), Some("A"));
    assert_eq!(p.secondary[0].city.as_deref(), Some("B"));
    assert_eq!(p.mailing.unwrap().city.as_deref(), Some("C"));
    assert_eq!(
        warnings,
        [
            "addresses[2].telephone_number: \"none\" is no telephone number",
            "addresses[3].address_purpose: a second \"MAILING\" address is passed over"
        ]
    );
    let snake = with("practice_locations", json!([{"city": "E"}]));
    assert_eq!(of(&snake).0.secondary.len(), 1);
}

#[test]
fn the_kind_of_a_provider_is_inferred_where_it_is_not_said() {
    let kind = |basic: Value| of(&json!({"number": "1234567893", "basic": basic})).0;
    let organization = kind(json!({"organization_name": "CLINIC"}));
    assert_eq!(organization.entity, Some(Entity::Organization));
    assert_eq!(
        kind(json!({"last_name": "SILVA"})).entity,
        Some(Entity::Individual)
    );
    assert_eq!(kind(json!({})).entity, None);
    let joined = of(&with("basic", json!({"name": "SILVA ANA"}))).0;
    assert_eq!(joined.display_name(), "SILVA ANA");
}

#[test]
fn the_official_and_the_other_names_keep_their_parts() {
    let (p, _) = of(&json!({
        "number": "1234567893", "enumeration_type": "NPI-2",
        "basic": {"organization_name": "CLINIC", "organizational_subpart": "YES",
            "parent_organization_legal_business_name": "HOSPITAL",
            "authorized_official_first_name": "ANA", "authorized_official_last_name": "SILVA",
            "authorized_official_name_prefix": "MRS.",
            "authorized_official_telephone_number": "9075550142"},
        "other_names": [
            {"code": "3", "type": "Doing Business As", "organization_name": "THE CLINIC"},
            {"type": "Former Name", "last_name": "COSTA", "prefix": "--"},
            {"code": "5", "organization_name": ""}]
    }));
    assert_eq!(p.subpart, Some(true));
    assert_eq!(p.parent_organization.as_deref(), Some("HOSPITAL"));
    let official = p.official.unwrap();
    assert_eq!(official.name.prefix.as_deref(), Some("Mrs."));
    assert_eq!(official.phone, Phone::parse("907-555-0142"));
    assert_eq!(p.other_names.len(), 2);
    assert_eq!(p.other_names[1].code.as_deref(), Some("1"));
}
