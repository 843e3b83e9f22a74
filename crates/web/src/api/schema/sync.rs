//! Syncs.

use utoipa::ToSchema;

use super::Receipt;

/// State of a sync.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun it.
    Queued,
    /// Under way.
    Running,
    /// Stopped by a person; it can be resumed.
    Cancelled,
    /// At its end; `complete` says whether all of it was pulled.
    Finished,
}

/// State of one specialty of a sync.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
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

/// Which addresses of a provider a place speaks of.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum AddressScope {
    /// A practice location, primary or secondary.
    Practice,
    /// Any address, mailing included.
    Any,
}

/// What a sync pulls: specialties at a place.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"specialties": ["Family Medicine", "Internal Medicine"], "state": "CA", "address": "practice"}))]
pub struct SyncRequest {
    /// Names or NUCC codes of specialties.
    #[schema(min_items = 1, max_items = 200)]
    pub specialties: Vec<String>,
    /// Two-letter state.
    #[schema(example = "CA")]
    pub state: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code, or its beginning followed by `*`.
    #[schema(example = "937*")]
    pub postal_code: Option<String>,
    /// Which addresses the place speaks of; `practice` when absent.
    pub address: Option<AddressScope>,
    /// Whether what is found is saved as leads at the end.
    pub save_leads: Option<bool>,
}

/// How far one specialty of a sync is.
#[derive(Debug, ToSchema)]
pub struct SpecialtyProgress {
    /// As it was picked.
    pub name: String,
    /// What the registry is asked with.
    pub texts: Vec<String>,
    /// State.
    pub state: SpecialtyState,
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
    /// Whether everything was pulled.
    pub complete: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The nearest specialties, for one that does not exist.
    pub nearest: Option<Vec<String>>,
    /// Seconds of work so far.
    pub seconds: f64,
}

/// A part of a sync that is not complete, and why.
#[derive(Debug, ToSchema)]
pub struct Shortfall {
    /// The query, as people read it.
    pub query: String,
    /// Why it is not complete.
    pub reason: String,
}

/// What the parts of a split query do not cover of the whole.
#[derive(Debug, ToSchema)]
pub struct LeftOut {
    /// The query that was split.
    pub query: String,
    /// What was not asked for.
    pub what: String,
}

/// How completely a sync covered what it was asked for.
#[derive(Debug, ToSchema)]
pub struct Coverage {
    /// Queries, split ones included.
    pub partitions: u64,
    /// Queries that ended with a short page.
    pub complete: u64,
    /// Queries that reached the cap of the registry and were split.
    pub split: u64,
    /// Queries that reached the cap and could not be split further.
    pub truncated: Vec<Shortfall>,
    /// Queries of which a page failed for good.
    pub failed: Vec<Shortfall>,
    /// Queries of which the pages do not agree, so that something may be missing.
    pub doubtful: Vec<Shortfall>,
    /// What the parts of split queries do not cover.
    pub left_out: Vec<LeftOut>,
}

/// One sync: what was asked, how far it is, what came of it.
#[derive(Debug, ToSchema)]
pub struct SyncRun {
    /// Identifier.
    pub id: String,
    /// What was asked.
    pub request: SyncRequest,
    /// State.
    pub state: JobState,
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
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub created_at: String,
    /// When it began.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub finished_at: Option<String>,
}
