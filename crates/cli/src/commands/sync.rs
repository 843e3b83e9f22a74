//! `canvass sync`: a sync in the foreground.

use std::{io::Write, process::ExitCode, time::Duration};

use canvass_app::{App, Runner};
use canvass_model::{SyncRequest, SyncRun};

use crate::{
    args::SyncArgs,
    commands::stop_on_signal,
    config::Config,
    failure::Failure,
    progress::{Bars, line},
};

pub(crate) async fn run(config: &Config, args: SyncArgs) -> Result<ExitCode, Failure> {
    let app = config.open().await?;
    let request = SyncRequest {
        specialties: args.specialty,
        state: args.state,
        city: args.city,
        postal_code: args.postal_code,
        address: args.address.into(),
        save_leads: args.save_leads,
    };
    let run = match app.unfinished_sync(&request).await? {
        Some(unfinished) => {
            eprintln!("going on with the sync {unfinished}, which was interrupted");
            app.sync_run(&unfinished)
                .await?
                .ok_or(canvass_app::Error::NotFound("sync"))?
        }
        None => app.start_sync(None, request, None).await?,
    };
    let stop = stop_on_signal();
    let run = follow(&app, run, &stop).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &run)?;
        writeln!(out)?;
    } else {
        summary(&mut out, &run)?;
    }
    if stop.is_cancelled() && !run.state.is_over() {
        eprintln!("interrupted; what was found is kept, and the same command goes on from here");
        return Ok(ExitCode::from(1));
    }
    Ok(if run.complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(3)
    })
}

/// Works on a sync to its end, with bars.
pub(crate) async fn follow(
    app: &App,
    run: SyncRun,
    stop: &tokio_util::sync::CancellationToken,
) -> Result<SyncRun, Failure> {
    let bars = Bars::new(&run);
    let runner = Runner::new(app, Some(run.id.clone()))?;
    let work = tokio::spawn(runner.run(stop.child_token()));
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tokio::pin!(work);
    let worked = loop {
        tokio::select! {
            worked = &mut work => break worked,
            _ = tick.tick(), if is_terminal => {
                if let Some(run) = app.sync_run(&run.id).await? {
                    bars.show(&run);
                }
            }
        }
    };
    bars.end();
    worked.map_err(|e| Failure::Other(e.to_string()))??;
    app.sync_run(&run.id)
        .await?
        .ok_or(Failure::App(canvass_app::Error::NotFound("sync")))
}

/// A sync for people.
pub(crate) fn summary(out: &mut impl Write, run: &SyncRun) -> Result<(), Failure> {
    for specialty in &run.specialties {
        writeln!(out, "{}", line(specialty))?;
    }
    let c = &run.counts;
    writeln!(
        out,
        "{} providers found: {} new, {} changed, {} same, {} set aside, in {} requests and {:.1} s: {}",
        c.found,
        c.created,
        c.updated,
        c.unchanged,
        c.set_aside,
        c.requests,
        run.seconds,
        if run.complete {
            "complete"
        } else {
            "incomplete"
        }
    )?;
    for short in run.coverage.failed.iter().chain(&run.coverage.truncated) {
        writeln!(out, "  missing: {}: {}", short.query, short.reason)?;
    }
    for doubt in &run.coverage.doubtful {
        writeln!(out, "  doubtful: {}: {}", doubt.query, doubt.reason)?;
    }
    for left in &run.coverage.left_out {
        writeln!(out, "  not asked for: {}: {}", left.query, left.what)?;
    }
    if let Some(r) = &run.leads {
        writeln!(
            out,
            "{} leads saved, {} were leads already, {} are not to be called, {} are not in service",
            r.created, r.existing, r.suppressed, r.rejected
        )?;
    }
    Ok(())
}
