//! The rows of a file of delimited cells (RFC 4180, read leniently), with the lines they begin at.

use std::io::{self, BufRead, BufReader, Read};

/// Bytes that a row may have.
const MOST_ROW: usize = 1 << 20;

/// What stands next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A row, and the line where it begins.
    Row(u64),
    /// The file ends inside a quote, which begins at this line.
    Unclosed(u64),
    /// Nothing.
    End,
}

/// Why a file can't be read on.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub line: u64,
    pub error: io::Error,
}

/// Reads rows of UTF-8. No row can take more memory than a row may.
pub(super) struct Records<R> {
    reader: BufReader<R>,
    delimiter: u8,
    /// The line that is read next.
    line: u64,
    /// The byte that was read last was CR: an LF that follows belongs to it.
    after_cr: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of the cell was read.
    Begin,
    Plain,
    Quoted,
    /// After a quote inside quotes: one of two, or the last.
    Quote,
}

impl<R: Read> Records<R> {
    pub fn new(file: R, delimiter: u8) -> Self {
        Self {
            reader: BufReader::with_capacity(64 << 10, file),
            delimiter,
            line: 1,
            after_cr: false,
        }
    }

    /// The next row into `cells`. Empty lines are none.
    pub fn next(&mut self, cells: &mut Vec<String>) -> Result<Next, Unreadable> {
        cells.clear();
        let mut cell = Vec::new();
        let mut state = State::Begin;
        let (mut start, mut quote, mut length) = (self.line, self.line, 0);
        loop {
            let unreadable = |error| Unreadable { line: start, error };
            let Some(byte) = self.byte().map_err(unreadable)? else {
                if state == State::Quoted {
                    cells.push(text(cell));
                    return Ok(Next::Unclosed(quote));
                }
                if cells.is_empty() && cell.is_empty() && state == State::Begin {
                    return Ok(Next::End);
                }
                cells.push(text(cell));
                return Ok(Next::Row(start));
            };
            if byte == b'\n' && std::mem::take(&mut self.after_cr) {
                if state == State::Quoted {
                    cell.push(byte);
                } else {
                    start = self.line;
                }
                continue;
            }
            self.after_cr = byte == b'\r';
            let ends_line = matches!(byte, b'\n' | b'\r');
            self.line += u64::from(ends_line);
            length += 1;
            if length > MOST_ROW {
                let line = if state == State::Quoted { quote } else { start };
                return Err(Unreadable {
                    line,
                    error: too_long(),
                });
            }
            state = match (state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) | (State::Quote, b'"') => {
                    cell.push(byte);
                    State::Quoted
                }
                (State::Begin, b'"') => {
                    quote = self.line;
                    State::Quoted
                }
                (_, byte) if byte == self.delimiter => {
                    cells.push(text(std::mem::take(&mut cell)));
                    State::Begin
                }
                (State::Begin, _) if ends_line && cells.is_empty() => {
                    // An empty line.
                    start = self.line;
                    length = 0;
                    State::Begin
                }
                _ if ends_line => {
                    cells.push(text(cell));
                    return Ok(Next::Row(start));
                }
                (_, byte) => {
                    cell.push(byte);
                    State::Plain
                }
            };
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.reader.fill_buf() {
                Ok(ready) => {
                    let byte = ready.first().copied();
                    self.reader.consume(usize::from(byte.is_some()));
                    return Ok(byte);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    // The file is UTF-8 already, and is cut at ASCII letters only.
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn too_long() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a row that begins here has more than {MOST_ROW} bytes; is a quote not closed?"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(file: &str, delimiter: u8) -> Vec<(Next, Vec<String>)> {
        let mut records = Records::new(file.as_bytes(), delimiter);
        let mut rows = Vec::new();
        loop {
            let mut cells = Vec::new();
            let next = records.next(&mut cells).unwrap();
            if next == Next::End {
                return rows;
            }
            rows.push((next, cells));
        }
    }

    #[test]
    fn lines_are_counted_whatever_ends_them_and_whatever_is_empty() {
        for end in ["\n", "\r\n", "\r"] {
            let file = ["a,b", "", "\"2", "x\",\"q\"\"\"z", "", "5,", "\"6"].join(end);
            let found = rows(&file, b',');
            let two = format!("2{end}x");
            assert_eq!(found[0], (Next::Row(1), vec!["a".into(), "b".into()]));
            assert_eq!(
                found[1],
                (Next::Row(3), vec![two, "q\"z".into()]),
                "{end:?}"
            );
            assert_eq!(found[2], (Next::Row(6), vec!["5".into(), String::new()]));
            assert_eq!(found[3], (Next::Unclosed(7), vec!["6".into()]));
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_the_reading_not_the_memory() {
        let endless = io::Read::chain(&b"npi,notes\n1,\n2,\""[..], io::repeat(b'x'));
        let mut records = Records::new(endless, b',');
        let mut cells = Vec::new();
        assert_eq!(records.next(&mut cells).unwrap(), Next::Row(1));
        assert_eq!(records.next(&mut cells).unwrap(), Next::Row(2));
        assert_eq!(records.next(&mut cells).unwrap_err().line, 3);
    }

    #[test]
    fn a_file_may_be_longer_than_a_row() {
        let row = format!("1,{}\n", "x".repeat(600_000));
        assert_eq!(rows(&row.repeat(5), b',').len(), 5);
    }

    proptest! {
        #[test]
        fn it_reads_what_is_written(
            table in prop::collection::vec(prop::collection::vec("[a\"',;\r\n é=]{0,6}", 2..4), 0..6),
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(delimiter)
                .flexible(true)
                .from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let file = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let found: Vec<Vec<String>> = rows(&file, delimiter).into_iter().map(|r| r.1).collect();
            prop_assert_eq!(found, table);
        }

        #[test]
        fn any_file_comes_to_an_end(file in "[a\",\r\n]{0,40}") {
            let lines = file.len() as u64 + 1;
            for (next, _) in rows(&file, b',') {
                let (Next::Row(line) | Next::Unclosed(line)) = next else { unreachable!() };
                prop_assert!((1..=lines).contains(&line));
            }
        }
    }
}
