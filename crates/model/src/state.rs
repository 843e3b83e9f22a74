//! States of the United States, and how people write them.

use std::sync::LazyLock;

use crate::fold_ascii;

/// From the list of the United States Postal Service; see `data/geo`.
const DATA: &str = include_str!("../../../data/geo/states.csv");

static STATES: LazyLock<Vec<State>> = LazyLock::new(|| {
    let lines = DATA.lines().skip(1);
    let parted = lines.filter_map(|line| line.split_once(','));
    parted.map(|(code, name)| State { code, name }).collect()
});

/// Provinces and territories of Canada, which addresses in the registry have too.
const CANADA: &[&str] = &[
    "AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT",
];

/// What people write for a state, folded, beside its code, its name and the beginning of its name.
const ABBREVIATED: &[(&str, &str)] = &[
    ("ala", "AL"),
    ("ariz", "AZ"),
    ("ark", "AR"),
    ("cal", "CA"),
    ("calif", "CA"),
    ("cali", "CA"),
    ("colo", "CO"),
    ("conn", "CT"),
    ("del", "DE"),
    ("washington dc", "DC"),
    ("d c", "DC"),
    ("fla", "FL"),
    ("ill", "IL"),
    ("ind", "IN"),
    ("kan", "KS"),
    ("kans", "KS"),
    ("mass", "MA"),
    ("mich", "MI"),
    ("minn", "MN"),
    ("miss", "MS"),
    ("mont", "MT"),
    ("neb", "NE"),
    ("nebr", "NE"),
    ("nev", "NV"),
    ("n h", "NH"),
    ("n j", "NJ"),
    ("n mex", "NM"),
    ("n m", "NM"),
    ("n y", "NY"),
    ("n c", "NC"),
    ("n car", "NC"),
    ("no carolina", "NC"),
    ("n carolina", "NC"),
    ("n d", "ND"),
    ("n dak", "ND"),
    ("n dakota", "ND"),
    ("okla", "OK"),
    ("ore", "OR"),
    ("oreg", "OR"),
    ("penn", "PA"),
    ("penna", "PA"),
    ("p r", "PR"),
    ("r i", "RI"),
    ("s c", "SC"),
    ("s car", "SC"),
    ("so carolina", "SC"),
    ("s carolina", "SC"),
    ("s d", "SD"),
    ("s dak", "SD"),
    ("s dakota", "SD"),
    ("tenn", "TN"),
    ("tex", "TX"),
    ("virg", "VA"),
    ("wash", "WA"),
    ("w va", "WV"),
    ("w virginia", "WV"),
    ("wis", "WI"),
    ("wisc", "WI"),
    ("wyo", "WY"),
];

/// A state as the registry knows it: the fifty, the District of Columbia, territories, freely
/// associated states and the three of military post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Two letters.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
}

impl State {
    /// All states, by code.
    pub fn all() -> &'static [Self] {
        &STATES
    }

    /// The state that a text means: its code, its name or an abbreviation that people use, in any
    /// case and with or without full stops.
    pub fn parse(text: &str) -> Option<Self> {
        let key = fold_ascii(text);
        let find = |code: &str| {
            let mut all = STATES.iter();
            all.find(|s| s.code.eq_ignore_ascii_case(code)).copied()
        };
        let by_name = || STATES.iter().find(|s| fold_ascii(s.name) == key).copied();
        let usual = || {
            let (_, code) = ABBREVIATED.iter().find(|(short, _)| *short == key)?;
            find(code)
        };
        find(&key).or_else(by_name).or_else(usual)
    }
}

/// The code of a state or of a province of Canada that a text means.
pub(crate) fn region_code(text: &str) -> Option<&'static str> {
    let province = || {
        CANADA
            .iter()
            .find(|code| code.eq_ignore_ascii_case(text.trim()))
    };
    match State::parse(text) {
        Some(state) => Some(state.code),
        None => province().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_as_people_write_it() {
        for (text, code) in [
            ("CA", "CA"),
            ("ca", "CA"),
            ("Calif.", "CA"),
            ("California", "CA"),
            ("N.Y.", "NY"),
            ("N. Carolina", "NC"),
            ("Washington, D.C.", "DC"),
            ("District of Columbia", "DC"),
            ("Puerto Rico", "PR"),
        ] {
            assert_eq!(State::parse(text).map(|s| s.code), Some(code), "{text}");
        }
        for text in ["", "ZZ", "C", "Fresno"] {
            assert_eq!(State::parse(text), None, "{text}");
        }
        assert_eq!(region_code("on"), Some("ON"));
    }

    #[test]
    fn each_abbreviation_is_of_a_state() {
        for (short, code) in ABBREVIATED {
            assert_eq!(fold_ascii(short), *short);
            assert_eq!(State::parse(short).map(|s| s.code), Some(*code), "{short}");
        }
    }
}
