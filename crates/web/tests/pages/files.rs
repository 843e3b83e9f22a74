//! Exports and imports by people.

use axum::http::StatusCode;
use canvass_model::{LeadStatus, Role};

use crate::form::unescaped;
use crate::world::Site;

#[tokio::test]
async fn an_export_is_what_the_page_shows() {
    let site = Site::with_providers(200).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/providers?state=CA&sort=city&limit=5").await;
    let link = page.split("/api/providers/export?").nth(1).unwrap();
    let link = unescaped(link.split('"').next().unwrap());
    assert_eq!(link, "state=CA&sort=city&format=csv");
    let file = browser.get(&format!("/api/providers/export?{link}")).await;
    assert_eq!(file.status, StatusCode::OK);
    let lines = file.text.lines().count() as u64;
    assert!(page.contains(&format!("<strong>{}</strong> providers", lines - 1)));
}

#[tokio::test]
async fn an_import_is_reported_line_by_line() {
    let site = Site::with_providers(20).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let npi = site.some_npi().await;
    let csv = format!("npi,status,owner\n{npi},interested,\n123,new,\n1234567893,,Nobody Known\n");
    let answer = browser.upload("/leads/import", &csv).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for words in [
        "<dt>new lead</dt><dd>1</dd>",
        "<dt>lines not taken</dt><dd>2</dd>",
        "<td data-label=\"Line\">3</td>",
        "Nobody who may sign in is called Nobody Known; lines with these owners were not taken",
        "Times without a time zone are UTC",
    ] {
        answer.assert_says(words);
    }
    let lead = site.app.lead(npi).await.unwrap().unwrap();
    assert_eq!(lead.status, LeadStatus::Interested);

    let refused = browser.upload("/leads/import", "name\nx\n").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_says("The file was not imported");
    assert_eq!(
        browser.get("/leads/import").await.leads_to(),
        "/leads#import"
    );
    let caller = site
        .signed_in(Role::Caller)
        .await
        .upload("/leads/import", &csv)
        .await;
    assert_eq!(caller.status, StatusCode::FORBIDDEN);
}
