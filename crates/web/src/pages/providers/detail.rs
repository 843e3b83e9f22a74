use askama::Template;
use canvass_model::{
    Catalogue, Change, ChangeKind, Entity, Lead, LeadStatus, Phone, Provider, RecordStatus,
};

use super::colleagues::Colleagues;
use super::facts::ProviderFacts;
use super::origins::{Origin, Origins, source_label};
use super::results::specialty_label;
use crate::format::{Now, When, person};
use crate::ui::{StatusBadge, TimelineEntry};

/// Whether a provider is a lead, and the way to make it one.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/lead_box.html")]
pub struct LeadBox {
    /// NPI.
    pub npi: String,
    /// Status and owner, when it is a lead.
    pub lead: Option<(StatusBadge, Option<String>)>,
    /// Whether the viewer may save it.
    pub may_save: bool,
    /// Makes a form that is sent twice save once.
    pub idempotency_key: String,
}

/// The changes that canvass saw, newest first.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/changes.html")]
pub struct ChangeHistory {
    /// Entries.
    pub entries: Vec<TimelineEntry>,
    /// Where and when canvass first saw the provider.
    pub first_seen: Origin,
}

impl ChangeHistory {
    /// The history that these come from.
    pub fn new(origins: &Origins<'_>) -> Self {
        let changes = origins.changes.iter();
        Self {
            entries: changes.map(|c| change_entry(c, origins.now)).collect(),
            first_seen: origins.first(),
        }
    }
}

/// A change as an entry of a timeline.
pub fn change_entry(change: &Change, now: &Now) -> TimelineEntry {
    let when = When::moment(change.at, now);
    let (title, values) = match change.kind {
        ChangeKind::Field => (
            field_label(&change.field),
            Some((change.before.clone(), change.after.clone())),
        ),
        ChangeKind::Deactivated => ("Deactivated".to_owned(), None),
        ChangeKind::Reactivated => ("Reactivated".to_owned(), None),
    };
    TimelineEntry {
        dot: "change",
        title,
        text: None,
        change: values,
        by: Some(source_label(change.source).to_owned()),
        when,
    }
}

/// `practice.phone` as people read it: `Practice phone`.
fn field_label(field: &str) -> String {
    let words = field.replace(['.', '_'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The page of one provider.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/show.html")]
pub struct ProviderView {
    /// NPI.
    pub npi: String,
    /// Name.
    pub name: String,
    /// Degree or licence letters.
    pub credential: Option<String>,
    /// Whether it is an organization.
    pub organization: bool,
    /// Specialty.
    pub specialty: String,
    /// Telephone to ring.
    pub phone: Option<Phone>,
    /// Whether it may be rung.
    pub may_call: bool,
    /// What is to be known when it is not in service.
    pub gone: Option<&'static str>,
    /// What the registry says.
    pub facts: ProviderFacts,
    /// Its lead.
    pub lead: LeadBox,
    /// Who else is at its practice.
    pub colleagues: Option<Colleagues>,
    /// What changed.
    pub changes: ChangeHistory,
}

impl ProviderView {
    /// The page of a provider.
    pub fn new(
        provider: &Provider,
        lead: Option<&Lead>,
        origins: &Origins<'_>,
        may_save: bool,
        idempotency_key: String,
        catalogue: &Catalogue,
    ) -> Self {
        let npi = provider.npi.to_string();
        let organization = provider.entity == Some(Entity::Organization);
        let name = provider.display_name();
        let taxonomy = provider.primary_taxonomy();
        let may_call = provider.status == RecordStatus::Active
            && lead.is_none_or(|l| l.status != LeadStatus::DoNotCall);
        Self {
            name: match name.as_str() {
                "" => format!("NPI {npi}"),
                _ if organization => name,
                _ => person(&name),
            },
            credential: provider.name.credential.clone(),
            organization,
            specialty: taxonomy
                .map(|t| specialty_label(catalogue, &t.code))
                .unwrap_or_default(),
            phone: provider.phone().cloned(),
            may_call,
            gone: match provider.status {
                RecordStatus::Active => None,
                RecordStatus::Deactivated => {
                    Some("Deactivated: the registry has taken this NPI out of service.")
                }
                RecordStatus::Unpublished => {
                    Some("No longer published: the last full file of the registry left it out.")
                }
            },
            facts: ProviderFacts::new(provider, may_call, catalogue).with_origins(origins),
            lead: LeadBox {
                npi: npi.clone(),
                lead: lead.map(|l| (StatusBadge { status: l.status }, l.owner.clone())),
                may_save: may_save && provider.status == RecordStatus::Active,
                idempotency_key,
            },
            npi,
            colleagues: None,
            changes: ChangeHistory::new(origins),
        }
    }
}

impl ProviderView {
    /// The page of the provider in the registry.
    fn registry(&self) -> String {
        format!("https://npiregistry.cms.hhs.gov/provider-view/{}", self.npi)
    }
}

crate::ui::shown_as_html!(LeadBox, ChangeHistory, ProviderView);
