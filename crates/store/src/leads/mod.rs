//! Leads and their timelines.
//!
//! A lead's key is the NPI of its provider, so there can't be two for one provider.

mod bulk;
mod edit;
mod import;
mod list;
mod save;

use canvass_model::{Activity, ActivityKind, ContactMethod, Lead, LeadStatus, Npi};

pub use bulk::{BulkLeads, BulkPatch, BulkReceipt};
pub use edit::{Edited, EditedLead, LeadEdit, NewActivity};
pub use import::{ImportOutcome, LeadRow};
pub use save::SaveAll;

use crate::{
    Error,
    backend::{Tx, listed},
    index::{self, Held, read_id},
    record,
    search::summary,
    value::Row,
};

/// The columns of a lead `l` with its owner `u` and provider `p`; [`COLUMNS`] counts them.
const LEAD: &str = "l.npi, l.status, l.notes, l.owner_id, u.name, l.last_contact_at, \
    l.last_contact_method, l.version, l.created_at, l.updated_at, p.id, p.record";
const COLUMNS: usize = 12;
/// Which of them is the id of the provider.
const ID: usize = 10;

/// Selects leads with owner and provider; `AND ...` may follow.
fn select_leads() -> String {
    format!(
        "SELECT {LEAD} FROM leads l JOIN providers p ON p.npi = l.npi
         LEFT JOIN users u ON u.id = l.owner_id WHERE 1 = 1"
    )
}

fn read_lead(row: &Row) -> Result<Lead, Error> {
    let npi = row.npi(0)?;
    let status = read_status(row, 1)?;
    Ok(Lead {
        id: npi,
        status,
        notes: row.text(2)?,
        owner_id: row.text_opt(3)?,
        owner: row.text_opt(4)?,
        last_contact_at: row.time_opt(5)?,
        last_contact_method: row.text_opt(6)?.as_deref().and_then(ContactMethod::parse),
        version: row.int(7)?,
        created_at: row.time(8)?,
        updated_at: row.time(9)?,
        provider: summary(Held {
            id: read_id(row, ID)?,
            provider: record::decode(npi, row.bytes_at(11)?)?,
            lead: Some(status),
        }),
    })
}

/// Leads that get a number by one statement.
const NUMBERED: usize = 20_000;

/// Tells whoever searches that the status or the owner of these leads has changed. From then on
/// until the transaction ends nobody else can tell so: it comes last.
async fn note_moved(tx: &mut Tx, npis: &[Npi]) -> Result<(), Error> {
    if npis.is_empty() {
        return Ok(());
    }
    let batch = index::next(tx, "leads").await?;
    let among = tx.engine().among("npi", "$2");
    let sql = format!("UPDATE leads SET batch = $1 WHERE {among}");
    for group in npis.chunks(NUMBERED) {
        let group = listed(group.iter().map(|npi| npi.as_i64()));
        tx.execute(crate::Sql::kept(sql.clone()), vec![batch.into(), group])
            .await?;
    }
    Ok(())
}

fn read_status(row: &Row, i: usize) -> Result<LeadStatus, Error> {
    row.word(i, |t| t.parse().ok())
}

/// The columns of an [`Activity`] `a` with its user `u`.
const ACTIVITY: &str = "a.id, a.npi, a.kind, a.text, u.name, a.at";

fn read_activity(row: &Row) -> Result<Activity, Error> {
    Ok(Activity {
        id: row.text(0)?,
        lead_id: row.npi(1)?,
        kind: row.word(2, ActivityKind::parse)?,
        text: row.text(3)?,
        user: row.text_opt(4)?,
        at: row.time(5)?,
    })
}

/// The NPIs that some texts say, each once and in order, and how many distinct texts are none.
fn distinct_npis(texts: &[String]) -> (Vec<Npi>, u64) {
    let mut npis = Vec::with_capacity(texts.len());
    let mut others: Vec<&str> = Vec::new();
    for text in texts {
        match text.parse::<Npi>() {
            Ok(npi) => npis.push(npi),
            Err(_) => others.push(text.trim()),
        }
    }
    npis.sort_unstable();
    npis.dedup();
    others.sort_unstable();
    others.dedup();
    (npis, others.len() as u64)
}
