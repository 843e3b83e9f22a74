//! What a list is asked for: a query as a person or a form wrote it, with what is wrong in it kept
//! beside what is right.

use canvass_model::{FilterError, PageRequest, ProviderFilter};

use super::visit::{Pairs, sentence};
use crate::geography::STATES;
use crate::problem::FieldError;

/// The order, the page, and what could not be understood.
pub struct Ask<S> {
    /// Order.
    pub sort: S,
    /// Page.
    pub page: PageRequest,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
    /// States that are none, as they were typed, with the name of their field.
    odd_states: Vec<(String, String)>,
}

impl<S: Default> Ask<S> {
    /// Gives each pair to `set`, which says whether a filter knows it. A pair that nobody knows is
    /// passed over, since an address may have been written by an older version.
    pub fn read(
        pairs: &Pairs,
        sort: impl Fn(&str) -> Result<S, FilterError>,
        mut set: impl FnMut(&str, &str) -> Result<bool, FilterError>,
    ) -> Self {
        let mut ask = Self {
            sort: S::default(),
            page: PageRequest::first(PageRequest::DEFAULT_LIMIT),
            errors: Vec::new(),
            odd_states: Vec::new(),
        };
        for (name, value) in pairs.each() {
            let value = if matches!(name, "state" | "licensed_in") {
                state_code(value)
            } else {
                value
            };
            if let Err(error) = set(name, value) {
                if matches!(name, "state" | "licensed_in") {
                    let typed = value.trim().chars().take(60).collect();
                    ask.odd_states.push((name.to_owned(), typed));
                }
                ask.refuse(error);
            }
        }
        match pairs.filled("sort").map(sort).transpose() {
            Ok(sort) => ask.sort = sort.unwrap_or_default(),
            Err(error) => ask.refuse(error),
        }
        match PageRequest::parse(pairs.get("limit"), pairs.get("cursor")) {
            Ok(page) => ask.page = page,
            Err(error) => ask.refuse(error),
        }
        ask
    }

    /// Puts states that are none into the filter of a form, which shows them again.
    pub fn show_again(&mut self, filter: &mut ProviderFilter) {
        for (field, typed) in self.odd_states.drain(..) {
            match field.as_str() {
                "state" => filter.state.push(typed),
                _ => filter.licensed_in.push(typed),
            }
        }
    }

    fn refuse(&mut self, error: FilterError) {
        self.errors
            .push(FieldError::new(error.field, sentence(&error.problem)));
    }
}

/// The letters of a state that was written as its name; anything else as it is.
pub fn state_code(text: &str) -> &str {
    let name = text.trim();
    STATES
        .iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(name))
        .map_or(text, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_may_be_written_out() {
        assert_eq!(state_code(" new york "), "NY");
        assert_eq!(state_code("ca"), "ca");
        assert_eq!(state_code("Calfornia"), "Calfornia");
    }
}
