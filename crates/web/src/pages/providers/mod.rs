//! Searching providers, saving them as leads, and everything known of one.

mod colleagues;
mod columns;
mod detail;
mod facets;
mod facts;
pub(super) mod handlers;
mod map;
mod more;
mod origins;
mod results;
mod saved;
pub(super) mod searches;
mod shades;
mod words;

use askama::Template;
use canvass_model::{LeadPresence, ProviderFilter, ProviderSort};

pub use colleagues::Colleagues;
pub use columns::{Column, Columns, ColumnsMenu};
pub use detail::{ChangeHistory, LeadBox, ProviderView, change_entry};
pub use facets::FacetsPanel;
pub use facts::{AddressCard, ProviderFacts};
pub use map::{Regions, ResultMap};
pub use more::MoreFilters;
pub use origins::{Origin, Origins};
pub use results::{
    Asked, ProviderRow, ProvidersPart, ProvidersResults, SaveAll, Shown, specialty_label,
};
pub(crate) use results::{city_and_state, person_or_organization};
pub use saved::{SaveForm, SavedMenu, SavedRow};
pub(crate) use words::{chip_label, told_by_another};

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
    /// Columns of the table that are not the usual ones, to be asked for again.
    pub columns: Option<String>,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
}

/// The box of states of a place: typed or chosen, several.
pub(crate) fn states_box(chosen: &[String]) -> Combobox {
    states_box_of("state", "State", chosen)
}

fn states_box_of(name: &'static str, label: &'static str, chosen: &[String]) -> Combobox {
    let shown = |code: &String| (code.clone(), state_name(code).to_owned());
    Combobox {
        values: chosen.iter().map(shown).collect(),
        options: STATES
            .iter()
            .map(|(code, name)| ((*code).to_owned(), (*name).to_owned()))
            .collect(),
        placeholder: "California",
        ..Combobox::new(name, label)
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

/// The line for a postal code or its beginning.
fn zip_field(filter: &ProviderFilter) -> Field {
    Field {
        placeholder: Some("937 or 93701"),
        ..Field::text("postal_code", "ZIP").value(filter.postal_code.clone().unwrap_or_default())
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
        zip_field(&self.filter).errors(&self.errors)
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

    fn more(&self) -> MoreFilters {
        MoreFilters {
            filter: self.filter.clone(),
            errors: self.errors.clone(),
            of_leads: false,
        }
    }

    fn sort_select(&self) -> Select {
        sort_select(self.sort)
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
                ProviderSort::Relevance => "Best match first",
                ProviderSort::Distance => "Nearest first",
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
    /// What narrows the results.
    pub facets: FacetsPanel,
    /// Results.
    pub results: ProvidersResults,
}

crate::ui::shown_as_html!(Filters, ProvidersView);
