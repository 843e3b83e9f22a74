//! Who may do what: every route of the description, with every role.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode},
    routing::get,
};
use canvass_app::{Actor, App};
use canvass_model::Role;
use canvass_web::access::{Caller, ClientAddress, Manager, Session};
use tower::ServiceExt as _;

use crate::{
    contract::operations,
    world::{Answer, PASSWORD, Proof, World},
};

/// The least role of each route, tokens being somebody else's; one's own have a test of their own.
const ROUTES: [(&str, &str, Role); 39] = [
    ("GET", "/api/imports", Role::Manager),
    ("POST", "/api/imports", Role::Manager),
    ("GET", "/api/imports/{id}", Role::Manager),
    ("POST", "/api/imports/{id}/cancel", Role::Manager),
    ("GET", "/api/imports/{id}/events", Role::Manager),
    ("GET", "/api/imports/{id}/set-asides", Role::Manager),
    ("GET", "/api/leads", Role::Caller),
    ("POST", "/api/leads/bulk", Role::Manager),
    ("GET", "/api/leads/counts", Role::Caller),
    ("GET", "/api/leads/export", Role::Manager),
    ("POST", "/api/leads/import", Role::Manager),
    ("GET", "/api/leads/{id}", Role::Caller),
    ("PATCH", "/api/leads/{id}", Role::Caller),
    ("GET", "/api/leads/{id}/activities", Role::Caller),
    ("POST", "/api/leads/{id}/activities", Role::Caller),
    ("GET", "/api/me", Role::Caller),
    ("GET", "/api/providers", Role::Caller),
    ("GET", "/api/providers/export", Role::Manager),
    ("GET", "/api/providers/facets", Role::Caller),
    ("POST", "/api/providers/save-all", Role::Manager),
    ("GET", "/api/providers/{npi}", Role::Caller),
    ("GET", "/api/searches", Role::Caller),
    ("POST", "/api/searches", Role::Caller),
    ("DELETE", "/api/searches/{id}", Role::Caller),
    ("GET", "/api/specialties", Role::Caller),
    ("GET", "/api/suggest", Role::Caller),
    ("GET", "/api/sync", Role::Manager),
    ("POST", "/api/sync", Role::Manager),
    ("GET", "/api/sync/{id}", Role::Manager),
    ("POST", "/api/sync/{id}/cancel", Role::Manager),
    ("GET", "/api/sync/{id}/events", Role::Manager),
    ("POST", "/api/sync/{id}/resume", Role::Manager),
    ("GET", "/api/sync/{id}/set-asides", Role::Manager),
    ("GET", "/api/users", Role::Admin),
    ("POST", "/api/users", Role::Admin),
    ("PATCH", "/api/users/{id}", Role::Admin),
    ("GET", "/api/users/{id}/tokens", Role::Admin),
    ("POST", "/api/users/{id}/tokens", Role::Admin),
    ("DELETE", "/api/users/{id}/tokens/{token}", Role::Admin),
];

#[test]
fn the_table_has_every_route_and_the_description_says_the_same() {
    let mut described: Vec<(String, String, String)> = operations()
        .into_iter()
        .map(|(method, path, o)| {
            (
                method,
                path,
                o["x-role"].as_str().unwrap().replace("own", "admin"),
            )
        })
        .collect();
    let mut expected: Vec<(String, String, String)> = ROUTES
        .iter()
        .map(|(method, path, role)| ((*method).into(), (*path).into(), role.to_string()))
        .collect();
    described.sort();
    expected.sort();
    assert_eq!(described, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_with_every_role() {
    let world = World::sqlite(&[]).await;
    let other = world
        .app
        .add_user(&Actor::system(), "somebody else", PASSWORD, Role::Caller)
        .await
        .unwrap();
    for (method, path, least) in ROUTES {
        let address = path
            .replace("/users/{id}", &format!("/users/{}", other.id))
            .replace("/sync/{id}", "/sync/0199c1a2-0000-7000-8000-000000000000")
            .replace("{id}", "1234567893")
            .replace("{npi}", "1234567893")
            .replace("{token}", "0199c1a2-0000-7000-8000-000000000000");
        let method: Method = method.parse().unwrap();
        let ask = async |proof: &Proof| -> Answer {
            let ask = world.ask(proof, method.clone(), &address);
            if method == Method::GET || method == Method::DELETE {
                ask.send().await
            } else {
                ask.body("application/json", "{}").send().await
            }
        };
        for stranger in [
            Proof::Nobody,
            Proof::Token("cvs_0000".into()),
            Proof::Token("another kind".into()),
            Proof::Cookie("0000".into()),
        ] {
            let answer = ask(&stranger).await;
            assert_eq!(answer.status, 401, "{method} {path} by {stranger:?}");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            let invalid = matches!(stranger, Proof::Token(_));
            assert_eq!(challenge.contains("invalid_token"), invalid, "{challenge}");
        }
        for role in Role::ALL {
            let person = world.person(role);
            for proof in [&person.token, &person.cookie] {
                let answer = ask(proof).await;
                let what = format!(
                    "{method} {path} by {role}: {} {}",
                    answer.status, answer.text
                );
                assert!(!answer.status.is_server_error(), "{what}");
                assert_ne!(answer.status, 401, "{what}");
                assert_eq!(answer.status == 403, role < least, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ones_own_tokens_are_ones_own() {
    let world = World::sqlite(&[]).await;
    let caller = world.person(Role::Caller);
    let path = format!("/api/users/{}/tokens", caller.id);
    let made = world
        .by(Role::Caller, Method::POST, &path)
        .json(&serde_json::json!({"name": "nightly"}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let token = Proof::Token(made["token"].as_str().unwrap().to_owned());
    let me = world.ask(&token, Method::GET, "/api/me").send().await;
    assert_eq!(me.json()["name"], "the caller");
    let listed = world.by(Role::Caller, Method::GET, &path).send().await;
    assert_eq!(listed.json()["items"][0]["name"], "nightly");
    assert!(!listed.text.contains("cvs_"), "{}", listed.text);

    let revoke = format!("{path}/{}", made["id"].as_str().unwrap());
    let revoked = world.by(Role::Caller, Method::DELETE, &revoke).send().await;
    assert_eq!(revoked.status, 204);
    let me = world.ask(&token, Method::GET, "/api/me").send().await;
    assert_eq!(me.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_gives_and_takes_access() {
    let world = World::sqlite(&[]).await;
    let new = serde_json::json!({"name": "Kim", "password": PASSWORD, "role": "caller"});
    let kim = world.post("/api/users").json(&new).await;
    assert_eq!(kim.status, 201, "{}", kim.text);
    assert!(!kim.text.contains("password"), "{}", kim.text);
    let again = world.post("/api/users").json(&new).await;
    assert_eq!(
        (again.status.as_u16(), again.fields()),
        (422, vec!["name".to_owned()])
    );

    let path = format!("/api/users/{}", kim.json()["id"].as_str().unwrap());
    let patch = async |body: serde_json::Value| {
        world
            .by(Role::Admin, Method::PATCH, &path)
            .json(&body)
            .await
    };
    let changed = patch(serde_json::json!({"role": "manager", "disabled": true})).await;
    assert_eq!(changed.json()["role"], "manager");
    assert_eq!(changed.json()["disabled"], true);
    assert!(world.app.login("Kim", PASSWORD, None).await.is_err());
    let changed =
        patch(serde_json::json!({"disabled": false, "password": "another password"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert!(
        world
            .app
            .login("Kim", "another password", None)
            .await
            .is_ok()
    );
    assert_eq!(patch(serde_json::json!({})).await.status, 422);

    let last = format!("/api/users/{}", world.person(Role::Admin).id);
    let last = world.by(Role::Admin, Method::PATCH, &last);
    let refused = last.json(&serde_json::json!({"role": "caller"})).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_site_can_not_use_somebodys_session() {
    let world = World::sqlite(&[]).await;
    let cookie = &world.person(Role::Manager).cookie;
    for (site, expected) in [("cross-site", 403), ("same-origin", 422)] {
        let answer = world
            .ask(cookie, Method::POST, "/api/sync")
            .header("sec-fetch-site", site)
            .json(&serde_json::json!({}))
            .await;
        assert_eq!(answer.status, expected, "{site}");
    }
}

/// A page as another module would add it, on an application.
async fn page(app: &App, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String, String) {
    let router = Router::new()
        .route("/page", get(async |Caller(who): Caller| who.name))
        .route("/manage", get(async |_: Manager| "ok"))
        .route(
            "/login",
            get(
                async |session: Session, ClientAddress(address): ClientAddress| {
                    format!("{:?} {address:?}", session.user.map(|u| u.name))
                },
            ),
        )
        .with_state(app.clone());
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .map(|v| v.to_str().unwrap().to_owned())
    };
    let leads_to = header("location").or_else(|| header("hx-redirect"));
    let bytes = axum::body::to_bytes(body, 1_000).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (parts.status, leads_to.unwrap_or_default(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_led_to_where_they_sign_in() {
    let world = World::sqlite(&[]).await;
    let (status, to, _) = page(&world.app, "/page?a=1", &[]).await;
    assert_eq!(
        (status.as_u16(), to.as_str()),
        (303, "/login?next=%2Fpage%3Fa%3D1")
    );
    let part = [
        ("hx-request", "true"),
        ("referer", "http://canvass.example/leads?q=x"),
    ];
    let (status, to, _) = page(&world.app, "/page", &part).await;
    assert_eq!(
        (status.as_u16(), to.as_str()),
        (204, "/login?next=%2Fleads%3Fq%3Dx")
    );

    let Proof::Cookie(secret) = &world.person(Role::Caller).cookie else {
        panic!("no cookie");
    };
    let cookie = format!("canvass={secret}");
    let cookie = [("cookie", cookie.as_str())];
    let (status, _, text) = page(&world.app, "/page", &cookie).await;
    assert_eq!((status.as_u16(), text.as_str()), (200, "the caller"));
    assert_eq!(page(&world.app, "/manage", &cookie).await.0, 403);
    let (_, _, text) = page(&world.app, "/login", &cookie).await;
    assert_eq!(text, "Some(\"the caller\") None");
    let (_, _, text) = page(&world.app, "/login", &[("cookie", "canvass=0000")]).await;
    assert_eq!(text, "None None");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nobody_has_access_a_person_is_led_to_the_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let settings = canvass_app::Settings {
        database: format!("sqlite:{}", folder.path().join("canvass.db").display()),
        ..World::sqlite(&[]).await.app.settings().clone()
    };
    let app = App::open(settings, canvass_app::Clock::system())
        .await
        .unwrap();
    let (status, to, _) = page(&app, "/page", &[]).await;
    assert_eq!((status.as_u16(), to.as_str()), (303, "/setup"));
}
