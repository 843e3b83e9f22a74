//! A registry on loopback that answers like the NPPES read API 2.1 and fails when it is told to.
//!
//! It is a real HTTP server on a thread of its own, so tests with and without a runtime can use
//! it, and so can a binary under test. Its rules are those that a sync meets: the criteria and
//! their refusals, one address that must fit as a whole, the clamped limit, the page order, and
//! the stories about pages beyond `skip=1000`. Between two requests its list may change.

mod fault;
mod log;
mod population;
mod query;
mod record;
mod server;
mod socket;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

pub use fault::{Fault, Faults};
pub use log::Request;
pub use record::{Record, npi};
pub use server::FaultyRegistry;

/// The parameters of a request, as they came.
pub type Params = BTreeMap<String, String>;

/// What becomes of a page beyond `skip=1000`, the documented reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deep {
    /// It is served like any other, as probes of 2026 saw.
    #[default]
    Served,
    /// `skip` is clamped to 1,000, so that the last page within reach comes again.
    Repeats,
    /// It is empty.
    Empty,
    /// It is refused.
    Refused,
    /// It is served, but only before this place, past which it is empty.
    EmptyFrom(usize),
}

type CodesOfText = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;
type Rearrange = Arc<dyn Fn(&Request, &mut Vec<usize>) + Send + Sync>;
type Predicate = Arc<dyn Fn(&Params) -> bool + Send + Sync>;

/// How a [`FaultyRegistry`] behaves.
#[derive(Clone)]
pub struct Settings {
    codes_of_text: CodesOfText,
    latency: Duration,
    deep: Deep,
    faults: Faults,
    always_fail: Option<Predicate>,
    rearrange: Option<Rearrange>,
}

impl Settings {
    /// A registry without latency and faults that serves deep pages.
    ///
    /// `codes_of_text` gives the NUCC codes that a `taxonomy_description` stands for, a trailing
    /// `*` included; none means that the registry refuses the text with error 14.
    pub fn new(codes_of_text: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self {
            codes_of_text: Arc::new(codes_of_text),
            latency: Duration::ZERO,
            deep: Deep::default(),
            faults: Faults::none(),
            always_fail: None,
            rearrange: None,
        }
    }

    /// The same, with texts and codes from a list. Case does not matter, and a text that ends in
    /// `*` stands for the codes of all that begin so.
    pub fn with_texts(texts: &[(&str, &[&str])]) -> Self {
        let texts: Vec<(String, Vec<String>)> = texts
            .iter()
            .map(|(text, codes)| {
                let codes = codes.iter().map(|&c| c.to_owned()).collect();
                (text.to_ascii_lowercase(), codes)
            })
            .collect();
        Self::new(move |asked| {
            let asked = asked.trim().to_ascii_lowercase();
            texts
                .iter()
                .filter(|(text, _)| match asked.strip_suffix('*') {
                    Some(prefix) => text.starts_with(prefix),
                    None => *text == asked,
                })
                .flat_map(|(_, codes)| codes.clone())
                .collect()
        })
    }

    /// Each answer, faults included, comes after this time.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// What becomes of pages beyond `skip=1000`.
    #[must_use]
    pub fn deep(self, deep: Deep) -> Self {
        Self { deep, ..self }
    }

    /// Which requests go wrong, and how.
    #[must_use]
    pub fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// What a request finds, as places in the order of the whole registry, is changed so before its
    /// page is cut out: records go, or come in another order.
    #[must_use]
    pub fn rearrange(
        self,
        rearrange: impl Fn(&Request, &mut Vec<usize>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            rearrange: Some(Arc::new(rearrange)),
            ..self
        }
    }

    /// Requests for which this holds are answered 500, each time.
    #[must_use]
    pub fn always_fail(self, predicate: impl Fn(&Params) -> bool + Send + Sync + 'static) -> Self {
        Self {
            always_fail: Some(Arc::new(predicate)),
            ..self
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("latency", &self.latency)
            .field("deep", &self.deep)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
