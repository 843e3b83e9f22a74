//! `canvass worker`: jobs only.

use std::process::ExitCode;

use canvass_app::Runner;

use crate::{commands::stop_on_signal, config::Config, failure::Failure};

pub(crate) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let app = config.open().await?;
    eprintln!(
        "working on the jobs of {}; end with Ctrl-C",
        app.store().describe()
    );
    Runner::new(&app, None)?.run(stop_on_signal()).await?;
    Ok(ExitCode::SUCCESS)
}
