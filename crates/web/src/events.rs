//! Progress as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use canvass_app::App;
use canvass_model::SyncRun;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

/// How often a sync is looked at.
const LOOK: Duration = Duration::from_millis(400);
/// How long a stream is silent at most.
const SILENCE: Duration = Duration::from_secs(12);
/// After what time a browser comes back when a stream broke off.
const COME_BACK: Duration = Duration::from_secs(2);

/// The progress of a sync, from how it is now to its end: `progress` whenever it changed, then `end`.
/// Whoever comes back gets the present state at once, so nothing is kept for them. When the server
/// stops the stream breaks off, and the browser comes back by itself.
pub fn of_sync(app: App, run: SyncRun, stopping: CancellationToken) -> Response {
    let events = stream::unfold(Follow::new(app, run, stopping), |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), follow))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(SILENCE));
    // Asks a proxy not to hold events back until it has a buffer full.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    ([(unbuffered, "no")], events).into_response()
}

struct Follow {
    app: App,
    run: SyncRun,
    stopping: CancellationToken,
    /// What was told last, by its hash.
    told: Option<String>,
    ended: bool,
}

impl Follow {
    fn new(app: App, run: SyncRun, stopping: CancellationToken) -> Self {
        Self {
            app,
            run,
            stopping,
            told: None,
            ended: false,
        }
    }

    /// The next event; nothing after the end.
    async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            let state = fingerprint(&self.run);
            if self.told.as_ref() != Some(&state) {
                return self.event("progress", state);
            }
            if self.run.state.is_over() {
                self.ended = true;
                return self.event("end", state);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.stopping.cancelled() => return None,
            }
            match self.app.sync_run(&self.run.id).await {
                Ok(Some(run)) => self.run = run,
                Ok(None) => return None,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the progress of a sync could not be read"
                    );
                    return None;
                }
            }
        }
        None
    }

    fn event(&mut self, name: &str, state: String) -> Option<Event> {
        let json = serde_json::to_string(&self.run).ok()?;
        let event = Event::default().event(name).id(&state).data(json);
        let first = self.told.is_none();
        self.told = Some(state);
        Some(if first { event.retry(COME_BACK) } else { event })
    }
}

/// Another text for each state that is worth telling. The time that goes by is, once a second.
fn fingerprint(run: &SyncRun) -> String {
    let mut coarse = run.clone();
    coarse.seconds = coarse.seconds.floor();
    coarse.seconds_left = None;
    for specialty in &mut coarse.specialties {
        specialty.seconds = specialty.seconds.floor();
    }
    let json = serde_json::to_vec(&coarse).unwrap_or_default();
    blake3::hash(&json).to_hex()[..16].to_owned()
}
