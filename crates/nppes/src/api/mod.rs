//! The registry's read API, version 2.1.

mod codes;
mod record;
mod render;

pub use record::{Normalised, SetAside, normalise};
pub use render::render;
