//! The whole server: all routes with the guards around them, and serving them.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use canvass_app::registry::RegistryEndpoint;
use canvass_app::{App, Runner};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::ops::SyncMetrics;
use crate::pages::api_docs;
use crate::{api, assets, ops, pages, registry, security};

/// How long requests and jobs under way may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// After what time work on jobs is taken up again that failed as a whole.
const PAUSE: Duration = Duration::from_secs(5);
/// How often what has had its time is removed.
const SWEEP: Duration = Duration::from_hours(1);
/// How often the counters are kept small.
const UPKEEP: Duration = Duration::from_secs(20);

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    app: App,
    registry: Arc<RegistryEndpoint>,
    syncs: Arc<SyncMetrics>,
    stopping: CancellationToken,
    timeout: Duration,
}

impl Server {
    /// The server of this application. `stopping` ends streams that would go on for ever.
    ///
    /// # Errors
    /// When the database can't be opened once more.
    pub fn new(app: App, stopping: CancellationToken) -> Result<Self, canvass_app::Error> {
        Ok(Self {
            registry: Arc::new(app.registry_endpoint()?),
            syncs: Arc::new(SyncMetrics::since(app.clock().now())),
            app,
            stopping,
            timeout: security::TIMEOUT,
        })
    }

    /// With another time that an ordinary answer may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn syncs(&self) -> &SyncMetrics {
        &self.syncs
    }
}

impl FromRef<Server> for App {
    fn from_ref(server: &Server) -> Self {
        server.app.clone()
    }
}

impl FromRef<Server> for CancellationToken {
    fn from_ref(server: &Server) -> Self {
        server.stopping.clone()
    }
}

/// Why the server could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It could not begin.
    #[error(transparent)]
    App(#[from] canvass_app::Error),
    /// No connection can be taken.
    #[error("connections can't be taken")]
    Io(#[from] std::io::Error),
}

/// All routes, with the guards around them.
///
/// Open without access are the operations' `/healthz` and `/readyz`, assets, the description of the
/// API, and the registry-compatible endpoint at `/api/`: it says only what the public registry says to
/// anybody, and what asks it can't sign in.
pub fn router(server: Server) -> Router {
    let (soon, streaming) = api::routers();
    let registry = registry::router(server.registry.clone(), Duration::ZERO);
    let ordinary = Router::new()
        .merge(ops::router())
        .merge(pages::router())
        .merge(assets::router())
        .merge(soon)
        .route("/api/docs", get(api_docs::show))
        .route("/api/openapi.json", get(api::description))
        .with_state(server.clone())
        .merge(registry);
    let streaming = streaming.merge(pages::lasting());
    let timeout = server.timeout;
    security::guarded(ordinary, streaming.with_state(server), timeout).layer(from_fn(ops::measure))
}

/// Serves until `stop`, and works on jobs beside that when `jobs` says so. When it stops, requests
/// and jobs under way have ten seconds to end; jobs go on where they were at the next start.
///
/// # Errors
/// When the server can't begin, or can't take connections any more.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: CancellationToken,
    jobs: bool,
) -> Result<(), ServeError> {
    let router = router(Server::new(app.clone(), stop.clone())?);
    let listener = listener.tap_io(|connection| {
        // Small events are sent at once; without it they may wait, and nothing else is lost.
        let _ = connection.set_nodelay(true);
    });
    let serving = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(stop.clone().cancelled_owned());
    let chores = tokio::spawn(chores(app.clone(), stop.clone()));
    let imports = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move {
            stop.cancelled().await;
            app.end_imports().await;
        }
    });
    let work = jobs.then(|| tokio::spawn(work(app, stop.clone())));
    let all = async {
        let served = serving.into_future().await;
        // Where connections can't be taken any more, jobs end too.
        stop.cancel();
        if let Err(error) = imports.await {
            tracing::error!(%error, "imports ended by a fault");
        }
        if let Some(work) = work
            && let Err(error) = work.await
        {
            tracing::error!(%error, "work on jobs ended by a fault");
        }
        served
    };
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let served = tokio::select! {
        served = all => served,
        () = late => {
            tracing::warn!("stopped before all requests and jobs had ended");
            Ok(())
        }
    };
    chores.abort();
    Ok(served?)
}

/// Works on jobs until `stop`, also after a failure.
async fn work(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let worked = match Runner::new(&app, None) {
            Ok(runner) => runner.run(stop.clone()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = worked {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "work on jobs failed; it is taken up again soon"
            );
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// Removes what has had its time, and keeps counters small.
async fn chores(app: App, stop: CancellationToken) {
    let mut sweep = tokio::time::interval(SWEEP);
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            _ = sweep.tick() => {
                if let Err(error) = app.sweep().await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "what has had its time could not be removed"
                    );
                }
            }
            _ = upkeep.tick() => ops::upkeep(),
            () = stop.cancelled() => return,
        }
    }
}
