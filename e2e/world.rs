//! A registry of generated people, a canvass of its own, and the one who administers it.

use std::{path::PathBuf, process::Stdio};

use tempfile::TempDir;

use crate::{
    browser::{Browser, Scripts},
    http::{self, Answer},
    process::{Running, canvass},
};

/// The administrator of a world.
pub const ADMIN: &str = "Ana Reyes";
/// Everybody's password.
pub const PASSWORD: &str = "a long enough password";

/// A running canvass with a database of its own.
pub struct World {
    /// Host and port of its pages.
    pub address: String,
    registry: String,
    server: Running,
    registry_process: Running,
    folder: TempDir,
}

impl World {
    /// One that nobody has set up yet. Its registry takes so many milliseconds for an answer.
    pub fn new(latency: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let latency = latency.to_string();
        let served = [
            "registry",
            "serve",
            "--providers",
            "6000",
            "--latency",
            &latency,
            "--listen",
            "127.0.0.1:0",
        ];
        let mut registry = Running::start(&mut canvass(folder.path(), &served)).unwrap();
        let address = registry.wait_for(|lines| address_in(lines, "/api/"));
        let registry_url = format!("http://{address}/api/");
        let mut server = Running::start(&mut canvass(
            folder.path(),
            &[
                "--database",
                "sqlite:canvass.db",
                "--registry",
                &registry_url,
                "serve",
                "--listen",
                "127.0.0.1:0",
            ],
        ))
        .unwrap();
        Self {
            address: server.wait_for(|lines| address_in(lines, "/")),
            registry: registry_url,
            server,
            registry_process: registry,
            folder,
        }
    }

    /// One with an administrator.
    pub fn with_admin(latency: u32) -> Self {
        let world = Self::new(latency);
        world.add_user(ADMIN, "admin");
        world
    }

    /// One with an administrator, and all internists, family physicians and dentists of the
    /// country.
    pub fn stocked() -> Self {
        let world = Self::with_admin(0);
        world.canvass(&[
            "sync",
            "--specialty",
            "Internal Medicine",
            "--specialty",
            "Family Medicine",
            "--specialty",
            "Dentist",
        ]);
        world
    }

    /// Somebody more, with the password of everybody.
    pub fn add_user(&self, name: &str, role: &str) {
        self.canvass_told(
            &["user", "add", name, "--role", role],
            &format!("{PASSWORD}\n"),
        );
    }

    /// Runs a command on this world's database, and returns what it prints.
    pub fn canvass(&self, args: &[&str]) -> String {
        self.canvass_told(args, "")
    }

    fn canvass_told(&self, args: &[&str], input: &str) -> String {
        use std::io::Write as _;

        let world = [
            "--database",
            "sqlite:canvass.db",
            "--registry",
            &self.registry,
        ];
        let mut child = canvass(self.folder.path(), &[&world, args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let (out, said) = (output.stdout, String::from_utf8_lossy(&output.stderr));
        let out = String::from_utf8(out).unwrap();
        assert!(output.status.success(), "{args:?}: {said}{out}");
        out
    }

    /// Holds the registry's answers back, or lets them come.
    pub fn registry_pauses(&self, hold: bool) {
        self.registry_process
            .signal(if hold { "STOP" } else { "CONT" });
    }

    /// Keeps canvass from answering, or lets it.
    pub fn server_pauses(&self, hold: bool) {
        self.server.signal(if hold { "STOP" } else { "CONT" });
    }

    /// A file of the folder in which commands run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder in which commands run.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The code with which the console lets the first user in.
    pub fn set_up_code(&mut self) -> String {
        self.server.wait_for(|lines| {
            let asked = lines.iter().position(|line| line.contains("/setup"))?;
            let code = lines[asked + 1..].iter().find(|line| !line.is_empty())?;
            Some(code.trim().to_owned())
        })
    }

    /// A browser before this canvass.
    pub fn browser(&self, scripts: Scripts) -> Browser {
        Browser::start(&self.address, scripts)
    }

    /// A browser in which the administrator has signed in.
    pub fn browser_of_admin(&self) -> Browser {
        let browser = self.browser(Scripts::On);
        browser.sign_in(ADMIN, PASSWORD);
        browser
    }

    /// A request as a program sends it.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        http::ask(&self.address, method, path, headers, body).unwrap()
    }
}

/// The host and port that a line names as an address that ends with, or goes on with, `path`.
fn address_in(lines: &[String], path: &str) -> Option<String> {
    let rest = lines.iter().find_map(|line| line.split("http://").nth(1))?;
    let (address, _) = rest.split_once(path)?;
    Some(address.to_owned())
}
