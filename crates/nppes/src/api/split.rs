//! How a query that holds more than the registry serves is split into others.
//!
//! The axes, in this order: state, leading digits of the postal code, kind of provider, leading
//! letters of the name. Kinds and further digits cover their parent whole. States, the postal
//! codes of a state, and letters do not quite; what they leave out is said, and where records were
//! seen that they would leave out, every pair of digits is asked for instead.

use std::collections::{BTreeMap, BTreeSet};

use canvass_model::{Entity, Provider};
use serde::{Deserialize, Serialize};

use super::{Purpose, Query};
use crate::geo::Places;

/// The parts of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Queries that together stand for their parent.
    pub parts: Vec<Query>,
    /// What they leave out of it.
    pub left_out: Option<LeftOutPart>,
}

/// What the parts of a query leave out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutPart {
    /// In words.
    pub what: String,
    /// Further queries that would cover it, where there are any.
    pub rest: Vec<Query>,
}

/// Counts of what the records of a query say along the axis that it would be split on next.
pub type Evidence = BTreeMap<String, u64>;

/// Adds what a record says along the axis that its query would be split on next.
pub fn note_evidence(evidence: &mut Evidence, query: &Query, provider: &Provider) {
    let key = |address: &canvass_model::Address| {
        let text = match query.state {
            None => address.state.as_deref(),
            Some(_) => address.postal_code.as_deref(),
        };
        text.unwrap_or_default()
            .to_uppercase()
            .chars()
            .take(2)
            .collect::<String>()
    };
    let mailing = provider
        .mailing
        .iter()
        .filter(|_| query.address_purpose.is_none());
    let keys: BTreeSet<String> = provider
        .practice_locations()
        .chain(mailing)
        .filter(|a| query.state.is_none() || a.state == query.state)
        .map(key)
        .collect();
    for key in keys {
        *evidence.entry(key).or_default() += 1;
    }
}

/// The parts of a query, or none when it can't be split further.
pub fn split(query: &Query, evidence: &Evidence, places: &Places) -> Option<Split> {
    match query
        .postal_code
        .as_deref()
        .map(|p| p.trim_end_matches('*'))
    {
        None if query.state.is_none() && query.city.is_none() => {
            return Some(by_state(query, evidence, places));
        }
        None if query.state.is_some() => return Some(by_postal_code(query, evidence, places)),
        Some(prefix)
            if prefix.len() < 5
                && query
                    .postal_code
                    .as_deref()
                    .is_some_and(|p| p.ends_with('*')) =>
        {
            return Some(by_next_digit(query, prefix));
        }
        _ => {}
    }
    by_entity(query).or_else(|| by_name(query))
}

fn by_state(query: &Query, evidence: &Evidence, places: &Places) -> Split {
    let mut states: BTreeSet<String> = places.states().iter().map(|s| s.code.to_string()).collect();
    states.extend(evidence.keys().filter(|k| k.len() == 2).cloned());
    let part = |state: String| Query {
        state: Some(state),
        ..query.clone()
    };
    Split {
        parts: states.into_iter().map(part).collect(),
        left_out: Some(LeftOutPart {
            what: "addresses outside the states and territories of the United States".into(),
            rest: Vec::new(),
        }),
    }
}

fn by_postal_code(query: &Query, evidence: &Evidence, places: &Places) -> Split {
    let state = query.state.as_deref().unwrap_or_default();
    let part = |prefix: &str| Query {
        postal_code: Some(format!("{prefix}*")),
        ..query.clone()
    };
    let every: BTreeSet<String> = (0..100).map(|n| format!("{n:02}")).collect();
    let known: BTreeSet<String> = places.zip_prefixes(state, 2).into_iter().collect();
    let strays: BTreeSet<String> = evidence
        .keys()
        .filter(|k| !known.contains(*k))
        .cloned()
        .collect();
    if known.is_empty() || !strays.is_empty() {
        let odd = strays
            .into_iter()
            .filter(|k| k.len() == 2 && k.bytes().all(|b| b.is_ascii_alphanumeric()));
        let all: BTreeSet<String> = every.into_iter().chain(odd).collect();
        return Split {
            parts: all.iter().map(|p| part(p)).collect(),
            left_out: Some(LeftOutPart {
                what: "postal codes that do not begin with two digits".into(),
                rest: Vec::new(),
            }),
        };
    }
    // A state with one pair of leading digits would not be split by it.
    let prefixes = if known.len() == 1 {
        places.zip_prefixes(state, 3)
    } else {
        known.iter().cloned().collect()
    };
    let rest = every.difference(&known).map(|p| part(p));
    let more = (0..10)
        .filter(|_| known.len() == 1)
        .flat_map(|n| known.iter().map(move |k| format!("{k}{n}")))
        .filter(|p| !prefixes.contains(p));
    Split {
        parts: prefixes.iter().map(|p| part(p)).collect(),
        left_out: Some(LeftOutPart {
            what: format!("postal codes that are none of {state}"),
            rest: rest
                .chain(more.map(|p| part(&p)).collect::<Vec<_>>())
                .collect(),
        }),
    }
}

fn by_next_digit(query: &Query, prefix: &str) -> Split {
    let part = |digit: u8| {
        let longer = format!("{prefix}{digit}");
        // Five digits also find the codes of nine.
        let postal_code = if longer.len() == 5 {
            longer
        } else {
            format!("{longer}*")
        };
        Query {
            postal_code: Some(postal_code),
            ..query.clone()
        }
    };
    Split {
        parts: (0..10).map(part).collect(),
        left_out: None,
    }
}

fn by_entity(query: &Query) -> Option<Split> {
    if query.enumeration_type.is_some() {
        return None;
    }
    let part = |entity| Query {
        enumeration_type: Some(entity),
        ..query.clone()
    };
    Some(Split {
        parts: vec![part(Entity::Individual), part(Entity::Organization)],
        left_out: None,
    })
}

fn by_name(query: &Query) -> Option<Split> {
    let individual = query.enumeration_type == Some(Entity::Individual);
    let known = if individual {
        &query.last_name
    } else {
        &query.organization_name
    };
    let stem = match known.as_deref() {
        None => "",
        Some(text) if text.ends_with('*') && text.len() <= 4 => text.trim_end_matches('*'),
        Some(_) => return None,
    };
    let mut more: Vec<char> = ('A'..='Z').collect();
    if individual {
        // O'Brien and D'Angelo.
        more.push('\'');
    } else {
        more.extend('0'..='9');
    }
    more.push(' ');
    more.push('-');
    let names: Vec<String> = if stem.is_empty() {
        let firsts: Vec<char> = more
            .iter()
            .copied()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        firsts
            .iter()
            .flat_map(|a| more.iter().map(move |b| format!("{a}{b}*")))
            .collect()
    } else {
        // Ng and Le are whole names.
        let longer = more.iter().map(|c| format!("{stem}{c}*"));
        longer.chain([stem.to_owned()]).collect()
    };
    let part = |name: String| {
        let name = Some(name);
        if individual {
            Query {
                last_name: name,
                ..query.clone()
            }
        } else {
            Query {
                organization_name: name,
                ..query.clone()
            }
        }
    };
    Some(Split {
        parts: names.into_iter().map(part).collect(),
        left_out: Some(LeftOutPart {
            what: "names of one letter, or with other signs among their first letters".into(),
            rest: Vec::new(),
        }),
    })
}

/// A wider query that shows whether the registry serves pages past its documented reach at all:
/// the same without its place. None when there is no place to leave out.
pub fn wider(query: &Query) -> Option<Query> {
    let placed = query.state.is_some() || query.city.is_some() || query.postal_code.is_some();
    placed.then(|| Query {
        state: None,
        city: None,
        postal_code: None,
        address_purpose: None::<Purpose>,
        ..query.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(state: Option<&str>, postal_code: Option<&str>) -> Query {
        Query {
            taxonomy_description: Some("Internal Medicine".into()),
            state: state.map(str::to_owned),
            postal_code: postal_code.map(str::to_owned),
            ..Query::default()
        }
    }

    fn codes(split: &Split) -> Vec<&str> {
        split
            .parts
            .iter()
            .filter_map(|q| q.postal_code.as_deref())
            .collect()
    }

    #[test]
    fn a_state_is_split_by_its_own_postal_codes_and_says_what_is_left() {
        let evidence = Evidence::from([("90".to_owned(), 3), ("94".to_owned(), 1)]);
        let split = split(&query(Some("CA"), None), &evidence, Places::bundled()).unwrap();
        assert_eq!(
            codes(&split),
            ["90*", "91*", "92*", "93*", "94*", "95*", "96*"]
        );
        let left_out = split.left_out.unwrap();
        assert_eq!(split.parts.len() + left_out.rest.len(), 100);
    }

    #[test]
    fn a_stray_record_makes_every_pair_of_digits_be_asked_for() {
        let evidence = Evidence::from([("90".to_owned(), 300), ("30".to_owned(), 1)]);
        let split = split(&query(Some("CA"), None), &evidence, Places::bundled()).unwrap();
        assert_eq!(split.parts.len(), 100);
        assert!(split.left_out.unwrap().rest.is_empty());
    }

    #[test]
    fn a_state_of_one_pair_is_split_by_three_digits() {
        let split = split(
            &query(Some("DE"), None),
            &Evidence::new(),
            Places::bundled(),
        )
        .unwrap();
        assert_eq!(codes(&split), ["197*", "198*", "199*"]);
    }

    #[test]
    fn digits_cover_their_parent_down_to_the_whole_code() {
        let places = Places::bundled();
        let parts = split(&query(Some("CA"), Some("90*")), &Evidence::new(), places).unwrap();
        assert_eq!((parts.parts.len(), parts.left_out), (10, None));
        let parts = split(&query(Some("CA"), Some("9000*")), &Evidence::new(), places).unwrap();
        assert_eq!(codes(&parts)[1], "90001");
    }

    #[test]
    fn a_dense_code_is_split_by_kind_then_by_name_then_no_more() {
        let places = Places::bundled();
        let none = Evidence::new();
        let kinds = split(&query(Some("CA"), Some("90001")), &none, places).unwrap();
        assert_eq!(kinds.parts.len(), 2);
        let names = split(&kinds.parts[0], &none, places).unwrap();
        assert!(
            names
                .parts
                .iter()
                .any(|q| q.last_name.as_deref() == Some("SM*"))
        );
        assert!(names.left_out.is_some());
        let named = |split: &Split, name: &str| {
            let mut parts = split.parts.iter();
            parts
                .find(|q| q.last_name.as_deref() == Some(name))
                .cloned()
        };
        assert!(named(&names, "O'*").is_some());
        let mut part = named(&names, "NG*").unwrap();
        let longer = split(&part, &none, places).unwrap();
        // The whole name is none of those that begin with it and go on.
        assert_eq!(split(&named(&longer, "NG").unwrap(), &none, places), None);
        for _ in 0..2 {
            part = split(&part, &none, places).unwrap().parts[0].clone();
        }
        assert_eq!(part.last_name.as_deref(), Some("NGAA*"));
        assert_eq!(split(&part, &none, places), None);
    }

    #[test]
    fn the_country_is_split_by_state() {
        let split = split(&query(None, None), &Evidence::new(), Places::bundled()).unwrap();
        assert!(split.parts.len() >= 59);
        assert_eq!(wider(&split.parts[0]), Some(query(None, None)));
    }
}
