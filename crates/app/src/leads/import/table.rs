//! A file as rows of cells, whatever kind of file it is.

use std::io::{self, Read};

use canvass_nppes::files::Workbook;
use tempfile::SpooledTempFile;

use super::{
    decode::{self, Decoded},
    header::{self, Columns},
    records::{Next, Records, Unreadable},
    workbook::{self, Rows},
};
use crate::Error;

/// Rows that a text may have.
const MOST_ROWS: u64 = 5_000_000;
/// Bytes at the beginning of a text in which its names are looked for.
const BEGINNING: u64 = 256 << 10;
/// How files of old office programs begin, and new ones that have a password (MS-CFB).
const OLD_OFFICE: &[u8] = b"\xd0\xcf\x11\xe0";

/// What stands next in a file.
pub(super) enum Found {
    /// A row, and its line.
    Row(u64),
    /// What is left is inside a quote, which begins on this line.
    Unclosed(u64),
    /// Nothing.
    End,
}

/// The rows below the names of the columns.
pub(super) struct Table {
    rows: Kind,
    /// Rows that may still come.
    left: u64,
}

/// A text of which the beginning was looked at already.
type Text = io::Chain<io::Cursor<Vec<u8>>, Decoded<SpooledTempFile>>;

enum Kind {
    Text(Box<Records<Text>>),
    Sheet(Box<Rows>),
}

impl Table {
    /// Opens a file and reads the names of its columns.
    ///
    /// # Errors
    /// When it can't be read or names no NPI.
    pub fn open(file: impl Read, charset: Option<&str>) -> Result<(Self, Columns), Error> {
        let mut file = decode::kept(file)?;
        let head = decode::head(&mut file, 8)?;
        if head.starts_with(OLD_OFFICE) {
            let problem = "an Excel file that is old (.xls) or has a password: save it as .xlsx \
                           without a password, or as CSV";
            return Err(Error::invalid("file", problem));
        }
        if Workbook::looks_like(&head) {
            let (rows, columns) = Rows::open(file)?;
            let table = Self {
                rows: Kind::Sheet(Box::new(rows)),
                left: workbook::MOST_ROWS,
            };
            return Ok((table, columns));
        }
        let mut text = decode::decoded(file, charset)?;
        let mut beginning = Vec::new();
        text.by_ref()
            .take(BEGINNING)
            .read_to_end(&mut beginning)
            .map_err(|error| unreadable(Unreadable { line: 1, error }))?;
        let delimiter = header::delimiter(&String::from_utf8_lossy(&beginning));
        let file = io::Cursor::new(beginning).chain(text);
        let mut records = Records::new(file, delimiter);
        let mut names = Vec::new();
        for _ in 0..=header::TITLES {
            match records.next(&mut names).map_err(unreadable)? {
                Next::Row(_) => {}
                Next::Unclosed(line) => {
                    let problem = format!("line {line}: a quote that begins here is not closed");
                    return Err(Error::invalid("file", problem));
                }
                Next::End => break,
            }
            if let Some(columns) = Columns::named(&names)? {
                let rows = Kind::Text(Box::new(records));
                let left = MOST_ROWS;
                return Ok((Self { rows, left }, columns));
            }
        }
        Err(header::none())
    }

    /// Whether it is text, and no spreadsheet.
    pub fn is_text(&self) -> bool {
        matches!(self.rows, Kind::Text(_))
    }

    /// The next row into `cells`.
    ///
    /// # Errors
    /// When it can't be read or there are too many.
    pub fn next(&mut self, cells: &mut Vec<String>) -> Result<Found, Error> {
        let found = match &mut self.rows {
            Kind::Text(records) => match records.next(cells).map_err(unreadable)? {
                Next::Row(line) => Found::Row(line),
                Next::Unclosed(line) => Found::Unclosed(line),
                Next::End => return Ok(Found::End),
            },
            Kind::Sheet(rows) => match rows.next(cells)? {
                Some(row) => Found::Row(row),
                None => return Ok(Found::End),
            },
        };
        let Some(left) = self.left.checked_sub(1) else {
            let most = if self.is_text() {
                MOST_ROWS
            } else {
                workbook::MOST_ROWS
            };
            let problem = format!("more than {most} rows: split it; these were imported");
            return Err(Error::invalid("file", problem));
        };
        self.left = left;
        Ok(found)
    }
}

fn unreadable(error: Unreadable) -> Error {
    match error.error {
        e if e.kind() == io::ErrorKind::InvalidData => {
            Error::invalid("file", format!("line {}: {e}", error.line))
        }
        e => Error::Io(e),
    }
}
