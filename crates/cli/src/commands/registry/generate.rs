//! `canvass registry generate`: the sample as dissemination files.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    process::ExitCode,
};

use canvass_nppes::sample::files::{self, FilesError, FullReport, FullSettings, WrittenFile};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::{args::GenerateArgs, commands::stop_on_signal, config::Config, failure::Failure};

pub(super) async fn run(config: &Config, args: GenerateArgs) -> Result<ExitCode, Failure> {
    let catalogue =
        canvass_nppes::nucc::load(&config.settings.nucc).map_err(canvass_app::Error::from)?;
    let stop = stop_on_signal();
    let json = args.json;
    let report = tokio::task::spawn_blocking(move || {
        let bar = bar();
        let mut progress = |rows| {
            bar.set_position(rows);
            if stop.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let settings = FullSettings {
            rows: args.rows,
            seed: args.seed,
        };
        bar.set_length(args.rows);
        let report = files::write_full(&catalogue, settings, &args.out, &mut progress);
        bar.finish_and_clear();
        report
    })
    .await
    .map_err(|e| Failure::Other(e.to_string()))?
    .map_err(failure)?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        say_full(&mut out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Nothing where standard error is no terminal.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:30} {human_pos}/{human_len} rows · {per_sec} · {eta} left",
    );
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn failure(error: FilesError) -> Failure {
    match error {
        FilesError::Write { .. } | FilesError::Read { .. } | FilesError::Interrupted => {
            Failure::Other(error.to_string())
        }
        _ => Failure::Usage(error.to_string()),
    }
}

fn say_full(out: &mut impl Write, report: &FullReport) -> io::Result<()> {
    writeln!(
        out,
        "{} rows: {} active ({} of them reactivated), {} deactivated",
        HumanCount(report.rows),
        HumanCount(report.active),
        HumanCount(report.reactivated),
        HumanCount(report.deactivated)
    )?;
    report.files.iter().try_for_each(|file| say_file(out, file))
}

fn say_file(out: &mut impl Write, file: &WrittenFile) -> io::Result<()> {
    writeln!(out, "{} ({})", file.path.display(), HumanBytes(file.bytes))?;
    for member in file.members.iter().filter(|m| m.rows > 0) {
        let (rows, bytes) = (HumanCount(member.rows), HumanBytes(member.bytes));
        writeln!(out, "  {}: {rows} rows, {bytes}", member.name)?;
    }
    Ok(())
}
