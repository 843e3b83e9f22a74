//! What stands in which column of an export, and how cells are kept from being run.

use canvass_model::{Address, Entity, Lead};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Row;
use crate::App;

/// A column of an export.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// Its name in the first line, which an import understands too.
    pub(super) name: &'static str,
    value: fn(&Row, &App) -> Option<String>,
}

impl Column {
    const fn new(name: &'static str, value: fn(&Row, &App) -> Option<String>) -> Self {
        Self { name, value }
    }

    /// What stands in it; empty where nothing is known.
    pub(super) fn of(&self, row: &Row, app: &App) -> String {
        (self.value)(row, app).unwrap_or_default()
    }
}

fn practice(row: &Row, part: fn(&Address) -> Option<String>) -> Option<String> {
    row.provider.practice.as_ref().and_then(part)
}

fn lead(row: &Row, part: fn(&Lead) -> Option<String>) -> Option<String> {
    row.lead.as_ref().and_then(part)
}

const NPI: Column = Column::new("npi", |r, _| Some(r.provider.npi.to_string()));
const NAME: Column = Column::new("name", |r, _| Some(r.provider.display_name()));
const ENTITY: Column = Column::new("entity", |r, _| {
    r.provider.entity.map(|e: Entity| e.as_str().to_owned())
});
const SPECIALTY: Column = Column::new("specialty", |r, app| {
    let primary = r.provider.primary_taxonomy()?;
    Some(app.catalogue().describe(&primary.code))
});
const TAXONOMY: Column = Column::new("taxonomy", |r, _| {
    r.provider.primary_taxonomy().map(|t| t.code.clone())
});
const ADDRESS_1: Column = Column::new("address_1", |r, _| practice(r, |a| a.line_1.clone()));
const ADDRESS_2: Column = Column::new("address_2", |r, _| practice(r, |a| a.line_2.clone()));
const CITY: Column = Column::new("city", |r, _| practice(r, |a| a.city.clone()));
const STATE: Column = Column::new("state", |r, _| practice(r, |a| a.state.clone()));
const POSTAL_CODE: Column =
    Column::new("postal_code", |r, _| practice(r, |a| a.postal_code.clone()));
const PHONE: Column = Column::new("phone", |r, _| r.provider.phone().map(ToString::to_string));
const FAX: Column = Column::new("fax", |r, _| {
    practice(r, |a| a.fax.as_ref().map(ToString::to_string))
});

/// Columns of an export of providers.
pub(super) const PROVIDER: [Column; 14] = [
    NPI,
    NAME,
    ENTITY,
    SPECIALTY,
    TAXONOMY,
    ADDRESS_1,
    ADDRESS_2,
    CITY,
    STATE,
    POSTAL_CODE,
    PHONE,
    FAX,
    Column::new("enumerated_on", |r, _| {
        r.provider.enumerated_on.map(|d| d.to_string())
    }),
    Column::new("updated_on", |r, _| {
        r.provider.updated_on.map(|d| d.to_string())
    }),
];

/// Columns of an export of leads.
pub(super) const LEAD: [Column; 19] = [
    NPI,
    NAME,
    ENTITY,
    SPECIALTY,
    TAXONOMY,
    ADDRESS_1,
    ADDRESS_2,
    CITY,
    STATE,
    POSTAL_CODE,
    PHONE,
    FAX,
    Column::new("status", |r, _| {
        lead(r, |l| Some(l.status.as_str().to_owned()))
    }),
    Column::new("notes", |r, _| lead(r, |l| Some(l.notes.clone()))),
    Column::new("owner", |r, _| lead(r, |l| l.owner.clone())),
    Column::new("last_contact_at", |r, _| {
        lead(r, |l| l.last_contact_at.map(|at| at.to_string()))
    }),
    Column::new("last_contact_method", |r, _| {
        lead(r, |l| l.last_contact_method.map(|m| m.as_str().to_owned()))
    }),
    Column::new("created_at", |r, _| {
        lead(r, |l| Some(l.created_at.to_string()))
    }),
    Column::new("updated_at", |r, _| {
        lead(r, |l| Some(l.updated_at.to_string()))
    }),
];

/// A row as one JSON object, its fields in the order of the columns; what is not known is null.
pub(super) struct Line<'a> {
    pub(super) app: &'a App,
    pub(super) columns: &'a [Column],
    pub(super) row: &'a Row,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for column in self.columns {
            map.serialize_entry(column.name, &(column.value)(self.row, self.app))?;
        }
        map.end()
    }
}

/// Whether a spreadsheet takes a cell for a formula, after any apostrophes at its beginning
/// (OWASP, "CSV Injection").
fn runs(cell: &str) -> bool {
    cell.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell that no spreadsheet takes for a formula: with an apostrophe before it, if need be. A
/// cell that has one already gets another, so that what is taken off again is what was put on.
pub(crate) fn protected(mut cell: String) -> String {
    if runs(&cell) {
        cell.insert(0, '\'');
    }
    cell
}

/// What [`protected`] was given.
pub(crate) fn unprotected(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if runs(cell) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1"] {
            assert_eq!(protected(cell.to_owned()), format!("'{cell}"));
        }
        for cell in ["", "O'BRIEN", "'tis", "1-1", " =1"] {
            assert_eq!(protected(cell.to_owned()), cell);
        }
    }

    proptest! {
        #[test]
        fn what_was_put_before_a_cell_is_taken_off_again(cell in "['=+@\t\r-]{0,4}.{0,5}") {
            let written = protected(cell.clone());
            prop_assert!(!written.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(unprotected(&written), cell);
        }
    }
}
