use askama::Template;
use canvass_model::{Catalogue, Facet, Facets};

use super::results::{Asked, city_and_state, specialty_label};
use crate::format::{number, unshouted};
use crate::geography::state_name;

/// Values of a group that are shown.
const MOST: usize = 8;

/// One value that providers of a search have, and the search for those alone.
#[derive(Clone, Debug)]
struct FacetRow {
    label: String,
    /// What it is in the registry, where the label does not say it.
    title: Option<String>,
    count: u64,
    href: String,
}

impl FacetRow {
    fn number(&self) -> String {
        number(self.count)
    }
}

/// What providers of a search are like, with the way to narrow it.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/facets.html")]
pub struct FacetsPanel {
    /// Groups that can narrow the search.
    groups: Vec<(&'static str, Vec<FacetRow>)>,
    /// Whether it comes beside the results, to replace the one on the page.
    beside_results: bool,
}

impl FacetsPanel {
    /// What may narrow a search that finds `total`. A value that all of them have is left out, and
    /// one that would be searched for beside those already chosen, since that finds more, not less.
    pub fn new(asked: Asked<'_>, facets: &Facets, total: u64, catalogue: &Catalogue) -> Self {
        let address = asked.address();
        let filter = asked.filter;
        let may = |values: &[String], value: &str| {
            values.is_empty() || values.iter().any(|v| v.eq_ignore_ascii_case(value))
        };
        let narrows = |values: &[String], value: &str| values.len() != 1 && may(values, value);
        let narrowing = |of: &[Facet], offered: &dyn Fn(&str) -> bool| -> Vec<Facet> {
            of.iter()
                .filter(|f| (1..total).contains(&f.count) && offered(&f.value))
                .take(MOST)
                .cloned()
                .collect()
        };
        let row = |f: &Facet, label: String, to: &[(&'static str, &str)]| FacetRow {
            label,
            title: None,
            count: f.count,
            href: address.narrowed(to),
        };
        let specialty = narrowing(&facets.specialty, &|v| narrows(&filter.taxonomy, v));
        let state = narrowing(&facets.state, &|v| narrows(&filter.state, v));
        let city = narrowing(&facets.city, &|v| {
            let (city, state) = v.rsplit_once(", ").unwrap_or((v, ""));
            may(&filter.city, city)
                && may(&filter.state, state)
                && !(filter.city.len() == 1 && filter.state.len() == 1)
        });
        let entity = narrowing(&facets.entity, &|_| filter.entity.is_none());
        let groups = [
            (
                "Specialty",
                specialty
                    .iter()
                    .map(|f| FacetRow {
                        title: Some(format!("{} ({})", catalogue.describe(&f.value), f.value)),
                        ..row(
                            f,
                            specialty_label(catalogue, &f.value),
                            &[("taxonomy", &f.value)],
                        )
                    })
                    .collect(),
            ),
            (
                "State",
                state
                    .iter()
                    .map(|f| row(f, state_name(&f.value).to_owned(), &[("state", &f.value)]))
                    .collect(),
            ),
            (
                "City",
                city.iter()
                    .map(|f| match f.value.rsplit_once(", ") {
                        Some((city, state)) => {
                            let city = unshouted(city);
                            let to = [("city", city.as_str()), ("state", state)];
                            row(f, city_and_state(Some(&city), Some(state)), &to)
                        }
                        None => row(
                            f,
                            city_and_state(Some(&f.value), None),
                            &[("city", &f.value)],
                        ),
                    })
                    .collect(),
            ),
            (
                "Kind",
                entity
                    .iter()
                    .map(|f| {
                        let label = match f.value.as_str() {
                            "individual" => "People",
                            "organization" => "Organizations",
                            other => other,
                        };
                        row(f, label.to_owned(), &[("entity", &f.value)])
                    })
                    .collect(),
            ),
        ];
        Self {
            groups: groups
                .into_iter()
                .filter(|(_, rows): &(_, Vec<FacetRow>)| !rows.is_empty())
                .collect(),
            beside_results: false,
        }
    }

    /// The panel, as it comes beside the results to replace the one on the page where that is so.
    #[must_use]
    pub fn beside(self, beside_results: bool) -> Self {
        Self {
            beside_results,
            ..self
        }
    }

    /// Nothing to narrow by.
    pub fn of_nothing() -> Self {
        Self {
            groups: Vec::new(),
            beside_results: false,
        }
    }
}

crate::ui::shown_as_html!(FacetsPanel);

#[cfg(test)]
mod tests {
    use canvass_model::{PageRequest, ProviderFilter, ProviderSort};

    use super::super::results::Shown;
    use super::*;

    fn panel(pairs: &[(&str, &str)]) -> FacetsPanel {
        let of = |values: &[(&str, u64)]| -> Vec<Facet> {
            let facet = |(value, count): &(&str, u64)| Facet {
                value: (*value).to_owned(),
                count: *count,
            };
            values.iter().map(facet).collect()
        };
        let facets = Facets {
            specialty: of(&[("207Q00000X", 40), ("207R00000X", 12)]),
            state: of(&[("CA", 60), ("NV", 40), ("OR", 2)]),
            city: of(&[("FRESNO, CA", 30), ("RENO, NV", 20)]),
            entity: of(&[("individual", 100)]),
        };
        let mut filter = ProviderFilter::default();
        for (name, value) in pairs {
            filter.set(name, value).unwrap();
        }
        let asked = Asked {
            filter: &filter,
            sort: ProviderSort::City,
            page: &PageRequest::first(PageRequest::DEFAULT_LIMIT),
            shown: Shown::Map,
            columns: &super::super::Columns::default(),
        };
        FacetsPanel::new(asked, &facets, 100, &Catalogue::new(Vec::new()))
    }

    fn hrefs<'a>(panel: &'a FacetsPanel, group: &str) -> Vec<&'a str> {
        let rows = panel.groups.iter().filter(|(of, _)| *of == group);
        let rows = rows.flat_map(|(_, rows)| rows);
        rows.map(|row| row.href.as_str()).collect()
    }

    #[test]
    fn a_value_narrows_the_search_and_keeps_the_rest() {
        let panel = panel(&[("q", "smith")]);
        assert_eq!(
            hrefs(&panel, "Specialty")[0],
            "/providers?q=smith&sort=city&view=map&taxonomy=207Q00000X"
        );
        assert_eq!(
            hrefs(&panel, "City")[1],
            "/providers?q=smith&sort=city&view=map&city=Reno&state=NV"
        );
        assert_eq!(hrefs(&panel, "State").len(), 3);
        assert!(hrefs(&panel, "Kind").is_empty(), "all of them are people");
    }

    #[test]
    fn what_would_find_more_is_not_offered() {
        assert!(hrefs(&panel(&[("state", "CA")]), "City").len() == 1);
        let two = panel(&[("state", "CA"), ("state", "NV")]);
        assert_eq!(
            hrefs(&two, "State"),
            [
                "/providers?sort=city&view=map&state=CA",
                "/providers?sort=city&view=map&state=NV"
            ]
        );
        assert!(hrefs(&panel(&[("taxonomy", "208D00000X")]), "Specialty").is_empty());
        assert!(hrefs(&panel(&[("city", "Oakland")]), "City").is_empty());
    }
}
