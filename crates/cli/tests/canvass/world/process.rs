use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, LazyLock, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Longer than anything takes that a test waits for, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(90);

/// A home without settings and data, shared by what this process starts.
static HOME: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// canvass with these arguments, free of whatever the environment of the tests sets.
pub fn command(args: &[&str]) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_canvass"));
    let mut command = canvass_testkit::process::canvass(binary, HOME.path());
    command.args(args);
    command
}

/// How a process ended, and what it wrote.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Outcome {
    /// The same, which must have ended with this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Whether `kill -9` ended it.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Its standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

/// Runs a command to its end, with this on its standard input.
pub fn run(command: Command, input: &str) -> Outcome {
    let output = assert_cmd::Command::from_std(command)
        .write_stdin(input)
        .timeout(PATIENCE)
        .output()
        .unwrap();
    Outcome {
        status: output.status,
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process that is killed when the test ends.
pub struct Running {
    child: Child,
    /// The lines of its standard error so far.
    err: Arc<Mutex<Vec<String>>>,
    readers: Option<(JoinHandle<String>, JoinHandle<()>)>,
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let err = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&err);
        let out = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let noted = thread::spawn(move || {
            for line in stderr.lines() {
                lines.lock().unwrap().push(line.unwrap());
            }
        });
        Self {
            child,
            err,
            readers: Some((out, noted)),
        }
    }

    /// Waits for a line of its standard error with this in it.
    pub fn line(&mut self, wanted: &str) -> String {
        let began = Instant::now();
        loop {
            let lines = self.err.lock().unwrap().clone();
            if let Some(line) = lines.iter().find(|line| line.contains(wanted)) {
                return line.clone();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "no {wanted:?} came, {ended:?}: {lines:#?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end, so long at most. True when it has ended.
    pub fn ends_within(&mut self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(Duration::from_millis(5)));
        }
    }

    /// Ends it with SIGKILL, unless it has ended.
    pub fn kill(mut self) -> Outcome {
        self.child.kill().unwrap();
        self.outcome()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let asked = Command::new("kill")
            .args(["-s", "TERM", &self.child.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Outcome {
        if !self.ends_within(PATIENCE) {
            let lines = self.err.lock().unwrap().clone();
            panic!("it does not end: {lines:#?}");
        }
        self.outcome()
    }

    fn outcome(&mut self) -> Outcome {
        let status = self.child.wait().unwrap();
        let (out, err) = self.readers.take().unwrap();
        err.join().unwrap();
        Outcome {
            status,
            out: out.join().unwrap(),
            err: self.err.lock().unwrap().join("\n"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
