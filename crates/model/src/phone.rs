use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone or fax number as the registry knows it: its digits, and what follows them.
///
/// Ten digits are a number of the North American Numbering Plan. The registry also holds shorter
/// and longer ones; they are kept, and [`Phone::is_dialable`] tells them apart. Where more stands
/// in the field than one number, an extension (`5595550106x12`) or a second number
/// (`5595550131/5595550132`) is kept behind the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

/// Digits of a number of the North American Numbering Plan.
const NATIONAL: usize = 10;
/// Most digits of an extension that follows a number without a sign between them.
const MAX_BARE_EXTENSION: usize = 5;
/// Most digits of any extension.
const MAX_EXTENSION: usize = 8;

impl Phone {
    /// The number in a text; none when it has no digit. A leading country code 1 before ten digits
    /// is dropped. An extension stands behind `x`, `ext` or `#`, or directly behind the ten digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, rest) = parted(text);
        let digits = national(digits_of(number));
        if digits.is_empty() {
            let all = digits_of(text);
            return (!all.is_empty()).then(|| Self(national(all)));
        }
        let more = digits_of(rest);
        if !is_national(&digits) {
            // Nothing can be told of an odd number but its digits.
            return match bare(&digits).filter(|_| more.is_empty()) {
                Some(phone) => Some(phone),
                None => Some(Self(digits + &more)),
            };
        }
        let second = national(more.clone());
        Some(Self(if is_national(&second) {
            format!("{digits}/{second}")
        } else if (1..=MAX_EXTENSION).contains(&more.len()) {
            format!("{digits}x{more}")
        } else {
            digits
        }))
    }

    /// The digits of the number, without what follows it.
    pub fn digits(&self) -> &str {
        self.0.split(['x', '/']).next().unwrap_or_default()
    }

    /// The digits of the extension.
    pub fn extension(&self) -> Option<&str> {
        self.0.split_once('x').map(|(_, extension)| extension)
    }

    /// The number that stands in the field behind the first one.
    pub fn second(&self) -> Option<Self> {
        let (_, second) = self.0.split_once('/')?;
        Some(Self(second.to_owned()))
    }

    /// Whole, as it is stored: what [`Phone::parse`] reads.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a link that dials the number, and then the extension (RFC 3966).
    pub fn uri(&self) -> String {
        let extension = self.extension().map(|digits| format!(";ext={digits}"));
        format!("tel:+1{}{}", self.digits(), extension.unwrap_or_default())
    }

    /// Whether this is a number of the North American Numbering Plan: area code and exchange begin
    /// with 2 to 9 (NANPA, "NXX-NXX-XXXX"), and not ten times the same digit, which stands where
    /// somebody had to write something.
    pub fn is_dialable(&self) -> bool {
        is_national(self.digits())
    }
}

/// A text before and behind the sign that ends its first number.
fn parted(text: &str) -> (&str, &str) {
    let mut digits = 0;
    for (at, c) in text.char_indices() {
        digits += usize::from(c.is_ascii_digit());
        let ends = c.is_alphabetic() || "#/;,&".contains(c);
        if ends && digits >= 7 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// A number of ten digits with an extension, or another number, directly behind it.
fn bare(digits: &str) -> Option<Phone> {
    let (number, rest) = digits.split_at_checked(NATIONAL)?;
    if !is_national(number) {
        return None;
    }
    if is_national(rest) {
        return Some(Phone(format!("{number}/{rest}")));
    }
    (1..=MAX_BARE_EXTENSION)
        .contains(&rest.len())
        .then(|| Phone(format!("{number}x{rest}")))
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn national(digits: String) -> String {
    match digits.strip_prefix('1') {
        Some(national) if national.len() == NATIONAL => national.to_owned(),
        _ => digits,
    }
}

fn is_national(digits: &str) -> bool {
    let b = digits.as_bytes();
    b.len() == NATIONAL && b[0] >= b'2' && b[3] >= b'2' && b.iter().any(|digit| *digit != b[0])
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        if digits.len() == NATIONAL {
            write!(f, "{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..])?;
        } else {
            f.write_str(digits)?;
        }
        if let Some(extension) = self.extension() {
            write!(f, " x{extension}")?;
        }
        if let Some(second) = self.second() {
            write!(f, " / {second}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        Phone::parse(text).unwrap().to_string()
    }

    #[test]
    fn every_spelling_is_one_number() {
        for text in [
            "410-532-5258",
            "4105325258",
            "(410) 532-5258",
            "+1 410 532 5258",
            "1.410.532.5258",
            "Tel: 410-532-5258",
        ] {
            assert_eq!(shown(text), "410-532-5258", "{text}");
        }
    }

    #[test]
    fn an_extension_stands_apart() {
        for text in [
            "5595550106X12",
            "(559) 555-0106 ext. 12",
            "559-555-0106 x 12",
            "1-559-555-0106 extension 12",
            "559.555.0106 #12",
            "559-555-0106, 12",
            "559555010612",
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.digits(), "5595550106", "{text}");
            assert_eq!(phone.extension(), Some("12"), "{text}");
            assert!(phone.is_dialable());
            assert_eq!(phone.to_string(), "559-555-0106 x12");
        }
        let phone = Phone::parse("5595550106x12").unwrap();
        assert_eq!(phone.uri(), "tel:+15595550106;ext=12");
        assert_eq!(shown("55955501271234"), "559-555-0127 x1234");
        assert_eq!(shown("559-555-0106 ext"), "559-555-0106");
    }

    #[test]
    fn of_two_numbers_both_are_kept() {
        for text in [
            "5595550131/5595550132",
            "559-555-0131 or 559-555-0132",
            "55955501315595550132",
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.digits(), "5595550131", "{text}");
            assert_eq!(phone.second().unwrap().digits(), "5595550132", "{text}");
            assert_eq!(phone.to_string(), "559-555-0131 / 559-555-0132");
        }
    }

    #[test]
    fn odd_numbers_are_kept_but_not_dialed() {
        let odd = Phone::parse("01144207946").unwrap();
        assert_eq!(odd.digits(), "01144207946");
        for dead in [
            "01144207946",
            "0005550142",
            "0000000000",
            "1111111111",
            "9999999999",
            "0",
            "5550128",
            "559-055-0142",
        ] {
            assert!(!Phone::parse(dead).unwrap().is_dialable(), "{dead}");
        }
        assert_eq!(Phone::parse(" - "), None);
        assert_eq!(Phone::parse("none"), None);
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_again(text in "[0-9x/ #ext.()-]{0,30}") {
            if let Some(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Some(phone.clone()));
                prop_assert!(phone.digits().bytes().all(|b| b.is_ascii_digit()));
                prop_assert!(!phone.digits().is_empty());
            }
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,30}") {
            let _ = Phone::parse(&text);
        }
    }
}
