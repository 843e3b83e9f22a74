//! One module per command.

pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod leads;
pub(crate) mod openapi;
pub(crate) mod registry;
mod rows;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod sync;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod worker;

use tokio_util::sync::CancellationToken;

/// Ends when the user or the system asks the process to.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        token.cancel();
        // A second time means at once.
        asked_to_stop().await;
        std::process::exit(130);
    });
    stop
}

#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    drop(tokio::signal::ctrl_c().await);
}
