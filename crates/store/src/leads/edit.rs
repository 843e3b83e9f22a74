//! Edits of one lead.

use canvass_model::{Activity, ActivityKind, Lead, LeadPatch, Npi};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ACTIVITY, note_moved, read_activity, read_lead, select_leads};
use crate::{
    Error, Store,
    backend::{Durability, Tx},
    id::new_id,
    idempotency::{self, Idempotency},
    value::params,
};

/// What is to become of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadEdit {
    /// Its fields.
    pub patch: LeadPatch,
    /// An entry of its timeline. A changed status and new notes get one of their own.
    pub activity: Option<NewActivity>,
}

/// An entry that is to be added to a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewActivity {
    /// What it is.
    pub kind: ActivityKind,
    /// Free text.
    pub text: String,
}

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited<E> {
    /// There is no such lead.
    Missing,
    /// Somebody else has edited it; it has this version.
    Stale {
        /// Its version.
        current: i64,
    },
    /// The rules forbid it.
    Refused(E),
    /// The new owner is no user who may sign in.
    NoSuchOwner,
    /// It was made.
    Done(Box<EditedLead>),
}

/// A lead after an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedLead {
    /// The lead as it is now.
    pub lead: Lead,
    /// The entry of the timeline that was asked for.
    pub activity: Option<Activity>,
}

impl Store {
    /// Edits a lead: reads it, lets `check` decide with what is there now, and writes, all in one
    /// transaction. An edit that changes nothing leaves the version as it is.
    ///
    /// # Errors
    /// When the key of `idempotency` was used for something else, or the database fails.
    pub async fn edit_lead<E>(
        &self,
        npi: Npi,
        if_match: Option<i64>,
        by: Option<&str>,
        now: Timestamp,
        idempotency: Option<&Idempotency>,
        check: impl FnOnce(&Lead) -> Result<LeadEdit, E> + Send,
    ) -> Result<Edited<E>, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(done) = idempotency::replay(&mut tx, idempotency, now).await? {
            return Ok(Edited::Done(Box::new(done)));
        }
        let Some(lead) = locked(&mut tx, npi).await? else {
            return Ok(Edited::Missing);
        };
        if if_match.is_some_and(|version| version != lead.version) {
            return Ok(Edited::Stale {
                current: lead.version,
            });
        }
        let edit = match check(&lead) {
            Ok(edit) => edit,
            Err(refusal) => return Ok(Edited::Refused(refusal)),
        };
        if let Some(Some(owner)) = &edit.patch.owner_id
            && lead.owner_id.as_ref() != Some(owner)
            && !may_own(&mut tx, owner).await?
        {
            return Ok(Edited::NoSuchOwner);
        }
        let mut written = None;
        if let Some(activity) = edit.activity {
            let id = new_id(now);
            insert_activity(&mut tx, &id, npi, &activity, by, now).await?;
            written = Some(id);
        }
        write(&mut tx, &lead, &edit.patch, by, now).await?;
        let lead = locked(&mut tx, npi).await?.ok_or(Error::Conflict)?;
        let activity = match written {
            Some(id) => Some(activity(&mut tx, &id).await?),
            None => None,
        };
        let done = EditedLead { lead, activity };
        idempotency::keep(&mut tx, idempotency, &done).await?;
        tx.commit().await?;
        Ok(Edited::Done(Box::new(done)))
    }
}

/// A lead that nobody else can change until the end of the transaction.
async fn locked(tx: &mut Tx, npi: Npi) -> Result<Option<Lead>, Error> {
    let sql = format!(
        "{} AND l.npi = $1{}",
        select_leads(),
        tx.engine().for_update("l")
    );
    let row = tx.first(crate::Sql::kept(sql), params![npi]).await?;
    row.as_ref().map(read_lead).transpose()
}

/// Whether leads may be given to this user.
pub(super) async fn may_own(tx: &mut Tx, user: &str) -> Result<bool, Error> {
    let row = tx
        .first("SELECT disabled FROM users WHERE id = $1", params![user])
        .await?;
    match row {
        Some(row) => Ok(!row.bool(0)?),
        None => Ok(false),
    }
}

/// A lead with an edit applied.
fn with(lead: &Lead, patch: &LeadPatch) -> Lead {
    let mut lead = lead.clone();
    lead.status = patch.status.unwrap_or(lead.status);
    if let Some(notes) = &patch.notes {
        lead.notes.clone_from(notes);
    }
    if let Some(owner) = &patch.owner_id {
        lead.owner_id.clone_from(owner);
    }
    lead.last_contact_at = patch.last_contact_at.unwrap_or(lead.last_contact_at);
    lead.last_contact_method = patch
        .last_contact_method
        .unwrap_or(lead.last_contact_method);
    lead
}

/// Writes an edit with its entries in the timeline. Says whether it changed anything.
pub(super) async fn write(
    tx: &mut Tx,
    lead: &Lead,
    patch: &LeadPatch,
    by: Option<&str>,
    now: Timestamp,
) -> Result<bool, Error> {
    let new = with(lead, patch);
    if new == *lead {
        return Ok(false);
    }
    tx.execute(
        "UPDATE leads SET status = $1, notes = $2, owner_id = $3, last_contact_at = $4,
         last_contact_method = $5, version = version + 1, updated_at = $6 WHERE npi = $7",
        params![
            new.status.as_str(),
            &new.notes,
            new.owner_id.clone(),
            new.last_contact_at,
            new.last_contact_method
                .map(canvass_model::ContactMethod::as_str),
            now,
            lead.id,
        ],
    )
    .await?;
    if new.status != lead.status || new.owner_id != lead.owner_id {
        note_moved(tx, &[lead.id]).await?;
    }
    let mut entries = Vec::new();
    if new.status != lead.status {
        entries.push((ActivityKind::Status, new.status.as_str().to_owned()));
    }
    if new.notes != lead.notes && !new.notes.is_empty() {
        entries.push((ActivityKind::Note, new.notes));
    }
    for (kind, text) in entries {
        let entry = NewActivity { kind, text };
        insert_activity(tx, &new_id(now), lead.id, &entry, by, now).await?;
    }
    Ok(true)
}

async fn insert_activity(
    tx: &mut Tx,
    id: &str,
    npi: Npi,
    activity: &NewActivity,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO activities (id, npi, kind, text, user_id, at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, npi, activity.kind.as_str(), &activity.text, by, now],
    )
    .await?;
    Ok(())
}

async fn activity(tx: &mut Tx, id: &str) -> Result<Activity, Error> {
    let sql = format!(
        "SELECT {ACTIVITY} FROM activities a LEFT JOIN users u ON u.id = a.user_id WHERE a.id = $1"
    );
    let row = tx.first(crate::Sql::kept(sql), params![id]).await?;
    read_activity(&row.ok_or(Error::Conflict)?)
}
