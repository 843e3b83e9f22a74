use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone or fax number as the registry knows it: digits only.
///
/// Ten digits are a number of the North American Numbering Plan. The registry also holds shorter
/// and longer ones; they are kept, and [`Phone::is_dialable`] tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// The digits of a text; none when it has no digit. A leading country code 1 before ten
    /// digits is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        match (digits.len(), digits.strip_prefix('1')) {
            (0, _) => None,
            (11, Some(national)) => Some(Self(national.to_owned())),
            _ => Some(Self(digits)),
        }
    }

    /// The digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether this is a number of the North American Numbering Plan: area code and exchange begin
    /// with 2 to 9 (NANPA, "NXX-NXX-XXXX").
    pub fn is_dialable(&self) -> bool {
        let b = self.0.as_bytes();
        b.len() == 10 && b[0] >= b'2' && b[3] >= b'2'
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 10 {
            write!(f, "{}-{}-{}", &self.0[..3], &self.0[3..6], &self.0[6..])
        } else {
            f.write_str(&self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_one_number() {
        for text in [
            "410-532-5258",
            "4105325258",
            "(410) 532-5258",
            "+1 410 532 5258",
        ] {
            assert_eq!(
                Phone::parse(text).unwrap().to_string(),
                "410-532-5258",
                "{text}"
            );
        }
    }

    #[test]
    fn odd_numbers_are_kept_but_not_dialled() {
        let odd = Phone::parse("01144207946").unwrap();
        assert_eq!(odd.digits(), "01144207946");
        assert!(!odd.is_dialable());
        assert!(!Phone::parse("0005550142").unwrap().is_dialable());
        assert_eq!(Phone::parse(" - "), None);
    }
}
