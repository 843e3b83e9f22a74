//! Searching providers, saving them as leads, and everything known of one.

mod detail;
mod facts;
pub(super) mod handlers;
mod results;

use askama::Template;
use canvass_model::{Entity, LeadPresence, ProviderFilter, ProviderSort, Sex, StatusFilter};

pub use detail::{ChangeHistory, LeadBox, ProviderView, change_entry};
pub use facts::{AddressCard, ProviderFacts};
pub use results::{Asked, ProviderRow, ProvidersResults, SaveAll, specialty_label};
pub(crate) use results::{chip_label, city_and_state, person_or_organization};

use crate::geography::{STATES, state_name};
use crate::problem::FieldError;
use crate::ui::{Combobox, Field, Select};

/// The filters, as a form that asks the same page again.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/filters.html")]
pub struct Filters {
    /// What is asked for.
    pub filter: ProviderFilter,
    /// The order asked for.
    pub sort: ProviderSort,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
}

/// The box of states: typed or chosen, several.
pub(crate) fn states_box(chosen: &[String]) -> Combobox {
    let shown = |code: &String| (code.clone(), state_name(code).to_owned());
    Combobox {
        values: chosen.iter().map(shown).collect(),
        options: STATES
            .iter()
            .map(|(code, name)| ((*code).to_owned(), (*name).to_owned()))
            .collect(),
        placeholder: "California",
        ..Combobox::new("state", "State")
    }
}

/// The box of specialties: typed ahead from the catalogue, several.
pub(crate) fn specialties_box(chosen: &[String]) -> Combobox {
    Combobox {
        source: Some("/api/suggest?kind=specialty"),
        placeholder: "Cardiology",
        ..Combobox::new("specialty", "Specialty").values(chosen)
    }
}

/// The box of cities: typed ahead, several.
pub(crate) fn cities_box(chosen: &[String]) -> Combobox {
    Combobox {
        source: Some("/api/suggest?kind=city"),
        placeholder: "Fresno",
        ..Combobox::new("city", "City").values(chosen)
    }
}

impl Filters {
    fn words(&self) -> Field {
        Field {
            kind: "search",
            placeholder: Some("Beginnings of words"),
            ..Field::text("q", "Name")
                .value(self.filter.q.clone().unwrap_or_default())
                .errors(&self.errors)
        }
    }

    fn lists(&self) -> [Combobox; 3] {
        [
            specialties_box(&self.filter.specialty).errors(&self.errors),
            states_box(&self.filter.state).errors(&self.errors),
            cities_box(&self.filter.city).errors(&self.errors),
        ]
    }

    fn postal_code(&self) -> Field {
        Field {
            placeholder: Some("937 or 93701"),
            ..Field::text("postal_code", "ZIP")
                .value(self.filter.postal_code.clone().unwrap_or_default())
                .errors(&self.errors)
        }
    }

    fn lead(&self) -> Select {
        let chosen = match self.filter.lead {
            None => "",
            Some(LeadPresence::Yes) => "yes",
            Some(LeadPresence::No) => "no",
        };
        Select::new(
            "lead",
            "Lead",
            chosen,
            [
                ("", "Leads or not"),
                ("no", "Only those not yet leads"),
                ("yes", "Only leads"),
            ],
        )
    }

    fn kind(&self) -> [Select; 4] {
        let f = &self.filter;
        let yes_no = f.has_phone.map_or("", |v| if v { "yes" } else { "no" });
        [
            Select::new(
                "entity",
                "Kind",
                f.entity.map_or("", Entity::as_str),
                [
                    ("", "People and organizations"),
                    (Entity::Individual.as_str(), "People"),
                    (Entity::Organization.as_str(), "Organizations"),
                ],
            ),
            Select::new(
                "has_phone",
                "Telephone",
                yes_no,
                [
                    ("", "With or without"),
                    ("yes", "With a number"),
                    ("no", "Without"),
                ],
            ),
            Select::new(
                "sex",
                "Sex",
                f.sex.map_or("", Sex::as_str),
                [
                    ("", "Any"),
                    ("F", "Female"),
                    ("M", "Male"),
                    ("X", "Another answer"),
                    ("U", "Not disclosed"),
                ],
            ),
            Select::new(
                "status",
                "Record",
                match f.status {
                    StatusFilter::Active => "",
                    other => other.as_str(),
                },
                [
                    ("", "In service"),
                    (StatusFilter::Deactivated.as_str(), "Deactivated"),
                    (StatusFilter::Unpublished.as_str(), "No longer published"),
                    (StatusFilter::Any.as_str(), "Any"),
                ],
            ),
        ]
    }

    fn codes(&self) -> Combobox {
        Combobox {
            placeholder: "207RC0000X",
            ..Combobox::new("taxonomy", "Taxonomy code")
                .values(&self.filter.taxonomy)
                .errors(&self.errors)
        }
    }

    fn updated_since(&self) -> Field {
        let value = self.filter.updated_since.map(|d| d.to_string());
        Field {
            kind: "date",
            ..Field::text("updated_since", "Updated since")
                .value(value.unwrap_or_default())
                .errors(&self.errors)
        }
    }

    fn sort_select(&self) -> Select {
        sort_select(self.sort)
    }

    /// Whether one of the filters that are folded away is set.
    fn has_more(&self) -> bool {
        let f = &self.filter;
        f.entity.is_some()
            || f.has_phone.is_some()
            || f.sex.is_some()
            || f.status != StatusFilter::Active
            || f.updated_since.is_some()
            || f.primary_only
            || !f.taxonomy.is_empty()
    }

    fn set(&self) -> usize {
        self.filter.pairs().len()
    }
}

fn sort_select(sort: ProviderSort) -> Select {
    Select::new(
        "sort",
        "Order",
        lean(sort),
        ProviderSort::ALL.into_iter().map(|s| {
            let label = match s {
                ProviderSort::Name => "Name",
                ProviderSort::City => "City",
                ProviderSort::Enumerated => "Newest NPI first",
                ProviderSort::Updated => "Last updated first",
            };
            (lean(s), label)
        }),
    )
}

/// The name of an order; the one that is meant when none is named stays out of addresses.
fn lean(sort: ProviderSort) -> &'static str {
    if sort == ProviderSort::default() {
        ""
    } else {
        sort.as_str()
    }
}

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/index.html")]
pub struct ProvidersView {
    /// Filters.
    pub filters: Filters,
    /// Results.
    pub results: ProvidersResults,
}

crate::ui::shown_as_html!(Filters, ProvidersView);
