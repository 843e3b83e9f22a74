//! Two processes on one database share a run and one pace, and the run outlives either of them.

use std::{
    thread,
    time::{Duration, Instant},
};

use canvass_testkit::FaultyRegistry;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Database, Running, both_engines, internists, knowing, sync_of};

/// More than one process works on at a time, so that another finds something to do.
const SPECIALTIES: [(&str, &str); 10] = [
    ("Internal Medicine", "207R00000X"),
    ("Family Medicine", "207Q00000X"),
    ("Dermatology", "207N00000X"),
    ("Neurology", "2084N0400X"),
    ("Ophthalmology", "207W00000X"),
    ("Urology", "208800000X"),
    ("Podiatrist", "213E00000X"),
    ("Chiropractor", "111N00000X"),
    ("Optometrist", "152W00000X"),
    ("General Practice", "208D00000X"),
];
/// Providers of each.
const EACH: u32 = 600;

/// What the registry takes for an answer until both processes ask: so long that a process which is
/// slow to start finds something to do.
const AT_FIRST: Duration = Duration::from_millis(600);
/// What it takes from then on.
const LATER: Duration = Duration::from_millis(40);

/// A registry with as many providers of each specialty, which takes its time.
fn registry() -> FaultyRegistry {
    let records: Vec<Value> = (0..)
        .zip(SPECIALTIES)
        .flat_map(|(i, (_, code))| internists(code, i * EACH, EACH))
        .collect();
    FaultyRegistry::start(&records, knowing().latency(AT_FIRST))
}

/// A process that tells the registry this name. Its settings stand in `folder`.
fn process(
    db: &Database,
    registry: &FaultyRegistry,
    folder: &TempDir,
    name: &str,
    args: &[&str],
) -> Running {
    let file = folder.path().join(format!("{name}.toml"));
    std::fs::write(&file, format!("contact = \"{name}@canvass.example\"\n")).unwrap();
    let mut command = db.command(args);
    command
        .env("CANVASS_CONFIG", &file)
        .env("CANVASS_REGISTRY_URL", registry.url());
    Running::start(command)
}

fn asked_by(registry: &FaultyRegistry, name: &str) -> usize {
    let by = |agent: &Option<String>| agent.as_deref().is_some_and(|a| a.contains(name));
    registry
        .requests()
        .iter()
        .filter(|request| by(&request.user_agent))
        .count()
}

/// Waits until this holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_mins(1), "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until both processes ask, and holds back what they ask for from then on.
fn both_work(registry: &FaultyRegistry) {
    until("both processes ask", || {
        asked_by(registry, "first") >= 3 && asked_by(registry, "second") >= 3
    });
    let answered = registry.requests().len() as u64;
    registry.hold(move |r| r.number >= answered);
    registry.set_settings(knowing().latency(LATER));
}

fn assert_whole(db: &Database, registry: &FaultyRegistry) {
    let all = 10 * EACH;
    assert_eq!(db.sql("SELECT count(*) FROM providers"), [all.to_string()]);
    assert_eq!(db.sql("SELECT found FROM sync_runs"), [all.to_string()]);
    assert_eq!(db.sql("SELECT created FROM sync_runs"), [all.to_string()]);
    let most = registry.max_in_flight();
    assert!(most <= 3, "{most} requests at one time");
    // Starts are at least 200 ms apart by fours, but a busy machine may hold one request up for
    // tens of milliseconds on its way. Two processes at a pace of their own would show as six.
    let most = registry.max_starts_within(Duration::from_millis(150));
    assert!(most <= 3, "{most} requests started within 150 ms");
}

fn names() -> Vec<&'static str> {
    SPECIALTIES.iter().map(|(name, _)| *name).collect()
}

both_engines! {
    fn a_worker_finishes_the_sync_of_a_process_that_is_killed(db: Database) {
        let (registry, folder) = (registry(), tempfile::tempdir().unwrap());
        let sync = process(&db, &registry, &folder, "first", &sync_of(&names(), &["--state", "CA"]));
        until("the first asks", || asked_by(&registry, "first") > 0);
        let worker = process(&db, &registry, &folder, "second", &["worker"]);
        both_work(&registry);
        assert!(sync.kill().was_killed(), "the sync was over too soon");
        let before = registry.requests().len();
        registry.release();
        until("the worker finishes", || {
            db.sql("SELECT state FROM sync_runs") == ["finished"]
        });
        assert!(registry.requests().len() > before, "nothing was left to do");
        assert_whole(&db, &registry);
        worker.terminate();
        worker.end().expect(0);
    }

    fn a_sync_goes_on_when_the_worker_that_shares_it_is_killed(db: Database) {
        let (registry, folder) = (registry(), tempfile::tempdir().unwrap());
        let worker = process(&db, &registry, &folder, "second", &["worker"]);
        let sync = process(&db, &registry, &folder, "first", &sync_of(&names(), &["--state", "CA"]));
        both_work(&registry);
        assert!(worker.kill().was_killed());
        registry.release();
        let run = sync.end().expect(0).json();
        assert_eq!(run["complete"], true);
        assert_eq!(run["retries"], 0);
        assert_whole(&db, &registry);
    }
}
