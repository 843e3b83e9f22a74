//! What comes from outside is never markup.

use canvass_app::Actor;
use canvass_model::{
    Address, Entity, LeadPatch, Npi, PersonName, Provider, ProviderTaxonomy, Role,
};

use crate::world::{Answer, PASSWORD, Site};

const SCRIPT: &str = "<script>alert(1)</script>";
const QUOTES: &str = "\"'></textarea><img src=x onerror=alert(1)>";

fn hostile() -> Provider {
    let mut p = Provider::new("1234567893".parse::<Npi>().unwrap());
    p.entity = Some(Entity::Individual);
    p.name = PersonName {
        last: Some(SCRIPT.to_owned()),
        first: Some(QUOTES.to_owned()),
        credential: Some(SCRIPT.to_owned()),
        ..PersonName::default()
    };
    p.practice = Some(Address {
        line_1: Some(SCRIPT.to_owned()),
        city: Some(QUOTES.to_owned()),
        state: Some("CA".to_owned()),
        ..Address::default()
    });
    p.taxonomies = vec![ProviderTaxonomy {
        code: "207Q00000X".to_owned(),
        primary: true,
        license: Some(QUOTES.to_owned()),
        ..ProviderTaxonomy::default()
    }];
    p
}

fn assert_inert(what: &str, answer: &Answer, shows: bool) {
    let html = &answer.text;
    for live in ["<script>", "<img src=x", "\"'>", "</textarea><img"] {
        assert!(!html.contains(live), "{what}: {live} in {html}");
    }
    let scripts = html.matches("<script").count();
    assert_eq!(
        scripts,
        html.matches("<script src=\"/assets/").count(),
        "{what}"
    );
    assert_eq!(shows, html.contains("&#60;script&#62;"), "{what}: {html}");
}

#[tokio::test]
async fn names_notes_and_what_is_typed_are_escaped_everywhere() {
    let site = Site::new().await;
    site.write(&[hostile()]).await;
    let npi = hostile().npi;
    site.save(&[npi]).await;
    let system = Actor::system();
    let named = format!("{SCRIPT} {QUOTES}");
    let added = site
        .app
        .add_user(&system, &named, PASSWORD, Role::Caller)
        .await;
    let owner = added.unwrap();
    let patch = LeadPatch {
        notes: Some(format!("{QUOTES}\n{SCRIPT}")),
        owner_id: Some(Some(owner.id)),
        ..LeadPatch::default()
    };
    site.app
        .patch_lead(&system, npi, patch, None)
        .await
        .unwrap();
    let mut browser = site.signed_in(Role::Admin).await;
    let encoded = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in [
        "/providers".to_owned(),
        format!("/providers/{npi}"),
        "/leads".to_owned(),
        format!("/leads/{npi}"),
        format!("/leads/{npi}/row?edit=notes"),
        "/team".to_owned(),
        format!("/providers?q={encoded}"),
        format!("/providers?city={encoded}&state={encoded}&specialty={encoded}"),
        format!("/leads?q={encoded}&status={encoded}"),
        format!("/sync?specialties={encoded}&city={encoded}&postal_code={encoded}"),
    ] {
        let answer = browser.get(&path).await;
        assert_inert(&path, &answer, true);
    }
    for (path, pairs) in [
        ("/login", vec![("name", SCRIPT), ("next", QUOTES)]),
        ("/sync", vec![("specialties", SCRIPT), ("city", QUOTES)]),
        ("/team/users", vec![("name", SCRIPT), ("role", QUOTES)]),
        (
            "/leads/1234567893",
            vec![("version", "1"), ("notes", SCRIPT), ("status", QUOTES)],
        ),
        (
            "/leads/1234567893/activities",
            vec![("kind", QUOTES), ("text", SCRIPT)],
        ),
    ] {
        let answer = browser.post(path, &pairs).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert_inert(path, &answer, true);
    }
    let missing = browser.get("/leads/%3Cscript%3E").await;
    assert_inert("an unknown lead", &missing, false);
}
