//! The registry's read API, version 2.1.

mod answer;
mod client;
mod codes;
mod query;
mod record;
mod render;

pub use answer::{Answer, Fault, Refusal, parse_answer};
pub use client::{Client, ClientError, ClientSettings, REGISTRY_URL, RetrySettings, retry_delay};
pub use query::{PAGE_SIZE, Purpose, Query};
pub use record::{Normalised, SetAside, normalise};
pub use render::render;
