//! Searching providers, and saving what was found as leads.

use serde_json::{Value, json};

use crate::{browser::Browser, browser::key, world::World};

/// How many the results say there are.
fn count(browser: &Browser) -> u64 {
    let digits: String = browser
        .text(".count strong")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap()
}

/// The cells of one column, from top to bottom.
fn column(browser: &Browser, css: &str) -> Vec<String> {
    let cells = "[...document.querySelectorAll(arguments[0])].map((c) => c.innerText.trim())";
    let cells: Value = browser.eval(cells, &[css]);
    serde_json::from_value(cells).unwrap()
}

const PLACES: &str = "#results tbody td:nth-child(4)";
const NAMES: &str = "#results tbody td.name a";

#[test]
fn a_search_is_narrowed_paged_and_saved_as_leads() {
    let world = World::stocked();
    let browser = world.browser_of_admin();
    browser.until_text("h1", "Providers");
    let everywhere = count(&browser);

    // Narrowing changes the list in place, and the address with it.
    browser.run("window.loaded = 'once'", &[]);
    browser.fill("#state", "California");
    browser.press(&[key::ENTER]);
    browser.until("location.search.includes('state=CA')");
    browser.until("document.querySelector('.results-chips')?.innerText.includes('California')");
    let californian = count(&browser);
    assert!(
        californian > 50 && californian < everywhere,
        "{californian} of {everywhere}"
    );
    // The list shows the first practice address; who is listed for another one has it in California.
    let places = column(&browser, PLACES);
    let npis = "[...document.querySelectorAll('.pick')].map((pick) => pick.value)";
    let npis: Vec<String> = serde_json::from_value(browser.eval(npis, &[])).unwrap();
    assert_eq!(places.len(), npis.len());
    let cookies = browser.cookies();
    for (place, npi) in places.iter().zip(npis) {
        if !place.ends_with(", CA") {
            let page = world.ask(
                "GET",
                &format!("/providers/{npi}"),
                &[("Cookie", &cookies)],
                "",
            );
            assert!(page.body.contains(", CA "), "{npi} of {place}: {page:?}");
        }
    }

    let first_page = column(&browser, NAMES);
    browser.click("#results a[rel=next]");
    browser.until("location.search.includes('cursor=')");
    browser.until("document.querySelector('#results a[rel=prev]') !== null");
    let second_page = column(&browser, NAMES);
    assert_eq!(first_page.len(), 50);
    assert!(!second_page.is_empty());
    assert!(second_page.iter().all(|name| !first_page.contains(name)));
    browser.click("#results a[rel=prev]");
    browser.until("document.querySelector('#results a[rel=prev]') === null");
    assert_eq!(column(&browser, NAMES), first_page);

    // A city, typed ahead, and taken away again by its chip.
    let city = places[0].trim_end_matches(", CA");
    browser.fill("#city", &city[..3]);
    browser.until("document.querySelector('[data-name=city] [role=option]') !== null");
    browser.fill("#city", city);
    browser.press(&[key::ENTER]);
    browser.until("location.search.includes('city=')");
    browser.until("document.querySelectorAll('.results-chips .chip').length === 2");
    let here = column(&browser, PLACES);
    assert!(here.contains(&places[0]), "{here:?}");
    assert!(count(&browser) < californian);
    browser.click(".results-chips .chip[href*='state=CA']");
    browser.until("document.querySelectorAll('.results-chips .chip').length === 1");
    assert_eq!(count(&browser), californian);
    assert!(!browser.path().contains("city="), "{}", browser.path());

    // Save them all; then the rest of the country, of which these are leads already.
    let save = browser.text("#results form[hx-post] button.primary");
    assert_eq!(save, format!("Save {californian} as leads"));
    browser.click("#results form[hx-post] button.primary");
    until_receipt(&browser, "new leads", californian);
    until_receipt(&browser, "were leads already", 0);
    assert!(browser.text(".count").contains("all are leads"));
    assert!(!browser.has("#results button.primary"), "nothing is left");

    browser.open("/providers");
    browser.click("#results form[hx-post] button.primary");
    until_receipt(&browser, "new leads", everywhere - californian);
    until_receipt(&browser, "were leads already", californian);
    browser.open("/providers?lead=no");
    browser.until_text("#results", "Nothing is left to save");
    browser.assert_quiet();
}

/// Waits for a receipt that counts so many under this label.
fn until_receipt(browser: &Browser, label: &str, n: u64) {
    let n = match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", n / 1000, n % 1000),
    };
    browser.until_text(".receipt-parts", &format!("{label}\n{n}\n"));
}

#[test]
fn a_provider_is_found_by_name_and_picked_alone() {
    let world = World::stocked();
    let browser = world.browser_of_admin();
    let name = browser.text(NAMES);
    let npi = browser.eval("document.querySelector('#results .pick').value", &[]);
    let npi = npi.as_str().unwrap();

    let surname = name.split([',', ' ']).next().unwrap().to_lowercase();
    browser.fill("#find", &surname);
    browser.press(&[key::ENTER]);
    browser.until("location.search.includes('q=')");
    let names = column(&browser, NAMES);
    let all = names.iter().all(|n| n.to_lowercase().contains(&surname));
    assert!(!names.is_empty() && all, "{surname}: {names:?}");

    // An NPI goes straight to its provider.
    browser.fill("#find", npi);
    browser.press(&[key::ENTER]);
    browser.until_text(".title-line", npi);
    assert_eq!(browser.path(), format!("/providers/{npi}"));

    browser.open("/providers");
    browser.click("#results .pick");
    assert_eq!(
        browser.eval(
            "document.querySelector('[data-picked-count]').textContent",
            &[]
        ),
        json!("1")
    );
    browser.click(".bar-of-picked button");
    until_receipt(&browser, "new lead", 1);
    browser.open(&format!("/leads/{npi}"));
    browser.until_text(".title-line .name", &name);
    browser.assert_quiet();
}

#[test]
fn a_result_is_looked_at_on_a_map_and_narrowed_by_what_it_is_like() {
    let world = World::stocked();
    let browser = world.browser_of_admin();
    browser.until_text("h1", "Providers");
    let everywhere = count(&browser);
    browser.click("#results .segments a[href*='view=map']");
    browser.until("document.querySelector('.map svg a') !== null");
    assert_eq!(count(&browser), everywhere);

    // A filter keeps the map, which is one of the state now.
    browser.fill("#state", "California");
    browser.press(&[key::ENTER]);
    browser.until("location.search.includes('state=CA')");
    browser.until("document.querySelector('.map .chosen') !== null");
    assert!(browser.path().contains("view=map"), "{}", browser.path());
    let californian = count(&browser);
    let narrower = column(&browser, "#facets h2");
    assert!(
        narrower.contains(&"Specialty".to_owned()) && !narrower.contains(&"State".to_owned()),
        "{narrower:?}"
    );

    // Its circles are links, as a keyboard reaches them.
    browser.run("document.querySelector('.map svg a').focus()", &[]);
    browser.press(&[key::ENTER]);
    browser.until("location.search.includes('postal_code=')");
    browser.until("document.querySelector('#results .pick') !== null");
    assert!(count(&browser) < californian);

    let promised = browser.text("#facets li:first-child b");
    browser.click("#facets li:first-child a");
    browser.until("location.search.includes('taxonomy=')");
    browser.until_text(".count strong", &promised);
    browser.assert_quiet();
}
