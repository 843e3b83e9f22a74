//! Chromium, driven through chromedriver by the WebDriver protocol.
//!
//! The few commands that are needed are spoken here directly: each is one request with a JSON body,
//! and the DevTools commands that size a window or darken a page go the same way.

use std::{
    io::ErrorKind,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http,
    process::{PATIENCE, Running},
};

/// The name under which WebDriver hands elements over.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Brings an element into view, and tells what keeps a person from clicking on it.
const REACH: &str = "
    const [element] = arguments;
    element.scrollIntoView({ block: 'center', inline: 'nearest' });
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) return 'it is not shown';
    if (element.disabled) return 'it is disabled';
    const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (there && (element.contains(there) || there.contains(element))) return null;
    return 'it is under ' + (there ? there.outerHTML.slice(0, 200) : 'the edge of the window');
";

/// Keys without a letter, as WebDriver writes them.
pub mod key {
    /// Enter.
    pub const ENTER: char = '\u{E007}';
    /// Escape.
    pub const ESCAPE: char = '\u{E00C}';
    /// The arrow that points down.
    pub const DOWN: char = '\u{E015}';
    /// Control.
    pub const CONTROL: char = '\u{E009}';
    /// Delete.
    pub const DELETE: char = '\u{E017}';
    /// The tabulator.
    pub const TAB: char = '\u{E004}';
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// They may.
    On,
    /// They may not, as with a blocker.
    Off,
}

/// How wide a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A small laptop.
    Wide,
    /// A telephone.
    Narrow,
}

/// A window of a browser with a profile of its own.
pub struct Browser {
    /// Host and port of chromedriver.
    driver: String,
    /// `/session/...`.
    session: String,
    /// Chromium's process. Its children end with it.
    process: Option<u64>,
    /// What relative addresses are under.
    site: String,
    _chromedriver: Running,
    _profile: TempDir,
}

impl Browser {
    /// Opens an empty window. `site` is the host and port of canvass.
    ///
    /// # Panics
    ///
    /// When Chromium or chromedriver are missing: the message names their packages.
    pub fn start(site: &str, scripts: Scripts) -> Self {
        let mut command = Command::new("chromedriver");
        let mut chromedriver = Running::start(command.arg("--port=0")).unwrap_or_else(|e| {
            let hint = if e.kind() == ErrorKind::NotFound {
                "; install it: Debian's package is chromium-driver"
            } else {
                ""
            };
            panic!("chromedriver does not start: {e}{hint}")
        });
        let port = chromedriver.wait_for(|lines| {
            let said = "started successfully on port ";
            let line = lines.iter().find_map(|line| line.split(said).nth(1))?;
            line.trim_end_matches('.').parse::<u16>().ok()
        });
        let driver = format!("127.0.0.1:{port}");
        let profile = tempfile::tempdir().unwrap();
        let made = call(&driver, "POST", "/session", &wishes(&profile, scripts));
        let made = made.unwrap_or_else(|e| {
            panic!("Chromium does not start: {e}\nWhere it is missing, install it: Debian's package is chromium")
        });
        let id = made["sessionId"].as_str().unwrap();
        let browser = Self {
            session: format!("/session/{id}"),
            process: made["capabilities"]["goog:processID"].as_u64(),
            driver,
            site: format!("http://{site}"),
            _chromedriver: chromedriver,
            _profile: profile,
        };
        browser.look(Width::Wide, false);
        browser
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        call(
            &self.driver,
            method,
            &format!("{}{path}", self.session),
            body,
        )
    }

    /// Runs a command of the DevTools.
    #[track_caller]
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("POST", "/goog/cdp/execute", &body).unwrap()
    }

    /// Does something until it succeeds: an element may not have come yet, or just be replaced.
    #[track_caller]
    fn persist<T>(&self, what: &str, act: impl Fn() -> Result<T, String>) -> T {
        let began = Instant::now();
        loop {
            match act() {
                Ok(value) => return value,
                Err(e) if began.elapsed() > PATIENCE / 3 => {
                    panic!("{what}: {e}\nThe page, {}:\n{}", self.path(), self.words());
                }
                Err(_) => thread::sleep(Duration::from_millis(40)),
            }
        }
    }

    /// What a person reads on the page, for messages.
    fn words(&self) -> String {
        let body = json!({ "script": "return document.body.innerText", "args": [] });
        let words = self.command("POST", "/execute/sync", &body);
        words.map_or_else(|e| e, |w| w.as_str().unwrap_or_default().to_owned())
    }

    fn find(&self, css: &str) -> Result<String, String> {
        let body = json!({ "using": "css selector", "value": css });
        let found = self.command("POST", "/element", &body)?;
        Ok(found[ELEMENT].as_str().unwrap_or_default().to_owned())
    }

    /// Opens a page of canvass.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let body = json!({ "url": format!("{}{path}", self.site) });
        self.command("POST", "/url", &body).unwrap();
    }

    /// Loads the page again.
    #[track_caller]
    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({})).unwrap();
    }

    /// Path and query of the page.
    #[track_caller]
    pub fn path(&self) -> String {
        let url = self.command("GET", "/url", &Value::Null).unwrap();
        url.as_str().unwrap().replacen(&self.site, "", 1)
    }

    /// Waits for an element that can be clicked on, and does so where a person would.
    ///
    /// WebDriver's own click holds whatever is in a closed `details` to be hidden, but the filters
    /// are in one that shows its content on wide windows.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.persist(&format!("clicking on {css}"), || {
            let element = self.find(css)?;
            let reach = json!({ "script": REACH, "args": [{ ELEMENT: element }] });
            if let Some(obstacle) = self.command("POST", "/execute/sync", &reach)?.as_str() {
                return Err(obstacle.to_owned());
            }
            let point = json!({ "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": { ELEMENT: element } });
            let press = json!({ "type": "pointerDown", "button": 0 });
            let release = json!({ "type": "pointerUp", "button": 0 });
            let body = json!({ "actions": [{ "type": "pointer", "id": "mouse", "actions": [point, press, release] }] });
            self.command("POST", "/actions", &body)
        });
    }

    /// Puts a text into a field, in place of what is there.
    #[track_caller]
    pub fn fill(&self, css: &str, text: &str) {
        self.click(css);
        let all = [
            json!({ "type": "keyDown", "value": key::CONTROL }),
            json!({ "type": "keyDown", "value": "a" }),
            json!({ "type": "keyUp", "value": "a" }),
            json!({ "type": "keyUp", "value": key::CONTROL }),
        ];
        self.strike(&all);
        self.press(&[key::DELETE]);
        let keys: Vec<char> = text
            .chars()
            .map(|c| if c == '\n' { key::ENTER } else { c })
            .collect();
        self.press(&keys);
    }

    /// Chooses an option of a select.
    #[track_caller]
    pub fn choose(&self, css: &str, value: &str) {
        let option = format!("{css} option[value=\"{value}\"]");
        self.persist(&format!("choosing {option}"), || {
            let element = self.find(&option)?;
            self.command("POST", &format!("/element/{element}/click"), &json!({}))
        });
    }

    /// Chooses a file of this machine in a field for one.
    #[track_caller]
    pub fn pick_file(&self, css: &str, file: &Path) {
        self.persist(&format!("choosing a file in {css}"), || {
            let element = self.find(css)?;
            let path = json!({ "text": file.to_str() });
            self.command("POST", &format!("/element/{element}/value"), &path)
        });
    }

    /// Presses keys, one after the other, wherever the focus is.
    #[track_caller]
    pub fn press(&self, keys: &[char]) {
        let strokes = keys.iter().flat_map(|key| {
            ["keyDown", "keyUp"].map(|stroke| json!({ "type": stroke, "value": key }))
        });
        self.strike(&strokes.collect::<Vec<_>>());
    }

    #[track_caller]
    fn strike(&self, strokes: &[Value]) {
        let body = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] });
        self.command("POST", "/actions", &body).unwrap();
    }

    /// Says yes to the question that the page asks.
    #[track_caller]
    pub fn answer_the_question(&self) {
        self.persist("saying yes", || {
            self.command("POST", "/alert/accept", &json!({}))
        });
    }

    /// What a person reads in the first element of this kind, as soon as there is one.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        self.persist(&format!("reading {css}"), || {
            let element = self.find(css)?;
            let text = self.command("GET", &format!("/element/{element}/text"), &Value::Null)?;
            Ok(text.as_str().unwrap_or_default().to_owned())
        })
    }

    /// Whether the page has an element of this kind now.
    #[track_caller]
    pub fn has(&self, css: &str) -> bool {
        self.eval("document.querySelector(arguments[0]) !== null", &[css]) == json!(true)
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn eval(&self, expression: &str, arguments: &[&str]) -> Value {
        self.run(&format!("return {expression}"), arguments)
    }

    /// Runs a script in the page. The page's policy is for its own scripts, not for these.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: &[&str]) -> Value {
        let body = json!({ "script": script, "args": arguments });
        self.command("POST", "/execute/sync", &body).unwrap()
    }

    /// Runs a script that ends by calling its last argument, and returns what it is called with.
    #[track_caller]
    pub fn run_async(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.command("POST", "/execute/async", &body).unwrap()
    }

    /// Waits until an expression is true in the page, whichever page that is by then.
    #[track_caller]
    pub fn until(&self, expression: &str) {
        let body = json!({ "script": format!("return {expression}"), "args": [] });
        self.persist(&format!("waiting until {expression}"), || {
            match self.command("POST", "/execute/sync", &body)? {
                Value::Bool(true) => Ok(()),
                other => Err(format!("it is {other}")),
            }
        });
    }

    /// Waits for the element of this kind to read like this.
    #[track_caller]
    pub fn until_text(&self, css: &str, wanted: &str) {
        self.persist(&format!("waiting for {wanted:?} in {css}"), || {
            let element = self.find(css)?;
            let text = self.command("GET", &format!("/element/{element}/text"), &Value::Null)?;
            let text = text.as_str().unwrap_or_default();
            if text.contains(wanted) {
                Ok(())
            } else {
                Err(format!("it reads {text:?}"))
            }
        });
    }

    /// The cookies of the site, as a request has them.
    #[track_caller]
    pub fn cookies(&self) -> String {
        let all = self.command("GET", "/cookie", &Value::Null).unwrap();
        let all = all.as_array().unwrap().iter();
        let pair = |c: &Value| {
            let part = |name: &str| c[name].as_str().unwrap_or_default().to_owned();
            format!("{}={}", part("name"), part("value"))
        };
        all.map(pair).collect::<Vec<_>>().join("; ")
    }

    /// Signs in from the page where one does.
    #[track_caller]
    pub fn sign_in(&self, name: &str, password: &str) {
        self.open("/login");
        self.fill("#name", name);
        self.fill("#password", password);
        self.click("button[type=submit]");
        self.until("document.querySelector('.rail, .form-error') !== null");
    }

    /// Signs out by the menu of the shell.
    #[track_caller]
    pub fn sign_out(&self) {
        self.click(".top .menu > summary");
        self.click("form[action='/logout'] button");
        self.until("location.pathname === '/login'");
    }

    /// Gives the window this width, and the look of day or night. Nothing moves.
    #[track_caller]
    pub fn look(&self, width: Width, dark: bool) {
        let (width, height, mobile) = match width {
            Width::Wide => (1280, 720, false),
            Width::Narrow => (390, 844, true),
        };
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile }),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] }),
        );
    }

    /// A picture of the window, as PNG.
    #[track_caller]
    pub fn picture(&self) -> Vec<u8> {
        let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        from_base64(shot["data"].as_str().unwrap())
    }

    /// What the browser complained about since it was last asked: errors of scripts, what the
    /// policy stopped, what could not be loaded.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let body = json!({ "type": "browser" });
        let log = self.command("POST", "/se/log", &body).unwrap();
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| format!("{} {}", entry["level"], entry["message"]))
            .collect()
    }

    /// Requires that the browser complained about nothing.
    #[track_caller]
    pub fn assert_quiet(&self) {
        let complaints = self.complaints();
        assert!(
            complaints.is_empty(),
            "the browser complains about {}: {complaints:#?}",
            self.path()
        );
    }

    /// Requires that the browser complained about a refusal with this status, and nothing else.
    #[track_caller]
    pub fn assert_refused(&self, status: u16) {
        let complaints = self.complaints();
        let status = format!("status of {status}");
        assert!(
            complaints.len() == 1 && complaints[0].contains(&status),
            "not one refusal with {status}: {complaints:#?}"
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.command("DELETE", "", &Value::Null);
        // It has ended, unless chromedriver had lost it.
        if let Some(process) = self.process {
            let _ = Command::new("kill")
                .args(["-s", "KILL", &process.to_string()])
                .stderr(std::process::Stdio::null())
                .status();
        }
    }
}

fn wishes(profile: &TempDir, scripts: Scripts) -> Value {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--lang=en-US",
    ];
    let arguments = arguments.map(ToOwned::to_owned).into_iter();
    let own = format!("--user-data-dir={}", profile.path().display());
    let preferences = match scripts {
        Scripts::On => json!({}),
        Scripts::Off => json!({ "profile.managed_default_content_settings.javascript": 2 }),
    };
    json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": {
            "args": arguments.chain([own]).collect::<Vec<_>>(),
            "prefs": preferences,
        },
        "goog:loggingPrefs": { "browser": "WARNING" },
    } } })
}

/// One command, and the value that it answers with.
fn call(driver: &str, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = match body {
        Value::Null => String::new(),
        some => some.to_string(),
    };
    let headers = [("Content-Type", "application/json")];
    let answer = http::ask(driver, method, path, &headers, &body).map_err(|e| e.to_string())?;
    let value = answer.json()["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", value["message"])),
        None => Ok(value),
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let sextet = |letter: u8| {
        Some(match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        })
    };
    let sextets: Vec<u8> = text.bytes().filter_map(sextet).collect();
    let mut bytes = Vec::with_capacity(sextets.len() * 3 / 4);
    for group in sextets.chunks(4) {
        let bits = group.iter().fold(0, |bits, s| bits << 6 | u32::from(*s));
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
