use std::collections::BTreeMap;

use canvass_model::{
    Address, Endpoint, Entity, Identifier, Npi, Official, OtherName, PersonName, Phone, Provider,
    ProviderTaxonomy, RecordStatus, Sex,
};
use canvass_nppes::api::{normalise, render};
use jiff::civil::{Date, date};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::Value;

use crate::{fixtures, nucc::catalogue};

#[test]
fn a_rendered_real_record_is_read_as_the_same_provider() {
    let catalogue = catalogue();
    for (_, record) in fixtures::records() {
        let p = fixtures::provider(&record);
        assert_eq!(fixtures::provider(&render(&p, &catalogue)), p);
    }
}

/// Every value of a record by its path, with places in lists left as they are.
fn paths(value: &Value, at: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            found.insert(at.to_owned(), "{}".into());
            let each = map.iter();
            each.for_each(|(key, v)| paths(v, &format!("{at}.{key}"), found));
        }
        Value::Array(items) => {
            found.insert(at.to_owned(), "[]".into());
            let each = items.iter().enumerate();
            each.for_each(|(i, v)| paths(v, &format!("{at}[{i}]"), found));
        }
        leaf => {
            found.insert(at.to_owned(), leaf.clone());
        }
    }
}

/// The addresses mailing first, which is how two thirds of the real records have them.
fn mailing_first(mut record: Value) -> Value {
    let addresses = record["addresses"].as_array_mut().unwrap();
    addresses.sort_by_key(|a| a["address_purpose"] != "MAILING");
    record
}

#[test]
fn a_rendered_record_has_the_keys_types_and_values_of_the_real_one() {
    let catalogue = catalogue();
    let mut other_descriptions = Vec::new();
    for record in fixtures::current() {
        let npi = record["number"].to_string();
        let (mut real, mut ours) = (BTreeMap::new(), BTreeMap::new());
        let rendered = render(&fixtures::provider(&record), &catalogue);
        paths(&mailing_first(record), "", &mut real);
        paths(&rendered, "", &mut ours);
        // The registry's placeholders for no prefix, no suffix and (twice) no sex are absent keys.
        let personal = [".name_prefix", ".name_suffix", ".prefix", ".suffix", ".sex"];
        let placeholder = |key: &str, v: &Value| {
            (v == "--" || v == "")
                && (personal.iter().any(|end| key.ends_with(end))
                    || key.ends_with("official_name_suffix"))
        };
        real.retain(|key, v| !placeholder(key, v));
        // One record is from the months in which `sex` was still called `gender`.
        if let Some(gender) = real.remove(".basic.gender") {
            real.insert(".basic.sex".into(), gender);
        }
        assert_eq!(
            real.keys().collect::<Vec<_>>(),
            ours.keys().collect::<Vec<_>>(),
            "{npi}"
        );
        for (key, was) in &real {
            let is = &ours[key];
            if key.starts_with(".taxonomies") && key.rsplit('.').next() == Some("desc") {
                if was != is {
                    other_descriptions.push(format!("{was} {is}"));
                }
                continue;
            }
            let kind = |v: &Value| std::mem::discriminant(v);
            assert_eq!(kind(was), kind(is), "{npi} {key}");
            // The time of day is not kept; the day is, which another test shows.
            if !key.ends_with("_epoch") {
                assert_eq!(was, is, "{npi} {key}");
            }
        }
    }
    other_descriptions.sort();
    other_descriptions.dedup();
    insta::assert_snapshot!(other_descriptions.join("\n"));
}

#[test]
fn keys_are_in_alphabetical_order_and_all_eleven_are_there() {
    let p = Provider::new("1234567893".parse().unwrap());
    let text = render(&p, &catalogue()).to_string();
    assert_eq!(
        text,
        r#"{"addresses":[],"basic":{"status":"A"},"created_epoch":"0","endpoints":[],"#.to_owned()
            + r#""enumeration_type":"","identifiers":[],"last_updated_epoch":"0","number":"1234567893","#
            + r#""other_names":[],"practiceLocations":[],"taxonomies":[]}"#
    );
}

#[test]
fn two_providers_look_as_the_registry_writes_them() {
    let records = fixtures::records();
    let of = |npi: &str| {
        let found = records.iter().find(|(_, r)| r["number"] == npi);
        render(&fixtures::provider(&found.unwrap().1), &catalogue())
    };
    insta::assert_json_snapshot!("an_individual", of("1003826272"));
    insta::assert_json_snapshot!("an_organization", of("1770626038"));
}

/// Boxed, like the ones below: the tree of a whole provider is larger than a test's stack.
fn text() -> BoxedStrategy<Option<String>> {
    option::of("[A-Z0-9][A-Za-z0-9&'é .-]{0,12}[A-Za-z0-9é]").boxed()
}

fn phone() -> BoxedStrategy<Option<Phone>> {
    option::of("[02-9][0-9]{5,13}".prop_map(|digits| Phone::parse(&digits).unwrap())).boxed()
}

fn day() -> BoxedStrategy<Option<Date>> {
    option::of((1990i16..2030, 1i8..13, 1i8..29).prop_map(|(y, m, d)| date(y, m, d))).boxed()
}

prop_compose! {
    fn name()(
        prefix in option::of(select(vec!["Dr.", "Mrs.", "REV."])),
        first in text(), middle in text(), last in text(),
        suffix in option::of(select(vec!["Jr.", "III"])),
        credential in text(),
    ) -> PersonName {
        let (prefix, suffix) = (prefix.map(str::to_owned), suffix.map(str::to_owned));
        PersonName { prefix, first, middle, last, suffix, credential }
    }
}

prop_compose! {
    fn address()(
        lines in (text(), text()), city in text(), state in text(),
        postal_code in option::of("[0-9]{5}|[0-9]{9}|[A-Z][0-9][A-Z] [0-9][A-Z][0-9]"),
        country in option::of("US|CA|AA"), phone in phone(), fax in phone(),
    ) -> Address {
        let (line_1, line_2) = lines;
        Address { line_1, line_2, city, state, postal_code, country, phone, fax }
    }
}

prop_compose! {
    fn taxonomy()(
        code in "[0-9A-Z]{9}X", primary: bool, license in text(), state in text(),
        group in option::of(select(vec![
            "193400000X SINGLE SPECIALTY GROUP", "193200000X MULTI-SPECIALTY GROUP",
            "193400000X MULTIPLE SINGLE SPECIALTY GROUP", "193400000X", "193400000X OTHER"])),
    ) -> ProviderTaxonomy {
        ProviderTaxonomy { code, primary, license, state, group: group.map(str::to_owned) }
    }
}

prop_compose! {
    fn endpoint()(
        of_kind in (text(), text()), endpoint in text(), description in text(),
        of_use in (text(), text(), text()), of_content in (text(), text(), text()),
        affiliation: Option<bool>, affiliation_name in text(), address in address().boxed(),
    ) -> Endpoint {
        let (kind, kind_description) = of_kind;
        let (use_code, use_description, use_other) = of_use;
        let (content, content_description, content_other) = of_content;
        Endpoint {
            kind, kind_description, endpoint, description, use_code, use_description, use_other,
            content, content_description, content_other, affiliation, affiliation_name, address,
        }
    }
}

prop_compose! {
    /// The lists of a provider.
    fn lists()(
        secondary in vec(address().boxed(), 0..3).boxed(),
        taxonomies in vec(taxonomy().boxed(), 0..4).boxed(),
        identifiers in vec((text(), option::of("01|05|09"), text(), text()), 0..3),
        other_names in vec((option::of("[1-6]"), text(), name().boxed()), 0..3).boxed(),
        endpoints in vec(endpoint().boxed(), 0..3).boxed(),
    ) -> Provider {
        let mut p = Provider::new("1234567893".parse().unwrap());
        p.secondary = secondary.into_iter().filter(|a| !a.is_empty()).collect();
        p.taxonomies = taxonomies;
        p.identifiers = identifiers.into_iter().filter_map(|(identifier, code, state, issuer)| {
            Some(Identifier { identifier: identifier?, code, state, issuer })
        }).collect();
        p.other_names = other_names.into_iter()
            .map(|(code, organization, person)| OtherName { code, organization, person })
            .filter(|n| n.organization.is_some() || !n.person.is_empty())
            .collect();
        p.endpoints = endpoints.into_iter().filter(|e| *e != Endpoint::default()).collect();
        p
    }
}

prop_compose! {
    /// Any provider that can be read from a record: empty parts are absent, and who is named has a
    /// kind.
    fn provider()(
        lists in lists().boxed(), nine in 100_000_000u32..300_000_000,
        entity in select(vec![Entity::Individual, Entity::Organization]),
        name in name().boxed(), organization_name in text(),
        sex in option::of(select(vec![Sex::M, Sex::F, Sex::X, Sex::U])),
        flags in any::<(Option<bool>, Option<bool>)>(), parent_organization in text(),
        official in (name().boxed(), text(), phone()),
        addresses in (address().boxed(), address().boxed()),
        dates in (day(), day(), day(), day(), day()),
        gone: bool,
    ) -> Provider {
        let (official_name, title, official_phone) = official;
        let official = Official { name: official_name, title, phone: official_phone };
        let (enumerated_on, updated_on, certified_on, deactivated_on, reactivated_on) = dates;
        let status = if gone && deactivated_on.is_some() && reactivated_on <= deactivated_on {
            RecordStatus::Deactivated
        } else {
            RecordStatus::Active
        };
        Provider {
            npi: Npi::from_first_nine(nine).unwrap(),
            entity: Some(entity), status, name, organization_name, sex,
            sole_proprietor: flags.0, subpart: flags.1, parent_organization,
            official: (official != Official::default()).then_some(official),
            mailing: Some(addresses.0).filter(|a| !a.is_empty()),
            practice: Some(addresses.1).filter(|a| !a.is_empty()),
            enumerated_on, updated_on, certified_on, deactivated_on, reactivated_on,
            ..lists
        }
    }
}

proptest! {
    #[test]
    fn a_rendered_provider_is_read_as_itself(p in provider().boxed()) {
        let catalogue = canvass_model::Catalogue::default();
        let read = normalise(&render(&p, &catalogue)).unwrap();
        prop_assert_eq!(read.warnings, Vec::<String>::new());
        prop_assert_eq!(read.provider, p);
    }

    #[test]
    fn no_value_in_any_place_is_a_panic(
        key in select(vec!["basic", "addresses", "taxonomies", "endpoints", "number", "created_epoch",
            "identifiers", "other_names", "practiceLocations", "enumeration_type"]),
        inner in select(vec!["code", "identifier", "last_name", "enumeration_date", "postal_code",
            "telephone_number", "status", "taxonomy_group", "primary"]),
        text in "\\PC{0,14}", shape in 0..4,
    ) {
        let value = match shape {
            0 => Value::from(text),
            1 => serde_json::json!({inner: text}),
            2 => serde_json::json!([{inner: text}]),
            _ => serde_json::json!([text, null, 1e300, [text]]),
        };
        let mut record = serde_json::json!({"number": "1234567893"});
        record[key] = value;
        let _ = normalise(&record);
    }
}
