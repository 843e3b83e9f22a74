use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::{PAGES, router, sample};
use crate::assets;
use crate::pages::leads::LeadRow;
use sample::Amount;

async fn ask(path: &str, encoding: &str) -> (StatusCode, Vec<u8>) {
    let app: Router = crate::security::guarded(
        router().merge(assets::router()),
        Router::new(),
        crate::security::TIMEOUT,
    );
    let request = Request::get(path)
        .header("accept-encoding", encoding)
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 22)
        .await
        .unwrap();
    (status, bytes.to_vec())
}

async fn get(path: &str) -> (StatusCode, String) {
    let (status, bytes) = ask(path, "identity").await;
    (status, String::from_utf8(bytes).unwrap())
}

/// Every page with every amount of data.
async fn everywhere(check: impl Fn(&str, &str)) {
    for page in PAGES {
        for amount in ["much", "little", "none"] {
            let path = format!("/gallery/{page}?amount={amount}");
            let (_, html) = get(&path).await;
            check(&path, &html);
        }
    }
    check("/gallery", &get("/gallery").await.1);
}

#[tokio::test]
async fn a_page_is_one_document_that_travels_as_20_kb_at_most() {
    everywhere(|path, html| assert!(html.starts_with("<!DOCTYPE html>"), "{path}")).await;
    for page in PAGES {
        let path = format!("/gallery/{page}");
        let (_, bytes) = ask(&path, "gzip").await;
        assert!(bytes.len() < 20 * 1024, "{path}: {}", bytes.len());
    }
}

#[tokio::test]
async fn nothing_inline_that_the_policy_forbids() {
    everywhere(|path, html| {
        for forbidden in [
            " style=",
            "<style",
            " onclick=",
            " onchange=",
            "javascript:",
        ] {
            assert!(!html.contains(forbidden), "{path}: {forbidden}");
        }
        let scripts = html.matches("<script").count();
        assert_eq!(
            scripts,
            html.matches("<script src=\"/assets/").count(),
            "{path}"
        );
    })
    .await;
}

#[tokio::test]
async fn identifiers_are_unique_and_labels_point_at_something() {
    everywhere(|path, html| {
        let mut ids: Vec<&str> = values(html, " id=\"");
        ids.sort_unstable();
        for pair in ids.windows(2) {
            assert_ne!(pair[0], pair[1], "{path}");
        }
        for target in values(html, " for=\"") {
            assert!(ids.contains(&target), "{path}: label for {target}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_action_works_without_script() {
    everywhere(|path, html| {
        for form in html.split("<form ").skip(1) {
            let tag = form.split('>').next().unwrap_or_default();
            assert!(tag.contains("action=\"/"), "{path}: {tag}");
            assert!(tag.contains("method=\""), "{path}: {tag}");
            let body = form.split("</form>").next().unwrap_or_default();
            let outside = tag.contains("id=\"picked\"");
            assert!(
                outside || body.contains("<button") || tag.contains("role=\"search\""),
                "{path}: {tag}"
            );
        }
    })
    .await;
}

fn values<'a>(html: &'a str, before: &str) -> Vec<&'a str> {
    html.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[tokio::test]
async fn nothing_yet_says_what_to_do_next() {
    for (page, next) in [
        ("providers", "href=\"/sync\""),
        ("leads", "href=\"/providers?lead=no\""),
        ("sync", "Nothing was pulled yet"),
    ] {
        let (status, html) = get(&format!("/gallery/{page}?amount=none")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(html.contains(next), "{page}");
    }
}

#[tokio::test]
async fn a_suppressed_lead_has_no_number_to_ring() {
    let (_, html) = get("/gallery/lead?amount=little").await;
    assert!(html.contains("not to be called"));
    assert!(!html.contains("href=\"tel:"));
}

#[test]
fn what_the_registry_says_is_never_markup() {
    let mut view = sample::leads(Amount::Little);
    let row: &mut LeadRow = &mut view.results.rows[0];
    row.name = "<script>alert(1)</script>".to_owned();
    row.notes = "</textarea><img src=x onerror=alert(1)>".to_owned();
    let html = view.to_string();
    assert!(!html.contains("<script>"));
    assert!(!html.contains("<img src=x"));
}

#[test]
fn a_row_of_leads() {
    let view = sample::leads(Amount::Little);
    insta::assert_snapshot!(view.results.rows[1].to_string());
}

#[test]
fn a_run_that_goes_on() {
    let view = sample::sync(Amount::Much, &[]);
    insta::assert_snapshot!(view.running[0].to_string());
}

#[test]
fn results_of_a_search() {
    let view = sample::providers(Amount::Little);
    insta::assert_snapshot!(view.results.to_string());
}

/// The same with the data of each path cut short.
fn without_outlines(html: &str) -> String {
    let mut parts = html.split(" d=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, after) = part.split_once('"').unwrap();
        format!("{text} d=\"…\"{after}")
    })
}

#[test]
fn a_map_of_two_states() {
    let view = sample::providers_on_a_map("providers-states", Amount::Little);
    let map = view.results.map.unwrap().to_string();
    insta::assert_snapshot!(without_outlines(&map));
}

#[test]
fn what_narrows_a_search() {
    let view = sample::providers_on_a_map("providers-map", Amount::Much);
    insta::assert_snapshot!(view.facets.to_string());
}

#[test]
fn who_else_is_at_a_practice() {
    let view = sample::provider(false, Amount::Little);
    insta::assert_snapshot!(view.colleagues.unwrap().to_string());
}
