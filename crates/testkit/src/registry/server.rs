use std::{
    collections::HashMap,
    convert::Infallible,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, Response, StatusCode, header},
    routing::get,
};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::{oneshot, watch};

use super::{
    Fault, Faults, Params, Request, Settings,
    log::{self, Log},
    population::Population,
    query::{Criteria, Refusal, Window},
    socket::{ResetSwitch, Sockets},
};

/// A registry that serves on 127.0.0.1 until it is dropped.
pub struct FaultyRegistry {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    log: Log,
    state: Mutex<Served>,
    /// Which answers are held back.
    gate: watch::Sender<Gate>,
}

/// Holds for the requests whose answers wait.
type Gate = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

struct Served {
    settings: Settings,
    population: Population,
    /// What queries found, by their parameters without the window.
    matches: HashMap<Params, Arc<Vec<usize>>>,
}

impl FaultyRegistry {
    /// Serves these records, in the shape of the registry's API, on a free port.
    ///
    /// # Panics
    /// When loopback has no free port or no thread can be made.
    pub fn start(records: &[Value], settings: Settings) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let address = listener.local_addr().expect("the address of a socket");
        let shared = Arc::new(Shared {
            log: Log::default(),
            state: Mutex::new(Served {
                settings,
                population: Population::new(records),
                matches: HashMap::new(),
            }),
            gate: watch::Sender::new(Arc::new(|_| false)),
        });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("faulty-registry".into())
            .spawn(move || serve(listener, served, stopped))
            .expect("a thread");
        Self {
            url: format!("http://{address}/api/"),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The address to give as the registry's, `http://127.0.0.1:PORT/api/`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far, by number.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.requests()
    }

    /// The largest number of requests that were under way at one moment.
    ///
    /// A client that gives up on a request and starts the next at once may count twice until the
    /// server has noticed that it is gone.
    pub fn max_in_flight(&self) -> usize {
        log::max_in_flight(&self.requests())
    }

    /// The largest number of requests that arrived less than `window` apart.
    ///
    /// Arrivals are as seen by the server: against a client that starts n in a window, ask with a
    /// window that is shorter by what scheduling may cost, or two batches may seem to overlap.
    pub fn max_starts_within(&self, window: Duration) -> usize {
        log::max_starts_within(&self.requests(), window)
    }

    /// Other records from now on.
    pub fn set_records(&self, records: &[Value]) {
        let population = Population::new(records);
        let mut served = self.shared.served();
        served.population = population;
        served.matches.clear();
    }

    /// Other settings from now on; the numbers of requests go on, and scripted faults by them.
    pub fn set_settings(&self, settings: Settings) {
        let mut served = self.shared.served();
        served.settings = settings;
        served.matches.clear();
    }

    /// Other faults from now on; the numbers of requests go on, and scripted faults by them.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.served().settings.faults = faults;
    }

    /// Holds back the answers to requests for which this holds, faults included, until
    /// [`release`](Self::release) or another `hold`; requests that are held already are looked at
    /// again. So a test stops a client at a place of its choice, however quick the machine is.
    ///
    /// ```
    /// # use canvass_testkit::{FaultyRegistry, Settings};
    /// # let registry = FaultyRegistry::start(&[], Settings::new(|_| Vec::new()));
    /// // Five requests are answered, and no more.
    /// registry.hold(|request| request.number >= 5);
    /// ```
    pub fn hold(&self, held: impl Fn(&Request) -> bool + Send + Sync + 'static) {
        self.shared.gate.send_replace(Arc::new(held));
    }

    /// Lets all answers go that are held back, and holds none from now on.
    pub fn release(&self) {
        self.hold(|_| false);
    }
}

impl fmt::Debug for FaultyRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyRegistry")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Drop for FaultyRegistry {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn served(&self) -> MutexGuard<'_, Served> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until the other half of `stopped` is dropped.
fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<Infallible>,
) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of tokio");
            let router = Router::new()
                .route("/api", get(answer))
                .route("/api/", get(answer))
                .with_state(shared);
            let service = router.into_make_service_with_connect_info::<ResetSwitch>();
            tokio::select! {
                _ = axum::serve(Sockets(listener), service) => {}
                _ = stopped => {}
            }
        });
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response<Body> {
    let settings = shared.served().settings.clone();
    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let arrival = shared.log.arrival(params.clone(), user_agent, |number| {
        if settings
            .always_fail
            .as_ref()
            .is_some_and(|fails| fails(&params))
        {
            return Some(Fault::ServerError);
        }
        let first_page = Window::parse(&params).skip == 0;
        let fault = settings.faults.of(number, &params)?;
        (fault != Fault::RepeatPreviousPage || !first_page).then_some(fault)
    });
    // The sender lives as long as the server, so the wait ends with the gate only.
    let mut gate = shared.gate.subscribe();
    let _ = gate.wait_for(|held| !held(&arrival.request)).await;
    tokio::time::sleep(settings.latency).await;
    let page = || shared.served().page(&arrival.request);
    match arrival.request.fault {
        None | Some(Fault::RepeatPreviousPage | Fault::RepeatRecordsInPage) => json(page()),
        Some(Fault::Hang(duration)) => {
            tokio::time::sleep(duration).await;
            json(page())
        }
        Some(Fault::TooManyRequests { retry_after }) => {
            let mut response = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
            if let Some(seconds) = retry_after {
                response = response.header(header::RETRY_AFTER, seconds);
            }
            built(response, "Too Many Requests")
        }
        Some(Fault::ServerError) => built(
            Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR),
            "Internal Server Error",
        ),
        Some(Fault::Html200) => built(
            Response::builder().header(header::CONTENT_TYPE, "text/html; charset=utf-8"),
            "<!DOCTYPE html><html><head><title>Maintenance</title></head>\
             <body><h1>The NPI Registry is down for maintenance</h1></body></html>",
        ),
        Some(Fault::HalfBody) => half(&page()),
        Some(Fault::Reset) => {
            reset.pull();
            built(Response::builder(), "")
        }
    }
}

impl Served {
    /// The JSON text of the answer to these parameters.
    fn page(&mut self, request: &Request) -> String {
        let (params, fault) = (&request.params, request.fault);
        let mut window = Window::parse(params);
        let matches = match self.matches(params) {
            Ok(_) if window.is_refused(self.settings.deep) => Err(vec![Refusal::of_skip()]),
            matches => matches,
        };
        let matches = match matches {
            Ok(matches) => matches,
            Err(refusals) => {
                let errors: Vec<Value> = refusals.iter().map(Refusal::to_json).collect();
                return serde_json::json!({"Errors": errors}).to_string();
            }
        };
        let matches = match &self.settings.rearrange {
            None => matches,
            Some(rearrange) => {
                let mut matches = matches.to_vec();
                rearrange(request, &mut matches);
                Arc::new(matches)
            }
        };
        if fault == Some(Fault::RepeatPreviousPage) {
            window = window.page_before();
        }
        let repeat_in_page = fault == Some(Fault::RepeatRecordsInPage);
        let records: Vec<&str> = window
            .of(&matches, self.settings.deep)
            .iter()
            .enumerate()
            .flat_map(|(i, &entry)| {
                let times = if repeat_in_page && i % 10 == 0 { 2 } else { 1 };
                std::iter::repeat_n(self.population.entries[entry].json.as_str(), times)
            })
            .collect();
        format!(
            r#"{{"result_count":{},"results":[{}]}}"#,
            records.len(),
            records.join(",")
        )
    }

    fn matches(&mut self, params: &Params) -> Result<Arc<Vec<usize>>, Vec<Refusal>> {
        let mut key = params.clone();
        key.remove("skip");
        key.remove("limit");
        if let Some(known) = self.matches.get(&key) {
            return Ok(Arc::clone(known));
        }
        let criteria = Criteria::parse(params, |text| (self.settings.codes_of_text)(text))?;
        let found: Vec<usize> = (0..self.population.entries.len())
            .filter(|&i| criteria.fit(&self.population.entries[i]))
            .collect();
        let found = Arc::new(found);
        self.matches.insert(key, Arc::clone(&found));
        Ok(found)
    }
}

fn built(response: axum::http::response::Builder, body: impl Into<Body>) -> Response<Body> {
    response
        .body(body.into())
        .expect("headers of our own are valid")
}

fn json(body: String) -> Response<Body> {
    built(
        Response::builder().header(header::CONTENT_TYPE, "application/json"),
        body,
    )
}

/// The headers of the whole and half of its bytes; then the connection breaks.
fn half(whole: &str) -> Response<Body> {
    let first = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
    let breaks = stream::once(async {
        // So that the half is on its way before the error closes the connection.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    let body = Body::from_stream(stream::once(async { Ok(first) }).chain(breaks));
    built(
        Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, whole.len()),
        body,
    )
}

#[cfg(test)]
mod tests;
