//! Leads from a file.

use std::collections::{HashMap, HashSet};

use canvass_model::{ContactMethod, Lead, LeadPatch, LeadStatus, Npi};
use jiff::Timestamp;

use super::{edit, read_lead, select_leads};
use crate::{
    Error, Store,
    backend::{Durability, Tx, listed},
    index,
    search::Text,
    value::{Value, params},
};

/// One row of a file of leads. What is absent says nothing; `Some(None)` is an empty cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadRow {
    /// Whose lead.
    pub npi: Npi,
    /// Its status.
    pub status: Option<LeadStatus>,
    /// Its notes.
    pub notes: Option<String>,
    /// Its owner, by identifier.
    pub owner_id: Option<Option<String>>,
    /// When somebody was last in touch.
    pub last_contact_at: Option<Option<Timestamp>>,
    /// How.
    pub last_contact_method: Option<Option<ContactMethod>>,
    /// When it became a lead.
    pub created_at: Option<Timestamp>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// A new lead.
    Created,
    /// A lead that was there has changed.
    Updated,
    /// A lead that was there is as the row says.
    Unchanged,
    /// There is no such provider.
    NoSuchProvider,
}

impl Store {
    /// Writes up to 1,000 rows, each of another lead, in one transaction, and says what became of
    /// each and whether its status was passed over, because the lead must not be called.
    ///
    /// A lead keeps the earlier time of creation. With `dry_run` all is as if, but not kept.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else makes one of the leads in the same moment: the same
    /// again will do. Else when the database fails.
    pub async fn import_leads(
        &self,
        rows: &[LeadRow],
        by: Option<&str>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Vec<(ImportOutcome, bool)>, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let known = known_providers(&mut tx, rows).await?;
        let leads = locked_leads(&mut tx, rows).await?;
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut new: Vec<Vec<Value>> = Vec::new();
        for row in rows {
            let outcome = match leads.get(&row.npi) {
                Some(lead) => update(&mut tx, lead, row, by, now).await?,
                None if !known.contains(&row.npi) => (ImportOutcome::NoSuchProvider, false),
                None => {
                    new.push(new_lead(row, by, now));
                    (ImportOutcome::Created, false)
                }
            };
            outcomes.push(outcome);
        }
        new.sort_by_key(|values| match values.first() {
            Some(Value::Int(npi)) => *npi,
            _ => 0,
        });
        let wanted = new.len() as u64;
        if wanted > 0 {
            let batch = index::next(&mut tx, "leads").await?;
            // ON CONFLICT would wait for whoever is editing one of them, who may wait for the
            // number in turn.
            let missing = rows.iter().map(|row| row.npi);
            let missing = missing.filter(|npi| !leads.contains_key(npi));
            if any_is_lead(&mut tx, missing).await? {
                return Err(Error::Conflict);
            }
            for lead in &mut new {
                lead.push(batch.into());
            }
        }
        let created = tx
            .insert(
                "INSERT INTO leads (npi, status, notes, owner_id, last_contact_at,
                 last_contact_method, version, created_at, updated_at, created_by, batch)",
                "ON CONFLICT (npi) DO NOTHING",
                new,
            )
            .await?;
        if created != wanted {
            return Err(Error::Conflict);
        }
        if !dry_run {
            tx.commit().await?;
        }
        Ok(outcomes)
    }
}

async fn known_providers(tx: &mut Tx, rows: &[LeadRow]) -> Result<HashSet<Npi>, Error> {
    let mut known = HashSet::with_capacity(rows.len());
    for group in rows.chunks(1_000) {
        let mut text = Text::default();
        text.push("SELECT npi FROM providers WHERE npi IN ");
        text.values(group.iter().map(|r| r.npi));
        for row in tx.query(text.sql, text.params).await? {
            known.insert(row.npi(0)?);
        }
    }
    Ok(known)
}

async fn any_is_lead(tx: &mut Tx, npis: impl Iterator<Item = Npi>) -> Result<bool, Error> {
    let among = tx.engine().among("npi", "$1");
    let sql = format!("SELECT 1 FROM leads WHERE {among} LIMIT 1");
    let npis = listed(npis.map(Npi::as_i64));
    let found = tx.first(crate::Sql::kept(sql), vec![npis]).await?;
    Ok(found.is_some())
}

async fn locked_leads(tx: &mut Tx, rows: &[LeadRow]) -> Result<HashMap<Npi, Lead>, Error> {
    let mut npis: Vec<Npi> = rows.iter().map(|r| r.npi).collect();
    npis.sort_unstable();
    let mut leads = HashMap::new();
    for group in npis.chunks(1_000) {
        let mut text = Text::default();
        text.push(&select_leads());
        text.push(" AND l.npi IN ");
        text.values(group.iter().copied());
        text.push(" ORDER BY l.npi");
        text.push(&tx.engine().for_update("l"));
        for row in tx.query(text.sql, text.params).await? {
            let lead = read_lead(&row)?;
            leads.insert(lead.id, lead);
        }
    }
    Ok(leads)
}

fn new_lead(row: &LeadRow, by: Option<&str>, now: Timestamp) -> Vec<Value> {
    params![
        row.npi,
        row.status.unwrap_or_default().as_str(),
        row.notes.clone().unwrap_or_default(),
        row.owner_id.clone().flatten(),
        row.last_contact_at.flatten(),
        row.last_contact_method.flatten().map(ContactMethod::as_str),
        1i64,
        row.created_at.unwrap_or(now),
        now,
        by
    ]
}

async fn update(
    tx: &mut Tx,
    lead: &Lead,
    row: &LeadRow,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(ImportOutcome, bool), Error> {
    let suppressed = lead.status == LeadStatus::DoNotCall
        && row.status.is_some_and(|s| s != LeadStatus::DoNotCall);
    let patch = LeadPatch {
        status: row.status.filter(|_| !suppressed),
        notes: row.notes.clone(),
        owner_id: row.owner_id.clone(),
        last_contact_at: row.last_contact_at,
        last_contact_method: row.last_contact_method,
    };
    let mut changed = edit::write(tx, lead, &patch, by, now).await?;
    if let Some(created_at) = row.created_at.filter(|at| *at < lead.created_at) {
        tx.execute(
            "UPDATE leads SET created_at = $1 WHERE npi = $2",
            params![created_at, lead.id],
        )
        .await?;
        changed = true;
    }
    let outcome = if changed {
        ImportOutcome::Updated
    } else {
        ImportOutcome::Unchanged
    };
    Ok((outcome, suppressed))
}
