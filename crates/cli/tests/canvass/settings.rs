//! Settings: default, `canvass.toml`, environment, flag, the later before the earlier.

use std::{fs, process::Command};

use crate::world::{command, run};

/// What `canvass doctor` says of database and registry.
fn doctor(mut command: Command) -> String {
    command.arg("doctor");
    run(command, "").expect(0).out
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let here = || {
        let mut here = command(&[]);
        here.current_dir(folder.path()).env("HOME", folder.path());
        here
    };
    let said = doctor(here());
    assert!(
        said.contains("https://npiregistry.cms.hhs.gov/api/"),
        "{said}"
    );
    assert!(said.contains(".local/share/canvass/canvass.db"), "{said}");
    assert!(said.contains("imports: no folder is set"), "{said}");

    fs::write(
        folder.path().join("canvass.toml"),
        "database = \"sqlite:of-file.db\"\nregistry = \"http://file.example/api/\"\nimport_folder = \"in\"\n",
    )
    .unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    let said = doctor(here());
    assert!(said.contains("imports: from in\n"), "{said}");
    assert!(said.contains("http://file.example/api/"), "{said}");
    assert!(said.contains("of-file.db"), "{said}");

    let environment = || {
        let mut here = here();
        here.env("CANVASS_REGISTRY_URL", "http://environment.example/api/")
            .env("CANVASS_DATABASE_URL", "sqlite:of-environment.db");
        here
    };
    let said = doctor(environment());
    assert!(said.contains("http://environment.example/api/"), "{said}");
    assert!(said.contains("of-environment.db"), "{said}");

    let mut flags = environment();
    flags.args([
        "--registry",
        "http://flag.example/api/",
        "--database",
        "sqlite:of-flag.db",
    ]);
    let said = doctor(flags);
    assert!(said.contains("http://flag.example/api/"), "{said}");
    assert!(said.contains("of-flag.db"), "{said}");
}

#[test]
fn a_file_with_a_setting_that_nobody_knows_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.toml");
    fs::write(
        &file,
        "registry = \"http://file.example/api/\"\ncolour = \"red\"\n",
    )
    .unwrap();
    let mut doctor = command(&["doctor", "--config"]);
    doctor.arg(&file);
    let ended = run(doctor, "").expect(2);
    assert!(ended.err.contains("odd.toml"), "{}", ended.err);
    assert!(
        ended.err.contains("line 2") && ended.err.contains("colour"),
        "{}",
        ended.err
    );
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let folder = tempfile::tempdir().unwrap();
    let mut here = command(&[]);
    here.current_dir(folder.path())
        .env("HOME", folder.path())
        .env("CANVASS_REGISTRY_URL", "")
        .env("CANVASS_DATABASE_URL", "")
        .env("CANVASS_LISTEN", "");
    let said = doctor(here);
    assert!(
        said.contains("https://npiregistry.cms.hhs.gov/api/"),
        "{said}"
    );
}
