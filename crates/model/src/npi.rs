use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A National Provider Identifier: ten digits, the first 1 or 2, the last a check digit.
///
/// The check digit is that of ISO/IEC 7812 (Luhn) over `80840` and the ten digits
/// (45 CFR 162.406 and the CMS text "Requirements for NPI check digit").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Npi(u32);

/// A text or number that is no NPI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNpi {
    /// Not ten digits, or the first is neither 1 nor 2.
    #[error("an NPI has ten digits, the first 1 or 2, and {0:?} has not")]
    Shape(String),
    /// Ten digits of which the last does not fit the others.
    #[error("{0} is no NPI: its check digit does not fit")]
    CheckDigit(String),
}

impl Npi {
    /// The NPI with this number.
    ///
    /// # Errors
    /// When the number has not the shape of an NPI or its check digit does not fit.
    pub fn new(number: u64) -> Result<Self, InvalidNpi> {
        let shaped = (1_000_000_000..3_000_000_000).contains(&number);
        let Some(value) = u32::try_from(number).ok().filter(|_| shaped) else {
            return Err(InvalidNpi::Shape(number.to_string()));
        };
        if value % 10 == check_digit(value / 10) {
            Ok(Self(value))
        } else {
            Err(InvalidNpi::CheckDigit(number.to_string()))
        }
    }

    /// The NPI whose first nine digits are these, with its check digit added.
    ///
    /// # Errors
    /// When the nine digits do not begin with 1 or 2.
    pub fn from_first_nine(nine: u32) -> Result<Self, InvalidNpi> {
        if !(100_000_000..300_000_000).contains(&nine) {
            return Err(InvalidNpi::Shape(nine.to_string()));
        }
        Ok(Self(nine * 10 + check_digit(nine)))
    }

    /// As a number, for a database key.
    pub fn as_i64(self) -> i64 {
        i64::from(self.0)
    }
}

/// The Luhn check digit of nine digits with the prefix 80840, whose own sum is 24.
fn check_digit(nine: u32) -> u32 {
    let mut rest = nine;
    let mut sum = 24;
    let mut double = true;
    while rest > 0 {
        let digit = rest % 10;
        sum += match (double, digit) {
            (false, d) => d,
            (true, d) if d > 4 => 2 * d - 9,
            (true, d) => 2 * d,
        };
        double = !double;
        rest /= 10;
    }
    (10 - sum % 10) % 10
}

impl FromStr for Npi {
    type Err = InvalidNpi;

    fn from_str(text: &str) -> Result<Self, InvalidNpi> {
        let text = text.trim();
        if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidNpi::Shape(text.chars().take(20).collect()));
        }
        let number = text
            .parse::<u64>()
            .map_err(|_| InvalidNpi::Shape(text.to_owned()))?;
        Self::new(number)
    }
}

impl TryFrom<String> for Npi {
    type Error = InvalidNpi;

    fn try_from(text: String) -> Result<Self, InvalidNpi> {
        text.parse()
    }
}

impl From<Npi> for String {
    fn from(npi: Npi) -> Self {
        npi.to_string()
    }
}

impl fmt::Display for Npi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0)
    }
}

impl fmt::Debug for Npi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Npi({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_cms_text_is_valid() {
        assert_eq!(
            "1234567893".parse::<Npi>().unwrap().to_string(),
            "1234567893"
        );
        assert_eq!(
            "1234567890".parse::<Npi>(),
            Err(InvalidNpi::CheckDigit("1234567890".into()))
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "",
            "123",
            "0234567893",
            "3234567893",
            "12345678930",
            "12345 7893",
            "１234567893",
        ] {
            assert!(
                matches!(text.parse::<Npi>(), Err(InvalidNpi::Shape(_))),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn exactly_one_check_digit_fits(nine in 100_000_000u32..300_000_000) {
            let fitting: Vec<u64> = (0..10)
                .map(|d| u64::from(nine) * 10 + d)
                .filter(|n| Npi::new(*n).is_ok())
                .collect();
            prop_assert_eq!(fitting, vec![u64::try_from(Npi::from_first_nine(nine).unwrap().as_i64()).unwrap()]);
        }

        #[test]
        fn text_and_value_are_one(nine in 100_000_000u32..300_000_000) {
            let npi = Npi::from_first_nine(nine).unwrap();
            prop_assert_eq!(npi.to_string().parse::<Npi>().unwrap(), npi);
        }
    }
}
