//! A randomized test of the whole: two servers and foreground commands work on one database at once,
//! and a model in memory beside them says what must come of it.
//!
//! From a seed, rounds are made. In each some syncs, loads of files, save-alls and edits of leads
//! run at the same time, while others search, list and export, the registry changes, and, where
//! that is wanted, processes are killed. When all of a round has ended, everything in the database
//! is compared with the model.

mod files;
mod filter;
mod http;
mod loads;
mod model;
mod ops;
mod people;
mod process;
mod reads;
mod verify;
mod world;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

use self::{
    loads::Load,
    model::Model,
    ops::Sync,
    people::{Person, SPECIALTIES},
    process::{Canvass, Server},
    world::World,
};
use crate::registry::{Fault, Faults, FaultyRegistry, Settings as RegistrySettings};

/// Rounds of a simulated hour: one for each of its minutes.
pub const ROUNDS_PER_HOUR: u32 = 60;

/// How many faults are shown at most.
const SHOWN: usize = 8;

/// What a run does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program `canvass`.
    pub binary: PathBuf,
    /// The file of the NUCC taxonomy.
    pub nucc: PathBuf,
    /// Address of an empty PostgreSQL database; an SQLite file is made where there is none.
    pub postgres: Option<String>,
    /// The same seed gives the same operations, though not the same moments.
    pub seed: u64,
    /// How many rounds.
    pub rounds: u32,
    /// Providers of the registry at the beginning.
    pub people: u32,
    /// How many are looked up one by one at the end.
    pub looked_up: usize,
    /// Whether processes are killed.
    pub kill: bool,
    /// Kinds of operations that are left out, to look for the cause of a fault.
    pub without: Vec<String>,
    /// Whether each operation is told on standard error.
    pub verbose: bool,
}

/// What a run has done.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Rounds.
    pub rounds: u32,
    /// Operations by their kind, kills among them.
    pub operations: BTreeMap<String, u64>,
    /// How long it took.
    pub took: Duration,
    /// What is wrong.
    pub faults: Vec<String>,
    /// The last operations, when something is.
    pub last: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        writeln!(
            f,
            "seed {}: {} rounds, {:.1} simulated hours, in {seconds:.0} s",
            self.seed,
            self.rounds,
            f64::from(self.rounds) / f64::from(ROUNDS_PER_HOUR)
        )?;
        for (kind, count) in &self.operations {
            writeln!(f, "  {count:>8} {kind}")?;
        }
        if self.faults.is_empty() {
            return Ok(());
        }
        writeln!(f, "the last operations:")?;
        for line in &self.last {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "{} faults:", self.faults.len())?;
        for fault in self.faults.iter().take(SHOWN) {
            writeln!(f, "  {fault}")?;
        }
        write!(f, "seed {}", self.seed)
    }
}

/// Runs the test, until its end or the first round with a fault.
///
/// # Errors
/// When it can't begin: the program does not start, or nothing can be written.
pub fn run(settings: Settings) -> Result<Report, String> {
    let began = Instant::now();
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    let mut model = Model::new(&mut rng, settings.people);
    model.may_move = settings.without.iter().any(|w| w == "exact-rows");
    let texts: Vec<(&str, [&str; 1])> = SPECIALTIES.map(|(text, code)| (text, [code])).to_vec();
    let texts: Vec<(&str, &[&str])> = texts.iter().map(|(t, c)| (*t, c.as_slice())).collect();
    let registry = FaultyRegistry::start(&model.records(), RegistrySettings::with_texts(&texts));
    let sqlite = format!("sqlite:{}", folder.path().join("canvass.db").display());
    let canvass = Canvass {
        binary: settings.binary.clone(),
        database: settings.postgres.clone().unwrap_or(sqlite),
        registry: registry.url().to_owned(),
        nucc: settings.nucc.clone(),
        folder: folder.path().to_owned(),
        count: 0.into(),
    };
    fs::create_dir(canvass.imports()).map_err(|e| e.to_string())?;
    // At once, on a database that is not there yet.
    let servers = thread::scope(|scope| {
        [0, 1]
            .map(|_| scope.spawn(|| Server::start(&canvass)))
            .map(|started| started.join().unwrap_or_else(|_| Err("no server".into())))
    });
    let [first, second] = servers;
    let (first, second) = (first?, second?);
    let word = "correct horse battery";
    canvass.done(&["user", "add", "lee", "--role", "admin"], word)?;
    let token = canvass.done(&["token", "create", "--user", "lee"], "")?;
    let rounds = settings.rounds;
    let seed = settings.seed;
    let world = World::new(
        settings,
        canvass,
        registry,
        token.trim().to_owned(),
        [first, second],
        model,
    );
    let mut done = 0;
    while done < rounds && world.faults().is_empty() {
        done += 1;
        world.round(&mut rng, done);
    }
    if world.faults().is_empty() {
        world.verify_whole();
    }
    for which in 0..2 {
        if let Some(panic) = world.server(which).panics() {
            world.fault(format!("server {which}: {panic}"));
        }
    }
    let faults = world.faults();
    Ok(Report {
        seed,
        rounds: done,
        operations: world::lock(&world.counts).clone(),
        took: began.elapsed(),
        last: if faults.is_empty() {
            Vec::new()
        } else {
            world.last_operations()
        },
        faults,
    })
}

/// Something that one thread does in a round, after a while.
enum Operation {
    Sync(Sync),
    Load(Load),
    Save,
    EditMany,
    EditSome,
}

impl World {
    fn round(&self, rng: &mut ChaCha8Rng, number: u32) {
        self.killed.store(false, Ordering::SeqCst);
        let operations = self.plan(rng, number);
        let pulls = operations.iter().filter_map(|operation| match operation {
            Operation::Sync(sync) => Some(sync.pull.clone()),
            _ => None,
        });
        self.model().begin(number, pulls.collect());
        let faulty = rng.random_bool(0.2) && !self.is_without("registry-faults");
        let stopped =
            |operation: &Operation| matches!(operation, Operation::Sync(sync) if sync.is_stopped());
        let excused = faulty || operations.iter().any(stopped);
        self.excused.store(excused, Ordering::SeqCst);
        self.registry.set_faults(if faulty {
            let kinds = [
                Fault::ServerError,
                Fault::Html200,
                Fault::HalfBody,
                Fault::Reset,
                Fault::TooManyRequests { retry_after: None },
            ];
            Faults::random(rng.random(), 0.03, kinds)
        } else {
            Faults::none()
        });
        let left = AtomicUsize::new(operations.len());
        thread::scope(|scope| {
            for operation in &operations {
                let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
                let left = &left;
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(rng.random_range(0..300)));
                    match operation {
                        Operation::Sync(sync) => self.sync(sync),
                        Operation::Load(load) => self.load(load),
                        Operation::Save => self.save(&mut rng),
                        Operation::EditMany => self.edit_many(&mut rng),
                        Operation::EditSome => self.edit_some(&mut rng),
                    }
                    left.fetch_sub(1, Ordering::SeqCst);
                });
            }
            for _ in 0..2 {
                let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
                let left = &left;
                scope.spawn(move || {
                    while left.load(Ordering::SeqCst) > 0 && !self.is_without("reads") {
                        self.read(&mut rng);
                    }
                });
            }
            if self.settings.kill {
                let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
                scope.spawn(move || {
                    for _ in 0..rng.random_range(0..=2) {
                        self.kill_somebody(&mut rng);
                    }
                });
            }
            if rng.random_bool(0.6) && !self.is_without("changes") {
                thread::sleep(Duration::from_millis(rng.random_range(0..400)));
                self.change_registry(rng);
            }
        });
        self.settle();
    }

    /// What a round will do.
    fn plan(&self, rng: &mut ChaCha8Rng, number: u32) -> Vec<Operation> {
        let mut operations = Vec::new();
        // The model's day is that of the round from its beginning.
        self.model().round = number;
        let mut add = |wanted: bool, kind: &str, operation: Option<Operation>| {
            if wanted && !self.is_without(kind) {
                operations.extend(operation);
            }
        };
        let first = Sync::draw(rng);
        add(true, "syncs", Some(Operation::Sync(first)));
        let (again, second) = (rng.random_bool(0.4), Sync::draw(rng));
        add(again, "syncs", Some(Operation::Sync(second)));
        let loads = (number == 1 || rng.random_bool(0.5))
            .then(|| self.plan_load(rng, 0))
            .flatten();
        add(true, "loads", loads.map(Operation::Load));
        let another = (number > 1 && rng.random_bool(0.1))
            .then(|| self.plan_load(rng, 1))
            .flatten();
        add(true, "loads", another.map(Operation::Load));
        add(rng.random_bool(0.7), "saves", Some(Operation::Save));
        add(rng.random_bool(0.3), "saves", Some(Operation::Save));
        add(rng.random_bool(0.4), "edits", Some(Operation::EditMany));
        add(rng.random_bool(0.7), "edits", Some(Operation::EditSome));
        operations
    }

    fn change_registry(&self, rng: &mut ChaCha8Rng) {
        let mut model = self.model();
        model.change(rng);
        let records = model.records();
        // Under the lock: the model knows of nothing less than the registry serves.
        self.registry.set_records(&records);
        drop(model);
        self.count("changes of the registry");
        self.note("the registry changes");
    }

    /// Kills a server, or a command if one runs before long.
    fn kill_somebody(&self, rng: &mut ChaCha8Rng) {
        thread::sleep(Duration::from_millis(rng.random_range(0..600)));
        let which = rng.random_range(0..8);
        if which >= 3 {
            for _ in 0..40 {
                if self.kill_command(which) {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        let pause = Duration::from_millis(rng.random_range(0..300));
        self.kill_server(which % 2, pause);
    }
}
