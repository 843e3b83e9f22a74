use askama::Template;
use canvass_model::{JobState, SpecialtyProgress, SpecialtyState, SyncRun};

use super::{CoverageReport, SetAsides, place, state};
use crate::format::{Now, When, counted, duration, number};
use crate::ui::{Badge, Link, Progress, ReceiptView, Tone, href};

/// One specialty of a run.
#[derive(Clone, Debug)]
pub struct SpecialtyLine {
    /// Colour of its icon.
    pub tone: Tone,
    /// Its icon.
    pub icon: &'static str,
    /// The same as a word.
    pub state: &'static str,
    /// Name.
    pub name: String,
    /// Distinct providers, once it has begun.
    pub found: Option<String>,
    /// What of them is new, changed, the same.
    pub what: String,
    /// Why it is not complete.
    pub reason: Option<String>,
    /// The nearest that exist, as the way to ask for them.
    pub nearest: Vec<Link>,
}

impl SpecialtyLine {
    fn new(s: &SpecialtyProgress) -> Self {
        let (tone, icon, state) = match s.state {
            SpecialtyState::Pending => (Tone::Muted, "waiting", "waiting"),
            SpecialtyState::Running => (Tone::Accent, "running", "running"),
            SpecialtyState::Complete => (Tone::Good, "check", "complete"),
            SpecialtyState::Incomplete => (Tone::Warn, "partial", "incomplete"),
            SpecialtyState::Unknown => (Tone::Bad, "cross", "not a specialty of the registry"),
            SpecialtyState::Cancelled => (Tone::Muted, "stopped", "stopped"),
        };
        let c = &s.counts;
        let begun = match s.state {
            SpecialtyState::Pending | SpecialtyState::Unknown => false,
            SpecialtyState::Running => c.requests > 0,
            _ => true,
        };
        let what = if begun {
            let mut parts = vec![
                format!("{} new", number(c.created)),
                format!("{} changed", number(c.updated)),
                format!("{} same", number(c.unchanged)),
            ];
            if c.set_aside > 0 {
                parts.push(format!("{} set aside", number(c.set_aside)));
            }
            format!(
                "{} · {state} ({})",
                parts.join(" · "),
                counted(c.requests, "request", "requests")
            )
        } else {
            state.to_owned()
        };
        Self {
            tone,
            icon,
            state,
            name: s.name.clone(),
            found: begun.then(|| number(c.found)),
            what,
            reason: s
                .reason
                .clone()
                .filter(|_| s.state != SpecialtyState::Unknown),
            nearest: s
                .nearest
                .iter()
                .map(|n| Link::new(n, href("/sync", [("specialties", n)])))
                .collect(),
        }
    }
}

/// A run as it stands: what is loaded again while it goes on.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one condition of the template"
)]
#[derive(Clone, Debug, Template)]
#[template(path = "sync/run_panel.html")]
pub struct RunPanel {
    /// Identifier of the run.
    pub id: String,
    /// Whether it goes on.
    pub live: bool,
    /// What it does.
    pub headline: String,
    /// Where.
    pub place: String,
    /// State.
    pub state: Badge,
    /// How far it is.
    pub percent: u8,
    /// Counts and times, each a figure and its words.
    pub figures: Vec<(String, &'static str)>,
    /// What it waits for.
    pub note: Option<String>,
    /// The specialties.
    pub lines: Vec<SpecialtyLine>,
    /// The receipt of the leads saved at its end.
    pub receipt: Option<ReceiptView>,
    /// Whether the viewer may stop or resume it.
    pub may_act: bool,
    /// Whether it was stopped.
    pub stopped: bool,
    /// Whether it is at its end and something in it failed, which can be asked for again.
    pub failed: bool,
    /// The search for what it found.
    pub providers: String,
    /// Whether there is anything to see there.
    pub has_found: bool,
}

impl RunPanel {
    /// The panel of a run.
    pub fn new(run: &SyncRun, may_act: bool) -> Self {
        let c = &run.counts;
        let mut figures = vec![
            (number(c.found), "found"),
            (number(c.created), "new"),
            (number(c.updated), "changed"),
            (number(c.unchanged), "same"),
        ];
        if c.set_aside > 0 {
            figures.push((number(c.set_aside), "set aside"));
        }
        figures.push((number(c.requests), "requests"));
        if c.retries > 0 {
            figures.push((number(c.retries), "of them retries"));
        }
        figures.push((
            duration(run.seconds),
            if run.state.is_over() {
                "in all"
            } else {
                "so far"
            },
        ));
        if run.state == JobState::Running && run.seconds >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::cast_sign_loss,
                reason = "a rate for people; a float cast saturates"
            )]
            let rate = (c.found as f64 / run.seconds).round() as u64;
            figures.push((number(rate), "a second"));
        }
        if let Some(left) = run.seconds_left.filter(|_| !run.state.is_over()) {
            figures.push((duration(left), "left"));
        }
        Self {
            id: run.id.clone(),
            live: !run.state.is_over(),
            headline: headline(run),
            place: place(&run.request),
            state: state(run),
            percent: percent_of(run),
            figures,
            note: run.note.clone(),
            lines: run.specialties.iter().map(SpecialtyLine::new).collect(),
            receipt: run.leads.map(|receipt| ReceiptView { receipt }),
            may_act,
            stopped: run.state == JobState::Cancelled,
            failed: run.state == JobState::Finished && !run.coverage.failed.is_empty(),
            providers: href("/providers", [("sync", &run.id)]),
            has_found: c.found > 0,
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            label: self.headline.clone(),
            percent: self.percent,
        }
    }
}

fn headline(run: &SyncRun) -> String {
    let all = run.specialties.len();
    let what = || match run.request.specialties.as_slice() {
        [only] => only.clone(),
        several => counted(several.len() as u64, "specialty", "specialties"),
    };
    match (run.state, run.current()) {
        (JobState::Running, Some((n, s))) if all > 1 => format!("Syncing {} ({n}/{all})", s.name),
        (JobState::Running, Some((_, s))) => format!("Syncing {}", s.name),
        (JobState::Running, None) => format!("Syncing {}", what()),
        (JobState::Queued, _) => format!("Waiting to sync {}", what()),
        (JobState::Cancelled, _) => format!("Sync of {} stopped", what()),
        (JobState::Finished, _) => format!("Sync of {}", what()),
    }
}

/// How far a run is, from 0 to 100: by its estimate of time where it has one, else by specialties.
/// A run that goes on never shows 100.
pub fn percent_of(run: &SyncRun) -> u8 {
    if run.state == JobState::Finished {
        return 100;
    }
    let done = |s: &&SpecialtyProgress| {
        !matches!(s.state, SpecialtyState::Pending | SpecialtyState::Running)
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a run has a handful of specialties"
    )]
    let share = match run.seconds_left {
        Some(left) if run.seconds + left > 0.0 => run.seconds / (run.seconds + left),
        _ => {
            run.specialties.iter().filter(done).count() as f64 / run.specialties.len().max(1) as f64
        }
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=99, and not a number becomes 0"
    )]
    let percent = (share * 100.0).clamp(0.0, 99.0) as u8;
    percent
}

/// The page of one run.
#[derive(Clone, Debug, Template)]
#[template(path = "sync/run.html")]
pub struct RunView {
    /// The run.
    pub panel: RunPanel,
    /// How completely it covered what was asked for.
    pub coverage: CoverageReport,
    /// What could not be understood.
    pub set_aside: Option<SetAsides>,
    /// When it was asked for, began and ended.
    pub times: Vec<(&'static str, When)>,
    /// The same again, as a filled-in form.
    pub again: String,
}

impl RunView {
    /// The page of a run.
    pub fn new(run: &SyncRun, may_act: bool, set_aside: Option<SetAsides>, now: &Now) -> Self {
        let times = [
            ("Asked for", Some(run.created_at)),
            ("Began", run.started_at),
            ("Ended", run.finished_at),
        ];
        Self {
            panel: RunPanel::new(run, may_act),
            coverage: CoverageReport::new(run),
            set_aside,
            times: times
                .into_iter()
                .filter_map(|(label, at)| Some((label, When::moment(at?, now))))
                .collect(),
            again: href("/sync", super::pairs(&run.request)),
        }
    }
}

crate::ui::shown_as_html!(RunPanel, RunView);
