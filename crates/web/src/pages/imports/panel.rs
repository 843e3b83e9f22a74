use askama::Template;
use canvass_app::{ImportOutlook, ImportPhase, ImportView};
use canvass_store::ImportState;

use super::is_live;
use crate::format::{bytes, duration, noun, number};
use crate::ui::{Badge, Progress, Tone};

/// An import as it stands: what is loaded again while it goes on.
#[derive(Clone, Debug, Template)]
#[template(path = "imports/panel.html")]
pub struct ImportPanel {
    /// Identifier of the import.
    pub id: String,
    /// Whether it goes on.
    pub live: bool,
    /// What the files are called.
    pub name: String,
    /// What they are, once that is known.
    pub what: Option<String>,
    /// State.
    pub state: Badge,
    /// How far it is with what it is at.
    pub percent: u8,
    /// Whether that moves.
    pub moves: bool,
    /// Counts, rates and times, each a figure and its words.
    pub figures: Vec<(String, String)>,
    /// Why it failed, or what else is to be known.
    pub note: Option<String>,
    /// Rows that were set aside, where they can be had.
    pub set_aside: Option<String>,
}

/// What files are called: the last part of an address, or the name.
pub fn name_of(import: &ImportView) -> String {
    let Some(source) = &import.source else {
        return "From the command line".to_owned();
    };
    let path = source.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').find(|part| !part.is_empty());
    last.unwrap_or(source).to_owned()
}

/// What files are, as a sentence begins; nothing before that is known.
pub(super) fn what_of(import: &ImportView) -> Option<String> {
    let known = import.source.as_ref() != Some(&import.what);
    let mut letters = import.what.chars();
    let first = letters.next().filter(|_| known)?;
    Some(first.to_uppercase().chain(letters).collect())
}

/// The state of an import as colour, word and shape.
pub fn state(import: &ImportView) -> Badge {
    let phase = import.progress.as_ref().map(|p| p.phase);
    let known = import
        .report
        .as_ref()
        .is_some_and(|r| r.already_imported.is_some());
    let (tone, icon, text) = match (import.state, phase) {
        (ImportState::Fetching | ImportState::Running, phase) => match phase {
            Some(ImportPhase::Fetching) => (Tone::Accent, "running", "Fetching"),
            Some(ImportPhase::Waiting) => (Tone::Muted, "waiting", "Waiting for another import"),
            Some(ImportPhase::Reading) => (Tone::Accent, "running", "Reading"),
            Some(ImportPhase::Publishing) => (Tone::Accent, "running", "Bringing it into use"),
            Some(ImportPhase::Opening) | None => (Tone::Accent, "running", "Looking at the file"),
        },
        (ImportState::Done, _) if known => (Tone::Muted, "check", "Loaded before"),
        (ImportState::Done, _) => (Tone::Good, "check", "Loaded"),
        (ImportState::Failed, _) => (Tone::Bad, "cross", "Failed"),
        (ImportState::Cancelled, _) => (Tone::Muted, "stopped", "Stopped"),
    };
    Badge {
        tone,
        icon,
        text: text.to_owned(),
    }
}

impl ImportPanel {
    /// The panel of an import.
    pub fn new(import: &ImportView) -> Self {
        let live = is_live(import);
        let mut figures = match (&import.progress, &import.report) {
            (Some(progress), _) => under_way(progress),
            (None, Some(report)) if report.already_imported.is_none() => {
                let changed = report.updated + report.deactivated + report.reactivated;
                let mut figures = vec![
                    figure(report.rows, noun(report.rows, "row", "rows")),
                    figure(report.created, "new"),
                    figure(changed, "changed"),
                    figure(report.unchanged, "same"),
                ];
                for (n, words) in [
                    (report.unpublished, "no longer published"),
                    (report.deactivated, "went out of service"),
                    (report.reactivated, "came back"),
                    (report.set_aside, "set aside"),
                    (report.values_left_out, "values left out"),
                ] {
                    if n > 0 {
                        figures.push(figure(n, words));
                    }
                }
                figures
            }
            _ => Vec::new(),
        };
        let so_far = if live { "so far" } else { "in all" };
        figures.push((duration(import.seconds), so_far.to_owned()));
        let known = import.report.as_ref().and_then(|r| r.already_imported);
        let note = match known {
            Some(at) => Some(format!(
                "These very files were loaded on {}. There was nothing to do.",
                at.strftime("%-d %b %Y")
            )),
            None => import.reason.as_deref().map(crate::pages::visit::sentence),
        };
        let aside = import.report.as_ref().filter(|_| known.is_none());
        let aside = aside.map(|r| r.set_aside).filter(|n| *n > 0);
        Self {
            id: import.id.clone(),
            live,
            name: name_of(import),
            what: what_of(import),
            state: state(import),
            percent: import.progress.as_ref().map_or(100, |p| p.percent),
            moves: import.progress.as_ref().is_some_and(moves),
            figures,
            note,
            set_aside: aside.map(number),
        }
    }

    fn progress(&self) -> Option<Progress> {
        self.moves.then(|| Progress {
            label: format!("{}: {}", self.name, self.state.text),
            percent: self.percent,
        })
    }
}

/// Whether it is known how far it is.
fn moves(p: &ImportOutlook) -> bool {
    match p.phase {
        ImportPhase::Fetching | ImportPhase::Reading => p.of_bytes > 0,
        ImportPhase::Publishing => true,
        ImportPhase::Waiting | ImportPhase::Opening => false,
    }
}

fn figure(n: u64, words: &str) -> (String, String) {
    (number(n), words.to_owned())
}

fn under_way(p: &ImportOutlook) -> Vec<(String, String)> {
    let mut figures = Vec::new();
    let of = |words: &str| match p.of_bytes {
        0 => words.to_owned(),
        all => format!("of {} {words}", bytes(all)),
    };
    match p.phase {
        ImportPhase::Fetching => {
            figures.push((bytes(p.bytes), of("fetched")));
            figures.extend(
                p.bytes_per_second
                    .map(|n| (bytes(n), "a second".to_owned())),
            );
        }
        ImportPhase::Reading => {
            figures.push((bytes(p.bytes), of("read")));
            figures.push(figure(p.rows, noun(p.rows, "row", "rows")));
            figures.extend(p.rows_per_second.map(|n| figure(n, "rows a second")));
        }
        ImportPhase::Publishing => {
            figures.push(figure(p.rows, noun(p.rows, "row read", "rows read")));
        }
        ImportPhase::Waiting | ImportPhase::Opening => {}
    }
    if p.set_aside > 0 {
        figures.push(figure(p.set_aside, "set aside"));
    }
    figures.extend(
        p.seconds_left
            .map(|left| (duration(left), "left".to_owned())),
    );
    figures
}

crate::ui::shown_as_html!(ImportPanel);
