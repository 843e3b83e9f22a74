use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng, seq::IndexedRandom as _};

use super::{Params, query::Window};

/// One way in which a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Status 429, with a `Retry-After` of whole seconds where one is given.
    TooManyRequests {
        /// Seconds of `Retry-After`.
        retry_after: Option<u32>,
    },
    /// Status 500 with a text.
    ServerError,
    /// A maintenance page: HTML with status 200.
    Html200,
    /// The headers and half of the body, then the connection closes.
    HalfBody,
    /// The connection is reset without an answer.
    Reset,
    /// The right answer, after this time on top of the latency.
    Hang(Duration),
    /// The page before the one that was asked for. The first page has none and is served.
    RepeatPreviousPage,
    /// The right page with every tenth record twice in a row, so that it may be longer than the
    /// limit; no record is displaced.
    RepeatRecordsInPage,
}

/// Which requests go wrong. Requests are numbered from 0 in the order in which they arrive, so a
/// plan by their numbers is the same each time, though with several in flight another request may
/// meet a fault; [`Faults::of_pages`] looks at what is asked for.
#[derive(Clone, Debug)]
pub struct Faults(Plan);

#[derive(Clone, Debug)]
enum Plan {
    Scripted(Vec<Option<Fault>>),
    Random {
        seed: u64,
        probability: f64,
        kinds: Vec<Fault>,
    },
    Pages {
        fault: Fault,
        /// Places of the first records, and how many requests for them go wrong.
        times: HashMap<usize, u32>,
        /// How often each request came.
        came: Arc<Mutex<HashMap<Params, u32>>>,
    },
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self(Plan::Scripted(Vec::new()))
    }

    /// Request number n meets the n-th entry; those after the end go well.
    pub fn scripted(faults: impl IntoIterator<Item = Option<Fault>>) -> Self {
        Self(Plan::Scripted(faults.into_iter().collect()))
    }

    /// The first so many requests for the pages that begin at these places meet the fault, those of
    /// each query by themselves: in whatever order several in flight arrive.
    pub fn of_pages(fault: Fault, times: impl IntoIterator<Item = (usize, u32)>) -> Self {
        Self(Plan::Pages {
            fault,
            times: times.into_iter().collect(),
            came: Arc::default(),
        })
    }

    /// Each request meets, with this probability from 0 to 1, one of these faults.
    ///
    /// # Panics
    /// When the probability lies outside 0 to 1.
    pub fn random(seed: u64, probability: f64, kinds: impl IntoIterator<Item = Fault>) -> Self {
        assert!(
            (0.0..=1.0).contains(&probability),
            "a probability lies between 0 and 1, not at {probability}"
        );
        Self(Plan::Random {
            seed,
            probability,
            kinds: kinds.into_iter().collect(),
        })
    }

    /// What request number `number`, for this, meets.
    pub(super) fn of(&self, number: u64, params: &Params) -> Option<Fault> {
        match &self.0 {
            Plan::Scripted(faults) => *faults.get(usize::try_from(number).ok()?)?,
            Plan::Random {
                seed,
                probability,
                kinds,
            } => {
                let mut rng = ChaCha8Rng::seed_from_u64(*seed);
                rng.set_stream(number);
                if rng.random_bool(*probability) {
                    kinds.choose(&mut rng).copied()
                } else {
                    None
                }
            }
            Plan::Pages { fault, times, came } => {
                let times = *times.get(&Window::parse(params).skip)?;
                let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
                let before = came.entry(params.clone()).or_default();
                *before += 1;
                (*before <= times).then_some(*fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_plan_depends_on_seed_and_number_alone() {
        let plan = |seed| {
            let faults = Faults::random(seed, 0.3, [Fault::ServerError, Fault::Reset]);
            (0..1000)
                .map(|n| faults.of(n, &Params::new()))
                .collect::<Vec<_>>()
        };
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
        let hits = plan(1).iter().flatten().count();
        assert!((200..400).contains(&hits), "{hits} of 1,000 at 0.3");
        for kind in [Fault::ServerError, Fault::Reset] {
            assert!(plan(1).contains(&Some(kind)));
        }
    }

    #[test]
    fn a_script_ends() {
        let faults = Faults::scripted([None, Some(Fault::Reset)]);
        assert_eq!(
            [0, 1, 2].map(|n| faults.of(n, &Params::new())),
            [None, Some(Fault::Reset), None]
        );
    }

    #[test]
    fn a_page_of_each_query_goes_wrong_as_often_as_planned() {
        let faults = Faults::of_pages(Fault::Reset, [(0, 1), (400, 2)]);
        let params = |state: &str, skip: &str| -> Params {
            [("state", state), ("skip", skip)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        };
        let met = |params: &Params| [0; 3].map(|n| faults.of(n, params).is_some());
        assert_eq!(met(&params("CA", "400")), [true, true, false]);
        assert_eq!(met(&params("CA", "0")), [true, false, false]);
        assert_eq!(met(&params("CA", "200")), [false; 3]);
        assert_eq!(met(&params("TX", "400")), [true, true, false]);
    }
}
