use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Fault, Params};

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its number, from 0, in order of arrival.
    pub number: u64,
    /// Its parameters.
    pub params: Params,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// When it arrived.
    pub start: Instant,
    /// When its answer was ready, or the client had gone; `None` while it is under way.
    pub end: Option<Instant>,
    /// What went wrong with it.
    pub fault: Option<Fault>,
}

/// All requests so far. Clones share one log.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an arrival; the request has ended when the guard is dropped, for whatever reason.
    pub(super) fn arrival(
        &self,
        params: Params,
        user_agent: Option<String>,
        fault: impl FnOnce(u64) -> Option<Fault>,
    ) -> Arrival {
        let mut requests = self.lock();
        let index = requests.len();
        let number = u64::try_from(index).expect("fewer than 2^64 requests");
        let request = Request {
            number,
            params,
            user_agent,
            start: Instant::now(),
            end: None,
            fault: fault(number),
        };
        requests.push(request.clone());
        Arrival {
            log: self.clone(),
            index,
            request,
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.lock().clone()
    }
}

pub(super) struct Arrival {
    log: Log,
    index: usize,
    /// As it arrived.
    pub(super) request: Request,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if let Some(request) = self.log.lock().get_mut(self.index) {
            request.end = Some(Instant::now());
        }
    }
}

/// The largest number of requests under way at one moment. One that ends at the very moment at
/// which another starts does not count with it.
pub(super) fn max_in_flight(requests: &[Request]) -> usize {
    let mut events: Vec<(Instant, bool)> = requests
        .iter()
        .flat_map(|r| [Some((r.start, true)), r.end.map(|end| (end, false))])
        .flatten()
        .collect();
    events.sort_unstable();
    let (mut now, mut most) = (0usize, 0);
    for (_, starts) in events {
        if starts {
            now += 1;
            most = most.max(now);
        } else {
            now -= 1;
        }
    }
    most
}

/// The largest number of arrivals less than `window` apart.
pub(super) fn max_starts_within(requests: &[Request], window: Duration) -> usize {
    let mut starts: Vec<Instant> = requests.iter().map(|r| r.start).collect();
    starts.sort_unstable();
    let (mut first, mut most) = (0, 0);
    for (i, start) in starts.iter().enumerate() {
        while start.duration_since(starts[first]) >= window && first < i {
            first += 1;
        }
        most = most.max(i + 1 - first);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(spans: &[(u64, Option<u64>)]) -> Vec<Request> {
        let zero = Instant::now();
        spans
            .iter()
            .enumerate()
            .map(|(i, (start, end))| Request {
                number: i as u64,
                params: Params::new(),
                user_agent: None,
                start: zero + Duration::from_millis(*start),
                end: end.map(|end| zero + Duration::from_millis(end)),
                fault: None,
            })
            .collect()
    }

    #[test]
    fn requests_in_flight_are_those_that_overlap() {
        let max = |spans: &[_]| max_in_flight(&requests(spans));
        assert_eq!(max(&[]), 0);
        assert_eq!(max(&[(0, Some(10)), (10, Some(20))]), 1);
        assert_eq!(max(&[(0, Some(11)), (10, Some(20)), (19, None)]), 2);
        assert_eq!(max(&[(0, None), (1, None), (2, None)]), 3);
    }

    #[test]
    fn a_window_excludes_its_end() {
        let starts = requests(&[(0, None), (50, None), (199, None), (200, None), (500, None)]);
        let max = |ms| max_starts_within(&starts, Duration::from_millis(ms));
        assert_eq!(max(200), 3);
        assert_eq!(max(201), 4);
        assert_eq!(max(1), 1);
        assert_eq!(max_starts_within(&[], Duration::from_secs(1)), 0);
    }
}
