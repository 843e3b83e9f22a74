//! The dissemination files of the registry: the monthly and the weekly sets, and the report of
//! deactivated NPIs.
//!
//! [`Catalog::open`] looks at archives and files and tells by their content what they hold.
//! [`Catalog::side`] reads the side files (other names, secondary practice locations, endpoints)
//! into memory; [`Catalog::rows`] then goes through the main file in batches, and
//! [`RowBatch::parse`], which may run on several threads, makes providers of them.
//!
//! What is read is hostile until proven otherwise: nothing here uses more memory because a file
//! claims to be large, holds a long line, or has been packed to be so.

mod archive;
mod catalog;
mod deactivations;
mod layout;
mod look;
mod names;
mod provider;
mod records;
mod rows;
mod side;
mod split;
mod workbook;
mod xlsx;

use std::{io, path::PathBuf};

use canvass_model::Npi;
use jiff::civil::Date;

use crate::normalize;

pub use catalog::{Catalog, Member, PassedOver};
pub use deactivations::Deactivation;
pub use rows::{RowBatch, RowReader};
pub use side::{Side, SideFile};
pub use workbook::{Workbook, WorkbookSheet};

/// What a file turned out to hold, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// The main file: one provider a row (`npidata_pfile`).
    Providers,
    /// Other names of organizations (`othername_pfile`).
    OtherNames,
    /// Secondary practice locations (`pl_pfile`).
    PracticeLocations,
    /// Endpoints (`endpoint_pfile`).
    Endpoints,
    /// The report of deactivated NPIs, a spreadsheet or CSV.
    Deactivations,
    /// A header of one of the files, without rows.
    Header,
}

impl FileKind {
    /// What it holds, in words: `providers`, `other names`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Providers => "providers",
            Self::OtherNames => "other names",
            Self::PracticeLocations => "practice locations",
            Self::Endpoints => "endpoints",
            Self::Deactivations => "deactivations",
            Self::Header => "header",
        }
    }
}

/// Of what extent a set of files is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// The whole registry: a provider that is missing is no longer published.
    Full {
        /// Last day of which it knows.
        until: Option<Date>,
    },
    /// What is new, changed or deactivated within some days, commonly Monday to Sunday.
    Weekly {
        /// First of these days.
        from: Option<Date>,
        /// Last of these days.
        until: Option<Date>,
    },
    /// The report of all deactivated NPIs.
    Deactivations {
        /// The day it was made.
        as_of: Option<Date>,
    },
}

/// Which edition of the layout a file has. Both are read alike: columns go by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Until March 2026: column 42 is `Provider Gender Code`.
    V1,
    /// Since December 2024, with longer fields: column 42 is `Provider Sex Code`.
    V2,
}

/// A row that could not be understood, or that belongs to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Name of the file, within its archive.
    pub file: String,
    /// Its line in the file, from 1; the header is line 1.
    pub line: u64,
    /// What stands where the NPI should, when that is ten digits.
    pub npi: Option<String>,
    /// Why it was set aside.
    pub reason: String,
    /// The row, cut to [`SetAside::MAX_ROW`] bytes.
    pub row: String,
}

impl SetAside {
    /// How much of a row is kept, in bytes.
    pub const MAX_ROW: usize = 4_096;

    /// A row whose NPI stands in a column, from 0.
    fn new(file: &str, line: u64, row: &[u8], column: usize, reason: impl Into<String>) -> Self {
        let head = &row[..row.len().min(Self::MAX_ROW)];
        let mut text = String::from_utf8_lossy(head).into_owned();
        // A letter that is cut, or no letter, becomes a longer one.
        let end = (0..=Self::MAX_ROW.min(text.len()))
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        // The row may be no text, and its quotes may not match. Only what fits is taken from a
        // column of which nobody knows whether it is where it should be.
        let cell = row.split(|b| *b == b',').nth(column);
        let npi = cell
            .and_then(|cell| std::str::from_utf8(cell).ok())
            .and_then(normalize::npi_digits)
            .filter(|npi| column == 0 || npi.parse::<Npi>().is_ok());
        Self {
            file: file.to_owned(),
            line,
            npi,
            reason: reason.into(),
            row: text,
        }
    }
}

/// A single value that could not be understood and was left out of its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Name of the file, within its archive.
    pub file: String,
    /// Its line in the file, from 1.
    pub line: u64,
    /// Whose value it is.
    pub npi: Npi,
    /// The column it stands in.
    pub column: String,
    /// What is wrong with it, in the same words for every such value.
    pub reason: String,
    /// Which value, and what is wrong with it.
    pub problem: String,
}

/// Why files can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file can't be opened.
    #[error("{} can't be opened", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Reading stopped in the middle.
    #[error(
        "{file} can't be read on after byte {byte} of its content; if it was downloaded, download it again"
    )]
    Read {
        /// Archive and member.
        file: String,
        /// How many bytes of its uncompressed content were read.
        byte: u64,
        /// What happened.
        source: io::Error,
    },
    /// A file ends in the middle of a row.
    #[error(
        "{file} is cut: it ends within line {line}, at byte {byte}; if it was downloaded, download it again"
    )]
    Cut {
        /// Archive and member.
        file: String,
        /// The line that is not whole, from 1.
        line: u64,
        /// Length of the uncompressed content.
        byte: u64,
    },
    /// Rows can't be made providers of, because of a fault of canvass.
    #[error("{file} can't be read from line {line} on, by a fault of canvass: {problem}")]
    Broken {
        /// Archive and member.
        file: String,
        /// Where the rows begin that were being read, from 1.
        line: u64,
        /// What the fault said.
        problem: String,
    },
    /// An archive is broken, or claims more than a set of files can have.
    #[error("{}: {problem}", path.display())]
    Archive {
        /// Which archive.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is no dissemination file.
    #[error("{file} is no file of the NPI registry: {problem}")]
    Unknown {
        /// Archive and member.
        file: String,
        /// What it is instead.
        problem: String,
    },
    /// A file lacks columns without which it says nothing.
    #[error("{file} lacks the columns {missing}")]
    Columns {
        /// Archive and member.
        file: String,
        /// Their names.
        missing: String,
    },
    /// There is nothing to read.
    #[error("nothing to read{passed_over}")]
    Nothing {
        /// What was passed over, and why.
        passed_over: String,
    },
    /// The files belong to several sets.
    #[error(
        "these files are {count} sets ({sets}): read one after another, with `Catalog::open_all`"
    )]
    Several {
        /// How many.
        count: usize,
        /// Their extents in words.
        sets: String,
    },
    /// The side files are larger than any that were published.
    #[error("{file} makes the side files larger than {limit} bytes, which no published set is")]
    SideTooLarge {
        /// The file that was read when the bound was met.
        file: String,
        /// The bound.
        limit: u64,
    },
}
