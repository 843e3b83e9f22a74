//! The report of deactivated NPIs: a spreadsheet, or the same as CSV.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use canvass_model::Npi;
use jiff::{ToSpan as _, civil::Date};

use super::{
    FileError, SetAside,
    archive::{self, Entry},
    catalog::{Member, Place},
    rows::Row,
    xlsx::{Book, Bounds, Sheet},
};
use crate::normalize;

/// One row of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deactivation {
    /// Which NPI is out of service.
    pub npi: Npi,
    /// Since which day.
    pub on: Date,
    /// Line of the file, or row of the sheet, from 1.
    pub line: u64,
}

pub(super) fn read(
    member: &Member,
    on_bytes: &mut dyn FnMut(u64),
    set_aside: &mut dyn FnMut(SetAside),
    on_row: &mut dyn FnMut(Deactivation),
) -> Result<(), FileError> {
    match &member.place {
        Place::Sheet(found) => {
            let failed = |byte, source| FileError::Read {
                file: member.shown(),
                byte,
                source,
            };
            let book = found.book(&member.archive).map_err(|e| failed(0, e))?;
            let sheet = Sheet::open(&book, &found.entries, &found.sheet, Bounds::REPORT);
            let mut sheet = sheet.map_err(|e| failed(0, e))?;
            let mut cells = Vec::new();
            let mut before = 0;
            loop {
                let line = sheet
                    .next(&mut cells)
                    .map_err(|e| failed(sheet.bytes_read(), e))?;
                on_bytes(sheet.bytes_read() - before);
                before = sheet.bytes_read();
                let Some(line) = line else {
                    return Ok(());
                };
                if line <= member.heading || cells.iter().all(|cell| cell.trim().is_empty()) {
                    continue;
                }
                let cell = |slot| {
                    let column = (0..cells.len()).find(|c| member.layout.slot(*c) == Some(slot));
                    column.map_or("", |column| cells[column].as_str())
                };
                match row(cell(0), cell(1), line) {
                    Ok(row) => on_row(row),
                    Err(reason) => {
                        let text = cells.join(",");
                        let column = member.layout.npi_column();
                        let text = text.as_bytes();
                        set_aside(SetAside::new(&member.name, line, text, column, reason));
                    }
                }
            }
        }
        Place::Alone | Place::Packed(_) => {
            let mut records = member.records()?;
            let mut fields = Row::default();
            let mut before = 0;
            while let Some(chunk) = records.next()? {
                for (line, bytes) in chunk.rows() {
                    let read = fields
                        .split(bytes, &member.layout)
                        .and_then(|fields| row(fields.get(0), fields.get(1), line));
                    match read {
                        Ok(row) => on_row(row),
                        Err(why) => {
                            let column = member.layout.npi_column();
                            set_aside(SetAside::new(&member.name, line, bytes, column, why));
                        }
                    }
                }
                chunk.set_aside.into_iter().for_each(&mut *set_aside);
                on_bytes(records.bytes_read() - before);
                before = records.bytes_read();
            }
            on_bytes(records.bytes_read() - before);
            Ok(())
        }
    }
}

fn row(npi: &str, on: &str, line: u64) -> Result<Deactivation, String> {
    Ok(Deactivation {
        npi: normalize::npi(npi).map_err(|error| error.to_string())?,
        on: normalize::date(on.trim())
            .or_else(|| day_of_serial(on))
            .ok_or_else(|| format!("{:?} is no date", on.chars().take(40).collect::<String>()))?,
        line,
    })
}

/// The day of a number that a spreadsheet shows as a date: days since 30 December 1899.
fn day_of_serial(text: &str) -> Option<Date> {
    let days: i64 = text.trim().split('.').next()?.parse().ok()?;
    // From 2000 to 2100; other numbers are no day of this report.
    if !(36_526..73_416).contains(&days) {
        return None;
    }
    jiff::civil::date(1899, 12, 30)
        .checked_add(days.days())
        .ok()
}

/// The longest spreadsheet within an archive that is unpacked, in bytes. The report of 350,000 NPIs
/// has 3 MB.
const MAX_BOOK: u64 = 32 << 20;

/// A spreadsheet within an archive. It has to be in memory, because it is read in several places.
pub(super) fn unpacked(archive: &Path, entry: &Entry) -> io::Result<Book> {
    let content = archive::open(File::open(archive)?, entry)?;
    let mut bytes = Vec::new();
    content.take(MAX_BOOK + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BOOK {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the spreadsheet is longer than {MAX_BOOK} bytes"),
        ));
    }
    Ok(Book::Bytes(bytes.into()))
}
