//! What is wrong is said, named and bounded.

use axum::http::Method;
use canvass_model::Role;
use serde_json::{Value, json};

use crate::world::{Answer, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_have_one_shape() {
    let world = World::sqlite(&[]).await;
    let mut all = Vec::new();
    for path in [
        "/api/providers?nosuch=1&q=a&q=b",
        "/api/providers?state=Calfornia",
        "/api/providers?limit=0",
        "/api/providers?specialty=Medical+Officer",
        "/api/providers/1234567890",
        "/api/providers/1234567893",
        "/api/nosuch",
    ] {
        all.push((path, world.get(path).send().await.problem()));
    }
    let nobody = world.ask(&crate::world::Proof::Nobody, Method::GET, "/api/me");
    all.push(("/api/me by nobody", nobody.send().await.problem()));
    let caller = world.by(Role::Caller, Method::GET, "/api/users");
    all.push(("/api/users by a caller", caller.send().await.problem()));
    for body in [
        json!({}),
        json!({"filter": {"nosuch": 1, "state": ["CA", "Nevad"]}}),
        json!({"filter": {}, "npis": []}),
        json!({"filter": {}, "nosuch": true}),
        json!({"npis": [1]}),
        json!({"npis": ["a\0b"]}),
    ] {
        let answer = world.post("/api/providers/save-all").json(&body).await;
        all.push(("save-all", format!("{body}\n{}", answer.problem())));
    }
    let text: Vec<String> = all.iter().map(|(what, p)| format!("{what}\n{p}")).collect();
    insta::assert_snapshot!(text.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_of_the_right_kind_and_size() {
    let world = World::sqlite(&[]).await;
    let post = async |path: &str, kind: &str, body: String| -> (u16, String) {
        let answer: Answer = world.post(path).body(kind, body).send().await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        (answer.status.as_u16(), answer.text)
    };
    let sync = "/api/sync";
    for (kind, body, status) in [
        ("application/json", "{\"specialties\":".to_owned(), 400),
        ("application/json", String::new(), 400),
        ("application/json", "[".repeat(100_000), 400),
        ("text/plain", "{}".to_owned(), 415),
        (
            "application/json",
            format!("\"{}\"", "x".repeat(1 << 20)),
            413,
        ),
    ] {
        let (answered, text) = post(sync, kind, body).await;
        assert_eq!(answered, status, "{kind}: {text}");
    }
    let many = json!({"npis": vec!["1234567893"; 100_000]}).to_string();
    let saved = world
        .post("/api/providers/save-all")
        .body("application/json", many)
        .send()
        .await;
    assert_eq!(saved.json()["requested"], 1, "{}", saved.text);
    let import = world.post("/api/leads/import");
    let large = import
        .body(
            "text/csv",
            format!("npi\n{}", "1234567890\n".repeat(6_200_000)),
        )
        .send()
        .await;
    assert_eq!(large.status, 413, "{}", large.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_is_bounded_and_every_list_refuses_what_it_does_not_know() {
    let world = World::sqlite(&[]).await;
    let long = world
        .get(&format!("/api/providers?q={}", "x".repeat(8_200)))
        .begin()
        .await;
    assert_eq!(long.status(), 414);
    for path in [
        "/api/providers",
        "/api/providers/export",
        "/api/leads",
        "/api/leads/counts",
        "/api/leads/export",
        "/api/sync",
    ] {
        let answer = world.get(&format!("{path}?nosuch=1")).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (400, vec!["nosuch".to_owned()]),
            "{path}"
        );
    }
    for path in [
        "/api/leads?lead=yes",
        "/api/leads?status=nosuch",
        "/api/leads?sort=city",
        "/api/providers?sort=nosuch",
        "/api/providers?cursor=nosuch",
        "/api/suggest?kind=nosuch&q=x",
        "/api/sync?limit=201",
        "/api/leads/1234567893x",
    ] {
        let answer = world.get(path).send().await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert_eq!(answer.fields().len(), 1, "{path}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_can_not_be_meant_is_refused_on_postgres_too() {
    let world = World::postgres(&[]).await;
    for path in [
        "/api/sync/a%00b",
        "/api/sync/a%00b/events",
        "/api/users/a%00b/tokens",
        "/api/leads/a%00b",
        "/api/providers?q=a%00b",
        "/api/leads?owner=a%00b",
        "/api/leads?owner=nosuch&q=%F0%9F%A9%BA",
        "/api/suggest?kind=city&q=a%00b",
    ] {
        let status = world.get(path).begin().await.status();
        assert!(!status.is_server_error(), "{path}: {status}");
    }
    let bodies: [(&str, Value); 3] = [
        (
            "/api/sync",
            json!({"specialties": ["Internal Medicine"], "city": "a\0b"}),
        ),
        (
            "/api/users",
            json!({"name": "a\0b", "password": "a long password", "role": "caller"}),
        ),
        (
            "/api/leads/1234567893/activities",
            json!({"kind": "note", "text": "a\0b"}),
        ),
    ];
    for (path, body) in bodies {
        let answer = world.post(path).json(&body).await;
        assert_eq!(answer.status, 422, "{path}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn look_ups_answer_a_few_letters() {
    let world = World::sqlite(&[]).await;
    let items = async |path: &str| {
        let answer = world.by(Role::Caller, Method::GET, path).send().await;
        answer.json()["items"].clone()
    };
    let found = items("/api/suggest?kind=specialty&q=heart+doctor").await;
    assert_eq!(found[0]["value"], "Cardiovascular Disease", "{found}");
    let found = items("/api/suggest?kind=city&q=fresn&state=CA&limit=1").await;
    assert_eq!(found, json!([{"value": "Fresno", "state": "CA"}]));
    let presets = items("/api/specialties").await;
    assert_eq!(presets[0]["specialties"].as_array().unwrap().len(), 8);
}
