//! `canvass leads`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{Database, Sample, both_engines, run, sync_of};

fn fill(db: &Database, registry: &Sample) -> u64 {
    let run = db.fill(&registry.url, &sync_of(&["Family Medicine"], &[]));
    run["found"].as_u64().unwrap()
}

/// The leads by NPI, without the times at which their rows were written.
fn leads(db: &Database) -> BTreeMap<String, Value> {
    let list = db.done(&["leads", "export", "--format", "ndjson"]);
    list.lines()
        .map(|line| {
            let mut lead: Value = serde_json::from_str(line).unwrap();
            lead.as_object_mut().unwrap().remove("updated_at");
            (lead["npi"].as_str().unwrap().to_owned(), lead)
        })
        .collect()
}

both_engines! {
    fn saving_all_twice_makes_leads_once(db: Database) {
        let all = fill(&db, &Sample::start(1_500, 0));
        let save = |more: &[&str]| {
            let args = [&["leads", "save-all", "--specialty", "Family Medicine", "--json"], more].concat();
            db.canvass(&args).expect(0).json()
        };
        let receipt = |created: u64, existing: u64| json!({
            "requested": created + existing, "created": created, "existing": existing,
            "suppressed": 0, "rejected": 0,
        });
        assert_eq!(save(&["--idempotency-key", "monday"]), receipt(all, 0));
        assert_eq!(save(&[]), receipt(0, all));
        assert_eq!(save(&["--idempotency-key", "monday"]), receipt(all, 0), "the same again");
        let listed = db.canvass(&["leads", "list", "--json"]).expect(0).json();
        assert_eq!(listed["total"]["count"], all);
        let search = db.canvass(&["search", "--lead", "no", "--json"]).expect(0).json();
        assert_eq!(search["total"]["count"], 0);
    }

    fn npis_are_saved_one_by_one_and_what_is_none_is_told(db: Database) {
        fill(&db, &Sample::start(1_000, 0));
        let rows = db.done(&["search", "--format", "ndjson", "--limit", "2"]);
        let npis: Vec<Value> = rows.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let two = format!("{},{}", npis[0]["npi"].as_str().unwrap(), npis[1]["npi"].as_str().unwrap());
        // Valid, and given to nobody in the sample.
        let args = ["leads", "save-all", "--npi", &two, "--npi", "1234567893", "--json"];
        let receipt = db.canvass(&args).expect(0).json();
        assert_eq!(receipt["created"], 2);
        assert_eq!(receipt["rejected"], 1);
        let both = db.canvass(&["leads", "save-all", "--npi", "1234567893", "--state", "CA"]).expect(2);
        assert!(both.err.contains("not both"), "{}", both.err);
    }

    fn what_was_exported_is_restored_elsewhere(db: Database) {
        let registry = Sample::start(1_500, 0);
        let all = fill(&db, &registry);
        db.done(&["leads", "save-all", "--specialty", "Family Medicine"]);
        let file = tempfile::tempdir().unwrap();
        let worked = file.path().join("worked.csv");
        let worked = worked.to_str().unwrap();
        // What a team did, told through an import, formulas and line ends included.
        let npis: Vec<String> = leads(&db).into_keys().take(3).collect();
        let edits = format!(
            "npi,status,notes,last_contact_at,last_contact_method\n\
             {},interested,\"=1+1, \"\"and\"\" so\non\",2026-01-31T15:00:00Z,call\n\
             {},do_not_call,'tis,,\n{},follow_up,Grüße 電話,,\n",
            npis[0], npis[1], npis[2]
        );
        let report = run(db.command(&["leads", "import", "-", "--json"]), &edits).expect(0).json();
        assert_eq!(report["updated"], 3, "{report}");

        db.done(&["leads", "export", "--output", worked]);
        let other = db.another();
        fill(&other, &registry);
        let dry = other.canvass(&["leads", "import", worked, "--dry-run", "--json"]).expect(0).json();
        assert_eq!(dry["created"], all);
        assert!(leads(&other).is_empty(), "a dry run keeps nothing");
        let restored = other.canvass(&["leads", "import", worked, "--json"]).expect(0).json();
        assert_eq!(restored["created"], all);
        assert_eq!(leads(&other), leads(&db));
        assert_eq!(leads(&other)[&npis[0]]["status"], "interested");
        assert_eq!(leads(&other)[&npis[0]]["notes"], "=1+1, \"and\" so\non");
        let again = other.canvass(&["leads", "import", worked, "--json"]).expect(0).json();
        assert_eq!(again["unchanged"], all);
        let suppressed = other.done(&["leads", "list", "--status", "do_not_call", "--format", "csv"]);
        assert_eq!(suppressed.lines().count(), 2);
    }

    fn an_import_that_leaves_rows_out_is_incomplete_and_says_which(db: Database) {
        let rows = "npi,status\n1234567893,interested\n123,new\n";
        let ended = run(db.command(&["leads", "import", "-"]), rows).expect(3);
        assert!(ended.out.contains("2 rejected"), "{}", ended.out);
        assert!(ended.out.contains("line 2: 1234567893"), "{}", ended.out);
        assert!(ended.out.contains("line 3: 123"), "{}", ended.out);
    }
}
