//! What the tests of several crates share: a throwaway PostgreSQL, a faulty registry on loopback.
//!
//! Only ever a dev-dependency. Whatever is missing on the machine ends in a panic that says what
//! to install: a test that cannot run has failed.

pub mod postgres;
pub mod process;
pub mod registry;
pub mod soak;
pub mod sql;

pub use postgres::postgres_url;
pub use registry::{Deep, Fault, Faults, FaultyRegistry, Record, Settings};
