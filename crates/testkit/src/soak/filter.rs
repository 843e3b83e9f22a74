//! Searches whose answer the test can tell.

use rand::{Rng, RngExt as _};
use serde_json::{Map, Value, json};

use super::people::{PLACES, Person, SPECIALTIES, STATES, Version};

/// What must hold of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) states: Vec<&'static str>,
    /// A place in [`PLACES`].
    pub(super) city: Option<usize>,
    pub(super) specialty: Option<usize>,
    pub(super) organization: Option<bool>,
    pub(super) last_name: Option<String>,
    pub(super) lead: Option<bool>,
    pub(super) lead_status: Option<&'static str>,
}

impl Filter {
    /// Of a place and, mostly, a specialty.
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let mut filter = Self::default();
        match rng.random_range(0..4) {
            0 => filter.city = Some(rng.random_range(0..PLACES.len())),
            1 => {
                filter.states = vec![STATES[rng.random_range(0..STATES.len())]];
            }
            2 => {
                let first = rng.random_range(0..STATES.len());
                filter.states = vec![STATES[first], STATES[(first + 1) % STATES.len()]];
            }
            _ => {}
        }
        if rng.random_bool(0.7) || filter.is_empty() {
            filter.specialty = Some(rng.random_range(0..SPECIALTIES.len()));
        }
        if rng.random_bool(0.2) {
            filter.organization = Some(rng.random_bool(0.5));
        }
        filter
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the provider's own parts fit this version.
    pub(super) fn fits(&self, person: &Person, version: &Version) -> bool {
        let place = |p: usize| {
            (self.states.is_empty() || self.states.contains(&PLACES[p].0))
                && self.city.is_none_or(|city| PLACES[p].1 == PLACES[city].1)
        };
        (version.places().any(place))
            && self
                .specialty
                .is_none_or(|s| version.specialties.contains(&s))
            && self
                .organization
                .is_none_or(|wanted| wanted == person.organization)
            && self
                .last_name
                .as_ref()
                .is_none_or(|name| *name == person.last_name())
    }

    /// Whether the lead's parts fit the status of a row, null when it is no lead.
    pub(super) fn fits_lead(&self, status: &Value) -> bool {
        self.lead.is_none_or(|lead| lead != status.is_null())
            && self.lead_status.is_none_or(|wanted| status == wanted)
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        let mut parts: Vec<(&'static str, String)> = self
            .states
            .iter()
            .map(|state| ("state", (*state).to_owned()))
            .collect();
        if let Some(city) = self.city {
            parts.push(("city", PLACES[city].1.to_owned()));
        }
        if let Some(specialty) = self.specialty {
            parts.push(("specialty", SPECIALTIES[specialty].0.to_owned()));
        }
        if let Some(organization) = self.organization {
            let entity = if organization {
                "organization"
            } else {
                "individual"
            };
            parts.push(("entity", entity.to_owned()));
        }
        if let Some(name) = &self.last_name {
            parts.push(("q", name.clone()));
        }
        if let Some(lead) = self.lead {
            parts.push(("lead", if lead { "yes" } else { "no" }.to_owned()));
        }
        if let Some(status) = self.lead_status {
            parts.push(("lead_status", status.to_owned()));
        }
        parts
    }

    /// As the parameters of a query.
    pub(super) fn query(&self) -> String {
        let parts = self.parts();
        let parts: Vec<String> = parts
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20")))
            .collect();
        parts.join("&")
    }

    /// As the arguments of a command.
    pub(super) fn arguments(&self) -> Vec<String> {
        let parts = self.parts();
        parts
            .into_iter()
            .flat_map(|(name, value)| [format!("--{}", name.replace('_', "-")), value])
            .collect()
    }

    /// As the member of a body.
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for (name, value) in self.parts() {
            match name {
                "state" | "city" | "specialty" | "lead_status" => {
                    let values = body.entry(name).or_insert(json!([]));
                    if let Some(values) = values.as_array_mut() {
                        values.push(value.into());
                    }
                }
                "lead" => {
                    body.insert(name.to_owned(), (value == "yes").into());
                }
                _ => {
                    body.insert(name.to_owned(), value.into());
                }
            }
        }
        body
    }
}
