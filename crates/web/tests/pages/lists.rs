//! The search over providers, and saving what it finds.

use axum::http::StatusCode;
use canvass_model::{LeadFilter, ProviderFilter, Role, Total};

use crate::form::{Form, unescaped};
use crate::world::Site;

const SAVE: &str = "/providers/save-all";

async fn leads(site: &Site) -> u64 {
    let total = site.app.count_leads(&LeadFilter::all()).await.unwrap();
    total.count
}

async fn of_state(site: &Site, state: &str) -> u64 {
    let filter = ProviderFilter {
        state: vec![state.to_owned()],
        ..ProviderFilter::default()
    };
    let Total { count, exact } = site.app.count(&filter).await.unwrap();
    assert!(exact && count > 2, "{count} in {state}");
    count
}

#[tokio::test]
async fn a_page_without_data_says_what_to_do_next() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    for (path, words) in [
        ("/providers", "No providers yet"),
        ("/providers?q=smith", "No provider matches"),
        ("/leads", "No leads yet"),
        ("/leads?status=new", "No lead matches"),
        ("/sync", "Nothing was pulled yet"),
        ("/team", "manager"),
    ] {
        assert!(browser.page(path).await.contains(words), "{path}");
    }
}

#[tokio::test]
async fn a_search_shows_its_filters_its_count_and_its_pages() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let count = of_state(&site, "CA").await;
    let page = browser.page("/providers?state=CA&limit=5").await;
    assert!(page.contains(&format!("<strong>{count}</strong> providers")));
    assert!(page.contains("title=\"Remove California\""));
    let next = page.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    assert!(next.starts_with("/providers?state=CA&limit=5&cursor="));
    let second = browser.page(&next).await;
    let rows = |page: &str| -> Vec<String> {
        let links = page.split("<a href=\"/providers/").skip(1);
        links.map(|l| l[..10].to_owned()).collect()
    };
    assert_eq!(rows(&page).len(), 5);
    assert!(rows(&second).iter().all(|npi| !rows(&page).contains(npi)));
    let part = browser.part("/providers?state=CA&limit=5", "results").await;
    assert!(
        part.text
            .starts_with("<section class=\"panel fade\" id=\"results\"")
    );
    assert_eq!(rows(&part.text), rows(&page));
}

#[tokio::test]
async fn a_search_that_is_wrong_is_shown_again_with_its_values() {
    let site = Site::with_providers(20).await;
    let mut browser = site.signed_in(Role::Caller).await;
    for (path, value, words) in [
        (
            "/providers?q=smith&state=Calfornia",
            "Calfornia",
            "is no state; write two letters, as in CA.",
        ),
        (
            "/providers?q=smith&specialty=Cardiolgy",
            "Cardiolgy",
            "the nearest are Cardiology",
        ),
        ("/leads?q=smith&state=X", "value=\"X\"", "two letters"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        answer.assert_says("value=\"smith\"");
        answer.assert_says(value);
        answer.assert_says(words);
        answer.assert_says("aria-invalid=\"true\"");
    }
    for path in ["/providers?cursor=x", "/leads?limit=0", "/leads?sort=up"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        answer.assert_says(
            "The search can&#39;t be understood"
                .replace("&#39;", "'")
                .as_str(),
        );
    }
    // The name of a state is as good as its letters, and what nobody knows does no harm.
    browser.page("/providers?state=new+york&utm_source=x").await;
}

#[tokio::test]
async fn the_rarer_filters_are_unfolded_told_and_kept() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let path = "/providers?near=Fresno,+CA&radius_miles=100&licensed_in=california\
                &enumerated_since=2010-01-31&has_fax=yes";
    let page = browser.page(path).await;
    let mut filter = ProviderFilter::default();
    for (name, value) in [
        ("near", "Fresno, CA"),
        ("radius_miles", "100"),
        ("licensed_in", "CA"),
        ("enumerated_since", "2010-01-31"),
        ("has_fax", "yes"),
    ] {
        filter.set(name, value).unwrap();
    }
    let count = site.app.count(&filter).await.unwrap().count;
    assert!(count > 0);
    assert!(page.contains(&format!("<strong>{count}</strong> provider")));
    for chip in [
        "Within 100 miles of Fresno, CA",
        "Licensed in California",
        "NPI given since 31 Jan 2010",
        "With a fax",
    ] {
        assert!(page.contains(&format!("title=\"Remove {chip}\"")), "{chip}");
    }
    assert!(!page.contains("title=\"Remove Within 100 miles\""));
    assert!(page.contains("<details class=\"more\" open>"));
    let (_, filters) = page.split_once("<details class=\"filters\"").unwrap();
    let form = Form::to(filters, "/providers");
    for (name, value) in filter.pairs() {
        assert_eq!(form.get(name), Some(value.as_str()), "{name}");
    }
    // Where nothing of it is set it is folded.
    let page = browser.page("/providers?state=CA").await;
    assert!(page.contains("<details class=\"more\">"));
    let leads = browser
        .page("/leads?county=Fresno,+CA&title=director")
        .await;
    assert!(leads.contains("title=\"Remove County: Fresno, CA\""));
    assert_eq!(Form::to(&leads, "/leads").get("title"), Some("director"));
}

#[tokio::test]
async fn a_place_that_is_none_is_told_at_its_field() {
    let site = Site::with_providers(20).await;
    let mut browser = site.signed_in(Role::Caller).await;
    for (path, value, words) in [
        ("/providers?near=Fresno", "value=\"Fresno\"", "is no place"),
        ("/leads?near=00000", "value=\"00000\"", "is no place"),
        (
            "/providers?county=Fresno",
            "value=\"Fresno\"",
            "there is no county",
        ),
        (
            "/providers?licensed_in=Orgon",
            "value=\"Orgon\"",
            "two letters",
        ),
        (
            "/providers?near=93701&radius_miles=900",
            "value=\"93701\"",
            "from 1 to 500",
        ),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        answer.assert_says(value);
        let text = answer.text.to_lowercase();
        assert!(text.contains(words), "{path}");
        answer.assert_says("<details class=\"more\" open>");
        answer.assert_says("aria-invalid=\"true\"");
    }
}

/// The words of the head of the table.
fn heads(page: &str) -> Vec<&str> {
    let (head, _) = page.split_once("</thead>").unwrap();
    let cells = head.split("<th scope=\"col\"").skip(1);
    cells
        .map(|cell| cell.split(['>', '<']).nth(1).unwrap())
        .collect()
}

#[tokio::test]
async fn columns_are_chosen_and_kept_on_the_way() {
    let site = Site::with_providers(100).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/providers?q=a&limit=2").await;
    let usual = [
        "Name",
        "Specialty",
        "City, state",
        "Phone",
        "NPI",
        "Since",
        "Lead",
    ];
    assert_eq!(heads(&page), usual);
    assert!(page.contains("<span class=\"credential\">"));
    let (_, menu) = page.split_once("aria-label=\"Columns\"").unwrap();
    let (menu, _) = menu.split_once("</form>").unwrap();
    assert!(menu.contains("name=\"q\" value=\"a\"") && menu.contains("name=\"limit\" value=\"2\""));
    assert!(
        menu.contains("value=\"phone\" checked") && !menu.contains("value=\"updated_on\" checked")
    );

    // As the form asks: the name, and each box that is ticked.
    let path =
        "/providers?q=a&limit=2&columns=name&columns=updated_on&columns=city&columns=postal_code";
    let page = browser.page(path).await;
    assert_eq!(heads(&page), ["Name", "City, state", "ZIP", "Updated"]);
    assert!(!page.contains("<span class=\"credential\">"));
    let kept = "columns=name%2Ccity%2Cpostal_code%2Cupdated_on";
    for link in [
        format!("/providers?q=a&#38;limit=2&#38;{kept}&#38;cursor="),
        format!("class=\"chip\" href=\"/providers?limit=2&#38;{kept}\""),
        format!(
            "/api/providers/export?q=a&#38;{}&#38;format=csv",
            kept.replace("city", "city%2Cstate")
        ),
    ] {
        assert!(page.contains(&link), "{link} is not in {page}");
    }
    assert!(
        !page.contains("title=\"Remove name"),
        "columns are no filter"
    );
    let (_, filters) = page.split_once("<details class=\"filters\"").unwrap();
    let filters = Form::to(filters, "/providers");
    assert_eq!(
        filters.get("columns"),
        Some("name,city,postal_code,updated_on")
    );
    let file = page.split("/api/providers/export?").nth(1).unwrap();
    let file = unescaped(file.split('"').next().unwrap());
    let file = browser.get(&format!("/api/providers/export?{file}")).await;
    assert!(
        file.text
            .starts_with("\u{feff}name,city,state,postal_code,updated_on\r\n")
    );
    let part = browser
        .part("/providers?limit=2&columns=lead", "results")
        .await;
    assert_eq!(heads(&part.text), ["Name", "Lead"]);
    assert_eq!(
        heads(&browser.page("/providers?columns=name").await),
        ["Name"]
    );

    let odd = browser.get("/providers?columns=npi,fax").await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    odd.assert_says("There is no column “fax”; there are name, credential, specialty,");
}

#[tokio::test]
async fn pages_say_their_keys() {
    let site = Site::with_providers(100).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page("/providers?limit=5").await;
    let keys = |key: &str| format!("aria-keyshortcuts=\"{key}\"");
    assert!(page.contains(&keys("]")) && page.contains("title=\"Next page, key ]\""));
    assert!(!page.contains(&keys("[")), "there is no page before");
    assert!(page.contains(&keys("/")));
    let next = page.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = unescaped(next.split('"').next().unwrap());
    let second = browser.page(&next).await;
    assert!(second.contains(&keys("[")) && second.contains("title=\"First page, key [\""));
}

#[tokio::test]
async fn an_npi_leads_to_its_provider() {
    let site = Site::with_providers(20).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page("/providers").await;
    let npi = &page.split("<a href=\"/providers/").nth(1).unwrap()[..10];
    let answer = browser.get(&format!("/providers?q={npi}")).await;
    assert_eq!(answer.leads_to(), format!("/providers/{npi}"));
    let shown = browser.follow(&answer).await;
    assert!(shown.contains(npi) && shown.contains("Not a lead."));
    browser.page("/providers?q=1234567893").await;
}

#[tokio::test]
async fn saving_a_search_makes_leads_once_and_shows_the_receipt() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let count = of_state(&site, "CA").await;
    let page = browser.page("/providers?state=CA").await;
    assert!(page.contains(&format!("Save {count} as leads")));
    let form = Form::to(&page, SAVE);

    let saved = browser.send(&form).await;
    assert_eq!(saved.leads_to(), "/providers?state=CA");
    let after = browser.follow(&saved).await;
    assert!(after.contains(&format!("Saved {count} providers as leads.")));
    assert!(after.contains("all are leads"));
    assert!(!after.contains("<button class=\"button primary\" type=\"submit\">Save"));
    assert_eq!(leads(&site).await, count);
    let later = browser.page("/providers?state=CA").await;
    assert!(
        !later.contains("providers as leads."),
        "a receipt shows once"
    );

    // The same form once more, as when a button is pressed twice.
    let again = browser.send(&form).await;
    let again = browser.follow(&again).await;
    assert!(again.contains(&format!("Saved {count} providers as leads.")));
    assert_eq!(leads(&site).await, count);
    // The same key with something else is no repetition.
    let other = browser.send(&form.with("state", "NV")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    other.assert_says("Nothing was saved now.");
    assert_eq!(leads(&site).await, count);
}

#[tokio::test]
async fn a_script_gets_the_results_with_the_receipt() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/providers?state=CA&limit=3").await;
    let form = Form::to(&page, SAVE);
    let part = browser.send_part(&form, "results").await;
    assert_eq!(part.status, StatusCode::OK);
    assert!(part.text.starts_with("<section"));
    part.assert_says("providers as leads.");
    part.assert_says("/providers?state=CA&#38;limit=3&#38;cursor=");
}

#[tokio::test]
async fn picked_rows_are_saved_and_none_is_not_everything() {
    let site = Site::with_providers(50).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/providers").await;
    let picked = page.find("id=\"picked\"").unwrap();
    let form = Form::to(&page[picked - 10..], SAVE);
    assert!(form.get("of").is_none());

    let none = browser.send(&form).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(leads(&site).await, 0);

    let mut two = form;
    for value in page.split("name=\"npi\" value=\"").skip(1).take(2) {
        two.fields.push(("npi".to_owned(), value[..10].to_owned()));
    }
    let saved = browser.send(&two).await;
    let after = browser.follow(&saved).await;
    assert!(after.contains("Saved 2 providers as leads."));
    assert_eq!(leads(&site).await, 2);
}

#[tokio::test]
async fn a_part_of_a_search_that_is_not_known_saves_nothing() {
    let site = Site::with_providers(50).await;
    let mut browser = site.signed_in(Role::Manager).await;
    for part in [("sate", "CA"), ("state", "Calfornia")] {
        let answer = browser.post(SAVE, &[("of", "search"), part]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{part:?}");
    }
    assert_eq!(leads(&site).await, 0);
}

#[tokio::test]
async fn one_provider_is_saved_from_its_page() {
    let site = Site::with_providers(20).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/providers").await;
    let npi = page.split("<a href=\"/providers/").nth(1).unwrap()[..10].to_owned();
    let page = browser.page(&format!("/providers/{npi}")).await;
    let saved = browser.send(&Form::to(&page, SAVE)).await;
    assert_eq!(saved.leads_to(), format!("/providers/{npi}"));
    let after = browser.follow(&saved).await;
    assert!(after.contains("Saved 1 provider as a lead."));
    assert!(after.contains(&format!("href=\"/leads/{npi}\"")));
}
