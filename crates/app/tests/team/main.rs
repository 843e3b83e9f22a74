//! What a team does with canvass, on both engines: access, leads, files.

mod accounts;
#[path = "../../../store/tests/both/mod.rs"]
mod both;
mod files;
mod leads;
mod lists;
mod opened;
mod places;
mod saved;
