//! `canvass openapi`: the OpenAPI document.

use std::{io::Write, process::ExitCode};

use crate::failure::Failure;

pub(crate) fn run() -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &canvass_web::api::openapi())?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
