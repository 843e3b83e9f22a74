//! The registry's read API, version 2.1.

mod answer;
mod client;
mod codes;
mod plan;
mod query;
mod record;
mod render;
mod split;

pub use answer::{Answer, Fault, Refusal, parse_answer};
pub(crate) use client::is_loopback;
pub use client::{Client, ClientError, ClientSettings, REGISTRY_URL, RetrySettings, retry_delay};
pub use plan::{MAX_SKIP, Meaning, PAGE, Reach, STRIDE, Step, Walk, page_number};
pub use query::{PAGE_SIZE, Purpose, Query};
pub use record::{Normalised, SetAside, normalise};
pub use render::render;
pub use split::{Evidence, LeftOutPart, Split, note_evidence, split};
