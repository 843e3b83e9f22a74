//! Taxonomies of a provider, drawn from a catalogue by how common they are.

use std::collections::HashMap;

use canvass_model::{Catalogue, ProviderTaxonomy};

use super::{
    draw::{Draw, Weighted},
    professions::{ORGANIZATIONS, PEOPLE, Profession, profession},
};

/// Place of a code in [`Work`].
pub(super) type CodeIndex = u16;

/// One code that providers are given.
struct Code {
    nucc: String,
    profession: &'static Profession,
    /// Whether it stands for people.
    people: bool,
    /// Others of its classification.
    related: Vec<CodeIndex>,
    /// What a business of it calls itself.
    trades: Vec<&'static str>,
}

/// All codes of a catalogue with their frequencies.
pub(super) struct Work {
    codes: Vec<Code>,
    people: Weighted<CodeIndex>,
    organizations: Weighted<CodeIndex>,
}

const ANY_TRADE: &[&str] = &[
    "HEALTH SERVICES",
    "CARE CENTER",
    "HEALTHCARE",
    "MEDICAL SERVICES",
];

impl Work {
    /// The codes of the catalogue. Common ones that it lacks are left out, unless it has no code
    /// at all: then they are used as they are.
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut codes = codes_of(catalogue);
        if codes.is_empty() {
            codes = common_codes();
        }
        let at: HashMap<String, CodeIndex> = (0..)
            .zip(&codes)
            .map(|(i, c): (CodeIndex, &Code)| (c.nucc.clone(), i))
            .collect();
        for (code, _, trades) in ORGANIZATIONS {
            if let Some(code) = at.get(*code).and_then(|&i| codes.get_mut(usize::from(i))) {
                code.trades = trades.split('|').collect();
            }
        }
        let mut people: Vec<(CodeIndex, u32)> = PEOPLE
            .iter()
            .filter_map(|(code, weight)| Some((*at.get(*code)?, weight * 100)))
            .collect();
        let mut organizations: Vec<(CodeIndex, u32)> = ORGANIZATIONS
            .iter()
            .filter_map(|(code, weight, _)| Some((*at.get(*code)?, weight * 100)))
            .collect();
        // Every other code is rare, but there: a few in a hundred altogether.
        for (i, code) in (0..).zip(&codes) {
            if code.people {
                people.push((i, 4));
            } else {
                organizations.push((i, 12));
            }
        }
        Self {
            codes,
            people: Weighted::new(people),
            organizations: Weighted::new(organizations),
        }
    }

    /// What a person does.
    pub(super) fn of_person(&self, draw: &mut Draw) -> CodeIndex {
        self.pick(draw, true)
    }

    /// What an organization does.
    pub(super) fn of_organization(&self, draw: &mut Draw) -> CodeIndex {
        self.pick(draw, false)
    }

    pub(super) fn profession(&self, code: CodeIndex) -> &'static Profession {
        self.codes[usize::from(code)].profession
    }

    /// Whether an organization of this code is a practice of people.
    pub(super) fn is_people(&self, code: CodeIndex) -> bool {
        self.codes[usize::from(code)].people
    }

    /// What a business of this code calls itself.
    pub(super) fn trade(&self, draw: &mut Draw, code: CodeIndex) -> &'static str {
        let trades = &self.codes[usize::from(code)].trades;
        draw.one_of(if trades.is_empty() { ANY_TRADE } else { trades })
    }

    /// The taxonomies of a provider: one for most, several for some, fifteen for a few.
    ///
    /// `states` are those whose licences it can have, its own first.
    pub(super) fn taxonomies(
        &self,
        draw: &mut Draw,
        main: CodeIndex,
        person: bool,
        states: [&'static str; 2],
    ) -> Vec<ProviderTaxonomy> {
        let count = match draw.below(10_000) {
            0..8000 => 1,
            8000..9200 => 2,
            9200..9650 => 3,
            9650..9850 => 4,
            9850..9965 => 5 + draw.index(4),
            9965..9990 => 9 + draw.index(6),
            _ => 15,
        };
        let group = (!person && self.is_people(main))
            .then(|| group(draw))
            .flatten();
        let mut chosen = Vec::with_capacity(count);
        chosen.push((main, states[0]));
        // A draw can repeat what is there; the limit keeps a catalogue of few codes from looping.
        for _ in 0..count * 12 {
            if chosen.len() == count {
                break;
            }
            let next = self.further(draw, main, person, states);
            if !chosen.contains(&next) {
                chosen.push(next);
            }
        }
        let primary = if chosen.len() > 1 && draw.permille(200) {
            draw.index(chosen.len())
        } else {
            0
        };
        let mut taxonomies: Vec<ProviderTaxonomy> = Vec::with_capacity(chosen.len());
        for (i, (code, state)) in chosen.into_iter().enumerate() {
            let known = &self.codes[usize::from(code)];
            // A code stands twice only for the licence of another state.
            let again = taxonomies.iter().any(|t| t.code == known.nucc);
            let often = if known.profession.licensed && person {
                930
            } else {
                300
            };
            let license = (again || draw.permille(often)).then(|| license(draw, state));
            taxonomies.push(ProviderTaxonomy {
                code: known.nucc.clone(),
                primary: i == primary,
                state: license.is_some().then(|| state.to_owned()),
                license,
                group: group.map(str::to_owned),
            });
        }
        taxonomies
    }

    fn pick(&self, draw: &mut Draw, person: bool) -> CodeIndex {
        // A catalogue can have codes of one kind only.
        let (wanted, other) = if person {
            (&self.people, &self.organizations)
        } else {
            (&self.organizations, &self.people)
        };
        if wanted.is_empty() { other } else { wanted }.pick(draw)
    }

    fn further(
        &self,
        draw: &mut Draw,
        main: CodeIndex,
        person: bool,
        states: [&'static str; 2],
    ) -> (CodeIndex, &'static str) {
        let state = states[usize::from(draw.permille(250))];
        let related = &self.codes[usize::from(main)].related;
        let code = match draw.below(100) {
            0..25 => main,
            25..80 if !related.is_empty() => draw.one_of(related),
            _ => self.pick(draw, person),
        };
        (code, state)
    }
}

fn codes_of(catalogue: &Catalogue) -> Vec<Code> {
    let mut classes: HashMap<(&str, bool), Vec<CodeIndex>> = HashMap::new();
    let usable = || {
        let taxonomies = catalogue.taxonomies().iter();
        // The two group codes label other taxonomies; nobody has them as their own.
        (0..).zip(taxonomies.filter(|t| t.grouping != "Group"))
    };
    let people = |section: &str| section == "Individual";
    for (i, t) in usable() {
        let class = (t.classification.as_str(), people(&t.section));
        classes.entry(class).or_default().push(i);
    }
    usable()
        .map(|(i, t)| Code {
            nucc: t.code.clone(),
            profession: profession(&t.code),
            people: people(&t.section),
            related: classes[&(t.classification.as_str(), people(&t.section))]
                .iter()
                .copied()
                .filter(|other| *other != i)
                .collect(),
            trades: Vec::new(),
        })
        .collect()
}

fn common_codes() -> Vec<Code> {
    let people = PEOPLE.iter().map(|(code, _)| (*code, true));
    let organizations = ORGANIZATIONS
        .iter()
        .map(|(code, ..)| (*code, false))
        .filter(|(code, _)| !PEOPLE.iter().any(|(p, _)| p == code));
    people
        .chain(organizations)
        .map(|(code, people)| Code {
            nucc: code.to_owned(),
            profession: profession(code),
            people,
            related: Vec::new(),
            trades: Vec::new(),
        })
        .collect()
}

fn group(draw: &mut Draw) -> Option<&'static str> {
    match draw.below(10) {
        0..6 => Some("193400000X SINGLE SPECIALTY GROUP"),
        6..8 => Some("193200000X MULTI-SPECIALTY GROUP"),
        _ => None,
    }
}

/// A licence number, in the form that is usual in its state.
fn license(draw: &mut Draw, state: &str) -> String {
    let mut text = String::with_capacity(12);
    let form = state
        .bytes()
        .fold(0, |sum: u8, b| sum.wrapping_mul(7).wrapping_add(b))
        % 5;
    match form {
        0 => text.push(char::from(draw.one_of(b"ACGE"))),
        1 => {
            text.push_str(state);
            text.push('-');
        }
        2 => text.push_str(draw.one_of(&["MD", "ME", "OS", "L"])),
        _ => {}
    }
    text.push(char::from(draw.one_of(b"123456789")));
    let digits = 4 + draw.index(4);
    draw.digits(&mut text, digits);
    if form == 4 {
        text.push_str("-01");
    }
    text
}
