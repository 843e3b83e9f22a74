//! One question to the registry: at the common pace, again after passing faults.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use canvass_nppes::api::{
    Answer, Client, ClientSettings, Fault, Query, RetrySettings, retry_delay,
};
use canvass_store::{Pace, PaceLimits, Permit};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{App, Error, settings::RegistrySettings};

/// Longest time that the registry is left alone at a stretch because it does not answer.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// No page is asked for again once so much time has gone into it: the registry is at fault for good.
const LONGEST_TROUBLE: Duration = Duration::from_mins(8);

/// How often a request that was held up before it went out gives its turn to others.
const PATIENCE: u32 = 3;

/// What came of a question: the answer, or the fault that was left after the last attempt.
pub(super) type Asked = Result<Answer, Fault>;

/// Requests as they are sent: those count too whose answer nobody waits for.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<[AtomicU32; 2]>);

impl Sent {
    fn add(&self, retry: bool) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
        if retry {
            self.add_retry();
        }
    }

    /// One of the requests asks again for what was answered before.
    pub(super) fn add_retry(&self) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }

    /// Requests, and how many of them were retries, since the last time.
    pub(super) fn take(&self) -> (u32, u32) {
        let [requests, retries] = &*self.0;
        let take = |n: &AtomicU32| n.swap(0, Ordering::Relaxed);
        (take(requests), take(retries))
    }
}

/// Leave to send a request, given back when whoever has it goes away: a sync that was stopped
/// leaves no place taken.
struct Held {
    app: App,
    permit: Permit,
    done: bool,
}

impl Held {
    fn new(app: &App, permit: Permit) -> Self {
        Self {
            app: app.clone(),
            permit,
            done: false,
        }
    }

    /// The permit has been given back with what came of its request.
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.done {
            return;
        }
        let (app, permit) = (self.app.clone(), self.permit.clone());
        runtime.spawn(async move {
            let given_up = app.store().pace_given_up(&permit, app.clock().now()).await;
            if let Err(error) = given_up {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a place for a request stays taken until its lease ends"
                );
            }
        });
    }
}

/// Asks the registry on behalf of one process.
#[derive(Clone)]
pub(super) struct Asker {
    app: App,
    client: Client,
    owner: Arc<str>,
    limits: PaceLimits,
    retry: RetrySettings,
    /// As many as may be in flight over all processes: no more of this one need to wait in the
    /// database for their turn.
    places: Arc<Semaphore>,
    /// Microseconds that it takes to note a start in the database.
    lag: Arc<AtomicI64>,
}

impl Asker {
    pub(super) fn new(app: &App, owner: Arc<str>) -> Result<Self, Error> {
        let settings = &app.settings().registry;
        let mut client = ClientSettings {
            timeout: settings.timeout,
            ..ClientSettings::default()
        };
        if !settings.contact.is_empty() {
            client.contact.clone_from(&settings.contact);
        }
        let client = Client::new(&settings.url, &client)
            .map_err(|e| Error::invalid("registry", e.to_string()))?;
        let places = usize::try_from(settings.in_flight.max(1)).unwrap_or(1);
        Ok(Self {
            app: app.clone(),
            client,
            owner,
            limits: limits(settings),
            retry: RetrySettings {
                attempts: settings.attempts,
                first_delay: settings.backoff,
                longest_delay: settings.backoff_most,
                ..RetrySettings::default()
            },
            places: Arc::new(Semaphore::new(places)),
            lag: Arc::default(),
        })
    }

    /// Asks for the page of a query that begins after so many records. `None` when `stop` came first.
    pub(super) async fn ask(
        &self,
        query: &Query,
        skip: u32,
        sent: &Sent,
        stop: &CancellationToken,
    ) -> Result<Option<Asked>, Error> {
        tokio::select! {
            asked = self.ask_until_answered(query, skip, sent) => asked.map(Some),
            () = stop.cancelled() => Ok(None),
        }
    }

    async fn ask_until_answered(
        &self,
        query: &Query,
        skip: u32,
        sent: &Sent,
    ) -> Result<Asked, Error> {
        let mut attempts = 0;
        let mut since = None;
        loop {
            let place = self
                .places
                .acquire()
                .await
                .map_err(|e| Error::Internal(e.to_string()))?;
            let held = self.permit().await?;
            let permit = &held.permit;
            sent.add(attempts > 0);
            attempts += 1;
            // Others may have had to be waited for before the first attempt.
            let since = *since.get_or_insert_with(tokio::time::Instant::now);
            let answer = self.client.fetch(query, skip).await;
            let now = self.app.clock().now();
            let fault = match answer {
                Ok(answer) => {
                    self.app.store().pace_answered(permit, now).await?;
                    held.done();
                    return Ok(Ok(answer));
                }
                Err(fault) => fault,
            };
            let delay = retry_delay(attempts, &fault, &self.retry, rand::random());
            let pause = |failures| self.pause(failures, &fault, now);
            let failures = self.app.store().pace_failed(permit, pause, now).await?;
            held.done();
            tracing::warn!(%query, skip, attempt = attempts, failures, %fault, "the registry did not answer");
            let Some(delay) = delay.filter(|delay| since.elapsed() + *delay < LONGEST_TROUBLE)
            else {
                return Ok(Err(fault));
            };
            drop(place);
            tokio::time::sleep(delay).await;
        }
    }

    /// Until when everybody leaves the registry alone after a failure, and why: as long as it
    /// asks for, or, once several requests in a row have failed, longer with each further one.
    fn pause(&self, failures: u32, fault: &Fault, now: Timestamp) -> Option<(Timestamp, String)> {
        let settings = &self.app.settings().registry;
        let (length, why) = match fault {
            Fault::Status {
                retry_after: Some(asked),
                ..
            } => (
                (*asked).min(self.retry.longest_retry_after),
                "the registry asks to wait",
            ),
            _ if failures >= settings.breaker_failures => {
                let doublings = (failures - settings.breaker_failures).min(8);
                let length = settings
                    .breaker_pause
                    .saturating_mul(1 << doublings)
                    .min(LONGEST_PAUSE);
                (length, "the registry does not answer")
            }
            _ => return None,
        };
        let until = now + SignedDuration::try_from(length).ok()?;
        Some((
            until,
            format!(
                "{why} ({fault}); the next request goes out in {} s",
                length.as_secs().max(1)
            ),
        ))
    }

    /// Waits for leave to send a request, which has to go out at once then.
    async fn permit(&self) -> Result<Held, Error> {
        let registry = &self.app.settings().registry.url;
        let now = || self.app.clock().now();
        let mut held_up = 0;
        loop {
            // What is noted is when the request will go out. Noting it takes a while, and of two
            // requests one could be held up in between and the other not.
            let lag = self.lag();
            let pace = self
                .app
                .store()
                .pace_acquire_by(registry, &self.owner, self.limits, || now() + lag)
                .await?;
            let wait = match pace {
                Pace::Go(permit) => {
                    let start = permit.start;
                    let held = Held::new(&self.app, permit);
                    self.learn_lag(now().duration_since(start - lag));
                    if let Ok(early) = Duration::try_from(start.duration_since(now())) {
                        tokio::time::sleep(early).await;
                    }
                    let lateness = now().duration_since(start);
                    if lateness <= self.slack() || held_up == PATIENCE {
                        return Ok(held);
                    }
                    held_up += 1;
                    continue;
                }
                Pace::Wait(until) => until.duration_since(now()) - lag,
                // Looked at again from time to time: somebody may make the pause longer.
                Pace::Paused { until, .. } => until
                    .duration_since(now())
                    .min(SignedDuration::from_secs(1)),
            };
            let wait = Duration::try_from(wait).unwrap_or_default();
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    /// How much later than noted a request may go out: by as much windows are kept wider.
    fn slack(&self) -> SignedDuration {
        (self.limits.window / 20).max(SignedDuration::from_millis(2))
    }

    fn lag(&self) -> SignedDuration {
        SignedDuration::from_micros(self.lag.load(Ordering::Relaxed))
    }

    /// Takes in how long it took to note a start. What is rare is forgotten.
    fn learn_lag(&self, took: SignedDuration) {
        let most = self.limits.window / 2;
        let lag = took.max(self.lag() * 7 / 8).min(most);
        let micros = i64::try_from(lag.as_micros()).unwrap_or(0).max(0);
        self.lag.store(micros, Ordering::Relaxed);
    }
}

fn limits(settings: &RegistrySettings) -> PaceLimits {
    let signed = |d: Duration| SignedDuration::try_from(d).unwrap_or(SignedDuration::MAX);
    PaceLimits {
        in_flight: settings.in_flight.max(1),
        starts: settings.starts.max(1),
        // A request is sent a little after its start is noted, so the window is kept a little wider.
        window: signed(settings.window + settings.window / 20),
        lease: signed(settings.timeout + Duration::from_secs(5)),
    }
}
