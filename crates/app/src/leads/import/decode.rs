//! The letters of a file, whatever it is encoded in, as UTF-8.

use std::io::{self, Read, Seek, SeekFrom, Write};

use encoding_rs::{Decoder, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use tempfile::SpooledTempFile;

use crate::Error;

/// Bytes of a file that are kept in memory; a longer one goes to the disk.
const IN_MEMORY: usize = 4 << 20;
/// Bytes that a file may have: more than rows that are taken can need.
const MOST: u64 = 4 << 30;
/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

/// Keeps a file, so that it can be looked through before it is read.
pub(super) fn kept(file: impl Read) -> Result<SpooledTempFile, Error> {
    let mut kept = SpooledTempFile::new(IN_MEMORY);
    if io::copy(&mut file.take(MOST + 1), &mut kept)? > MOST {
        return Err(Error::invalid("file", "more than 4 GiB: split it"));
    }
    kept.flush()?;
    kept.rewind()?;
    Ok(kept)
}

/// The first bytes of a file, which is then read from its beginning again.
pub(super) fn head(file: &mut (impl Read + Seek), most: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.by_ref().take(most).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head)
}

/// A file as UTF-8 without a byte order mark. A mark in the file says how it is encoded, else the
/// character set that was declared, else what its bytes look like: UTF-16 when every second one is
/// zero, UTF-8 when all of it is valid UTF-8, and Windows-1252 otherwise.
pub(super) fn decoded<R: Read + Seek>(
    mut file: R,
    charset: Option<&str>,
) -> Result<Decoded<R>, Error> {
    let head = head(&mut file, 512)?;
    let (encoding, mark) = match Encoding::for_bom(&head) {
        Some(found) => found,
        None => (encoding_of(&head, &mut file, charset)?, 0),
    };
    file.seek(SeekFrom::Start(mark as u64))?;
    Ok(Decoded {
        inner: file,
        encoding,
        decoder: encoding.new_decoder_without_bom_handling(),
        raw: Vec::new(),
        text: Vec::new(),
        given: 0,
        ended: false,
    })
}

fn encoding_of(
    head: &[u8],
    file: &mut (impl Read + Seek),
    charset: Option<&str>,
) -> Result<&'static Encoding, Error> {
    let looks = utf_16(head);
    let declared = charset.map(str::trim).filter(|name| !name.is_empty());
    match declared {
        None => {}
        Some(name) => match Encoding::for_label(name.as_bytes()).filter(|e| *e != REPLACEMENT) {
            None => {
                let name: String = name.chars().take(40).collect();
                let problem = format!("the character set {name:?} is not known here");
                return Err(Error::invalid("file", problem));
            }
            // Programs say UTF-8 of every file that they send.
            Some(encoding) if encoding == UTF_8 => {}
            // "utf-16" stands for either order.
            Some(encoding) if encoding == UTF_16LE => return Ok(looks.unwrap_or(encoding)),
            Some(encoding) => return Ok(encoding),
        },
    }
    if let Some(encoding) = looks {
        return Ok(encoding);
    }
    let valid = is_utf_8(file)?;
    Ok(if valid { UTF_8 } else { WINDOWS_1252 })
}

/// UTF-16 without a mark: of nearly all pairs of bytes the same one is zero.
fn utf_16(head: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = head.as_chunks::<2>();
    let of = |zero: usize| {
        let fits = |pair: &&[u8; 2]| pair[zero] == 0 && pair[1 - zero] != 0;
        let fitting = pairs.iter().filter(fits).count();
        fitting >= 2 && fitting * 10 >= pairs.len() * 9
    };
    match (of(0), of(1)) {
        (true, _) => Some(UTF_16BE),
        (_, true) => Some(UTF_16LE),
        _ => None,
    }
}

fn is_utf_8(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut piece = Vec::with_capacity(PIECE);
    let valid = loop {
        // What the piece before has begun stands before what comes.
        let begun = piece.len();
        let room = (PIECE - begun) as u64;
        let count = file.by_ref().take(room).read_to_end(&mut piece)?;
        match std::str::from_utf8(&piece) {
            Ok(_) if count == 0 => break true,
            Ok(_) => piece.clear(),
            Err(error) if error.error_len().is_none() && count > 0 => {
                piece.drain(..error.valid_up_to());
            }
            Err(_) => break false,
        }
    };
    file.rewind()?;
    Ok(valid)
}

/// A file that is decoded as it is read.
pub(super) struct Decoded<R> {
    inner: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` was given away.
    given: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    /// Decodes the next piece.
    fn fill(&mut self) -> io::Result<()> {
        self.raw.clear();
        let count = self
            .inner
            .by_ref()
            .take(PIECE as u64)
            .read_to_end(&mut self.raw)?;
        self.ended = count == 0;
        let most = self.decoder.max_utf8_buffer_length(count).unwrap_or(0);
        self.text.resize(most, 0);
        let (_, read, written, replaced) =
            self.decoder
                .decode_to_utf8(&self.raw, &mut self.text, self.ended);
        if replaced || read < count {
            let problem = format!("it is not {} all through", self.encoding.name());
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        self.text.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.fill()?;
        }
        let ready = &self.text[self.given..];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8], charset: Option<&str>) -> Result<String, String> {
        let mut file = decoded(Cursor::new(bytes), charset).map_err(|e| e.to_string())?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|e| e.to_string())?;
        Ok(text)
    }

    fn utf_16_of(text: &str, little: bool) -> Vec<u8> {
        let unit = |unit: u16| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        };
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_file_is_read_in_the_encoding_that_it_shows() {
        let plain = "npi,notes\r\n1900000013,Café – “five”\r\n";
        let marked = format!("\u{feff}{plain}");
        let (latin, _, _) = WINDOWS_1252.encode(plain);
        for bytes in [
            plain.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf_16_of(&marked, true),
            utf_16_of(&marked, false),
            utf_16_of(plain, true),
            utf_16_of(plain, false),
            latin.to_vec(),
        ] {
            assert_eq!(text(&bytes, None).unwrap(), plain, "{bytes:?}");
            // What says UTF-8 of everything is not believed.
            assert_eq!(text(&bytes, Some("utf-8")).unwrap(), plain, "{bytes:?}");
        }
        assert_eq!(text(b"", None).unwrap(), "");
    }

    #[test]
    fn a_declared_character_set_holds_where_no_mark_speaks() {
        assert_eq!(text(b"\xc0", Some("windows-1251")).unwrap(), "А");
        assert_eq!(text("À".as_bytes(), Some("iso-8859-1")).unwrap(), "Ã€");
        assert_eq!(
            text("\u{feff}À".as_bytes(), Some("iso-8859-1")).unwrap(),
            "À"
        );
        assert_eq!(text(&utf_16_of("AB", false), Some("UTF-16")).unwrap(), "AB");
        assert!(text(b"x", Some("klingon")).is_err());
        let half = &utf_16_of("\u{feff}AB", true)[..5];
        assert!(text(half, None).unwrap_err().contains("UTF-16LE"));
    }

    #[test]
    fn one_byte_that_is_no_utf_8_late_in_a_file_decides() {
        let mut bytes = "é".repeat(100_000).into_bytes();
        assert_eq!(text(&bytes, None).unwrap().chars().count(), 100_000);
        bytes.push(0xe9);
        assert_eq!(text(&bytes, None).unwrap().chars().count(), 200_001);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = text(&bytes, None);
        }

        #[test]
        fn every_text_comes_through(letters in "[a-z,\n]{8,20}.{0,40}") {
            prop_assert_eq!(text(letters.as_bytes(), None).unwrap(), letters.as_str());
            let marked = format!("\u{feff}{letters}");
            prop_assert_eq!(text(&utf_16_of(&marked, true), None).unwrap(), letters.as_str());
        }
    }
}
