//! `canvass serve`: pages, API and jobs.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use canvass_app::App;
use tokio::net::TcpListener;

use crate::{args::ServeArgs, commands::stop_on_signal, config::Config, failure::Failure};

/// How often a server looks for what others wrote.
const FOLLOW_PAUSE: Duration = Duration::from_millis(500);

pub(crate) async fn run(config: &Config, args: ServeArgs) -> Result<ExitCode, Failure> {
    let app = config.open().await?;
    let listener = listen(config.listen).await?;
    let address = listener.local_addr()?;
    eprintln!("canvass on {} at http://{address}/", app.store().describe());
    if app.needs_setup().await? {
        announce_setup(&app, address).await?;
    }
    let store = app.store().clone();
    tokio::spawn(async move { store.follow_index(FOLLOW_PAUSE).await });
    canvass_web::server::serve(app, listener, stop_on_signal(), !args.no_jobs)
        .await
        .map_err(|e| Failure::Other(e.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// Listens, or says who may be listening already.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        Failure::Other(format!(
            "can't listen on {address}: {e}; choose another with --listen"
        ))
    })
}

/// Prints the one-time code with which the first user sets canvass up.
async fn announce_setup(app: &App, address: SocketAddr) -> Result<(), Failure> {
    let code = app.setup_code().await?;
    eprintln!(
        "Nobody has access yet. Open http://{address}/setup and enter this code, which works once:"
    );
    eprintln!();
    eprintln!("    {}", code.expose());
    eprintln!();
    Ok(())
}
