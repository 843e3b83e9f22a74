//! Rules of the store, on both engines.

#[path = "../both/mod.rs"]
mod both;
mod filters;
mod leads;
mod migrations;
mod pace;
mod providers;
mod sample;
mod save_all;
mod saved;
mod search;
mod users;
