//! From the registry to leads and out again.

use axum::http::Method;
use canvass_model::Role;
use serde_json::{Value, json};

use crate::both_engines;

both_engines! {
    async fn a_sync_is_waited_for_searched_saved_and_worked(world: World of 450) {
        let run = world.pull().await;
        assert_eq!((run["complete"].as_bool(), run["found"].as_u64()), (Some(true), Some(450)));

        // Search, page by page.
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/providers?specialty=Internal+Medicine&state=ca&limit=200{cursor}");
            let page = world.by(Role::Caller, Method::GET, &path).send().await.json();
            assert_eq!(page["total"], json!({"count": 450, "exact": true}));
            let items = page["items"].as_array().unwrap();
            assert!(items.iter().all(|p| p["specialty"] == "Internal Medicine"));
            seen.extend(items.iter().map(|p| p["npi"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 450);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 450);

        // Save-all, and the same again.
        let save = async |key: &str, body: Value| {
            world.by(Role::Manager, Method::POST, "/api/providers/save-all")
                .header("idempotency-key", key)
                .json(&body)
                .await
        };
        let all = json!({"filter": {"specialty": ["Internal Medicine"], "state": "CA"}});
        let first = save("k1", all.clone()).await;
        assert_eq!(first.json()["created"], 450, "{}", first.text);
        assert_eq!(save("k1", all.clone()).await.json(), first.json());
        assert_eq!(save("k2", all).await.json()["existing"], 450);
        let other = save("k1", json!({"npis": [seen[0]]})).await;
        assert_eq!((other.status.as_u16(), other.fields()), (422, vec!["Idempotency-Key".to_owned()]));

        // One lead, edited by two.
        let path = format!("/api/leads/{}", seen[0]);
        let lead = world.by(Role::Caller, Method::GET, &path).send().await;
        assert_eq!(lead.header("etag"), "\"1\"");
        let edit = async |version: &str, body: Value| {
            world.by(Role::Caller, Method::PATCH, &path)
                .header("if-match", version)
                .json(&body)
                .await
        };
        let edited = edit("\"1\"", json!({"status": "interested", "notes": "Call back"})).await;
        assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, "\"2\""));
        assert_eq!(edited.json()["provider"]["specialty"], "Internal Medicine");
        let stale = edit("\"1\"", json!({"notes": "Lost?"})).await;
        assert_eq!((stale.status.as_u16(), stale.header("etag")), (412, "\"2\""));
        assert_eq!(stale.fields(), ["version"]);
        let owner = &world.person(Role::Caller).id;
        let edited = edit("\"2\"", json!({"owner_id": owner, "last_contact_at": "2026-01-31T17:00:00Z"})).await.json();
        assert_eq!(edited["owner"], "the caller");
        let edited = edit("*", json!({"owner_id": null, "notes": null, "last_contact_at": null})).await.json();
        assert_eq!((&edited["owner_id"], &edited["notes"], &edited["last_contact_at"]), (&Value::Null, &json!(""), &Value::Null));
        assert_eq!(edited["status"], "interested");

        // Its timeline.
        let timeline = format!("{path}/activities");
        let add = async || {
            world.by(Role::Caller, Method::POST, &timeline)
                .header("idempotency-key", "a-call")
                .json(&json!({"kind": "call", "text": "Left a message"}))
                .await
        };
        let added = add().await;
        assert_eq!(added.status, 201, "{}", added.text);
        assert_eq!(added.json()["activity"]["text"], "Left a message");
        assert_eq!(add().await.json(), added.json());
        let entries = world.by(Role::Caller, Method::GET, &timeline).send().await.json();
        let calls = entries["items"].as_array().unwrap().iter().filter(|a| a["kind"] == "call");
        assert_eq!(calls.count(), 1);

        // Many at once, and what came of it.
        let bulk = world.by(Role::Manager, Method::POST, "/api/leads/bulk")
            .json(&json!({"filter": {"status": ["new"]}, "patch": {"status": "contacted", "owner_id": owner}}))
            .await;
        assert_eq!(bulk.json()["updated"], 449, "{}", bulk.text);
        let counts = world.by(Role::Caller, Method::GET, "/api/leads/counts").send().await.json();
        let of = |status: &str| {
            counts["items"].as_array().unwrap().iter().find(|c| c["status"] == status).map_or(0, |c| c["count"].as_u64().unwrap())
        };
        assert_eq!((of("new"), of("contacted"), of("interested")), (0, 449, 1));
        let listed = world.get(&format!("/api/leads?owner={owner}&status=contacted&status=new&sort=name&limit=1")).send().await.json();
        assert_eq!(listed["total"]["count"], 449);
        assert_eq!(listed["items"][0]["provider"]["name"], "GARCIA1, ANA");

        // One provider, whole.
        let whole = world.get(&format!("/api/providers/{}", seen[0])).send().await.json();
        assert_eq!(whole["provider"]["practice"]["city"], "FRESNO");
        assert_eq!(whole["lead"]["status"], "interested");
    }

    async fn a_sync_begins_once_for_one_key_and_can_be_stopped_and_resumed(world: World of 10) {
        let start = async || {
            world.by(Role::Manager, Method::POST, "/api/sync")
                .header("idempotency-key", "nightly")
                .json(&json!({"specialties": ["Internal Medicine"], "state": "CA"}))
                .await
        };
        let first = start().await;
        assert_eq!(first.status, 202, "{}", first.text);
        let id = first.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/api/sync/{id}");
        assert_eq!(first.header("location"), path);
        assert_eq!(start().await.json()["id"], id.as_str());
        let ended = world.app.wait_sync(&id, std::time::Duration::from_mins(1)).await.unwrap();
        assert!(ended.complete);
        let listed = world.get("/api/sync").send().await.json();
        assert_eq!((&listed["items"][0]["id"], &listed["total"]["count"]), (&json!(id), &json!(1)));
        for action in ["cancel", "resume"] {
            let refused = world.post(&format!("{path}/{action}")).send().await;
            assert_eq!(refused.status, 409, "{}", refused.text);
        }
        let none = world.get(&format!("{path}/set-asides")).send().await.json();
        assert_eq!(none["total"]["count"], 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_too_short_answers_with_how_far_it_is() {
    // Nobody works on it.
    let world = crate::world::World::sqlite(&[]).await;
    let answer = world
        .post("/api/sync")
        .header("prefer", "wait=0")
        .json(&json!({"specialties": ["Internal Medicine"]}))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("preference-applied")),
        (202, "wait=0")
    );
    let path = format!("/api/sync/{}", answer.json()["id"].as_str().unwrap());
    for (action, state) in [
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
        ("resume", "queued"),
    ] {
        let run = world.post(&format!("{path}/{action}")).send().await.json();
        assert!(run["state"] == state || run["state"] == "running", "{run}");
    }
}

both_engines! {
    async fn all_of_a_search_takes_as_long_as_it_takes(world: World of 30) {
        world.pull().await;
        let world = world.impatient();
        let late = world.get("/api/providers?limit=200").begin().await;
        assert_eq!(late.status().as_u16(), 408);
        let saved = world.by(Role::Manager, Method::POST, "/api/providers/save-all")
            .header("idempotency-key", "k")
            .json(&json!({"filter": {}}))
            .await;
        assert_eq!(saved.json()["created"], 30, "{}", saved.text);
        let bulk = world.by(Role::Manager, Method::POST, "/api/leads/bulk")
            .json(&json!({"filter": {}, "patch": {"status": "contacted"}}))
            .await;
        assert_eq!(bulk.json()["updated"], 30, "{}", bulk.text);
        for list in ["providers", "leads"] {
            let path = format!("/api/{list}/export?format=csv");
            let file = world.by(Role::Manager, Method::GET, &path).send().await;
            assert_eq!((file.status.as_u16(), file.text.lines().count()), (200, 31), "{}", file.text);
        }
    }
}
