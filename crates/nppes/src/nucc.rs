//! The NUCC Health Care Provider Taxonomy, read from its file at run time.
//!
//! The code set is not compiled in: it is replaced by a newer file twice a year, and whoever ships
//! a product with it needs a licence of its committee.

use std::{collections::HashSet, fs::File, io::Read, path::Path};

use canvass_model::{Catalogue, Taxonomy};
use csv::StringRecord;

/// Longest file that is read. Release 25.1, definitions included, has 0.6 MB.
const MAX_BYTES: u64 = 16 << 20;

/// Why a file is no NUCC taxonomy.
#[derive(Debug, thiserror::Error)]
pub enum NuccError {
    /// The file can't be read.
    #[error("the NUCC taxonomy can't be read from {path}")]
    Open {
        /// Which file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A web page: what the NUCC's site answers, with success, for a release that does not exist.
    #[error(
        "this is a web page, not the NUCC taxonomy; download nucc_taxonomy_<release>.csv from nucc.org again"
    )]
    Html,
    /// Some columns are missing.
    #[error("the NUCC taxonomy lacks the columns {missing}; its header is {found:?}")]
    Header {
        /// Names of the missing columns.
        missing: String,
        /// The first line, shortened.
        found: String,
    },
    /// A line can't be understood.
    #[error("line {line} of the NUCC taxonomy: {problem}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Longer than a taxonomy can be.
    #[error("this file has more than 16 MB and is no NUCC taxonomy")]
    TooLong,
    /// A header and nothing else.
    #[error("the NUCC taxonomy has no codes")]
    Empty,
}

/// Reads the taxonomy from a file, in the NUCC's own layout or in ours.
///
/// # Errors
/// When the file can't be read or is no taxonomy.
pub fn load(path: &Path) -> Result<Catalogue, NuccError> {
    let file = File::open(path).map_err(|source| NuccError::Open {
        path: path.display().to_string(),
        source,
    })?;
    parse(file)
}

/// Reads the taxonomy. Columns go by name: `Code`, `Grouping`, `Classification`, `Specialization`,
/// `Display Name` and `Section` in the NUCC's file, the same in lower case with underscores in ours.
/// Definitions and notes are passed over.
///
/// # Errors
/// When it is no taxonomy.
pub fn parse(reader: impl Read) -> Result<Catalogue, NuccError> {
    let text = read(reader)?;
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = rows.records();
    let header = match rows.next() {
        Some(row) => row.map_err(|e| bad_line(&e))?,
        None => StringRecord::new(),
    };
    let columns = Columns::find(&header)?;
    let mut taxonomies = Vec::new();
    let mut seen = HashSet::new();
    for row in rows {
        let row = row.map_err(|e| bad_line(&e))?;
        let line = row.position().map_or(0, csv::Position::line);
        let taxonomy = columns
            .taxonomy(&row)
            .map_err(|problem| NuccError::Line { line, problem })?;
        if !seen.insert(taxonomy.code.clone()) {
            let problem = format!("the code {} stands here a second time", taxonomy.code);
            return Err(NuccError::Line { line, problem });
        }
        taxonomies.push(taxonomy);
    }
    if taxonomies.is_empty() {
        return Err(NuccError::Empty);
    }
    Ok(Catalogue::new(taxonomies))
}

fn read(reader: impl Read) -> Result<String, NuccError> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| NuccError::Open {
            path: "the stream".to_owned(),
            source,
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(NuccError::TooLong);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if bytes.trim_ascii_start().starts_with(b"<") {
        return Err(NuccError::Html);
    }
    // Releases before 2018 are in a Windows code page; only definitions have letters outside ASCII.
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn bad_line(error: &csv::Error) -> NuccError {
    NuccError::Line {
        line: error.position().map_or(0, csv::Position::line),
        problem: error.to_string(),
    }
}

/// Where each column stands.
struct Columns {
    code: usize,
    section: usize,
    grouping: usize,
    classification: usize,
    specialization: usize,
    display_name: usize,
}

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, NuccError> {
        let mut missing = Vec::new();
        let mut column = |name: &str| {
            let found = header
                .iter()
                .position(|h| h.trim().to_ascii_lowercase().replace(' ', "_") == name);
            found.unwrap_or_else(|| {
                missing.push(name.to_owned());
                0
            })
        };
        let columns = Self {
            code: column("code"),
            section: column("section"),
            grouping: column("grouping"),
            classification: column("classification"),
            specialization: column("specialization"),
            display_name: column("display_name"),
        };
        if missing.is_empty() {
            return Ok(columns);
        }
        let line = header.iter().collect::<Vec<_>>().join(",");
        Err(NuccError::Header {
            missing: missing.join(", "),
            found: line.chars().take(120).collect(),
        })
    }

    fn taxonomy(&self, row: &StringRecord) -> Result<Taxonomy, String> {
        let value = |i: usize| row.get(i).unwrap_or_default().trim().to_owned();
        let taxonomy = Taxonomy {
            code: value(self.code),
            section: value(self.section),
            grouping: value(self.grouping),
            classification: value(self.classification),
            specialization: value(self.specialization),
            display_name: value(self.display_name),
        };
        if !is_code(&taxonomy.code) {
            return Err(format!(
                "{:?} is no taxonomy code, which has ten letters and digits and ends in X",
                taxonomy.code.chars().take(20).collect::<String>()
            ));
        }
        if taxonomy.classification.is_empty() {
            return Err(format!("the code {} has no classification", taxonomy.code));
        }
        Ok(taxonomy)
    }
}

/// Every code of the NUCC has this form.
fn is_code(text: &str) -> bool {
    text.len() == 10
        && text.ends_with('X')
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}
