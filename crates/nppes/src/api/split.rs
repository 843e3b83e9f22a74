//! How a query that holds more than the registry serves is split into others.
//!
//! The axes, in this order: state, leading digits of the postal code, kind of provider, leading
//! letters of the name. Kinds cover their parent whole. The others do not: nobody can be asked for
//! an address without a state or a postal code, or for every sign that a code or a name may go on
//! with. What the parts leave out is said, with the queries that would cover some of it, and what
//! was seen is never left out.
//!
//! There is no cheaper split of a state that leaves less out. The registry wants two signs before a
//! `*`, so that its postal codes take a hundred queries, be they empty or not, before the first
//! record past the reach is found; three times the pages of a query of 6,000 records are ninety.
//! The two kinds are as large as their parent where nearly all are of one kind, cities have no
//! list that is complete, and two letters of a name take seven hundred. So a state is split by the
//! pairs of digits that are its own and those that were seen, and the others are asked for only
//! where all requests together stay within their bound; otherwise they are said to be left out.

use std::collections::{BTreeMap, BTreeSet};

use canvass_model::{Entity, Provider};
use serde::{Deserialize, Serialize};

use super::Query;
use crate::geo::Places;

/// Digits of a ZIP code: so many without `*` also find the codes of nine.
const ZIP_LEN: usize = 5;
/// Signs of the longest postal codes elsewhere that are told apart.
const MAX_CODE_LEN: usize = 8;

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
    /// Further queries that would cover some of it, where there are any.
    pub rest: Vec<Query>,
    /// What is left out even so, in words.
    pub still: String,
}

impl LeftOutPart {
    /// What no query asks for.
    fn for_good(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            rest: Vec::new(),
            still: what.to_owned(),
        }
    }
}

/// Counts of what the records of a query say along the axis that it would be split on next.
pub type Evidence = BTreeMap<String, u64>;

/// The beginning that a query asks for, where its postal code is one.
fn prefix(query: &Query) -> Option<&str> {
    query.postal_code.as_deref()?.strip_suffix('*')
}

/// Adds what a record says along the axis that its query would be split on next.
pub fn note_evidence(evidence: &mut Evidence, query: &Query, provider: &Provider) {
    let beginning = |text: Option<&str>, len: usize| -> String {
        let upper = text.unwrap_or_default().to_uppercase();
        upper.chars().take(len).collect()
    };
    let known = prefix(query).unwrap_or_default().to_uppercase();
    let key = |address: &canvass_model::Address| match &query.postal_code {
        None if query.state.is_none() => Some(beginning(address.state.as_deref(), 2)),
        None => Some(beginning(address.postal_code.as_deref(), 2)),
        // A code that is whole is not split.
        Some(_) if known.is_empty() => None,
        Some(_) => {
            let key = beginning(address.postal_code.as_deref(), known.chars().count() + 1);
            key.starts_with(&known).then_some(key)
        }
    };
    let mailing = provider
        .mailing
        .iter()
        .filter(|_| query.address_purpose.is_none());
    let keys: BTreeSet<String> = provider
        .practice_locations()
        .chain(mailing)
        .filter(|a| query.state.is_none() || a.state == query.state)
        .filter_map(key)
        .collect();
    for key in keys {
        *evidence.entry(key).or_default() += 1;
    }
}

/// The parts of a query, or none when it can't be split further.
pub fn split(query: &Query, evidence: &Evidence, places: &Places) -> Option<Split> {
    match (&query.postal_code, prefix(query)) {
        (None, _) if query.state.is_none() && query.city.is_none() => {
            return Some(by_state(query, evidence, places));
        }
        (None, _) if query.state.is_some() => return Some(by_postal_code(query, evidence, places)),
        (_, Some(prefix)) if prefix.chars().count() < longest(prefix) => {
            return Some(by_next_sign(query, prefix, evidence));
        }
        _ => {}
    }
    by_entity(query).or_else(|| by_name(query))
}

/// As many signs of postal codes that begin so are told apart.
fn longest(prefix: &str) -> usize {
    if is_numeric(prefix) {
        ZIP_LEN
    } else {
        MAX_CODE_LEN
    }
}

fn is_numeric(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether the registry can be asked for what begins so.
fn can_be_asked(key: &str) -> bool {
    key.chars().count() >= 2 && key.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn by_state(query: &Query, evidence: &Evidence, places: &Places) -> Split {
    let mut states: BTreeSet<String> = places.states().iter().map(|s| s.code.to_string()).collect();
    states.extend(evidence.keys().filter(|k| can_be_asked(k)).cloned());
    let part = |state: String| Query {
        state: Some(state),
        ..query.clone()
    };
    Split {
        parts: states.into_iter().map(part).collect(),
        left_out: Some(LeftOutPart::for_good(
            "addresses outside the states and territories of the United States, or without a state",
        )),
    }
}

fn by_postal_code(query: &Query, evidence: &Evidence, places: &Places) -> Split {
    let state = query.state.as_deref().unwrap_or_default();
    let part = |prefix: &String| Query {
        postal_code: Some(format!("{prefix}*")),
        ..query.clone()
    };
    let every: BTreeSet<String> = (0..100).map(|n| format!("{n:02}")).collect();
    let known: BTreeSet<String> = places.zip_prefixes(state, 2).into_iter().collect();
    let strays = evidence
        .keys()
        .filter(|k| can_be_asked(k) && !known.contains(*k));
    let mut parts: BTreeSet<String> = strays.cloned().collect();
    // A state with one pair of leading digits would not be split by it.
    if known.len() == 1 {
        parts.extend(places.zip_prefixes(state, 3));
    } else {
        parts.extend(known.iter().cloned());
    }
    let others: BTreeSet<String> = every
        .difference(&known)
        .cloned()
        .chain(
            (0..10)
                .filter(|_| known.len() == 1)
                .flat_map(|n| known.iter().map(move |k| format!("{k}{n}"))),
        )
        .filter(|p| !parts.contains(p))
        .collect();
    let still = "addresses without a postal code, or whose code does not begin with two digits";
    let left_out = if known.is_empty() {
        parts.extend(others);
        LeftOutPart::for_good(still)
    } else {
        LeftOutPart {
            what: format!(
                "postal codes that are none of {state}, those with letters among them, and addresses without one"
            ),
            rest: others.iter().map(part).collect(),
            still: still.to_owned(),
        }
    };
    Split {
        parts: parts.iter().map(part).collect(),
        left_out: Some(left_out),
    }
}

fn by_next_sign(query: &Query, prefix: &str, evidence: &Evidence) -> Split {
    let known = prefix.to_uppercase();
    let part = |code: &String| {
        // Nine digits are found by their first five.
        let whole = *code == known || code.len() == ZIP_LEN && is_numeric(code);
        let star = if whole { "" } else { "*" };
        Query {
            postal_code: Some(format!("{code}{star}")),
            ..query.clone()
        }
    };
    let next = |signs: std::ops::RangeInclusive<char>| signs.map(|sign| format!("{known}{sign}"));
    let mut parts: BTreeSet<String> = evidence
        .keys()
        .filter(|k| k.starts_with(&known) && !k.contains('*'))
        .cloned()
        .collect();
    let mut rest = BTreeSet::from([known.clone()]);
    let still = if is_numeric(&known) {
        parts.extend(next('0'..='9'));
        format!("postal codes that begin with {known} and go on with anything but a digit")
    } else {
        // Where others have letters too, what was seen is nearly all that there is.
        let signs: BTreeSet<String> = next('0'..='9').chain(next('A'..='Z')).collect();
        if parts.is_empty() {
            parts.extend(signs);
        } else {
            rest.extend(signs);
        }
        format!("postal codes that begin with {known} and go on with neither a digit nor a letter")
    };
    rest.retain(|code| !parts.contains(code));
    let what = match rest.is_empty() {
        true => still.clone(),
        false if is_numeric(&known) => {
            format!(
                "the postal code {known}, and those that begin so and go on with anything but a digit"
            )
        }
        false => {
            format!("postal codes that begin with {known} and go on otherwise than those seen")
        }
    };
    Split {
        parts: parts.iter().map(part).collect(),
        left_out: Some(LeftOutPart {
            what,
            rest: rest.iter().map(part).collect(),
            still,
        }),
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
    // What the registry takes in a name and names have: O'Brien, St. John, A&B, De La Cruz.
    let mut more: Vec<char> = ('A'..='Z').chain(['\'', '.', '&', ' ', '-']).collect();
    if !individual {
        more.extend('0'..='9');
    }
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
        left_out: Some(LeftOutPart::for_good(
            "names of one letter, or with other signs among their first letters",
        )),
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

    fn left_out(split: &Split) -> &LeftOutPart {
        split.left_out.as_ref().unwrap()
    }

    #[test]
    fn a_state_is_split_by_its_own_postal_codes_and_says_what_is_left() {
        let evidence = Evidence::from([("90".to_owned(), 3), ("94".to_owned(), 1)]);
        let split = split(&query(Some("CA"), None), &evidence, Places::bundled()).unwrap();
        assert_eq!(
            codes(&split),
            ["90*", "91*", "92*", "93*", "94*", "95*", "96*"]
        );
        assert_eq!(split.parts.len() + left_out(&split).rest.len(), 100);
        // Whatever is asked for: an address without a postal code is found by none.
        assert!(left_out(&split).still.contains("without a postal code"));
    }

    #[test]
    fn what_was_seen_is_asked_for_wherever_it_stands() {
        let evidence = Evidence::from(["90", "30", "K1", "", "-1"].map(|k| (k.to_owned(), 1)));
        let split = split(&query(Some("CA"), None), &evidence, Places::bundled()).unwrap();
        assert_eq!(
            codes(&split),
            [
                "30*", "90*", "91*", "92*", "93*", "94*", "95*", "96*", "K1*"
            ]
        );
        assert_eq!(left_out(&split).rest.len(), 92);
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
        assert_eq!(parts.parts.len(), 10);
        let parts = split(&query(Some("CA"), Some("9000*")), &Evidence::new(), places).unwrap();
        assert_eq!(codes(&parts)[1], "90001");
        let whole = parts.parts[1].clone();
        let kinds = split(&whole, &Evidence::new(), places).unwrap();
        assert!(kinds.parts.iter().all(|q| q.enumeration_type.is_some()));
    }

    #[test]
    fn codes_that_end_with_the_beginning_or_go_on_with_a_letter_are_asked_for_or_said_to_be_left_out()
     {
        let places = Places::bundled();
        let of = |evidence: &Evidence| {
            split(&query(Some("CA"), Some("900*")), evidence, places).unwrap()
        };
        let parts = of(&Evidence::new());
        let rest: Vec<_> = left_out(&parts)
            .rest
            .iter()
            .map(|q| q.postal_code.as_deref().unwrap())
            .collect();
        assert_eq!(rest, ["900"]);
        assert!(left_out(&parts).still.contains("anything but a digit"));
        let parts = of(&Evidence::from(
            ["900", "9001", "900A"].map(|k| (k.to_owned(), 1)),
        ));
        assert_eq!(codes(&parts)[0], "900");
        assert_eq!(codes(&parts)[11], "900A*");
        assert!(left_out(&parts).rest.is_empty());
    }

    #[test]
    fn codes_of_other_countries_are_split_by_what_was_seen() {
        let places = Places::bundled();
        let evidence = Evidence::from([("K1A".to_owned(), 400)]);
        let parts = split(&query(Some("ON"), Some("K1*")), &evidence, places).unwrap();
        assert_eq!(codes(&parts), ["K1A*"]);
        assert_eq!(left_out(&parts).rest.len(), 36);
        let parts = split(&query(Some("ON"), Some("K1*")), &Evidence::new(), places).unwrap();
        assert_eq!(parts.parts.len(), 36);
        let parts = split(&query(Some("ON"), Some("K1A0B*")), &Evidence::new(), places).unwrap();
        assert_eq!(codes(&parts)[1], "K1A0B1*");
    }

    #[test]
    fn evidence_is_what_the_next_split_needs() {
        let mut provider = Provider::new("1234567893".parse().unwrap());
        let at = |state: &str, code: &str| canvass_model::Address {
            state: Some(state.into()),
            postal_code: Some(code.into()),
            ..canvass_model::Address::default()
        };
        provider.practice = Some(at("CA", "900121234"));
        provider.secondary.push(at("CA", "90K"));
        provider.mailing = Some(at("CA", "10001"));
        let keys = |query: &Query| -> Vec<String> {
            let mut evidence = Evidence::new();
            note_evidence(&mut evidence, query, &provider);
            evidence.into_keys().collect()
        };
        assert_eq!(keys(&query(None, None)), ["CA"]);
        assert_eq!(keys(&query(Some("CA"), None)), ["10", "90"]);
        assert_eq!(keys(&query(Some("CA"), Some("90*"))), ["900", "90K"]);
        assert!(keys(&query(Some("CA"), Some("90012"))).is_empty());
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
        for odd in ["O'*", "J.*", "T&*", "D *", "X-*"] {
            assert!(named(&names, odd).is_some(), "{odd}");
        }
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
        let abroad = Evidence::from([("ON".to_owned(), 1), (String::new(), 1)]);
        let with = super::split(&query(None, None), &abroad, Places::bundled()).unwrap();
        assert_eq!(with.parts.len(), split.parts.len() + 1);
    }
}
