//! What some files are, before anything of them is imported.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::civil::Date;

use super::{
    Deactivation, Extent, FileError, FileKind, RowReader, SetAside, Side, Version,
    archive::{self, Entry},
    deactivations,
    layout::Layout,
    look::look_at,
    records::Records,
    xlsx::Book,
};

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
    pub(super) extent: Option<Extent>,
}

impl Member {
    /// Its name with that of its archive, for messages.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Alone => self.archive.display().to_string(),
            Place::Sheet(sheet) if sheet.packed.is_none() => self.archive.display().to_string(),
            _ => format!("{}: {}", self.archive.display(), self.name),
        }
    }

    /// Where in its archive it is, when it is in one.
    fn packed(&self) -> Option<&Entry> {
        match &self.place {
            Place::Alone => None,
            Place::Packed(entry) => Some(entry),
            Place::Sheet(sheet) => sheet.packed.as_ref(),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, FileError> {
        let file = open(&self.archive)?;
        match self.packed() {
            None => Ok(Box::new(file)),
            Some(entry) => archive::open(file, entry).map_err(|source| FileError::Read {
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
            &self.layout,
            self.heading,
        ))
    }
}

/// Where a member is found.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Alone,
    Packed(Entry),
    Sheet(Box<FoundSheet>),
}

/// A sheet of a spreadsheet, which is an archive itself.
#[derive(Clone, Debug)]
pub(super) struct FoundSheet {
    /// Where the spreadsheet is in its archive, when it is in one.
    pub packed: Option<Entry>,
    /// What the spreadsheet consists of.
    pub entries: Vec<Entry>,
    pub sheet: Entry,
}

impl FoundSheet {
    /// The spreadsheet that this sheet is in.
    pub fn book(&self, archive: &Path) -> io::Result<Book> {
        match &self.packed {
            None => Ok(Book::File(archive.to_owned())),
            Some(entry) => deactivations::unpacked(archive, entry),
        }
    }
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
            let found = look_at(path)?;
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
        let Some(first) = sets.first_mut() else {
            let passed_over: Vec<String> = nowhere
                .iter()
                .map(|p| format!("; {} was passed over: {}", p.name, p.why))
                .collect();
            return Err(FileError::Nothing {
                passed_over: passed_over.concat(),
            });
        };
        first.passed_over.extend(nowhere);
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
            let mut content: Box<dyn Read> = match member.packed() {
                None => Box::new(file),
                Some(entry) => {
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

    /// Rows of a main file that turned out not to count only after all were read, with their text.
    /// The file is read again up to the last of them.
    ///
    /// # Errors
    /// When it can't be read again.
    pub fn rows_at(
        &self,
        member: &Member,
        lines: &BTreeSet<u64>,
        reason: &str,
    ) -> Result<Vec<SetAside>, FileError> {
        let mut found = Vec::with_capacity(lines.len());
        let mut reader = self.rows(member)?;
        while found.len() < lines.len() {
            let Some(batch) = reader.next_batch()? else {
                break;
            };
            let within = lines.range(batch.first_line()..);
            found.extend(within.map_while(|line| batch.aside(*line, reason)));
        }
        Ok(found)
    }

    /// Reads a report of deactivated NPIs. `on_bytes` is told how many bytes of its uncompressed
    /// content were read, again and again; `set_aside` gets each row that could not be understood.
    ///
    /// # Errors
    /// When it can't be read to its end, or is no such report.
    pub fn deactivations(
        &self,
        member: &Member,
        on_bytes: &mut dyn FnMut(u64),
        set_aside: &mut dyn FnMut(SetAside),
        on_row: &mut dyn FnMut(Deactivation),
    ) -> Result<(), FileError> {
        if member.kind != FileKind::Deactivations {
            return Err(FileError::Unknown {
                file: member.shown(),
                problem: format!("it holds {}, not deactivations", member.kind.as_str()),
            });
        }
        deactivations::read(member, on_bytes, set_aside, on_row)
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

pub(super) fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(|source| FileError::Open {
        path: path.to_owned(),
        source,
    })
}
