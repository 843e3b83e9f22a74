//! One record of an answer, read into a provider.

use std::cell::RefCell;

use canvass_model::{
    Address, Endpoint, Entity, Identifier, Npi, Official, OtherName, PersonName, Phone, Provider,
    ProviderTaxonomy, RecordStatus, Sex,
};
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::codes;
use crate::normalize;

/// A provider, and what in its record could not be understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalised {
    /// The provider.
    pub provider: Provider,
    /// Each value that was passed over, with where it stands and why.
    pub warnings: Vec<String>,
}

/// A record that is no provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SetAside {
    /// What stands where the NPI should, at most twenty characters of it.
    pub npi: Option<String>,
    /// Why it is none.
    pub reason: String,
}

/// Reads one record of the registry's API, of its present shape or of the one it had until 2022.
///
/// Absent, null, empty and masked values are all absent in the provider. What the registry only
/// repeats (descriptions of codes, names of countries) is not read.
///
/// # Errors
/// When the record is no object or has no valid NPI. Anything else that is wrong is a warning.
pub fn normalise(record: &Value) -> Result<Normalised, SetAside> {
    let Some(map) = record.as_object() else {
        return Err(SetAside {
            npi: None,
            reason: "the record is no JSON object".to_owned(),
        });
    };
    let npi = npi(map)?;
    let warnings = RefCell::default();
    let record = Fields {
        at: "",
        index: None,
        map: Some(map),
        warnings: &warnings,
    };
    let provider = provider(npi, &record);
    Ok(Normalised {
        provider,
        warnings: warnings.into_inner(),
    })
}

fn npi(record: &Map<String, Value>) -> Result<Npi, SetAside> {
    let text = match record.get("number") {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null) | None => {
            return Err(SetAside {
                npi: None,
                reason: "the record has no number".to_owned(),
            });
        }
        Some(other) => other.to_string(),
    };
    text.parse()
        .map_err(|error: canvass_model::InvalidNpi| SetAside {
            // No database keeps every sign that may stand there.
            npi: Some(text.chars().filter(|c| !c.is_control()).take(20).collect()),
            reason: error.to_string(),
        })
}

fn provider(npi: Npi, record: &Fields) -> Provider {
    let basic = record.part("basic");
    let mut p = Provider::new(npi);
    p.organization_name = basic.text("organization_name");
    p.name = PersonName {
        prefix: basic.read("name_prefix", normalize::affix),
        first: basic.text("first_name"),
        middle: basic.text("middle_name"),
        last: basic.text("last_name"),
        suffix: basic.read("name_suffix", normalize::affix),
        credential: basic.text("credential"),
    };
    p.entity = entity(record, &p);
    if let (None, None, None) = (&p.organization_name, &p.name.first, &p.name.last) {
        // The joined name of the older shape: better than none.
        match p.entity {
            Some(Entity::Organization) => p.organization_name = basic.text("name"),
            _ => p.name.last = basic.text("name"),
        }
    }
    p.sex = basic
        .parsed("sex", "sex", Sex::parse)
        .or_else(|| basic.parsed("gender", "sex", Sex::parse));
    p.sole_proprietor = basic.flag("sole_proprietor");
    p.subpart = basic.flag("organizational_subpart");
    p.parent_organization = basic.text("parent_organization_legal_business_name");
    p.official = official(&basic);
    addresses(record, &mut p);
    p.taxonomies = record
        .list("taxonomies")
        .filter_map(|t| taxonomy(&t))
        .collect();
    p.identifiers = record
        .list("identifiers")
        .filter_map(|i| identifier(&i))
        .collect();
    p.other_names = record
        .list("other_names")
        .map(|n| other_name(&n))
        .filter(|n| *n != OtherName::default())
        .collect();
    p.endpoints = record
        .list("endpoints")
        .map(|e| endpoint(&e))
        .filter(|e| *e != Endpoint::default())
        .collect();
    p.enumerated_on = basic
        .date("enumeration_date")
        .or_else(|| record.day_of_epoch("created_epoch"));
    p.updated_on = basic
        .date("last_updated")
        .or_else(|| record.day_of_epoch("last_updated_epoch"));
    p.certified_on = basic.date("certification_date");
    p.deactivated_on = basic.date("deactivation_date");
    p.reactivated_on = basic.date("reactivation_date");
    p.status = status(&basic, &p);
    p
}

fn entity(record: &Fields, p: &Provider) -> Option<Entity> {
    let stated = record.parsed("enumeration_type", "type of provider", Entity::parse);
    stated.or_else(|| {
        if p.organization_name.is_some() {
            Some(Entity::Organization)
        } else if p.name.last.is_some() {
            Some(Entity::Individual)
        } else {
            None
        }
    })
}

/// `A` is active; any other status is deactivated when the dates say so.
fn status(basic: &Fields, p: &Provider) -> RecordStatus {
    let stated = basic.text("status");
    if stated.as_deref() == Some("A") {
        return RecordStatus::Active;
    }
    if p.deactivated_on.is_some() && p.reactivated_on <= p.deactivated_on {
        return RecordStatus::Deactivated;
    }
    if let Some(other) = stated.filter(|_| p.deactivated_on.is_none()) {
        basic.warn(
            "status",
            format_args!("{other:?} without a day of deactivation is taken as active"),
        );
    }
    RecordStatus::Active
}

fn official(basic: &Fields) -> Option<Official> {
    let official = Official {
        name: PersonName {
            prefix: basic.read("authorized_official_name_prefix", normalize::affix),
            first: basic.text("authorized_official_first_name"),
            middle: basic.text("authorized_official_middle_name"),
            last: basic.text("authorized_official_last_name"),
            suffix: basic.read("authorized_official_name_suffix", normalize::affix),
            credential: basic.text("authorized_official_credential"),
        },
        title: basic.text("authorized_official_title_or_position"),
        phone: basic.phone("authorized_official_telephone_number"),
    };
    (official != Official::default()).then_some(official)
}

/// Addresses come in either order, told apart by their purpose. Secondary practice locations come
/// apart from them.
fn addresses(record: &Fields, p: &mut Provider) {
    for part in record.list("addresses") {
        let address = address(&part);
        if address.is_empty() {
            continue;
        }
        let purpose = part.text("address_purpose").unwrap_or_default();
        match purpose.to_ascii_uppercase().as_str() {
            "MAILING" if p.mailing.is_none() => p.mailing = Some(address),
            "LOCATION" | "PRIMARY" if p.practice.is_none() => p.practice = Some(address),
            "LOCATION" | "PRIMARY" | "SECONDARY" => p.secondary.push(address),
            "MAILING" => part.warn(
                "address_purpose",
                "a second \"MAILING\" address is passed over",
            ),
            other => {
                part.warn(
                    "address_purpose",
                    format_args!("{:?} is no purpose of an address", short(other)),
                );
                p.secondary.push(address);
            }
        }
    }
    // A client that knew the name with an underscore was served so at some time.
    for key in ["practiceLocations", "practice_locations"] {
        let locations = record.list(key).map(|part| address(&part));
        p.secondary.extend(locations.filter(|a| !a.is_empty()));
    }
}

fn address(part: &Fields) -> Address {
    Address {
        line_1: part.text("address_1"),
        line_2: part.text("address_2"),
        city: part.text("city"),
        state: part.text("state"),
        postal_code: part.read("postal_code", normalize::postal_code),
        country: part.text("country_code"),
        phone: part.phone("telephone_number"),
        fax: part.phone("fax_number"),
    }
}

fn taxonomy(part: &Fields) -> Option<ProviderTaxonomy> {
    Some(ProviderTaxonomy {
        code: part.needed("code")?.to_ascii_uppercase(),
        primary: part.flag("primary").unwrap_or(false),
        license: part.text("license"),
        state: part.text("state"),
        group: part.read("taxonomy_group", normalize::taxonomy_group),
    })
}

fn identifier(part: &Fields) -> Option<Identifier> {
    Some(Identifier {
        identifier: part.needed("identifier")?,
        code: part.text("code").map(|code| match code.as_str() {
            // A number where the code should be has lost its leading zero.
            one if one.len() == 1 => format!("0{one}"),
            _ => code,
        }),
        state: part.text("state"),
        issuer: part.text("issuer"),
    })
}

fn other_name(part: &Fields) -> OtherName {
    let person = PersonName {
        prefix: part.read("prefix", normalize::affix),
        first: part.text("first_name"),
        middle: part.text("middle_name"),
        last: part.text("last_name"),
        suffix: part.read("suffix", normalize::affix),
        credential: part.text("credential"),
    };
    let organization = part.text("organization_name");
    if organization.is_none() && person.is_empty() {
        return OtherName::default();
    }
    OtherName {
        code: part
            .text("code")
            .or_else(|| Some(codes::name_type_code(&part.text("type")?)?.to_owned())),
        organization,
        person,
    }
}

fn endpoint(part: &Fields) -> Endpoint {
    Endpoint {
        kind: part.text("endpointType"),
        kind_description: part.text("endpointTypeDescription"),
        endpoint: part.text("endpoint"),
        description: part.text("endpointDescription"),
        use_code: part.text("use"),
        use_description: part.text("useDescription"),
        use_other: part.text("useOtherDescription"),
        content: part.text("contentType"),
        content_description: part.text("contentTypeDescription"),
        content_other: part.text("contentOtherDescription"),
        affiliation: part.flag("affiliation"),
        affiliation_name: part.text("affiliationName"),
        address: address(part),
    }
}

/// The fields of one object of a record, and where it stands in it.
struct Fields<'a> {
    /// Key of the object in the record; empty for the record itself.
    at: &'static str,
    /// Place in a list, from 0.
    index: Option<usize>,
    /// Absent when the record has no such object.
    map: Option<&'a Map<String, Value>>,
    warnings: &'a RefCell<Vec<String>>,
}

impl<'a> Fields<'a> {
    fn warn(&self, key: &str, problem: impl std::fmt::Display) {
        let place = match (self.at, self.index) {
            ("", _) => key.to_owned(),
            (at, None) => format!("{at}.{key}"),
            (at, Some(i)) => format!("{at}[{i}].{key}"),
        };
        self.warnings
            .borrow_mut()
            .push(format!("{place}: {problem}"));
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.map?.get(key).filter(|value| !value.is_null())
    }

    /// The value as the registry wrote it, whether it is a text, a number or a flag.
    fn raw(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(_) | Value::Object(_) => {
                self.warn(key, "a single value was expected");
                None
            }
            other => Some(other.to_string()),
        }
    }

    fn read(&self, key: &str, rule: impl Fn(&str) -> Option<String>) -> Option<String> {
        rule(&self.raw(key)?)
    }

    fn text(&self, key: &str) -> Option<String> {
        self.read(key, normalize::text)
    }

    /// A text without which its object says nothing.
    fn needed(&self, key: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_none() {
            self.warn(key, "is absent, so the entry is passed over");
        }
        text
    }

    fn parsed<T>(&self, key: &str, what: &str, rule: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let value = rule(&text);
        if value.is_none() {
            self.warn(key, format_args!("{:?} is no {what}", short(&text)));
        }
        value
    }

    fn phone(&self, key: &str) -> Option<Phone> {
        self.parsed(key, "telephone number", Phone::parse)
    }

    fn date(&self, key: &str) -> Option<Date> {
        self.parsed(key, "date", normalize::date)
    }

    fn day_of_epoch(&self, key: &str) -> Option<Date> {
        if self.text(key).as_deref() == Some("0") {
            // No day: canvass itself writes so.
            return None;
        }
        self.parsed(key, "epoch", |text| {
            normalize::day_of_epoch(text.parse().ok()?)
        })
    }

    fn flag(&self, key: &str) -> Option<bool> {
        let text = self.text(key)?;
        normalize::flag(&text).unwrap_or_else(|()| {
            self.warn(
                key,
                format_args!("{:?} is neither yes nor no", short(&text)),
            );
            None
        })
    }

    fn part(&self, key: &'static str) -> Fields<'a> {
        let value = self.value(key);
        let map = value.and_then(Value::as_object);
        if value.is_some() && map.is_none() {
            self.warn(key, "an object was expected");
        }
        Fields {
            at: key,
            index: None,
            map,
            warnings: self.warnings,
        }
    }

    fn list(&self, key: &'static str) -> impl Iterator<Item = Fields<'a>> {
        let value = self.value(key);
        let items = value.and_then(Value::as_array);
        if value.is_some() && items.is_none() {
            self.warn(key, "a list was expected");
        }
        let warnings = self.warnings;
        let items = items.map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(move |(i, item)| {
            let map = item.as_object();
            if map.is_none() && !item.is_null() {
                let problem = format!("{key}[{i}]: an object was expected");
                warnings.borrow_mut().push(problem);
            }
            Fields {
                at: key,
                index: Some(i),
                map,
                warnings,
            }
        })
    }
}

/// Enough of a text to recognise it in a message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
