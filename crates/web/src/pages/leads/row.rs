use askama::Template;
use canvass_model::{
    Catalogue, ContactMethod, Entity, Lead, LeadStatus, Phone, RecordStatus, Role,
};

use super::method_label;
use crate::format::{Now, When};
use crate::pages::providers::specialty_label;
use crate::pages::providers::{city_and_state, person_or_organization};
use crate::ui::{Avatar, Count, StatusSelect, Tabs};

/// One row of the list, with its inline edits: what an edit replaces.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/row.html")]
pub struct LeadRow {
    /// NPI, which is the lead's identifier.
    pub npi: String,
    /// Name.
    pub name: String,
    /// Degree or licence letters.
    pub credential: Option<String>,
    /// Whether it is an organization.
    pub organization: bool,
    /// Specialty.
    pub specialty: String,
    /// City and state.
    pub place: String,
    /// Telephone to ring.
    pub phone: Option<Phone>,
    /// Whether it may be rung.
    pub may_call: bool,
    /// Status, to be changed.
    pub status: StatusSelect,
    /// Notes.
    pub notes: String,
    /// Who works it.
    pub owner: Option<(Avatar, String)>,
    /// When somebody was last in touch, and how.
    pub last_contact: Option<(When, &'static str)>,
    /// Counts the edits.
    pub version: i64,
    /// What is to be known of the record when it is not in service.
    pub gone: Option<&'static str>,
    /// What went wrong with the last edit.
    pub error: Option<String>,
    /// Whether its notes are open for editing.
    pub editing_notes: bool,
    /// The notes as they are, also where others are typed.
    pub stored_notes: String,
}

impl LeadRow {
    /// The row of a lead for a viewer of this role.
    pub fn new(lead: &Lead, role: Role, catalogue: &Catalogue, now: &Now) -> Self {
        let p = &lead.provider;
        let name = person_or_organization(p);
        Self {
            npi: lead.id.to_string(),
            status: StatusSelect::new(lead.status, role, format!("status-{}", lead.id), &name),
            name,
            credential: p.credential.clone(),
            organization: p.entity == Some(Entity::Organization),
            specialty: p
                .taxonomy
                .as_deref()
                .map(|c| specialty_label(catalogue, c))
                .unwrap_or_default(),
            place: city_and_state(p.city.as_deref(), p.state.as_deref()),
            phone: p.phone.clone(),
            may_call: lead.status != LeadStatus::DoNotCall
                && p.phone.as_ref().is_some_and(Phone::is_dialable),
            notes: lead.notes.clone(),
            stored_notes: lead.notes.clone(),
            owner: lead.owner.as_ref().map(|o| (Avatar::of(o), o.clone())),
            last_contact: lead.last_contact_at.map(|at| {
                // Short, because it stands in a narrow column.
                let how = match lead.last_contact_method {
                    None => "",
                    Some(ContactMethod::Both) => "both",
                    Some(method) => method_label(method),
                };
                (When::short(at, now), how)
            }),
            version: lead.version,
            gone: match p.status {
                RecordStatus::Active => None,
                RecordStatus::Deactivated => Some("deactivated"),
                RecordStatus::Unpublished => Some("no longer published"),
            },
            error: None,
            editing_notes: false,
        }
    }

    /// The same row with what went wrong.
    #[must_use]
    pub fn with_error(self, error: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            ..self
        }
    }

    /// The same row with its notes open for editing.
    #[must_use]
    pub fn editing_notes(self) -> Self {
        Self {
            editing_notes: true,
            ..self
        }
    }

    fn first_line(&self) -> &str {
        self.notes.lines().next().unwrap_or_default()
    }
}

/// A row whose status was changed, with what else on its page shows that.
#[derive(Clone, Debug, Template)]
#[template(
    ext = "html",
    source = "{{ row }}<template>{{ tabs }}{{ count }}</template>"
)]
pub struct MovedRow {
    /// The row.
    pub row: LeadRow,
    /// The tabs, with the counts as they are now.
    pub tabs: Tabs,
    /// How many the list has now; the row itself stays where it is.
    pub count: Count,
}

crate::ui::shown_as_html!(LeadRow);
