//! Pages, JSON API and the registry-compatible endpoint over HTTP.

pub mod assets;
pub mod cookies;
pub mod format;
#[cfg(debug_assertions)]
pub mod gallery;
pub mod geography;
pub mod pages;
pub mod problem;
pub mod registry;
pub mod security;
pub mod ui;
