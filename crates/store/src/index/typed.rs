//! What people type into the one field for text: a name with what stands around it, a telephone
//! number, an NPI.

use std::sync::Arc;

use canvass_model::{Npi, Phone};

use super::{
    question::{Question, word},
    segment::Fit,
    terms::{kind, term},
};
use crate::fold::fold;

/// What people are addressed by: nobody is called so, and few records say it.
const COURTESY: &[&str] = &["dr", "mr", "mrs", "ms", "miss", "prof", "rev"];

/// What stands behind a name, by the generation.
const GENERATIONS: &[&str] = &["jr", "sr", "ii", "iii", "iv", "2nd", "3rd", "4th"];

/// Letters of degrees and licenses that people write behind a name, as [`fold`] makes them.
const LETTERS: &[&str] = &[
    "md", "do", "dds", "dmd", "dpm", "dc", "od", "nd", "dvm", "phd", "psyd", "edd", "scd", "dsc",
    "dnp", "rn", "lpn", "lvn", "np", "fnp", "fnpc", "fnpbc", "anp", "agnp", "pnp", "pmhnp", "whnp",
    "acnp", "aprn", "arnp", "crnp", "crna", "cnm", "cns", "msn", "bsn", "pa", "pac", "pt", "dpt",
    "mpt", "pta", "ot", "otd", "otr", "otrl", "cota", "slp", "ccc", "cccslp", "aud", "lcsw",
    "lmsw", "licsw", "lisw", "lsw", "msw", "csw", "lpc", "lpcc", "lcpc", "lmhc", "lmft", "mft",
    "lac", "ladc", "cadc", "bcba", "bcaba", "rbt", "rd", "rdn", "ldn", "cdn", "rph", "pharmd",
    "atc", "lmt", "rrt", "mph", "mba", "mha", "jd", "ms", "ma", "mph", "med", "facs", "facp",
    "faap", "facc", "facog", "faafp", "mbbs", "mbchb",
];

/// Most words of a text that are also looked for written together.
const MAX_JOINED: usize = 5;
/// The shortest word that may be two of a name, written together.
const MIN_TOGETHER: usize = 4;

/// A text as people type it, in its parts.
struct Typed {
    /// What names are made of.
    words: Vec<String>,
    /// Generations and letters of degrees.
    behind: Vec<String>,
}

impl Typed {
    fn read(q: &str) -> Self {
        let folded = fold(q);
        let mut words: Vec<String> = Vec::new();
        let mut behind = Vec::new();
        for part in letters_together(&folded) {
            if words.is_empty() || !is_behind(&part) {
                words.push(part);
            } else {
                behind.push(part);
            }
        }
        // "and" is "&", which names are folded without. Where nothing else was typed, it is meant.
        let is_name = |word: &String| word != "and" && !COURTESY.contains(&word.as_str());
        if words.iter().any(is_name) {
            words.retain(is_name);
        }
        Self { words, behind }
    }

    /// The words without initials, which few records have, where others are enough.
    fn without_initials(&self) -> Option<Vec<String>> {
        let longer = self.words.iter().filter(|w| w.chars().count() > 1);
        let longer: Vec<String> = longer.cloned().collect();
        (longer.len() >= 2 && longer.len() < self.words.len()).then_some(longer)
    }
}

fn is_behind(word: &str) -> bool {
    GENERATIONS.contains(&word) || LETTERS.contains(&word)
}

/// The words of a folded text; single letters that are together those of a degree are one word:
/// `m d`.
fn letters_together(folded: &str) -> Vec<String> {
    let words: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty()).collect();
    let mut parts = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let [first, ..] = rest {
        let singles = rest.iter().take_while(|w| w.chars().count() == 1).count();
        let together = (2..=singles.min(4)).rev().find_map(|n| {
            let joined = rest[..n].concat();
            is_behind(&joined).then_some((joined, n))
        });
        let (part, taken) = together.unwrap_or_else(|| ((*first).to_owned(), 1));
        parts.push(part);
        rest = &rest[taken..];
    }
    parts
}

/// Those whose names have words that begin so, or the number.
pub(crate) fn text(q: &str) -> Question {
    let typed = Typed::read(q);
    let mut any = Vec::new();
    if !typed.words.is_empty() {
        any.extend(called(&typed.words, &typed.behind));
        if let Some(words) = typed.without_initials() {
            any.extend(called(&words, &typed.behind));
        }
    }
    if let Some(phone) = phone(q) {
        any.push(Question::whole(term(kind::PHONE, phone.digits())));
        any.push(Question::whole(term(kind::OTHER_PHONE, phone.digits())));
    }
    any.extend(Npi::from_cell(q).ok().map(Question::Number));
    Question::Any(any)
}

/// Who is called so, each way of writing neighbors together.
fn called(words: &[String], behind: &[String]) -> Vec<Question> {
    let after = behind.iter().map(|part| {
        let kinds = [kind::NAME, kind::CREDENTIAL, kind::GENERATION];
        let of = kinds
            .into_iter()
            .map(|kind| Question::whole(term(kind, part)));
        Question::Any(of.collect())
    });
    let after: Vec<Question> = after.collect();
    let mut ways = Vec::new();
    joined(words, &mut Vec::new(), &mut ways);
    for way in &mut ways {
        way.extend(after.iter().cloned());
    }
    ways.into_iter().map(Question::All).collect()
}

/// All ways to read words as they are and as two or three of them written together: who types
/// `garcia lopez` may mean GARCIALOPEZ.
fn joined(words: &[String], before: &mut Vec<Question>, ways: &mut Vec<Vec<Question>>) {
    let Some((first, rest)) = words.split_first() else {
        // What is written together comes first: mostly nobody has it, and nothing else is looked at.
        let mut way = before.clone();
        way.sort_by_key(|part| matches!(part, Question::Any(_)));
        ways.push(way);
        return;
    };
    before.push(one_name(first));
    joined(rest, before, ways);
    before.pop();
    if words.len() > MAX_JOINED || ways.len() > 16 {
        return;
    }
    for n in 2..=words.len().min(3) {
        before.push(Question::whole(term(kind::NAME, &words[..n].concat())));
        joined(&words[n..], before, ways);
        before.pop();
    }
}

/// A word of a name, or two of it written together.
fn one_name(name: &str) -> Question {
    let mut any = vec![word(kind::NAME, name)];
    if name.chars().count() >= MIN_TOGETHER {
        any.push(Question::beginning(term(kind::TOGETHER, name)));
    }
    Question::Any(any)
}

/// Whose names have each word whole, and of these, whether one is a word by which they are filed.
pub(crate) fn text_whole(q: &str) -> (Question, Question) {
    let words = Typed::read(q).words;
    let whole = |kind| {
        let terms = words.iter().map(|w| term(kind, w));
        terms.map(Question::whole).collect()
    };
    (
        Question::All(whole(kind::NAME)),
        Question::Any(whole(kind::HEAD)),
    )
}

/// As [`text`], with one mistake forgiven in each word of four letters or more, whatever is typed
/// behind the name.
pub(crate) fn forgiving(q: &str) -> Question {
    let typed = Typed::read(q);
    let words = typed.without_initials().unwrap_or(typed.words);
    let words = words.iter().map(|w| {
        if w.chars().count() < FORGIVEN {
            return word(kind::NAME, w);
        }
        let mut near: Vec<Vec<u8>> = mistaken(w).iter().map(|w| term(kind::NAME, w)).collect();
        near.sort_unstable();
        near.dedup();
        Question::Among(Arc::new(near), Fit::Whole)
    });
    let words: Vec<Question> = words.collect();
    if words.is_empty() {
        return Question::nothing();
    }
    Question::All(words)
}

/// The shortest word in which a mistake is forgiven.
const FORGIVEN: usize = 4;

/// All words that a word is with one letter left out, doubled up, put in, mistaken, or exchanged
/// with its neighbour.
fn mistaken(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().take(40).collect();
    let alphabet = || ('a'..='z').chain('0'..='9');
    let with = |from: usize, to: usize, middle: &[char]| {
        letters[..from]
            .iter()
            .chain(middle)
            .chain(&letters[to..])
            .collect::<String>()
    };
    let mut all = Vec::with_capacity(letters.len() * 74);
    all.push(word.to_owned());
    for i in 0..=letters.len() {
        all.extend(alphabet().map(|c| with(i, i, &[c])));
        if i < letters.len() {
            all.push(with(i, i + 1, &[]));
            all.extend(alphabet().map(|c| with(i, i + 1, &[c])));
        }
        if i + 1 < letters.len() {
            all.push(with(i, i + 2, &[letters[i + 1], letters[i]]));
        }
    }
    all
}

/// A text that is a telephone number of ten digits, with or without an extension.
fn phone(q: &str) -> Option<Phone> {
    let lower = q.to_lowercase();
    let mut rest = lower.as_str();
    for word in ["telephone", "phone", "tel", "call"] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let extension = ["extension", "ext", "x"];
    let (number, more) = extension
        .iter()
        .find_map(|word| rest.split_once(word))
        .unwrap_or((rest, ""));
    let fits = |text: &str| {
        let other = |c: char| !(c.is_ascii_digit() || " +()-./#:,\u{a0}".contains(c));
        !text.contains(other)
    };
    let phone = Phone::parse(&lower).filter(|p| p.digits().len() == 10)?;
    (fits(number) && fits(more)).then_some(phone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(q: &str) -> (String, String) {
        let typed = Typed::read(q);
        (typed.words.join(" "), typed.behind.join(" "))
    }

    #[test]
    fn what_stands_around_a_name_is_no_part_of_it() {
        for (q, name, behind) in [
            ("John Smith", "john smith", ""),
            ("Dr. John Smith", "john smith", ""),
            ("John Smith MD", "john smith", "md"),
            ("John Smith, M.D.", "john smith", "md"),
            ("John Smith M. D.", "john smith", "md"),
            ("smith jr", "smith", "jr"),
            ("SMITH, JOHN A., M.D., Ph.D.", "smith john a", "md phd"),
            ("harbor and bay", "harbor bay", ""),
            ("Dr.", "dr", ""),
            ("do", "do", ""),
            ("and", "and", ""),
        ] {
            assert_eq!(read(q), (name.to_owned(), behind.to_owned()), "{q}");
        }
    }

    #[test]
    fn a_telephone_number_is_known_with_its_extension() {
        for q in [
            "559-555-0106",
            "(559) 555 0106",
            "+1 559 555 0106",
            "559-555-0106 x12",
            "559-555-0106 ext. 5",
            "Tel: 559.555.0106",
        ] {
            assert_eq!(phone(q).unwrap().digits(), "5595550106", "{q}");
        }
        assert_eq!(phone("Smith 559-555-0106"), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(q in "\\PC{0,60}") {
            let _ = (text(&q), text_whole(&q), forgiving(&q));
        }
    }
}
