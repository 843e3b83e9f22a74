//! Loads of dissemination files.
//!
//! What a whole registry changes is staged beside what is in use and published at once (`full`);
//! what changes a part of them is one transaction (`delta`). Either way nobody sees a half.

mod announce;
mod delta;
mod full;
mod load;
mod runs;

pub use delta::{Delta, Edit};
pub use full::{DoubleOutcome, MAX_DOUBLES, Missing, Prepared, Replaced, Replacement};
pub use runs::{ImportRun, ImportState, ImportTurn, NewImport, RowSetAside};
