//! `canvass index`: care of the search index.

use std::{io::Write, process::ExitCode};

use crate::{args::IndexCommand, config::Config, failure::Failure};

pub(crate) async fn run(config: &Config, command: &IndexCommand) -> Result<ExitCode, Failure> {
    let IndexCommand::Rebuild = command;
    let app = config.open().await?;
    let providers = app.store().rebuild_index().await?;
    writeln!(
        std::io::stdout().lock(),
        "search index built anew: {providers} providers"
    )?;
    Ok(ExitCode::SUCCESS)
}
