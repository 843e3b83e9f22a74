use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Npi, PersonName, Provider, RecordStatus, Source};

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

/// Every field in which `after` differs from `before`, in a fixed order.
///
/// The day of the registry's last update and of the last certification say that a record was
/// touched, not what is different, so they are no change of their own.
pub fn changes_between(
    before: &Provider,
    after: &Provider,
    source: Source,
    at: Timestamp,
) -> Vec<Change> {
    let was = fields(before);
    let is = fields(after);
    let mut changes: Vec<Change> = was
        .into_iter()
        .zip(is)
        .filter(|((_, was), (_, is))| was != is)
        .map(|((field, was), (_, is))| Change {
            npi: after.npi,
            at,
            kind: ChangeKind::Field,
            field: field.to_owned(),
            before: was,
            after: is,
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
    nobody.iter().flat_map(fields).any(|(field, _)| {
        let rest = field.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

type Field = (&'static str, Option<String>);

fn fields(p: &Provider) -> Vec<Field> {
    let mut all: Vec<Field> = vec![
        ("status", Some(p.status.as_str().to_owned())),
        ("entity", p.entity.map(|e| e.as_str().to_owned())),
        ("organization_name", p.organization_name.clone()),
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
        ("official.title", official.title),
        ("official.phone", official.phone.map(|v| v.to_string())),
        ("sex", p.sex.map(|v| v.as_str().to_owned())),
        ("sole_proprietor", p.sole_proprietor.map(yes_no)),
        ("subpart", p.subpart.map(yes_no)),
        ("parent_organization", p.parent_organization.clone()),
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
        ("secondary", list(&p.secondary, address_line)),
        (
            "taxonomies",
            list(&p.taxonomies, |t| {
                let parts = [
                    Some(t.code.as_str()),
                    t.primary.then_some("primary"),
                    t.license.as_deref(),
                    t.state.as_deref(),
                    t.group.as_deref(),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }),
        ),
        (
            "identifiers",
            list(&p.identifiers, |i| {
                let parts = [
                    Some(i.identifier.as_str()),
                    i.code.as_deref(),
                    i.state.as_deref(),
                    i.issuer.as_deref(),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }),
        ),
        (
            "other_names",
            list(&p.other_names, |n| {
                let name = n.organization.clone().unwrap_or_else(|| n.person.display());
                format!("{name} ({})", n.code.as_deref().unwrap_or("?"))
            }),
        ),
        (
            "endpoints",
            list(&p.endpoints, |e| {
                let parts = [
                    e.kind.as_deref(),
                    e.endpoint.as_deref(),
                    e.description.as_deref(),
                    e.use_code.as_deref(),
                    e.use_other.as_deref(),
                    e.content.as_deref(),
                    e.content_other.as_deref(),
                    e.affiliation_name.as_deref(),
                ];
                let head = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
                format!("{head} {}", address_line(&e.address))
                    .trim()
                    .to_owned()
            }),
        ),
        ("enumerated_on", p.enumerated_on.map(|d| d.to_string())),
        ("deactivated_on", p.deactivated_on.map(|d| d.to_string())),
        ("reactivated_on", p.reactivated_on.map(|d| d.to_string())),
    ]);
    all
}

fn person(all: &mut Vec<Field>, name: &PersonName, fields: [&'static str; 6]) {
    let values = [
        &name.prefix,
        &name.first,
        &name.middle,
        &name.last,
        &name.suffix,
        &name.credential,
    ];
    all.extend(fields.into_iter().zip(values.into_iter().cloned()));
}

fn address(all: &mut Vec<Field>, address: Option<&Address>, fields: [&'static str; 8]) {
    let a = address.cloned().unwrap_or_default();
    let values = [
        a.line_1,
        a.line_2,
        a.city,
        a.state,
        a.postal_code,
        a.country,
        a.phone.map(|v| v.to_string()),
        a.fax.map(|v| v.to_string()),
    ];
    all.extend(fields.into_iter().zip(values));
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

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> Option<String> {
    (!items.is_empty()).then(|| items.iter().map(text).collect::<Vec<_>>().join("; "))
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
