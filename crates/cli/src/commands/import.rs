//! `canvass import`: dissemination files into the database.

use std::{
    io::Write,
    process::ExitCode,
    time::{Duration, Instant},
};

use canvass_app::{ImportOptions, ImportPhase, ImportProgress, ImportSummary};
use futures_util::TryStreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use crate::{args::ImportArgs, commands::stop_on_signal, config::Config, failure::Failure};

pub(crate) async fn run(config: &Config, args: ImportArgs) -> Result<ExitCode, Failure> {
    let app = config.open().await?;
    if let Some(import) = &args.set_asides {
        let mut file = app.import_set_asides(import).await?;
        let mut out = std::io::stdout().lock();
        while let Some(piece) = file.try_next().await? {
            out.write_all(&piece)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let options = ImportOptions {
        dry_run: args.dry_run,
        force: args.force,
        by: None,
    };
    let (progress, seen) = watch::channel(ImportProgress::default());
    let stop = stop_on_signal();
    let bar = Bar::new();
    let load = app.import_files(args.files, &options, &progress, &stop);
    tokio::pin!(load);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let loaded = loop {
        tokio::select! {
            loaded = &mut load => break loaded,
            _ = tick.tick() => bar.show(&seen.borrow()),
        }
    };
    bar.end();
    let mut out = std::io::stdout().lock();
    let loaded = loaded?;
    for summary in &loaded {
        if args.json {
            serde_json::to_writer(&mut out, summary)?;
            writeln!(out)?;
        } else {
            print(&mut out, summary)?;
        }
    }
    Ok(if loaded.iter().any(ImportSummary::is_incomplete) {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    })
}

/// A bar on standard error, where that is a terminal.
struct Bar {
    bar: ProgressBar,
    began: Instant,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(5));
        let style = "{bar:30} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {msg}";
        bar.set_style(
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self {
            bar,
            began: Instant::now(),
        }
    }

    fn show(&self, p: &ImportProgress) {
        self.bar.set_length(p.of_bytes);
        self.bar.set_position(p.bytes.min(p.of_bytes));
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate and a time for people"
        )]
        let (rate, left) = {
            let rate = p.rows as f64 / seconds;
            let left =
                p.of_bytes.saturating_sub(p.bytes) as f64 * seconds / (p.bytes as f64).max(1.0);
            (rate as u64, left as u64)
        };
        self.bar.set_message(match p.phase {
            ImportPhase::Fetching | ImportPhase::Waiting | ImportPhase::Opening => {
                format!("{}: looking at the files", p.what)
            }
            ImportPhase::Reading => format!(
                "{}: {} rows, {rate} a second, {} set aside, {} min {:02} s left",
                p.what,
                p.rows,
                p.set_aside,
                left / 60,
                left % 60
            ),
            ImportPhase::Publishing => {
                format!("{}: {} rows read, bringing them into use", p.what, p.rows)
            }
        });
    }

    fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// A summary for people.
fn print(out: &mut impl Write, s: &ImportSummary) -> Result<(), Failure> {
    if let Some(at) = s.already_imported {
        writeln!(
            out,
            "{}: already imported on {}; nothing to do",
            s.what,
            at.strftime("%Y-%m-%d %H:%M UTC")
        )?;
        return Ok(());
    }
    writeln!(out, "{}", s.what)?;
    for f in &s.files {
        writeln!(
            out,
            "  {} ({}): {} rows, {} set aside",
            f.file, f.what, f.rows, f.set_aside
        )?;
    }
    for f in &s.passed_over {
        writeln!(out, "  {} passed over: {}", f.file, f.what)?;
    }
    let would = if s.dry_run { "would be " } else { "" };
    writeln!(
        out,
        "{} rows: {} {would}new, {} {would}changed, {} the same, {} {would}out of service, \
         {} {would}in service again, {} set aside",
        s.rows,
        s.created,
        s.updated,
        s.unchanged,
        s.deactivated,
        s.reactivated,
        s.rows
            .saturating_sub(s.created + s.updated + s.unchanged + s.deactivated + s.reactivated)
    )?;
    if s.unpublished > 0 {
        let be = if s.dry_run { "would be" } else { "are" };
        writeln!(out, "{} {be} no longer published", s.unpublished)?;
    }
    if let (Some(refusal), true) = (&s.refusal, s.dry_run) {
        writeln!(out, "it would be refused without --force: {refusal}")?;
    }
    for (field, count) in &s.fields {
        writeln!(out, "  {field}: {count}")?;
    }
    writeln!(out, "in {:.1} s", s.seconds)?;
    print_unused(out, s)
}

/// What the files have and the database has not.
fn print_unused(out: &mut impl Write, s: &ImportSummary) -> Result<(), Failure> {
    if s.values_left_out > 0 {
        writeln!(
            out,
            "{} values could not be understood and were left out:",
            s.values_left_out
        )?;
    }
    for of in &s.left_out {
        writeln!(
            out,
            "  {}, {}: {} {}",
            of.file, of.column, of.count, of.reason
        )?;
        for one in of.examples.iter().take(2) {
            writeln!(out, "    line {}, {}: {}", one.line, one.npi, one.problem)?;
        }
    }
    if s.set_aside == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "incomplete: {} rows of all files were set aside",
        s.set_aside
    )?;
    for (reason, count) in &s.set_aside_reasons {
        writeln!(out, "  {count}: {reason}")?;
    }
    if let Some(id) = &s.id {
        let first = match s.set_aside_kept {
            kept if (1..s.set_aside).contains(&kept) => format!("the first {kept} of these"),
            _ => "these".to_owned(),
        };
        writeln!(
            out,
            "{first}, with line and text: canvass import --set-asides {id}"
        )?;
    }
    Ok(())
}
