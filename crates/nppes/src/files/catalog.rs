//! What some files are, before anything of them is imported.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::civil::Date;

use super::{
    Extent, FileError, FileKind, RowReader, SetAside, Side, Version,
    archive::{self, Entry},
    layout::{Header, Layout},
    names,
    records::Records,
    split,
};

/// How much of a file is looked at to see what it is. The header of the main file has 12 kB.
const HEAD: usize = 128 << 10;

/// One file of a set, within an archive or by itself.
#[derive(Clone, Debug)]
pub struct Member {
    /// The archive it is in, or the file itself.
    pub archive: PathBuf,
    /// Its name, without any path.
    pub name: String,
    /// What it holds.
    pub kind: FileKind,
    /// How long it is when unpacked, in bytes.
    pub bytes: u64,
    /// Which edition of the layout it has. Only the header of the main file tells.
    pub version: Option<Version>,
    /// How many columns it has.
    pub columns: usize,
    pub(super) layout: Arc<Layout>,
    /// How many lines stand before its first row.
    pub(super) heading: u64,
    pub(super) place: Place,
    extent: Option<Extent>,
}

impl Member {
    /// Its name with that of its archive, for messages.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Alone => self.archive.display().to_string(),
            Place::Packed(_) => format!("{}: {}", self.archive.display(), self.name),
        }
    }

    pub(super) fn open(&self) -> Result<Box<dyn Read + Send>, FileError> {
        let file = open(&self.archive)?;
        match &self.place {
            Place::Alone => Ok(Box::new(file)),
            Place::Packed(entry) => archive::open(file, entry).map_err(|source| FileError::Read {
                file: self.shown(),
                byte: 0,
                source,
            }),
        }
    }

    pub(super) fn records(&self) -> Result<Records, FileError> {
        let (name, shown) = (&self.name, self.shown());
        let source = self.open()?;
        Ok(Records::new(
            source,
            name,
            &shown,
            self.columns,
            self.heading,
        ))
    }
}

/// Where a member is found.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Alone,
    Packed(Entry),
}

/// A file that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The archive it is in, or the file itself.
    pub archive: PathBuf,
    /// Its name, without any path.
    pub name: String,
    /// What it is a header of, or what it would hold if it had rows.
    pub kind: Option<FileKind>,
    /// Why it is not read.
    pub why: String,
}

/// A set of files that belong together, and what they are.
#[derive(Clone, Debug)]
pub struct Catalog {
    members: Vec<Member>,
    passed_over: Vec<PassedOver>,
    extent: Extent,
}

impl Catalog {
    /// Looks at archives and files that make up one set, in any order.
    ///
    /// # Errors
    /// When one of them can't be read or is something else, when none of them has anything to
    /// read, and when they are several sets.
    pub fn open(paths: &[PathBuf]) -> Result<Self, FileError> {
        let mut sets = Self::open_all(paths)?;
        let sets_shown: Vec<String> = sets.iter().map(|set| set.extent.to_string()).collect();
        match (sets.len(), sets.pop()) {
            (1, Some(set)) => Ok(set),
            (count, _) => Err(FileError::Several {
                count,
                sets: sets_shown.join(", "),
            }),
        }
    }

    /// Looks at archives and files of several sets in any mix, and tells them apart. The sets come
    /// in the order in which they are to be read: full ones, weeks by their days, then reports of
    /// deactivations.
    ///
    /// # Errors
    /// When one of the files can't be read or is something else, and when none of them has
    /// anything to read.
    pub fn open_all(paths: &[PathBuf]) -> Result<Vec<Self>, FileError> {
        let mut sets: Vec<Self> = Vec::new();
        let mut nowhere = Vec::new();
        for path in paths {
            let mut found = look_at(path)?;
            settle_extents(path, &mut found.members);
            let mut home = None;
            for member in found.members {
                let extent = member.extent.unwrap_or(Extent::Weekly {
                    from: None,
                    until: None,
                });
                let at = sets.iter().position(|set| set.extent == extent);
                let at = at.unwrap_or_else(|| {
                    sets.push(Self {
                        members: Vec::new(),
                        passed_over: Vec::new(),
                        extent,
                    });
                    sets.len() - 1
                });
                home.get_or_insert(extent);
                sets[at].take(member)?;
            }
            match sets.iter_mut().find(|set| Some(set.extent) == home) {
                Some(set) => set.passed_over.extend(found.passed_over),
                None => nowhere.extend(found.passed_over),
            }
        }
        sets.sort_by_key(|set| set.extent);
        match sets.first_mut() {
            Some(set) => set.passed_over.extend(nowhere),
            None => {
                let passed_over: Vec<String> = nowhere
                    .iter()
                    .map(|p| format!("; {} was passed over: {}", p.name, p.why))
                    .collect();
                return Err(FileError::Nothing {
                    passed_over: passed_over.concat(),
                });
            }
        }
        Ok(sets)
    }

    fn take(&mut self, member: Member) -> Result<(), FileError> {
        let twice = self
            .members
            .iter()
            .find(|other| other.kind == member.kind && other.name == member.name);
        if let Some(other) = twice {
            return Err(FileError::Unknown {
                file: member.shown(),
                problem: format!("it was named twice, the other time as {}", other.shown()),
            });
        }
        self.members.push(member);
        self.members.sort_by_key(|member| member.kind);
        Ok(())
    }

    /// The files to read: the main file first, then the side files.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The main files; commonly one.
    pub fn main(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.kind == FileKind::Providers)
    }

    /// Of what extent the set is.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// What is not read, and why: headers without rows, documents.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// How long all files are together when unpacked, in bytes.
    pub fn bytes(&self) -> u64 {
        self.members.iter().map(|member| member.bytes).sum()
    }

    /// A hash that is the same for the same files, whatever path they have and in whatever order
    /// they are named: BLAKE3 over the extent and over kind and content of each file. Files in an
    /// archive are hashed as they are packed. All of them are read once; `on_bytes` is told how
    /// many bytes were.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn fingerprint(&self, on_bytes: &mut dyn FnMut(u64)) -> Result<[u8; 16], FileError> {
        let mut parts = Vec::new();
        for member in &self.members {
            let mut hasher = blake3::Hasher::new();
            hasher.update(member.kind.as_str().as_bytes());
            let failed = |byte, source| FileError::Read {
                file: member.shown(),
                byte,
                source,
            };
            let file = open(&member.archive)?;
            let mut content: Box<dyn Read> = match &member.place {
                Place::Alone => Box::new(file),
                Place::Packed(entry) => {
                    Box::new(archive::packed(file, entry).map_err(|error| failed(0, error))?)
                }
            };
            let mut buffer = vec![0; 256 << 10];
            let mut total = 0;
            loop {
                let count = match content.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(failed(total, error)),
                };
                hasher.update(&buffer[..count]);
                total += count as u64;
                on_bytes(count as u64);
            }
            parts.push(*hasher.finalize().as_bytes());
        }
        parts.sort_unstable();
        let mut whole = blake3::Hasher::new();
        whole.update(self.extent.to_string().as_bytes());
        for part in parts {
            whole.update(&part);
        }
        let mut fingerprint = [0; 16];
        whole.finalize_xof().fill(&mut fingerprint);
        Ok(fingerprint)
    }

    /// Reads the side files into memory. `on_bytes` is told how many bytes of their uncompressed
    /// content were read, again and again; `set_aside` gets each row that could not be understood.
    ///
    /// # Errors
    /// When a file can't be read to its end, or all of them are larger than any that were
    /// published.
    pub fn side(
        &self,
        on_bytes: &mut dyn FnMut(u64),
        set_aside: &mut dyn FnMut(SetAside),
    ) -> Result<Side, FileError> {
        let mut side = Side::default();
        for member in &self.members {
            if matches!(
                member.kind,
                FileKind::OtherNames | FileKind::PracticeLocations | FileKind::Endpoints
            ) {
                let records = member.records()?;
                side.add(&member.name, &member.layout, records, on_bytes, set_aside)?;
            }
        }
        side.finish();
        Ok(side)
    }

    /// Begins to read a main file.
    ///
    /// # Errors
    /// When it can't be opened, or is no main file.
    pub fn rows(&self, member: &Member) -> Result<RowReader, FileError> {
        if member.kind != FileKind::Providers {
            return Err(FileError::Unknown {
                file: member.shown(),
                problem: format!("it holds {}, not providers", member.kind.as_str()),
            });
        }
        let layout = Arc::clone(&member.layout);
        Ok(RowReader::new(member.records()?, layout, &member.name))
    }
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = |date: Option<Date>| date.map_or("unknown".to_owned(), |d| d.to_string());
        match self {
            Self::Full { until } => write!(f, "full until {}", day(*until)),
            Self::Weekly { from, until } => {
                write!(f, "changes from {} until {}", day(*from), day(*until))
            }
            Self::Deactivations { as_of } => write!(f, "deactivations as of {}", day(*as_of)),
        }
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(|source| FileError::Open {
        path: path.to_owned(),
        source,
    })
}

#[derive(Default)]
struct Found {
    members: Vec<Member>,
    passed_over: Vec<PassedOver>,
}

/// What is behind one path.
fn look_at(path: &Path) -> Result<Found, FileError> {
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
        for entry in entries {
            look_into(path, entry, &mut found)?;
        }
        return Ok(found);
    }
    match recognise(&name, &head) {
        Seen::Table(table) => {
            let member = member(path, &name, metadata.len(), table, Place::Alone);
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
fn look_into(path: &Path, entry: Entry, found: &mut Found) -> Result<(), FileError> {
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
    let head = archive::open(open(path)?, &entry)
        .and_then(|mut content| head(&mut content))
        .map_err(|source| FileError::Read {
            file: shown.clone(),
            byte: 0,
            source,
        })?;
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

/// Gives an extent to members whose names tell none: that of another member of their archive, else
/// what little their names tell.
fn settle_extents(path: &Path, members: &mut [Member]) {
    let told = members
        .iter()
        .filter(|member| member.kind != FileKind::Deactivations)
        .find_map(|member| member.extent);
    let in_archive = members.len() > 1;
    for member in members {
        let undated = if in_archive {
            names::undated(&path.file_name().unwrap_or_default().to_string_lossy())
        } else {
            names::undated(&member.name)
        };
        member.extent = member.extent.or(told).or(Some(undated));
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
    for heading in 1..=3 {
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
