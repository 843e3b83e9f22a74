//! Processes that end with the test that started them.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes that a test waits for, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// canvass with these arguments, with `home` as its home, free of what the environment sets.
pub fn canvass(home: &Path, args: &[&str]) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_canvass"));
    let mut command = canvass_testkit::process::canvass(binary, home);
    command.args(args);
    command
}

/// A process that is killed when the test ends, also when it fails.
pub struct Running {
    child: Child,
    /// The lines that it has written so far.
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        note(child.stdout.take(), &lines);
        note(child.stderr.take(), &lines);
        Ok(Self { child, lines })
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success(), "{name} was not sent");
    }

    /// What `pick` takes out of the lines that the process writes, as soon as it takes something.
    #[track_caller]
    pub fn wait_for<T>(&mut self, pick: impl Fn(&[String]) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            let lines = self.lines.lock().unwrap().clone();
            if let Some(found) = pick(&lines) {
                return found;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "what was waited for did not come, {ended:?}: {lines:#?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Keeps the lines of a stream. It reads to the end, so that the process never waits for a reader.
fn note(stream: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
