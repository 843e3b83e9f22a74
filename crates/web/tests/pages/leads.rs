use axum::http::StatusCode;
use canvass_model::{ActivityKind, Lead, LeadStatus, Npi, Role};

use crate::form::Form;
use crate::world::{Browser, Site};

/// A site with a few leads, of which the first is returned.
async fn with_leads() -> (Site, Npi) {
    let site = Site::with_providers(30).await;
    let npis = site.npis(5).await;
    site.save(&npis).await;
    (site, npis[0])
}

async fn lead(site: &Site, npi: Npi) -> Lead {
    site.app.lead(npi).await.unwrap().unwrap()
}

async fn form(browser: &mut Browser, npi: Npi) -> Form {
    let path = format!("/leads/{npi}");
    Form::to(&browser.page(&path).await, &path)
}

#[tokio::test]
async fn a_lead_is_edited_whole_and_what_was_not_touched_stays() {
    let (site, npi) = with_leads().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let manager = site.app.user_by_name("manager").await.unwrap();
    let form = form(&mut browser, npi).await;
    let edited = form
        .clone()
        .with("status", "interested")
        .with("notes", "Ring \"Dana\"\r\nafter ten")
        .with("owner_id", &manager.id)
        .with("last_contact_at", "2026-11-12T09:30")
        .with("last_contact_method", "call");
    let saved = browser.send(&edited).await;
    assert_eq!(saved.leads_to(), format!("/leads/{npi}"));
    let page = browser.follow(&saved).await;
    assert!(page.contains("Saved the lead.") && page.contains("Status: Interested"));
    let now = lead(&site, npi).await;
    assert_eq!(now.status, LeadStatus::Interested);
    assert_eq!(now.notes, "Ring \"Dana\"\nafter ten");
    assert_eq!(now.owner.as_deref(), Some("manager"));
    let at = now.last_contact_at.unwrap();
    assert_eq!(at.to_string(), "2026-11-12T09:30:00Z");

    let again = Form::to(&page, &format!("/leads/{npi}"));
    let only_notes = again.with("notes", "New");
    browser.send(&only_notes).await.leads_to();
    let later = lead(&site, npi).await;
    assert_eq!(later.notes, "New");
    assert_eq!(
        (later.status, later.owner, later.last_contact_at),
        (now.status, now.owner, now.last_contact_at)
    );
}

#[tokio::test]
async fn times_are_of_the_zone_that_the_browser_tells() {
    let (site, npi) = with_leads().await;
    let mut browser = site.signed_in(Role::Caller).await;
    browser.set_cookie("canvass_zone", "America/Los_Angeles");
    let form = form(&mut browser, npi).await;
    let form = form.with("last_contact_at", "2026-11-12T06:30");
    let page = browser.send(&form).await;
    let page = browser.follow(&page).await;
    assert!(page.contains("value=\"2026-11-12T06:30\""));
    let at = lead(&site, npi).await.last_contact_at.unwrap();
    assert_eq!(at.to_string(), "2026-11-12T14:30:00Z");
}

#[tokio::test]
async fn an_edit_that_came_too_late_keeps_both() {
    let (site, npi) = with_leads().await;
    let mut quick = site.signed_in(Role::Manager).await;
    let mut slow = site.signed_in(Role::Caller).await;
    let theirs = form(&mut quick, npi).await;
    let mine = form(&mut slow, npi).await;
    let theirs = theirs
        .with("status", "interested")
        .with("notes", "Spoke with Dana");
    quick.send(&theirs).await.leads_to();

    let late = slow.send(&mine.with("notes", "Left a <message>")).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    late.assert_says("Somebody else changed this lead");
    late.assert_says("<dt>Status now</dt><dd class=\"lines-kept\">Interested</dd>");
    late.assert_says("<dt>Notes now</dt><dd class=\"lines-kept\">Spoke with Dana</dd>");
    let now = lead(&site, npi).await;
    assert_eq!(now.notes, "Spoke with Dana");

    let again = Form::to(&late.text, &format!("/leads/{npi}"));
    assert_eq!(again.get("notes"), Some("Left a <message>"));
    assert_eq!(again.get("status"), Some("interested"));
    slow.send(&again).await.leads_to();
    let now = lead(&site, npi).await;
    assert_eq!(now.notes, "Left a <message>");
    assert_eq!(now.status, LeadStatus::Interested, "theirs is not undone");
}

#[tokio::test]
async fn a_row_is_edited_where_it_stands() {
    let (site, npi) = with_leads().await;
    let mut browser = site.signed_in(Role::Caller).await;
    let (path, id) = (format!("/leads/{npi}"), format!("lead-{npi}"));
    let page = browser.page("/leads").await;
    let first = Form::to(&page, &path);
    assert_eq!(first.get("status"), Some("new"));
    let row = browser
        .send_part(&first.clone().with("status", "contacted"), &id)
        .await;
    assert_eq!(row.status, StatusCode::OK);
    assert!(row.text.starts_with(&format!("<tr id=\"{id}\"")));
    assert_eq!(lead(&site, npi).await.status, LeadStatus::Contacted);
    // With the counts of the page, which replace those that it shows.
    row.assert_says("<nav class=\"tabs\" id=\"tabs-of-results\" hx-swap-oob=\"true\"");
    row.assert_says("status=contacted\">Contacted <span class=\"n\">1</span>");
    row.assert_says("status=new\">New <span class=\"n\">4</span>");
    row.assert_says("hx-swap-oob=\"true\"><strong>5</strong> leads");

    let open = browser.part(&format!("{path}/row?edit=notes"), &id).await;
    let at = open.text.find("class=\"notes-form\"").unwrap();
    let notes = Form::to(&open.text[at - 10..], &path).with("notes", "Mine");
    // Somebody else is quicker.
    let other = Form::to(&row.text, &path).with("status", "interested");
    site.signed_in(Role::Manager).await.send(&other).await;
    let late = browser.send_part(&notes, &id).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    late.assert_says("Somebody else changed this lead");
    late.assert_says(">Mine</textarea>");
    let at = late.text.find("class=\"notes-form\"").unwrap();
    let row = browser
        .send_part(&Form::to(&late.text[at - 10..], &path), &id)
        .await;
    assert_eq!(row.status, StatusCode::OK);
    assert_eq!(lead(&site, npi).await.notes, "Mine");
    assert!(!row.text.contains("hx-swap-oob"), "no count is another");

    // The counts are those of the list that is open.
    browser.page("/leads?status=interested&q=nobody").await;
    let row = browser.part(&format!("{path}/row"), &id).await;
    let form = Form::to(&row.text, &path).with("status", "follow_up");
    let row = browser.send_part(&form, &id).await;
    row.assert_says("aria-current=\"page\">Interested <span class=\"n\">0</span>");
    row.assert_says("/leads?q=nobody\">All <span class=\"n\">0</span>");
    row.assert_says("<strong>0</strong> leads");

    // Without script the same form leads back to the list.
    browser.page("/leads?status=interested").await;
    let row = browser.part(&format!("{path}/row"), &id).await;
    let form = Form::to(&row.text, &path).with("status", "converted");
    let saved = browser.send(&form).await;
    assert_eq!(saved.leads_to(), "/leads?status=interested");
}

#[tokio::test]
async fn what_a_rule_forbids_is_told_and_what_was_written_is_kept() {
    let (site, npi) = with_leads().await;
    let mut manager = site.signed_in(Role::Manager).await;
    let mut caller = site.signed_in(Role::Caller).await;
    let rungs = manager
        .page("/providers")
        .await
        .matches("href=\"tel:")
        .count();
    let suppress = form(&mut manager, npi).await.with("status", "do_not_call");
    manager.send(&suppress).await.leads_to();
    let page = caller.page(&format!("/leads/{npi}")).await;
    assert!(page.contains("not to be called") && !page.contains("href=\"tel:"));
    let list = caller.page("/providers").await;
    assert_eq!(list.matches("href=\"tel:").count() + 1, rungs);
    let form = Form::to(&page, &format!("/leads/{npi}"));
    let lifted = form.with("status", "new").with("notes", "But they asked");
    let answer = caller.send(&lifted).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.assert_says("only a manager may change that. Nothing was saved.");
    answer.assert_says("But they asked");
    assert_eq!(lead(&site, npi).await.status, LeadStatus::DoNotCall);

    for (name, value) in [
        ("status", "sold"),
        ("last_contact_at", "yesterday"),
        ("last_contact_method", "fax"),
        ("owner_id", "nobody"),
    ] {
        let wrong = crate::leads::form(&mut manager, npi)
            .await
            .with(name, value);
        let answer = manager.send(&wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        answer.assert_says("aria-invalid=\"true\"");
    }
}

#[tokio::test]
async fn the_timeline_takes_calls_and_notes_once() {
    let (site, npi) = with_leads().await;
    let mut browser = site.signed_in(Role::Caller).await;
    let action = format!("/leads/{npi}/activities");
    let page = browser.page(&format!("/leads/{npi}")).await;
    let form = Form::to(&page, &action)
        .with("kind", "call")
        .with("text", "No answer");
    for _ in 0..2 {
        let added = browser.send(&form).await;
        assert_eq!(added.leads_to(), format!("/leads/{npi}"));
    }
    let activities = site.app.activities(npi).await.unwrap();
    let calls = activities.iter().filter(|a| a.kind == ActivityKind::Call);
    assert_eq!(calls.count(), 1);
    assert_eq!(lead(&site, npi).await.status, LeadStatus::Contacted);
    let page = browser.page(&format!("/leads/{npi}")).await;
    assert!(page.contains("No answer"));
    assert!(page.contains("<strong>Call</strong> <span class=\"muted\">caller, <time"));

    let empty = Form::to(&page, &action).with("text", "  ");
    let answer = browser.send(&empty).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.assert_says("A note says something.");
}

#[tokio::test]
async fn what_the_command_line_does_says_so() {
    let (site, npi) = with_leads().await;
    let system = canvass_app::Actor::system();
    let added = site
        .app
        .add_activity(&system, npi, ActivityKind::Note, "Merged two lists", None)
        .await;
    added.unwrap();
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page(&format!("/leads/{npi}")).await;
    let by = "<strong>Note</strong> <span class=\"muted\">command line, <time";
    assert!(page.contains(by), "{page}");
}

#[tokio::test]
async fn tabs_count_leads_by_status_under_the_same_filter() {
    let (site, npi) = with_leads().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let form = form(&mut browser, npi).await.with("status", "converted");
    browser.send(&form).await.leads_to();
    let page = browser.page("/leads?status=converted").await;
    for tab in [
        "/leads\">All <span class=\"n\">5</span>",
        "status=new\">New <span class=\"n\">4</span>",
        "aria-current=\"page\">Converted <span class=\"n\">1</span>",
    ] {
        assert!(page.contains(tab), "{tab} in {page}");
    }
    assert!(page.contains("<strong>1</strong> lead<"));
    assert_eq!(page.matches("<tr id=\"lead-").count(), 1);
    let nobodys = browser.page("/leads?owner=none&sort=name").await;
    assert_eq!(nobodys.matches("<tr id=\"lead-").count(), 5);
}
