//! What the side files know, kept so that the row of a provider can be completed from it.
//!
//! The side files of a full set have some 2.4 million rows in 300 MB, in no order. They are kept
//! without quotes and commas, their common values as numbers, in pieces that never move; beside
//! them is a sorted index of one number a row, and a table that leads into the index.

use std::{collections::HashMap, sync::Arc};

use canvass_model::{Npi, Provider};

use super::{
    FileError, FileKind, SetAside, Warning,
    layout::Layout,
    provider::{self, Notes},
    records::Records,
    rows::{Fields, Row},
};
use crate::normalize;

/// Size of one piece of the arena; a longer row gets a piece of its own.
const PIECE: usize = 1 << 20;
/// Most bytes that are kept of the side files; those of a full set take up a third of it.
const MAX_BYTES: u64 = 512 << 20;
/// Most values that are kept as numbers.
const MAX_COMMON: usize = 60_000;
/// How many providers share an entry of the table into the index, as a power of two.
const BUCKET: u32 = 7;
/// How many NPIs there can be without their check digit.
const NPIS: usize = 200_000_000;

/// A length below this is that of the value itself.
const SHORT: u8 = 0xF0;
/// A common value follows as two bytes.
const COMMON: u8 = 0xFE;
/// A long value follows, after its length in four bytes.
const LONG: u8 = 0xFF;

/// One of the side files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideFile {
    /// Its name, within its archive.
    pub name: String,
    /// What it holds.
    pub kind: FileKind,
    /// How many of its rows were understood.
    pub rows: u64,
    /// How many were set aside.
    pub set_aside: u64,
}

/// Other names, secondary practice locations and endpoints by NPI. Can be read from several threads
/// at a time.
#[derive(Default)]
pub struct Side {
    files: Vec<SideFile>,
    layouts: Vec<Arc<Layout>>,
    arena: Vec<Vec<u8>>,
    bytes: u64,
    common: Common,
    /// NPI without check digit (28 bits), kind (2), place in the arena (34): sorted, the rows of a
    /// provider stand together, those of one kind in the order of their file.
    index: Vec<u64>,
    /// Where in the index the NPIs of each bucket begin.
    buckets: Vec<u32>,
}

impl Side {
    /// The files it was read from.
    pub fn files(&self) -> &[SideFile] {
        &self.files
    }

    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.index.len()
    }

    /// How many bytes of memory it takes up.
    pub fn memory(&self) -> u64 {
        let arena: usize = self.arena.iter().map(Vec::capacity).sum();
        (arena + self.index.capacity() * 8 + self.buckets.capacity() * 4) as u64
    }

    /// Adds to a provider what the side files know of it. Tells of each single value that was left
    /// out because it could not be understood.
    pub fn complete(&self, provider: &mut Provider, on_warning: &mut dyn FnMut(Warning)) {
        for entry in self.of(provider.npi) {
            let Some(row) = self.row(*entry) else {
                continue;
            };
            let mut notes = Notes {
                file: &self.files[row.file].name,
                line: row.line,
                npi: provider.npi,
                on_warning,
            };
            match self.files[row.file].kind {
                FileKind::OtherNames => {
                    let name = provider::other_name(row.values());
                    provider.other_names.extend(name);
                }
                FileKind::PracticeLocations => {
                    let location = provider::location(row.values(), &mut notes);
                    provider.secondary.extend(location);
                }
                FileKind::Endpoints => {
                    let endpoint = provider::endpoint(&row.values(), &mut notes);
                    provider.endpoints.extend(endpoint);
                }
                FileKind::Providers | FileKind::Deactivations | FileKind::Header => {}
            }
        }
    }

    /// The rows of those NPIs that the main file does not have, by NPI.
    pub fn unused<'a>(
        &'a self,
        seen: impl Fn(Npi) -> bool + 'a,
    ) -> impl Iterator<Item = SetAside> + 'a {
        let mut last = None;
        self.index.iter().filter_map(move |entry| {
            let nine = nine_of(*entry);
            let (npi, known) = match last {
                Some((same, npi, known)) if same == nine => (npi, known),
                _ => {
                    // The index has only what was an NPI.
                    let npi = Npi::from_first_nine(nine + 100_000_000).ok()?;
                    let known = seen(npi);
                    last = Some((nine, npi, known));
                    (npi, known)
                }
            };
            if known {
                return None;
            }
            let row = self.row(*entry)?;
            let file = &self.files[row.file];
            let text = row.text(npi, &self.layouts[row.file]);
            let reason = format!(
                "the main file has no provider with this NPI ({})",
                file.kind.as_str()
            );
            let column = self.layouts[row.file].npi_column();
            Some(SetAside::new(
                &file.name,
                row.line,
                text.as_bytes(),
                column,
                reason,
            ))
        })
    }

    /// The entries of an NPI in the index.
    fn of(&self, npi: Npi) -> &[u64] {
        let nine = nine(npi);
        let bucket = (nine >> BUCKET) as usize;
        let place = |bucket: usize| self.buckets.get(bucket).map_or(0, |at| *at as usize);
        let Some(bucket) = self.index.get(place(bucket)..place(bucket + 1)) else {
            return &[];
        };
        let start = bucket.iter().take_while(|e| nine_of(**e) < nine).count();
        let length = bucket[start..]
            .iter()
            .take_while(|e| nine_of(**e) == nine)
            .count();
        &bucket[start..start + length]
    }

    fn row(&self, entry: u64) -> Option<SideRow<'_>> {
        let place = entry & ((1 << 34) - 1);
        // Both parts are below 2^20.
        let piece = self.arena.get((place >> 20) as usize)?;
        let mut bytes = piece.get((place & 0xF_FFFF) as usize..)?;
        let file = usize::from(*bytes.split_off_first()?);
        let line = u32::from_le_bytes(*bytes.split_first_chunk()?.0);
        bytes = bytes.get(4..)?;
        Some(SideRow {
            file,
            line: u64::from(line),
            bytes,
            slots: self.layouts.get(file)?.slots - 1,
            common: &self.common,
        })
    }

    /// Reads one more file.
    pub(super) fn add(
        &mut self,
        name: &str,
        layout: &Arc<Layout>,
        mut records: Records,
        on_bytes: &mut dyn FnMut(u64),
        set_aside: &mut dyn FnMut(SetAside),
    ) -> Result<(), FileError> {
        let Ok(number) = u8::try_from(self.files.len()) else {
            return Err(Self::too_large(name));
        };
        self.layouts.push(Arc::clone(layout));
        self.files.push(SideFile {
            name: name.to_owned(),
            kind: layout.kind,
            rows: 0,
            set_aside: 0,
        });
        let mut counts = (0, 0);
        let mut row = Row::default();
        let mut record = Vec::new();
        let mut before = 0;
        while let Some(chunk) = records.next()? {
            for (line, bytes) in chunk.rows() {
                let added = row.split(bytes, layout).and_then(|fields| {
                    let npi = normalize::npi(fields.get(0)).map_err(|error| error.to_string())?;
                    self.encode(number, line, &fields, layout, &mut record);
                    Ok(npi)
                });
                match added {
                    Ok(npi) => {
                        counts.0 += 1;
                        self.keep(npi, layout.kind, &record);
                    }
                    Err(reason) => {
                        counts.1 += 1;
                        set_aside(SetAside::new(
                            name,
                            line,
                            bytes,
                            layout.npi_column(),
                            reason,
                        ));
                    }
                }
            }
            for row in chunk.set_aside {
                counts.1 += 1;
                set_aside(row);
            }
            if self.bytes > MAX_BYTES {
                return Err(Self::too_large(name));
            }
            on_bytes(records.bytes_read() - before);
            before = records.bytes_read();
        }
        on_bytes(records.bytes_read() - before);
        if let Some(file) = self.files.last_mut() {
            (file.rows, file.set_aside) = counts;
        }
        Ok(())
    }

    /// Makes what was added ready for use.
    pub(super) fn finish(&mut self) {
        self.common.places = HashMap::new();
        self.index.sort_unstable();
        self.index.shrink_to_fit();
        if self.index.is_empty() {
            return;
        }
        self.buckets = Vec::with_capacity((NPIS >> BUCKET) + 2);
        for (at, entry) in self.index.iter().enumerate() {
            let bucket = (nine_of(*entry) >> BUCKET) as usize;
            // The arena is full before there are 2^32 rows.
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            while self.buckets.len() <= bucket {
                self.buckets.push(at);
            }
        }
        let end = u32::try_from(self.index.len()).unwrap_or(u32::MAX);
        self.buckets.push(end);
        self.buckets.push(end);
    }

    fn too_large(name: &str) -> FileError {
        FileError::SideTooLarge {
            file: name.to_owned(),
            limit: MAX_BYTES,
        }
    }

    fn keep(&mut self, npi: Npi, kind: FileKind, record: &[u8]) {
        let fits = |piece: &Vec<u8>| piece.len() + record.len() <= PIECE;
        if !self.arena.last().is_some_and(fits) {
            self.arena.push(Vec::with_capacity(PIECE.max(record.len())));
        }
        let number = self.arena.len() as u64 - 1;
        let Some(piece) = self.arena.last_mut() else {
            return;
        };
        let place = number << 20 | piece.len() as u64;
        piece.extend_from_slice(record);
        self.bytes += record.len() as u64;
        if self.index.len() == self.index.capacity() {
            // In smaller steps than doubling, which would need three times the room.
            self.index.reserve_exact(self.index.len() / 4 + 1_024);
        }
        let kind = match kind {
            FileKind::OtherNames => 0,
            FileKind::PracticeLocations => 1,
            _ => 2,
        };
        self.index
            .push(u64::from(nine(npi)) << 36 | kind << 34 | place);
    }

    /// Writes a row as it is kept: its file, its line, its values without the NPI.
    fn encode(
        &mut self,
        file: u8,
        line: u64,
        fields: &Fields,
        layout: &Layout,
        record: &mut Vec<u8>,
    ) {
        record.clear();
        record.push(file);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        record.extend_from_slice(&line.to_le_bytes());
        for slot in 1..layout.slots {
            let value = fields.get(slot);
            let common = is_common(layout.kind, slot)
                .then(|| self.common.number(value))
                .flatten();
            if let Some(number) = common {
                record.push(COMMON);
                record.extend_from_slice(&number.to_le_bytes());
                continue;
            }
            match u8::try_from(value.len()) {
                Ok(length) if length < SHORT => record.push(length),
                _ => {
                    record.push(LONG);
                    // A row, and so a value, is shorter than 2^32.
                    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
                    record.extend_from_slice(&length.to_le_bytes());
                }
            }
            record.extend_from_slice(value.as_bytes());
        }
    }
}

/// Whether the values of a column are few: descriptions, cities.
fn is_common(kind: FileKind, slot: usize) -> bool {
    match kind {
        FileKind::PracticeLocations => slot == 3,
        FileKind::Endpoints => matches!(slot, 1 | 2 | 5 | 6 | 8 | 9 | 15),
        _ => false,
    }
}

fn nine(npi: Npi) -> u32 {
    // An NPI has ten digits, the first 1 or 2.
    u32::try_from(npi.as_i64() / 10 - 100_000_000).unwrap_or_default()
}

fn nine_of(entry: u64) -> u32 {
    // 28 bits are left.
    u32::try_from(entry >> 36).unwrap_or_default()
}

/// Values that stand in many rows.
#[derive(Default)]
struct Common {
    values: Vec<Box<str>>,
    places: HashMap<Box<str>, u16>,
}

impl Common {
    fn number(&mut self, value: &str) -> Option<u16> {
        // Nothing is gained with a value as short as its number.
        if value.len() < 3 || value.len() > 80 {
            return None;
        }
        if let Some(number) = self.places.get(value) {
            return Some(*number);
        }
        if self.values.len() >= MAX_COMMON {
            return None;
        }
        let number = u16::try_from(self.values.len()).ok()?;
        self.values.push(value.into());
        self.places.insert(value.into(), number);
        Some(number)
    }
}

struct SideRow<'a> {
    file: usize,
    line: u64,
    bytes: &'a [u8],
    /// How many values it has.
    slots: usize,
    common: &'a Common,
}

impl<'a> SideRow<'a> {
    /// Its values by slot, the NPI left out.
    fn values<const N: usize>(&self) -> [&'a str; N] {
        let mut rest = self.bytes;
        let mut values = [""; N];
        for value in values.iter_mut().take(self.slots) {
            let Some(next) = next_value(&mut rest, self.common) else {
                break;
            };
            *value = next;
        }
        values
    }

    /// The row as its file has it, without the columns that are not read.
    fn text(&self, npi: Npi, layout: &Layout) -> String {
        let values = self.values::<18>();
        let fields: Vec<String> = (0..layout.columns)
            .map(|column| match layout.slot(column) {
                Some(0) => format!("\"{npi}\""),
                Some(slot) => format!("\"{}\"", values[slot - 1].replace('"', "\"\"")),
                None => "\"\"".to_owned(),
            })
            .collect();
        fields.join(",")
    }
}

fn next_value<'a>(bytes: &mut &'a [u8], common: &'a Common) -> Option<&'a str> {
    let length = match *bytes.split_off_first()? {
        COMMON => {
            let (number, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            let number = usize::from(u16::from_le_bytes(*number));
            return common.values.get(number).map(AsRef::as_ref);
        }
        LONG => {
            let (length, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            u32::from_le_bytes(*length) as usize
        }
        length => usize::from(length),
    };
    std::str::from_utf8(bytes.split_off(..length)?).ok()
}
