//! The log.

use serde_json::Value;

use crate::world::{Database, Sample, both_engines, http::Api, run, sync_of};

/// A password where the server asks for none.
const SECRET: &str = "hunter2-in-the-address";

/// The same database, by an address with a password in it.
fn with_password(url: &str) -> String {
    let url = url.replacen("://postgres@", &format!("://postgres:{SECRET}@"), 1);
    assert!(url.contains(SECRET), "{url}");
    url
}

fn assert_log(err: &str, secrets: &[&str]) {
    let lines: Vec<&str> = err.lines().filter(|line| line.starts_with('{')).collect();
    assert!(!lines.is_empty(), "nothing was logged: {err}");
    for line in lines {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for key in ["timestamp", "level", "target"] {
            assert!(event[key].is_string(), "{key}: {line}");
        }
    }
    for secret in secrets {
        assert!(!err.contains(secret), "{secret} is in the log: {err}");
    }
}

#[test]
fn the_log_of_a_sync_is_json_line_by_line_and_shows_no_password() {
    let mut db = Database::postgres();
    db.url = with_password(&db.url);
    let registry = Sample::start(500, 0);
    let mut args = sync_of(&["Internal Medicine"], &["--registry", &registry.url]);
    args.extend(["--log", "trace", "--log-format", "json"]);
    let ended = db.canvass(&args).expect(0);
    assert_log(&ended.err, &[SECRET]);
    assert!(
        ended.err.lines().all(|line| line.starts_with('{')),
        "{}",
        ended.err
    );
    assert_eq!(
        ended.json()["complete"],
        true,
        "data is on standard output alone"
    );
}

both_engines! {
    fn the_log_of_a_server_shows_neither_password_nor_token(db: Database) {
        let mut db = db;
        if db.url.starts_with("postgres") {
            db.url = with_password(&db.url);
        }
        let password = "correct horse battery";
        let logged = ["--log", "trace", "--log-format", "json"];
        let add = [&["user", "add", "lee", "--role", "admin"][..], &logged].concat();
        let added = run(db.command(&add), password).expect(0);
        let create = [&["token", "create", "--user", "lee"][..], &logged].concat();
        let created = db.canvass(&create).expect(0);
        let token = created.out.trim().to_owned();
        let secrets = [SECRET, password, &token];
        assert_log(&added.err, &secrets);
        assert_log(&created.err, &secrets);

        let mut serve = db.start(&[&["serve", "--listen", "127.0.0.1:0"][..], &logged].concat());
        let api = Api { address: crate::serve::address(&mut serve), token: Some(token.clone()) };
        api.get("/api/providers?q=smith").json(200);
        api.get("/api/providers?odd=1").json(400);
        let wrong = Api { address: api.address.clone(), token: Some("wrong-token-3141".into()) };
        wrong.get("/api/providers").json(401);
        serve.terminate();
        let ended = serve.end().expect(0);
        assert_log(&ended.err, &[&secrets[..], &["wrong-token-3141"]].concat());
    }
}
