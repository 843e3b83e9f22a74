//! Everything without a mouse.

use serde_json::json;

use crate::{browser::key, world::World};

#[test]
fn pages_are_worked_by_keys_alone() {
    let world = World::stocked();
    world.canvass(&["leads", "save-all", "--state", "CA"]);
    let browser = world.browser_of_admin();
    browser.until_text("h1", "Providers");
    let focused = |what: &str| {
        browser.until(&format!(
            "document.activeElement?.matches({}) === true",
            json!(what)
        ));
    };

    browser.press(&['?']);
    browser.until("document.querySelector('#keys').open");
    browser.press(&[key::ESCAPE]);
    browser.until("!document.querySelector('#keys').open");

    // The first stop leads past the rail.
    browser.press(&[key::TAB]);
    focused("a.skip");
    browser.press(&[key::ENTER]);
    focused("#main");

    browser.press(&['/']);
    focused("#find");
    browser.press(&['g', 'l']);
    assert_eq!(
        browser.eval("document.querySelector('#find').value", &[]),
        json!("gl"),
        "in a field keys are letters"
    );
    browser.press(&[key::ENTER]);
    browser.until("location.search === '?q=gl'");

    browser.press(&['g', 'l']);
    browser.until_text("h1", "Leads");
    browser.press(&['j', 'j']);
    focused("[data-row]:nth-child(2)");
    browser.press(&['k']);
    focused("[data-row]:nth-child(1)");
    browser.press(&['n']);
    focused("[data-row]:nth-child(1) textarea");
    browser.press(&['h', 'i', key::TAB]);
    focused("[data-row]:nth-child(1) button");
    browser.press(&[key::ENTER]);
    browser.until_text("[data-row]:nth-child(1) [data-notes]", "hi");
    browser.assert_quiet();

    browser.press(&['j', key::ENTER]);
    browser.until_text("h1", "Lead");

    browser.open("/providers?lead=no");
    browser.press(&['j', 'x']);
    browser.until("document.querySelectorAll('.pick:checked').length === 1");
    browser.press(&[']']);
    browser.until("location.search.includes('cursor=')");
    browser.press(&['[']);
    browser.until("!location.search.includes('cursor=')");
    browser.assert_quiet();
}
