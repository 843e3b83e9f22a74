//! Dissemination files whose rows come from the model: good ones, and ones broken in a way that
//! canvass has to notice.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::{ToSpan as _, civil::Date};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::people::{PLACES, Person};

/// The header lines of the real files.
const MAIN: &str = include_str!("../../../nppes/data/headers/npidata.csv");
const LOCATIONS: &str = include_str!("../../../nppes/data/headers/pl.csv");
const OTHER_NAMES: &str = include_str!("../../../nppes/data/headers/othername.csv");
const ENDPOINTS: &str = include_str!("../../../nppes/data/headers/endpoint.csv");

/// In which way a file is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// It isn't.
    None,
    /// A few of its rows can't be read.
    FewRows,
    /// More of its rows can't be read than may be.
    ManyRows,
    /// Half of the providers are missing.
    Half,
    /// The archive ends too soon.
    CutArchive,
    /// The table ends within a row.
    CutTable,
}

/// A file that was written, and what it tells.
#[derive(Clone, Debug)]
pub(super) struct Dissemination {
    pub(super) path: PathBuf,
    pub(super) full: bool,
    /// The last day of which it knows.
    pub(super) until: Date,
    pub(super) damage: Damage,
    /// The version of each provider, by place in the population; of a row that can't be read too.
    pub(super) rows: HashMap<usize, usize>,
    /// Those of its rows that can't be read.
    pub(super) unreadable: Vec<usize>,
}

impl Dissemination {
    /// Writes the newest version of some providers, as of a day.
    pub(super) fn write(
        folder: &Path,
        name: &str,
        people: &[Person],
        chosen: &[usize],
        full: bool,
        until: Date,
        damage: Damage,
    ) -> io::Result<Self> {
        let first = if full {
            "20050523".to_owned()
        } else {
            day_of_name(until.checked_sub(6.days()).map_err(io::Error::other)?)
        };
        let days = format!("{first}-{}", day_of_name(until));
        let (step, kept): (usize, usize) = match damage {
            // One of each 700 rows, at least one: fewer than 1 %.
            Damage::FewRows => (700, usize::MAX),
            Damage::ManyRows => (20, usize::MAX),
            Damage::Half => (usize::MAX, chosen.len() / 2),
            Damage::None | Damage::CutArchive | Damage::CutTable => (usize::MAX, usize::MAX),
        };
        let columns = columns(MAIN);
        let mut main = MAIN.as_bytes().to_vec();
        let mut locations = LOCATIONS.to_owned();
        let mut rows = HashMap::new();
        let mut unreadable = Vec::new();
        for (i, at) in chosen.iter().take(kept).enumerate() {
            let person = &people[*at];
            let version = person.newest();
            rows.insert(*at, person.newest_number());
            let bad = step != usize::MAX && i % step == step / 2 % chosen.len();
            if bad {
                unreadable.push(*at);
            }
            push_row(&mut main, &columns, &person.row(version), bad);
            if let Some(place) = version.secondary {
                let (state, city, zip) = PLACES[place];
                let npi = person.npi.to_string();
                let values = [
                    &npi,
                    "1 MAIN ST",
                    "",
                    city,
                    state,
                    zip,
                    "US",
                    "2025550100",
                    "",
                    "",
                ];
                locations.push_str(&line(&values));
            }
        }
        let path = if damage == Damage::CutTable {
            main.truncate(main.len() * 97 / 100);
            // Not at the end of a row.
            while main.last().is_none_or(|b| !b.is_ascii_alphanumeric()) {
                main.pop();
            }
            let path = folder.join(format!("npidata_pfile_{days}_{name}.csv"));
            std::fs::write(&path, &main)?;
            path
        } else {
            let path = folder.join(format!("{name}.zip"));
            let mut zip = ZipWriter::new(File::create(&path)?);
            let members: [(&str, &[u8]); 4] = [
                ("npidata", &main),
                ("othername", OTHER_NAMES.as_bytes()),
                ("pl", locations.as_bytes()),
                ("endpoint", ENDPOINTS.as_bytes()),
            ];
            for (kind, text) in members {
                let options = SimpleFileOptions::default().compression_level(Some(1));
                zip.start_file(format!("{kind}_pfile_{days}.csv"), options)?;
                zip.write_all(text)?;
            }
            zip.finish()?;
            if damage == Damage::CutArchive {
                let bytes = std::fs::read(&path)?;
                std::fs::write(&path, &bytes[..bytes.len() * 3 / 4])?;
            }
            path
        };
        Ok(Self {
            path,
            full,
            until,
            damage,
            rows,
            unreadable,
        })
    }

    /// What it tells of a provider; none where it has no row of it that can be read.
    pub(super) fn tells(&self, at: usize) -> Option<usize> {
        let version = self.rows.get(&at)?;
        (!self.unreadable.contains(&at)).then_some(*version)
    }

    /// Whether it must be refused whatever is stored.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.damage, Damage::CutArchive | Damage::CutTable)
            || (self.full && matches!(self.damage, Damage::ManyRows | Damage::Half))
    }
}

fn day_of_name(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

/// Place of each column by its name.
fn columns(header: &str) -> HashMap<&str, usize> {
    let names = header.trim_end().trim_matches('"').split("\",\"");
    names.enumerate().map(|(i, name)| (name, i)).collect()
}

/// The line of a row.
fn line(values: &[&str]) -> String {
    format!("\"{}\"\n", values.join("\",\""))
}

/// Adds a row; a bad one has a byte in it that is no text, after its NPI.
fn push_row(
    table: &mut Vec<u8>,
    columns: &HashMap<&str, usize>,
    row: &[(&str, String)],
    bad: bool,
) {
    let mut values = vec![""; columns.len()];
    for (column, value) in row {
        let at = columns
            .get(column)
            .unwrap_or_else(|| panic!("no column {column:?}"));
        values[*at] = value;
    }
    let line = line(&values);
    let from = table.len();
    table.extend_from_slice(line.as_bytes());
    if bad {
        let address = from + line.find("MAIN").expect("each has an address");
        table[address] = 0xff;
    }
}
