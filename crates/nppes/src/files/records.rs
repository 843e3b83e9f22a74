//! Finding where the rows of a file begin and end.

use std::io::{self, Read};

use super::{
    FileError, SetAside,
    layout::Layout,
    split::{self, SplitError},
};

/// How many bytes are read at a time: about a thousand rows of the main file.
const CHUNK: usize = 1 << 20;
/// Longest row; what is longer is set aside without being kept.
const MAX_ROW: usize = 1 << 20;

/// Where a row stands in its chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
    /// Lines after the first of the chunk.
    line: u32,
}

/// Some rows of a file, whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    first_line: u64,
    /// Rows that have no end, or too late a one.
    pub set_aside: Vec<SetAside>,
}

impl Chunk {
    /// Line of the file at which it begins, from 1.
    pub fn first_line(&self) -> u64 {
        self.first_line
    }

    /// How many rows it has, those set aside not counted.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The row at a line; none where none begins.
    pub fn row(&self, line: u64) -> Option<&[u8]> {
        let line = line.checked_sub(self.first_line)?;
        let at = self
            .spans
            .binary_search_by_key(&line, |span| u64::from(span.line))
            .ok()?;
        let span = self.spans[at];
        self.bytes.get(span.start as usize..span.end as usize)
    }

    /// All its rows, and the line of each.
    pub fn rows(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.spans.iter().map(|span| {
            let row = &self.bytes[span.start as usize..span.end as usize];
            (self.first_line + u64::from(span.line), row)
        })
    }
}

/// Reads a file chunk by chunk and finds its rows. A line feed within quotes ends no row.
pub(super) struct Records {
    source: Box<dyn Read + Send>,
    /// As set-aside rows name it.
    name: String,
    /// As errors name it: with its archive.
    shown: String,
    /// How many fields a row should have.
    columns: usize,
    /// In which of them the NPI stands.
    npi_column: usize,
    /// Lines at the start that are no rows.
    heading: u64,
    /// The beginning of a row whose end is in the next chunk.
    carry: Vec<u8>,
    /// Number of the line with which `carry` begins, from 1.
    line: u64,
    bytes_read: u64,
    ended: bool,
    /// Whether `carry` is the rest of a row that is too long and was set aside.
    skipping: bool,
    chunk: usize,
}

/// What there is from a place in a chunk on.
enum Found {
    /// A row up to here, and how many lines it has.
    Row(usize, u32),
    /// A line up to here that is no row, and why.
    Bad(usize, String),
    /// Neither, before more was read.
    Unfinished,
    /// Neither, and there is no more.
    Cut,
}

impl Records {
    pub fn new(
        source: Box<dyn Read + Send>,
        name: &str,
        shown: &str,
        layout: &Layout,
        heading: u64,
    ) -> Self {
        Self {
            source,
            name: name.to_owned(),
            shown: shown.to_owned(),
            columns: layout.columns,
            npi_column: layout.npi_column(),
            heading,
            carry: Vec::new(),
            line: 1,
            bytes_read: 0,
            ended: false,
            skipping: false,
            chunk: CHUNK,
        }
    }

    /// How many bytes of the content were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The next rows; none at the end of the file.
    ///
    /// # Errors
    /// When the file can't be read on, or ends within a row.
    pub fn next(&mut self) -> Result<Option<Chunk>, FileError> {
        loop {
            if self.ended && self.carry.is_empty() {
                return Ok(None);
            }
            let mut bytes = std::mem::take(&mut self.carry);
            self.fill(&mut bytes)?;
            let mut chunk = Chunk {
                first_line: self.line,
                ..Chunk::default()
            };
            let used = self.scan(&bytes, &mut chunk)?;
            self.carry = bytes[used..].to_vec();
            bytes.truncate(used);
            chunk.bytes = bytes;
            if !chunk.spans.is_empty() || !chunk.set_aside.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) -> Result<(), FileError> {
        let mut filled = bytes.len();
        bytes.resize(filled + self.chunk, 0);
        while filled < bytes.len() && !self.ended {
            match self.source.read(&mut bytes[filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    filled += count;
                    self.bytes_read += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(FileError::Read {
                        file: self.shown.clone(),
                        byte: self.bytes_read,
                        source,
                    });
                }
            }
        }
        bytes.truncate(filled);
        Ok(())
    }

    /// Finds the rows in `bytes`. Gives how many bytes they take up.
    fn scan(&mut self, bytes: &[u8], chunk: &mut Chunk) -> Result<usize, FileError> {
        let mut at = 0;
        if self.skipping {
            match line_end(bytes, 0, self.ended) {
                Some(end) if end < bytes.len() => {
                    self.skipping = false;
                    self.line += 1;
                    at = end + 1;
                }
                Some(_) => return Err(self.cut()),
                None => return Ok(bytes.len()),
            }
        }
        while at < bytes.len() {
            match self.find(bytes, at) {
                Found::Row(end, lines) => {
                    let row = without_return(&bytes[at..end]);
                    if !row.is_empty() && self.line > self.heading {
                        chunk.spans.push(Span {
                            start: narrow(at),
                            end: narrow(at + row.len()),
                            line: narrow(self.line - chunk.first_line),
                        });
                    }
                    self.line += u64::from(lines);
                    at = end + 1;
                }
                Found::Bad(end, reason) => {
                    let row = without_return(&bytes[at..end]);
                    let row = SetAside::new(&self.name, self.line, row, self.npi_column, reason);
                    chunk.set_aside.push(row);
                    self.line += 1;
                    at = end + 1;
                }
                Found::Unfinished if bytes.len() - at > MAX_ROW => {
                    let row = SetAside::new(
                        &self.name,
                        self.line,
                        &bytes[at..],
                        self.npi_column,
                        too_long(),
                    );
                    chunk.set_aside.push(row);
                    self.skipping = true;
                    at = bytes.len();
                }
                Found::Unfinished => break,
                Found::Cut => return Err(self.cut()),
            }
        }
        Ok(at.min(bytes.len()))
    }

    fn cut(&self) -> FileError {
        FileError::Cut {
            file: self.shown.clone(),
            line: self.line,
            byte: self.bytes_read,
        }
    }

    /// The row that begins at `start`.
    ///
    /// A row ends with the first line at whose end no quote is open. When that is a later line, and
    /// what is between is no row of this file, then a quote was lost: only the first line is bad,
    /// and the lines after it are rows of their own.
    fn find(&self, bytes: &[u8], start: usize) -> Found {
        let Some(first_end) = line_end(bytes, start, self.ended) else {
            return Found::Unfinished;
        };
        let whole = first_end < bytes.len();
        let first = without_return(&bytes[start..first_end]);
        if first.len() > MAX_ROW {
            return if whole {
                Found::Bad(first_end, too_long())
            } else {
                Found::Cut
            };
        }
        let mut quotes = count_quotes(first);
        if quotes.is_multiple_of(2) {
            return if whole || self.is_last_row(first) {
                Found::Row(first_end, 1)
            } else {
                Found::Cut
            };
        }
        let mut end = first_end;
        let mut lines = 1;
        while !quotes.is_multiple_of(2) {
            match line_end(bytes, end + 1, self.ended) {
                None if !self.ended && bytes.len() - start <= MAX_ROW => return Found::Unfinished,
                Some(next) if next - start <= MAX_ROW => {
                    quotes += count_quotes(&bytes[end + 1..next]);
                    end = next;
                    lines += 1;
                }
                _ => break,
            }
        }
        if quotes.is_multiple_of(2) && self.is_row(without_return(&bytes[start..end])) {
            return Found::Row(end, lines);
        }
        if !whole {
            return Found::Cut;
        }
        let reason = match fields(first) {
            Ok(_) => "the quotes of the row do not match".to_owned(),
            Err(problem) => problem,
        };
        Found::Bad(first_end, reason)
    }

    /// Whether what has no line feed after it is a row. One that ends with a comma after quoted
    /// values was cut before the next quote.
    fn is_last_row(&self, row: &[u8]) -> bool {
        self.is_row(row) && !(row.starts_with(b"\"") && row.ends_with(b","))
    }

    fn is_row(&self, row: &[u8]) -> bool {
        fields(row) == Ok(self.columns)
    }
}

/// How many fields a row has.
fn fields(row: &[u8]) -> Result<usize, String> {
    let text = std::str::from_utf8(row).map_err(|e| not_text(&e))?;
    split::strict(text, &mut String::new(), |_, _, _| {}).map_err(|e: SplitError| e.to_string())
}

/// What to say of a row that is no text.
pub(super) fn not_text(error: &std::str::Utf8Error) -> String {
    format!("byte {} of the row is not UTF-8", error.valid_up_to() + 1)
}

fn too_long() -> String {
    format!("the row is longer than {MAX_ROW} bytes")
}

/// The place of the next line feed, or the end of the file where there is no more.
fn line_end(bytes: &[u8], from: usize, ended: bool) -> Option<usize> {
    let rest = bytes.get(from..)?;
    match memchr::memchr(b'\n', rest) {
        Some(at) => Some(from + at),
        None => (ended && !rest.is_empty()).then_some(bytes.len()),
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn count_quotes(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'"', bytes).count()
}

/// Chunks are a few megabytes long, so that all places in one fit.
fn narrow<T>(place: T) -> u32
where
    u32: TryFrom<T>,
{
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// Rows with their lines, rows set aside with theirs.
    type All = (Vec<(u64, String)>, Vec<(u64, String)>);

    fn read(content: &[u8], columns: usize, chunk: usize) -> Result<All, FileError> {
        let source = Box::new(Cursor::new(content.to_vec()));
        let mut records = Records::new(source, "a.csv", "a.zip: a.csv", &Layout::of(columns), 0);
        records.chunk = chunk;
        let mut all = All::default();
        while let Some(chunk) = records.next()? {
            let rows = chunk.rows();
            all.0
                .extend(rows.map(|(line, row)| (line, String::from_utf8_lossy(row).into_owned())));
            let set_aside = chunk.set_aside.into_iter();
            all.1.extend(set_aside.map(|row| (row.line, row.reason)));
        }
        assert_eq!(records.bytes_read(), content.len() as u64);
        Ok(all)
    }

    fn numbered(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
        rows.iter()
            .map(|(n, row)| (*n, (*row).to_owned()))
            .collect()
    }

    #[test]
    fn lines_end_as_on_any_system_and_the_last_needs_no_end() {
        for content in [
            "\"1\",\"a\"\n\"2\",\"\"\n",
            "\"1\",\"a\"\r\n\"2\",\"\"\r\n",
            "\"1\",\"a\"\n\"2\",\"\"",
        ] {
            for chunk in 1..20 {
                let (rows, set_aside) = read(content.as_bytes(), 2, chunk).unwrap();
                assert_eq!(rows, numbered(&[(1, "\"1\",\"a\""), (2, "\"2\",\"\"")]));
                assert_eq!(set_aside, []);
            }
        }
        let (rows, _) = read(b"\n1\n\r\n\n2\n", 1, 100).unwrap();
        assert_eq!(rows, numbered(&[(2, "1"), (5, "2")]));
    }

    #[test]
    fn a_line_feed_within_quotes_ends_no_row() {
        let content = b"\"1\",\"a\n\"\"b\r\n\"\n\"2\",\"\"\n";
        for chunk in 1..content.len() {
            let (rows, set_aside) = read(content, 2, chunk).unwrap();
            assert_eq!(
                rows,
                numbered(&[(1, "\"1\",\"a\n\"\"b\r\n\""), (4, "\"2\",\"\"")])
            );
            assert_eq!(set_aside, []);
        }
    }

    #[test]
    fn a_lost_quote_costs_one_row() {
        let content = b"\"1\",\"a\"\n\"2\",\"b\n\"3\",\"c\"\n\"4,\"d\"\n\"5\",\"e\"\n";
        for chunk in 1..content.len() {
            let (rows, set_aside) = read(content, 2, chunk).unwrap();
            let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [1, 3, 5]);
            assert_eq!(
                set_aside,
                numbered(&[
                    (2, "the quote that opens field 2 is not closed"),
                    (4, "field 1 has a quote that neither opens nor closes it"),
                ])
            );
        }
    }

    #[test]
    fn a_file_that_ends_within_a_row_is_cut() {
        let whole = b"\"1\",\"a\"\n\"2\",\"bcd\"";
        for length in 9..whole.len() {
            let cut = read(&whole[..length], 2, 7);
            assert!(
                matches!(&cut, Err(FileError::Cut { line: 2, byte, file })
                    if *byte == length as u64 && file == "a.zip: a.csv"),
                "{length}: {cut:?}"
            );
        }
        assert_eq!(read(&whole[..8], 2, 7).unwrap().0.len(), 1);
    }

    #[test]
    fn a_row_that_is_too_long_is_set_aside_unread() {
        let long = "x".repeat(3 * MAX_ROW);
        for (inside, lines) in [
            (format!("\"{long}\"\n"), 1),
            (format!("{long}\r\n"), 1),
            (format!("\"a\n{long}\"\n"), 2),
        ] {
            let content = format!("\"1\"\n{inside}\"3\"\n");
            for chunk in [CHUNK, CHUNK - 1, 5_000] {
                let (rows, set_aside) = read(content.as_bytes(), 1, chunk).unwrap();
                assert_eq!(rows, numbered(&[(1, "\"1\""), (2 + lines, "\"3\"")]));
                assert!(!set_aside.is_empty());
                assert_eq!(set_aside[0].0, 2);
            }
        }
        let endless = format!("\"1\"\n{long}");
        assert!(matches!(
            read(endless.as_bytes(), 1, CHUNK),
            Err(FileError::Cut { line: 2, .. })
        ));
    }

    #[test]
    fn an_error_of_the_source_tells_how_far_it_came() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let source = Box::new(Cursor::new(b"\"1\"\n\"2".to_vec()).chain(Broken));
        let mut records = Records::new(source, "a.csv", "a.csv", &Layout::of(1), 0);
        assert!(matches!(
            records.next(),
            Err(FileError::Read { byte: 6, .. })
        ));
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate_wherever_chunks_end(
            fields in prop::collection::vec(
                prop::collection::vec("[\"\r\n,a]{0,5}", 3), 1..20),
            chunk in 1_usize..60,
        ) {
            let mut writer = csv::WriterBuilder::new()
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for row in &fields {
                writer.write_record(row).unwrap();
            }
            let content = writer.into_inner().unwrap();
            let (rows, set_aside) = read(&content, 3, chunk).unwrap();
            prop_assert_eq!(set_aside, []);
            prop_assert_eq!(rows.len(), fields.len());
            for ((_, row), expected) in rows.iter().zip(&fields) {
                let parsed: Vec<String> = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .from_reader(row.as_bytes())
                    .records()
                    .flat_map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                    .collect();
                prop_assert_eq!(&parsed, expected);
            }
        }

        #[test]
        fn every_line_of_anything_counts_once(
            content in "[\",\na]{0,80}",
            chunk in 1_usize..30,
        ) {
            // A last line that is whole, so that nothing is cut.
            let content = format!("{content}\n");
            let (rows, set_aside) = read(content.as_bytes(), 2, chunk).unwrap();
            let of_rows: usize = rows.iter().map(|(_, row)| row.matches('\n').count() + 1).sum();
            let filled = content.lines().filter(|line| !line.is_empty()).count();
            let empty_within: usize = rows
                .iter()
                .map(|(_, row)| row.lines().filter(|line| line.is_empty()).count())
                .sum();
            prop_assert_eq!(of_rows - empty_within + set_aside.len(), filled);
        }
    }
}
