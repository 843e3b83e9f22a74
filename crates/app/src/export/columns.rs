//! What stands in which column of an export, and how cells are kept from being run.

use std::slice::Iter;

use canvass_model::{Address, Entity, Lead, LeadStatus, Official, ProviderTaxonomy, Sex};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Row;
use crate::{App, Error};

/// A list that can be exported: what columns there are depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportList {
    /// Providers of a search.
    Providers,
    /// Leads.
    Leads,
}

impl ExportList {
    /// The names of all columns that an export of it can have.
    pub fn columns(self) -> impl Iterator<Item = &'static str> {
        all(self).map(|column| column.name)
    }

    /// The names of the columns that it has when nobody says which, in their order.
    pub fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Providers => &PROVIDER,
            Self::Leads => &LEAD,
        }
    }

    /// The columns of these names, each once; the usual ones when there is no name.
    pub(super) fn chosen(self, names: &[String]) -> Result<Columns, Error> {
        let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
        let mut columns = Vec::new();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let column = all(self).find(|column| column.name.eq_ignore_ascii_case(name));
            let column = column.ok_or_else(|| self.no_such(name))?;
            if columns
                .iter()
                .all(|known: &&Column| known.name != column.name)
            {
                columns.push(column);
            }
        }
        if columns.is_empty() {
            let usual = |name: &&str| all(self).find(|column| column.name == *name);
            columns.extend(self.usual().iter().filter_map(usual));
        }
        Ok(Columns(columns))
    }

    fn no_such(self, name: &str) -> Error {
        let name: String = name.chars().take(60).collect();
        let all: Vec<&str> = self.columns().collect();
        let problem = format!("there is no column {name:?}; there are {}", all.join(", "));
        Error::invalid("columns", problem)
    }
}

fn all(list: ExportList) -> impl Iterator<Item = &'static Column> {
    let other = match list {
        ExportList::Providers => Of::Leads,
        ExportList::Leads => Of::Providers,
    };
    COLUMNS.iter().filter(move |column| column.of != other)
}

/// The columns of a file, from left to right.
#[derive(Clone)]
pub(super) struct Columns(Vec<&'static Column>);

impl Columns {
    pub(super) fn iter(&self) -> std::iter::Copied<Iter<'_, &'static Column>> {
        self.0.iter().copied()
    }

    /// Whether one says what became of a provider as a lead.
    pub(super) fn tell_leads(&self) -> bool {
        self.iter().any(|column| column.name == STATUS_OF_LEAD)
    }
}

/// The column of providers that says the status of their lead.
const STATUS_OF_LEAD: &str = "lead";

/// Which exports can have a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Both,
    Providers,
    Leads,
}

/// A column of an export.
pub(super) struct Column {
    /// Its name in the first line, which an import understands too.
    pub(super) name: &'static str,
    of: Of,
    value: Value,
}

type Value = fn(&Row, &App) -> Option<String>;

impl Column {
    const fn new(name: &'static str, value: Value) -> Self {
        let of = Of::Both;
        Self { name, of, value }
    }

    const fn only(of: Of, name: &'static str, value: Value) -> Self {
        Self { name, of, value }
    }

    /// What stands in it; empty where nothing is known.
    pub(super) fn of(&self, row: &Row, app: &App) -> String {
        (self.value)(row, app).unwrap_or_default()
    }
}

fn practice(row: &Row, part: fn(&Address) -> Option<String>) -> Option<String> {
    row.provider.practice.as_ref().and_then(part)
}

fn official(row: &Row, part: fn(&Official) -> Option<String>) -> Option<String> {
    row.provider.official.as_ref().and_then(part)
}

fn taxonomy(row: &Row, part: fn(&ProviderTaxonomy) -> Option<String>) -> Option<String> {
    row.provider.primary_taxonomy().and_then(part)
}

fn lead(row: &Row, part: fn(&Lead) -> Option<String>) -> Option<String> {
    row.lead.as_ref().and_then(part)
}

/// Every column that there is, in the order in which they are told.
static COLUMNS: [Column; 29] = [
    Column::new("npi", |r, _| Some(r.provider.npi.to_string())),
    Column::new("name", |r, _| Some(r.provider.display_name())),
    Column::new("credential", |r, _| r.provider.name.credential.clone()),
    Column::new("entity", |r, _| {
        r.provider.entity.map(|e: Entity| e.as_str().to_owned())
    }),
    Column::new("sex", |r, _| {
        r.provider.sex.map(|s: Sex| s.as_str().to_owned())
    }),
    Column::new("specialty", |r, app| {
        let primary = r.provider.primary_taxonomy()?;
        Some(app.catalogue().describe(&primary.code))
    }),
    Column::new("taxonomy", |r, _| taxonomy(r, |t| Some(t.code.clone()))),
    Column::new("license", |r, _| taxonomy(r, |t| t.license.clone())),
    Column::new("license_state", |r, _| taxonomy(r, |t| t.state.clone())),
    Column::new("address_1", |r, _| practice(r, |a| a.line_1.clone())),
    Column::new("address_2", |r, _| practice(r, |a| a.line_2.clone())),
    Column::new("city", |r, _| practice(r, |a| a.city.clone())),
    Column::new("state", |r, _| practice(r, |a| a.state.clone())),
    Column::new("postal_code", |r, _| practice(r, |a| a.postal_code.clone())),
    Column::new("phone", |r, _| r.provider.phone().map(ToString::to_string)),
    Column::new("fax", |r, _| {
        practice(r, |a| a.fax.as_ref().map(ToString::to_string))
    }),
    Column::new("official", |r, _| {
        let name = official(r, |o| Some(o.name.display()));
        name.filter(|name| !name.is_empty())
    }),
    Column::new("official_title", |r, _| official(r, |o| o.title.clone())),
    Column::new("official_phone", |r, _| {
        official(r, |o| o.phone.as_ref().map(ToString::to_string))
    }),
    Column::new("enumerated_on", |r, _| {
        r.provider.enumerated_on.map(|d| d.to_string())
    }),
    Column::new("updated_on", |r, _| {
        r.provider.updated_on.map(|d| d.to_string())
    }),
    Column::only(Of::Providers, STATUS_OF_LEAD, |r, _| {
        r.status.map(|s: LeadStatus| s.as_str().to_owned())
    }),
    Column::only(Of::Leads, "status", |r, _| {
        lead(r, |l| Some(l.status.as_str().to_owned()))
    }),
    Column::only(Of::Leads, "notes", |r, _| {
        lead(r, |l| Some(l.notes.clone()))
    }),
    Column::only(Of::Leads, "owner", |r, _| lead(r, |l| l.owner.clone())),
    Column::only(Of::Leads, "last_contact_at", |r, _| {
        lead(r, |l| l.last_contact_at.map(|at| at.to_string()))
    }),
    Column::only(Of::Leads, "last_contact_method", |r, _| {
        lead(r, |l| l.last_contact_method.map(|m| m.as_str().to_owned()))
    }),
    Column::only(Of::Leads, "created_at", |r, _| {
        lead(r, |l| Some(l.created_at.to_string()))
    }),
    Column::only(Of::Leads, "updated_at", |r, _| {
        lead(r, |l| Some(l.updated_at.to_string()))
    }),
];

/// The usual columns of an export of providers.
const PROVIDER: [&str; 14] = [
    "npi",
    "name",
    "entity",
    "specialty",
    "taxonomy",
    "address_1",
    "address_2",
    "city",
    "state",
    "postal_code",
    "phone",
    "fax",
    "enumerated_on",
    "updated_on",
];

/// The usual columns of an export of leads.
const LEAD: [&str; 19] = [
    "npi",
    "name",
    "entity",
    "specialty",
    "taxonomy",
    "address_1",
    "address_2",
    "city",
    "state",
    "postal_code",
    "phone",
    "fax",
    "status",
    "notes",
    "owner",
    "last_contact_at",
    "last_contact_method",
    "created_at",
    "updated_at",
];

/// A row as one JSON object, its fields in the order of the columns; what is not known is null.
pub(super) struct Line<'a> {
    pub(super) app: &'a App,
    pub(super) columns: &'a Columns,
    pub(super) row: &'a Row,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.0.len()))?;
        for column in self.columns.iter() {
            map.serialize_entry(column.name, &(column.value)(self.row, self.app))?;
        }
        map.end()
    }
}

/// What a formula begins with, or may begin with after it was pasted; the full-width signs are taken
/// for the others where Chinese and Japanese are written (OWASP, "CSV Injection").
const SIGNS: [char; 10] = [
    '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Whether a spreadsheet takes a cell for a formula, after any apostrophes at its beginning.
fn runs(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(SIGNS)
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

    fn named(list: ExportList, names: &[&str]) -> Result<Vec<&'static str>, Error> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let columns = list.chosen(&names)?;
        Ok(columns.iter().map(|column| column.name).collect())
    }

    #[test]
    fn columns_come_in_the_order_asked_for_and_once() {
        let providers = |names: &[&str]| named(ExportList::Providers, names).unwrap();
        assert_eq!(
            providers(&["phone", " NPI ", "", "phone"]),
            ["phone", "npi"]
        );
        assert_eq!(providers(&["", " "]), PROVIDER);
        assert_eq!(named(ExportList::Leads, &[]).unwrap(), LEAD);
    }

    #[test]
    fn an_unknown_column_is_refused_with_those_that_there_are() {
        for (list, name, there_is) in [
            (ExportList::Providers, "status", "lead"),
            (ExportList::Leads, "lead", "status"),
        ] {
            let Err(Error::Invalid(fields)) = named(list, &["npi", name]) else {
                panic!("{name} is a column of {list:?}");
            };
            assert_eq!(fields[0].name, "columns");
            let told = format!("there is no column \"{name}\"; there are npi, name, credential,");
            assert!(fields[0].problem.starts_with(&told), "{fields:?}");
            assert!(fields[0].problem.contains(&format!(", {there_is}")));
        }
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for cell in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "'=1",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(A1)",
            "'＝1",
        ] {
            assert_eq!(protected(cell.to_owned()), format!("'{cell}"));
        }
        for cell in ["", "O'BRIEN", "'tis", "1-1", " =1"] {
            assert_eq!(protected(cell.to_owned()), cell);
        }
    }

    proptest! {
        #[test]
        fn what_was_put_before_a_cell_is_taken_off_again(cell in "['=+@\t\r＝＋－＠-]{0,4}.{0,5}") {
            let written = protected(cell.clone());
            prop_assert!(!written.starts_with(SIGNS));
            prop_assert_eq!(unprotected(&written), cell);
        }
    }
}
