//! `kill -9` at random moments. Of a sync: the same command goes on, and the end is that of a sync
//! which nobody disturbed. Of an import: all is as before it, and the next one succeeds.

use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use serde_json::Value;

use crate::world::{Database, EIGHT, Outcome, Sample, both_engines, sync_of};

const KILLS: u32 = 25;
/// A process is killed at a random moment of the first of so many parts of the time that a whole
/// sync takes on this machine: early enough that much is left to do.
const PARTS: u32 = 4;

/// What is in a database after a sync.
#[derive(PartialEq)]
struct State {
    /// Every provider with all columns of an export.
    providers: String,
    /// Hash of the whole record of each.
    records: Vec<String>,
    /// NPI and status of every lead.
    leads: Vec<String>,
    /// What became of each provider in each specialty.
    results: Vec<String>,
    changes: Vec<String>,
    activities: Vec<String>,
}

impl State {
    fn of(db: &Database) -> Self {
        Self {
            // As they are stored they stand in the order in which they came.
            providers: db.done(&[
                "search", "--status", "any", "--sort", "name", "--format", "ndjson",
            ]),
            records: db.sql("SELECT npi || ' ' || hash FROM providers ORDER BY npi"),
            leads: db.sql("SELECT npi || ' ' || status FROM leads ORDER BY npi"),
            results: db.sql("SELECT npi || ' ' || place FROM sync_results ORDER BY npi, place"),
            changes: db.sql("SELECT npi || ' ' || field FROM changes ORDER BY npi, field"),
            activities: db.sql("SELECT npi || ' ' || kind FROM activities ORDER BY npi, kind"),
        }
    }

    fn assert_is(&self, expected: &Self, url: &str) {
        let lines = |state: &Self| state.providers.lines().count();
        assert_eq!(lines(self), lines(expected), "providers of {url}");
        assert!(self.providers == expected.providers, "providers of {url}");
        assert!(self.records == expected.records, "records of {url}");
        assert_eq!(self.leads.len(), expected.leads.len(), "leads of {url}");
        assert!(self.leads == expected.leads, "leads of {url}");
        assert!(self.results == expected.results, "results of {url}");
        assert_eq!(self.changes, expected.changes, "changes of {url}");
        assert!(
            self.activities == expected.activities,
            "activities of {url}"
        );
    }
}

/// What a sync says of itself that does not depend on how often it was interrupted.
fn said(run: &Value) -> Value {
    let specialties: Vec<Value> = run["specialties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| serde_json::json!([s["name"], s["state"], s["complete"], s["found"]]))
        .collect();
    serde_json::json!([
        run["state"],
        run["complete"],
        run["found"],
        run["created"],
        run["updated"],
        run["set_aside"],
        run["leads"],
        specialties,
    ])
}

both_engines! {
    fn a_sync_that_is_killed_goes_on_and_ends_like_any_other(db: Database) {
        let registry = Sample::start(6_000, 40);
        let args = sync_of(&EIGHT, &["--save-leads", "--registry", &registry.url]);
        let began = Instant::now();
        let undisturbed = db.canvass(&args).expect(0).json();
        let latest = began.elapsed() / PARTS;
        let expected = State::of(&db);
        assert_eq!(undisturbed["found"], expected.records.len(), "the sample is not all there");
        assert_eq!(undisturbed["leads"]["created"], expected.leads.len());

        let check = |db: &Database| {
            State::of(db).assert_is(&expected, &db.url);
            assert_eq!(db.sql("SELECT state FROM sync_runs"), ["finished"], "it began anew");
        };
        let check_words = |ended: &Outcome| {
            assert_eq!(said(&ended.json()), said(&undisturbed), "{ended:#?}");
        };
        let mut moments = ChaCha8Rng::seed_from_u64(25);
        let (mut kills, mut went_on) = (0, 0);
        let mut victim = db.another();
        while kills < KILLS {
            let mut sync = victim.start(&args);
            let moment = moments.random_range(Duration::from_millis(20)..latest);
            let ended = if sync.ends_within(moment) { sync.end() } else { sync.kill() };
            went_on += u32::from(ended.err.contains("going on with the sync"));
            // It may have been killed before anything began, which does not count, or after all
            // was done.
            let states = victim.try_sql("SELECT state FROM sync_runs").unwrap_or_default();
            if !ended.was_killed() {
                check_words(&ended);
            } else if !states.is_empty() {
                kills += 1;
            }
            if states.iter().any(|state| state == "finished") {
                check(&victim);
                victim = db.another();
            }
        }
        check_words(&victim.canvass(&args));
        check(&victim);
        assert!(went_on >= KILLS / 5, "only {went_on} of {KILLS} got as far as going on");
    }

    fn an_import_that_is_killed_changes_nothing(db: Database) {
        let folder = tempfile::tempdir().unwrap();
        let set = |name: &str, rows: &str| -> String {
            let path = folder.path().join(name).display().to_string();
            db.done(&["registry", "generate", "--rows", rows, "--out", &path]);
            format!("{path}/NPPES_Data_Dissemination_November_2026_V2.zip")
        };
        let (small, large) = (set("small", "300"), set("large", "9000"));
        db.done(&["import", &small]);
        db.done(&["leads", "save-all", "--state", "CA"]);
        let undisturbed = db.another();
        let began = Instant::now();
        undisturbed.done(&["import", &large]);
        let whole = began.elapsed();
        let mut before = State::of(&db);
        let mut moments = ChaCha8Rng::seed_from_u64(10);
        let mut kills = 0;
        while kills < 10 {
            let mut import = db.start(&["import", "--force", &large]);
            let moment = moments.random_range(Duration::from_millis(20)..whole);
            let ended = if import.ends_within(moment) { import.end() } else { import.kill() };
            if ended.was_killed() {
                kills += 1;
                // In the very last moment it may have been done.
                if db.sql("SELECT state FROM imports ORDER BY created_at DESC LIMIT 1") != ["done"] {
                    State::of(&db).assert_is(&before, &db.url);
                    continue;
                }
            }
            // It was done: whoever is only in the large set is known from now on.
            db.done(&["import", "--force", &small]);
            before = State::of(&db);
        }
        let done = db.canvass(&["import", "--force", "--json", &large]).expect(0).json();
        assert_eq!(done["rows"], 9_000, "{done}");
        assert_eq!(db.sql("SELECT count(*) FROM providers"), ["9000"]);
        assert_eq!(State::of(&db).leads, before.leads);
    }
}
