//! Rows of the first sheet of a spreadsheet that has NPIs.

use std::io::{self, Read};

use canvass_nppes::files::{Workbook, WorkbookSheet};

use super::{
    cells::is_blank,
    header::{self, Columns},
};
use crate::Error;

/// Rows that a sheet may have.
pub(super) const MOST_ROWS: u64 = 100_000;
/// Sheets that are looked at.
const MOST_SHEETS: usize = 50;
/// Days by which those count short that begin in 1904.
const DAYS_TO_1904: f64 = 1_462.0;

/// The rows below the names of the columns.
pub(super) struct Rows {
    sheet: WorkbookSheet,
    width: usize,
    /// Columns of times, where the spreadsheet counts days from 1904 on.
    shifted: Vec<usize>,
}

impl Rows {
    /// Finds the first sheet that has NPIs.
    pub fn open(file: impl Read) -> Result<(Self, Columns), Error> {
        let book = Workbook::open(file).map_err(broken)?;
        let mut row = Vec::new();
        for number in 0..book.sheets().min(MOST_SHEETS) {
            let mut sheet = book.sheet(number).map_err(broken)?;
            let mut above = 0;
            while above <= header::TITLES && sheet.next(&mut row).map_err(broken)?.is_some() {
                if is_blank(&row) {
                    continue;
                }
                above += 1;
                if let Some(columns) = Columns::named(&row)? {
                    let times = [columns.last_contact_at, columns.created_at];
                    let times = times.into_iter().flatten();
                    let rows = Self {
                        sheet,
                        width: columns.width,
                        shifted: times.filter(|_| book.counts_from_1904()).collect(),
                    };
                    return Ok((rows, columns));
                }
            }
        }
        Err(header::none())
    }

    /// The next row into `cells`, and its number. Cells that are not stored are empty.
    pub fn next(&mut self, cells: &mut Vec<String>) -> Result<Option<u64>, Error> {
        let row = self.sheet.next(cells).map_err(broken)?;
        if row.is_some() && cells.len() < self.width {
            cells.resize(self.width, String::new());
        }
        for cell in cells.iter_mut().filter(|cell| cell.contains("_x")) {
            *cell = unescaped(cell);
        }
        for place in &self.shifted {
            if let Some(cell) = cells.get_mut(*place)
                && let Ok(days) = cell.parse::<f64>()
            {
                *cell = (days + DAYS_TO_1904).to_string();
            }
        }
        Ok(row)
    }
}

/// A text with what spreadsheets write as `_x000D_` put back (ECMA-376, ST_Xstring).
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let code = rest
            .get(at + 2..at + 7)
            .and_then(|code| code.strip_suffix('_'));
        let letter = code
            .filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        let (until, letter) = match letter {
            Some(letter) => (at + 7, letter),
            None => (at + 1, '_'),
        };
        plain.push_str(&rest[..at]);
        plain.push(letter);
        rest = &rest[until..];
    }
    plain.push_str(rest);
    plain
}

fn broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::invalid("file", error.to_string())
        }
        _ => Error::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_letters_are_put_back() {
        for (text, plain) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_x00_x0041_", "_x00A"),
            ("_xZZZZ_ é_x", "_xZZZZ_ é_x"),
            ("_xD800_", "_xD800_"),
        ] {
            assert_eq!(unescaped(text), plain);
        }
    }
}
