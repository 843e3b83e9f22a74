//! Giving people and programs access, and what is closed to them.

use crate::world::{ADMIN, PASSWORD, World};

#[test]
fn a_caller_joins_a_program_gets_a_token_and_doors_stay_closed() {
    let world = World::with_admin(0);
    let browser = world.browser_of_admin();
    browser.open("/team");
    browser.fill("#new-name", "Lee Park");
    browser.fill("#new-password", "short");
    browser.click("#add-user button");
    browser.until_text("#new-password-wrong", "10");
    browser.assert_refused(422);
    assert_eq!(
        browser.eval("document.querySelector('#new-name').value", &[]),
        "Lee Park"
    );
    browser.choose("#new-role", "caller");
    browser.fill("#new-password", PASSWORD);
    browser.click("#add-user button");
    browser.until_text(".notice", "Lee Park is on the team");
    assert!(browser.text("#users").contains("Lee Park"));

    // A token is shown once, and works.
    browser.fill("#token-name", "Nightly export");
    browser.click("#tokens form button");
    browser.until("document.querySelector('.secret input') !== null");
    let secret = browser.eval("document.querySelector('.secret input').value", &[]);
    let bearer = format!("Bearer {}", secret.as_str().unwrap());
    let with_token = [("Authorization", bearer.as_str())];
    let answer = world.ask("GET", "/api/leads", &with_token, "");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["total"]["count"], 0);
    assert_eq!(world.ask("GET", "/api/leads", &[], "").status, 401);
    browser.open("/team");
    assert!(browser.text("#tokens").contains("Nightly export"));
    assert!(!browser.has(".secret"), "it is shown once");
    browser.assert_quiet();

    // Revoked, after a question.
    browser.click("#tokens td.end button");
    browser.answer_the_question();
    browser.until_text(".notice", "The token was revoked");
    assert_eq!(world.ask("GET", "/api/leads", &with_token, "").status, 401);

    // The caller sees what callers do.
    browser.sign_out();
    browser.sign_in("Lee Park", PASSWORD);
    browser.until_text("h1", "Providers");
    assert!(!browser.has(".rail a[href='/sync']"));
    browser.assert_quiet();
    browser.open("/sync");
    browser.until_text("main", "manager");
    browser.assert_refused(403);
    browser.open("/team");
    assert!(browser.has("#your-password"));
    assert!(!browser.has("#add-user"));
    let cookies = browser.cookies();
    let form = [
        ("Cookie", cookies.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let body = "name=Mallory&role=admin&password=a+long+enough+password";
    assert_eq!(world.ask("POST", "/team/users", &form, body).status, 403);
    assert_eq!(
        world
            .ask("POST", "/sync", &form, "specialties=Dentist")
            .status,
        403
    );
    browser.assert_quiet();

    // Disabled, they are out at once.
    world.canvass(&["user", "disable", "Lee Park"]);
    browser.open("/leads");
    assert!(browser.path().starts_with("/login"), "{}", browser.path());
    browser.sign_in("Lee Park", PASSWORD);
    browser.until_text(".form-error", "wrong");
    browser.assert_refused(401);
    browser.sign_in(ADMIN, PASSWORD);
    browser.until_text(".top", "Sync");
}
