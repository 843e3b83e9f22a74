use axum::http::StatusCode;
use canvass_model::Role;

use crate::form::Form;
use crate::world::{PASSWORD, Site};

#[tokio::test]
async fn an_administrator_gives_access_and_takes_it() {
    let site = Site::new().await;
    let mut admin = site.signed_in(Role::Admin).await;
    let page = admin.page("/team").await;
    let form = Form::to(&page, "/team/users").with("name", "Kim");
    let short = admin.send(&form.clone().with("password", "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    short.assert_says("At least 10 characters.");
    short.assert_says("value=\"Kim\"");
    let form = form.with("password", PASSWORD).with("role", "manager");
    let added = admin.send(&form).await;
    let page = admin.follow(&added).await;
    assert!(page.contains("Kim is on the team."));
    let taken = admin.send(&form).await;
    taken.assert_says("Somebody has this name already.");

    // Whose password a form sets is told to what keeps passwords.
    for name in ["admin", "Kim"] {
        let told = format!("autocomplete=\"username\" value=\"{name}\" hidden>");
        assert_eq!(page.matches(&told).count(), 1, "{name}");
    }

    let kim = site.app.user_by_name("Kim").await.unwrap();
    let act = |what: &str| format!("/team/users/{}/{what}", kim.id);
    let role = Form::to(&page, &act("role"));
    assert_eq!(role.get("role"), Some("manager"));
    let changed = admin.send(&role.with("role", "caller")).await;
    assert!(admin.follow(&changed).await.contains("Kim is caller now."));

    let mut browser = site.browser();
    let login = [("name", "Kim"), ("password", PASSWORD)];
    browser.post("/login", &login).await.leads_to();
    admin.post(&act("disable"), &[]).await.leads_to();
    assert!(browser.get("/leads").await.leads_to().starts_with("/login"));
    let refused = browser.post("/login", &login).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    admin.post(&act("enable"), &[]).await.leads_to();
    let new = [("password", "another long password")];
    admin.post(&act("password"), &new).await.leads_to();
    let login = [("name", "Kim"), ("password", "another long password")];
    browser.post("/login", &login).await.leads_to();
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let site = Site::new().await;
    let mut admin = site.signed_in(Role::Admin).await;
    let me = site.app.user_by_name("admin").await.unwrap();
    let path = format!("/team/users/{}/role", me.id);
    let answer = admin.post(&path, &[("role", "caller")]).await;
    let page = admin.follow(&answer).await;
    assert!(page.contains("This is the last administrator"));
    assert!(page.contains("Nothing was changed."));
    let me = site.app.user_by_name("admin").await.unwrap();
    assert_eq!(me.role, Role::Admin);
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page("/team").await;
    let form = Form::to(&page, "/team/tokens").with("name", "Warehouse");
    let made = browser.send(&form).await;
    assert_eq!(made.status, StatusCode::OK);
    let secret = made.text.split("data-copy=\"").nth(1).unwrap();
    let secret = secret.split('"').next().unwrap().to_owned();
    assert!(secret.starts_with(canvass_app::TOKEN_PREFIX));
    assert!(site.app.token_user(&secret).await.unwrap().is_some());
    let page = browser.page("/team").await;
    assert!(page.contains("Warehouse") && !page.contains(&secret));

    // Somebody else's token is not theirs to see or to revoke.
    let id = page.split("/team/tokens/").nth(1).unwrap();
    let id = id.split('/').next().unwrap();
    let mut manager = site.signed_in(Role::Manager).await;
    assert!(!manager.page("/team").await.contains("Warehouse"));
    let form = Form::to(&page, &format!("/team/tokens/{id}/revoke"));
    assert_eq!(manager.send(&form).await.status, StatusCode::FORBIDDEN);
    assert!(site.app.token_user(&secret).await.unwrap().is_some());
    browser.send(&form).await.leads_to();
    assert!(site.app.token_user(&secret).await.unwrap().is_none());

    let nameless = browser.post("/team/tokens", &[("name", " ")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    nameless.assert_says("From 1 to 100 characters");
}

#[tokio::test]
async fn everybody_changes_their_own_password() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Caller).await;
    let mut elsewhere = site.browser();
    let login = [("name", "caller"), ("password", PASSWORD)];
    elsewhere.post("/login", &login).await.leads_to();
    let new = "quite another one";
    let wrong = [("current", "not this"), ("password", new)];
    let answer = browser.post("/team/password", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.assert_says("This is not your password.");
    let right = [("current", PASSWORD), ("password", new)];
    let answer = browser.post("/team/password", &right).await;
    let page = browser.follow(&answer).await;
    assert!(page.contains("Your password was changed."));
    assert!(
        elsewhere
            .get("/leads")
            .await
            .leads_to()
            .starts_with("/login")
    );
}
