//! Whole pulls from a registry that repeats what is past its reach, without a network and a
//! database: the pages of each query, its split, and the pages of its parts.

use std::{collections::BTreeSet, rc::Rc};

use canvass_model::Entity;
use canvass_nppes::{
    api::{Evidence, MAX_SKIP, PAGE, Query, Reach, Step, Walk, note_evidence, split},
    geo::Places,
};
use proptest::prelude::*;

use crate::fixtures;

/// What the queries of a pull look at.
struct Listed {
    postal_code: String,
    entity: Entity,
    name: &'static str,
}

/// The beginnings of names, one of them as short as a whole name.
const NAMES: [&str; 8] = [
    "ABBOTT", "CHEN", "GARCIA", "LE", "NG", "O'BRIEN", "SMITH", "YOUNG",
];

fn fits(asked: Option<&str>, value: &str) -> bool {
    asked.is_none_or(|asked| match asked.strip_suffix('*') {
        Some(beginning) => value.starts_with(beginning),
        None => value == asked,
    })
}

impl Listed {
    fn is_asked_for(&self, query: &Query) -> bool {
        let asked = query.postal_code.as_deref();
        let of_entity = |name: &Option<String>, entity| {
            name.is_none() || self.entity == entity && fits(name.as_deref(), self.name)
        };
        (fits(asked, &self.postal_code) || fits(asked, &self.postal_code[..5]))
            && query.enumeration_type.is_none_or(|e| e == self.entity)
            && of_entity(&query.last_name, Entity::Individual)
            && of_entity(&query.organization_name, Entity::Organization)
    }
}

/// What came of a pull.
#[derive(Debug, Default)]
struct Pulled {
    found: BTreeSet<usize>,
    requests: usize,
    truncated: Vec<Query>,
}

/// Pulls all that a query asks for, one page after the other.
fn pull(everybody: &[Listed], whole: Query) -> Pulled {
    let template = fixtures::provider(&fixtures::records()[0].1);
    let mut pulled = Pulled::default();
    let mut reach = Reach::Unknown;
    // Each with those among whom it is asked: the matches of its parent.
    let mut open = vec![(whole, Rc::new((0..everybody.len()).collect()), true)];
    while let Some((query, among, eager)) = open.pop() {
        let among: Rc<Vec<usize>> = among;
        let asked_for = |i: &&usize| everybody[**i].is_asked_for(&query);
        let matches: Rc<Vec<usize>> = Rc::new(among.iter().filter(asked_for).copied().collect());
        let mut walk = Walk::default();
        let mut in_flight = BTreeSet::new();
        let mut evidence = Evidence::new();
        let end = loop {
            match walk.next(&in_flight, reach, eager) {
                Step::Fetch(pages) => in_flight.extend(pages),
                end => break end,
            }
            let page = in_flight
                .pop_first()
                .expect("a walk that waits for nothing");
            pulled.requests += 1;
            let start = matches.len().min(page.min(MAX_SKIP) as usize);
            let records = &matches[start..matches.len().min(start + PAGE as usize)];
            let list: Vec<u64> = records.iter().map(|&i| i as u64).collect();
            walk.take(page, &list);
            pulled.found.extend(records);
            // Postal codes are looked at where a query is split by them.
            let noted = if query.enumeration_type.is_none() {
                records
            } else {
                &[]
            };
            for &i in noted {
                let mut provider = template.clone();
                let practice = provider.practice.as_mut().unwrap();
                practice.state.clone_from(&query.state);
                practice.postal_code = Some(everybody[i].postal_code.clone());
                note_evidence(&mut evidence, &query, &provider);
            }
            if walk.reach() != Reach::Unknown {
                reach = walk.reach();
            }
        };
        match (end, split(&query, &evidence, Places::bundled())) {
            (Step::Split, Some(parts)) => {
                let part = |part| (part, Rc::clone(&matches), false);
                open.extend(parts.parts.into_iter().map(part));
            }
            (Step::Split, None) => pulled.truncated.push(query),
            (end, _) => assert_eq!(end, Step::Complete, "{query}"),
        }
    }
    pulled
}

fn californian(postal_code: Option<&str>) -> Query {
    Query {
        taxonomy_description: Some("Internal Medicine".into()),
        state: Some("CA".into()),
        postal_code: postal_code.map(str::to_owned),
        ..Query::default()
    }
}

/// So many people over the postal codes of California.
fn spread(size: usize) -> Vec<Listed> {
    let places: Vec<_> = Places::bundled().of_state("CA").collect();
    (0..size)
        .map(|i| Listed {
            // A step that shares no factor with the number of postal codes spreads them.
            postal_code: format!("{}1234", places[i * 7_919 % places.len()].zip),
            entity: Entity::Individual,
            name: NAMES[i % NAMES.len()],
        })
        .collect()
}

/// The people of one postal code: a third organizations, and every second of the others an NG.
fn dense(size: usize) -> Vec<Listed> {
    (0..size)
        .map(|i| Listed {
            postal_code: "900121234".into(),
            entity: if i % 3 == 0 {
                Entity::Organization
            } else {
                Entity::Individual
            },
            name: if i % 3 == 1 {
                "NG"
            } else {
                NAMES[i % NAMES.len()]
            },
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn every_size_is_pulled_whole_with_few_requests(size in 0usize..20_000) {
        let pulled = pull(&spread(size), californian(None));
        prop_assert_eq!(pulled.found.len(), size);
        prop_assert!(pulled.truncated.is_empty());
        if size >= 2_000 {
            let pages = size.div_ceil(PAGE as usize);
            prop_assert!(pulled.requests < 3 * pages, "{} for {} pages", pulled.requests, pages);
        }
    }

    #[test]
    fn a_dense_postal_code_is_pulled_whole_as_long_as_names_tell_its_people_apart(size in 1_100usize..4_500) {
        let people = dense(size);
        let pulled = pull(&people, californian(Some("90012")));
        let alike = people.iter().filter(|p| p.entity == Entity::Individual && p.name == "NG");
        if alike.count() < 1_200 {
            prop_assert_eq!(pulled.found.len(), size, "{:?}", pulled.truncated);
            prop_assert!(pulled.truncated.is_empty(), "{:?}", pulled.truncated);
        } else {
            prop_assert!(pulled.found.len() <= size);
            let [truncated] = pulled.truncated.as_slice() else {
                panic!("{:?}", pulled.truncated);
            };
            prop_assert_eq!(truncated.last_name.as_deref(), Some("NG"));
        }
    }
}
