use std::{fmt, str::FromStr};

use crate::Npi;

/// Where a page of a keyset-paged list ended: the value of the sort key and the NPI of its last row.
///
/// Opaque outside: hexadecimal of a tag, the key and the NPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Value of the sort key in the last row.
    pub key: String,
    /// NPI of the last row.
    pub npi: Npi,
}

/// A text that is no cursor of this list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of this list; use the next_cursor of a page as it was given")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.npi)?;
        self.key.bytes().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (npi, hex) = text.split_at_checked(10).ok_or(InvalidCursor)?;
        if !hex.is_ascii() || hex.len() % 2 != 0 || hex.len() > 2_000 {
            return Err(InvalidCursor);
        }
        let bytes = (0..hex.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&hex[i..i + 2], 16))
            .collect::<Result<Vec<u8>, _>>()
            .map_err(|_| InvalidCursor)?;
        let key = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let npi = npi.parse().map_err(|_| InvalidCursor)?;
        if key.contains('\0') {
            return Err(InvalidCursor);
        }
        Ok(Self { key, npi })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(key in "[^\u{0}]{0,40}", nine in 100_000_000u32..300_000_000) {
            let cursor = Cursor { key, npi: Npi::from_first_nine(nine).unwrap() };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn any_other_text_is_refused_not_a_panic(text in ".{0,60}") {
            let _ = text.parse::<Cursor>();
        }
    }
}
