//! Reading archives that nobody vouches for.
//!
//! A general library allocates for as many entries as an archive claims to have, before any of
//! them is seen. This one reads the directory at the end of the archive under bounds, follows no
//! path and opens nothing by name; the members are then streams of known length and checksum.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::{Crc, bufread::DeflateDecoder};

/// Most entries; a published set has ten.
const MAX_ENTRIES: u64 = 1_000;
/// Longest directory, in bytes; that of a published set has one thousand.
const MAX_DIRECTORY: u64 = 1 << 20;
/// Most bytes all entries may have together when unpacked; a full set has 12 GB.
const MAX_TOTAL: u64 = 64 << 30;
/// By how much an entry may be packed; the published ones are by 10 to 20.
const MAX_RATIO: u64 = 250;
/// What is smaller may be packed by more: it can't do harm.
const SMALL: u64 = 1 << 20;

const END: [u8; 4] = *b"PK\x05\x06";
const END_64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END_64: [u8; 4] = *b"PK\x06\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const END_LENGTH: u64 = 22;
const ENTRY_LENGTH: usize = 46;

/// Whether a content begins as an archive does, one without entries included.
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(&LOCAL) || head.starts_with(&END)
}

/// One member of an archive, as its directory describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name, with path. Never used to open anything.
    pub path: String,
    /// Length as it stands in the archive.
    pub packed: u64,
    /// Length when unpacked.
    pub bytes: u64,
    /// Why it can't be read, when it can't.
    pub unreadable: Option<&'static str>,
    crc: u32,
    stored: bool,
    at: u64,
}

impl Entry {
    /// Its name without path and without letters that a terminal would obey.
    pub fn name(&self) -> String {
        let last = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        last.chars().filter(|c| !c.is_control()).take(200).collect()
    }
}

/// Reads the directory of an archive.
///
/// # Errors
/// With what is wrong, in words, when it is broken or claims more than the bounds.
pub(super) fn directory(mut archive: impl Read + Seek) -> Result<Vec<Entry>, String> {
    let broken = |error: io::Error| format!("the archive is cut or broken: {error}");
    let length = archive.seek(SeekFrom::End(0)).map_err(broken)?;
    let (count, size, start) = end(&mut archive, length).map_err(broken)?;
    if count > MAX_ENTRIES || size > MAX_DIRECTORY {
        return Err(format!(
            "the archive claims {count} entries in a directory of {size} bytes; a set of files has \
             at most {MAX_ENTRIES} in {MAX_DIRECTORY}"
        ));
    }
    if start.checked_add(size).is_none_or(|end| end > length) {
        return Err("the archive is cut or broken: its directory is not where it says".to_owned());
    }
    archive.seek(SeekFrom::Start(start)).map_err(broken)?;
    let mut bytes = Vec::new();
    archive.take(size).read_to_end(&mut bytes).map_err(broken)?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut rest = &bytes[..];
    for _ in 0..count {
        let (entry, after) = entry(rest)
            .ok_or("the archive is cut or broken: its directory has fewer entries than it says")?;
        rest = after;
        if entries.iter().any(|other| other.path == entry.path) {
            return Err(format!(
                "the archive has two entries named {:?}",
                entry.name()
            ));
        }
        entries.push(entry);
    }
    let total = entries
        .iter()
        .fold(0, |sum: u64, e| sum.saturating_add(e.bytes));
    if total > MAX_TOTAL {
        return Err(format!(
            "the archive claims {total} bytes when unpacked; a set of files has at most {MAX_TOTAL}"
        ));
    }
    let bomb = entries
        .iter()
        .find(|e| e.bytes > SMALL && e.bytes / MAX_RATIO > e.packed);
    if let Some(entry) = bomb {
        return Err(format!(
            "its entry {:?} claims to unpack from {} to {} bytes; such an archive is made to do harm",
            entry.name(),
            entry.packed,
            entry.bytes
        ));
    }
    Ok(entries)
}

/// Number of entries, length and place of the directory.
fn end(archive: &mut (impl Read + Seek), length: u64) -> io::Result<(u64, u64, u64)> {
    // A comment of at most 65,535 bytes may follow.
    let tail_at = length.saturating_sub(END_LENGTH + u64::from(u16::MAX));
    archive.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    archive
        .take(END_LENGTH + u64::from(u16::MAX))
        .read_to_end(&mut tail)?;
    let at = memchr::memmem::rfind_iter(&tail, &END)
        .find(|at| {
            u16_at(&tail, at + 20)
                .is_some_and(|comment| at + 22 + usize::from(comment) == tail.len())
        })
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("its directory, which stands at the end, is missing after {length} bytes"),
            )
        })?;
    let field = |offset, long: bool| -> u64 {
        if long {
            u32_at(&tail, at + offset).map_or(0, u64::from)
        } else {
            u16_at(&tail, at + offset).map_or(0, u64::from)
        }
    };
    let (disk, entries, size, start) = (
        field(4, false),
        field(10, false),
        field(12, true),
        field(16, true),
    );
    let saturated = entries == u64::from(u16::MAX)
        || size == u64::from(u32::MAX)
        || start == u64::from(u32::MAX);
    let at = tail_at + at as u64;
    if saturated && at >= 20 {
        let mut locator = [0; 20];
        archive.seek(SeekFrom::Start(at - 20))?;
        archive.read_exact(&mut locator)?;
        if locator.starts_with(&END_64_LOCATOR) {
            let mut record = [0; 56];
            archive.seek(SeekFrom::Start(u64_at(&locator, 8).unwrap_or(length)))?;
            archive.read_exact(&mut record)?;
            if !record.starts_with(&END_64) {
                return Err(io::Error::other("its directory is not where it says"));
            }
            let field = |offset| u64_at(&record, offset).unwrap_or(u64::MAX);
            return Ok((field(32), field(40), field(48)));
        }
    }
    if disk != 0 {
        return Err(io::Error::other("it is one part of several"));
    }
    Ok((entries, size, start))
}

/// The entry at the start of these bytes of a directory, and what follows it.
fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let fixed = bytes.get(..ENTRY_LENGTH)?;
    if !fixed.starts_with(&ENTRY) {
        return None;
    }
    let length = |offset| u16_at(fixed, offset).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let rest = &bytes[ENTRY_LENGTH..];
    let raw_name = rest.get(..name)?;
    let extra = rest.get(name..name + extra)?;
    let after = rest.get(name + extra.len() + comment..)?;
    let flags = u16_at(fixed, 8)?;
    let method = u16_at(fixed, 10)?;
    let [mut bytes, mut packed, mut at] =
        [24, 20, 42].map(|offset| u32_at(fixed, offset).map_or(0, u64::from));
    // What does not fit into 32 bits stands in an extra field, in this order.
    let mut wide = extra_field(extra, 1).unwrap_or_default();
    for value in [&mut bytes, &mut packed, &mut at] {
        if *value == u64::from(u32::MAX) && !wide.is_empty() {
            *value = u64_at(wide, 0)?;
            wide = &wide[8..];
        }
    }
    let unreadable = if flags & 1 != 0 {
        Some("it is encrypted")
    } else if !matches!(method, 0 | 8) {
        Some("it is packed by another method than deflate")
    } else if method == 0 && bytes != packed {
        Some("it is stored and yet has two lengths")
    } else {
        None
    };
    let entry = Entry {
        path: String::from_utf8_lossy(raw_name).into_owned(),
        packed,
        bytes,
        unreadable,
        crc: u32_at(fixed, 16)?,
        stored: method == 0,
        at,
    };
    Some((entry, after))
}

/// The content of an extra field.
fn extra_field(mut extra: &[u8], id: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(extra, 2)?);
        let content = extra.get(4..4 + length)?;
        if u16_at(extra, 0)? == id {
            return Some(content);
        }
        extra = &extra[4 + length..];
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}

/// A member as it stands in the archive, still packed.
///
/// # Errors
/// When the archive can't be read there, or has no member there.
pub(super) fn packed<R: Read + Seek>(mut archive: R, entry: &Entry) -> io::Result<io::Take<R>> {
    archive.seek(SeekFrom::Start(entry.at))?;
    let mut local = [0; 30];
    archive.read_exact(&mut local)?;
    if !local.starts_with(&LOCAL) {
        return Err(invalid(
            "the archive has no member where its directory says",
        ));
    }
    // Name and extra field may differ in length from those in the directory.
    let skipped = [26, 28].map(|at| u16_at(&local, at).map_or(0, i64::from));
    archive.seek(SeekFrom::Current(skipped[0] + skipped[1]))?;
    Ok(archive.take(entry.packed))
}

/// A member, unpacked while it is read. At its end, length and checksum are compared with what the
/// directory says; it never gives more bytes than that.
///
/// # Errors
/// When the archive can't be read there, or the member can't be unpacked at all.
pub(super) fn open<R: Read + Seek + Send + 'static>(
    archive: R,
    entry: &Entry,
) -> io::Result<Box<dyn Read + Send>> {
    if let Some(why) = entry.unreadable {
        return Err(invalid(why));
    }
    let packed = BufReader::with_capacity(256 << 10, packed(archive, entry)?);
    let checked = |inner| Checked {
        inner,
        crc: Crc::new(),
        expected_crc: entry.crc,
        left: entry.bytes,
    };
    Ok(if entry.stored {
        Box::new(checked(Unpacked::Stored(packed)))
    } else {
        Box::new(checked(Unpacked::Deflated(DeflateDecoder::new(packed))))
    })
}

enum Unpacked<B> {
    Stored(B),
    Deflated(DeflateDecoder<B>),
}

impl<B: BufRead> Read for Unpacked<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(inner) => inner.read(buffer),
            Self::Deflated(inner) => inner.read(buffer),
        }
    }
}

struct Checked<R> {
    inner: R,
    crc: Crc,
    expected_crc: u32,
    left: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{} bytes are missing of what the archive says", self.left),
                ));
            }
            if self.crc.sum() != self.expected_crc {
                return Err(invalid("its checksum is not the one the archive says"));
            }
            return Ok(0);
        }
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| invalid("it is longer than the archive says"))?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
