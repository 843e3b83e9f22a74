use askama::Template;
use canvass_model::{
    Activity, ActivityKind, Catalogue, Change, ContactMethod, Entity, Lead, LeadStatus, Phone,
    Provider, RecordStatus, Role,
};
use jiff::Timestamp;

use super::edit::shown;
use super::{Owner, method_label, owner_select};
use crate::format::{Now, When, person};
use crate::pages::Viewer;
use crate::pages::providers::{
    ProviderFacts, change_entry, person_or_organization, specialty_label,
};
use crate::problem::FieldError;
use crate::ui::{Field, Select, StatusBadge, TimelineEntry};

/// The edit of a lead, whole.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/form.html")]
pub struct LeadForm {
    /// NPI.
    pub npi: String,
    /// Status.
    pub status: Select,
    /// Owner; the viewer may see but not change it where it is absent.
    pub owner: Option<Select>,
    /// Time of the last contact, in the zone of the page.
    pub last_contact_at: Field,
    /// How it was made.
    pub last_contact_method: Select,
    /// Notes.
    pub notes: String,
    /// The version that was looked at.
    pub version: i64,
    /// What each field shows now, so that an edit tells what was touched from what was not.
    pub opened: Vec<(&'static str, String)>,
    /// What is wrong with the whole.
    pub error: Option<String>,
    /// What somebody else wrote meanwhile, by field.
    pub theirs: Vec<(&'static str, String)>,
}

impl LeadForm {
    /// The form of a lead for this viewer.
    pub fn new(lead: &Lead, owners: &[Owner], viewer: &Viewer, now: &Now) -> Self {
        let may = LeadStatus::ALL
            .into_iter()
            .filter(|to| lead.status.may_become(*to, viewer.role).is_ok());
        let opened = shown(lead, now);
        let contact = opened.get("last_contact_at").cloned();
        let methods = ContactMethod::ALL
            .into_iter()
            .map(|m| (m.as_str(), method_label(m)));
        Self {
            npi: lead.id.to_string(),
            status: Select::new(
                "status",
                "Status",
                lead.status.as_str(),
                may.map(|s| (s.as_str(), s.label())),
            ),
            owner: (viewer.role >= Role::Manager).then(|| {
                owner_select(
                    "Owner",
                    "owner_id",
                    owners,
                    lead.owner_id.as_deref().unwrap_or_default(),
                    [("", "Nobody")],
                )
            }),
            last_contact_at: Field {
                kind: "datetime-local",
                ..Field::text("last_contact_at", "Last contact")
                    .value(contact.unwrap_or_default())
                    .hint(format!(
                        "Time zone: {}",
                        now.zone.iana_name().unwrap_or("UTC")
                    ))
            },
            last_contact_method: Select::new(
                "last_contact_method",
                "How",
                lead.last_contact_method.map_or("", ContactMethod::as_str),
                std::iter::once(("", "Not said")).chain(methods),
            ),
            notes: lead.notes.clone(),
            version: lead.version,
            opened: opened.into_iter().collect(),
            error: None,
            theirs: Vec::new(),
        }
    }

    /// The same form with what is wrong.
    #[must_use]
    pub fn with_errors(self, error: Option<String>, errors: &[FieldError]) -> Self {
        Self {
            status: self.status.errors(errors),
            owner: self.owner.map(|o| o.errors(errors)),
            last_contact_at: self.last_contact_at.errors(errors),
            last_contact_method: self.last_contact_method.errors(errors),
            error,
            ..self
        }
    }
}

/// What was done, to be written into the timeline.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/activity_form.html")]
pub struct ActivityForm {
    /// NPI.
    pub npi: String,
    /// Makes a form that is sent twice write one entry.
    pub idempotency_key: String,
    /// Whether a contact may be recorded.
    pub may_contact: bool,
    /// What is wrong.
    pub error: Option<String>,
    /// Kind as chosen.
    pub kind: String,
    /// Text as typed.
    pub text: String,
}

impl ActivityForm {
    /// Each kind with its words, and whether it is chosen.
    fn kinds(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [
            (ActivityKind::Note, "Note"),
            (ActivityKind::Call, "Call"),
            (ActivityKind::Email, "E-mail"),
        ];
        all.into_iter()
            .filter(|(kind, _)| self.may_contact || *kind == ActivityKind::Note)
            .map(|(kind, label)| (kind.as_str(), label, kind.as_str() == self.kind))
            .collect()
    }
}

/// What happened to a lead and to its provider, newest first.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/timeline.html")]
pub struct Timeline {
    /// Entries.
    pub entries: Vec<TimelineEntry>,
}

impl Timeline {
    /// The timeline of these.
    pub fn new(lead: &Lead, activities: &[Activity], changes: &[Change], now: &Now) -> Self {
        let mut dated: Vec<(Timestamp, TimelineEntry)> = activities
            .iter()
            .map(|a| (a.at, activity_entry(a, now)))
            .chain(changes.iter().map(|c| (c.at, change_entry(c, now))))
            .collect();
        dated.push((
            lead.created_at,
            TimelineEntry {
                dot: "leads",
                title: "Became a lead".to_owned(),
                text: None,
                change: None,
                by: None,
                when: When::moment(lead.created_at, now),
            },
        ));
        dated.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self {
            entries: dated.into_iter().map(|(_, entry)| entry).collect(),
        }
    }
}

fn activity_entry(a: &Activity, now: &Now) -> TimelineEntry {
    let (dot, title) = match a.kind {
        ActivityKind::Call => ("phone", "Call".to_owned()),
        ActivityKind::Email => ("email", "E-mail".to_owned()),
        ActivityKind::Note => ("note", "Note".to_owned()),
        ActivityKind::Status => {
            let label = a
                .text
                .parse::<LeadStatus>()
                .map_or(a.text.as_str(), |s| s.label());
            ("leads", format!("Status: {label}"))
        }
    };
    TimelineEntry {
        dot,
        title,
        text: Some(a.text.clone()).filter(|t| a.kind != ActivityKind::Status && !t.is_empty()),
        change: None,
        // Only what is done from the command line, imports included, is done by no user.
        by: Some(a.user.clone().unwrap_or_else(|| "command line".to_owned())),
        when: When::moment(a.at, now),
    }
}

/// The page of one lead.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/show.html")]
pub struct LeadView {
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
    /// Status.
    pub status: StatusBadge,
    /// What is to be known when the record is not in service.
    pub gone: Option<&'static str>,
    /// The edit.
    pub form: LeadForm,
    /// What was done.
    pub activity: ActivityForm,
    /// What happened.
    pub timeline: Timeline,
    /// What the registry says.
    pub facts: Option<ProviderFacts>,
}

impl LeadView {
    /// The page of a lead.
    pub fn new(
        lead: &Lead,
        provider: Option<&Provider>,
        form: LeadForm,
        timeline: Timeline,
        idempotency_key: String,
        catalogue: &Catalogue,
    ) -> Self {
        let p = &lead.provider;
        let suppressed = lead.status == LeadStatus::DoNotCall;
        Self {
            npi: lead.id.to_string(),
            name: if p.entity == Some(Entity::Organization) {
                person_or_organization(p)
            } else {
                person(&p.name)
            },
            credential: p.credential.clone(),
            organization: p.entity == Some(Entity::Organization),
            specialty: p
                .taxonomy
                .as_deref()
                .map(|c| specialty_label(catalogue, c))
                .unwrap_or_default(),
            phone: p.phone.clone(),
            may_call: !suppressed && p.phone.as_ref().is_some_and(Phone::is_dialable),
            status: StatusBadge {
                status: lead.status,
            },
            gone: match p.status {
                RecordStatus::Active => None,
                RecordStatus::Deactivated => {
                    Some("Deactivated: the registry has taken this NPI out of service.")
                }
                RecordStatus::Unpublished => {
                    Some("No longer published: the last full file of the registry left it out.")
                }
            },
            activity: ActivityForm {
                npi: lead.id.to_string(),
                idempotency_key,
                may_contact: !suppressed,
                error: None,
                kind: String::new(),
                text: String::new(),
            },
            form,
            timeline,
            facts: provider.map(|p| ProviderFacts::new(p, !suppressed, catalogue)),
        }
    }
}

crate::ui::shown_as_html!(LeadForm, ActivityForm, Timeline, LeadView);
