use canvass_model::{Facet, Facets, PageRequest, ProviderFilter, ProviderSort};
use canvass_nppes::geo::Places;

use super::{Amount, catalogue, saved, text, total};
use crate::pages::providers::{
    Asked, Columns, FacetsPanel, Filters, ProvidersResults, ProvidersView, Regions, ResultMap,
    SaveAll, Shown,
};

/// Millions of people in the larger states, by which made-up counts differ as real ones do.
const PEOPLE: [(&str, u64); 24] = [
    ("CA", 390),
    ("TX", 300),
    ("FL", 220),
    ("NY", 195),
    ("PA", 130),
    ("IL", 125),
    ("OH", 118),
    ("GA", 109),
    ("NC", 107),
    ("MI", 100),
    ("NJ", 93),
    ("VA", 87),
    ("WA", 78),
    ("AZ", 73),
    ("TN", 71),
    ("MA", 70),
    ("CO", 58),
    ("MN", 57),
    ("PR", 32),
    ("HI", 14),
    ("RI", 11),
    ("AK", 7),
    ("DC", 7),
    ("GU", 2),
];

fn facet(value: impl Into<String>, count: u64) -> Facet {
    Facet {
        value: value.into(),
        count,
    }
}

fn largest_first(mut facets: Vec<Facet>) -> Vec<Facet> {
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    facets
}

fn states() -> Vec<Facet> {
    let of = |code: &str| {
        let known = PEOPLE.iter().find(|(of, _)| *of == code);
        let other = code.bytes().map(u64::from).sum::<u64>() % 50 + 6;
        known.map_or(other, |(_, people)| *people) * 31
    };
    let states = Places::bundled().states().iter();
    let states = states.filter(|s| !matches!(s.code, "WY" | "MP" | "FM" | "MH" | "AA" | "PW"));
    largest_first(states.map(|s| facet(s.code, of(s.code))).collect())
}

fn zips(of_states: &[String]) -> Vec<Facet> {
    let mut zips: Vec<Facet> = Vec::new();
    let here = |state: &str| of_states.is_empty() || of_states.iter().any(|s| s == state);
    for place in Places::bundled().all().iter().filter(|p| here(p.state)) {
        let digits = place.zip.get(..3).unwrap_or_default();
        match zips.last_mut() {
            Some(last) if last.value == digits => last.count += 1 + last.count / 12,
            _ => zips.push(facet(digits, 1)),
        }
    }
    largest_first(zips)
}

/// What narrows the search of the gallery.
pub fn facets(amount: Amount) -> Facets {
    if amount == Amount::None {
        return Facets::default();
    }
    Facets {
        specialty: vec![
            facet("207R00000X", 4_210),
            facet("207RC0000X", 3_996),
            facet("363LF0000X", 1_204),
            facet("208100000X", 1),
        ],
        state: states(),
        city: vec![
            facet("LOS ANGELES, CA", 1_804),
            facet("RANCHO SANTA MARGARITA, CA", 96),
            facet("FRESNO, CA", 12),
        ],
        entity: vec![facet("individual", 12_001), facet("organization", 417)],
    }
}

/// The page of providers with a map in place of the rows.
pub fn providers_on_a_map(name: &str, amount: Amount) -> ProvidersView {
    let mut filter = ProviderFilter {
        q: text("heart"),
        ..ProviderFilter::default()
    };
    let mut shown = Shown::Map;
    match name {
        "providers-zips" => shown = Shown::Zips,
        "providers-state" => filter.state = vec!["CA".to_owned()],
        "providers-states" => filter.state = vec!["RI".to_owned(), "CT".to_owned()],
        _ => {}
    }
    let page = PageRequest::first(PageRequest::DEFAULT_LIMIT);
    let columns = Columns::default();
    let asked = Asked {
        filter: &filter,
        sort: ProviderSort::Name,
        page: &page,
        shown,
        columns: &columns,
    };
    let mut states = states();
    if amount == Amount::Little {
        states.retain(|f| matches!(f.value.as_str(), "NV" | "PR"));
    }
    let regions = if Regions::by_zip(&filter, shown) {
        Regions::Zips(states, zips(&filter.state))
    } else {
        Regions::States(states)
    };
    let count = total(amount, 42_418);
    let save = SaveAll {
        not_yet: total(amount, 11_902),
        pairs: filter.pairs(),
        idempotency_key: "k".to_owned(),
    };
    let none = canvass_model::Page {
        items: Vec::new(),
        next: None,
    };
    let results = ProvidersResults::new(
        asked,
        &none,
        count,
        Some(save),
        saved(amount),
        true,
        &catalogue(),
    );
    ProvidersView {
        results: results.on(ResultMap::new(asked, &regions)),
        facets: FacetsPanel::new(asked, &facets(amount), count.count, &catalogue()),
        filters: Filters {
            filter,
            columns: None,
            sort: ProviderSort::Name,
            errors: Vec::new(),
        },
    }
}
