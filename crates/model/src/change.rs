use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Address, Endpoint, Identifier, Npi, PersonName, Provider, ProviderTaxonomy, RecordStatus,
    Source,
    compare::{Says, folded, keys, said},
};

/// What happened to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A field has another value.
    Field,
    /// Taken out of service.
    Deactivated,
    /// In service again.
    Reactivated,
}

impl ChangeKind {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Deactivated => "deactivated",
            Self::Reactivated => "reactivated",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Field, Self::Deactivated, Self::Reactivated]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// One field of a provider that differs from what was known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whose.
    pub npi: Npi,
    /// When canvass saw it.
    pub at: Timestamp,
    /// What happened.
    pub kind: ChangeKind,
    /// Which field: `practice.phone`, `taxonomies`.
    pub field: String,
    /// What was known before; absent when nothing was.
    pub before: Option<String>,
    /// What is known now; absent when nothing is.
    pub after: Option<String>,
    /// Where canvass saw it.
    pub source: Source,
}

/// Every field in which `after` says something else than `before`, in a fixed order.
///
/// Entries of a list have no order. Case and punctuation are no part of a name or a street, and a
/// word like `NA` says no more than nothing. The day of the registry's last update and of the last
/// certification say that a record was touched, not what is different, so they are no change of
/// their own; but where the day of the last update is the same, nothing has changed except whether
/// the provider is in service.
pub fn changes_between(
    before: &Provider,
    after: &Provider,
    source: Source,
    at: Timestamp,
) -> Vec<Change> {
    let touched = before.updated_on.is_none() || before.updated_on != after.updated_on;
    let was = fields(before);
    let is = fields(after);
    let mut changes: Vec<Change> = was
        .into_iter()
        .zip(is)
        .filter(|(was, is)| was.says != is.says && (touched || is.is_service()))
        .map(|(was, is)| Change {
            npi: after.npi,
            at,
            kind: ChangeKind::Field,
            field: is.name.to_owned(),
            before: was.shown,
            after: is.shown,
            source,
        })
        .collect();
    let kind = match (before.status, after.status) {
        (RecordStatus::Deactivated, RecordStatus::Active) => Some(ChangeKind::Reactivated),
        (was, RecordStatus::Deactivated) if was != RecordStatus::Deactivated => {
            Some(ChangeKind::Deactivated)
        }
        _ => None,
    };
    if let Some(kind) = kind {
        for change in changes.iter_mut().filter(|c| c.field == "status") {
            change.kind = kind;
        }
    }
    changes
}

/// Whether changes name a field so, or all fields below this one: `practice.phone`, `practice`.
pub fn is_field(name: &str) -> bool {
    let nobody = Npi::from_first_nine(100_000_000).map(Provider::new);
    nobody.iter().flat_map(fields).any(|field| {
        let rest = field.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// One field of a provider.
struct Field {
    name: &'static str,
    /// As people read it.
    shown: Option<String>,
    /// Equal where two values say the same.
    says: Vec<Vec<String>>,
}

impl Field {
    /// A value that is what it is.
    fn value(name: &'static str, value: Option<String>) -> Self {
        let says = value.clone().map(|value| vec![value]);
        Self {
            name,
            shown: value,
            says: says.into_iter().collect(),
        }
    }

    /// A name, a street, a free text.
    fn text(name: &'static str, value: Option<String>) -> Self {
        // `NA` is also what people are called.
        let says = match name.rsplit('.').next() {
            Some("first" | "last") => value.as_deref().map(folded).unwrap_or_default(),
            _ => said(value.as_deref()),
        };
        Self {
            name,
            shown: value,
            says: vec![vec![says]],
        }
    }

    fn list<T: Says>(name: &'static str, items: &[T], text: impl Fn(&T) -> String) -> Self {
        let shown = || items.iter().map(text).collect::<Vec<_>>().join("; ");
        Self {
            name,
            shown: (!items.is_empty()).then(shown),
            says: keys(items),
        }
    }

    /// Whether it tells if the provider is in service.
    fn is_service(&self) -> bool {
        matches!(self.name, "status" | "deactivated_on" | "reactivated_on")
    }
}

fn fields(p: &Provider) -> Vec<Field> {
    let mut all: Vec<Field> = vec![
        Field::value("status", Some(p.status.as_str().to_owned())),
        Field::value("entity", p.entity.map(|e| e.as_str().to_owned())),
        Field::text("organization_name", p.organization_name.clone()),
    ];
    person(
        &mut all,
        &p.name,
        [
            "name.prefix",
            "name.first",
            "name.middle",
            "name.last",
            "name.suffix",
            "name.credential",
        ],
    );
    let official = p.official.clone().unwrap_or_default();
    person(
        &mut all,
        &official.name,
        [
            "official.prefix",
            "official.first",
            "official.middle",
            "official.last",
            "official.suffix",
            "official.credential",
        ],
    );
    all.extend([
        Field::text("official.title", official.title),
        Field::value("official.phone", official.phone.map(|v| v.to_string())),
        Field::value("sex", p.sex.map(|v| v.as_str().to_owned())),
        Field::value("sole_proprietor", p.sole_proprietor.map(yes_no)),
        Field::value("subpart", p.subpart.map(yes_no)),
        Field::text("parent_organization", p.parent_organization.clone()),
    ]);
    address(
        &mut all,
        p.practice.as_ref(),
        [
            "practice.line_1",
            "practice.line_2",
            "practice.city",
            "practice.state",
            "practice.postal_code",
            "practice.country",
            "practice.phone",
            "practice.fax",
        ],
    );
    address(
        &mut all,
        p.mailing.as_ref(),
        [
            "mailing.line_1",
            "mailing.line_2",
            "mailing.city",
            "mailing.state",
            "mailing.postal_code",
            "mailing.country",
            "mailing.phone",
            "mailing.fax",
        ],
    );
    all.extend([
        Field::list("secondary", &p.secondary, address_line),
        Field::list("taxonomies", &p.taxonomies, taxonomy_line),
        Field::list("identifiers", &p.identifiers, identifier_line),
        Field::list("other_names", &p.other_names, |n| {
            let name = n.organization.clone().unwrap_or_else(|| n.person.display());
            format!("{name} ({})", n.code.as_deref().unwrap_or("?"))
        }),
        Field::list("endpoints", &p.endpoints, endpoint_line),
        Field::value("enumerated_on", p.enumerated_on.map(|d| d.to_string())),
        Field::value("deactivated_on", p.deactivated_on.map(|d| d.to_string())),
        Field::value("reactivated_on", p.reactivated_on.map(|d| d.to_string())),
    ]);
    all
}

/// Prefix, first, middle, last, suffix, credential.
pub(crate) fn person_fields(name: &PersonName) -> [Option<String>; 6] {
    [
        name.prefix.clone(),
        name.first.clone(),
        name.middle.clone(),
        name.last.clone(),
        name.suffix.clone(),
        name.credential.clone(),
    ]
}

fn person(all: &mut Vec<Field>, name: &PersonName, fields: [&'static str; 6]) {
    let values = fields.into_iter().zip(person_fields(name));
    all.extend(values.map(|(field, value)| Field::text(field, value)));
}

/// The parts of an address with their names.
pub(crate) fn address_fields(address: Option<&Address>) -> [(&'static str, Option<String>); 8] {
    let a = address.cloned().unwrap_or_default();
    [
        ("line_1", a.line_1),
        ("line_2", a.line_2),
        ("city", a.city),
        ("state", a.state),
        ("postal_code", a.postal_code),
        ("country", a.country),
        ("phone", a.phone.map(|v| v.to_string())),
        ("fax", a.fax.map(|v| v.to_string())),
    ]
}

fn address(all: &mut Vec<Field>, address: Option<&Address>, fields: [&'static str; 8]) {
    let values = fields.into_iter().zip(address_fields(address));
    all.extend(values.map(|(field, (part, value))| match part {
        // `NA` is Namibia.
        "postal_code" | "country" | "phone" | "fax" => Field::value(field, value),
        _ => Field::text(field, value),
    }));
}

fn taxonomy_line(t: &ProviderTaxonomy) -> String {
    joined(&[
        Some(t.code.as_str()),
        t.primary.then_some("primary"),
        t.license.as_deref(),
        t.state.as_deref(),
        t.group.as_deref(),
    ])
}

fn identifier_line(i: &Identifier) -> String {
    joined(&[
        Some(i.identifier.as_str()),
        i.code.as_deref(),
        i.state.as_deref(),
        i.issuer.as_deref(),
    ])
}

fn endpoint_line(e: &Endpoint) -> String {
    let head = joined(&[
        e.kind.as_deref(),
        e.endpoint.as_deref(),
        e.description.as_deref(),
        e.use_code.as_deref(),
        e.use_other.as_deref(),
        e.content.as_deref(),
        e.content_other.as_deref(),
        e.affiliation_name.as_deref(),
    ]);
    let line = format!("{head} {}", address_line(&e.address));
    line.trim().to_owned()
}

fn joined(parts: &[Option<&str>]) -> String {
    let parts: Vec<&str> = parts.iter().copied().flatten().collect();
    parts.join(" ")
}

fn address_line(a: &Address) -> String {
    let phone = a.phone.as_ref().map(ToString::to_string);
    let fax = a.fax.as_ref().map(|f| format!("fax {f}"));
    let parts = [
        a.line_1.as_deref(),
        a.line_2.as_deref(),
        a.city.as_deref(),
        a.state.as_deref(),
        a.postal_code.as_deref(),
        a.country.as_deref(),
        phone.as_deref(),
        fax.as_deref(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phone;

    fn provider() -> Provider {
        let mut p = Provider::new("1234567893".parse().unwrap());
        p.name.last = Some("GARCIA".into());
        p.practice = Some(Address {
            phone: Phone::parse("5595550142"),
            ..Address::default()
        });
        p
    }

    #[test]
    fn a_moved_number_is_one_change_with_both_values() {
        let before = provider();
        let mut after = before.clone();
        after.practice.as_mut().unwrap().phone = Phone::parse("5595550143");
        after.updated_on = Some(jiff::civil::date(2026, 1, 2));
        let changes = changes_between(&before, &after, Source::Api, Timestamp::UNIX_EPOCH);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].field, "practice.phone");
        assert_eq!(changes[0].before.as_deref(), Some("559-555-0142"));
        assert_eq!(changes[0].after.as_deref(), Some("559-555-0143"));
    }

    #[test]
    fn going_out_of_service_and_coming_back_have_their_own_kinds() {
        let before = provider();
        let mut after = before.clone();
        after.status = RecordStatus::Deactivated;
        let kind = |a: &Provider, b: &Provider| {
            changes_between(a, b, Source::Api, Timestamp::UNIX_EPOCH)[0].kind
        };
        assert_eq!(kind(&before, &after), ChangeKind::Deactivated);
        assert_eq!(kind(&after, &before), ChangeKind::Reactivated);
    }

    #[test]
    fn nothing_different_is_no_change() {
        assert!(
            changes_between(&provider(), &provider(), Source::Api, Timestamp::UNIX_EPOCH)
                .is_empty()
        );
    }
}
