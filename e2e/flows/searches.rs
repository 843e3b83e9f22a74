//! Searches that are kept, and the columns of what they find.

use serde_json::json;

use crate::{browser::key, world::World};

const MENU: &str = "#results details.saved";

#[test]
fn a_search_is_kept_opened_and_deleted_in_place() {
    let world = World::stocked();
    let browser = world.browser_of_admin();
    browser.open("/providers?state=CA&sort=city");
    browser.run("window.loaded = 'once'", &[]);
    let focused = |what: &str| {
        browser.until(&format!(
            "document.activeElement?.matches({}) === true",
            json!(what)
        ));
    };

    browser.click("#saved");
    browser.fill("#search-name", "Californians");
    browser.press(&[key::ENTER]);
    browser.until_text(".notice", "The search “Californians” is saved.");
    focused("#saved");
    browser.assert_quiet();

    // The name is taken now: the menu stays open and says so where one types.
    browser.click("#saved");
    browser.fill("#search-name", "californians");
    browser.press(&[key::ENTER]);
    browser.until_text(MENU, "You have a search of this name already");
    focused("#search-name");
    browser.assert_refused(422);
    assert_eq!(browser.eval("window.loaded", &[]), json!("once"));
    assert_eq!(browser.path(), "/providers?state=CA&sort=city");

    browser.open("/providers");
    browser.click("#saved");
    browser.click("#results .menu-line a");
    browser.until("location.search === '?state=CA&sort=city'");
    browser.until_text(".results-chips", "California");
    browser.click("#saved");
    browser.click("#results .menu-line button");
    browser.answer_the_question();
    browser.until_text(".notice", "The search “Californians” is deleted.");
    browser.until("document.querySelector('#results .menu-line') === null");
    browser.assert_quiet();
}

#[test]
fn chosen_columns_stay_while_one_searches() {
    let world = World::stocked();
    let browser = world.browser_of_admin();
    browser.open("/providers?state=CA");
    let heads =
        "[...document.querySelectorAll('#results th[scope=col]')].map((th) => th.textContent)";
    browser.click("#results details.menu:nth-of-type(2) > summary");
    browser.click("#results input[name=columns][value=specialty]");
    browser.click("#results input[name=columns][value=updated_on]");
    browser.click("#results form[aria-label=Columns] button");
    browser.until("location.search.includes('columns=')");
    let wanted = json!([
        "Name",
        "City, state",
        "Phone",
        "NPI",
        "Since",
        "Updated",
        "Lead"
    ]);
    assert_eq!(browser.eval(heads, &[]), wanted);

    // A filter, and a page, keep them.
    browser.fill(".filters #postal_code", "9");
    browser.press(&[key::ENTER]);
    browser.until_text(".results-chips", "ZIP 9");
    browser.until("location.search.includes('columns=')");
    assert_eq!(browser.eval(heads, &[]), wanted);
    browser.run("document.activeElement.blur()", &[]);
    browser.press(&[']']);
    browser.until("location.search.includes('cursor=')");
    browser.until("document.querySelector('#results a[rel=prev]') !== null");
    assert_eq!(browser.eval(heads, &[]), wanted);
    browser.assert_quiet();
}
