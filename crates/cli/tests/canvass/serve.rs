//! `canvass serve`, driven by plain HTTP.

use std::time::Duration;

use canvass_testkit::FaultyRegistry;
use serde_json::json;

use crate::world::{Database, Running, Sample, both_engines, http::Api, internists, knowing, run};

/// Host and port on which a server that is starting listens.
pub fn address(serve: &mut Running) -> String {
    let line = serve.line("canvass on ");
    let (_, address) = line.rsplit_once("http://").unwrap();
    address.trim_end_matches('/').to_owned()
}

/// A server with the token of an administrator.
fn with_token(db: &Database, args: &[&str]) -> (Running, Api) {
    if !db.done(&["user", "list"]).contains("lee") {
        let add = db.command(&["user", "add", "lee", "--role", "admin"]);
        run(add, "correct horse battery").expect(0);
    }
    let token = db.done(&["token", "create", "--user", "lee"]);
    let mut serve = db.start(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    let address = address(&mut serve);
    let token = Some(token.trim().to_owned());
    (serve, Api { address, token })
}

fn ends_soon(mut serve: Running) {
    serve.terminate();
    assert!(
        serve.ends_within(Duration::from_secs(30)),
        "it goes on and on"
    );
    serve.end().expect(0);
}

both_engines! {
    fn a_new_server_prints_a_code_and_stops_when_asked(db: Database) {
        let mut serve = db.start(&["serve", "--listen", "127.0.0.1:0"]);
        let api = Api { address: address(&mut serve), token: None };
        serve.line("/setup and enter this code");
        let code = serve.line("    ");
        assert!(code.trim().len() >= 8, "{code:?}");
        let health = api.get("/healthz");
        assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
        assert_eq!(api.get("/readyz").status, 200);
        assert_eq!(api.get("/api/providers").status, 401);
        ends_soon(serve);
    }

    fn a_script_pulls_saves_works_and_exports(db: Database) {
        let registry = Sample::start(2_000, 5);
        let (serve, api) = with_token(&db, &["--registry", &registry.url]);
        let request = json!({"specialties": ["Internal Medicine", "Pain Management"]});
        let key = ("Idempotency-Key", "first-pull");
        let run = api.post("/api/sync", &[("Prefer", "wait=60"), key], &request).json(200);
        assert_eq!(run["complete"], true);
        let found = run["found"].as_u64().unwrap();
        assert!(found > 100, "only {found}");
        let again = api.post("/api/sync", &[("Prefer", "wait=60"), key], &request).json(200);
        assert_eq!(again["id"], run["id"], "the same key is the same sync");

        let page = api.get("/api/providers?limit=1000").json(200);
        assert_eq!(page["total"]["count"], found);
        let all = json!({"filter": {}});
        let receipt = api.post("/api/providers/save-all", &[("Idempotency-Key", "k")], &all).json(200);
        assert_eq!(receipt["created"], found);
        let again = api.post("/api/providers/save-all", &[("Idempotency-Key", "k")], &all).json(200);
        assert_eq!(again, receipt);
        let other = json!({"filter": {"state": ["CA"]}});
        let refused = api.post("/api/providers/save-all", &[("Idempotency-Key", "k")], &other);
        assert_eq!(refused.status, 422, "{refused:#?}");

        let leads = api.get("/api/leads?limit=1").json(200);
        assert_eq!(leads["total"]["count"], found);
        let id = leads["items"][0]["id"].as_str().unwrap();
        let edit = json!({"status": "interested", "notes": "=cmd"});
        let edited = api.patch(&format!("/api/leads/{id}"), &edit).json(200);
        assert_eq!(edited["status"], "interested");
        let csv = api.get("/api/leads/export?format=csv");
        assert_eq!(csv.status, 200);
        assert!(csv.head.to_ascii_lowercase().contains("content-disposition: attachment"));
        assert_eq!(csv.body.lines().count() as u64, 1 + found);
        assert!(csv.body.contains(",interested,'=cmd,"), "a formula is made harmless");
        let same = db.done(&["leads", "export"]);
        assert_eq!(csv.body, same, "both doors give the same file");
        ends_soon(serve);
    }

    fn a_server_that_stops_amid_a_sync_goes_on_at_the_next_start(db: Database) {
        let records = internists("207R00000X", 0, 3_000);
        let registry = FaultyRegistry::start(&records, knowing());
        registry.hold(|r| r.number >= 5);
        let (serve, api) = with_token(&db, &["--registry", registry.url()]);
        let request = json!({"specialties": ["Internal Medicine"]});
        let run = api.post("/api/sync", &[], &request).json(202);
        let path = format!("/api/sync/{}", run["id"].as_str().unwrap());
        while api.get(&path).json(200)["requests"].as_u64().unwrap() < 3 {
            std::thread::sleep(Duration::from_millis(20));
        }
        ends_soon(serve);
        assert_eq!(db.sql("SELECT state FROM sync_runs"), ["running"]);
        registry.release();

        let (serve, api) = with_token(&db, &["--registry", registry.url()]);
        let ended = || api.get(&path).json(200)["state"] == "finished";
        let mut looks = 0;
        while !ended() {
            looks += 1;
            assert!(looks < 600, "{:?}", api.get(&path));
            std::thread::sleep(Duration::from_millis(100));
        }
        let run = api.get(&path).json(200);
        assert_eq!(run["complete"], true);
        assert_eq!(run["found"], 3_000);
        assert_eq!(run["created"], 3_000);
        ends_soon(serve);
    }

    fn a_token_does_nothing_while_its_user_is_disabled(db: Database) {
        run(db.command(&["user", "add", "kim", "--role", "caller"]), "correct horse battery").expect(0);
        let (serve, api) = with_token(&db, &["--no-jobs"]);
        let token = db.done(&["token", "create", "--user", "kim"]).trim().to_owned();
        let kim = Api { address: api.address.clone(), token: Some(token) };
        kim.get("/api/leads").json(200);
        kim.post("/api/sync", &[], &json!({"specialties": ["urology"]})).json(403);
        db.done(&["user", "disable", "kim"]);
        kim.get("/api/leads").json(401);
        db.done(&["user", "enable", "kim"]);
        kim.get("/api/leads").json(200);
        ends_soon(serve);
    }
}
