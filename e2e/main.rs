//! Flows of people through canvass: the real binary, a registry of generated people, a real browser.

mod axe;
mod browser;
mod flows;
mod http;
mod process;
mod world;
