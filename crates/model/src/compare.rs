//! When two spellings say the same.

use crate::{
    Address, Endpoint, Identifier, OtherName, PersonName, ProviderTaxonomy,
    change::{address_fields, person_fields},
};

/// Whether a text only says that there is nothing to say.
pub(crate) fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 6] = [
        "NA",
        "NONE",
        "NULL",
        "UNAVAIL",
        "NOTAPPLICABLE",
        "NOTAVAILABLE",
    ];
    let folded = folded(text);
    folded.is_empty() || WORDS.contains(&folded.as_str())
}

/// A name or a street without what says nothing: case, punctuation, blanks. Between two digits
/// something remains, because `12 3RD AVE` is not `123RD AVE`.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut parted = false;
    for c in text.chars() {
        if !c.is_alphanumeric() {
            parted = true;
            continue;
        }
        if parted && c.is_ascii_digit() && folded.ends_with(|last: char| last.is_ascii_digit()) {
            folded.push(' ');
        }
        parted = false;
        folded.extend(c.to_uppercase());
    }
    folded
}

/// What a name, a street or a free text says; nothing where it only says that there is nothing.
pub(crate) fn said(text: Option<&str>) -> String {
    let stated = text.filter(|text| !is_placeholder(text));
    stated.map(folded).unwrap_or_default()
}

/// What an identifying value says: there punctuation counts, but not case.
fn exactly(text: Option<&str>) -> String {
    let stated = text.filter(|text| !is_placeholder(text));
    stated
        .map(|text| text.trim().to_uppercase())
        .unwrap_or_default()
}

/// An entry of a list by what it says.
pub(crate) trait Says {
    /// Equal for two entries that say the same.
    fn key(&self) -> Vec<String>;

    /// As it is among so many of its kind.
    fn key_among(&self, _count: usize) -> Vec<String> {
        self.key()
    }
}

impl Says for Address {
    fn key(&self) -> Vec<String> {
        let of = |(name, value): (&str, Option<String>)| match name {
            "postal_code" | "country" | "phone" | "fax" => value.unwrap_or_default(),
            _ => said(value.as_deref()),
        };
        address_fields(Some(self)).into_iter().map(of).collect()
    }
}

impl Says for ProviderTaxonomy {
    fn key(&self) -> Vec<String> {
        vec![
            self.code.to_uppercase(),
            if self.primary { "primary" } else { "" }.to_owned(),
            exactly(self.license.as_deref()),
            exactly(self.state.as_deref()),
            said(self.group.as_deref()),
        ]
    }

    fn key_among(&self, count: usize) -> Vec<String> {
        let mut key = self.key();
        if count == 1 {
            // The only one is the primary one, whether the door marks it or not.
            key[1].clear();
        }
        key
    }
}

impl Says for Identifier {
    fn key(&self) -> Vec<String> {
        vec![
            self.identifier.trim().to_uppercase(),
            exactly(self.code.as_deref()),
            exactly(self.state.as_deref()),
            said(self.issuer.as_deref()),
        ]
    }
}

impl Says for PersonName {
    fn key(&self) -> Vec<String> {
        let parts = person_fields(self).into_iter();
        parts
            .map(|part| folded(part.as_deref().unwrap_or_default()))
            .collect()
    }
}

impl Says for OtherName {
    fn key(&self) -> Vec<String> {
        let mut key = vec![
            exactly(self.code.as_deref()),
            folded(self.organization.as_deref().unwrap_or_default()),
        ];
        key.extend(self.person.key());
        key
    }
}

impl Says for Endpoint {
    fn key(&self) -> Vec<String> {
        // What a code is called in words says nothing beside the code.
        let mut key = vec![
            exactly(self.kind.as_deref()),
            exactly(self.endpoint.as_deref()),
            said(self.description.as_deref()),
            exactly(self.use_code.as_deref()),
            said(self.use_other.as_deref()),
            exactly(self.content.as_deref()),
            said(self.content_other.as_deref()),
            said(self.affiliation_name.as_deref()),
        ];
        key.extend(self.address.key());
        key
    }
}

/// What the entries of a list say, in an order of its own and each once.
pub(crate) fn keys<T: Says>(items: &[T]) -> Vec<Vec<String>> {
    let mut keys: Vec<_> = items.iter().map(|i| i.key_among(items.len())).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Whether a list says all that another says.
pub(crate) fn says_all<T: Says>(items: &[T], of: &[T]) -> bool {
    let all = keys(items);
    let mut of = keys(of).into_iter();
    of.all(|key| all.binary_search(&key).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_case_and_blanks_alone_make_no_other_name_or_street() {
        for (one, other) in [
            ("ST. MARY", "St Mary"),
            ("ST.MARY", "ST. MARY"),
            ("O'BRIEN", "OBRIEN"),
            ("SMITH-JONES", "SMITH JONES"),
            ("P.O. BOX 12", "PO BOX 12"),
            ("M.D.", "MD"),
            ("12-34 41ST AVE", "12 34 41st Ave."),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        for (one, other) in [("12 3RD AVE", "123RD AVE"), ("SMITH", "SMYTH"), ("A", "Á")] {
            assert_ne!(folded(one), folded(other));
        }
    }

    #[test]
    fn what_says_that_there_is_nothing_is_a_placeholder() {
        for text in ["NA", "n/a", "N.A.", "<UNAVAIL>", "none", "-", ".", ""] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["NAN", "N", "0", "X", "NOONE"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
