//! Loads of dissemination files.
//!
//! Whole registries are built beside what is in use and take its place at once (`replacement`);
//! what changes a part of them is one transaction (`delta`). Either way nobody sees a half.

mod announce;
mod delta;
mod load;
mod replacement;
mod runs;

pub use replacement::{Prepared, Replaced, Replacement};
pub use runs::{ImportRun, ImportState, ImportTurn, NewImport, RowSetAside};
