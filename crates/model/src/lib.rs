//! Plain values and rules of canvass.
//!
//! Nothing here does input or output. Every other crate knows this one; it knows none of them.

mod change;
mod city;
mod compare;
mod cursor;
mod facet;
mod filter;
mod lead;
mod list;
mod merge;
mod npi;
mod phone;
mod provider;
mod receipt;
mod role;
mod source;
mod specialty;
mod state;
mod sync;
mod taxonomy;

pub use change::{Change, ChangeKind, changes_between, is_field};
pub use city::usual_city;
pub use cursor::{Cursor, InvalidCursor};
pub use facet::{Facet, Facets};
pub use filter::{FilterError, LeadFilter, LeadPresence, PlaceOf, ProviderFilter, StatusFilter};
pub use lead::{
    Activity, ActivityKind, ContactMethod, InvalidLeadStatus, Lead, LeadPatch, LeadRuleError,
    LeadStatus,
};
pub use list::{LeadSort, Page, PageRequest, ProviderSort, Total};
pub use merge::{Door, Verdict};
pub use npi::{CellError, InvalidNpi, Npi};
pub use phone::Phone;
pub use provider::{
    Address, Endpoint, Entity, Identifier, Official, OtherName, PersonName, Provider,
    ProviderSummary, ProviderTaxonomy, RecordStatus, Sex,
};
pub use receipt::Receipt;
pub use role::{InvalidRole, Role};
pub use source::Source;
pub use specialty::{Catalogue, Preset, Resolution, Specialty, UnknownSpecialty, fold_ascii};
pub use state::State;
pub use sync::{
    AddressScope, Counts, Coverage, JobState, LeftOut, Shortfall, SpecialtyProgress,
    SpecialtyState, SyncRequest, SyncRun,
};
pub use taxonomy::Taxonomy;
