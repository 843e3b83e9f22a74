//! Exit codes, and what is said with them.

use std::time::Duration;

use canvass_testkit::{Fault, Faults, FaultyRegistry};

use crate::world::{Database, both_engines, command, internists, knowing, run, sync_of};

#[test]
fn a_specialty_that_nobody_knows_is_wrong_usage_with_the_three_nearest() {
    let db = Database::sqlite();
    let ended = db.canvass(&sync_of(&["Internal Medcine"], &[])).expect(2);
    assert_eq!(ended.out, "");
    let nearest = ["Internal Medicine", "Internal Medcine"];
    assert!(
        nearest.iter().all(|n| ended.err.contains(n)),
        "{}",
        ended.err
    );
    let (_, listed) = ended.err.split_once("nearest").unwrap();
    assert_eq!(listed.matches(',').count(), 2, "{listed}");
}

#[test]
fn what_is_called_wrongly_says_what_would_be_right() {
    let db = Database::sqlite();
    for (args, hint) in [
        (&["sync"][..], "--specialty"),
        (
            &["sync", "--specialty", "urology", "--state", "Texs"],
            "two letters",
        ),
        (
            &["sync", "--specialty", "urology", "--postal-code", "x"],
            "five or nine digits",
        ),
        (
            &["sync", "--specialty", "urology", "--address", "home"],
            "practice",
        ),
        (&["search", "--colour", "red"], "--help"),
        (&["search", "--state", "Texs"], "--state"),
        (&["search", "--entity", "robot"], "--entity"),
        (&["search", "--sort", "luck"], "sort"),
        (
            &["search", "--format", "csv", "--columns", "npi,colour"],
            "there are npi, name,",
        ),
        (&["search", "--columns", "npi"], "--format csv"),
        (&["search", "--no-bom"], "--format csv"),
        (&["leads", "list", "--json", "--columns", "npi"], "--format"),
        (&["leads", "export", "--columns", "lead"], "status"),
        (&["search", "--saved", "nosuch"], "saved search"),
        (
            &["search", "--saved", "x", "--state", "CA"],
            "a saved search or filters",
        ),
        (
            &["search", "--updated-since", "yesterday"],
            "--updated-since",
        ),
        (&["leads", "list", "--status", "rich"], "--status"),
        (&["leads", "export", "--format", "table"], "csv"),
        (&["leads", "import", "not-there.csv"], "not-there.csv"),
        (&["token", "create", "--user", "nobody"], "user"),
        (
            &["--database", "mysql://canvass:hunter2@db/canvass", "search"],
            "sqlite:PATH",
        ),
        (&["--config", "not-there.toml", "search"], "not-there.toml"),
        (&["--nucc", "not-there.csv", "search"], "not-there.csv"),
        (&["--log", "=[", "search"], "--log"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let ended = db.canvass(args).expect(2);
        assert_eq!(ended.out, "", "{args:?}");
        assert!(ended.err.contains(hint), "{args:?}: {}", ended.err);
        assert!(!ended.err.contains("hunter2"), "{args:?}: {}", ended.err);
        assert!(ended.err.lines().count() <= 12, "{args:?}: {}", ended.err);
    }
}

#[test]
fn a_database_that_is_out_of_reach_is_a_failure() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = format!("sqlite:{}/canvass.db", file.path().display());
    for url in [
        "postgres://canvass:hunter2@127.0.0.1:1/canvass",
        "postgres://canvass:hunter2@127.0.0.1:port/canvass",
        &inside,
    ] {
        let ended = run(command(&["--database", url, "search"]), "").expect(1);
        assert!(ended.err.starts_with("canvass: "), "{}", ended.err);
        assert!(ended.err.contains("database"), "{}", ended.err);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
}

both_engines! {
    fn a_sync_that_misses_something_is_incomplete_and_says_what(db: Database) {
        let records = [
            internists("207R00000X", 0, 30),
            internists("207N00000X", 100, 30),
        ]
        .concat();
        let dermatology =
            |p: &canvass_testkit::registry::Params| p.get("taxonomy_description").is_some_and(|t| t == "Dermatology");
        let registry = FaultyRegistry::start(&records, knowing().always_fail(dermatology));
        let mut args = sync_of(&["Internal Medicine", "Dermatology"], &["--registry", registry.url()]);
        args.extend(["--attempts", "2", "--backoff-ms", "1"]);
        let run = db.canvass(&args).expect(3).json();
        assert_eq!(run["complete"], false);
        assert_eq!(run["found"], 30);
        assert_eq!(run["specialties"][0]["complete"], true);
        assert_eq!(run["specialties"][1]["state"], "incomplete");
        assert_eq!(run["coverage"]["failed"].as_array().unwrap().len(), 1);
        args.retain(|arg| *arg != "--json");
        let people = db.canvass(&args).expect(3);
        assert!(people.out.contains("missing: "), "{}", people.out);
        assert!(people.out.contains("Dermatology"), "{}", people.out);
    }

    fn a_load_that_sets_rows_aside_is_incomplete_and_says_why_and_where(db: Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("othername_pfile_20261102-20261108.csv");
        let rows = "\"NPI\",\"Provider Other Organization Name\",\"Provider Other Organization Name Type Code\"\n\
            \"1679576722\",\"OF NOBODY\",\"3\"\n\"12345\",\"NO NPI\",\"3\"\n\"12346\",\"NO NPI\",\"3\"\n";
        std::fs::write(&path, rows).unwrap();
        let path = path.display().to_string();
        let ended = db.canvass(&["import", &path]).expect(3);
        assert!(ended.out.contains("incomplete: 3 rows"), "{}", ended.out);
        assert!(ended.out.contains("  2: an NPI has ten digits"), "{}", ended.out);
        let (_, id) = ended.out.split_once("--set-asides ").unwrap();
        let kept = db.canvass(&["import", "--set-asides", id.trim()]).expect(0).out;
        assert!(kept.contains(",2,1679576722,") && kept.contains(",4,"), "{kept}");
        // What was loaded before is neither loaded nor incomplete.
        db.canvass(&["import", &path]).expect(0);
    }

    fn faults_that_pass_cost_nothing(db: Database) {
        let records = internists("207R00000X", 0, 900);
        let faults = [
            Fault::TooManyRequests { retry_after: Some(0) },
            Fault::ServerError,
            Fault::Html200,
            Fault::HalfBody,
            Fault::Reset,
            Fault::Hang(Duration::from_secs(2)),
            Fault::RepeatRecordsInPage,
        ];
        // One, then a page that goes well, so that the registry is never taken for broken.
        let script: Vec<_> = faults.into_iter().flat_map(|f| [Some(f), None]).collect();
        let registry = FaultyRegistry::start(&records, knowing().faults(Faults::scripted(script)));
        let mut args = sync_of(&["Internal Medicine"], &["--registry", registry.url()]);
        args.extend(["--attempts", "6", "--backoff-ms", "5", "--request-timeout-ms", "700"]);
        let run = db.canvass(&args).expect(0).json();
        assert_eq!(run["complete"], true);
        assert_eq!(run["found"], 900);
        assert_eq!(run["created"], 900);
        assert!(run["retries"].as_u64().unwrap() >= 3, "{run}");
        assert_eq!(db.sql("SELECT count(*) FROM providers"), ["900"]);
    }

    fn a_database_of_a_newer_canvass_is_left_alone(db: Database) {
        db.done(&["search", "--format", "csv"]);
        db.sql(
            "INSERT INTO schema_migrations (version, name, applied_at)
             VALUES (999, 'later', '2030-01-01T00:00:00.000000Z')",
        );
        for args in [&["search"][..], &["serve", "--listen", "127.0.0.1:0"], &["doctor"]] {
            let ended = db.canvass(args).expect(1);
            let said = format!("{}{}", ended.out, ended.err);
            assert!(said.contains("999") && said.contains("newer"), "{said}");
        }
        assert_eq!(db.sql("SELECT max(version) FROM schema_migrations"), ["999"]);
    }

    fn an_interrupted_sync_keeps_what_it_found_and_says_how_to_go_on(db: Database) {
        let records = internists("207R00000X", 0, 3_000);
        let registry = FaultyRegistry::start(&records, knowing());
        registry.hold(|r| r.number >= 5);
        let args = sync_of(&["Internal Medicine"], &["--registry", registry.url()]);
        let mut sync = db.start(&args);
        while !db.try_sql("SELECT found FROM sync_runs").is_ok_and(|found| found.iter().any(|n| n != "0")) {
            assert!(!sync.ends_within(Duration::from_millis(20)));
        }
        sync.terminate();
        let ended = sync.end().expect(1);
        assert!(ended.err.contains("the same command goes on"), "{}", ended.err);
        assert_eq!(ended.json()["complete"], false);
        let kept = ended.json()["found"].as_u64().unwrap();
        registry.release();
        let resumed = db.canvass(&args).expect(0);
        assert!(resumed.err.contains("going on with the sync"), "{}", resumed.err);
        let run = resumed.json();
        assert_eq!(run["id"], ended.json()["id"]);
        assert_eq!(run["complete"], true);
        assert!(kept > 0 && kept < 3_000, "{kept}");
        assert_eq!(run["found"], 3_000);
        assert_eq!(run["created"], 3_000);
    }
}
