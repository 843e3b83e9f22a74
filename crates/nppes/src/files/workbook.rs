//! Spreadsheets that people made, whatever is in them.

use std::{
    io::{self, Cursor, Read},
    sync::Arc,
};

use super::{
    archive::{self, Entry},
    xlsx::{self, Book, Bounds, Sheet},
};

/// Most bytes of a spreadsheet as it is packed.
const MOST_PACKED: u64 = 64 << 20;
/// Most bytes of a sheet when unpacked.
const MOST_SHEET: u64 = 1 << 30;
/// A sheet may be wide; a cell holds 32,767 characters (ECMA-376).
const BOUNDS: Bounds = Bounds {
    columns: 1_024,
    cell: 128 << 10,
};

/// A spreadsheet (Office Open XML), held in memory as it is packed; its sheets are unpacked as they
/// are read.
#[derive(Debug)]
pub struct Workbook {
    book: Book,
    entries: Vec<Entry>,
    from_1904: bool,
}

impl Workbook {
    /// Whether a content begins as a spreadsheet does.
    pub fn looks_like(head: &[u8]) -> bool {
        archive::is_archive(head)
    }

    /// Opens a spreadsheet.
    ///
    /// # Errors
    /// When it can't be read, is none, or claims more than anybody's spreadsheet has.
    pub fn open(file: impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(MOST_PACKED + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_PACKED {
            return Err(invalid("a spreadsheet has at most 64 MiB".to_owned()));
        }
        let bytes: Arc<[u8]> = bytes.into();
        let entries = archive::directory(Cursor::new(Arc::clone(&bytes))).map_err(invalid)?;
        if !xlsx::is_book(&entries) {
            return Err(invalid("it is an archive and no spreadsheet".to_owned()));
        }
        if let Some(huge) = entries.iter().find(|entry| entry.bytes > MOST_SHEET) {
            let problem = format!("{} is too large when unpacked", huge.name());
            return Err(invalid(problem));
        }
        let book = Book::Bytes(bytes);
        Ok(Self {
            from_1904: xlsx::from_1904(&book, &entries)?,
            book,
            entries,
        })
    }

    /// How many sheets it has.
    pub fn sheets(&self) -> usize {
        xlsx::sheets(&self.entries).len()
    }

    /// Whether it counts days from 1904 on instead of 1900.
    pub fn counts_from_1904(&self) -> bool {
        self.from_1904
    }

    /// The rows of a sheet, which are counted from 0.
    ///
    /// # Errors
    /// When there is none or it is broken.
    pub fn sheet(&self, number: usize) -> io::Result<WorkbookSheet> {
        let sheets = xlsx::sheets(&self.entries);
        let sheet = sheets.get(number);
        let sheet = sheet.ok_or_else(|| invalid("there is no such sheet".to_owned()))?;
        Sheet::open(&self.book, &self.entries, sheet, BOUNDS).map(WorkbookSheet)
    }
}

/// The rows of a sheet, one by one.
pub struct WorkbookSheet(Sheet);

impl WorkbookSheet {
    /// The next row into `cells`, as texts, and its number in the sheet; none after the last. A
    /// number is as exact as it is stored, whatever its format shows of it.
    ///
    /// # Errors
    /// When the spreadsheet is broken.
    pub fn next(&mut self, cells: &mut Vec<String>) -> io::Result<Option<u64>> {
        self.0.next(cells)
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(members: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            archive
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    const SHEET: &str = r#"<worksheet><sheetData><row r="3">
        <c r="A3"><v>1900000013</v></c><c r="C3" t="inlineStr"><is><t>a &amp; b</t></is></c>
        </row></sheetData></worksheet>"#;

    #[test]
    fn a_workbook_tells_its_cells_and_where_its_days_begin() {
        for (properties, from_1904) in [("", false), (" date1904=\"1\"", true)] {
            let about = format!("<workbook><workbookPr{properties}/></workbook>");
            let book = archive(&[
                ("xl/workbook.xml", &about),
                ("xl/worksheets/sheet1.xml", SHEET),
            ]);
            let book = Workbook::open(&book[..]).unwrap();
            assert_eq!((book.sheets(), book.counts_from_1904()), (1, from_1904));
            let mut sheet = book.sheet(0).unwrap();
            let mut cells = Vec::new();
            assert_eq!(sheet.next(&mut cells).unwrap(), Some(3));
            assert_eq!(cells, ["1900000013", "", "a & b"]);
            assert_eq!(sheet.next(&mut cells).unwrap(), None);
            assert!(book.sheet(1).is_err());
        }
    }

    #[test]
    fn what_is_no_spreadsheet_or_grows_beyond_measure_is_refused() {
        let other = archive(&[("leads.csv", "npi")]);
        assert!(Workbook::looks_like(&other));
        assert!(Workbook::open(&other[..]).is_err());
        let huge = " ".repeat(8 << 20);
        let bomb = archive(&[
            ("xl/workbook.xml", "<workbook/>"),
            ("xl/worksheets/sheet1.xml", &huge),
        ]);
        assert!(bomb.len() < 100_000);
        assert!(Workbook::open(&bomb[..]).is_err());
        assert!(Workbook::open(io::repeat(b'P')).is_err());
    }
}
