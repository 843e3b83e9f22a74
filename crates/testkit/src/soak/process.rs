//! The processes that share the database.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes, on a busy machine too.
pub(super) const PATIENCE: Duration = Duration::from_mins(3);

/// How canvass is started.
#[derive(Debug)]
pub(super) struct Canvass {
    pub(super) binary: PathBuf,
    pub(super) database: String,
    pub(super) registry: String,
    pub(super) nucc: PathBuf,
    /// Where everything of the run lies.
    pub(super) folder: PathBuf,
    pub(super) count: AtomicU32,
}

impl Canvass {
    /// The folder of which the servers load files.
    pub(super) fn imports(&self) -> PathBuf {
        self.folder.join("imports")
    }

    fn command(&self, args: &[String]) -> Command {
        let mut command = crate::process::canvass(&self.binary, &self.folder);
        command
            .args(args)
            .env("TMPDIR", &self.folder)
            .env("RUST_BACKTRACE", "1")
            .env("CANVASS_DATABASE_URL", &self.database)
            .env("CANVASS_REGISTRY_URL", &self.registry)
            .env("CANVASS_NUCC", &self.nucc)
            .env("CANVASS_IMPORT_FOLDER", self.imports())
            .env("CANVASS_MAX_STARTS", "200")
            .env("CANVASS_MAX_IN_FLIGHT", "6")
            .env("CANVASS_BACKOFF_MS", "20");
        command
    }

    /// Starts it; what it says goes to files.
    pub(super) fn start(&self, args: &[String]) -> io::Result<Running> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let file = |what: &str| self.folder.join(format!("{number}.{what}"));
        let child = self
            .command(args)
            .stdin(Stdio::null())
            .stdout(File::create(file("out"))?)
            .stderr(File::create(file("err"))?)
            .spawn()?;
        Ok(Running {
            child: Mutex::new(child),
            out: file("out"),
            err: file("err"),
            what: args.join(" "),
        })
    }

    /// Runs it to its end, with this on its standard input, and gives what it printed.
    pub(super) fn done(&self, args: &[&str], input: &str) -> Result<String, String> {
        let file = self.folder.join("input");
        let text = |e: io::Error| format!("{args:?}: {e}");
        fs::write(&file, input).map_err(text)?;
        let args: Vec<String> = args.iter().map(|&a| a.to_owned()).collect();
        let output = self
            .command(&args)
            .stdin(File::open(&file).map_err(|e| e.to_string())?)
            .output()
            .map_err(|e| format!("{args:?}: {e}"))?;
        let [out, err] = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if output.status.success() {
            Ok(out)
        } else {
            Err(format!("{args:?}: {}: {out}{err}", output.status))
        }
    }
}

/// How a process has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// Its exit code; none when it was killed.
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// A process, which is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Mutex<Child>,
    out: PathBuf,
    pub(super) err: PathBuf,
    pub(super) what: String,
}

impl Running {
    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it with SIGKILL.
    pub(super) fn kill(&self) {
        let mut child = self.child();
        // It may have ended already.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Asks it to end, as Ctrl-C does.
    pub(super) fn interrupt(&self) {
        let id = {
            let mut child = self.child();
            // What has ended must not be asked: its number may be another's by now.
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            child.id().to_string()
        };
        let _ = Command::new("kill").args(["-s", "INT", &id]).status();
    }

    /// Waits for its end; none when it does not end.
    pub(super) fn end(&self) -> Option<Ended> {
        let began = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child().try_wait() {
                let read = |path: &Path| fs::read(path).unwrap_or_default();
                let text = |path: &Path| String::from_utf8_lossy(&read(path)).into_owned();
                let ended = Ended {
                    code: status.code(),
                    out: text(&self.out),
                    err: text(&self.err),
                };
                let _ = fs::remove_file(&self.out);
                let _ = fs::remove_file(&self.err);
                return Some(ended);
            }
            if began.elapsed() > PATIENCE {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn has_ended(&self) -> bool {
        !matches!(self.child().try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `canvass serve`.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) process: Running,
    /// Host and port.
    pub(super) address: String,
}

impl Server {
    /// Starts it and waits until it answers.
    pub(super) fn start(canvass: &Canvass) -> Result<Self, String> {
        let args = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned);
        let process = canvass.start(&args).map_err(|e| e.to_string())?;
        let began = Instant::now();
        loop {
            let said = fs::read_to_string(&process.err).unwrap_or_default();
            let line = said
                .lines()
                .find(|line| line.contains("canvass on ") && line.contains("http://"));
            // Whole lines only.
            if let Some((_, address)) = line.and_then(|line| line.rsplit_once("http://"))
                && said.ends_with('\n')
            {
                let address = address.trim_end().trim_end_matches('/').to_owned();
                return Ok(Self { process, address });
            }
            if process.has_ended() || began.elapsed() > PATIENCE {
                return Err(format!("a server does not start: {said}"));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The last error that it has logged.
    pub(super) fn last_error(&self) -> String {
        let said = fs::read_to_string(&self.process.err).unwrap_or_default();
        let last = said.lines().rev().find(|line| line.contains("ERROR"));
        last.unwrap_or_default().to_owned()
    }

    /// What it has said of itself so far that speaks of a fault.
    pub(super) fn panics(&self) -> Option<String> {
        let said = fs::read_to_string(&self.process.err).unwrap_or_default();
        panics(&said)
    }
}

/// What speaks of a panic in what a process has said.
pub(super) fn panics(said: &str) -> Option<String> {
    let at = said.find("panicked at")?;
    Some(said[at..].chars().take(600).collect())
}
