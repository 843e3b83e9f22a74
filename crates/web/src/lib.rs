//! Pages, JSON API and the registry-compatible endpoint over HTTP.

pub mod access;
pub mod api;
pub mod assets;
pub mod cookies;
mod events;
pub mod format;
#[cfg(debug_assertions)]
pub mod gallery;
pub mod geography;
pub mod ops;
pub mod pages;
pub mod problem;
pub mod registry;
pub mod security;
pub mod server;
pub mod ui;
