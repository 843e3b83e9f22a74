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

/// A cell or a pasted text that holds no whole NPI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// A number like `1.9E+09`, which no longer has all ten digits.
    #[error(
        "{0:?} is no whole NPI: a spreadsheet has cut digits off; format the column as text and \
         enter the NPI again"
    )]
    Cut(String),
    /// No NPI in any spelling.
    #[error(transparent)]
    Invalid(#[from] InvalidNpi),
}

impl Npi {
    /// The NPI that a person wrote or a spreadsheet saved: with blanks, hyphens, separators of
    /// thousands or letters that can't be seen, as a number (`1234567893.0`, `1.234567893E+09`), as a
    /// text that was kept from being a number (`'1234567893`, `="1234567893"`), or after the word
    /// NPI. Only a cell that has all ten digits is taken: none is guessed.
    ///
    /// # Errors
    /// When it holds no NPI, or one that a spreadsheet has cut.
    pub fn from_cell(cell: &str) -> Result<Self, CellError> {
        let shown = || cell.trim().chars().take(20).collect::<String>();
        let plain: String = cell.chars().filter_map(plain).collect();
        let text = without_word(unquoted(&plain));
        let digits = match whole_number(text) {
            Some(digits) => digits,
            None => scientific(text).map_err(|is_cut| {
                if is_cut {
                    CellError::Cut(shown())
                } else {
                    InvalidNpi::Shape(shown()).into()
                }
            })?,
        };
        digits.parse().map_err(|error| match error {
            InvalidNpi::Shape(_) => InvalidNpi::Shape(shown()).into(),
            other @ InvalidNpi::CheckDigit(_) => other.into(),
        })
    }

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

/// A letter as a keyboard without full-width letters and special hyphens would write it; none for
/// blanks and what can't be seen.
fn plain(letter: char) -> Option<char> {
    match letter {
        '\u{ad}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' => Some('-'),
        '\u{2018}' | '\u{2019}' | '\u{2032}' | '`' | '\u{b4}' => Some('\''),
        '\u{201c}' | '\u{201d}' => Some('"'),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0),
        _ if letter.is_whitespace() || letter.is_control() => None,
        _ => Some(letter),
    }
}

/// Without what keeps a spreadsheet from taking a text for a number.
fn unquoted(text: &str) -> &str {
    let text = text.trim_start_matches('\'');
    let text = text.strip_prefix('=').unwrap_or(text);
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    let text = inner('"').or_else(|| inner('\'')).unwrap_or(text);
    text.trim_matches('\'')
}

/// Without the word NPI before the number.
fn without_word(text: &str) -> &str {
    let word = |text: &'_ str, word: &str| {
        let head = text.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then_some(word.len())
    };
    let Some(length) = word(text, "npi") else {
        return text;
    };
    let rest = &text[length..];
    let of_number = ["number", "no", "id"].iter().find_map(|w| word(rest, w));
    rest[of_number.unwrap_or(0)..].trim_start_matches(['#', ':', '.', '=', '-'])
}

/// The digits of a number without exponent: `190-000-0013`, `1,900,000,013`, `1900000013.00`.
fn whole_number(text: &str) -> Option<String> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if text.contains('-') {
        return text
            .split('-')
            .all(is_digits)
            .then(|| text.replace('-', ""));
    }
    for thousands in [',', '.'] {
        let (number, decimals) = match thousands {
            ',' => text.split_once('.').unwrap_or((text, "")),
            _ => text.split_once(',').unwrap_or((text, "")),
        };
        let mut groups = number.split(thousands);
        let first = groups.next().filter(|first| is_digits(first))?;
        let whole_decimals = decimals.bytes().all(|b| b == b'0');
        let grouped = |group: &str| group.len() == 3 && is_digits(group);
        if whole_decimals && (number == first || first.len() <= 3 && groups.all(grouped)) {
            return Some(number.replace(thousands, ""));
        }
    }
    None
}

/// The ten digits of a number with exponent. The error says whether digits were cut off it.
fn scientific(text: &str) -> Result<String, bool> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).ok_or(false)?;
    let exponent: usize = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .map_err(|_| false)?;
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let digits = format!("{whole}{decimals}");
    let is_number = !whole.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number || whole.starts_with('0') || whole.len().checked_add(exponent) != Some(10) {
        return Err(false);
    }
    let rest = digits.get(10..).ok_or(true)?;
    if rest.bytes().any(|b| b != b'0') {
        return Err(false);
    }
    Ok(digits[..10].to_owned())
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

    #[test]
    fn cells_are_read_as_spreadsheets_and_people_write_them() {
        let npi = Npi::new(1_900_000_013).unwrap();
        for cell in [
            "1900000013",
            "1900000013.0",
            "1900000013.",
            "1900000013,00",
            "1.900000013E+09",
            "1,900000013e9",
            "1.90000001300E+9",
            "'1900000013",
            "=\"1900000013\"",
            "\"1900000013\"",
            "\u{2019}1900000013",
            "190-000-0013",
            "1900\u{2011}000\u{2011}013",
            " 190 000 0013\t",
            "1,900,000,013",
            "1.900.000.013",
            "1,900,000,013.00",
            "1900\u{a0}000\u{202f}013",
            "\u{feff}19000\u{200b}00013\u{ad}",
            "１９００００００１３",
            "NPI 1900000013",
            "npi: 1900000013",
            "NPI# 1900000013",
            "NPI # 190-000-0013",
            "NPI No. 1900000013",
            "NPI Number: 1900000013",
        ] {
            assert_eq!(Npi::from_cell(cell), Ok(npi), "{cell:?}");
        }
        for cell in [
            "1.9E+09",
            "1.90E+09",
            "1.90000001E+09",
            "1,9E9",
            "19E8",
            "2E+09",
        ] {
            assert!(
                matches!(Npi::from_cell(cell), Err(CellError::Cut(_))),
                "{cell}"
            );
        }
        for cell in [
            "",
            "NPI",
            "-1900000013",
            "1900000013-",
            "1900000013.5",
            "19,00,000,013",
            "1900,000,013",
            "1.9000000135E+09",
            "1.900000013E+10",
            "0.1900000013E+10",
            "1.9E+99999999999999999999",
            "e9",
            "1900000013 1900000021",
            "+11900000013",
            "x1900000013",
            "190O000013",
        ] {
            assert!(
                matches!(
                    Npi::from_cell(cell),
                    Err(CellError::Invalid(InvalidNpi::Shape(_)))
                ),
                "{cell}: {:?}",
                Npi::from_cell(cell)
            );
        }
        assert_eq!(
            Npi::from_cell("1900-000-014"),
            Err(InvalidNpi::CheckDigit("1900000014".into()).into())
        );
    }

    proptest! {
        #[test]
        fn a_cell_gives_the_npi_it_shows(
            nine in 100_000_000u32..300_000_000,
            form in 0usize..8,
            at in 0usize..=10,
            odd in prop::sample::select(vec![" ", "\u{a0}", "\u{200b}", "\u{ad}", "\u{feff}", ""]),
        ) {
            let npi = Npi::from_first_nine(nine).unwrap();
            let d = npi.to_string();
            let mut cell = match form {
                0 => d.clone(),
                1 => format!("{d}.0"),
                2 => format!("{}.{}E+09", &d[..1], &d[1..]),
                3 => format!("'{d}"),
                4 => format!("=\"{d}\""),
                5 => format!("{},{},{},{}", &d[..1], &d[1..4], &d[4..7], &d[7..]),
                6 => format!("NPI: {d}"),
                _ => d.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect(),
            };
            let place = cell.char_indices().nth(at).map_or(0, |(place, _)| place);
            cell.insert_str(place, odd);
            prop_assert_eq!(Npi::from_cell(&cell), Ok(npi));
        }

        #[test]
        fn no_digit_is_guessed(nine in 100_000_000u32..300_000_000, kept in 0usize..9) {
            let d = Npi::from_first_nine(nine).unwrap().to_string();
            let cell = format!("{}.{}E+09", &d[..1], &d[1..=kept]);
            let cut = matches!(Npi::from_cell(&cell), Err(CellError::Cut(_)));
            prop_assert!(cut, "{}", cell);
        }

        #[test]
        fn what_is_taken_stands_in_the_cell(cell in "[ 'NPI=\"#:]{0,3}[-0-9.,eE+ ]{0,16}|.{0,20}") {
            if let Ok(npi) = Npi::from_cell(&cell) {
                let folded = cell.chars().filter_map(plain).filter(char::is_ascii_digit);
                let digits: String = folded.collect();
                prop_assert!(digits.starts_with(&npi.to_string()), "{}", cell);
            }
            if let Ok(npi) = cell.parse::<Npi>() {
                prop_assert_eq!(Npi::from_cell(&cell), Ok(npi));
            }
        }

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
