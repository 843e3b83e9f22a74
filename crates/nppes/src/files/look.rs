//! Telling by its content what a file is.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use jiff::civil::Date;

use super::{
    Extent, FileError, FileKind,
    archive::{self, Entry},
    catalog::{FoundSheet, Member, PassedOver, Place, open},
    deactivations,
    layout::{Header, Layout},
    names, split,
    xlsx::{self, Book, Bounds, Sheet},
};

/// How much of a file is looked at to see what it is. The header of the main file has 12 kB.
const HEAD: usize = 128 << 10;
/// Within how many lines the header is looked for: the report of deactivations has a title.
const TITLES: u64 = 3;
/// How many sheets of a spreadsheet are looked at.
const MAX_SHEETS: usize = 5;

#[derive(Default)]
pub(super) struct Found {
    pub members: Vec<Member>,
    pub passed_over: Vec<PassedOver>,
}

/// What is behind one path.
///
/// # Errors
/// When it can't be read, or is something that nobody can have meant.
pub(super) fn look_at(path: &Path) -> Result<Found, FileError> {
    let opening = |source| FileError::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = open(path)?;
    let metadata = file.metadata().map_err(opening)?;
    if !metadata.is_file() {
        return Err(opening(io::Error::other("it is no file")));
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let head = head(&mut file).map_err(opening)?;
    let mut found = Found::default();
    if archive::is_archive(&head) {
        let entries = archive::directory(file).map_err(|problem| FileError::Archive {
            path: path.to_owned(),
            problem,
        })?;
        if xlsx::is_book(&entries) {
            let found_in_book = look_at_book(path, &name, entries, None).map_err(opening)?;
            found
                .members
                .push(found_in_book.ok_or_else(|| FileError::Unknown {
                    file: path.display().to_string(),
                    problem: NO_REPORT.to_owned(),
                })?);
            return Ok(found);
        }
        for entry in entries {
            look_into(path, &entry, &mut found)?;
        }
        settle_extents(path, &mut found.members);
        return Ok(found);
    }
    match recognise(&name, &head) {
        Seen::Table(table) => {
            let mut member = member(path, &name, metadata.len(), table, Place::Alone);
            member.extent = member.extent.or_else(|| Some(names::undated(&name)));
            found.members.push(member);
        }
        Seen::PassedOver(kind, why) => found.passed_over.push(PassedOver {
            archive: path.to_owned(),
            name,
            kind,
            why,
        }),
        Seen::Incomplete(missing) => {
            return Err(FileError::Columns {
                file: path.display().to_string(),
                missing,
            });
        }
        Seen::Foreign(problem) => {
            return Err(FileError::Unknown {
                file: path.display().to_string(),
                problem,
            });
        }
    }
    Ok(found)
}

/// What one entry of an archive is.
fn look_into(path: &Path, entry: &Entry, found: &mut Found) -> Result<(), FileError> {
    let name = entry.name();
    if entry.path.ends_with('/') {
        return Ok(());
    }
    let pass_over = |kind, why| PassedOver {
        archive: path.to_owned(),
        name: name.clone(),
        kind,
        why,
    };
    if let Some(why) = entry.unreadable {
        found.passed_over.push(pass_over(None, why.to_owned()));
        return Ok(());
    }
    let shown = format!("{}: {name}", path.display());
    let head = archive::open(open(path)?, entry)
        .and_then(|mut content| head(&mut content))
        .map_err(|source| FileError::Read {
            file: shown.clone(),
            byte: 0,
            source,
        })?;
    if archive::is_archive(&head) {
        let member = look_into_book(path, &name, entry).map_err(|source| FileError::Read {
            file: shown,
            byte: 0,
            source,
        })?;
        if let Some(member) = member {
            found.members.push(member);
        } else {
            let why = "it is an archive within an archive, which is not opened";
            found.passed_over.push(pass_over(None, why.to_owned()));
        }
        return Ok(());
    }
    match recognise(&name, &head) {
        Seen::Table(table) => {
            let place = Place::Packed(entry.clone());
            let member = member(path, &name, entry.bytes, table, place);
            found.members.push(member);
        }
        Seen::PassedOver(kind, why) => found.passed_over.push(pass_over(kind, why)),
        Seen::Foreign(why) => found.passed_over.push(pass_over(None, why)),
        Seen::Incomplete(missing) => {
            return Err(FileError::Columns {
                file: shown,
                missing,
            });
        }
    }
    Ok(())
}

const NO_REPORT: &str = "no sheet of it is a report of deactivated NPIs; \
                         save other files as CSV";

/// The report of deactivations in a spreadsheet that is in an archive; none when it is none.
fn look_into_book(path: &Path, name: &str, entry: &Entry) -> io::Result<Option<Member>> {
    if !name.to_ascii_lowercase().ends_with(".xlsx") {
        return Ok(None);
    }
    let book = deactivations::unpacked(path, entry)?;
    let entries = archive::directory(book.source()?).map_err(io::Error::other)?;
    if !xlsx::is_book(&entries) {
        return Ok(None);
    }
    look_at_book(path, name, entries, Some((entry.clone(), book)))
}

/// The report of deactivations in a spreadsheet, the first of its sheets that is one.
fn look_at_book(
    path: &Path,
    name: &str,
    entries: Vec<Entry>,
    packed: Option<(Entry, Book)>,
) -> io::Result<Option<Member>> {
    let (packed, book) = match packed {
        Some((entry, book)) => (Some(entry), book),
        None => (None, Book::File(path.to_owned())),
    };
    let sheets: Vec<Entry> = xlsx::sheets(&entries)
        .into_iter()
        .take(MAX_SHEETS)
        .cloned()
        .collect();
    for sheet in sheets {
        let mut rows = Sheet::open(&book, &entries, &sheet, Bounds::REPORT)?;
        let mut cells = Vec::new();
        let mut as_of = None;
        for _ in 0..TITLES {
            let Some(heading) = rows.next(&mut cells)? else {
                break;
            };
            match Layout::recognise(&cells) {
                Header::Known(layout) if layout.kind == FileKind::Deactivations => {
                    let bytes = sheet.bytes;
                    let place = Place::Sheet(Box::new(FoundSheet {
                        packed,
                        entries,
                        sheet,
                    }));
                    let table = Table {
                        layout,
                        heading,
                        as_of,
                    };
                    return Ok(Some(member(path, name, bytes, table, place)));
                }
                _ => as_of = as_of.or_else(|| names::day_in_words(&cells.join(" "))),
            }
        }
    }
    Ok(None)
}

fn member(path: &Path, name: &str, bytes: u64, table: Table, place: Place) -> Member {
    let extent = match table.layout.kind {
        FileKind::Deactivations => Some(Extent::Deactivations {
            as_of: table.as_of.or_else(|| names::day(name)),
        }),
        _ => names::dated(name),
    };
    Member {
        archive: path.to_owned(),
        name: name.to_owned(),
        kind: table.layout.kind,
        bytes,
        version: table.layout.version,
        columns: table.layout.columns,
        layout: Arc::new(table.layout),
        heading: table.heading,
        place,
        extent,
    }
}

/// Gives an extent to members of an archive whose names tell none: that of another one, else what
/// little the name of the archive tells.
fn settle_extents(path: &Path, members: &mut [Member]) {
    let told = members
        .iter()
        .filter(|member| member.kind != FileKind::Deactivations)
        .find_map(|member| member.extent);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extent = told.unwrap_or_else(|| names::undated(&name));
    for member in members {
        member.extent = member.extent.or(Some(extent));
    }
}

fn head(content: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    content.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

struct Table {
    layout: Layout,
    heading: u64,
    as_of: Option<Date>,
}

enum Seen {
    Table(Table),
    PassedOver(Option<FileKind>, String),
    /// Columns that are missing.
    Incomplete(String),
    /// What it is instead.
    Foreign(String),
}

/// Tells by its beginning what a file is.
fn recognise(name: &str, head: &[u8]) -> Seen {
    let foreign = |what: &str| Seen::Foreign(what.to_owned());
    if head.is_empty() {
        return foreign("it is empty");
    }
    if head.starts_with(b"%PDF") {
        return Seen::PassedOver(None, "it is a document (PDF)".to_owned());
    }
    if archive::is_archive(head) {
        return foreign("it is an archive within an archive, which is not opened");
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return foreign("it is UTF-16 text; save it as UTF-8");
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.trim_ascii_start().starts_with(b"<") {
        return foreign("it is a web page, as a failed download gives; download it again");
    }
    let mut rest = head;
    // The report of deactivations has a title in its first line.
    let mut as_of = None;
    for heading in 1..=TITLES {
        let (line, after) = match memchr::memchr(b'\n', rest) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        let Some(names) = header_names(line) else {
            break;
        };
        match Layout::recognise(&names) {
            Header::Known(layout) => {
                let kind = layout.kind;
                if after.iter().all(u8::is_ascii_whitespace) && rest.len() < HEAD {
                    let header = name.to_ascii_lowercase().contains("header");
                    let kind = if header { FileKind::Header } else { kind };
                    let why = "it is a header without rows".to_owned();
                    return Seen::PassedOver(Some(kind), why);
                }
                return Seen::Table(Table {
                    layout,
                    heading,
                    as_of,
                });
            }
            Header::Incomplete(_, missing) => return Seen::Incomplete(missing.join(", ")),
            Header::Unknown => {}
        }
        as_of = as_of.or_else(|| names::day_in_words(&names.join(" ")));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    foreign("its first line is the header of none of the registry's files")
}

/// The names in a header line; none when it is no text or no row.
fn header_names(line: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
    let mut values = String::new();
    let mut places = Vec::new();
    let count = split::strict(text, &mut values, |field, start, end| {
        places.push((field, start, end));
    })
    .ok()?;
    let mut names = vec![String::new(); count];
    for (field, start, end) in places {
        values.get(start..end)?.clone_into(&mut names[field]);
    }
    Some(names)
}
