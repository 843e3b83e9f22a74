//! Progress of a sync on standard error: a bar per specialty.

use std::time::Duration;

use canvass_model::{SpecialtyProgress, SpecialtyState, SyncRun};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bars of one sync. Draws nothing where standard error is no terminal.
pub(crate) struct Bars {
    all: MultiProgress,
    head: ProgressBar,
    specialties: Vec<ProgressBar>,
}

impl Bars {
    pub(crate) fn new(run: &SyncRun) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        let line = |template: &str| {
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_spinner())
        };
        let head = all.add(ProgressBar::new_spinner().with_style(line("{spinner} {msg}")));
        head.enable_steady_tick(Duration::from_millis(120));
        let specialties = run
            .specialties
            .iter()
            .map(|_| all.add(ProgressBar::new_spinner().with_style(line("  {msg}"))))
            .collect();
        Self {
            all,
            head,
            specialties,
        }
    }

    pub(crate) fn show(&self, run: &SyncRun) {
        self.head.set_message(headline(run));
        for (bar, specialty) in self.specialties.iter().zip(&run.specialties) {
            bar.set_message(line(specialty));
        }
    }

    pub(crate) fn end(self) {
        self.head.finish_and_clear();
        for bar in &self.specialties {
            bar.finish_and_clear();
        }
        drop(self.all.clear());
    }
}

fn headline(run: &SyncRun) -> String {
    let head = match run.current() {
        Some((place, specialty)) => {
            format!(
                "Syncing {} ({place}/{})",
                specialty.name,
                run.specialties.len()
            )
        }
        None => "Syncing".to_owned(),
    };
    let counts = &run.counts;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = counts.found as f64 / run.seconds.max(0.1);
    let mut parts = vec![
        format!("{} found", counts.found),
        format!("{} requests", counts.requests),
        format!("{rate:.0}/s"),
    ];
    parts.extend(run.seconds_left.map(|left| format!("{left:.0} s left")));
    parts.extend(run.note.clone());
    format!("{head} · {}", parts.join(" · "))
}

/// One specialty, as a line for people.
pub(crate) fn line(s: &SpecialtyProgress) -> String {
    let c = &s.counts;
    let counts = format!(
        "{} found · {} new · {} changed · {} same · {} requests · {:.1} s",
        c.found, c.created, c.updated, c.unchanged, c.requests, s.seconds
    );
    let aside = match c.set_aside {
        0 => String::new(),
        n => format!(" · {n} set aside"),
    };
    let why = s.reason.as_deref().unwrap_or("stopped");
    match s.state {
        SpecialtyState::Pending => format!("· {}", s.name),
        SpecialtyState::Running => format!("→ {}: {counts}{aside}", s.name),
        SpecialtyState::Complete => format!("✓ {}: {counts}{aside} · complete", s.name),
        SpecialtyState::Incomplete | SpecialtyState::Cancelled => {
            format!("✗ {}: {counts}{aside} · incomplete: {why}", s.name)
        }
        SpecialtyState::Unknown => format!("✗ {}: {why}", s.name),
    }
}
