//! What the threads of a round share.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    Settings,
    files::Dissemination,
    http::{self, Answer},
    model::{Edit, Model, Saved},
    process::{Canvass, Ended, Running, Server, panics},
};
use crate::registry::FaultyRegistry;

/// How many of the last operations are kept.
const KEPT: usize = 60;

/// What was asked for under a key and not answered, because somebody was killed.
pub(super) enum Unanswered {
    Save(Saved, Vec<Option<usize>>),
    Edit(String, Edit),
}

/// One run of the test.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) canvass: Canvass,
    pub(super) registry: FaultyRegistry,
    pub(super) token: String,
    pub(super) servers: [Mutex<Arc<Server>>; 2],
    pub(super) model: Mutex<Model>,
    /// Edits of many leads are alone with them, so that the test can tell what they edit.
    pub(super) leads: RwLock<()>,
    pub(super) unanswered: Mutex<Vec<Unanswered>>,
    /// Commands that are running.
    pub(super) commands: Mutex<Vec<Arc<Running>>>,
    /// Files that were good, for loading them again when they are old.
    pub(super) archive: Mutex<Vec<Arc<Dissemination>>>,
    /// Whether a process was killed in this round.
    pub(super) killed: AtomicBool,
    /// Whether a sync of this round may be incomplete.
    pub(super) excused: AtomicBool,
    faults: Mutex<Vec<String>>,
    log: Mutex<VecDeque<String>>,
    pub(super) counts: Mutex<BTreeMap<String, u64>>,
}

/// A lock that a panic elsewhere does not spoil.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(super) fn new(
        settings: Settings,
        canvass: Canvass,
        registry: FaultyRegistry,
        token: String,
        servers: [Server; 2],
        model: Model,
    ) -> Self {
        Self {
            settings,
            canvass,
            registry,
            token,
            servers: servers.map(|server| Mutex::new(Arc::new(server))),
            model: Mutex::new(model),
            leads: RwLock::default(),
            unanswered: Mutex::default(),
            commands: Mutex::default(),
            archive: Mutex::default(),
            killed: AtomicBool::default(),
            excused: AtomicBool::default(),
            faults: Mutex::default(),
            log: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.model)
    }

    /// Something is wrong.
    pub(super) fn fault(&self, what: impl Into<String>) {
        let mut what: String = what.into();
        if what.len() > 2_000 {
            let end = (0..=2_000).rev().find(|i| what.is_char_boundary(*i));
            what.truncate(end.unwrap_or(0));
        }
        self.note(&format!(
            "FAULT {}",
            what.chars().take(120).collect::<String>()
        ));
        lock(&self.faults).push(what);
    }

    pub(super) fn faults(&self) -> Vec<String> {
        lock(&self.faults).clone()
    }

    /// Notes an operation.
    pub(super) fn note(&self, what: &str) {
        let round = self.model().round;
        if self.settings.verbose {
            eprintln!("round {round}: {what}");
        }
        let mut log = lock(&self.log);
        if log.len() == KEPT {
            log.pop_front();
        }
        log.push_back(format!("round {round}: {what}"));
    }

    pub(super) fn last_operations(&self) -> Vec<String> {
        lock(&self.log).iter().cloned().collect()
    }

    pub(super) fn count(&self, what: &str) {
        *lock(&self.counts).entry(what.to_owned()).or_default() += 1;
    }

    /// Whether losing a process is no fault in this round.
    pub(super) fn was_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    pub(super) fn server(&self, which: usize) -> Arc<Server> {
        Arc::clone(&lock(&self.servers[which % 2]))
    }

    /// Kills a server, and starts it again after a while.
    pub(super) fn kill_server(&self, which: usize, pause: Duration) {
        self.killed.store(true, Ordering::SeqCst);
        self.excused.store(true, Ordering::SeqCst);
        self.server(which).process.kill();
        self.count("kills of a server");
        self.note(&format!("server {which} was killed"));
        thread::sleep(pause);
        match Server::start(&self.canvass) {
            Ok(server) => *lock(&self.servers[which % 2]) = Arc::new(server),
            Err(fault) => self.fault(fault),
        }
    }

    /// Asks a server; none when it was killed meanwhile.
    pub(super) fn ask(
        &self,
        which: usize,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Answer> {
        let server = self.server(which);
        match http::send(&server.address, &self.token, method, path, headers, body) {
            Ok(answer) => {
                if answer.status >= 500 || answer.status == 408 {
                    let body = body.map(Value::to_string).unwrap_or_default();
                    self.fault(format!(
                        "{method} {path} {body}: {} {} {}",
                        answer.status,
                        answer.body,
                        server.last_error()
                    ));
                }
                // What ends with its connection may have been cut where nobody can tell.
                let is_cut = self.was_killed() && answer.header("content-length").is_none();
                (!is_cut).then_some(answer)
            }
            Err(error) => {
                if !self.was_killed() {
                    let panics = server.panics().unwrap_or_default();
                    self.fault(format!("{method} {path}: {error} {panics}"));
                }
                None
            }
        }
    }

    pub(super) fn get(&self, which: usize, path: &str) -> Option<Answer> {
        self.ask(which, "GET", path, &[], None)
    }

    /// Asks a server for what must be there.
    pub(super) fn json(&self, which: usize, path: &str) -> Option<Value> {
        let answer = self.get(which, path)?;
        if answer.status == 200 {
            return Some(answer.json());
        }
        if answer.status < 500 {
            self.fault(format!("GET {path}: {} {}", answer.status, answer.body));
        }
        None
    }

    /// Runs a command to its end; it is interrupted after a while where that is wanted.
    pub(super) fn command(&self, args: &[String], interrupt: Option<Duration>) -> Option<Ended> {
        let running = match self.canvass.start(args) {
            Ok(running) => Arc::new(running),
            Err(error) => {
                self.fault(format!("{args:?} does not start: {error}"));
                return None;
            }
        };
        lock(&self.commands).push(Arc::clone(&running));
        if let Some(after) = interrupt {
            thread::sleep(after);
            running.interrupt();
        }
        let ended = running.end();
        lock(&self.commands).retain(|other| !Arc::ptr_eq(other, &running));
        let Some(ended) = ended else {
            self.fault(format!("{} does not end", running.what));
            return None;
        };
        if let Some(said) = panics(&ended.err) {
            self.fault(format!("{}: {said}", running.what));
        }
        // One that is interrupted before it listens to signals ends at once.
        if ended.code.is_none() && interrupt.is_none() && !self.was_killed() {
            self.fault(format!("{} ended by itself: {ended:?}", running.what));
        }
        Some(ended)
    }

    /// Kills one of the commands that are running.
    pub(super) fn kill_command(&self, which: usize) -> bool {
        let commands = lock(&self.commands);
        if commands.is_empty() {
            return false;
        }
        let running = Arc::clone(&commands[which % commands.len()]);
        drop(commands);
        self.killed.store(true, Ordering::SeqCst);
        self.excused.store(true, Ordering::SeqCst);
        running.kill();
        self.count("kills of a command");
        self.note(&format!("killed: {}", running.what));
        true
    }

    /// The first column of what a statement gives.
    pub(super) fn sql(&self, statement: &str) -> Vec<String> {
        match crate::sql::column(&self.canvass.database, statement) {
            Ok(values) => values,
            Err(error) => {
                self.fault(format!("{statement}: {error}"));
                Vec::new()
            }
        }
    }
}
