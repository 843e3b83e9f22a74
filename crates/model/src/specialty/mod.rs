mod words;

use serde::{Deserialize, Serialize};

use crate::Taxonomy;
use words::{EVERYDAY, NOT_IN_REGISTRY, PRESETS};

/// What a person picks: a name that stands for a set of NUCC codes and for the texts that the
/// registry is asked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specialty {
    /// Name.
    pub name: String,
    /// `taxonomy_description` of each query: a NUCC classification or specialization.
    pub texts: Vec<String>,
    /// The codes it stands for.
    pub codes: Vec<String>,
    /// Whether the texts find more than the codes, so that an answer must be sifted.
    pub sift: bool,
}

/// A name that no specialty has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a specialty of the registry; the nearest are {}", .nearest.join(", "))]
pub struct UnknownSpecialty {
    /// As it was given.
    pub name: String,
    /// The nearest specialties, at most three.
    pub nearest: Vec<String>,
    /// Whether people ask for it so often that canvass knows the registry has none: then the other
    /// specialties of a sync go on without it.
    pub expected: bool,
}

/// What became of a name.
pub type Resolution = Result<Specialty, UnknownSpecialty>;

/// A named choice of specialties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name.
    pub name: &'static str,
    /// Names of specialties.
    pub specialties: &'static [&'static str],
}

/// The NUCC Health Care Provider Taxonomy, with the ways in which people name its parts.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    taxonomies: Vec<Taxonomy>,
    /// Of each taxonomy its names.
    levels: Vec<Levels>,
    /// Every text that the registry can be asked with.
    texts: Vec<Text>,
}

#[derive(Clone, Debug)]
struct Text {
    name: String,
    folded: String,
    /// Whether a physician has it, which is whom people mostly mean.
    physician: bool,
}

/// The names of a taxonomy, folded: they are compared with all that is asked.
#[derive(Clone, Debug)]
struct Levels {
    section: String,
    grouping: String,
    classification: String,
    specialization: String,
    display_name: String,
    /// As the registry and canvass write it: classification and specialization.
    description: String,
}

impl Levels {
    fn of(t: &Taxonomy) -> Self {
        Self {
            section: fold_ascii(&t.section),
            grouping: fold_ascii(&t.grouping),
            classification: fold_ascii(&t.classification),
            specialization: fold_ascii(&t.specialization),
            display_name: fold_ascii(&t.display_name),
            description: fold_ascii(&t.description()),
        }
    }

    /// Whether a folded text is one of them.
    fn one_is(&self, folded: &str) -> bool {
        let levels = [
            &self.section,
            &self.grouping,
            &self.classification,
            &self.specialization,
            &self.display_name,
            &self.description,
        ];
        !folded.is_empty() && levels.into_iter().any(|level| level == folded)
    }
}

impl Catalogue {
    /// A catalogue of these taxonomies.
    pub fn new(mut taxonomies: Vec<Taxonomy>) -> Self {
        taxonomies.sort_by(|a, b| a.code.cmp(&b.code));
        taxonomies.dedup_by(|a, b| a.code == b.code);
        let mut texts: Vec<Text> = Vec::new();
        for t in &taxonomies {
            let physician = t.grouping.starts_with("Allopathic");
            for name in [&t.classification, &t.specialization] {
                if name.is_empty() {
                    continue;
                }
                match texts.iter_mut().find(|known| known.name == *name) {
                    Some(known) => known.physician |= physician,
                    None => texts.push(Text {
                        name: name.clone(),
                        folded: fold_ascii(name),
                        physician,
                    }),
                }
            }
        }
        texts.sort_by(|a, b| a.name.cmp(&b.name));
        let levels = taxonomies.iter().map(Levels::of).collect();
        Self {
            taxonomies,
            levels,
            texts,
        }
    }

    fn with_levels(&self) -> impl Iterator<Item = (&Taxonomy, &Levels)> {
        self.taxonomies.iter().zip(&self.levels)
    }

    /// All taxonomies, by code.
    pub fn taxonomies(&self) -> &[Taxonomy] {
        &self.taxonomies
    }

    /// The taxonomy with this code.
    pub fn get(&self, code: &str) -> Option<&Taxonomy> {
        let i = self
            .taxonomies
            .binary_search_by(|t| t.code.as_str().cmp(code))
            .ok()?;
        self.taxonomies.get(i)
    }

    /// What the registry calls a code, or the code itself where it is not known.
    pub fn describe(&self, code: &str) -> String {
        self.get(code)
            .map_or_else(|| code.to_owned(), Taxonomy::description)
    }

    /// Choices of specialties that people start from.
    pub fn presets() -> &'static [Preset] {
        PRESETS
    }

    /// Everyday words and the registry texts that each stands for.
    pub fn everyday() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        EVERYDAY.iter().copied()
    }

    /// The codes that the registry searches for a `taxonomy_description`: those whose
    /// classification or specialization is this text, or begins with it where it ends in `*`.
    pub fn codes_of_text(&self, text: &str) -> Vec<String> {
        let wanted = fold_ascii(text);
        let beginning = text.trim_end().ends_with('*');
        let fits = |name: &String| {
            if beginning {
                !name.is_empty() && name.starts_with(&wanted)
            } else {
                !wanted.is_empty() && *name == wanted
            }
        };
        self.with_levels()
            .filter(|(_, levels)| fits(&levels.classification) || fits(&levels.specialization))
            .map(|(t, _)| t.code.clone())
            .collect()
    }

    /// The specialty that a person means: by code, everyday word, NUCC name, or a part of a name
    /// that only one begins with.
    ///
    /// # Errors
    /// When nobody knows the name, with the three nearest.
    pub fn resolve(&self, name: &str) -> Resolution {
        let given = name.trim();
        if let Some(taxonomy) = self.get(&given.to_ascii_uppercase()) {
            return Ok(self.by_code(taxonomy));
        }
        let folded = fold_ascii(given);
        let unknown = |nearest, expected| UnknownSpecialty {
            name: given.to_owned(),
            nearest,
            expected,
        };
        if let Some((_, nearest)) = NOT_IN_REGISTRY.iter().find(|(n, _)| *n == folded) {
            return Err(unknown(
                nearest.iter().map(|&n| n.to_owned()).collect(),
                true,
            ));
        }
        for word in spellings(&folded) {
            if let Some((_, texts)) = EVERYDAY.iter().find(|(n, _)| fold_ascii(n) == word) {
                return Ok(self.by_texts(given, texts));
            }
            if let Some(text) = self.texts.iter().find(|t| t.folded == word) {
                return Ok(self.by_texts(&text.name, &[&text.name]));
            }
            let called = self
                .with_levels()
                .find(|(_, levels)| levels.display_name == word || levels.description == word);
            if let Some((t, _)) = called {
                return Ok(self.by_code(t));
            }
        }
        let ranked = self.ranked(&folded);
        if let [(best, text), rest @ ..] = ranked.as_slice()
            && rest.first().is_none_or(|(next, _)| best < next)
        {
            return Ok(self.by_texts(&text.name, &[&text.name]));
        }
        Err(unknown(self.nearest(&folded), false))
    }

    /// The codes of a part of the NUCC at any level: a code, the beginning of codes as in `207R`, or
    /// the name of a section, grouping, classification or specialization, or a display name.
    ///
    /// A code that the catalogue does not have stands for itself: the NUCC adds some twice a year.
    ///
    /// # Errors
    /// When no level has the name, with the three nearest of the registry's texts.
    pub fn codes_of_level(&self, text: &str) -> Result<Vec<String>, UnknownSpecialty> {
        let upper = text.trim().to_ascii_uppercase();
        let is_code = upper.bytes().all(|b| b.is_ascii_alphanumeric())
            && upper.bytes().any(|b| b.is_ascii_digit());
        if is_code && upper.len() == 10 {
            return Ok(vec![upper]);
        }
        let folded = fold_ascii(text);
        let codes: Vec<String> = self
            .with_levels()
            .filter(|(t, levels)| is_code && t.code.starts_with(&upper) || levels.one_is(&folded))
            .map(|(t, _)| t.code.clone())
            .collect();
        if codes.is_empty() {
            return Err(UnknownSpecialty {
                name: text.trim().to_owned(),
                nearest: self.nearest(&folded),
                expected: false,
            });
        }
        Ok(codes)
    }

    /// Specialties that a few typed letters may mean, the likeliest first.
    pub fn suggest(&self, typed: &str, limit: usize) -> Vec<String> {
        let folded = fold_ascii(typed);
        let mut found: Vec<String> = Vec::new();
        if let Ok(known) = self.resolve(typed) {
            found.extend(known.texts.iter().cloned());
        }
        found.extend(
            self.ranked(&folded)
                .into_iter()
                .map(|(_, t)| t.name.clone()),
        );
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|t| seen.insert(t.clone()));
        found.truncate(limit);
        found
    }

    fn by_code(&self, taxonomy: &Taxonomy) -> Specialty {
        let narrower = [&taxonomy.specialization, &taxonomy.classification]
            .into_iter()
            .filter(|t| !t.is_empty())
            .min_by_key(|t| self.codes_of_text(t).len());
        let text = narrower.map(String::as_str).unwrap_or_default();
        Specialty {
            name: format!("{} ({})", taxonomy.description(), taxonomy.code),
            texts: vec![text.to_owned()],
            codes: vec![taxonomy.code.clone()],
            sift: self.codes_of_text(text).len() > 1,
        }
    }

    fn by_texts(&self, name: &str, texts: &[&str]) -> Specialty {
        let known: Vec<String> = texts
            .iter()
            .filter(|t| self.texts.iter().any(|k| k.name == **t))
            .map(|&t| t.to_owned())
            .collect();
        let mut codes: Vec<String> = known.iter().flat_map(|t| self.codes_of_text(t)).collect();
        codes.sort();
        codes.dedup();
        // A text whose codes another text finds too would only ask the same again.
        let asked: Vec<String> = known
            .iter()
            .filter(|t| {
                let mine = self.codes_of_text(t);
                !known.iter().any(|o| {
                    let others = self.codes_of_text(o);
                    o != *t && others.len() > mine.len() && mine.iter().all(|c| others.contains(c))
                })
            })
            .cloned()
            .collect();
        Specialty {
            name: name.to_owned(),
            texts: asked,
            codes,
            sift: false,
        }
    }

    /// Texts in which each word of `folded` begins a word, the likeliest first: those that begin
    /// with it before others, physicians before others, short before long.
    fn ranked(&self, folded: &str) -> Vec<((bool, bool), &Text)> {
        if folded.len() < 3 {
            return Vec::new();
        }
        let mut ranked: Vec<_> = self
            .texts
            .iter()
            .filter(|t| {
                folded
                    .split(' ')
                    .all(|word| t.folded.split(' ').any(|w| w.starts_with(word)))
            })
            .map(|t| ((!t.folded.starts_with(folded), !t.physician), t))
            .collect();
        ranked.sort_by_key(|(rank, t)| (*rank, t.name.len()));
        ranked
    }

    /// The three texts most like a name, by shared pairs of letters (Sørensen-Dice), those that
    /// hold its words first.
    fn nearest(&self, folded: &str) -> Vec<String> {
        let mut nearest: Vec<String> = self
            .ranked(folded)
            .into_iter()
            .take(3)
            .map(|(_, t)| t.name.clone())
            .collect();
        let wanted = pairs_of(folded);
        let mut rest: Vec<(usize, bool, &Text)> = self
            .texts
            .iter()
            .map(|t| {
                let has = pairs_of(&t.folded);
                let shared = wanted.iter().filter(|p| has.contains(p)).count();
                // Scaled to whole numbers, so that the order is total.
                let score = 2_000 * shared / (wanted.len() + has.len()).max(1);
                (score, t.physician, t)
            })
            .collect();
        rest.sort_by(|a, b| {
            b.0.cmp(&a.0)
                .then(b.1.cmp(&a.1))
                .then(a.2.name.cmp(&b.2.name))
        });
        for (_, _, text) in rest {
            if nearest.len() >= 3 {
                break;
            }
            if !nearest.contains(&text.name) {
                nearest.push(text.name.clone());
            }
        }
        nearest
    }
}

/// Lower-case letters and digits of a text, its words parted by one space each. Letters outside
/// ASCII are dropped: the NUCC has none.
pub fn fold_ascii(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '.' | '’' => {}
            c if c.is_ascii_alphanumeric() => folded.push(c.to_ascii_lowercase()),
            c if c.is_ascii() && !folded.is_empty() && !folded.ends_with(' ') => folded.push(' '),
            _ => {}
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The folded name, and what it may be another spelling of: a plural, a person for a field.
fn spellings(folded: &str) -> Vec<String> {
    let mut all = vec![folded.to_owned()];
    if let Some(singular) = folded.strip_suffix('s') {
        all.push(singular.to_owned());
    }
    for (person, field) in [
        ("ologist", "ology"),
        ("iatrist", "iatry"),
        ("surgeon", "surgery"),
        ("ician", "ics"),
    ] {
        let fields: Vec<String> = all
            .iter()
            .filter_map(|s| Some(format!("{}{field}", s.strip_suffix(person)?)))
            .collect();
        all.extend(fields);
    }
    all
}

fn pairs_of(text: &str) -> Vec<&[u8]> {
    text.as_bytes()
        .windows(2)
        .filter(|p| !p.contains(&b' '))
        .collect()
}

#[cfg(test)]
mod tests;
