//! Rules of the sync, against a registry on loopback, on both engines.

mod both;
mod deep;
mod faults;
mod leads;
mod lifecycle;
mod pacing;
mod proof;
mod property;
mod specialties;
mod split;
mod unwritable;
mod world;
