//! Checks that rustc can't make, generated data, benches of the whole pipeline.

mod assets;
mod bench;
mod edges;
mod soak;

use std::{env, path::Path, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  edges    crates depend on each other only as ARCHITECTURE.md allows
  assets   vendored files are those of crates/web/assets/vendor/CHECKSUMS
  bench    figures of the whole pipeline, on both engines: sync, save-all, search, server;
           `bench sync`, `bench search 1000000` and so on for a part
  soak     the randomized test of the whole, for long; `soak --help` says how
";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let faults = match words.as_slice() {
        ["edges"] => edges::faults(root()),
        ["assets"] => assets::faults(root()),
        ["bench", rest @ ..] => return bench::run(root(), rest),
        ["soak", rest @ ..] => return soak::run(root(), rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace's folder")
}
