//! Progress as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use canvass_app::{App, Error, ImportView};
use canvass_model::SyncRun;
use futures_util::stream;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(400);
/// How long a stream is silent at most.
const SILENCE: Duration = Duration::from_secs(12);
/// After what time a browser comes back when a stream broke off.
const COME_BACK: Duration = Duration::from_secs(2);

/// Something whose progress is told.
pub trait Followed: Serialize + Send + Sync + Sized + 'static {
    /// As it is now; nothing when it is gone.
    fn again(&self, app: &App) -> impl Future<Output = Result<Option<Self>, Error>> + Send;

    /// Whether it is at its end.
    fn is_over(&self) -> bool;

    /// As it is told, less what changes all the time and is not worth telling for itself.
    fn coarse(&self) -> Vec<u8>;
}

impl Followed for SyncRun {
    async fn again(&self, app: &App) -> Result<Option<Self>, Error> {
        app.sync_run(&self.id).await
    }

    fn is_over(&self) -> bool {
        self.state.is_over()
    }

    fn coarse(&self) -> Vec<u8> {
        let mut coarse = self.clone();
        coarse.seconds = coarse.seconds.floor();
        coarse.seconds_left = None;
        for specialty in &mut coarse.specialties {
            specialty.seconds = specialty.seconds.floor();
        }
        serde_json::to_vec(&coarse).unwrap_or_default()
    }
}

impl Followed for ImportView {
    async fn again(&self, app: &App) -> Result<Option<Self>, Error> {
        app.import(&self.id).await
    }

    fn is_over(&self) -> bool {
        self.state.is_over()
    }

    fn coarse(&self) -> Vec<u8> {
        let mut coarse = self.clone();
        coarse.seconds = coarse.seconds.floor();
        if let Some(report) = &mut coarse.report {
            report.seconds = report.seconds.floor();
        }
        serde_json::to_vec(&coarse).unwrap_or_default()
    }
}

/// The progress of something, from how it is now to its end: `progress` whenever it changed, then
/// `end`. Whoever comes back gets the present state at once, so nothing is kept for them. When the
/// server stops the stream breaks off, and the browser comes back by itself.
pub fn of<T: Followed>(app: App, now: T, stopping: CancellationToken) -> Response {
    let follow = Follow {
        app,
        now,
        stopping,
        told: None,
        ended: false,
    };
    let events = stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), follow))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(SILENCE));
    // Asks a proxy not to hold events back until it has a buffer full.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    ([(unbuffered, "no")], events).into_response()
}

struct Follow<T> {
    app: App,
    now: T,
    stopping: CancellationToken,
    /// What was told last, by its hash.
    told: Option<String>,
    ended: bool,
}

impl<T: Followed> Follow<T> {
    /// The next event; nothing after the end.
    async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            let state = fingerprint(&self.now);
            if self.told.as_ref() != Some(&state) {
                return self.event("progress", state);
            }
            if self.now.is_over() {
                self.ended = true;
                return self.event("end", state);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.stopping.cancelled() => return None,
            }
            match self.now.again(&self.app).await {
                Ok(Some(now)) => self.now = now,
                Ok(None) => return None,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the progress of a job could not be read"
                    );
                    return None;
                }
            }
        }
        None
    }

    fn event(&mut self, name: &str, state: String) -> Option<Event> {
        let json = serde_json::to_string(&self.now).ok()?;
        let event = Event::default().event(name).id(&state).data(json);
        let first = self.told.is_none();
        self.told = Some(state);
        Some(if first { event.retry(COME_BACK) } else { event })
    }
}

/// Another text for each state that is worth telling. The time that goes by is, once a second.
fn fingerprint(now: &impl Followed) -> String {
    blake3::hash(&now.coarse()).to_hex()[..16].to_owned()
}
