//! The progress of a sync as events.

use std::time::Duration;

use axum::http::Method;
use canvass_model::Role;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    both_engines,
    world::{World, internists},
};

/// One event: its name, identifier and data.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

fn events(text: &str) -> Vec<Event> {
    text.split("\n\n")
        .filter(|block| block.contains("event:"))
        .map(|block| {
            let field = |name: &str| {
                let line = block.lines().find_map(|l| l.strip_prefix(name));
                line.unwrap_or_else(|| panic!("no {name} in {block}"))
                    .trim()
                    .to_owned()
            };
            Event {
                name: field("event:"),
                id: field("id:"),
                data: serde_json::from_str(&field("data:")).unwrap(),
            }
        })
        .collect()
}

both_engines! {
    async fn a_sync_tells_its_progress_and_its_end(world: World of 1_000) {
        world.registry.hold(|_| true);
        let run = world.post("/api/sync").json(&json!({"specialties": ["Internal Medicine"], "state": "CA"})).await;
        let path = format!("/api/sync/{}/events", run.json()["id"].as_str().unwrap());
        let cookie = &world.person(Role::Manager).cookie;
        let response = world.ask(cookie, Method::GET, &path).header("accept-encoding", "gzip").begin().await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        let mut body = response.into_body().into_data_stream();
        let mut told = body.next().await.unwrap().unwrap().to_vec();
        world.registry.release();
        // The stream ends by itself.
        while let Some(more) = body.next().await {
            told.extend(more.unwrap());
        }
        let told = events(std::str::from_utf8(&told).unwrap());
        let (end, progress) = told.split_last().unwrap();
        assert_eq!(end.name, "end");
        assert_eq!((&end.data["complete"], &end.data["found"]), (&json!(true), &json!(1_000)));
        assert!(progress.len() > 1 && progress.iter().all(|e| e.name == "progress"), "{told:?}");
        assert!(progress.windows(2).all(|w| w[0].id != w[1].id), "{told:?}");
        assert_ne!(progress[0].data["state"], "finished");

        // Who comes later gets the end at once.
        let response = world.ask(cookie, Method::GET, &path).begin().await;
        let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
        let names: Vec<String> = events(std::str::from_utf8(&body).unwrap()).into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["progress", "end"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_breaks_off_when_the_server_stops() {
    // Nobody works on the sync, so it stays queued.
    let world = World::sqlite(&internists(1)).await;
    let run = world
        .post("/api/sync")
        .json(&json!({"specialties": ["Internal Medicine"]}))
        .await;
    let path = format!("/api/sync/{}/events", run.json()["id"].as_str().unwrap());
    let mut body = world
        .get(&path)
        .begin()
        .await
        .into_body()
        .into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert!(
        std::str::from_utf8(&first)
            .unwrap()
            .contains("event: progress")
    );
    world.stopping.cancel();
    let rest = async { while body.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), rest)
        .await
        .expect("the stream goes on");
}
