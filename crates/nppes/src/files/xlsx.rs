//! The cells of a spreadsheet, row by row, in memory that does not grow with it.
//!
//! Only what lists of NPIs need: the texts and numbers of the first columns of a sheet. Formats,
//! formulas and styles are not read.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, Seek},
    path::PathBuf,
    sync::Arc,
};

use super::archive::{self, Entry};

/// Longest tag or text, in bytes.
const MAX_TOKEN: u64 = 256 << 10;
/// Most bytes of all shared texts together; those of a report of 350,000 NPIs have 4 MB.
const MAX_TEXTS: usize = 64 << 20;
/// How much of a sheet is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many columns; what stands right of them is passed over.
    pub columns: usize,
    /// Longest text of a cell, in bytes.
    pub cell: usize,
}

impl Bounds {
    /// Those of the report of deactivated NPIs.
    pub const REPORT: Self = Self {
        columns: 8,
        cell: 4_096,
    };
}

/// Where the bytes of a spreadsheet are.
#[derive(Clone, Debug)]
pub(super) enum Book {
    File(PathBuf),
    Bytes(Arc<[u8]>),
}

pub(super) trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

impl Book {
    pub fn source(&self) -> io::Result<Box<dyn Source>> {
        Ok(match self {
            Self::File(path) => Box::new(File::open(path)?),
            Self::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

/// Whether an archive is a spreadsheet.
pub(super) fn is_book(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| entry.path == "xl/workbook.xml")
}

/// The sheets of a spreadsheet, in the order of their file names.
pub(super) fn sheets(entries: &[Entry]) -> Vec<&Entry> {
    let mut sheets: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.path.starts_with("xl/worksheets/sheet"))
        .collect();
    sheets.sort_by_key(|entry| (entry.path.len(), &entry.path));
    sheets
}

/// The rows of a sheet.
pub(super) struct Sheet {
    xml: Xml,
    texts: Texts,
    row: u64,
    bounds: Bounds,
}

impl Sheet {
    /// Begins to read a sheet. Reads the shared texts first.
    ///
    /// # Errors
    /// When the spreadsheet is broken or its texts are longer than those of any report.
    pub fn open(book: &Book, entries: &[Entry], sheet: &Entry, bounds: Bounds) -> io::Result<Self> {
        let texts = match entries.iter().find(|e| e.path == "xl/sharedStrings.xml") {
            Some(entry) => Texts::read(Xml::new(archive::open(book.source()?, entry)?))?,
            None => Texts::default(),
        };
        Ok(Self {
            xml: Xml::new(archive::open(book.source()?, sheet)?),
            texts,
            row: 0,
            bounds,
        })
    }

    /// How many bytes of the sheet were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.xml.bytes_read
    }

    /// The next row into `cells`, and its number in the sheet; none after the last.
    ///
    /// # Errors
    /// When the spreadsheet is broken.
    pub fn next(&mut self, cells: &mut Vec<String>) -> io::Result<Option<u64>> {
        cells.clear();
        let mut inside = false;
        let mut column = 0;
        let mut shared = false;
        let mut value = false;
        while let Some(token) = self.xml.next()? {
            match token {
                Token::Open(tag, "row") => {
                    inside = true;
                    let number = attribute(tag, "r").and_then(|r| r.parse().ok());
                    self.row = number.unwrap_or(self.row + 1);
                    if tag.ends_with('/') {
                        return Ok(Some(self.row));
                    }
                }
                Token::Open(tag, "c") if inside => {
                    let stated = attribute(tag, "r").and_then(column_of);
                    column = stated.unwrap_or(cells.len());
                    shared = attribute(tag, "t") == Some("s");
                    if column < self.bounds.columns && cells.len() <= column {
                        cells.resize(column + 1, String::new());
                    }
                }
                Token::Open(_, "v" | "t") => value = true,
                Token::Close("v" | "t") => value = false,
                Token::Close("row") => return Ok(Some(self.row)),
                Token::Text(text) if inside && value => {
                    if let Some(cell) = cells.get_mut(column) {
                        if shared {
                            let text = text.trim().parse().ok().and_then(|n| self.texts.get(n));
                            cell.push_str(text.ok_or_else(|| broken("a cell has no text"))?);
                        } else {
                            unescape(text, cell);
                        }
                        if cell.len() > self.bounds.cell {
                            return Err(broken("a cell has too long a text"));
                        }
                    }
                }
                _ => {}
            }
        }
        if inside {
            return Err(broken("the sheet ends within a row"));
        }
        Ok(None)
    }
}

/// Whether a spreadsheet counts its days from 1904 on, as those of old Macintoshes do.
pub(super) fn from_1904(book: &Book, entries: &[Entry]) -> io::Result<bool> {
    let Some(entry) = entries.iter().find(|e| e.path == "xl/workbook.xml") else {
        return Ok(false);
    };
    let mut xml = Xml::new(archive::open(book.source()?, entry)?);
    while let Some(token) = xml.next()? {
        if let Token::Open(tag, "workbookPr") = token {
            return Ok(matches!(attribute(tag, "date1904"), Some("1" | "true")));
        }
    }
    Ok(false)
}

/// The number of a column, from 0, of a cell named `B7`.
fn column_of(cell: &str) -> Option<usize> {
    let letters = cell.bytes().take_while(u8::is_ascii_uppercase);
    let number = letters.take(4).fold(0, |sum: usize, letter| {
        sum * 26 + usize::from(letter - b'A') + 1
    });
    number.checked_sub(1)
}

/// The texts that cells share.
#[derive(Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn read(mut xml: Xml) -> io::Result<Self> {
        let mut texts = Self::default();
        let mut value = false;
        while let Some(token) = xml.next()? {
            match token {
                Token::Open(tag, "t") => value = !tag.ends_with('/'),
                Token::Close("t") => value = false,
                Token::Open(tag, "si") if !tag.ends_with('/') => {}
                Token::Open(_, "si") | Token::Close("si") => {
                    // Bounded below.
                    let end = u32::try_from(texts.all.len()).unwrap_or(u32::MAX);
                    texts.ends.push(end);
                }
                Token::Text(text) if value => unescape(text, &mut texts.all),
                _ => {}
            }
            if texts.all.len() + 4 * texts.ends.len() > MAX_TEXTS {
                return Err(broken("its texts are longer than those of any report"));
            }
        }
        Ok(texts)
    }

    fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends[before] as usize,
            None => 0,
        };
        self.all.get(start..end)
    }
}

enum Token<'a> {
    /// The inside of a tag, and the name of its element without prefix.
    Open(&'a str, &'a str),
    Close(&'a str),
    Text(&'a str),
}

/// Enough of XML for what spreadsheets hold. Document types, which could define texts that grow,
/// are refused.
struct Xml {
    reader: BufReader<Box<dyn Read + Send>>,
    token: Vec<u8>,
    bytes_read: u64,
    in_tag: bool,
}

impl Xml {
    fn new(reader: Box<dyn Read + Send>) -> Self {
        Self {
            reader: BufReader::with_capacity(64 << 10, reader),
            token: Vec::new(),
            bytes_read: 0,
            in_tag: false,
        }
    }

    fn next(&mut self) -> io::Result<Option<Token<'_>>> {
        loop {
            self.token.clear();
            let end = if self.in_tag { b'>' } else { b'<' };
            if !self.read_until(end)? {
                let rest = self.token.trim_ascii();
                if self.in_tag || !rest.is_empty() {
                    return Err(broken("it ends within a tag"));
                }
                return Ok(None);
            }
            if !self.in_tag {
                self.in_tag = true;
                if self.token.is_empty() {
                    continue;
                }
                return Ok(Some(Token::Text(text(&self.token)?)));
            }
            while self.token.starts_with(b"!--") && !self.token.ends_with(b"--") {
                self.token.push(b'>');
                if !self.read_until(b'>')? {
                    return Err(broken("it ends within a comment"));
                }
            }
            self.in_tag = false;
            if self.token.starts_with(b"?") || self.token.starts_with(b"!--") {
                continue;
            }
            if self.token.starts_with(b"!") {
                return Err(broken("it has a document type"));
            }
            let tag = text(&self.token)?;
            return Ok(Some(match tag.strip_prefix('/') {
                Some(closed) => Token::Close(local_name(closed)),
                None => Token::Open(tag, local_name(tag)),
            }));
        }
    }

    /// Reads up to a byte, which is left out. False at the end of the content.
    fn read_until(&mut self, end: u8) -> io::Result<bool> {
        let room = MAX_TOKEN.saturating_sub(self.token.len() as u64);
        let mut limited = self.reader.by_ref().take(room);
        let count = limited.read_until(end, &mut self.token)?;
        self.bytes_read += count as u64;
        if self.token.last() == Some(&end) && count > 0 {
            self.token.pop();
            return Ok(true);
        }
        if count as u64 == room {
            return Err(broken("it has a text or a tag that is too long"));
        }
        Ok(false)
    }
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8"))
}

fn local_name(tag: &str) -> &str {
    let end = tag.find(|c: char| c.is_ascii_whitespace() || c == '/');
    let name = &tag[..end.unwrap_or(tag.len())];
    name.rsplit(':').next().unwrap_or(name)
}

/// The value of an attribute of a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once('=')?;
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        if before.split_ascii_whitespace().next_back() == Some(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// Writes a text with its entities replaced by what they stand for.
fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let letter = after.split_once(';').and_then(|(entity, after)| {
            let letter = match entity {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => {
                    let number = entity.strip_prefix('#')?;
                    let code = match number.strip_prefix('x') {
                        Some(hex) => u32::from_str_radix(hex, 16),
                        None => number.parse(),
                    };
                    char::from_u32(code.ok()?)?
                }
            };
            Some((letter, after))
        });
        if let Some((letter, after)) = letter {
            out.push(letter);
            rest = after;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
}

fn broken(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the spreadsheet is broken: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(content: &str) -> io::Result<Vec<String>> {
        let content = content.as_bytes().to_vec();
        let mut xml = Xml::new(Box::new(Cursor::new(content)));
        let mut all = Vec::new();
        while let Some(token) = xml.next()? {
            all.push(match token {
                Token::Open(_, name) => format!("<{name}"),
                Token::Close(name) => format!("/{name}"),
                Token::Text(text) => text.to_owned(),
            });
        }
        Ok(all)
    }

    #[test]
    fn comments_and_declarations_are_no_content() {
        let found = tokens("<?xml a='1'?><x:a b=\"1\"><!-- <c> -- > -->t<d/></x:a>").unwrap();
        assert_eq!(found, ["<a", "t", "<d", "/a"]);
        for broken in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
            "<a><b",
            "<a><!-- b",
            "text",
        ] {
            assert!(tokens(broken).is_err(), "{broken}");
        }
        let long = format!("<a>{}</a>", "x".repeat(300_000));
        assert!(tokens(&long).is_err());
    }

    #[test]
    fn attributes_and_entities_are_read() {
        let tag = r#"c r="B7" s='1' t="s"/"#;
        assert_eq!(attribute(tag, "t"), Some("s"));
        assert_eq!(attribute(tag, "s"), Some("1"));
        assert_eq!(attribute(tag, "x"), None);
        assert_eq!([column_of("A1"), column_of("AB3")], [Some(0), Some(27)]);
        assert_eq!(column_of("7"), None);
        let mut text = String::new();
        unescape("a &amp;&lt;&#65;&#x42; & &no; &", &mut text);
        assert_eq!(text, "a &<AB & &no; &");
    }
}
