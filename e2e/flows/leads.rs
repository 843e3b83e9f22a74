//! Working leads: status, notes, the timeline, export.

use crate::world::{ADMIN, World};

#[test]
fn a_lead_changes_its_status_gets_a_note_and_is_exported() {
    let world = World::stocked();
    world.canvass(&["leads", "save-all", "--state", "CA"]);
    let browser = world.browser_of_admin();
    browser.open("/leads");
    let npi = browser.eval("document.querySelector('[data-row]').id.slice(5)", &[]);
    let npi = npi.as_str().unwrap();
    let row = format!("#lead-{npi}");

    // In the row, where it stands.
    browser.choose(&format!("{row} select[name=status]"), "interested");
    browser.until(&format!(
        "document.querySelector('{row} [name=was_status]')?.value === 'interested'"
    ));
    // The tabs count it without the page being loaded again.
    browser.until_text(".tabs a[href*='status=interested'] .n", "1");
    assert!(
        !browser.has("tbody template"),
        "what came beside the row is in its place"
    );
    browser.click(&format!("{row} [data-notes]"));
    browser.fill(
        &format!("{row} textarea"),
        "Ask for Pat, not before ten.\n=HYPERLINK(\"x\")",
    );
    browser.click(&format!("{row} button.primary"));
    browser.until_text(&format!("{row} [data-notes]"), "Ask for Pat");

    browser.click(".tabs a[href*='status=interested']");
    browser.until("document.querySelectorAll('[data-row]').length === 1");
    assert_eq!(browser.text(".count"), "1 lead");

    // What is exported is what is listed, with what was changed.
    let export = browser.eval(
        "document.querySelector('a[download][href*=\"format=csv\"]').getAttribute('href')",
        &[],
    );
    let cookies = browser.cookies();
    let answer = world.ask("GET", export.as_str().unwrap(), &[("Cookie", &cookies)], "");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-disposition: attachment"));
    let lines: Vec<&str> = answer.body.lines().collect();
    assert!(lines[0].starts_with("\u{feff}npi,name,"), "{answer:?}");
    assert!(lines[1].starts_with(&format!("{npi},")), "{answer:?}");
    assert!(lines[1].contains(",interested,"), "{answer:?}");
    assert!(answer.body.contains("Ask for Pat, not before ten."));
    assert_eq!(
        answer.body.matches("\n2").count() + answer.body.matches("\n1").count(),
        1,
        "one lead: {answer:?}"
    );

    // The page of the lead has it all, and takes more.
    browser.click(&format!("{row} .name a"));
    browser.until_text("h1", "Lead");
    let timeline = browser.text("#timeline");
    assert!(timeline.contains("Status: Interested"), "{timeline}");
    assert!(timeline.contains(ADMIN), "{timeline}");
    assert!(timeline.contains("Became a lead"), "{timeline}");
    browser.fill("#activity-text", "Called back, wants a brochure");
    browser.choose("#activity-kind", "call");
    browser.click("#activity-form button");
    browser.until_text("#timeline", "wants a brochure");
    browser.choose("#lead-form #status", "converted");
    browser.fill("#notes", "Signed.");
    browser.click("#lead-form button[type=submit]");
    browser.until_text(".notice", "Saved the lead");
    browser.until_text("#timeline", "Status: Converted");

    // An edit of what somebody else has changed meanwhile is not lost, and loses nothing.
    browser.fill("#notes", "Mine");
    let theirs = browser.eval(
        "document.querySelector('#lead-form [name=version]').value",
        &[],
    );
    let body = format!("version={}&notes=Theirs", theirs.as_str().unwrap());
    let headers = [
        ("Cookie", cookies.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let other = world.ask("POST", &format!("/leads/{npi}"), &headers, &body);
    assert_eq!(other.status, 303, "{other:?}");
    browser.assert_quiet();
    browser.click("#lead-form button[type=submit]");
    browser.until_text("#lead-form .form-error", "Somebody else changed this lead");
    browser.until_text("#lead-form .theirs", "Theirs");
    assert_eq!(
        browser.eval("document.querySelector('#notes').value", &[]),
        "Mine"
    );
    browser.assert_refused(412);
}
