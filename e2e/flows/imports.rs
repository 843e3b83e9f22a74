//! Loading the registry's files.

use crate::world::World;

#[test]
fn a_month_and_a_week_are_uploaded_watched_and_found() {
    let world = World::with_admin(0);
    let generate = ["registry", "generate"];
    world.canvass(&[&generate[..], &["--rows", "20000", "--out", "files"]].concat());
    world.canvass(&[&generate[..], &["--weekly", "files", "--out", "week"]].concat());
    let zip_in = |folder: &str, part: &str| {
        let files = std::fs::read_dir(world.file(folder)).unwrap();
        let mut paths = files.map(|file| file.unwrap().path());
        let named = |path: &std::path::PathBuf| path.to_string_lossy().contains(part);
        paths.find(named).unwrap()
    };
    world.write("letter.zip", "Dear Sir or Madam");
    let browser = world.browser_of_admin();
    let upload = |file: &std::path::Path| {
        browser.open("/sync");
        browser.pick_file("#file", file);
        // However quick the machine is, it is on its way until this was seen.
        world.server_pauses(true);
        browser.click("#files form:has(#file) button");
        browser.until_text("#files [data-sent]", "% sent");
        world.server_pauses(false);
    };

    // What is no file of the registry says so, and changes nothing.
    upload(&world.file("letter.zip"));
    browser.until_text("main", "letter.zip");
    browser.until_text("main", "Failed");

    upload(&zip_in("files", "Data_Dissemination"));
    browser.until_text("h1", "Import");
    browser.until("document.querySelector('[data-ended]') !== null");
    let panel = browser.text("[data-ended]");
    assert!(panel.contains("20,000"), "{panel}");
    browser.until_text("#run-rest", "npidata_pfile");
    browser.open("/providers?state=CA");
    browser.until_text(".count", "providers");

    // The same file again is known by its content.
    upload(&zip_in("files", "Data_Dissemination"));
    browser.until_text("main", "Loaded before");
    upload(&zip_in("week", "Weekly"));
    browser.until_text("h1", "Import");
    browser.until("document.querySelector('[data-ended]') !== null");
    browser.until_text("#run-rest", "What changed");
    browser.open("/sync");
    browser.until_text("#files tbody", "20,000");
    browser.assert_quiet();
}
