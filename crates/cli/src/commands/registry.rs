//! `canvass registry`: a sample registry.

mod generate;

use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use canvass_app::registry::RegistryEndpoint;
use canvass_model::Catalogue;
use canvass_nppes::sample::{self, SampleSettings};
use canvass_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{RegistryArgs, RegistryCommand},
    commands::stop_on_signal,
    config::Config,
    failure::Failure,
};

/// Providers written in one transaction.
const BATCH: usize = 5_000;

pub(crate) async fn run(config: &Config, args: RegistryArgs) -> Result<ExitCode, Failure> {
    let (providers, latency, seed) = match args.command {
        RegistryCommand::Serve {
            providers,
            latency,
            seed,
        } => (providers, latency, seed),
        RegistryCommand::Generate(args) => return generate::run(config, args).await,
    };
    let stop = stop_on_signal();
    let sample = SampleSettings { providers, seed };
    let registry = Registry::start(
        config,
        sample,
        Duration::from_millis(latency),
        config.listen,
        stop,
    )
    .await?;
    eprintln!(
        "{providers} providers at http://{}/api/?version=2.1; end with Ctrl-C",
        registry.address
    );
    registry
        .serving
        .await
        .map_err(|e| Failure::Other(e.to_string()))??;
    Ok(ExitCode::SUCCESS)
}

/// A sample registry that is being served.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    pub(crate) serving: tokio::task::JoinHandle<Result<(), Failure>>,
}

impl Registry {
    /// Generates providers into a database of their own and serves them until `stop`.
    pub(crate) async fn start(
        config: &Config,
        sample: SampleSettings,
        latency: Duration,
        listen: SocketAddr,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(|e| Failure::Other(format!("can't listen on {listen}: {e}")))?;
        let address = listener.local_addr()?;
        let catalogue =
            canvass_nppes::nucc::load(&config.settings.nucc).map_err(canvass_app::Error::from)?;
        let folder = tempfile::Builder::new()
            .prefix("canvass-registry-")
            .tempdir()?;
        let store = generate(folder.path(), sample, &catalogue, &stop).await?;
        let endpoint = Arc::new(RegistryEndpoint::new(store, catalogue)?);
        let router = canvass_web::registry::router(endpoint, latency);
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await?;
            drop(folder);
            Ok(())
        });
        Ok(Self { address, serving })
    }
}

async fn generate(
    folder: &Path,
    sample: SampleSettings,
    catalogue: &Catalogue,
    stop: &CancellationToken,
) -> Result<Store, Failure> {
    let now = canvass_app::Clock::system().now();
    let store = Store::open(
        &format!("sqlite:{}", folder.join("registry.db").display()),
        now,
    )
    .await?;
    let (send, mut receive) = tokio::sync::mpsc::channel(2);
    let providers = sample::providers(sample, catalogue);
    // Generating and writing keep a core each.
    tokio::task::spawn_blocking(move || {
        let mut providers = providers.peekable();
        while providers.peek().is_some() {
            let batch: Vec<_> = providers.by_ref().take(BATCH).collect();
            if send.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    while let Some(batch) = receive.recv().await {
        if stop.is_cancelled() {
            return Err(Failure::Other("interrupted".into()));
        }
        store.write_providers(&batch, now).await?;
    }
    store.settle().await?;
    Ok(store)
}
