//! Runs a command with a PostgreSQL server that lasts as long as the command.
//!
//! `throwaway-postgres -- COMMAND ARGUMENTS...` sets `CANVASS_TEST_POSTGRES` for the command and
//! ends with the command's exit code. SIGTERM and SIGHUP are passed on; a SIGINT of a terminal
//! reaches the command by itself.

use std::{
    env,
    ffi::OsString,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitCode, ExitStatus},
    time::Duration,
};

use canvass_testkit::postgres::{ADMIN_VARIABLE, Cluster};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::interval,
};

const SWEEP_EVERY: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let mut words: Vec<OsString> = env::args_os().skip(1).collect();
    if words.first().is_some_and(|w| w == "--") {
        words.remove(0);
    }
    let Some((program, arguments)) = words.split_first() else {
        eprintln!("usage: throwaway-postgres -- COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    match run(program, arguments).await {
        Ok(status) => ExitCode::from(code_of(status)),
        Err(e) => {
            eprintln!("throwaway-postgres: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(
    program: &OsString,
    arguments: &[OsString],
) -> Result<ExitStatus, Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cluster = Cluster::start()?;
    let mut child = Command::new(program)
        .args(arguments)
        .env(ADMIN_VARIABLE, cluster.admin_url())
        .spawn()
        .map_err(|e| format!("cannot run {}: {e}", program.display()))?;
    let mut look = interval(Duration::from_millis(50));
    let mut sweep = interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = terminate.recv() => pass_on("TERM", &child),
            _ = hang_up.recv() => pass_on("HUP", &child),
            _ = interrupt.recv() => {}
            _ = sweep.tick() => {
                // A database that a test still drops itself is no trouble; the next sweep sees.
                let _ = tokio::task::block_in_place(|| cluster.drop_abandoned());
            }
            _ = look.tick() => if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
        }
    }
}

fn pass_on(signal: &str, child: &Child) {
    let _ = Command::new("kill")
        .args(["-s", signal, &child.id().to_string()])
        .status();
}

/// As a shell gives it: 128 and the signal's number for a command that a signal ended.
fn code_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|s| 128 + s))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
