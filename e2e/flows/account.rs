//! The first set-up, signing out and in.

use crate::{
    browser::Scripts,
    world::{ADMIN, PASSWORD, World},
};

#[test]
fn the_first_administrator_sets_canvass_up_signs_out_and_in() {
    let mut world = World::new(0);
    let code = world.set_up_code();
    let browser = world.browser(Scripts::On);

    browser.open("/");
    assert!(
        browser.path().starts_with("/setup"),
        "nobody has access: {}",
        browser.path()
    );
    browser.fill("#code", "not-the-code");
    browser.fill("#name", ADMIN);
    browser.fill("#password", PASSWORD);
    browser.click("button[type=submit]");
    browser.until_text("#code-wrong", "not the code that the console shows");
    browser.assert_refused(422);

    browser.fill("#code", &code);
    browser.fill("#password", PASSWORD);
    browser.click("button[type=submit]");
    browser.until_text("h1", "Sync");
    assert_eq!(browser.path(), "/sync", "nothing is stored yet");

    browser.sign_out();
    browser.until_text("h1", "Sign in");
    browser.open("/leads");
    assert!(browser.path().starts_with("/login"), "{}", browser.path());
    browser.assert_quiet();

    browser.sign_in(ADMIN, "a wrong password");
    browser.until_text(".form-error", "name or the password is wrong");
    browser.assert_refused(401);
    browser.sign_in(ADMIN, PASSWORD);
    browser.until_text("h1", "Sync");

    browser.open("/setup");
    assert_ne!(browser.path(), "/setup", "it is done once");
    browser.assert_quiet();
}
