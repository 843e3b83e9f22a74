//! Pulling providers from the registry: asking for it, watching it, what came of it.

mod coverage;
pub(super) mod handlers;
mod run;
mod set_aside;

use askama::Template;
use canvass_model::{AddressScope, Catalogue, JobState, SyncRequest, SyncRun};

pub use coverage::CoverageReport;
pub use run::{RunPanel, RunView, percent_of};
pub use set_aside::SetAsides;

use crate::format::{Now, When, duration, number};
use crate::geography::{STATES, state_name};
use crate::pages::imports::{ImportPanel, RegistryFiles};
use crate::problem::{FieldError, detail_of};
use crate::ui::{Badge, Combobox, Empty, Field, Link, Select, Tone, href};

/// What a sync is asked with.
#[derive(Clone, Debug, Template)]
#[template(path = "sync/form.html")]
pub struct SyncForm {
    /// What is asked for so far.
    pub request: SyncRequest,
    /// What is wrong, field by field, named as in the API.
    pub errors: Vec<FieldError>,
    /// Makes a form that is sent twice start one sync.
    pub idempotency_key: String,
}

impl SyncForm {
    fn specialties(&self) -> Combobox {
        Combobox {
            source: Some("/api/suggest?kind=specialty"),
            placeholder: "Cardiology, 207RC0000X, family doctor",
            add: Some("Add"),
            ..Combobox::new("specialties", "Specialties")
                .values(&self.request.specialties)
                .errors(&self.errors)
        }
    }

    /// Each preset as the address of this form with it chosen.
    fn presets(&self) -> Vec<Link> {
        Catalogue::presets()
            .iter()
            .map(|preset| {
                let mut request = self.request.clone();
                request.specialties = preset.specialties.iter().map(|&s| s.to_owned()).collect();
                Link::new(preset.name, href("/sync", pairs(&request)))
            })
            .collect()
    }

    fn state(&self) -> Select {
        let states = STATES.iter().map(|(code, name)| (*code, *name));
        let chosen = self.request.state.as_deref().unwrap_or_default();
        Select::new(
            "state",
            "State",
            chosen,
            std::iter::once(("", "Every state")).chain(states),
        )
        .errors(&self.errors)
    }

    fn places(&self) -> [Field; 2] {
        let value = |v: &Option<String>| v.clone().unwrap_or_default();
        [
            Field::text("city", "City")
                .value(value(&self.request.city))
                .errors(&self.errors),
            Field {
                placeholder: Some("93701 or 937*"),
                ..Field::text("postal_code", "ZIP")
                    .value(value(&self.request.postal_code))
                    .errors(&self.errors)
            },
        ]
    }

    fn any_address(&self) -> bool {
        self.request.address == AddressScope::Any
    }

    fn address_error(&self) -> Option<String> {
        detail_of(&self.errors, "address")
    }
}

/// The parameters that say a request again, in an address.
pub fn pairs(request: &SyncRequest) -> Vec<(&'static str, String)> {
    let mut pairs: Vec<(&'static str, String)> = request
        .specialties
        .iter()
        .map(|s| ("specialties", s.clone()))
        .collect();
    pairs.extend(request.state.clone().map(|v| ("state", v)));
    pairs.extend(request.city.clone().map(|v| ("city", v)));
    pairs.extend(request.postal_code.clone().map(|v| ("postal_code", v)));
    if request.address == AddressScope::Any {
        pairs.push(("address", "any".to_owned()));
    }
    if request.save_leads {
        pairs.push(("save_leads", "on".to_owned()));
    }
    pairs
}

/// Where a request looks, as people read it: `Fresno, California, ZIP 937*`.
pub fn place(request: &SyncRequest) -> String {
    let mut parts: Vec<String> = request.city.iter().cloned().collect();
    parts.extend(request.state.as_deref().map(|s| state_name(s).to_owned()));
    parts.extend(request.postal_code.as_deref().map(|z| format!("ZIP {z}")));
    if parts.is_empty() {
        parts.push("Everywhere".to_owned());
    }
    if request.address == AddressScope::Any {
        parts.push("any address".to_owned());
    }
    parts.join(", ")
}

/// One sync of the history.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// Where its report is.
    pub href: String,
    /// When it was asked for.
    pub when: When,
    /// Specialties.
    pub what: String,
    /// Place.
    pub place: String,
    /// Distinct providers.
    pub found: String,
    /// Were not known before.
    pub created: String,
    /// Have changed.
    pub updated: String,
    /// How long it took.
    pub took: String,
    /// Its end.
    pub state: Badge,
}

impl HistoryRow {
    /// The row of a run.
    pub fn new(run: &SyncRun, now: &Now) -> Self {
        Self {
            href: format!("/sync/{}", run.id),
            when: When::moment(run.created_at, now),
            what: run.request.specialties.join(", "),
            place: place(&run.request),
            found: number(run.counts.found),
            created: number(run.counts.created),
            updated: number(run.counts.updated),
            took: duration(run.seconds),
            state: state(run),
        }
    }
}

/// The state of a run as colour, word and shape.
pub fn state(run: &SyncRun) -> Badge {
    let (tone, icon, text) = match (run.state, run.complete) {
        (JobState::Queued, _) => (Tone::Muted, "waiting", "Waiting"),
        (JobState::Running, _) => (Tone::Accent, "running", "Running"),
        (JobState::Cancelled, _) => (Tone::Muted, "stopped", "Stopped"),
        (JobState::Finished, true) => (Tone::Good, "check", "Complete"),
        (JobState::Finished, false) => (Tone::Warn, "partial", "Incomplete"),
    };
    Badge {
        tone,
        icon,
        text: text.to_owned(),
    }
}

/// The syncs of the past, newest first.
#[derive(Clone, Debug, Template)]
#[template(path = "sync/history.html")]
pub struct History {
    /// Rows.
    pub rows: Vec<HistoryRow>,
}

impl History {
    /// The history of these runs.
    pub fn new(runs: &[SyncRun], now: &Now) -> Self {
        Self {
            rows: runs.iter().map(|run| HistoryRow::new(run, now)).collect(),
        }
    }

    fn empty() -> Empty {
        Empty {
            icon: "sync",
            title: "Nothing was pulled yet".to_owned(),
            text: "Choose specialties and a place above, or take a preset, and start. What was found stays searchable under Providers.".to_owned(),
            links: Vec::new(),
        }
    }
}

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "sync/index.html")]
pub struct SyncView {
    /// The form.
    pub form: SyncForm,
    /// Runs that are not over.
    pub running: Vec<RunPanel>,
    /// Imports that are not over.
    pub importing: Vec<ImportPanel>,
    /// The registry's files.
    pub files: RegistryFiles,
    /// The others.
    pub history: History,
}

crate::ui::shown_as_html!(SyncForm, History, SyncView);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_from_small_to_large() {
        let request = SyncRequest {
            city: Some("Fresno".into()),
            state: Some("CA".into()),
            postal_code: Some("937*".into()),
            address: AddressScope::Any,
            ..SyncRequest::default()
        };
        assert_eq!(place(&request), "Fresno, California, ZIP 937*, any address");
        assert_eq!(place(&SyncRequest::default()), "Everywhere");
    }

    #[test]
    fn a_preset_keeps_the_place() {
        let form = SyncForm {
            request: SyncRequest {
                state: Some("CA".into()),
                save_leads: true,
                ..SyncRequest::default()
            },
            errors: Vec::new(),
            idempotency_key: String::new(),
        };
        let dental = form
            .presets()
            .into_iter()
            .find(|p| p.label == "Dental")
            .unwrap();
        assert_eq!(
            dental.href,
            "/sync?specialties=Dentist&specialties=Dental+Hygienist&specialties=Denturist&state=CA&save_leads=on"
        );
    }
}
