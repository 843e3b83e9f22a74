//! An edit of a lead as it was typed, and what to show again when it was not taken.

use std::collections::BTreeMap;

use canvass_app::Field;
use canvass_model::{ContactMethod, Lead, LeadPatch};
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::{LeadForm, LeadRow, method_label};
use crate::format::Now;
use crate::pages::visit::Pairs;

/// Fields of a lead that its forms may send; one that is not sent stays.
const FIELDS: [&str; 5] = [
    "status",
    "notes",
    "owner_id",
    "last_contact_at",
    "last_contact_method",
];

/// What was typed, beside the edit that it means.
pub struct Typed {
    values: BTreeMap<&'static str, String>,
    /// The values that the form showed when it was opened, where it says them.
    opened: BTreeMap<&'static str, String>,
    read: Result<(LeadPatch, i64), Vec<Field>>,
}

impl Typed {
    /// Reads a form. What is as the lead has it already is no edit: so a time of contact, which a
    /// form shows to the minute, keeps its seconds when nobody touched it.
    pub fn read(pairs: &Pairs, lead: &Lead, now: &Now) -> Self {
        let shown = shown(lead, now);
        let values: BTreeMap<&'static str, String> = FIELDS
            .into_iter()
            .filter_map(|name| Some((name, pairs.get(name)?.to_owned())))
            .collect();
        let opened = FIELDS
            .into_iter()
            .filter_map(|name| Some((name, pairs.get(&format!("was_{name}"))?.to_owned())))
            .collect();
        let changed = |name: &str| {
            let value = values.get(name)?;
            (shown.get(name) != Some(value)).then(|| value.trim_end())
        };
        let mut errors = Vec::new();
        let mut wrong = |name: &str, problem: &str| {
            errors.push(Field {
                name: name.to_owned(),
                problem: problem.to_owned(),
            });
        };
        let mut patch = LeadPatch::default();
        if let Some(status) = changed("status") {
            match status.parse() {
                Ok(status) => patch.status = Some(status),
                Err(_) => wrong("status", "one of the list"),
            }
        }
        patch.notes = changed("notes").map(ToOwned::to_owned);
        patch.owner_id = changed("owner_id").map(|id| (!id.is_empty()).then(|| id.to_owned()));
        match changed("last_contact_at") {
            None => {}
            Some("") => patch.last_contact_at = Some(None),
            Some(text) => match local(text, now) {
                Some(at) => patch.last_contact_at = Some(Some(at)),
                None => wrong(
                    "last_contact_at",
                    "a day and a time, as in 2026-01-31 14:05",
                ),
            },
        }
        match changed("last_contact_method") {
            None => {}
            Some("") => patch.last_contact_method = Some(None),
            Some(text) => match ContactMethod::parse(text) {
                Some(method) => patch.last_contact_method = Some(Some(method)),
                None => wrong("last_contact_method", "call, email or both"),
            },
        }
        let version = pairs.filled("version").and_then(|v| v.parse().ok());
        if version.is_none() {
            wrong("version", "the form is not one of this site: load it again");
        }
        let read = match version {
            Some(version) if errors.is_empty() => Ok((patch, version)),
            _ => Err(errors),
        };
        Self {
            values,
            opened,
            read,
        }
    }

    /// The edit and the version that it was made from.
    pub fn checked(&self) -> Result<(LeadPatch, i64), Vec<Field>> {
        self.read.clone()
    }

    /// The form of the lead as it is now, with what was typed. A field that the person left alone
    /// shows what is there now, so that saving again does not undo what somebody else wrote.
    pub fn keep_in_form(&self, mut form: LeadForm) -> LeadForm {
        for (name, value) in &self.values {
            if self.opened.get(name) == Some(value) {
                continue;
            }
            match *name {
                "status" => form.status = form.status.choose(value),
                "notes" => form.notes.clone_from(value),
                "owner_id" => form.owner = form.owner.map(|owner| owner.choose(value)),
                "last_contact_at" => form.last_contact_at = form.last_contact_at.value(value),
                _ => form.last_contact_method = form.last_contact_method.choose(value),
            }
        }
        form
    }

    /// Whether notes were typed.
    pub fn has_notes(&self) -> bool {
        self.values.contains_key("notes")
    }

    /// The row of the lead as it is now, with notes that were typed still open.
    pub fn keep_in_row(&self, row: LeadRow) -> LeadRow {
        match self.values.get("notes") {
            Some(notes) => LeadRow {
                notes: notes.clone(),
                ..row.editing_notes()
            },
            None => row,
        }
    }
}

/// What is there now that was not when the form was opened, for somebody to compare.
pub fn conflict(typed: &Typed, lead: &Lead, now: &Now) -> Vec<(&'static str, String)> {
    let shown = shown(lead, now);
    let differs = |name: &str| {
        let before = typed.opened.get(name).or_else(|| typed.values.get(name));
        before.is_some_and(|before| shown.get(name) != Some(before))
    };
    let nothing = || "nothing".to_owned();
    let contact = shown.get("last_contact_at").filter(|at| !at.is_empty());
    let notes = Some(lead.notes.clone()).filter(|n| !n.is_empty());
    let all = [
        ("status", "Status", lead.status.label().to_owned()),
        (
            "owner_id",
            "Owner",
            lead.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
        ),
        (
            "last_contact_at",
            "Last contact",
            contact.map_or_else(nothing, |at| at.replace('T', " ")),
        ),
        (
            "last_contact_method",
            "How",
            lead.last_contact_method
                .map_or_else(nothing, |m| method_label(m).to_owned()),
        ),
        ("notes", "Notes", notes.unwrap_or_else(nothing)),
    ];
    all.into_iter()
        .filter(|(name, ..)| differs(name))
        .map(|(_, label, value)| (label, value))
        .collect()
}

/// The values of a lead as its form shows them, by field.
pub fn shown(lead: &Lead, now: &Now) -> BTreeMap<&'static str, String> {
    let text = |v: &Option<String>| v.clone().unwrap_or_default();
    BTreeMap::from([
        ("status", lead.status.as_str().to_owned()),
        ("notes", lead.notes.clone()),
        ("owner_id", text(&lead.owner_id)),
        (
            "last_contact_at",
            lead.last_contact_at
                .map(|at| local_text(at, now))
                .unwrap_or_default(),
        ),
        (
            "last_contact_method",
            lead.last_contact_method
                .map_or_else(String::new, |m| m.as_str().to_owned()),
        ),
    ])
}

/// A moment as `datetime-local` has it, in the zone of the page.
fn local_text(at: Timestamp, now: &Now) -> String {
    let local = at.to_zoned_datetime(now.zone.clone());
    local.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// The moment that a `datetime-local` means in the zone of the page.
fn local(text: &str, now: &Now) -> Option<Timestamp> {
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned_datetime(now.zone.clone()).ok()?.timestamp())
}
