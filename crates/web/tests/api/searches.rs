//! Searches that people keep.

use axum::http::Method;
use canvass_model::Role;
use serde_json::{Value, json};

use crate::{
    both_engines,
    world::{Answer, World},
};

const PATH: &str = "/api/searches";

async fn save(world: &World, role: Role, body: Value) -> Answer {
    world.by(role, Method::POST, PATH).json(&body).await
}

async fn names(world: &World, role: Role) -> Vec<String> {
    let listed = world.by(role, Method::GET, PATH).send().await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(listed["total"]["count"], items.len());
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    items.iter().map(name).collect()
}

async fn delete(world: &World, role: Role, saved: &Answer) -> u16 {
    let path = format!("{PATH}/{}", saved.json()["id"].as_str().unwrap());
    let answer = world.by(role, Method::DELETE, &path).send().await;
    answer.status.as_u16()
}

both_engines! {
    async fn a_search_is_kept_opened_and_deleted(world: World of 3) {
        world.pull().await;
        let filter = json!({"q": "garcia", "state": ["CA", "NV"], "has_phone": true});
        let own = save(&world, Role::Caller, json!({"name": "Mine", "filter": filter, "sort": "city"})).await;
        assert_eq!(own.status, 201, "{}", own.text);
        assert_eq!(own.json()["query"], "q=garcia&state=CA&state=NV&has_phone=yes&sort=city");
        assert_eq!(own.json()["owner"], "the caller");
        let team = save(&world, Role::Manager, json!({"name": "ours", "query": "?state=ca", "team": true})).await;
        assert_eq!(team.json()["query"], "state=CA", "{}", team.text);
        save(&world, Role::Manager, json!({"name": "a manager's", "query": ""})).await;

        assert_eq!(names(&world, Role::Caller).await, ["Mine", "ours"]);
        assert_eq!(names(&world, Role::Manager).await, ["a manager's", "ours"]);
        assert_eq!(names(&world, Role::Admin).await, ["ours"]);
        // What is kept is a query of the search.
        let query = own.json()["query"].as_str().unwrap().to_owned();
        let found = world.get(&format!("/api/providers?{query}")).send().await;
        assert_eq!(found.json()["total"]["count"], 3, "{}", found.text);

        assert_eq!(delete(&world, Role::Admin, &own).await, 404);
        assert_eq!(delete(&world, Role::Caller, &team).await, 403);
        assert_eq!(delete(&world, Role::Admin, &team).await, 204);
        assert_eq!(delete(&world, Role::Caller, &own).await, 204);
        assert_eq!(delete(&world, Role::Caller, &own).await, 404);
        assert!(names(&world, Role::Caller).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_kept_is_refused_with_its_field() {
    let world = World::sqlite(&[]).await;
    let kept = save(&world, Role::Caller, json!({"name": "x", "query": ""})).await;
    assert_eq!(kept.status, 201, "{}", kept.text);
    for (body, status, field) in [
        (json!({"name": "X", "query": "state=CA"}), 422, "name"),
        (json!({"name": "", "query": ""}), 422, "name"),
        (json!({"name": "y", "query": "", "team": true}), 403, ""),
        (json!({"name": "y"}), 422, "filter"),
        (
            json!({"name": "y", "query": "", "filter": {}}),
            422,
            "filter",
        ),
        (
            json!({"name": "y", "query": "", "sort": "city"}),
            422,
            "sort",
        ),
        (
            json!({"name": "y", "filter": {}, "sort": "up"}),
            422,
            "sort",
        ),
        (json!({"name": "y", "query": "sort=distance"}), 422, "sort"),
        (json!({"name": "y", "query": "state=X"}), 422, "state"),
        (json!({"name": "y", "query": "cursor=1"}), 422, "cursor"),
        (
            json!({"name": "y", "filter": {"nosuch": 1}}),
            422,
            "filter.nosuch",
        ),
        (
            json!({"name": "y", "query": "specialty=Cardiolgy"}),
            422,
            "specialty",
        ),
    ] {
        let answer = save(&world, Role::Caller, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        if !field.is_empty() {
            assert_eq!(answer.fields(), [field], "{body}");
        }
    }
    assert_eq!(names(&world, Role::Caller).await, ["x"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_saves_once() {
    let world = World::sqlite(&[]).await;
    let send = async |query: &str| {
        world
            .by(Role::Caller, Method::POST, PATH)
            .header("idempotency-key", "monday")
            .json(&json!({"name": "Mine", "query": query}))
            .await
    };
    let first = send("state=CA").await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = send("state=CA").await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!(send("state=NV").await.fields(), ["Idempotency-Key"]);
    assert_eq!(names(&world, Role::Caller).await, ["Mine"]);
}
