//! The page of one provider.

use canvass_model::{
    Address, Entity, Npi, PersonName, Phone, Provider, ProviderTaxonomy, RecordStatus, Role,
};

use crate::world::Site;

fn npi(n: u32) -> Npi {
    Npi::from_first_nine(123_456_000 + n).unwrap()
}

/// Somebody at 1200 Main Street with this last name.
fn colleague(n: u32, last: &str) -> Provider {
    let mut p = Provider::new(npi(n));
    p.entity = Some(Entity::Individual);
    p.name = PersonName {
        last: Some(last.to_owned()),
        first: Some("ANA".to_owned()),
        ..PersonName::default()
    };
    p.practice = Some(Address {
        line_1: Some("1200 MAIN ST".to_owned()),
        city: Some("FRESNO".to_owned()),
        state: Some("CA".to_owned()),
        postal_code: Some("937012204".to_owned()),
        country: Some("US".to_owned()),
        phone: Phone::parse("5595550142"),
        ..Address::default()
    });
    p.taxonomies = vec![ProviderTaxonomy {
        code: "207Q00000X".to_owned(),
        primary: true,
        ..ProviderTaxonomy::default()
    }];
    p
}

#[tokio::test]
async fn who_else_is_at_the_practice_is_told_with_the_way_to_all_of_them() {
    let site = Site::new().await;
    let mut all: Vec<Provider> = (0..13)
        .map(|n| colleague(n, &format!("NAME{n:02}")))
        .collect();
    all[12].status = RecordStatus::Deactivated;
    let mut elsewhere = colleague(20, "ELSEWHERE");
    elsewhere.practice = None;
    all.push(elsewhere);
    site.write(&all).await;
    let mut browser = site.signed_in(Role::Caller).await;

    let page = browser.page(&format!("/providers/{}", npi(3))).await;
    let (_, section) = page.split_once("id=\"colleagues\"").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    assert!(section.contains("11 others"), "{section}");
    let shown: Vec<&str> = section.split("href=\"/providers/").skip(1).collect();
    assert_eq!(shown.len(), 10);
    assert!(!section.contains("NAME03") && section.contains("NAME10"));
    assert!(!section.contains("NAME12"), "out of service");
    let to = format!("/providers?same_practice={}", npi(3));
    assert!(section.contains(&format!("href=\"{to}\"")));
    assert!(
        browser
            .page(&to)
            .await
            .contains("<strong>12</strong> providers")
    );

    // Who is out of service is not among those in service, of whom none is left out.
    let page = browser.page(&format!("/providers/{}", npi(12))).await;
    assert!(page.contains("12 others"));
    let alone = browser.page(&format!("/providers/{}", npi(20))).await;
    assert!(!alone.contains("id=\"colleagues\""));
}

#[tokio::test]
async fn each_part_says_where_it_comes_from() {
    let site = Site::new().await;
    site.write(&[colleague(1, "GARCIA")]).await;
    let mut moved = colleague(1, "LOPEZ");
    moved.practice.as_mut().unwrap().line_1 = Some("88 OAK AVE".to_owned());
    site.write(&[moved]).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page(&format!("/providers/{}", npi(1))).await;
    for section in ["Taxonomies", "Record"] {
        let (_, head) = page.split_once(&format!(">{section}</h2>")).unwrap();
        let (head, _) = head.split_once("</div>").unwrap();
        assert!(head.contains("NPPES API, <time"), "{section}: {head}");
    }
    // A value that changed says so itself.
    let (_, name) = page.split_once("<dt>Name as registered</dt>").unwrap();
    let (name, _) = name.split_once("</dd>").unwrap();
    assert!(name.contains("NPPES API, <time"), "{name}");
    let (_, kind) = page.split_once("<dt>Kind</dt>").unwrap();
    assert!(!kind.split_once("</dd>").unwrap().0.contains("<time"));
    assert!(page.contains("First seen: NPPES API, <time"));
}

#[tokio::test]
async fn the_registry_is_a_link_that_can_be_copied() {
    let site = Site::new().await;
    site.write(&[colleague(1, "GARCIA")]).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page(&format!("/providers/{}", npi(1))).await;
    let link = format!("https://npiregistry.cms.hhs.gov/provider-view/{}", npi(1));
    assert!(page.contains(&format!("href=\"{link}\"")));
    assert!(page.contains(&format!("data-copy=\"{link}\"")));
}
