//! The same with scripts off: pages are plain forms first.

use serde_json::json;

use crate::{
    browser::Scripts,
    world::{ADMIN, PASSWORD, World},
};

#[test]
fn without_scripts_every_step_from_set_up_to_a_status_works() {
    let mut world = World::new(100);
    let code = world.set_up_code();
    let browser = world.browser(Scripts::Off);

    browser.open("/");
    browser.fill("#code", &code);
    browser.fill("#name", ADMIN);
    browser.fill("#password", PASSWORD);
    browser.click("button[type=submit]");
    browser.until_text("h1", "Sync");
    assert!(!browser.has("html.scripted"), "scripts are off");
    browser.sign_out();
    browser.sign_in(ADMIN, PASSWORD);
    browser.until_text("h1", "Sync");

    // Specialties are added one by one.
    browser.fill("#specialties", "Internal Medicine");
    browser.click("#sync-form button[formmethod=get]");
    browser.until_text("#sync-form .chips", "Internal Medicine");
    browser.fill("#specialties", "Family Medicine");
    browser.click("#sync-form button[formmethod=get]");
    browser.until_text("#sync-form .chips", "Family Medicine");
    browser.choose("#state", "CA");
    browser.click("#sync-form button.primary");

    // The page loads itself again until the run is over.
    browser.until_text("h1", "Sync run");
    browser.until_text(".panel-head", "Complete");
    browser.click(".panel-head a[href^='/providers']");
    browser.until_text(".results-chips", "Found by one sync");

    browser.open("/providers");
    let all = browser.text(".count strong");
    let surname = browser.text("#results td.name a");
    let surname = surname.split([',', ' ']).next().unwrap();
    browser.fill(".filters #q", surname);
    browser.fill(".filters #state", "California");
    browser.click(".filters button[type=submit]");
    browser.until_text(".results-chips", "California");
    browser.until_text(".results-chips", surname);
    let found = browser.text(".count strong");
    assert!(found.parse::<u32>().unwrap() <= all.parse().unwrap());

    browser.open("/providers");
    browser.click("#results form[action='/providers/save-all'] button.primary");
    browser.until_text(".notice .receipt-parts", &format!("new leads\n{all}\n"));
    assert_eq!(browser.path(), "/providers");

    browser.open("/leads");
    let lead = browser.eval("document.querySelector('[data-row]').id", &[]);
    let row = format!("#{}", lead.as_str().unwrap());
    browser.choose(&format!("{row} select[name=status]"), "follow_up");
    browser.click(&format!("{row} .cell-form button"));
    browser.until_text(".notice", "Saved the lead");
    let status = "document.querySelector(arguments[0]).value";
    let select = format!("{row} select[name=status]");
    assert_eq!(browser.eval(status, &[&select]), json!("follow_up"));

    // A note is a link to the form of the lead.
    browser.click(&format!("{row} [data-notes]"));
    browser.until_text("h1", "Lead");
    browser.fill("#notes", "Written without scripts");
    browser.click("#lead-form button[type=submit]");
    browser.until_text(".notice", "Saved the lead");
    browser.open("/leads?status=follow_up");
    browser.until_text("[data-row] [data-notes]", "Written without scripts");
    browser.assert_quiet();
}
