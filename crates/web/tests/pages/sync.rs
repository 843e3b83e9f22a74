use axum::http::StatusCode;
use canvass_model::{AddressScope, JobState, Role};

use crate::form::Form;
use crate::world::Site;

#[tokio::test]
async fn a_sync_is_asked_for_started_once_and_watched() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let asked = "/sync?specialties=Family+Medicine&specialties=&specialties=Cardiology&state=CA\
                 &city=Fresno&postal_code=937*&address=any&save_leads=on";
    let page = browser.page(asked).await;
    let form = Form::to(&page, "/sync");
    let first = browser.send(&form).await;
    let second = browser.send(&form).await;
    assert_eq!(first.leads_to(), second.leads_to());
    let runs = site.app.sync_runs(10).await.unwrap();
    assert_eq!(runs.len(), 1);
    let request = &runs[0].request;
    assert_eq!(request.specialties, ["Family Medicine", "Cardiology"]);
    assert_eq!(request.state.as_deref(), Some("CA"));
    assert_eq!(request.city.as_deref(), Some("Fresno"));
    assert_eq!(request.postal_code.as_deref(), Some("937*"));
    assert_eq!(request.address, AddressScope::Any);
    assert!(request.save_leads);

    let id = &runs[0].id;
    let page = browser.follow(&first).await;
    assert!(page.contains("Waiting to sync 2 specialties"));
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""));
    assert!(page.contains(&format!("data-live=\"/api/sync/{id}/events\"")));
    let panel = browser.page(&format!("/sync/{id}/progress")).await;
    assert!(panel.starts_with(&format!("<section class=\"panel\" id=\"run-{id}\"")));
    let ring = format!("id=\"jobs\" href=\"/sync/{id}\"");
    assert!(browser.page("/leads").await.contains(&ring));

    // The same key with something else: nothing is started, and the form is there again.
    let other = browser.send(&form.clone().with("city", "Clovis")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    other.assert_says("This form has started another sync before.");
    let again = Form::to(&other.text, "/sync");
    assert_ne!(again.get("idempotency_key"), form.get("idempotency_key"));
    assert_eq!(again.get("city"), Some("Clovis"));
    browser.send(&again).await.leads_to();
    assert_eq!(site.app.sync_runs(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_sync_is_stopped_and_goes_on() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let form = [("specialties", "Family Medicine"), ("state", "nevada")];
    let started = browser.post("/sync", &form).await;
    let path = started.leads_to().to_owned();
    let id = path.rsplit('/').next().unwrap();
    let state = async || site.app.sync_run(id).await.unwrap().unwrap().state;
    let page = browser.page(&path).await;
    let stopped = browser
        .send(&Form::to(&page, &format!("{path}/cancel")))
        .await;
    assert_eq!(stopped.leads_to(), path);
    let page = browser.follow(&stopped).await;
    assert!(page.contains("Stopped. What was pulled so far is kept."));
    assert!(!page.contains("http-equiv=\"refresh\""));
    assert_eq!(state().await, JobState::Cancelled);
    let resumed = browser
        .send(&Form::to(&page, &format!("{path}/resume")))
        .await;
    let page = browser.follow(&resumed).await;
    assert!(page.contains("It goes on where it was."));
    assert!(!state().await.is_over());
    let history = browser.page("/sync").await;
    assert!(history.contains("Nevada"));
}

#[tokio::test]
async fn a_sync_that_can_not_be_is_shown_again_with_its_errors() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let nobody_knows = "Xylophone repair";
    for (field, value, words) in [
        ("specialties", "", "Name at least one specialty."),
        ("specialties", nobody_knows, nobody_knows),
        (
            "state",
            "Atlantis",
            "is no state; write two letters, as in CA.",
        ),
        ("postal_code", "9", "Five or nine digits"),
        ("address", "elsewhere", "Practice addresses, or any."),
    ] {
        let form = Form {
            action: "/sync".to_owned(),
            fields: vec![
                ("specialties".to_owned(), "Cardiology".to_owned()),
                ("city".to_owned(), "Fresno".to_owned()),
            ],
        };
        let answer = browser.send(&form.with(field, value)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        answer.assert_says(words);
        answer.assert_says("value=\"Fresno\"");
    }
    assert_eq!(site.app.sync_runs(10).await.unwrap().len(), 0);
    for path in [
        "/sync/none",
        "/sync/..",
        "/sync/a%00b",
        "/sync/none/progress",
    ] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
