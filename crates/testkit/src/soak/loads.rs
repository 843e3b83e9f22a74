//! Loads of dissemination files.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};
use serde_json::{Value, json};

use super::{
    files::{Damage, Dissemination},
    people::day,
    process::PATIENCE,
    world::{World, lock},
};

/// A load that a round will do.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) file: Arc<Dissemination>,
    force: bool,
    /// When it is to be stopped.
    stop: Option<Duration>,
    /// The server that loads it; else a command does.
    server: Option<usize>,
    kind: &'static str,
}

/// What a load can be: its name, and how often it comes.
const KINDS: [(&str, u32); 11] = [
    ("full", 6),
    ("weekly", 6),
    ("full-few-bad-rows", 2),
    ("weekly-few-bad-rows", 1),
    ("full-many-bad-rows", 1),
    ("full-half", 1),
    ("full-cut", 1),
    ("weekly-cut", 1),
    ("old", 1),
    ("old-forced", 2),
    ("stopped", 3),
];

impl World {
    /// Chooses a load of the registry as it is now, and writes its file.
    pub(super) fn plan_load(&self, rng: &mut impl Rng, number: u32) -> Option<Load> {
        // The first brings everybody.
        if self.model().round == 1 {
            return self.plan_kind(rng, number, "full");
        }
        let kinds: Vec<(&str, u32)> = KINDS
            .into_iter()
            .filter(|(kind, _)| !self.is_without(kind))
            .collect();
        let kind = kinds.choose_weighted(rng, |(_, weight)| *weight).ok()?.0;
        self.plan_kind(rng, number, kind)
    }

    fn plan_kind(&self, rng: &mut impl Rng, number: u32, kind: &'static str) -> Option<Load> {
        let server = rng.random_bool(0.4).then(|| rng.random_range(0..2));
        let (mut stop, mut full) = (None, kind.starts_with("full"));
        if kind == "stopped" {
            full = rng.random_bool(0.7);
            stop = Some(Duration::from_millis(rng.random_range(10..1_200)));
        }
        if kind.starts_with("old") {
            let archive = lock(&self.archive);
            let file = Arc::clone(archive.choose(rng)?);
            return Some(Load {
                file,
                force: kind == "old-forced",
                stop: None,
                server,
                kind,
            });
        }
        let damage = match kind {
            "full-few-bad-rows" | "weekly-few-bad-rows" => Damage::FewRows,
            "full-many-bad-rows" => Damage::ManyRows,
            "full-half" => Damage::Half,
            "full-cut" if rng.random_bool(0.5) => Damage::CutArchive,
            "full-cut" | "weekly-cut" => Damage::CutTable,
            _ => Damage::None,
        };
        let model = self.model();
        // What the registry publishes in the night tells of the day before.
        let until = day(model.round).yesterday().ok()?;
        let mut chosen = model.living();
        if !full {
            let since = day(model.round.saturating_sub(10));
            chosen
                .retain(|at| model.people[*at].newest().updated >= since || rng.random_bool(0.01));
        }
        if chosen.is_empty() {
            return None;
        }
        let name = format!("r{}_{number}", model.round);
        let folder = self.canvass.imports();
        let written =
            Dissemination::write(&folder, &name, &model.people, &chosen, full, until, damage);
        drop(model);
        let file = match written {
            Ok(file) => Arc::new(file),
            Err(error) => {
                self.fault(format!("no file {name}: {error}"));
                return None;
            }
        };
        Some(Load {
            file,
            force: false,
            stop,
            server,
            kind,
        })
    }

    /// Whether this kind of operation is left out.
    pub(super) fn is_without(&self, kind: &str) -> bool {
        self.settings.without.iter().any(|w| w == kind)
    }

    /// Loads a file.
    pub(super) fn load(&self, load: &Load) {
        // It must be refused if it is older than what was loaded before.
        let is_old = Some(load.file.until) < self.model().loaded_until;
        let refused = load.file.is_broken() || (is_old && !load.force);
        let would_go = if refused {
            0
        } else {
            let mut model = self.model();
            let would_go = model.would_go(&load.file);
            model.loading(&load.file);
            would_go
        };
        self.count(&format!("loads: {}", load.kind));
        let began = Instant::now();
        let (ended, said) = match load.server {
            Some(server) => self.load_by_server(load, server),
            None => self.load_by_command(load),
        };
        self.note(&format!(
            "load {} {}{} of {} rows, {} unreadable, by {}: {ended:?} in {:?}",
            load.kind,
            if load.file.full { "full " } else { "" },
            load.file.path.display(),
            load.file.rows.len(),
            load.file.unreadable.len(),
            load.server
                .map_or("a command".into(), |s| format!("server {s}")),
            began.elapsed(),
        ));
        let what = || format!("{} {}", load.kind, load.file.path.display());
        let mut model = self.model();
        match ended {
            End::Unknown if refused => {}
            End::Unknown => model.load_broke(&load.file, false),
            End::Already => {}
            End::Done if refused => {
                drop(model);
                self.fault(format!("{} must be refused and was not: {said}", what()));
            }
            End::Done => {
                model.loaded(&load.file);
                drop(model);
                if would_go > 60 && !load.force {
                    self.fault(format!("{} takes {would_go} of 1,000 out: {said}", what()));
                }
                if load.file.damage == Damage::None {
                    lock(&self.archive).push(Arc::clone(&load.file));
                }
                self.count("loads done");
            }
            End::Stopped | End::Refused => {
                if !refused {
                    model.load_broke(&load.file, true);
                }
                let may_be_old = Some(load.file.until) < model.attempted_until;
                drop(model);
                let excused = refused
                    || ended == End::Stopped
                    || (would_go > 40 && !load.force)
                    // And may be if it is older than what may have been loaded.
                    || (may_be_old && !load.force)
                    // Only one runs at a time, and a command does not wait.
                    || (load.server.is_none() && said.contains("another import"));
                if !excused {
                    self.fault(format!("{} was refused: {said}", what()));
                }
                self.count("loads refused or stopped");
            }
        }
    }

    fn load_by_command(&self, load: &Load) -> (End, String) {
        let mut args = vec!["import".to_owned(), "--json".to_owned()];
        if load.force {
            args.push("--force".to_owned());
        }
        args.push(load.file.path.display().to_string());
        let Some(ended) = self.command(&args, load.stop) else {
            return (End::Unknown, String::new());
        };
        let said = format!("{} {}", ended.out, ended.err);
        let end = match ended.code {
            None => End::Unknown,
            Some(code @ (0 | 3)) => {
                let report: Value = serde_json::from_str(&ended.out).unwrap_or_default();
                if !report["already_imported"].is_null() {
                    return (End::Already, said);
                }
                let wanted = if load.file.unreadable.is_empty() {
                    0
                } else {
                    3
                };
                if code != wanted {
                    self.fault(format!(
                        "{} ended with {code} instead of {wanted}: {said}",
                        load.file.path.display()
                    ));
                }
                End::Done
            }
            Some(1) if load.stop.is_some() => End::Stopped,
            Some(1) => End::Refused,
            Some(code) => {
                self.fault(format!("{} ended with {code}: {said}", args.join(" ")));
                End::Unknown
            }
        };
        (end, said)
    }

    fn load_by_server(&self, load: &Load, server: usize) -> (End, String) {
        let unknown = (End::Unknown, String::new());
        let name = load.file.path.file_name().unwrap_or_default();
        let body = json!({"path": name.to_string_lossy(), "force": load.force});
        let Some(answer) = self.ask(server, "POST", "/api/imports", &[], Some(&body)) else {
            return unknown;
        };
        if answer.status >= 400 {
            return (End::Refused, answer.body);
        }
        let Some(id) = answer.json()["id"].as_str().map(str::to_owned) else {
            self.fault(format!("an import without identifier: {}", answer.body));
            return unknown;
        };
        if let Some(after) = load.stop {
            thread::sleep(after);
            // By the other server, which has to tell this one.
            let path = format!("/api/imports/{id}/cancel");
            let answer = self.ask(server + 1, "POST", &path, &[], None);
            if let Some(answer) = answer
                && !matches!(answer.status, 200 | 409)
            {
                self.fault(format!("{path}: {} {}", answer.status, answer.body));
            }
        }
        let began = Instant::now();
        let mut killed = None;
        while began.elapsed() < PATIENCE {
            let Some(answer) = self.get(server, &format!("/api/imports/{id}")) else {
                // The server is gone, and its import with it.
                if self.killed.load(Ordering::SeqCst) {
                    killed.get_or_insert_with(Instant::now);
                }
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            let import = answer.json();
            match import["state"].as_str() {
                Some("done") if !import["report"]["already_imported"].is_null() => {
                    return (End::Already, answer.body);
                }
                Some("done") => return (End::Done, answer.body),
                Some("cancelled") => return (End::Stopped, answer.body),
                // A server that was killed loads nothing any more.
                Some("failed") if self.was_killed() => return (End::Unknown, answer.body),
                Some("failed") => return (End::Refused, answer.body),
                _ => {}
            }
            if killed.is_some_and(|at| at.elapsed() > Duration::from_secs(2)) {
                return unknown;
            }
            if self.was_killed() {
                killed.get_or_insert_with(|| Instant::now() + Duration::from_secs(8));
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.fault(format!("import {id} does not end"));
        unknown
    }
}

/// How a load has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    /// It was loaded before.
    Already,
    Refused,
    Stopped,
    /// Nobody was left to say.
    Unknown,
}
