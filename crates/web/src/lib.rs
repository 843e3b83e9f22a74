//! Pages, JSON API and the registry-compatible endpoint over HTTP.

pub mod assets;
