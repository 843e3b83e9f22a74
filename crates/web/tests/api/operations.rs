//! Operations, open addresses, and a server on a socket.

use std::time::Duration;

use axum::http::Method;
use canvass_model::Role;
use canvass_web::server::serve;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::world::{Proof, World, internists};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_addresses_are_open_to_anybody() {
    let world = World::sqlite(&internists(3)).await.working();
    world.pull().await;
    let open = async |path: &str| world.ask(&Proof::Nobody, Method::GET, path).send().await;
    for path in ["/healthz", "/readyz", "/api/docs", "/api/openapi.json"] {
        assert_eq!(open(path).await.status, 200, "{path}");
    }
    let described = open("/api/openapi.json").await.json();
    assert_eq!(described["openapi"], "3.1.0");
    let docs = open("/api/docs").await;
    assert!(docs.text.contains("/api/openapi.json"));
    // The registry-compatible endpoint, answered from what was pulled.
    for path in ["/api", "/api/"] {
        let query = format!("{path}?version=2.1&last_name=GARCIA0&state=CA");
        let answer = open(&query).await.json();
        assert_eq!(answer["result_count"], 1, "{answer}");
        assert_eq!(answer["results"][0]["basic"]["last_name"], "GARCIA0");
    }
    assert!(
        open("/api/?version=1.0")
            .await
            .text
            .contains("Unsupported Version")
    );
    let missing = open("/nosuch").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("<html"), "{}", missing.text);
    assert_eq!(
        open("/api/nosuch").await.header("content-type"),
        "application/problem+json"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_requests_by_route_and_syncs() {
    let world = World::sqlite(&internists(3)).await.working();
    world.pull().await;
    world.get("/api/providers/1234567893").send().await;
    world.get("/nosuch/1").send().await;
    let refused = world
        .by(Role::Manager, Method::GET, "/metrics")
        .send()
        .await;
    assert_eq!(refused.status, 403);
    let nobody = world
        .ask(&Proof::Nobody, Method::GET, "/metrics")
        .send()
        .await;
    assert_eq!(nobody.status, 401);
    let text = world.get("/metrics").send().await.text;
    // Other tests of this process count too.
    for line in [
        r#"canvass_http_requests_total{method="GET",route="/api/providers/{npi}",status="404"} "#,
        r#"canvass_http_requests_total{method="GET",route="none",status="404"} "#,
        r#"canvass_http_request_seconds_count{method="POST",route="/api/sync"} "#,
        r#"canvass_http_request_seconds_bucket{method="POST",route="/api/sync",le="0.05"} "#,
        "canvass_syncs_open ",
        r#"canvass_sync_records_total{outcome="created"} "#,
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    let created = text
        .lines()
        .find_map(|l| l.strip_prefix(r#"canvass_sync_records_total{outcome="created"} "#));
    assert!(created.unwrap().parse::<u64>().unwrap() >= 3, "{text}");
    assert!(!text.contains("1234567893"), "{text}");
}

/// The answer to a request on a socket: the head and the body.
async fn over_socket(address: std::net::SocketAddr, request: &str) -> String {
    let mut socket = sent(address, request).await;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A socket on which a request was sent.
async fn sent(address: std::net::SocketAddr, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nHost: canvass.example\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_works_on_jobs_and_stops_when_it_is_told() {
    let world = World::sqlite(&internists(3)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(world.app.clone(), listener, stop.clone(), true));

    assert!(
        over_socket(address, "GET /healthz HTTP/1.1")
            .await
            .contains("200 OK")
    );
    let here = over_socket(address, "GET /metrics HTTP/1.1").await;
    assert!(here.contains("canvass_http_requests_total"), "{here}");
    let forwarded = "GET /metrics HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1";
    let elsewhere = over_socket(address, forwarded).await;
    assert!(elsewhere.starts_with("HTTP/1.1 401"), "{elsewhere}");

    world.pull().await;

    // An open stream does not keep it from stopping.
    world.registry.hold(|_| true);
    let run = world
        .post("/api/sync")
        .json(&json!({"specialties": ["Internal Medicine"]}))
        .await;
    let id = run.json()["id"].as_str().unwrap().to_owned();
    let Proof::Token(token) = &world.person(Role::Admin).token else {
        panic!("no token");
    };
    let follow = format!("GET /api/sync/{id}/events HTTP/1.1\r\nAuthorization: Bearer {token}");
    let mut stream = sent(address, &follow).await;
    let mut told = Vec::new();
    while !String::from_utf8_lossy(&told).contains("event: progress") {
        assert!(stream.read_buf(&mut told).await.unwrap() > 0, "it ended");
    }
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_mins(1), serving).await;
    ended.expect("it goes on").unwrap().unwrap();
    stream.read_to_end(&mut told).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
