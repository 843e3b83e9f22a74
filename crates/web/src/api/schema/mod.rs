//! The shapes of answers and requests, for the description of the API.
//!
//! The values themselves are those of the model, which knows nothing of the API. Each type here says
//! how one of them looks as JSON; the tests hold every answer against it.

mod filter;
mod imports;
mod provider;
mod sync;

use utoipa::{ToResponse, ToSchema};

use crate::problem::ProblemDocument;

pub use filter::*;
pub use imports::*;
pub use provider::*;
pub use sync::*;

/// Where a lead stands.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum LeadStatus {
    /// Nobody has called yet.
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

/// How somebody was in touch.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ContactMethod {
    /// By telephone.
    Call,
    /// By e-mail.
    Email,
    /// Both.
    Both,
}

/// What an entry of a timeline is.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
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

/// What somebody may do. Each role may do all that the ones before it may.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Role {
    /// Works leads.
    Caller,
    /// Pulls providers, saves and shares out leads, exports.
    Manager,
    /// Gives access.
    Admin,
}

/// How many rows a list has in all.
#[derive(Debug, ToSchema)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Whether that is exact. It is, but where a list without pages was cut at its `limit`: then
    /// there are so many at least.
    pub exact: bool,
}

/// The answer to saving leads: `requested = created + existing + suppressed + rejected`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"requested": 1200, "created": 1180, "existing": 18, "suppressed": 2, "rejected": 0}))]
pub struct Receipt {
    /// How many were asked for.
    pub requested: u64,
    /// New leads.
    pub created: u64,
    /// Were leads already.
    pub existing: u64,
    /// Left out because they must not be called.
    pub suppressed: u64,
    /// Left out because there is no such provider in service.
    pub rejected: u64,
}

/// An entry of a lead's timeline.
#[derive(Debug, ToSchema)]
pub struct Activity {
    /// Identifier.
    pub id: String,
    /// Whose lead.
    #[schema(pattern = "^[12][0-9]{9}$", example = "1234567893")]
    pub lead_id: String,
    /// What it is.
    pub kind: ActivityKind,
    /// Free text, or the new status.
    pub text: String,
    /// Who did it.
    pub user: Option<String>,
    /// When.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub at: String,
}

/// The answer to an edit of many leads: `requested = updated + unchanged + suppressed + rejected`.
#[derive(Debug, ToSchema)]
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

/// A row of an import that was not taken.
#[derive(Debug, ToSchema)]
pub struct Rejection {
    /// Line of the file where it begins.
    pub line: u64,
    /// What it gave as NPI.
    pub npi: String,
    /// Why.
    pub reason: String,
}

/// The answer to an import: `rows = created + updated + unchanged + rejected`.
#[derive(Debug, ToSchema)]
pub struct ImportReport {
    /// Rows read; the line of names, what stands above it and rows without content aside.
    pub rows: u64,
    /// New leads.
    pub created: u64,
    /// Leads that were there and have changed.
    pub updated: u64,
    /// Leads that were there and are as the file says.
    pub unchanged: u64,
    /// Rows not taken.
    pub rejected: u64,
    /// The first 1,000 of them.
    pub rejections: Vec<Rejection>,
    /// Rows of which the status was passed over because the lead is marked `do_not_call`.
    pub suppressed: u64,
    /// Owners that are no users who may sign in; the rows that name them are among the rejected.
    pub unknown_owners: Vec<String>,
}

/// A search that somebody keeps.
#[derive(Debug, ToSchema)]
pub struct SavedSearch {
    /// Identifier.
    pub id: String,
    /// Name.
    #[schema(example = "Cardiologists of Fresno")]
    pub name: String,
    /// What is searched for and in which order, as the query of `GET /api/providers` and of the
    /// page `/providers`.
    #[schema(example = "specialty=Cardiology&city=Fresno&sort=city")]
    pub query: String,
    /// Whether it is the team's.
    pub team: bool,
    /// Identifier of the user who keeps it.
    pub owner_id: String,
    /// Name of that user.
    pub owner: String,
    /// When it was saved.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub created_at: String,
}

/// Somebody with access.
#[derive(Debug, ToSchema)]
pub struct User {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they are kept from signing in.
    pub disabled: bool,
    /// When they got access.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub created_at: String,
}

/// A token, without its secret.
#[derive(Debug, ToSchema)]
pub struct Token {
    /// Identifier.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub created_at: String,
    /// When it was last used, to the minute.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub last_used_at: Option<String>,
}

/// A file in a form.
#[derive(Debug, ToSchema)]
pub struct ImportForm {
    /// The file.
    #[schema(content_media_type = "text/csv")]
    pub file: String,
}

/// What went wrong, and what would be right
#[derive(ToResponse)]
#[response(
    description = "A problem",
    content_type = "application/problem+json",
    example = json!({
        "type": "about:blank",
        "title": "Some of it is not right",
        "status": 422,
        "detail": "state: \"ZZ\" is no state; write two letters, as in CA.",
        "instance": "/api/sync",
        "request_id": "0199c1a2b3c47d5e8f90a1b2c3d4e5f6",
        "errors": [{"field": "state", "detail": "\"ZZ\" is no state; write two letters, as in CA"}]
    })
)]
pub struct ProblemResponse(pub ProblemDocument);
