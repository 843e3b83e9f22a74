//! The command `canvass`: arguments, progress bars, exit codes.
//!
//! Data goes to standard output; progress and log go to standard error.

mod args;
mod commands;
mod config;
mod failure;
mod filter;
mod log;
mod progress;
mod table;

use std::{env, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, builder::Resettable};

use crate::{
    args::{Cli, Command},
    config::Config,
    failure::Failure,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(arguments()) {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("canvass: {}", failure.describe());
            failure.exit_code()
        }
    }
}

/// The arguments. An empty variable of the environment counts as absent, as those are that a
/// compose file passes on unset.
fn arguments() -> Cli {
    let command = Cli::command().mut_args(|arg| {
        let variable = arg.get_env().and_then(env::var_os);
        if variable.is_some_and(|value| value.is_empty()) {
            arg.env(Resettable::Reset)
        } else {
            arg
        }
    });
    let matches = command.get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let config = Config::load(&cli.global)?;
    log::start(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => commands::demo::run(&config, args).await,
            Command::Serve(args) => commands::serve::run(&config, args).await,
            Command::Worker => commands::worker::run(&config).await,
            Command::Sync(args) => commands::sync::run(&config, args).await,
            Command::Import(args) => commands::import::run(&config, args).await,
            Command::Search(args) => commands::search::run(&config, args).await,
            Command::Leads(args) => commands::leads::run(&config, args).await,
            Command::User(args) => commands::user::run(&config, args).await,
            Command::Token(args) => commands::token::run(&config, args).await,
            Command::Registry(args) => commands::registry::run(&config, args).await,
            Command::Doctor(args) => commands::doctor::run(&config, args).await,
            Command::Index(command) => commands::index::run(&config, &command).await,
            Command::Openapi => commands::openapi::run(),
        }
    })
}
