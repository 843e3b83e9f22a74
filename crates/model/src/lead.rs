use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Npi, ProviderSummary, Role};

/// Where a lead stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LeadStatus {
    /// Nobody has called yet.
    #[default]
    New,
    /// Somebody has been in touch.
    Contacted,
    /// Wants to hear more.
    Interested,
    /// Said no.
    NotInterested,
    /// Wants attention again.
    FollowUp,
    /// Became a customer.
    Converted,
    /// Must not be called again.
    DoNotCall,
}

/// A word that is no lead status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no status; the statuses are new, contacted, interested, not_interested, follow_up, converted and do_not_call"
)]
pub struct InvalidLeadStatus(String);

/// An edit that the rules of a lead forbid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeadRuleError {
    /// Only a manager may let a suppressed provider be called again.
    #[error("this lead is marked do_not_call; only a manager may change that")]
    Suppressed,
    /// A lead that was touched is no longer new.
    #[error("a lead that has been worked can't become new again")]
    NotNew,
    /// Nobody rings a suppressed provider.
    #[error("this lead is marked do_not_call: no contact may be recorded as made from now on")]
    ContactSuppressed,
    /// A contact in the future.
    #[error("a contact can't be recorded before it happened")]
    ContactInFuture,
}

impl LeadStatus {
    /// All statuses, in the order of the work.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Contacted,
        Self::Interested,
        Self::FollowUp,
        Self::Converted,
        Self::NotInterested,
        Self::DoNotCall,
    ];

    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Contacted => "contacted",
            Self::Interested => "interested",
            Self::NotInterested => "not_interested",
            Self::FollowUp => "follow_up",
            Self::Converted => "converted",
            Self::DoNotCall => "do_not_call",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Contacted => "Contacted",
            Self::Interested => "Interested",
            Self::NotInterested => "Not interested",
            Self::FollowUp => "Follow-up",
            Self::Converted => "Converted",
            Self::DoNotCall => "Do not call",
        }
    }

    /// From a cell, as pages, exports and people write it: case, blanks and punctuation do not count.
    ///
    /// # Errors
    /// When there is no such status.
    pub fn from_cell(cell: &str) -> Result<Self, InvalidLeadStatus> {
        let wanted = letters(cell);
        let found = |s: &Self| letters(s.as_str()) == wanted || letters(s.label()) == wanted;
        Self::ALL
            .into_iter()
            .find(found)
            .ok_or_else(|| InvalidLeadStatus(cell.trim().chars().take(60).collect()))
    }

    /// Whether somebody of this role may move a lead from this status to that one.
    ///
    /// # Errors
    /// `do_not_call` is left by a manager's decision only, and `new` is where a lead begins.
    pub fn may_become(self, to: Self, role: Role) -> Result<(), LeadRuleError> {
        match (self, to) {
            (from, to) if from == to => Ok(()),
            (Self::DoNotCall, _) if role < Role::Manager => Err(LeadRuleError::Suppressed),
            (_, Self::New) if role < Role::Manager => Err(LeadRuleError::NotNew),
            _ => Ok(()),
        }
    }
}

/// The letters of a word, small ones; what is written between them does not count.
fn letters(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

impl FromStr for LeadStatus {
    type Err = InvalidLeadStatus;

    fn from_str(text: &str) -> Result<Self, InvalidLeadStatus> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| InvalidLeadStatus(text.to_owned()))
    }
}

impl fmt::Display for LeadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How somebody was in touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactMethod {
    /// By telephone.
    Call,
    /// By e-mail.
    Email,
    /// Both.
    Both,
}

impl ContactMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Call, Self::Email, Self::Both];

    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Email => "email",
            Self::Both => "both",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|m| m.as_str().eq_ignore_ascii_case(text.trim()))
    }

    /// From a cell, as people write it.
    pub fn from_cell(cell: &str) -> Option<Self> {
        match letters(cell).as_str() {
            "call" | "called" | "phone" | "phonecall" | "telephone" => Some(Self::Call),
            "email" | "emailed" => Some(Self::Email),
            "both" | "callandemail" | "phoneandemail" => Some(Self::Both),
            _ => None,
        }
    }
}

/// A provider that the team works. There is exactly one per NPI, so the NPI is its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The NPI, which is also the lead's identifier.
    pub id: Npi,
    /// Where it stands.
    pub status: LeadStatus,
    /// Free text.
    pub notes: String,
    /// Identifier of the user who works it.
    pub owner_id: Option<String>,
    /// Name of that user.
    pub owner: Option<String>,
    /// When somebody was last in touch.
    pub last_contact_at: Option<Timestamp>,
    /// How.
    pub last_contact_method: Option<ContactMethod>,
    /// Counts the edits; an `If-Match` names it.
    pub version: i64,
    /// When it became a lead.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// Its provider.
    pub provider: ProviderSummary,
}

/// An edit of a lead. An absent field stays; `Some(None)` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadPatch {
    /// New status.
    pub status: Option<LeadStatus>,
    /// New notes.
    pub notes: Option<String>,
    /// New owner, by identifier.
    pub owner_id: Option<Option<String>>,
    /// Time of the last contact.
    pub last_contact_at: Option<Option<Timestamp>>,
    /// Kind of the last contact.
    pub last_contact_method: Option<Option<ContactMethod>>,
}

impl LeadPatch {
    /// Checks this edit against the rules and completes it: a contact made on a new lead makes it
    /// contacted.
    ///
    /// # Errors
    /// When a rule forbids it.
    pub fn checked(
        mut self,
        lead: &Lead,
        role: Role,
        now: Timestamp,
    ) -> Result<Self, LeadRuleError> {
        if let Some(status) = self.status {
            lead.status.may_become(status, role)?;
        }
        let contact = self.last_contact_at.flatten();
        if contact.is_some_and(|at| at > now) {
            return Err(LeadRuleError::ContactInFuture);
        }
        if contact.is_some() && lead.status == LeadStatus::DoNotCall && self.status.is_none() {
            return Err(LeadRuleError::ContactSuppressed);
        }
        if contact.is_some() && self.status.is_none() && lead.status == LeadStatus::New {
            self.status = Some(LeadStatus::Contacted);
        }
        Ok(self)
    }
}

/// What an entry of a lead's timeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A telephone call.
    Call,
    /// An e-mail.
    Email,
    /// A note.
    Note,
    /// A change of status.
    Status,
}

impl ActivityKind {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Email => "email",
            Self::Note => "note",
            Self::Status => "status",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Call, Self::Email, Self::Note, Self::Status]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// An entry of a lead's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Identifier.
    pub id: String,
    /// Whose lead.
    pub lead_id: Npi,
    /// What it is.
    pub kind: ActivityKind,
    /// Free text, or the new status.
    pub text: String,
    /// Who did it.
    pub user: Option<String>,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_manager_lifts_a_suppression() {
        let from = LeadStatus::DoNotCall;
        assert_eq!(
            from.may_become(LeadStatus::Interested, Role::Caller),
            Err(LeadRuleError::Suppressed)
        );
        assert_eq!(
            from.may_become(LeadStatus::Interested, Role::Manager),
            Ok(())
        );
        assert_eq!(
            LeadStatus::Contacted.may_become(LeadStatus::New, Role::Caller),
            Err(LeadRuleError::NotNew)
        );
        assert_eq!(
            LeadStatus::New.may_become(LeadStatus::DoNotCall, Role::Caller),
            Ok(())
        );
    }

    #[test]
    fn every_status_is_found_by_its_name() {
        for status in LeadStatus::ALL {
            assert_eq!(status.as_str().to_uppercase().parse(), Ok(status));
        }
        assert!("dnc".parse::<LeadStatus>().is_err());
    }

    #[test]
    fn a_cell_names_a_status_as_pages_and_people_write_it() {
        for status in LeadStatus::ALL {
            for text in [status.as_str(), status.label()] {
                let spaced = format!(" {} ", text.to_uppercase().replace(['_', ' '], "-"));
                assert_eq!(LeadStatus::from_cell(text), Ok(status));
                assert_eq!(LeadStatus::from_cell(&spaced), Ok(status));
            }
        }
        assert_eq!(
            LeadStatus::from_cell("do\u{a0}not call."),
            Ok(LeadStatus::DoNotCall)
        );
        for text in ["", "-", "dnc", "call", "not"] {
            assert!(LeadStatus::from_cell(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cell_names_how_somebody_was_in_touch() {
        for method in ContactMethod::ALL {
            assert_eq!(ContactMethod::from_cell(method.as_str()), Some(method));
        }
        assert_eq!(
            ContactMethod::from_cell("E-mail"),
            Some(ContactMethod::Email)
        );
        assert_eq!(
            ContactMethod::from_cell("Phone call"),
            Some(ContactMethod::Call)
        );
        assert_eq!(ContactMethod::from_cell("fax"), None);
    }
}
