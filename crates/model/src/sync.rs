use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Receipt;

/// Which addresses of a provider a place of a sync speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressScope {
    /// A practice location, primary or secondary (`address_purpose=LOCATION`).
    #[default]
    Practice,
    /// Any address, mailing included.
    Any,
}

/// What a sync pulls: specialties at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncRequest {
    /// Names or codes of specialties.
    pub specialties: Vec<String>,
    /// Two-letter state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// City, as the registry spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code, or its beginning followed by `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Which addresses.
    pub address: AddressScope,
    /// Whether what is found is saved as leads at the end.
    pub save_leads: bool,
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun it.
    Queued,
    /// Under way.
    Running,
    /// Stopped by a person; what was stored stays, and it can be resumed.
    Cancelled,
    /// At its end. Whether it is complete is said beside it.
    Finished,
}

impl JobState {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
        }
    }

    /// From its stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Cancelled, Self::Finished]
            .into_iter()
            .find(|s| s.as_str() == text)
    }

    /// Whether nothing more will happen unless somebody resumes it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Finished)
    }
}

/// What a sync counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Distinct providers.
    pub found: u64,
    /// Were not known before.
    pub created: u64,
    /// Were known and have changed.
    pub updated: u64,
    /// Were known and are the same.
    pub unchanged: u64,
    /// Records that could not be understood.
    pub set_aside: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Of which retries.
    pub retries: u64,
}

/// State of one specialty of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpecialtyState {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Everything that the registry holds was pulled.
    Complete,
    /// At its end, but something is missing; the coverage says what.
    Incomplete,
    /// Not a specialty of the registry.
    Unknown,
    /// Stopped by a person.
    Cancelled,
}

/// How far one specialty of a sync is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpecialtyProgress {
    /// As a person picked it.
    pub name: String,
    /// What the registry is asked with.
    pub texts: Vec<String>,
    /// State.
    pub state: SpecialtyState,
    /// Counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether everything was pulled.
    pub complete: bool,
    /// Why not, or which are the nearest that exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The nearest specialties, for one that does not exist.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub nearest: Vec<String>,
    /// Seconds of work so far, from its first request to its last.
    pub seconds: f64,
}

/// A part of a sync that is not complete, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// The query, as people read it.
    pub query: String,
    /// Why it is not complete.
    pub reason: String,
}

/// What the parts of a split query do not cover of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The query that was split.
    pub query: String,
    /// What was not asked for.
    pub what: String,
}

/// How completely a sync covered what it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Queries, those included that were split into others.
    pub partitions: u64,
    /// Queries that ended with a short page.
    pub complete: u64,
    /// Queries that reached the registry's cap and were split into others.
    pub split: u64,
    /// Queries that reached the cap and could not be split further.
    pub truncated: Vec<Shortfall>,
    /// Queries of which a page failed for good.
    pub failed: Vec<Shortfall>,
    /// Queries of which the pages do not agree, so that something may be missing.
    #[serde(default)]
    pub doubtful: Vec<Shortfall>,
    /// What the parts of split queries do not cover.
    pub left_out: Vec<LeftOut>,
}

/// One sync: what was asked, how far it is, what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncRun {
    /// Identifier.
    pub id: String,
    /// What was asked.
    pub request: SyncRequest,
    /// State.
    pub state: JobState,
    /// Counts of the whole; `found` counts a provider once however many specialties found it.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether everything asked for was pulled.
    pub complete: bool,
    /// Seconds from start to end, or until now.
    pub seconds: f64,
    /// Seconds until the end, estimated.
    pub seconds_left: Option<f64>,
    /// What it waits for, when it waits.
    pub note: Option<String>,
    /// The specialties, in the order asked for.
    pub specialties: Vec<SpecialtyProgress>,
    /// Coverage.
    pub coverage: Coverage,
    /// The receipt of saving leads at the end.
    pub leads: Option<Receipt>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl SyncRun {
    /// The specialty that is under way and its place among all, from 1.
    pub fn current(&self) -> Option<(usize, &SpecialtyProgress)> {
        let running = |s: &&SpecialtyProgress| s.state == SpecialtyState::Running;
        let (i, s) = self
            .specialties
            .iter()
            .enumerate()
            .find(|(_, s)| running(s))?;
        Some((i + 1, s))
    }
}
