//! What the cells of a row say of a lead.

use std::collections::{BTreeSet, HashMap, HashSet};

use canvass_model::{ContactMethod, LeadStatus, Npi};
use canvass_store::LeadRow;
use jiff::Timestamp;

use super::{MOST_LISTED, header::Columns, times};
use crate::{export::unprotected, leads::text_problem};

/// Whether a row has no content.
pub(super) fn is_blank(row: &[String]) -> bool {
    row.iter().all(|cell| is_empty(cell))
}

/// Whether nothing of a cell can be seen.
fn is_empty(cell: &str) -> bool {
    cell.chars()
        .all(|c| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}'))
}

/// What is known while rows are read.
pub(super) struct Reading {
    columns: Columns,
    /// Whether the file is text, in which an export puts an apostrophe before what looks like a
    /// formula.
    is_text: bool,
    /// Identifiers of users, by the keys of their names.
    users: HashMap<String, String>,
    now: Timestamp,
    seen: HashSet<Npi>,
    /// Names of owners that are no users.
    pub unknown_owners: BTreeSet<String>,
}

impl Reading {
    pub fn new(
        columns: Columns,
        is_text: bool,
        users: HashMap<String, String>,
        now: Timestamp,
    ) -> Self {
        Self {
            columns,
            is_text,
            users,
            now,
            seen: HashSet::new(),
            unknown_owners: BTreeSet::new(),
        }
    }

    /// What a row gives as NPI, as it is told.
    pub fn shown_npi(&self, row: &[String]) -> String {
        let npi = row.get(self.columns.npi).map_or("", |cell| cell.trim());
        npi.chars().take(40).collect()
    }

    /// What a row says, or its NPI with what is wrong with it.
    pub fn row(&mut self, row: &[String]) -> Result<LeadRow, (String, String)> {
        self.parsed(row)
            .map_err(|reason| (self.shown_npi(row), reason))
    }

    fn parsed(&mut self, row: &[String]) -> Result<LeadRow, String> {
        let columns = &self.columns;
        let width = columns.width;
        let filled = row.iter().rposition(|cell| !is_empty(cell));
        let filled = filled.map_or(0, |last| last + 1);
        if filled > width {
            return Err(format!("{filled} cells, and the line of names has {width}"));
        }
        let cell = |place: Option<usize>| {
            let cell = row.get(place?)?.as_str();
            Some(if self.is_text {
                unprotected(cell)
            } else {
                cell
            })
        };
        let npi = Npi::from_cell(row.get(columns.npi).map_or("", String::as_str))
            .map_err(|e| e.to_string())?;
        if self.seen.contains(&npi) {
            return Err("an earlier row has this NPI".to_owned());
        }
        let status = match cell(columns.status) {
            Some(text) if !is_empty(text) => {
                Some(LeadStatus::from_cell(text).map_err(|e| format!("status: {e}"))?)
            }
            _ => None,
        };
        let notes = cell(columns.notes);
        if let Some(problem) = notes.and_then(text_problem) {
            return Err(format!("notes: {problem}"));
        }
        let last_contact_at = cell(columns.last_contact_at)
            .map(|text| self.time("last_contact_at", text))
            .transpose()?;
        let last_contact_method = match cell(columns.last_contact_method) {
            None => None,
            Some(text) if is_empty(text) => Some(None),
            Some(text) => Some(Some(
                ContactMethod::from_cell(text).ok_or("last_contact_method: call, email or both")?,
            )),
        };
        let created_at = cell(columns.created_at)
            .map(|text| self.time("created_at", text))
            .transpose()?
            .flatten();
        let owner = match cell(columns.owner).map(str::trim) {
            None => None,
            Some(name) if is_empty(name) => Some(None),
            Some(name) => {
                let id = self.users.get(&canvass_store::name_key(name)).cloned();
                if id.is_none() {
                    let name: String = name.chars().take(100).collect();
                    let reason = format!("no such user who may sign in: {name}");
                    if self.unknown_owners.len() < MOST_LISTED {
                        self.unknown_owners.insert(name);
                    }
                    return Err(reason);
                }
                Some(id)
            }
        };
        self.seen.insert(npi);
        Ok(LeadRow {
            npi,
            status,
            notes: notes.map(str::to_owned),
            owner_id: owner,
            last_contact_at,
            last_contact_method,
            created_at,
        })
    }

    /// A time in the past; nothing for an empty cell.
    fn time(&self, name: &str, text: &str) -> Result<Option<Timestamp>, String> {
        if is_empty(text) {
            return Ok(None);
        }
        let at = times::read(text).ok_or_else(|| {
            format!("{name}: a time as in 2026-01-31T17:00:00Z, 1/31/2026 5:00 PM or 1/31/2026")
        })?;
        if at < Timestamp::UNIX_EPOCH || at > self.now {
            return Err(format!("{name}: a time since 1970 and not in the future"));
        }
        // Both databases keep microseconds.
        Ok(Timestamp::from_microsecond(at.as_microsecond()).ok())
    }
}
