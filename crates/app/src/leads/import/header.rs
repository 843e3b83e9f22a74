//! Which column of a file holds what, and what parts its cells.

use super::records::{Next, Records};
use crate::Error;

/// Lines that may stand above the names of the columns.
pub(super) const TITLES: usize = 10;
/// What may part cells; the first is taken when several would do.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Names of each column without case, blanks and punctuation. The first is that of an export.
const NPI: &[&str] = &[
    "npi",
    "npinumber",
    "npino",
    "npiid",
    "providernpi",
    "providernpinumber",
    "nationalprovideridentifier",
    "nationalprovideridentifiernpi",
    "nationalproviderid",
];
const STATUS: &[&str] = &["status", "leadstatus"];
const NOTES: &[&str] = &[
    "notes",
    "note",
    "comments",
    "comment",
    "remarks",
    "leadnotes",
];
const OWNER: &[&str] = &["owner", "leadowner", "assignedto", "assignee", "assigned"];
const LAST_CONTACT_AT: &[&str] = &[
    "lastcontactat",
    "lastcontact",
    "lastcontacted",
    "lastcontactedat",
    "lastcontactedon",
    "lastcontactdate",
    "lastcontacttime",
    "dateoflastcontact",
];
const LAST_CONTACT_METHOD: &[&str] = &[
    "lastcontactmethod",
    "contactmethod",
    "lastcontactby",
    "lastcontactvia",
];
const CREATED_AT: &[&str] = &[
    "createdat",
    "created",
    "createdon",
    "createddate",
    "datecreated",
    "leadcreated",
    "leadcreatedat",
];

/// Places of the columns in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub width: usize,
    pub npi: usize,
    pub status: Option<usize>,
    pub notes: Option<usize>,
    pub owner: Option<usize>,
    pub last_contact_at: Option<usize>,
    pub last_contact_method: Option<usize>,
    pub created_at: Option<usize>,
}

impl Columns {
    /// The columns that a row names. Nothing when it names no NPI.
    ///
    /// # Errors
    /// When two of them are the same.
    pub fn named(row: &[String]) -> Result<Option<Self>, Error> {
        let names: Vec<String> = row.iter().map(|name| key(name)).collect();
        let place = |known: &[&str]| -> Result<Option<usize>, Error> {
            let exact: Vec<usize> = (0..names.len()).filter(|n| names[*n] == known[0]).collect();
            let meant = |n: &usize| known.contains(&names[*n].as_str());
            let usual: Vec<usize> = (0..names.len()).filter(meant).collect();
            match (&exact[..], &usual[..]) {
                ([one], _) | ([], [one]) => Ok(Some(*one)),
                ([], []) => Ok(None),
                ([], [first, second, ..]) | ([first, second, ..], _) => {
                    let problem = format!(
                        "the columns {:?} and {:?} mean the same; leave one out or rename it",
                        row[*first].trim(),
                        row[*second].trim()
                    );
                    Err(Error::invalid("file", problem))
                }
            }
        };
        let Some(npi) = place(NPI)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            width: names.len(),
            npi,
            status: place(STATUS)?,
            notes: place(NOTES)?,
            owner: place(OWNER)?,
            last_contact_at: place(LAST_CONTACT_AT)?,
            last_contact_method: place(LAST_CONTACT_METHOD)?,
            created_at: place(CREATED_AT)?,
        }))
    }

    /// How many columns are known.
    fn known(&self) -> usize {
        let others = [
            self.status,
            self.notes,
            self.owner,
            self.last_contact_at,
            self.last_contact_method,
            self.created_at,
        ];
        others.iter().flatten().count() + 1
    }
}

/// A name without case, blanks and punctuation.
fn key(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// What parts the cells of a file, by its beginning.
pub(super) fn delimiter(beginning: &str) -> u8 {
    if let Some(said) = said(beginning) {
        return said;
    }
    // The names that come first, and the more of them the better.
    let fits = |delimiter: u8| {
        let mut records = Records::new(beginning.as_bytes(), delimiter);
        let mut cells = Vec::new();
        for above in 0..=TITLES {
            if !matches!(records.next(&mut cells), Ok(Next::Row(_))) {
                return None;
            }
            match Columns::named(&cells) {
                Ok(None) => {}
                Ok(Some(columns)) => return Some((TITLES - above, columns.known())),
                Err(_) => return Some((TITLES - above, usize::MAX)),
            }
        }
        None
    };
    // Of equals the last is the greatest, so the most usual one comes last.
    DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|delimiter| fits(*delimiter))
        .unwrap_or(b',')
}

/// What a first line `sep=;` says, which Excel writes and reads.
fn said(beginning: &str) -> Option<u8> {
    let line = beginning.split(['\r', '\n']).next()?;
    let line = line.trim_matches(['"', ' ']);
    let head = line.get(..4)?;
    let rest = line.as_bytes().get(4..5)?[0];
    (head.eq_ignore_ascii_case("sep=") && DELIMITERS.contains(&rest)).then_some(rest)
}

/// What a file without an NPI column is answered.
pub(super) fn none() -> Error {
    Error::invalid(
        "file",
        "one of the first lines has to name the columns, and one of them is npi; cells are parted \
         by commas, semicolons, tabs or |",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &str) -> Result<Option<Columns>, Error> {
        let names: Vec<String> = names.split(',').map(ToOwned::to_owned).collect();
        Columns::named(&names)
    }

    #[test]
    fn usual_names_are_understood() {
        let exact = named("npi,status,notes,owner,last_contact_at,last_contact_method,created_at");
        let exact = exact.unwrap().unwrap();
        for names in [
            " NPI ,STATUS,Notes,Owner,Last Contact At,Last-Contact-Method,Created_At",
            "NPI Number,Lead status,Note,Assigned to,Last contact,Contact method,Created",
            "NPI #,Lead_Status,Comments,Lead Owner,Last contacted,Last contact by,Created on",
            "Provider NPI,Status:,Comment,Assignee,Last contact date,Contact Method,Date created",
        ] {
            assert_eq!(named(names).unwrap(), Some(exact.clone()), "{names}");
        }
        for names in ["name,status", "", "NPI Number;Status", "Our NPIs of May"] {
            assert_eq!(named(names).unwrap(), None, "{names}");
        }
    }

    #[test]
    fn of_two_names_the_exact_one_is_meant_and_otherwise_none() {
        assert_eq!(named("Provider NPI,npi").unwrap().unwrap().npi, 1);
        assert_eq!(named("npi,Comments,Notes").unwrap().unwrap().notes, Some(2));
        for names in ["npi,NPI", "npi,Note,Comments", "NPI Number,NPI No"] {
            assert!(named(names).is_err(), "{names}");
        }
    }

    #[test]
    fn what_parts_cells_is_seen_by_the_names() {
        for (file, expected) in [
            ("npi,status\n", b','),
            ("npi;status;notes\n1900000013;new;a, b\n", b';'),
            ("npi\tstatus\n", b'\t'),
            ("npi|status\n", b'|'),
            ("Leads, of May; ours\n\nnpi;status\n", b';'),
            ("sep=|\nnpi|status\n", b'|'),
            ("\"sep=;\"\r\nnpi;x\n", b';'),
            ("npi\n1900000013\n", b','),
            ("npi;status;npi\n", b';'),
            ("", b','),
            ("none", b','),
        ] {
            assert_eq!(delimiter(file), expected, "{file:?}");
        }
    }
}
