//! One edit of many leads.

use canvass_model::{ActivityKind, LeadFilter, LeadStatus, Npi, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{distinct_npis, edit::may_own, list, note_moved, read_status};
use crate::{
    Error, Store,
    backend::{Durability, Tx},
    id::new_id,
    idempotency::{self, Idempotency},
    search::Text,
    value::{Row, Value, params},
};

/// Which leads.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per request, and it is passed by reference"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkLeads {
    /// All of a filter. Its specialties have to be resolved.
    Filter(LeadFilter),
    /// These, each once however often it is named.
    Ids(Vec<String>),
}

/// What is to become of them. An absent field stays; `Some(None)` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkPatch {
    /// New status.
    pub status: Option<LeadStatus>,
    /// New owner, by identifier.
    pub owner_id: Option<Option<String>>,
}

/// The answer: `requested = updated + unchanged + suppressed + rejected`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkReceipt {
    /// How many were asked for.
    pub requested: u64,
    /// Changed.
    pub updated: u64,
    /// Were so already.
    pub unchanged: u64,
    /// Left as they are because they must not be called.
    pub suppressed: u64,
    /// No such lead, or the rules forbid it.
    pub rejected: u64,
}

/// How an edit of many is made.
struct Bulk<'a> {
    patch: &'a BulkPatch,
    role: Role,
    by: Option<&'a str>,
    now: Timestamp,
}

impl Store {
    /// Edits many leads in one transaction. A lead marked `do_not_call` never gets another status
    /// this way: that is a decision about one.
    ///
    /// Nothing when the new owner is no user who may sign in.
    ///
    /// # Errors
    /// When the key of `idempotency` was used for something else, or the database fails.
    pub async fn bulk_leads(
        &self,
        what: &BulkLeads,
        patch: &BulkPatch,
        role: Role,
        by: Option<&str>,
        now: Timestamp,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<BulkReceipt>, Error> {
        let npis = match what {
            // Looked for before the transaction, as in a save-all.
            BulkLeads::Filter(filter) => match self.ids_of_leads(&filter.provider).await? {
                Some(ids) => Some((filter, Some(self.npis_of(&ids).await?))),
                None => Some((filter, None)),
            },
            BulkLeads::Ids(_) => None,
        };
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(receipt) = idempotency::replay(&mut tx, idempotency, now).await? {
            return Ok(Some(receipt));
        }
        if let Some(Some(owner)) = &patch.owner_id
            && !may_own(&mut tx, owner).await?
        {
            return Ok(None);
        }
        let bulk = Bulk {
            patch,
            role,
            by,
            now,
        };
        let mut receipt = BulkReceipt::default();
        let mut moved = Vec::new();
        match (what, npis) {
            (BulkLeads::Ids(texts), _) => {
                let (npis, others) = distinct_npis(texts);
                receipt.requested = others + npis.len() as u64;
                receipt.rejected = others;
                for group in npis.chunks(1_000) {
                    let found = Bulk::group(&mut tx, group, None).await?;
                    receipt.rejected += group.len() as u64 - found.len() as u64;
                    moved.extend(bulk.apply(&mut tx, &found, &mut receipt).await?);
                }
            }
            (BulkLeads::Filter(_), Some((filter, npis))) => {
                let npis = match npis {
                    Some(npis) => npis,
                    None => all(&mut tx, filter).await?,
                };
                for group in npis.chunks(1_000) {
                    // What somebody else has edited meanwhile may no longer be asked for.
                    let found = Bulk::group(&mut tx, group, Some(filter)).await?;
                    receipt.requested += found.len() as u64;
                    moved.extend(bulk.apply(&mut tx, &found, &mut receipt).await?);
                }
            }
            (BulkLeads::Filter(_), None) => {}
        }
        note_moved(&mut tx, &moved).await?;
        idempotency::keep(&mut tx, idempotency, &receipt).await?;
        tx.commit().await?;
        Ok(Some(receipt))
    }
}

/// The leads that meet the conditions on the lead, by NPI.
async fn all(tx: &mut Tx, filter: &LeadFilter) -> Result<Vec<Npi>, Error> {
    let mut text = Text::default();
    text.push("SELECT l.npi FROM leads l WHERE 1 = 1");
    list::lead_conditions(&mut text, filter);
    text.push(" ORDER BY l.npi");
    let rows = tx.query(text.sql, text.params).await?;
    rows.iter().map(|row| row.npi(0)).collect()
}

impl Bulk<'_> {
    /// These leads, locked in the order of their NPIs, as everywhere, so that two edits of many
    /// don't wait for each other.
    async fn group(
        tx: &mut Tx,
        npis: &[Npi],
        filter: Option<&LeadFilter>,
    ) -> Result<Vec<Row>, Error> {
        let mut text = Text::default();
        text.push("SELECT l.npi, l.status, l.owner_id FROM leads l WHERE l.npi IN ");
        text.values(npis.iter().copied());
        if let Some(filter) = filter {
            list::lead_conditions(&mut text, filter);
        }
        text.push(" ORDER BY l.npi");
        text.push(&tx.engine().for_update("l"));
        tx.query(text.sql, text.params).await
    }

    /// Gives the leads that it has changed.
    async fn apply(
        &self,
        tx: &mut Tx,
        found: &[Row],
        receipt: &mut BulkReceipt,
    ) -> Result<Vec<Npi>, Error> {
        let mut changed: Vec<Npi> = Vec::new();
        let mut moved: Vec<Vec<Value>> = Vec::new();
        for row in found {
            let npi = row.npi(0)?;
            let status = read_status(row, 1)?;
            let new = self.patch.status.unwrap_or(status);
            if status == LeadStatus::DoNotCall && new != status {
                receipt.suppressed += 1;
                continue;
            }
            if status.may_become(new, self.role).is_err() {
                receipt.rejected += 1;
                continue;
            }
            let owner = row.text_opt(2)?;
            if new == status && self.patch.owner_id.as_ref().is_none_or(|o| *o == owner) {
                receipt.unchanged += 1;
                continue;
            }
            receipt.updated += 1;
            changed.push(npi);
            if new != status {
                moved.push(params![
                    new_id(self.now),
                    npi,
                    ActivityKind::Status.as_str(),
                    new.as_str(),
                    self.by,
                    self.now
                ]);
            }
        }
        if changed.is_empty() {
            return Ok(changed);
        }
        let mut text = Text::default();
        text.push("UPDATE leads SET version = version + 1, updated_at = ");
        text.value(self.now);
        if let Some(status) = self.patch.status {
            text.push(", status = ");
            text.value(status.as_str());
        }
        if let Some(owner) = &self.patch.owner_id {
            text.push(", owner_id = ");
            text.value(owner.as_deref());
        }
        text.push(" WHERE npi IN ");
        text.values(changed.iter().copied());
        tx.execute(text.sql, text.params).await?;
        tx.insert(
            "INSERT INTO activities (id, npi, kind, text, user_id, at)",
            "",
            moved,
        )
        .await?;
        Ok(changed)
    }
}
