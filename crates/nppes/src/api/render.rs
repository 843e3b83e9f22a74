//! A provider, written as one record of the registry's API.

use canvass_model::{
    Address, Catalogue, Endpoint, Entity, Identifier, OtherName, Provider, ProviderTaxonomy,
    RecordStatus, Taxonomy,
};
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::codes;
use crate::normalize;

/// Writes a provider as the registry's API 2.1 does today: the eleven keys of a record always,
/// keys in alphabetical order, an absent value as an absent key except where the registry writes
/// null or an empty text.
///
/// The registry publishes no record that is out of service. For one that is, `status` is `D` and
/// the dates of deactivation and reactivation stand in `basic`, where the registry had them until
/// 2022. [`super::normalise`] gives the provider back, except that a record which is missing from
/// the files ([`RecordStatus::Unpublished`]) comes back as active.
pub fn render(p: &Provider, catalogue: &Catalogue) -> Value {
    let addresses = [
        p.mailing.as_ref().map(|a| address(a, Some("MAILING"))),
        p.practice.as_ref().map(|a| address(a, Some("LOCATION"))),
    ];
    let secondary = p.secondary.iter().map(|a| address(a, Some("LOCATION")));
    let taxonomies = p.taxonomies.iter().map(|t| taxonomy(t, catalogue));
    object([
        list("addresses", addresses.into_iter().flatten()),
        some("basic", basic(p)),
        some("created_epoch", epoch(p.enumerated_on)),
        list("endpoints", p.endpoints.iter().map(endpoint)),
        some(
            "enumeration_type",
            p.entity.map_or("", Entity::enumeration_type),
        ),
        list("identifiers", p.identifiers.iter().map(identifier)),
        some("last_updated_epoch", epoch(p.updated_on)),
        some("number", p.npi.to_string()),
        list("other_names", p.other_names.iter().map(other_name)),
        list("practiceLocations", secondary),
        list("taxonomies", taxonomies),
    ])
}

type Field = Option<(&'static str, Value)>;

/// An object of the fields that are there, its keys in order whatever map the JSON crate uses.
fn object(fields: impl IntoIterator<Item = Field>) -> Value {
    let mut fields: Vec<(&str, Value)> = fields.into_iter().flatten().collect();
    fields.sort_by_key(|(key, _)| *key);
    let fields = fields.into_iter().map(|(key, v)| (key.to_owned(), v));
    Value::Object(fields.collect::<Map<_, _>>())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "all fields of an object have one type, whether they are always there or not"
)]
fn some(key: &'static str, value: impl Into<Value>) -> Field {
    Some((key, value.into()))
}

fn text(key: &'static str, value: Option<&String>) -> Field {
    Some((key, value?.as_str().into()))
}

/// Null where absent.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all fields of an object have one type, whether they are always there or not"
)]
fn nullable(key: &'static str, value: Option<&String>) -> Field {
    Some((key, value.map_or(Value::Null, |v| v.as_str().into())))
}

/// Empty where absent.
fn emptyable(key: &'static str, value: Option<&String>) -> Field {
    some(key, value.map_or("", String::as_str))
}

fn list(key: &'static str, items: impl Iterator<Item = Value>) -> Field {
    some(key, items.collect::<Vec<Value>>())
}

fn date(key: &'static str, value: Option<Date>) -> Field {
    some(key, value?.to_string())
}

fn yes_no(key: &'static str, value: Option<bool>) -> Field {
    some(key, if value? { "YES" } else { "NO" })
}

fn basic(p: &Provider) -> Value {
    let official = p.official.clone().unwrap_or_default();
    let official_phone = official.phone.as_ref().map(|v| v.as_str().to_owned());
    object([
        text(
            "authorized_official_credential",
            official.name.credential.as_ref(),
        ),
        text(
            "authorized_official_first_name",
            official.name.first.as_ref(),
        ),
        text("authorized_official_last_name", official.name.last.as_ref()),
        text(
            "authorized_official_middle_name",
            official.name.middle.as_ref(),
        ),
        text(
            "authorized_official_name_prefix",
            official.name.prefix.as_ref(),
        ),
        text(
            "authorized_official_name_suffix",
            official.name.suffix.as_ref(),
        ),
        text(
            "authorized_official_telephone_number",
            official_phone.as_ref(),
        ),
        text(
            "authorized_official_title_or_position",
            official.title.as_ref(),
        ),
        date("certification_date", p.certified_on),
        text("credential", p.name.credential.as_ref()),
        date("deactivation_date", p.deactivated_on),
        date("enumeration_date", p.enumerated_on),
        text("first_name", p.name.first.as_ref()),
        text("last_name", p.name.last.as_ref()),
        date("last_updated", p.updated_on),
        text("middle_name", p.name.middle.as_ref()),
        text("name_prefix", p.name.prefix.as_ref()),
        text("name_suffix", p.name.suffix.as_ref()),
        text("organization_name", p.organization_name.as_ref()),
        yes_no("organizational_subpart", p.subpart),
        text(
            "parent_organization_legal_business_name",
            p.parent_organization.as_ref(),
        ),
        date("reactivation_date", p.reactivated_on),
        p.sex.and_then(|sex| some("sex", sex.as_str())),
        yes_no("sole_proprietor", p.sole_proprietor),
        some(
            "status",
            match p.status {
                RecordStatus::Active | RecordStatus::Unpublished => "A",
                RecordStatus::Deactivated => "D",
            },
        ),
    ])
}

/// Milliseconds of noon in US Eastern time, which is the same day in UTC; 0 where no day is known,
/// for clients expect a number.
fn epoch(day: Option<Date>) -> String {
    day.and_then(|day| {
        day.at(12, 0, 0, 0)
            .to_zoned_datetime(normalize::eastern())
            .ok()
            .map(|noon| noon.timestamp().as_millisecond().to_string())
    })
    .unwrap_or_else(|| "0".to_owned())
}

fn address(a: &Address, purpose: Option<&'static str>) -> Value {
    object(
        address_fields(a)
            .into_iter()
            .chain([purpose.and_then(|purpose| some("address_purpose", purpose))]),
    )
}

fn address_fields(a: &Address) -> [Field; 10] {
    let domestic = a.country.as_deref().unwrap_or(codes::UNITED_STATES) == codes::UNITED_STATES;
    let country_name = a.country.as_deref().map(codes::country_name);
    let number = |phone: &canvass_model::Phone| phone.to_string();
    [
        text("address_1", a.line_1.as_ref()),
        text("address_2", a.line_2.as_ref()),
        some("address_type", if domestic { "DOM" } else { "FGN" }),
        text("city", a.city.as_ref()),
        text("country_code", a.country.as_ref()),
        text("country_name", country_name.as_ref()),
        text("fax_number", a.fax.as_ref().map(number).as_ref()),
        text("postal_code", a.postal_code.as_ref()),
        text("state", a.state.as_ref()),
        text("telephone_number", a.phone.as_ref().map(number).as_ref()),
    ]
}

fn taxonomy(t: &ProviderTaxonomy, catalogue: &Catalogue) -> Value {
    let description = catalogue.get(&t.code).map(Taxonomy::description);
    object([
        some("code", t.code.as_str()),
        nullable("desc", description.as_ref()),
        nullable("license", t.license.as_ref()),
        some("primary", t.primary),
        nullable("state", t.state.as_ref()),
        some("taxonomy_group", group(t.group.as_deref())),
    ])
}

/// The three labels of a group taxonomy, as the API writes them.
const GROUP_LABELS: [&str; 3] = [
    "Single Specialty Group",
    "Multiple Single Specialty Group",
    "Multi-Specialty Group",
];

fn group(group: Option<&str>) -> String {
    let group = group.unwrap_or_default();
    let Some((code, label)) = group.split_once(' ') else {
        return group.to_owned();
    };
    let known = GROUP_LABELS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(label));
    format!("{code} - {}", known.unwrap_or(label))
}

fn identifier(i: &Identifier) -> Value {
    let kind = i.code.as_deref().and_then(codes::identifier_type);
    object([
        text("code", i.code.as_ref()),
        nullable("desc", kind.map(str::to_owned).as_ref()),
        some("identifier", i.identifier.as_str()),
        nullable("issuer", i.issuer.as_ref()),
        nullable("state", i.state.as_ref()),
    ])
}

fn other_name(n: &OtherName) -> Value {
    let kind = n.code.as_deref().and_then(codes::name_type);
    object([
        text("code", n.code.as_ref()),
        text("credential", n.person.credential.as_ref()),
        text("first_name", n.person.first.as_ref()),
        text("last_name", n.person.last.as_ref()),
        text("middle_name", n.person.middle.as_ref()),
        text("organization_name", n.organization.as_ref()),
        text("prefix", n.person.prefix.as_ref()),
        text("suffix", n.person.suffix.as_ref()),
        kind.and_then(|kind| some("type", kind)),
    ])
}

fn endpoint(e: &Endpoint) -> Value {
    let affiliation = e.affiliation.map(|yes| if yes { "Y" } else { "N" });
    object(address_fields(&e.address).into_iter().chain([
        affiliation.and_then(|flag| some("affiliation", flag)),
        text("affiliationName", e.affiliation_name.as_ref()),
        text("contentOtherDescription", e.content_other.as_ref()),
        text("contentType", e.content.as_ref()),
        emptyable("contentTypeDescription", e.content_description.as_ref()),
        text("endpoint", e.endpoint.as_ref()),
        text("endpointDescription", e.description.as_ref()),
        text("endpointType", e.kind.as_ref()),
        text("endpointTypeDescription", e.kind_description.as_ref()),
        text("use", e.use_code.as_ref()),
        emptyable("useDescription", e.use_description.as_ref()),
        text("useOtherDescription", e.use_other.as_ref()),
    ]))
}
