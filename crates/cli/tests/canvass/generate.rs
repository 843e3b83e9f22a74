//! `canvass registry generate`, whose files are looked into by the tests of `canvass-nppes`.

use serde_json::Value;

use crate::world::{command, run};

fn generate(args: &[&str]) -> crate::world::Outcome {
    run(command(&[&["registry", "generate"], args].concat()), "")
}

#[test]
fn a_monthly_set_and_the_week_after_are_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files").display().to_string();
    let week = folder.path().join("week").display().to_string();
    let said = generate(&["--rows", "2000", "--out", &files, "--json"])
        .expect(0)
        .out;
    let full: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(full["rows"], 2_000);
    let sum = full["active"].as_u64().unwrap() + full["deactivated"].as_u64().unwrap();
    assert_eq!(sum, 2_000);
    assert_eq!(full["files"].as_array().unwrap().len(), 2);

    let args = [
        "--weekly",
        &files,
        "--changes",
        "200",
        "--out",
        &week,
        "--json",
    ];
    let said = generate(&args).expect(0).out;
    let weekly: Value = serde_json::from_str(&said).unwrap();
    let count = |kind: &str| weekly[kind].as_u64().unwrap();
    let kinds = [
        "created",
        "updated",
        "unchanged",
        "deactivated",
        "reactivated",
    ];
    assert_eq!(kinds.map(count).iter().sum::<u64>(), 200);
    assert_eq!(count("rows"), 200);
    assert!(
        weekly["fields"]["practice.phone"].as_u64() > Some(0),
        "{said}"
    );
    for file in [&full["files"][0], &full["files"][1], &weekly["files"][0]] {
        let path = file["path"].as_str().unwrap();
        let bytes = std::fs::metadata(path).unwrap().len();
        assert_eq!(file["bytes"].as_u64(), Some(bytes), "{path}");
    }
}

#[test]
fn people_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let said = generate(&["--rows", "1200", "--out", &out]).expect(0).out;
    assert!(said.starts_with("1,200 rows: "), "{said}");
    assert!(
        said.contains("npidata_pfile_20050523-20261101.csv: 1,200 rows"),
        "{said}"
    );
    let said = generate(&["--weekly", &out, "--out", &out]).expect(0).out;
    assert!(
        said.starts_with("10 rows: 3 created, 4 updated, "),
        "{said}"
    );
}

#[test]
fn what_can_not_be_generated_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    for (args, hint) in [
        (&["--rows", "10"][..], "--out"),
        (&["--rows", "0", "--out", &out], "from 1 to"),
        (&["--weekly", &out, "--out", &out], "registry generate"),
        (&["--weekly", &out, "--rows", "5", "--out", &out], "--rows"),
        (&["--weekly", "no.zip", "--out", &out], "no.zip"),
        (&["--changes", "5", "--out", &out], "--weekly"),
    ] {
        let ended = generate(args).expect(2);
        assert!(ended.err.contains(hint), "{args:?}: {}", ended.err);
        assert_eq!(ended.out, "");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
