//! The two doors of the NPPES registry: its read API and its files.

pub mod api;
pub mod fetch;
pub mod files;
pub mod geo;
mod normalize;
pub mod nucc;
pub mod sample;
