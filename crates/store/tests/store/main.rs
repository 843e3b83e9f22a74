//! Rules of the store, on both engines.

mod beside;
#[path = "../both/mod.rs"]
mod both;
mod dropped;
mod earlier;
mod facets;
mod faulty;
mod filters;
mod integrity;
mod leads;
mod leases;
mod migrations;
mod orders;
mod pace;
mod providers;
mod raw;
mod sample;
mod save_all;
mod saved;
mod search;
mod typed;
mod users;
