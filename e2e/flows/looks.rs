//! How every page stands on a desk and on a telephone, by day and by night: nothing that axe finds,
//! nothing that the browser complains about, nothing wider than the window.
//!
//! With `CANVASS_PICTURES` set to a folder, the pictures of the README are written there.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::{
    axe::{self, Rules},
    browser::{Browser, Scripts, Width, key},
    world::{ADMIN, PASSWORD, World},
};

/// Looks at pages and remembers what is wrong with them.
struct Critic<'a> {
    browser: &'a Browser,
    pictures: Option<PathBuf>,
    wrong: Vec<String>,
}

impl Critic<'_> {
    /// Looks at the page that is open, in every width and light.
    fn look(&mut self, what: &str) {
        for (width, dark) in [
            (Width::Wide, false),
            (Width::Wide, true),
            (Width::Narrow, true),
            (Width::Narrow, false),
        ] {
            self.browser.look(width, dark);
            let light = if dark { "dark" } else { "light" };
            let rules = if dark { Rules::Colours } else { Rules::All };
            let found = axe::violations(self.browser, rules);
            let found = found
                .iter()
                .map(|v| format!("{what}, {width:?}, {light}: {v:#}"));
            self.wrong.extend(found);
            // The layout of a telephone grows with what overflows, its width on paper does not.
            let paper = if width == Width::Wide { 1280 } else { 390 };
            let wide = self
                .browser
                .eval("document.documentElement.scrollWidth", &[]);
            if wide.as_u64() > Some(paper) {
                let wide = format!("{what}, {width:?}: the page is {wide} wide");
                self.wrong.push(wide);
            }
        }
        self.browser.look(Width::Wide, false);
        let complaints = self.browser.complaints();
        let complaints = complaints.iter().map(|c| format!("{what}: {c}"));
        self.wrong.extend(complaints);
    }

    /// Opens a page, and looks at it.
    fn open(&mut self, what: &str, path: &str) {
        self.browser.open(path);
        self.look(what);
    }

    /// Takes a picture of the page that is open, where pictures are wanted.
    fn picture(&self, name: &str, width: Width, dark: bool) {
        let Some(folder) = &self.pictures else { return };
        self.browser.look(width, dark);
        self.browser
            .run("window.scrollTo(0, 0); document.activeElement?.blur()", &[]);
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.browser.picture()).unwrap();
        self.browser.look(Width::Wide, false);
    }
}

#[test]
fn every_page_stands_in_every_width_and_light() {
    let mut world = World::new(300);
    let code = world.set_up_code();
    let browser = world.browser(Scripts::On);
    let mut critic = Critic {
        browser: &browser,
        pictures: std::env::var_os("CANVASS_PICTURES").map(|folder| {
            // Tests run in the folder of their crate.
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .join(folder)
        }),
        wrong: Vec::new(),
    };

    critic.open("set-up", "/setup");
    browser.fill("#code", &code);
    browser.fill("#name", ADMIN);
    browser.fill("#password", PASSWORD);
    browser.click("button[type=submit]");
    browser.until_text("h1", "Sync");
    critic.look("sync, nothing yet");
    critic.open("providers, nothing yet", "/providers");
    critic.open("leads, nothing yet", "/leads");

    sync(&mut critic, &world);
    providers(&mut critic);
    leads(&mut critic, &world);
    team(&mut critic, &world);

    browser.sign_out();
    browser.until_text("h1", "Sign in");
    critic.look("sign in");

    let wrong = std::mem::take(&mut critic.wrong);
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );

    // What is looked for would be found.
    browser.run(FAULTS, &[]);
    critic.look("faults");
    let wrong = critic.wrong.join("\n");
    for fault in [
        "image-alt",
        "Wide, light: {\n  \"help\": \"Elements must meet",
        "Narrow, dark: {\n  \"help\": \"Elements must meet",
        "the page is 1400 wide",
        "violates the following Content Security Policy",
    ] {
        assert!(wrong.contains(fault), "{fault} was overlooked: {wrong}");
    }
}

/// A picture without words, words that nobody can read, a page that is too wide, a script that the
/// policy stops.
const FAULTS: &str = "
    document.querySelector('main').insertAdjacentHTML('beforeend',
      '<img src=\"/favicon.ico\"><p id=pale>pale</p><div id=wide>wide</div>');
    document.querySelector('#pale').style.cssText = 'color: #777; background: #707070';
    document.querySelector('#wide').style.cssText = 'width: 1400px; position: absolute; left: 0';
    const script = document.createElement('script');
    script.textContent = 'window.evil = true';
    document.body.append(script);
";

fn sync(critic: &mut Critic, world: &World) {
    let browser = critic.browser;
    browser.open("/sync");
    browser.click("#sync-form a.chip[href*='Medical+Officer']");
    browser.until_text("#sync-form .chips", "Medical Officer");
    browser.click("#sync-form button.primary");
    browser.until("document.querySelector('.panel-lines .good') !== null");
    // Stopped in the middle, so that there is time to look.
    world.registry_pauses(true);
    critic.picture("sync-running", Width::Wide, false);
    critic.look("sync, running");
    critic.open("syncs, one running", "/sync");
    world.registry_pauses(false);
    browser.until("document.querySelector('#history tbody tr') !== null || (document.querySelector('[data-live]') ?? location.reload()) && false");
    critic.look("syncs, with history");
    browser.click("#history tbody a");
    browser.until_text("h1", "Sync run");
    critic.picture("sync", Width::Wide, false);
    critic.look("sync, finished");
}

/// A search with leads and others among what it finds.
const SEARCH: &str = "/providers?state=CA&state=TX&has_phone=yes";

fn providers(critic: &mut Critic) {
    let browser = critic.browser;
    browser.open("/providers?state=TX&limit=12");
    browser.click("#results form[hx-post] button.primary");
    browser.until("document.querySelector('.receipt-parts') !== null");
    critic.look("providers, saved as leads");
    critic.open("providers", &format!("{SEARCH}&limit=12"));
    browser.click("#results .pick:not(:disabled)");
    browser.click(".results-head > details.menu:last-child > summary");
    critic.look("providers, one picked, exporting");
    browser.press(&[key::ESCAPE]);
    browser.click("#saved");
    browser.fill("#search-name", "Texans and Californians");
    browser.press(&[key::ENTER]);
    browser.until_text(".notice", "is saved");
    browser.click("#saved");
    critic.look("providers, saved searches");
    browser.press(&[key::ESCAPE]);
    browser.click(".results-head > details.menu:nth-last-child(2) > summary");
    critic.look("providers, choosing columns");
    critic.open(
        "providers, with every column",
        "/providers?limit=12&columns=credential,specialty,taxonomy,city,postal_code,phone,npi,\
         enumerated_on,updated_on,lead",
    );
    browser.press(&['?']);
    browser.until("document.querySelector('#keys').open");
    critic.look("keys");
    browser.press(&[key::ESCAPE]);
    critic.open("providers, none found", "/providers?q=zzzz");
    critic.open("providers on a map", "/providers?view=map");
    critic.picture("map", Width::Wide, false);
    critic.open("providers on a map of ZIP areas", "/providers?view=zips");
    critic.open(
        "providers of a state on a map",
        "/providers?view=map&state=CA",
    );
    critic.picture("map-dark", Width::Wide, true);
    browser.open("/providers?entity=individual&lead=yes");
    browser.click("#results td.name a");
    browser.until_text("h1", "Provider");
    critic.picture("provider", Width::Wide, false);
    critic.look("provider");
    critic.open_refused("provider that does not exist", "/providers/1234567893", 404);
    critic.open_refused(
        "search that is not understood",
        "/providers?updated_since=soon",
        422,
    );
}

impl Critic<'_> {
    /// Opens a page that is refused with this status, and looks at it.
    fn open_refused(&mut self, what: &str, path: &str, status: u16) {
        self.browser.open(path);
        self.browser.assert_refused(status);
        self.look(what);
    }
}

fn leads(critic: &mut Critic, world: &World) {
    let browser = critic.browser;
    world.add_user("Lee Park", "manager");
    world.add_user("Kim Ito", "caller");
    world.add_user("Noor Haddad", "caller");
    let lead = work_leads(world);

    critic.open("leads", "/leads?limit=12");
    browser.open("/leads");
    critic.picture("leads", Width::Wide, false);
    critic.picture("leads-dark", Width::Wide, true);
    critic.picture("leads-phone", Width::Narrow, false);
    browser.open("/leads?limit=12");
    browser.click("[data-row]:nth-child(2) [data-notes]");
    browser.until("document.querySelector('[data-row] textarea') !== null");
    browser.click("a[href='#import']");
    critic.look("leads, a note being written, import open");
    critic.open("lead", &format!("/leads/{lead}"));
    critic.picture("lead", Width::Wide, false);
    browser.open(SEARCH);
    critic.picture("providers", Width::Wide, false);
    critic.picture("providers-dark", Width::Wide, true);
    critic.picture("providers-phone", Width::Narrow, false);
}

fn team(critic: &mut Critic, world: &World) {
    let browser = critic.browser;
    world.canvass(&["user", "disable", "Noor Haddad"]);
    browser.open("/team");
    browser.fill("#token-name", "Nightly export");
    browser.click("#tokens form button");
    browser.until("document.querySelector('.secret input') !== null");
    critic.look("team, with a new token");
    browser.open("/team");
    critic.picture("team", Width::Wide, false);
    browser.click("#users details.menu > summary");
    critic.look("team, changing somebody");
}

/// A day's work on the leads of a world: returns the NPI of the one with the longest history.
fn work_leads(world: &World) -> String {
    const WORK: [(&str, &str, &str, i64, &str); 9] = [
        (
            "interested",
            "Wants the brochure for both offices. Ask for Pat.",
            "Kim Ito",
            3,
            "call",
        ),
        (
            "follow_up",
            "Front desk says Thursday after lunch.",
            "Kim Ito",
            5,
            "call",
        ),
        (
            "contacted",
            "Left a message with the answering service.",
            "Lee Park",
            22,
            "call",
        ),
        (
            "converted",
            "Signed for twelve months.",
            "Lee Park",
            47,
            "both",
        ),
        ("new", "", "Kim Ito", 0, ""),
        (
            "not_interested",
            "Has somebody else until next spring.",
            "Kim Ito",
            70,
            "email",
        ),
        ("new", "", "", 0, ""),
        ("contacted", "Sent the price list.", "Lee Park", 95, "email"),
        (
            "do_not_call",
            "Asked not to be called again.",
            "Kim Ito",
            120,
            "call",
        ),
    ];
    let listed: Value = serde_json::from_str(&world.canvass(&["leads", "list", "--json"])).unwrap();
    let leads = listed["items"].as_array().unwrap();
    let mut file = "npi,status,notes,owner,last_contact_at,last_contact_method\n".to_owned();
    for (lead, work) in leads.iter().take(45).zip(WORK.iter().cycle()) {
        let (status, notes, owner, hours, how) = work;
        let npi = lead["id"].as_str().unwrap();
        let made: Timestamp = lead["created_at"].as_str().unwrap().parse().unwrap();
        let contact = match hours {
            0 => String::new(),
            _ => (made - hours.hours()).to_string(),
        };
        let row = [npi, status, notes, owner, &contact, how].join(",");
        file.push_str(&row);
        file.push('\n');
    }
    world.write("work.csv", &file);
    world.canvass(&["leads", "import", "work.csv"]);

    let npi = leads[0]["id"].as_str().unwrap();
    let token = world.canvass(&["token", "create", "--user", "Kim Ito", "--name", "headset"]);
    let bearer = format!("Bearer {}", token.trim());
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    for (kind, text) in [
        (
            "call",
            "Reached the office manager. She decides for both offices.",
        ),
        ("email", "Sent the brochure and two references."),
        ("note", "Closed on Fridays."),
    ] {
        let body = json!({ "kind": kind, "text": text }).to_string();
        let path = format!("/api/leads/{npi}/activities");
        let answer = world.ask("POST", &path, &headers, &body);
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    npi.to_owned()
}
