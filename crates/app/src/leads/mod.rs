//! Leads: saving, listing, working them.

mod import;

use canvass_model::{
    Activity, ActivityKind, ContactMethod, Lead, LeadFilter, LeadPatch, LeadSort, LeadStatus, Npi,
    Page, PageRequest, Receipt, Role, Total,
};
use canvass_store::{
    BulkLeads, BulkPatch, BulkReceipt, Edited, EditedLead, LeadEdit, NewActivity, SaveAll,
};
use jiff::Timestamp;

use crate::{Actor, App, Error, search::bounded};

pub use import::{ImportReport, Rejection};

/// How many characters a note may have; few enough for one cell of any spreadsheet.
pub const MOST_TEXT: usize = 10_000;
/// How many leads or providers a request may name.
const MOST_NAMED: usize = 100_000;
/// How much of a timeline is shown.
const TIMELINE: u32 = 500;

impl App {
    /// Makes leads of all that a search finds, or of a list. The same key gives the same receipt
    /// again.
    ///
    /// # Errors
    /// When the actor is no manager, the filter can't be understood, or the key was used for
    /// something else.
    pub async fn save_all(
        &self,
        actor: &Actor,
        what: &SaveAll,
        key: Option<&str>,
    ) -> Result<Receipt, Error> {
        actor.require(Role::Manager)?;
        let once = actor.idempotency(key, "save-all", what)?;
        let what = match what {
            SaveAll::Filter(filter) => SaveAll::Filter(self.checked_filter(filter)?),
            SaveAll::Npis(npis) => {
                few_enough("npis", npis)?;
                SaveAll::Npis(npis.clone())
            }
        };
        let now = self.clock().now();
        let receipt = self
            .store()
            .save_all(&what, actor.id(), now, once.as_ref())
            .await?;
        tracing::info!(by = %actor.name, requested = receipt.requested, created = receipt.created, "saved leads");
        Ok(receipt)
    }

    /// One page of leads.
    ///
    /// # Errors
    /// When the filter or the cursor can't be understood.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        sort: LeadSort,
        page: &PageRequest,
    ) -> Result<Page<Lead>, Error> {
        let filter = self.checked_lead_filter(filter)?;
        Ok(self.store().leads(&filter, sort, &bounded(page)).await?)
    }

    /// How many leads a filter has.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn count_leads(&self, filter: &LeadFilter) -> Result<Total, Error> {
        let filter = self.checked_lead_filter(filter)?;
        Ok(self.store().count_leads(&filter).await?)
    }

    /// How many leads of a filter have each status, in the order of the work.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn lead_counts(&self, filter: &LeadFilter) -> Result<Vec<(LeadStatus, u64)>, Error> {
        let filter = self.checked_lead_filter(filter)?;
        Ok(self.store().lead_counts(&filter).await?)
    }

    /// One lead.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lead(&self, id: Npi) -> Result<Option<Lead>, Error> {
        Ok(self.store().lead(id).await?)
    }

    /// The latest entries of a lead's timeline, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn activities(&self, id: Npi) -> Result<Vec<Activity>, Error> {
        Ok(self.store().activities(id, TIMELINE).await?)
    }

    /// Edits a lead. `if_match` is the version that the edit was made from.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else was quicker; [`Error::NotFound`]; when a rule forbids
    /// the edit or a field can't be accepted.
    pub async fn patch_lead(
        &self,
        actor: &Actor,
        id: Npi,
        patch: LeadPatch,
        if_match: Option<i64>,
    ) -> Result<Lead, Error> {
        if let Some(notes) = &patch.notes {
            check_text("notes", notes)?;
        }
        if let Some(Some(at)) = patch.last_contact_at {
            check_time("last_contact_at", at)?;
        }
        let now = self.clock().now();
        let edited = self
            .store()
            .edit_lead(id, if_match, actor.id(), now, None, |lead| {
                may_share(actor, lead, &patch)?;
                Ok(LeadEdit {
                    patch: patch.checked(lead, actor.role, now)?,
                    activity: None,
                })
            })
            .await?;
        Ok(done(edited)?.lead)
    }

    /// Adds a call, an e-mail or a note to a lead's timeline. A call or an e-mail is the lead's
    /// last contact; a lead marked `do_not_call` takes none. The same key gives the same answer
    /// again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; when a rule forbids it, the text can't be accepted, or the key was
    /// used for something else.
    pub async fn add_activity(
        &self,
        actor: &Actor,
        id: Npi,
        kind: ActivityKind,
        text: &str,
        key: Option<&str>,
    ) -> Result<EditedLead, Error> {
        let text = text.trim();
        check_text("text", text)?;
        let method = match kind {
            ActivityKind::Call => Some(ContactMethod::Call),
            ActivityKind::Email => Some(ContactMethod::Email),
            ActivityKind::Note if text.is_empty() => {
                return Err(Error::invalid("text", "a note says something"));
            }
            ActivityKind::Note => None,
            ActivityKind::Status => {
                return Err(Error::invalid(
                    "kind",
                    "call, email or note; a status is changed by editing the lead",
                ));
            }
        };
        let once = actor.idempotency(key, "activity", &(id, kind, text))?;
        let now = self.clock().now();
        let patch = LeadPatch {
            last_contact_at: method.map(|_| Some(now)),
            last_contact_method: method.map(Some),
            ..LeadPatch::default()
        };
        let activity = NewActivity {
            kind,
            text: text.to_owned(),
        };
        let edited = self
            .store()
            .edit_lead(id, None, actor.id(), now, once.as_ref(), |lead| {
                Ok(LeadEdit {
                    patch: patch.checked(lead, actor.role, now)?,
                    activity: Some(activity),
                })
            })
            .await?;
        done(edited)
    }

    /// Gives many leads another status or owner. A lead marked `do_not_call` keeps its status.
    ///
    /// # Errors
    /// When the actor is no manager, the filter or owner can't be understood, or the key was used
    /// for something else.
    pub async fn bulk_leads(
        &self,
        actor: &Actor,
        what: &BulkLeads,
        patch: &BulkPatch,
        key: Option<&str>,
    ) -> Result<BulkReceipt, Error> {
        actor.require(Role::Manager)?;
        if *patch == BulkPatch::default() {
            return Err(Error::invalid("patch", "say a status or an owner"));
        }
        let request = match what {
            BulkLeads::Filter(filter) => (Some(filter.pairs()), None),
            BulkLeads::Ids(ids) => (None, Some(ids)),
        };
        let once = actor.idempotency(key, "bulk", &(request, patch.status, &patch.owner_id))?;
        let what = match what {
            BulkLeads::Filter(filter) => BulkLeads::Filter(self.checked_lead_filter(filter)?),
            BulkLeads::Ids(ids) => {
                few_enough("ids", ids)?;
                BulkLeads::Ids(ids.clone())
            }
        };
        let now = self.clock().now();
        let receipt = self
            .store()
            .bulk_leads(&what, patch, actor.role, actor.id(), now, once.as_ref())
            .await?
            .ok_or_else(no_such_owner)?;
        tracing::info!(by = %actor.name, requested = receipt.requested, updated = receipt.updated, "edited leads");
        Ok(receipt)
    }
}

/// Sharing leads out is a manager's; a caller may take one that nobody owns, and give up their own.
fn may_share(actor: &Actor, lead: &Lead, patch: &LeadPatch) -> Result<(), Error> {
    let Some(owner) = &patch.owner_id else {
        return Ok(());
    };
    if actor.role >= Role::Manager || *owner == lead.owner_id {
        return Ok(());
    }
    let mine = |id: &Option<String>| id.as_deref().is_none_or(|id| actor.is(id));
    if mine(owner) && mine(&lead.owner_id) {
        return Ok(());
    }
    Err(Error::Forbidden(
        "only a manager may give a lead to somebody else or take it from them".to_owned(),
    ))
}

fn done(edited: Edited<Error>) -> Result<EditedLead, Error> {
    match edited {
        Edited::Done(done) => Ok(*done),
        Edited::Missing => Err(Error::NotFound("lead")),
        Edited::Stale { current } => Err(Error::Stale { current }),
        Edited::Refused(error) => Err(error),
        Edited::NoSuchOwner => Err(no_such_owner()),
    }
}

fn no_such_owner() -> Error {
    Error::invalid("owner_id", "there is no such user who may sign in")
}

fn few_enough(name: &str, all: &[String]) -> Result<(), Error> {
    if all.len() > MOST_NAMED {
        return Err(Error::invalid(
            name,
            format!("at most {MOST_NAMED} at a time; use a filter for more"),
        ));
    }
    Ok(())
}

/// A text that both databases, and a cell of a spreadsheet, can hold.
fn text_problem(text: &str) -> Option<String> {
    if text.contains('\0') {
        return Some("may not hold the character NUL".to_owned());
    }
    let length = text.chars().count();
    (length > MOST_TEXT).then(|| format!("at most {MOST_TEXT} characters, this has {length}"))
}

fn check_text(name: &str, text: &str) -> Result<(), Error> {
    text_problem(text).map_or(Ok(()), |problem| Err(Error::invalid(name, problem)))
}

fn check_time(name: &str, at: Timestamp) -> Result<(), Error> {
    if at < Timestamp::UNIX_EPOCH {
        return Err(Error::invalid(name, "a time since 1970"));
    }
    Ok(())
}
