//! The map of a result, and what narrows it.

use canvass_model::{Facet, ProviderFilter, Role};

use crate::form::Form;
use crate::world::Site;

fn filter(pairs: &[(&str, &str)]) -> ProviderFilter {
    let mut filter = ProviderFilter::default();
    for (name, value) in pairs {
        assert!(filter.set(name, value).unwrap());
    }
    filter
}

fn count_of(facets: &[Facet], value: &str) -> u64 {
    facets.iter().find(|f| f.value == value).unwrap().count
}

fn said(count: u64) -> String {
    match count {
        1 => "1 provider".to_owned(),
        n => format!("{n} providers"),
    }
}

#[tokio::test]
async fn a_result_is_shown_on_a_map_by_state_and_each_state_leads_to_its_own() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let table = browser.page("/providers?has_phone=yes").await;
    assert!(table.contains("href=\"/providers?has_phone=yes&#38;view=map\""));
    let page = browser.page("/providers?has_phone=yes&view=map").await;
    let with_phone = filter(&[("has_phone", "yes")]);
    let states = site.app.counts_by_state(&with_phone).await.unwrap();
    let here = count_of(&states, "CA");
    assert!(page.contains(&format!("<title>California: {}</title>", said(here))));
    let to = "/providers?has_phone=yes&#38;view=map&#38;state=CA";
    assert_eq!(
        page.matches(&format!("href=\"{to}\"")).count(),
        3,
        "on the map, in the table, and among what narrows"
    );
    assert!(!page.contains("class=\"pick\""), "a map has no rows");
    // What the link promises is what it finds.
    let narrowed = browser.page(&to.replace("&#38;", "&")).await;
    assert!(narrowed.contains(&format!("<strong>{here}</strong> provider")));
    assert!(narrowed.contains("title=\"Remove California\""));
}

#[tokio::test]
async fn a_map_of_chosen_states_has_the_areas_of_their_zip_codes() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let whole = browser.page("/providers?view=zips").await;
    assert!(whole.contains("viewBox=\"0.0 0.0 3900.0 2440.0\""));
    let of_state = browser.page("/providers?state=CA&view=map").await;
    assert!(!of_state.contains("viewBox=\"0.0 0.0 3900.0 2440.0\""));
    let californian = filter(&[("state", "CA")]);
    let zips = site.app.counts_by_zip3(&californian).await.unwrap();
    let in_state = zips.iter().find(|f| f.value.starts_with("92")).unwrap();
    let title = format!("<title>ZIP {}…", in_state.value);
    assert!(of_state.contains(&title), "{title}");
    let to = format!("/providers?state=CA&#38;postal_code={}", in_state.value);
    assert!(of_state.contains(&format!("href=\"{to}\"")));
    // It asks for one location in the state with the ZIP code, which is what the map counts but for
    // those with another location beyond the border.
    let found = filter(&[("state", "CA"), ("postal_code", &in_state.value)]);
    let found = site.app.count(&found).await.unwrap().count;
    let page = browser.page(&to.replace("&#38;", "&")).await;
    assert!(page.contains(&format!("<strong>{found}</strong> provider")));
    assert!(page.contains("class=\"table cards fixed\""), "as a list");
}

#[tokio::test]
async fn a_view_is_kept_by_filters_and_forgotten_where_there_is_none() {
    let site = Site::with_providers(50).await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/providers?view=map&sort=city").await;
    let kept = "<input type=\"hidden\" name=\"view\" value=\"map\" form=\"filters\">";
    assert!(page.contains(kept));
    assert!(page.contains("href=\"/providers?sort=city\"")); // back to the table
    assert!(
        !page.contains("title=\"Remove map\""),
        "a view is no filter"
    );
    let export = page.split("/api/providers/export?").nth(1).unwrap();
    assert!(!export.split('"').next().unwrap().contains("view="));
    // Saving everything is as possible from here, and shows the map again.
    let form = Form::to(&page, "/providers/save-all");
    assert!(form.get("view").is_none());
    let part = browser.send_part(&form, "results").await;
    part.assert_says("providers as leads.");
    part.assert_says("class=\"map-and-table\"");
    let odd = browser.page("/providers?view=globe").await;
    assert!(odd.contains("class=\"table cards fixed\""));
    let none = browser.page("/providers?view=map&q=zzzz").await;
    assert!(none.contains("No provider matches") && !none.contains("<figure class=\"map\""));
}

#[tokio::test]
async fn what_narrows_a_result_says_how_many_it_leaves() {
    let site = Site::with_providers(400).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let page = browser.page("/providers?has_phone=yes").await;
    let (_, panel) = page.split_once("id=\"facets\">").unwrap();
    let (panel, _) = panel.split_once("</details>").unwrap();
    let rows: Vec<(String, u64)> = panel
        .split("<a href=\"")
        .skip(1)
        .map(|row| {
            let href = row.split('"').next().unwrap().replace("&#38;", "&");
            let count = row.split("<b>").nth(1).unwrap();
            let count = count.split('<').next().unwrap().parse().unwrap();
            (href, count)
        })
        .collect();
    for parameter in ["taxonomy=", "state=", "city=", "entity="] {
        let (href, count) = rows.iter().find(|(to, _)| to.contains(parameter)).unwrap();
        assert!(href.starts_with("/providers?has_phone=yes&"), "{href}");
        let narrowed = browser.page(href).await;
        let says = format!("<strong>{count}</strong> provider");
        assert!(narrowed.contains(&says), "{href}: {says}");
    }
    // A code is told by its name on its chip.
    let (href, _) = rows
        .iter()
        .find(|(to, _)| to.contains("taxonomy="))
        .unwrap();
    let code = href.rsplit('=').next().unwrap();
    assert!(
        !browser
            .page(href)
            .await
            .contains(&format!("title=\"Remove {code}\""))
    );
}

#[tokio::test]
async fn what_narrows_comes_with_the_results_but_not_with_a_later_page() {
    let site = Site::with_providers(100).await;
    let mut browser = site.signed_in(Role::Caller).await;
    let first = browser.part("/providers?limit=5", "results").await;
    first.assert_says("id=\"facets\" hx-swap-oob=\"true\"");
    let next = first.text.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let later = browser.part(&next, "results").await;
    assert!(!later.text.contains("id=\"facets\""));
    let none = browser.part("/providers?q=zzzz", "results").await;
    none.assert_says("id=\"facets\" hx-swap-oob=\"true\" hidden");
    let page = browser.page(&next).await;
    assert!(page.contains("id=\"facets\">"), "a whole page has it");
}
