use axum::http::StatusCode;
use canvass_app::Actor;
use canvass_model::Role;

use crate::form::Form;
use crate::world::{PASSWORD, Site};

#[tokio::test]
async fn the_first_person_sets_canvass_up_with_the_code_of_the_console() {
    let site = Site::new().await;
    let code = site.app.setup_code().await.unwrap();
    let mut browser = site.browser();
    for path in ["/", "/leads", "/login"] {
        assert_eq!(browser.get(path).await.leads_to(), "/setup", "{path}");
    }
    let form = Form::to(&browser.page("/setup").await, "/setup")
        .with("name", "Lee")
        .with("password", PASSWORD);

    let wrong = browser.send(&form.clone().with("code", "0000-0000")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.assert_says("This is not the code that the console shows");
    wrong.assert_says("value=\"Lee\"");
    assert!(!wrong.text.contains(PASSWORD));
    let code = form.with("code", code.expose());
    let short = browser.send(&code.clone().with("password", "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    short.assert_says("At least 10 characters.");

    let done = browser.send(&code).await;
    assert_eq!(done.leads_to(), "/");
    assert_eq!(browser.get("/").await.leads_to(), "/sync");
    browser.page("/sync").await;
    assert_eq!(site.browser().get("/setup").await.leads_to(), "/login");
    let again = site.browser().send(&code).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(site.app.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let site = Site::new().await;
    site.signed_in(Role::Caller).await;
    let mut browser = site.browser();
    let mut try_as = async |name: &str| {
        let form = [("name", name), ("password", "not this"), ("next", "/leads")];
        let answer = browser.post("/login", &form).await;
        (answer.status, answer.text.replace(name, "NAME"))
    };
    let known = try_as("caller").await;
    assert_eq!(known, try_as("nobody").await);
    assert_eq!(known.0, StatusCode::UNAUTHORIZED);
    assert!(known.1.contains("The name or the password is wrong."));
    assert!(known.1.contains("value=\"/leads\""));
}

#[tokio::test]
async fn too_many_tries_are_told_how_long_to_wait() {
    let site = Site::new().await;
    site.signed_in(Role::Caller).await;
    let mut browser = site.browser();
    let mut last = None;
    for _ in 0..12 {
        let form = [("name", "caller"), ("password", "not this")];
        last = Some(browser.post("/login", &form).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.headers.contains_key("retry-after"));
    last.assert_says("There were too many failed logins");
}

#[tokio::test]
async fn signing_in_leads_back_within_the_site_and_signing_out_ends_the_session() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Caller).await;
    let stolen = browser.clone();
    assert_eq!(browser.get("/login").await.leads_to(), "/");
    assert_eq!(browser.post("/logout", &[]).await.leads_to(), "/login");
    for mut browser in [browser.clone(), stolen] {
        let to = browser.get("/leads?status=new").await;
        assert_eq!(to.leads_to(), "/login?next=%2Fleads%3Fstatus%3Dnew");
    }
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let form = [("name", "caller"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/login", &form).await.leads_to(), "/");
    }
}

#[tokio::test]
async fn somebody_who_was_disabled_is_out_at_once() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Caller).await;
    site.signed_in(Role::Admin).await;
    let caller = site.app.user_by_name("caller").await.unwrap();
    let system = Actor::system();
    site.app
        .disable_user(&system, &caller.id, true)
        .await
        .unwrap();
    assert_eq!(
        browser.get("/leads").await.leads_to(),
        "/login?next=%2Fleads"
    );
}

#[tokio::test]
async fn a_theme_is_kept_and_leads_back() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Caller).await;
    let form = [("theme", "dark"), ("back", "/leads?q=a")];
    let answer = browser.post("/theme", &form).await;
    assert_eq!(answer.leads_to(), "/leads?q=a");
    assert!(browser.page("/leads").await.contains("data-theme=\"dark\""));
}
