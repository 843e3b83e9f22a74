//! `canvass registry generate`: the sample as dissemination files.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    process::ExitCode,
};

use canvass_model::Catalogue;
use canvass_nppes::sample::files::{
    self, FilesError, FullReport, FullSettings, WeeklyReport, WrittenFile,
};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::{args::GenerateArgs, commands::stop_on_signal, config::Config, failure::Failure};

pub(super) async fn run(config: &Config, args: GenerateArgs) -> Result<ExitCode, Failure> {
    let catalogue =
        canvass_nppes::nucc::load(&config.settings.nucc).map_err(canvass_app::Error::from)?;
    let stop = stop_on_signal();
    let json = args.json;
    let written = tokio::task::spawn_blocking(move || {
        let bar = bar(&args);
        let mut progress = |rows| {
            bar.set_position(rows);
            if stop.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let written = write(&catalogue, &args, &mut progress);
        bar.finish_and_clear();
        written
    })
    .await
    .map_err(|e| Failure::Other(e.to_string()))?
    .map_err(|e| failure(&e))?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &written)?;
        writeln!(out)?;
    } else {
        match &written {
            Written::Full(report) => say_full(&mut out, report)?,
            Written::Weekly(report) => say_weekly(&mut out, report)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Either kind of set.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Written {
    Full(FullReport),
    Weekly(WeeklyReport),
}

fn write(
    catalogue: &Catalogue,
    args: &GenerateArgs,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Written, FilesError> {
    if let Some(of) = &args.weekly {
        return files::write_weekly(catalogue, of, args.changes, &args.out, progress)
            .map(Written::Weekly);
    }
    let settings = FullSettings {
        rows: args.rows,
        seed: args.seed,
    };
    files::write_full(catalogue, settings, &args.out, progress).map(Written::Full)
}

/// Nothing where standard error is no terminal, nor for a week, which is done in a moment.
fn bar(args: &GenerateArgs) -> ProgressBar {
    if args.weekly.is_some() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{bar:30} {human_pos}/{human_len} rows · {per_sec} · {eta} left",
    );
    ProgressBar::new(args.rows).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn failure(error: &FilesError) -> Failure {
    match error {
        FilesError::Write { .. } | FilesError::Interrupted => Failure::Other(error.to_string()),
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

/// Counts in the words of an import, then how often each field differs.
fn say_weekly(out: &mut impl Write, report: &WeeklyReport) -> io::Result<()> {
    writeln!(
        out,
        "{} rows: {} created, {} updated, {} unchanged, {} deactivated, {} reactivated",
        HumanCount(report.rows),
        HumanCount(report.created),
        HumanCount(report.updated),
        HumanCount(report.unchanged),
        HumanCount(report.deactivated),
        HumanCount(report.reactivated)
    )?;
    for (field, count) in &report.fields {
        writeln!(out, "  {field}: {}", HumanCount(*count))?;
    }
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
