//! Every page route, asked by everybody.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::StatusCode;
use canvass_model::{Role, SyncRequest};

use crate::world::{Browser, Site};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    Anybody,
    /// Whoever has this role, or a higher one.
    From(Role),
}

const CALLER: May = May::From(Role::Caller);
const MANAGER: May = May::From(Role::Manager);
const ADMIN: May = May::From(Role::Admin);

/// Every route of the pages with who may use it; signing out comes last, because it ends a session.
const ROUTES: [(&str, &str, May); 39] = [
    ("GET", "/", CALLER),
    ("GET", "/login", May::Anybody),
    ("POST", "/login", May::Anybody),
    ("GET", "/setup", May::Anybody),
    ("POST", "/setup", May::Anybody),
    ("POST", "/theme", May::Anybody),
    ("GET", "/providers", CALLER),
    ("POST", "/providers/save-all", MANAGER),
    ("POST", "/providers/searches", CALLER),
    ("POST", "/providers/searches/delete", CALLER),
    ("GET", "/providers/{npi}", CALLER),
    ("GET", "/leads", CALLER),
    ("GET", "/leads/import", CALLER),
    ("POST", "/leads/import", MANAGER),
    ("GET", "/leads/{npi}", CALLER),
    ("POST", "/leads/{npi}", CALLER),
    ("GET", "/leads/{npi}/row", CALLER),
    ("POST", "/leads/{npi}/activities", CALLER),
    ("GET", "/sync", MANAGER),
    ("POST", "/sync", MANAGER),
    ("GET", "/sync/{id}", MANAGER),
    ("GET", "/sync/{id}/progress", MANAGER),
    ("POST", "/sync/{id}/cancel", MANAGER),
    ("POST", "/sync/{id}/resume", MANAGER),
    ("GET", "/sync/imports", MANAGER),
    ("POST", "/sync/imports", MANAGER),
    ("GET", "/sync/imports/{id}", MANAGER),
    ("GET", "/sync/imports/{id}/progress", MANAGER),
    ("POST", "/sync/imports/{id}/cancel", MANAGER),
    ("GET", "/team", CALLER),
    ("POST", "/team/users", ADMIN),
    ("POST", "/team/users/{id}/role", ADMIN),
    ("POST", "/team/users/{id}/password", ADMIN),
    ("POST", "/team/users/{id}/disable", ADMIN),
    ("POST", "/team/users/{id}/enable", ADMIN),
    ("POST", "/team/password", CALLER),
    ("POST", "/team/tokens", CALLER),
    ("POST", "/team/tokens/{id}/revoke", CALLER),
    ("POST", "/logout", May::Anybody),
];

/// The routes as the handlers name them.
fn routes_of_the_source() -> BTreeSet<(String, String)> {
    let mut routes = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            for route in text.split(".route(").skip(1) {
                let mut parts = route.splitn(3, '"');
                let path = parts.nth(1).unwrap();
                let methods = parts.next().unwrap().lines().next().unwrap();
                for (name, method) in [("get(", "GET"), ("post(", "POST")] {
                    if methods.contains(name) {
                        routes.insert((method.to_owned(), path.to_owned()));
                    }
                }
            }
        }
    }
    routes
}

#[test]
fn the_table_has_every_route() {
    let table: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(routes_of_the_source(), table);
}

struct Things {
    npi: String,
    run: String,
}

impl Things {
    fn path(&self, route: &str) -> String {
        let id = if route.starts_with("/sync") {
            &self.run
        } else {
            "01a20c9b-0000-7000-8000-000000000000"
        };
        route.replace("{npi}", &self.npi).replace("{id}", id)
    }
}

async fn outcome(browser: &mut Browser, method: &str, path: &str) -> (StatusCode, String) {
    let answer = if method == "GET" {
        browser.get(path).await
    } else if path.ends_with("/import") {
        browser.upload(path, "npi\n").await
    } else {
        browser.post(path, &[]).await
    };
    let to = answer.headers.get("location");
    let to = to.map_or("", |v| v.to_str().unwrap()).to_owned();
    (answer.status, to)
}

#[tokio::test]
async fn every_route_is_for_those_whom_the_table_names() {
    let site = Site::with_providers(20).await;
    let mut browsers = vec![(None, site.browser())];
    for role in Role::ALL {
        browsers.push((Some(role), site.signed_in(role).await));
    }
    let npi = site.some_npi().await;
    site.save(&[npi]).await;
    let request = SyncRequest {
        specialties: vec!["Family Medicine".to_owned()],
        ..SyncRequest::default()
    };
    let run = site.app.start_sync(None, request, None).await.unwrap();
    let things = Things {
        npi: npi.to_string(),
        run: run.id,
    };

    for (role, mut browser) in browsers {
        for (method, route, may) in ROUTES {
            let path = things.path(route);
            let (status, to) = outcome(&mut browser, method, &path).await;
            let what = format!("{method} {route} by {role:?}: {status} to {to:?}");
            let to_login = to.starts_with("/login?next=");
            match (may, role) {
                (May::Anybody, _) => {
                    assert!(status != StatusCode::FORBIDDEN && !to_login, "{what}");
                }
                (May::From(_), None) => {
                    assert_eq!(status, StatusCode::SEE_OTHER, "{what}");
                    assert!(to_login, "{what}");
                }
                (May::From(least), Some(role)) if role < least => {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                }
                (May::From(_), Some(_)) => {
                    assert!(status != StatusCode::FORBIDDEN && !to_login, "{what}");
                    assert!(!status.is_server_error(), "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_person_may_not_do_is_not_shown() {
    let site = Site::with_providers(20).await;
    let mut caller = site.signed_in(Role::Caller).await;
    let mut manager = site.signed_in(Role::Manager).await;
    let mut admin = site.signed_in(Role::Admin).await;
    for (path, words, least) in [
        (
            "/providers",
            "action=\"/providers/save-all\"",
            Role::Manager,
        ),
        ("/providers", "/api/providers/export", Role::Manager),
        ("/providers", "href=\"/sync\"", Role::Manager),
        ("/leads", "action=\"/leads/import\"", Role::Manager),
        ("/team", "action=\"/team/users\"", Role::Admin),
        ("/team", "action=\"/team/password\"", Role::Caller),
    ] {
        for (role, browser) in [
            (Role::Caller, &mut caller),
            (Role::Manager, &mut manager),
            (Role::Admin, &mut admin),
        ] {
            let shown = browser.page(path).await;
            let jobs_ring = "<a class=\"ring\" id=\"jobs\" href=\"/sync\" hidden";
            let shown = shown.replace(jobs_ring, "");
            assert_eq!(
                shown.contains(words),
                role >= least,
                "{path} for {role}: {words}"
            );
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Admin).await;
    let form = [
        ("name", "Mallory"),
        ("password", "a long password"),
        ("role", "admin"),
    ];
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", ""), ("origin", "https://evil.example")],
    ] {
        let answer = browser.post_with("/team/users", &form, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        answer.assert_says("The request came from another site. Nothing was changed.");
    }
    assert_eq!(site.app.users().await.unwrap().len(), 1);
    let own = browser.post("/team/users", &form).await;
    assert_eq!(own.leads_to(), "/team");
    assert_eq!(site.app.users().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_error_page_says_what_happened_and_the_number_of_the_request() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Caller).await;
    for path in [
        "/leads/1234567893",
        "/leads/none",
        "/providers/1",
        "/nothing",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        answer.assert_says("There is nothing here");
        answer.assert_says(answer.headers["x-request-id"].to_str().unwrap());
    }
    let answer = browser.get("/sync").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    answer.assert_says("Ask an administrator for the role that it needs.");
}
