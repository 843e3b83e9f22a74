//! Searches that people keep.

use axum::http::StatusCode;
use canvass_model::Role;

use crate::form::{Form, unescaped};
use crate::world::{Browser, Site};

const SAVE: &str = "/providers/searches";
const DELETE: &str = "/providers/searches/delete";

/// Keeps the search of a page, without script.
async fn keep(browser: &mut Browser, path: &str, name: &str, team: bool) -> String {
    let page = browser.page(path).await;
    let form = Form::to(&page, SAVE).with("name", name);
    let form = if team { form.with("team", "yes") } else { form };
    let saved = browser.send(&form).await;
    assert_eq!(saved.leads_to(), path);
    browser.follow(&saved).await
}

/// The value of the button that deletes a search.
fn delete_button(page: &str, name: &str) -> Option<String> {
    let words = format!("<span class=\"sr-only\">Delete {name}</span>");
    let before = &page[..page.find(&words)?];
    let (_, value) = before.rsplit_once("name=\"id\" value=\"")?;
    Some(value.split('"').next()?.to_owned())
}

#[tokio::test]
async fn a_search_is_kept_opened_and_deleted_by_plain_forms() {
    let site = Site::with_providers(100).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let path = "/providers?q=a&state=CA&sort=city&limit=5";
    let after = keep(&mut browser, path, "<Mine> & more", false).await;
    assert!(after.contains("The search “&#60;Mine&#62; &#38; more” is saved."));
    assert!(!after.contains("For the team"), "a caller can't share");

    // From another page it leads to what was searched for, without the length of the page.
    let page = browser.page("/providers").await;
    let (before, _) = page.split_once(">&#60;Mine&#62; &#38; more</a>").unwrap();
    let (_, link) = before.rsplit_once("href=\"").unwrap();
    let link = unescaped(link.split('"').next().unwrap());
    assert_eq!(link, "/providers?q=a&state=CA&sort=city");
    assert!(!page.contains("aria-current=\"page\">&#60;Mine"));
    let opened = browser.page(&link).await;
    assert!(opened.contains("aria-current=\"page\">&#60;Mine"));

    let id = delete_button(&opened, "&#60;Mine&#62; &#38; more").unwrap();
    let form = Form::to(&opened, DELETE).with("id", &id);
    let gone = browser.send(&form).await;
    assert_eq!(gone.leads_to(), link);
    let after = browser.follow(&gone).await;
    assert!(after.contains("is deleted.") && !after.contains(">&#60;Mine&#62; &#38; more</a>"));
    let again = browser.send(&form).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_name_that_is_taken_is_shown_again_with_what_is_wrong() {
    let site = Site::with_providers(100).await;
    let mut browser = site.signed_in(Role::Manager).await;
    keep(&mut browser, "/providers?state=CA", "Mine", false).await;
    let page = browser.page("/providers?state=NV").await;
    let form = Form::to(&page, SAVE).with("name", "mine");
    let refused = browser.send(&form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_says("<details class=\"menu saved\" open>");
    refused.assert_says("You have a search of this name already");
    refused.assert_says("title=\"Remove Nevada\"");
    let shown = Form::to(&refused.text, SAVE);
    assert_eq!(shown.get("name"), Some("mine"));
    // The same form again, for the team, where the name is free.
    let saved = browser.send(&shown.with("team", "yes")).await;
    assert_eq!(saved.leads_to(), "/providers?state=NV");

    let empty = browser.send(&form.clone().with("name", " ")).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    empty.assert_says("From 1 to 80 characters on one line.");
    let wrong = browser.send(&form.with("query", "state=X")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(site_searches(&mut browser).await, 2);
}

/// How many searches the menu has.
async fn site_searches(browser: &mut Browser) -> usize {
    let page = browser.page("/providers").await;
    page.matches("<li class=\"menu-line\">").count()
}

#[tokio::test]
async fn a_script_gets_the_results_with_what_came_of_it() {
    let site = Site::with_providers(100).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page("/providers?state=CA&limit=3").await;
    let form = Form::to(&page, SAVE).with("name", "Mine");
    let saved = browser.send_part(&form, "results").await;
    assert_eq!(saved.status, StatusCode::OK);
    assert!(saved.text.starts_with("<section"));
    saved.assert_says("The search “Mine” is saved.");
    saved.assert_says("id=\"saved\" autofocus");
    saved.assert_says("/providers?state=CA&#38;limit=3&#38;cursor=");
    let again = browser.send_part(&form, "results").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!again.headers.contains_key("canvass-problem"));
    again.assert_says("You have a search of this name already");
    let form = Form::to(&saved.text, DELETE);
    let id = delete_button(&saved.text, "Mine").unwrap();
    let gone = browser.send_part(&form.with("id", &id), "results").await;
    gone.assert_says("The search “Mine” is deleted.");
}

#[tokio::test]
async fn the_teams_searches_are_seen_by_all_and_deleted_by_managers() {
    let site = Site::with_providers(50).await;
    let mut manager = site.signed_in(Role::Manager).await;
    let mut caller = site.signed_in(Role::Caller).await;
    let mut admin = site.signed_in(Role::Admin).await;
    keep(&mut manager, "/providers?state=CA", "Ours", true).await;
    keep(&mut manager, "/providers?state=CA", "A manager's", false).await;

    let page = caller.page("/providers").await;
    assert!(page.contains("title=\"Shared by manager\">Ours</a>"));
    assert!(!page.contains("A manager&#39;s"));
    assert!(!page.contains(DELETE), "nothing here is a caller's");
    let id = delete_button(&admin.page("/providers").await, "Ours").unwrap();
    let pairs = [("id", id.as_str()), ("query", "")];
    let refused = caller.post(DELETE, &pairs).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let shared = [("name", "x"), ("query", ""), ("team", "yes")];
    let refused = caller.post(SAVE, &shared).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(admin.post(DELETE, &pairs).await.leads_to(), "/providers");
    assert_eq!(site_searches(&mut caller).await, 0);
    assert_eq!(site_searches(&mut manager).await, 1);
}
