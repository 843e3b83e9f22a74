//! One file for each thing that people do.

mod account;
mod imports;
mod keyboard;
mod leads;
mod looks;
mod plain;
mod providers;
mod searches;
mod sync;
mod team;
