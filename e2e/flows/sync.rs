//! Choosing what to pull, and watching it come.

use serde_json::json;

use crate::{browser::key, world::World};

#[test]
fn a_sync_is_chosen_started_and_watched_through_a_reload_to_its_end() {
    let world = World::with_admin(50);
    let browser = world.browser_of_admin();
    browser.until_text("h1", "Sync");

    // A preset, less one of it, and one typed ahead.
    browser.click("a.chip[href*='Denturist']");
    browser.until("document.querySelectorAll('#sync-form .chips label.chip').length === 3");
    browser.click("#sync-form label.chip:has(input[value=Denturist])");
    browser.fill("#specialties", "internal med");
    browser.until("document.querySelector('#sync-form [role=option]') !== null");
    browser.press(&[key::DOWN, key::ENTER]);
    let chosen = "[...document.querySelectorAll('#sync-form [name=specialties]:checked')].map((c) => c.value)";
    assert_eq!(
        browser.eval(chosen, &[]),
        json!(["Dentist", "Dental Hygienist", "Internal Medicine"])
    );
    browser.choose("#state", "CA");
    // However quick the machine is, it goes on until this was seen.
    world.registry_pauses(true);
    browser.click("#sync-form button.primary");

    browser.until_text("h1", "Sync run");
    browser.until_text(".panel-head", "California");
    assert!(browser.has("[data-live]"), "it goes on");
    browser.reload();
    assert!(browser.has("[data-live]"), "it goes on after the reload");
    browser.run("window.loaded = 'once'", &[]);
    assert!(
        !browser.has("#jobs[hidden]"),
        "the ring of the top line shows it"
    );
    world.registry_pauses(false);

    // From here to the end the page is never loaded again: events bring the progress.
    browser.until("document.querySelector('[data-ended]') !== null");
    assert_eq!(browser.eval("window.loaded", &[]), json!("once"));
    browser.until("document.querySelector('#jobs').hidden");
    browser.until_text(".panel-head", "Complete");
    let lines = browser.text(".panel-lines");
    for name in ["Dentist", "Dental Hygienist", "Internal Medicine"] {
        assert!(lines.contains(name), "{lines}");
    }
    assert_eq!(lines.matches("complete (").count(), 3, "{lines}");

    browser.open("/sync");
    browser.until_text("#history tbody tr", "Complete");
    let found = browser.text("#history tbody [data-label=Found]");
    assert_ne!(found.trim(), "0");
    browser.click("#history tbody a");
    browser.until_text("#coverage", "all that the registry holds was pulled");
    browser.click(".panel-head a[href^='/providers']");
    browser.until_text(".count", &format!("{} providers", found.trim()));
    browser.assert_quiet();
}
