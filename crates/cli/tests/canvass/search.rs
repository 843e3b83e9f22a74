//! `canvass search`.

use std::{io::Read as _, process::Stdio};

use serde_json::Value;

use crate::world::{Database, EIGHT, Sample, both_engines, sync_of};

/// A database with many providers of a sample, and how many they are.
fn filled(db: &Database) -> u64 {
    let registry = Sample::start(2_500, 0);
    let run = db.fill(&registry.url, &sync_of(&EIGHT, &[]));
    run["found"].as_u64().unwrap()
}

both_engines! {
    fn each_format_gives_what_was_found(db: Database) {
        let all = filled(&db);
        assert!(all > 500, "only {all} in the sample");

        let csv = db.done(&["search", "--sort", "name", "--format", "csv"]);
        let mut lines = csv.lines();
        assert!(lines.next().unwrap().starts_with("\u{feff}npi,name,entity,specialty,"));
        assert_eq!(lines.count() as u64, all);

        let ndjson = db.done(&["search", "--sort", "name", "--format", "ndjson"]);
        let first: Value = serde_json::from_str(ndjson.lines().next().unwrap()).unwrap();
        assert!(csv.lines().nth(1).unwrap().starts_with(first["npi"].as_str().unwrap()));
        assert_eq!(ndjson.lines().count() as u64, all);

        let json = db.canvass(&["search", "--format", "json"]).expect(0).json();
        assert_eq!(json["total"], serde_json::json!({"count": all, "exact": true}));
        assert_eq!(json["items"].as_array().unwrap().len() as u64, all);
        assert_eq!(json["items"][0]["npi"], first["npi"]);

        let table = db.canvass(&["search"]).expect(0);
        assert_eq!(table.out.lines().count(), 1 + 50, "a header and fifty rows");
        assert!(table.err.starts_with("50 of "), "{}", table.err);

        // A limit holds in each of them.
        for (format, beside) in [("table", 1), ("csv", 1), ("ndjson", 0)] {
            let out = db.done(&["search", "--limit", "7", "--format", format]);
            assert_eq!(out.lines().count(), 7 + beside, "{format}");
        }
        let json = db.canvass(&["search", "--limit", "7", "--json"]).expect(0).json();
        assert_eq!(json["items"].as_array().unwrap().len(), 7);
        assert!(json["total"]["count"].as_u64().unwrap() > 7);
    }

    fn a_search_by_state_gives_what_a_sync_of_the_state_found(db: Database) {
        let registry = Sample::start(4_000, 0);
        let args = sync_of(&["Family Medicine", "207R00000X"], &["--state", "CA"]);
        let run = db.fill(&registry.url, &args);
        let found = run["found"].as_u64().unwrap();
        assert!(found > 0);
        let csv = db.done(&["search", "--state", "CA", "--format", "csv"]);
        assert_eq!(csv.lines().count() as u64, 1 + found);
        let none = db.done(&["search", "--state", "CA", "--lead", "yes", "--format", "csv"]);
        assert_eq!(none.lines().count(), 1, "the header is there without rows too");
    }

    fn columns_are_those_asked_for_in_their_order(db: Database) {
        filled(&db);
        db.canvass(&["leads", "save-all", "--state", "CA"]).expect(0);
        let search = ["search", "--state", "CA", "--limit", "2", "--columns", "lead,npi", "--columns", "city"];
        let csv = db.done(&[&search[..], &["--format", "csv"]].concat());
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, "\u{feff}lead,npi,city"));
        assert!(lines[1].starts_with("new,1") || lines[1].starts_with("new,2"), "{csv}");
        let ndjson = db.done(&[&search[..], &["--format", "ndjson"]].concat());
        assert!(ndjson.starts_with("{\"lead\":\"new\",\"npi\":\""), "{ndjson}");
        let leads = db.done(&["leads", "export", "--columns", "status,npi"]);
        assert!(leads.starts_with("\u{feff}status,npi\r\nnew,"), "{leads}");
        let unmarked = db.done(&["leads", "export", "--columns", "status,npi", "--no-bom"]);
        assert_eq!(leads.strip_prefix('\u{feff}'), Some(&unmarked[..]));
        let listed = db.done(&["leads", "list", "--limit", "1", "--format", "csv", "--columns", "npi"]);
        assert_eq!(listed.lines().count(), 2);
    }

    fn a_saved_search_of_the_team_is_searched_by_its_name(db: Database) {
        filled(&db);
        db.try_sql(
            "INSERT INTO users (id, name, name_key, role, password_hash, disabled, created_at)
             VALUES ('u', 'Ana', 'ana', 'manager', '', false, '2026-01-01T00:00:00.000000Z')",
        ).unwrap();
        for (id, name, team) in [("s1", "ours", "true"), ("s2", "mine", "false")] {
            db.try_sql(&format!(
                "INSERT INTO saved_searches (id, user_id, name, name_key, query, team, created_at)
                 VALUES ('{id}', 'u', '{name}', '{name}', 'state=CA&sort=city', {team}, '2026-01-01T00:00:00.000000Z')",
            )).unwrap();
        }
        let by_name = |more: &[&str]| db.done(&[&["search", "--saved", "Ours", "--format", "csv"], more].concat());
        let by_flags = |sort: &str| db.done(&["search", "--state", "CA", "--sort", sort, "--format", "csv"]);
        assert_eq!(by_name(&[]), by_flags("city"));
        assert_eq!(by_name(&["--sort", "name"]), by_flags("name"));
        db.canvass(&["search", "--saved", "mine"]).expect(2);
    }

    fn a_reader_that_goes_away_is_no_failure(db: Database) {
        filled(&db);
        for args in [
            &["search", "--format", "csv"][..],
            &["search", "--format", "ndjson"],
            &["search", "--format", "json"],
            &["search", "--limit", "100000"],
        ] {
            // More than the pipe between the two takes up.
            assert!(db.done(args).len() > 100_000, "{args:?}");
            let mut search = db.command(args);
            search.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut search = search.spawn().unwrap();
            let mut out = search.stdout.take().unwrap();
            out.read_exact(&mut [0]).unwrap();
            drop(out);
            let ended = search.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(0), "{args:?}: {said}");
            assert!(!said.contains("canvass:"), "{args:?}: {said}");
        }
    }
}
