//! Imports of dissemination files, with a small generated set.

use std::{ops::ControlFlow, path::Path, time::Duration};

use axum::{body::Body, http::Method};
use canvass_model::Role;
use canvass_nppes::sample::files::{FullSettings, write_full};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    both_engines,
    world::{Answer, LARGEST_IMPORT, World, catalogue},
};

/// Writes a full set of 300 rows; gives the name of its main archive.
fn write_set(folder: &Path) -> String {
    let settings = FullSettings { rows: 300, seed: 1 };
    write_full(catalogue(), settings, folder, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let entries = std::fs::read_dir(folder).unwrap();
    let largest = entries
        .map(|entry| entry.unwrap())
        .max_by_key(|entry| entry.metadata().unwrap().len())
        .unwrap();
    largest.file_name().into_string().unwrap()
}

fn form(parts: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        body.extend(b"--limit\r\ncontent-disposition: form-data; ");
        body.extend(format!("name=\"{name}\"").bytes());
        if !file.is_empty() {
            body.extend(format!("; filename=\"{file}\"").bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--limit--\r\n");
    ("multipart/form-data; boundary=limit".to_owned(), body)
}

async fn start(world: &World, body: &Value) -> Answer {
    let ask = world.by(Role::Manager, Method::POST, "/api/imports");
    ask.json(body).await
}

async fn ended(world: &World, started: &Answer) -> Value {
    assert_eq!(started.status, 202, "{}", started.text);
    let path = started.header("location").to_owned();
    assert_eq!(
        path,
        format!("/api/imports/{}", started.json()["id"].as_str().unwrap())
    );
    loop {
        let import = world.get(&path).send().await.json();
        if !matches!(import["state"].as_str(), Some("fetching" | "running")) {
            return import;
        }
        assert!(import["progress"].is_object(), "{import}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

both_engines! {
    async fn a_file_of_the_folder_is_loaded_and_its_report_adds_up(world: World of 0) {
        let name = write_set(world.imports.path());
        let started = start(&world, &json!({"path": name})).await;
        let import = ended(&world, &started).await;
        assert_eq!((&import["state"], &import["reason"]), (&json!("done"), &json!(null)));
        assert_eq!(import["source"], json!(name));
        assert_eq!(import["full"], json!(true));
        assert!(import["progress"].is_null());
        let report = &import["report"];
        assert_eq!(report["rows"], json!(300));
        let files = report["files"].as_array().unwrap();
        let main = files.iter().find(|f| f["what"] == "providers").unwrap();
        let created = report["created"].as_u64().unwrap();
        assert_eq!(created + main["set_aside"].as_u64().unwrap(), 300);
        let found = world.get("/api/providers?status=any&limit=1").send().await.json();
        assert_eq!(found["total"], json!({"count": created, "exact": true}));

        let again = ended(&world, &start(&world, &json!({"path": name})).await).await;
        assert_eq!(again["state"], "done");
        assert_eq!(again["report"]["id"], import["id"]);
        assert!(again["report"]["already_imported"].is_string());
        let forced = ended(&world, &start(&world, &json!({"path": name, "force": true})).await).await;
        assert_eq!(forced["report"]["unchanged"], json!(created), "{forced}");

        let all = world.get("/api/imports").send().await.json();
        let ids: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|i| &i["id"]).collect();
        assert_eq!(ids, [&forced["id"], &again["id"], &import["id"]]);
        let one = world.get("/api/imports?limit=1").send().await.json();
        assert_eq!(one["items"].as_array().unwrap().len(), 1);
        let over = world.post(&format!("{}/cancel", started.header("location"))).send().await;
        assert_eq!(over.status, 409);
    }

    async fn a_file_that_is_sent_is_loaded_and_its_odd_rows_are_had_again(world: World of 0) {
        let folder = tempfile::tempdir().unwrap();
        let name = write_set(folder.path());
        let content = std::fs::read(folder.path().join(&name)).unwrap();
        let send = async |parts: &[(&str, &str, &[u8])]| {
            let (kind, body) = form(parts);
            world.by(Role::Manager, Method::POST, "/api/imports").body(&kind, body).send().await
        };
        let import = ended(&world, &send(&[("file", &name, &content)]).await).await;
        assert_eq!((&import["state"], &import["reason"]), (&json!("done"), &json!(null)));
        assert_eq!(import["source"], json!(name));
        let path = format!("/api/imports/{}/set-asides", import["id"].as_str().unwrap());
        let aside = world.get(&path).send().await;
        assert_eq!(aside.status, 200);
        assert!(aside.header("content-disposition").contains("canvass-set-asides-"));
        let mut lines = aside.text.lines();
        assert_eq!(lines.next(), Some("file,line,npi,reason,row"));
        assert_eq!(lines.count() > 0, import["report"]["set_aside"].as_u64().unwrap() > 0);
        assert_eq!(world.get("/api/imports/none/set-asides").send().await.status, 404);

        // The same by force; then what is none.
        let forced = send(&[("file", &name, &content), ("force", "", b"on")]).await;
        let forced = ended(&world, &forced).await;
        assert_eq!(forced["report"]["already_imported"], json!(null), "{forced}");
        let foreign = ended(&world, &send(&[("file", "notes.txt", b"hello")]).await).await;
        assert_eq!(foreign["state"], "failed");
        let reason = foreign["reason"].as_str().unwrap();
        assert!(reason.starts_with("notes.txt is no file of the NPI registry"), "{reason}");
        for (parts, field) in [
            (&[("force", "", &b"on"[..])][..], "file"),
            (&[("file", "empty.zip", &b""[..])], "file"),
        ] {
            let refused = send(parts).await;
            assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec![field.to_owned()]));
        }
        world.app.end_imports().await;
        assert_eq!(std::fs::read_dir(world.imports.path()).unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_bounded_and_never_held_in_memory() {
    let world = World::sqlite(&[]).await;
    let head =
        b"--limit\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n";
    let piece = axum::body::Bytes::from(vec![7_u8; 64 << 10]);
    let pieces = stream::iter([axum::body::Bytes::from_static(head)])
        .chain(stream::iter(std::iter::repeat_n(piece, 2_000)))
        .map(Ok::<_, std::io::Error>);
    let kind = "multipart/form-data; boundary=limit";
    let ask = world.by(Role::Manager, Method::POST, "/api/imports");
    let large = ask.body(kind, Body::from_stream(pieces)).send().await;
    assert_eq!(large.status, 422, "{}", large.text);
    assert_eq!(large.fields(), ["file"]);
    // One that says its length is refused before it comes.
    let ask = world.by(Role::Manager, Method::POST, "/api/imports");
    let length = (LARGEST_IMPORT + 10_000).to_string();
    let large = ask
        .header("content-length", &length)
        .body(kind, head.to_vec());
    assert_eq!(large.send().await.status, 422);
    world.app.end_imports().await;
    let all = world.get("/api/imports").send().await.json();
    for import in all["items"].as_array().unwrap() {
        assert_eq!(import["state"], "failed");
        let reason = import["reason"].as_str().unwrap();
        assert!(reason.contains("bytes at most"), "{reason}");
    }
    assert_eq!(std::fs::read_dir(world.imports.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_allowed_is_loaded() {
    let world = World::sqlite(&[]).await;
    for (body, field) in [
        (json!({}), "path"),
        (
            json!({"path": "a.zip", "url": "https://files.example/a.zip"}),
            "path",
        ),
        (json!({"path": "../canvass.db"}), "path"),
        (json!({"path": "/etc/passwd"}), "path"),
        (json!({"path": ""}), "path"),
        (json!({"url": "http://files.example/a.zip"}), "url"),
        (json!({"url": "file:///etc/passwd"}), "url"),
    ] {
        let refused = start(&world, &body).await;
        let got = (refused.status.as_u16(), refused.fields());
        assert_eq!(got, (422, vec![field.to_owned()]), "{body}");
    }
    let odd = start(&world, &json!({"file": "a.zip"})).await;
    assert_eq!(odd.status, 422, "{}", odd.text);
    let ask = world.by(Role::Manager, Method::POST, "/api/imports");
    assert_eq!(ask.body("text/csv", "NPI").send().await.status, 415);
    let none = world.get("/api/imports").send().await.json();
    assert_eq!(none["total"]["count"], 0);
    assert_eq!(world.get("/api/imports/none").send().await.status, 404);
    assert_eq!(
        world.post("/api/imports/none/cancel").send().await.status,
        404
    );
}

/// Serves a file in two halves: the second when it is let go on.
async fn slow_site(content: Vec<u8>) -> (String, tokio::sync::oneshot::Sender<()>) {
    let (go_on, wait) = tokio::sync::oneshot::channel();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(Some(wait)));
    let serve = async move || {
        let wait = wait.lock().unwrap().take();
        let (first, second) = content.split_at(content.len() / 2);
        let (first, second) = (first.to_vec(), second.to_vec());
        let length = content.len();
        let body =
            stream::once(async { Ok::<_, std::io::Error>(first) }).chain(stream::once(async {
                if let Some(wait) = wait {
                    let _ = wait.await;
                }
                Ok(second)
            }));
        (
            [("content-length", length.to_string())],
            Body::from_stream(body),
        )
    };
    let router = axum::Router::new().route("/week.zip", axum::routing::get(serve));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/week.zip", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, go_on)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_tells_its_progress_as_events() {
    let world = World::sqlite(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let name = write_set(folder.path());
    let content = std::fs::read(folder.path().join(name)).unwrap();
    let (half, whole) = (content.len() / 2, content.len());
    let (url, go_on) = slow_site(content).await;
    let started = start(&world, &json!({"url": url})).await;
    assert_eq!(started.status, 202, "{}", started.text);
    assert_eq!(started.json()["state"], "fetching");
    let path = started.header("location").to_owned();
    loop {
        let import = world.get(&path).send().await.json();
        if import["progress"]["bytes"] == json!(half) {
            assert_eq!(import["progress"]["of_bytes"], json!(whole));
            assert_eq!(import["progress"]["phase"], "fetching");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let follow = world.get(&format!("{path}/events")).begin().await;
    assert_eq!(follow.headers()["content-type"], "text/event-stream");
    go_on.send(()).unwrap();
    let told = axum::body::to_bytes(follow.into_body(), 1 << 24)
        .await
        .unwrap();
    let told = String::from_utf8(told.to_vec()).unwrap();
    let names: Vec<&str> = told
        .lines()
        .filter_map(|l| l.strip_prefix("event: "))
        .collect();
    assert_eq!((names[0], *names.last().unwrap()), ("progress", "end"));
    let last = told
        .lines()
        .filter_map(|l| l.strip_prefix("data: "))
        .next_back()
        .unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&last["state"], &last["source"]),
        (&json!("done"), &json!(url)),
        "{last}"
    );
    world.app.end_imports().await;
    assert_eq!(std::fs::read_dir(world.imports.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_is_stopped_by_whoever_manages() {
    let world = World::sqlite(&[]).await;
    let (url, _held) = slow_site(vec![7; 1_000]).await;
    let started = start(&world, &json!({"url": url})).await;
    let cancel = format!("{}/cancel", started.header("location"));
    for role in [Role::Manager, Role::Admin] {
        let stopped = world.by(role, Method::POST, &cancel).send().await;
        assert_eq!(stopped.status, 200, "{}", stopped.text);
        let stopped = stopped.json();
        assert_eq!(stopped["state"], "cancelled");
        assert_eq!(
            stopped["reason"],
            "the manager has stopped it; nothing of it was kept"
        );
    }
    // The fetch itself notices soon, and can be begun again.
    world.app.end_imports().await;
}
