use askama::Template;
use canvass_model::{Address, Catalogue, Entity, Phone, Provider, Sex};

use super::origins::{Origin, Origins};
use crate::format::{When, number, postal_code, unshouted};

/// An address as a card: its lines, and its numbers.
#[derive(Clone, Debug)]
pub struct AddressCard {
    /// What address it is.
    pub label: String,
    /// Lines.
    pub lines: Vec<String>,
    /// Telephone.
    pub phone: Option<Phone>,
    /// Fax.
    pub fax: Option<String>,
    /// The field of changes that it is.
    pub field: &'static str,
    /// Where it comes from, where that is told.
    pub origin: Option<Origin>,
}

impl AddressCard {
    fn new(label: impl Into<String>, field: &'static str, a: &Address) -> Self {
        let mut lines: Vec<String> = [&a.line_1, &a.line_2]
            .into_iter()
            .flatten()
            .map(|l| unshouted(l))
            .collect();
        let city = a.city.as_deref().map(unshouted);
        let rest: Vec<String> = [a.state.clone(), a.postal_code.as_deref().map(postal_code)]
            .into_iter()
            .flatten()
            .collect();
        let last: Vec<String> = [city, Some(rest.join(" ")).filter(|r| !r.is_empty())]
            .into_iter()
            .flatten()
            .collect();
        lines.extend(Some(last.join(", ")).filter(|l| !l.is_empty()));
        lines.extend(a.country.clone().filter(|c| c != "US"));
        Self {
            label: label.into(),
            lines,
            phone: a.phone.clone(),
            fax: a.fax.as_ref().map(ToString::to_string),
            field,
            origin: None,
        }
    }
}

/// One fact of the record.
#[derive(Clone, Debug)]
pub struct Fact<V> {
    /// What it is.
    pub label: &'static str,
    /// What the registry says.
    pub value: V,
    /// The field of changes that it is; empty where its changes are not kept.
    pub field: &'static str,
    /// Where it comes from, where that is told and not said of the whole record.
    pub origin: Option<Origin>,
}

impl<V> Fact<V> {
    fn new(label: &'static str, field: &'static str, value: V) -> Self {
        Self {
            label,
            value,
            field,
            origin: None,
        }
    }
}

/// Where the parts of a record come from.
#[derive(Clone, Debug)]
pub struct PartOrigins {
    /// The record, but for what tells it of itself.
    pub record: Origin,
    /// Taxonomies.
    pub taxonomies: Origin,
    /// Identifiers.
    pub identifiers: Origin,
    /// Endpoints.
    pub endpoints: Origin,
}

/// One taxonomy.
#[derive(Clone, Debug)]
pub struct TaxonomyRow {
    /// Code.
    pub code: String,
    /// What the registry calls it.
    pub description: String,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Licence number and its state.
    pub license: String,
    /// Group taxonomy.
    pub group: Option<String>,
}

/// Everything the registry says of a provider.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/facts.html")]
pub struct ProviderFacts {
    /// Facts of the record.
    pub record: Vec<Fact<String>>,
    /// Days of the record.
    pub days: Vec<Fact<When>>,
    /// Addresses, the practice first.
    pub addresses: Vec<AddressCard>,
    /// Taxonomies.
    pub taxonomies: Vec<TaxonomyRow>,
    /// Identifiers from others: kind, identifier, issuer.
    pub identifiers: Vec<(String, String, String)>,
    /// Other names: kind and name.
    pub other_names: Vec<(&'static str, String)>,
    /// Whether its numbers may be rung from the page.
    pub may_call: bool,
    /// Endpoints: kind, address, what for.
    pub endpoints: Vec<(String, String, String)>,
    /// Where its parts come from, where that is told.
    pub origins: Option<PartOrigins>,
}

impl ProviderFacts {
    /// The facts of a provider. Numbers are no links unless they `may_call`: nobody rings a
    /// suppressed provider by a slip of the hand.
    pub fn new(p: &Provider, may_call: bool, catalogue: &Catalogue) -> Self {
        Self {
            may_call,
            origins: None,
            record: record(p),
            days: days(p),
            addresses: addresses(p),
            taxonomies: p
                .taxonomies
                .iter()
                .map(|t| TaxonomyRow {
                    description: catalogue.describe(&t.code),
                    code: t.code.clone(),
                    primary: t.primary,
                    license: joined([t.license.clone(), t.state.clone()], ", "),
                    group: t.group.clone(),
                })
                .collect(),
            identifiers: p
                .identifiers
                .iter()
                .map(|i| {
                    let kind = match i.code.as_deref() {
                        Some("05") => "Medicaid".to_owned(),
                        Some("01") | None => "Other".to_owned(),
                        Some(code) => format!("Type {code}"),
                    };
                    (
                        kind,
                        i.identifier.clone(),
                        joined([i.issuer.clone(), i.state.clone()], ", "),
                    )
                })
                .collect(),
            other_names: p
                .other_names
                .iter()
                .map(|n| {
                    let name = n.organization.clone().unwrap_or_else(|| n.person.display());
                    (other_name_kind(n.code.as_deref()), name)
                })
                .collect(),
            endpoints: p
                .endpoints
                .iter()
                .map(|e| {
                    let kind = e.kind_description.clone().or_else(|| e.kind.clone());
                    let what = joined(
                        [
                            e.description.clone(),
                            e.use_description.clone().or_else(|| e.use_other.clone()),
                            e.content_description
                                .clone()
                                .or_else(|| e.content_other.clone()),
                            e.affiliation_name.clone(),
                        ],
                        ", ",
                    );
                    (
                        kind.unwrap_or_default(),
                        e.endpoint.clone().unwrap_or_default(),
                        what,
                    )
                })
                .collect(),
        }
    }

    /// The same facts with where they come from.
    #[must_use]
    pub fn with_origins(mut self, origins: &Origins<'_>) -> Self {
        for card in &mut self.addresses {
            card.origin = Some(origins.of(card.field));
        }
        for fact in &mut self.record {
            fact.origin = origins.changed(fact.field);
        }
        for fact in &mut self.days {
            fact.origin = origins.changed(fact.field);
        }
        self.origins = Some(PartOrigins {
            record: origins.first(),
            taxonomies: origins.of("taxonomies"),
            identifiers: origins.of("identifiers"),
            endpoints: origins.of("endpoints"),
        });
        self
    }

    fn secondary_count(&self) -> String {
        number(self.addresses.len() as u64)
    }
}

fn joined<const N: usize>(parts: [Option<String>; N], by: &str) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(by)
}

/// The NPPES "other provider last name type code" and its counterpart for organizations.
fn other_name_kind(code: Option<&str>) -> &'static str {
    match code {
        Some("1") => "Former name",
        Some("2") => "Professional name",
        Some("3") => "Doing business as",
        Some("4") => "Former legal business name",
        _ => "Other name",
    }
}

fn record(p: &Provider) -> Vec<Fact<String>> {
    let yes_no = |v: bool| if v { "yes" } else { "no" }.to_owned();
    let name = (p.organization_name.is_none() && !p.name.is_empty()).then(|| {
        let n = &p.name;
        let parts = [&n.prefix, &n.first, &n.middle, &n.last, &n.suffix];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(" ")
    });
    let official = p.official.as_ref().map(|o| {
        let phone = o.phone.as_ref().map(ToString::to_string);
        let name = o.name.display();
        joined(
            [Some(name).filter(|n| !n.is_empty()), o.title.clone(), phone],
            ", ",
        )
    });
    let kind = p.entity.map(|e| match e {
        Entity::Individual => "Individual (NPI-1)".to_owned(),
        Entity::Organization => "Organization (NPI-2)".to_owned(),
    });
    let sex = p.sex.map(|s| {
        match s {
            Sex::F => "female",
            Sex::M => "male",
            Sex::X => "another answer",
            Sex::U => "not disclosed",
        }
        .to_owned()
    });
    [
        ("NPI", "", Some(p.npi.to_string())),
        ("Kind", "entity", kind),
        ("Name as registered", "name", name),
        (
            "Legal business name",
            "organization_name",
            p.organization_name.clone(),
        ),
        ("Credential", "name.credential", p.name.credential.clone()),
        ("Sex", "sex", sex),
        (
            "Sole proprietor",
            "sole_proprietor",
            p.sole_proprietor.map(yes_no),
        ),
        ("Authorized official", "official", official),
        ("Subpart", "subpart", p.subpart.map(yes_no)),
        (
            "Parent organization",
            "parent_organization",
            p.parent_organization.clone(),
        ),
    ]
    .into_iter()
    .filter_map(|(label, field, value)| {
        let value = value.filter(|v| !v.is_empty())?;
        Some(Fact::new(label, field, value))
    })
    .collect()
}

fn days(p: &Provider) -> Vec<Fact<When>> {
    [
        ("Enumerated", "enumerated_on", p.enumerated_on),
        ("Updated in the registry", "", p.updated_on),
        ("Certified by the provider", "", p.certified_on),
        ("Deactivated", "deactivated_on", p.deactivated_on),
        ("Reactivated", "reactivated_on", p.reactivated_on),
    ]
    .into_iter()
    .filter_map(|(label, field, day)| Some(Fact::new(label, field, When::day(day?))))
    .collect()
}

fn addresses(p: &Provider) -> Vec<AddressCard> {
    let practice = p
        .practice
        .iter()
        .map(|a| AddressCard::new("Practice", "practice", a));
    let mailing = p
        .mailing
        .iter()
        .map(|a| AddressCard::new("Mailing", "mailing", a));
    let secondary =
        p.secondary.iter().enumerate().map(|(i, a)| {
            AddressCard::new(format!("Practice, location {}", i + 2), "secondary", a)
        });
    practice.chain(mailing).chain(secondary).collect()
}

crate::ui::shown_as_html!(ProviderFacts);
