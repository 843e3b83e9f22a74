//! `canvass user` and `canvass token`.

use crate::world::{Database, both_engines, run};

const PASSWORD: &str = "correct horse battery";

fn add(db: &Database, name: &str, role: &str) {
    let add = db.command(&["user", "add", name, "--role", role]);
    let added = run(add, &format!("{PASSWORD}\n")).expect(0);
    assert!(
        added.err.contains(name) && added.err.contains(role),
        "{}",
        added.err
    );
    assert_eq!(added.out, "");
}

both_engines! {
    fn first_starts_of_several_processes_at_once_on_a_new_database_all_succeed(db: Database) {
        let started: Vec<_> = (0..8).map(|_| db.start(&["user", "list"])).collect();
        for process in started {
            process.end().expect(0);
        }
    }

    fn a_user_is_added_disabled_and_enabled(db: Database) {
        add(&db, "lee", "manager");
        let users = || db.canvass(&["user", "list", "--json"]).expect(0).json();
        assert_eq!(users()[0]["name"], "lee");
        assert_eq!(users()[0]["role"], "manager");
        assert_eq!(users()[0]["disabled"], false);
        db.done(&["user", "disable", "lee"]);
        assert_eq!(users()[0]["disabled"], true);
        db.done(&["user", "enable", "lee"]);
        assert_eq!(users()[0]["disabled"], false);
        let shown = db.done(&["user", "list"]);
        assert!(shown.contains("lee") && shown.contains("active"), "{shown}");
        assert!(!db.done(&["user", "list", "--json"]).contains("hash"));
    }

    fn a_password_comes_from_standard_input_and_has_to_be_good(db: Database) {
        let without = run(db.command(&["user", "add", "lee"]), "").expect(2);
        assert!(without.err.contains("standard input"), "{}", without.err);
        let short = run(db.command(&["user", "add", "lee"]), "abc\n").expect(2);
        assert!(short.err.contains("password"), "{}", short.err);
        let role = run(db.command(&["user", "add", "lee", "--role", "king"]), PASSWORD).expect(2);
        assert!(role.err.contains("--role"), "{}", role.err);
        assert_eq!(db.canvass(&["user", "list", "--json"]).json(), serde_json::json!([]));
        add(&db, "lee", "caller");
        let taken = run(db.command(&["user", "add", "LEE"]), PASSWORD).expect(2);
        assert!(taken.err.contains("name"), "{}", taken.err);
        run(db.command(&["user", "password", "lee"]), "another good one\n").expect(0);
        run(db.command(&["user", "password", "kim"]), "another good one\n").expect(2);
    }

    fn a_token_is_printed_once_and_can_be_revoked(db: Database) {
        add(&db, "lee", "manager");
        let made = db.canvass(&["token", "create", "--user", "lee", "--name", "nightly"]).expect(0);
        let token = made.out.trim_end();
        assert_eq!(made.out, format!("{token}\n"), "nothing else is on standard output");
        assert!(token.len() >= 32 && !token.contains(char::is_whitespace));
        assert!(!made.err.contains(token));
        let list = || db.canvass(&["token", "list", "--user", "lee", "--json"]).expect(0);
        assert_eq!(list().json()[0]["name"], "nightly");
        assert!(!list().out.contains(token));
        let id = list().json()[0]["id"].as_str().unwrap().to_owned();
        db.done(&["token", "revoke", &id]);
        assert_eq!(list().json(), serde_json::json!([]));
        db.canvass(&["token", "revoke", &id]).expect(2);
    }

    fn the_last_administrator_stays(db: Database) {
        add(&db, "lee", "admin");
        let refused = db.canvass(&["user", "disable", "lee"]).expect(1);
        assert!(refused.err.contains("last administrator"), "{}", refused.err);
    }
}
