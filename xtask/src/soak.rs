//! `cargo xtask soak`: the randomized test of the whole, for as long as one wants.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use canvass_testkit::{
    postgres::postgres_url,
    soak::{ROUNDS_PER_HOUR, Settings, run as soak},
};

const USAGE: &str = "\
usage: cargo xtask soak [OPTIONS]

Two servers and foreground commands work on one database at once: syncs, loads of good, broken and
stopped files, save-alls, edits, searches. A model in memory says what must come of it. A round is a
simulated minute, in which a few operations run at the same time, so 60 rounds are a simulated hour.

  --hours N          simulated hours, 1 unless told otherwise
  --rounds N         rounds instead of hours
  --seed S           which operations, 1 unless told otherwise
  --engine E         sqlite or postgres; both, one after the other, unless told otherwise
  --kill             end processes with SIGKILL at random moments
  --providers N      providers of the registry at the beginning, 10,000 unless told otherwise
  --without A,B      kinds of operations to leave out, to look for the cause of a fault: syncs, loads,
                     saves, edits, reads, changes, registry-faults, or a kind of load as the report names it;
                     exact-rows lets a row pass that fitted its filter until just now
  --verbose          tell each operation
";

/// What was asked for.
struct Asked {
    rounds: u32,
    seed: u64,
    engines: Vec<String>,
    kill: bool,
    people: u32,
    without: Vec<String>,
    verbose: bool,
}

/// Runs the test with these arguments.
pub(crate) fn run(root: &Path, words: &[&str]) -> ExitCode {
    let Some(asked) = parse(words) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    if cfg!(debug_assertions) {
        return again_in_release(root, words);
    }
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "canvass"])
        .current_dir(root)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("soak: the program does not build");
        return ExitCode::FAILURE;
    }
    let mut code = ExitCode::SUCCESS;
    for engine in &asked.engines {
        println!("{engine}{}", if asked.kill { ", with kills" } else { "" });
        let report = soak(Settings {
            binary: root.join("target/release/canvass"),
            nucc: root.join("data/nucc/nucc_taxonomy_251.csv"),
            postgres: (engine == "postgres").then(postgres_url),
            seed: asked.seed,
            rounds: asked.rounds,
            people: asked.people,
            looked_up: 2_000,
            kill: asked.kill,
            without: asked.without.clone(),
            verbose: asked.verbose,
        });
        match report {
            Ok(report) => {
                println!("{report}");
                if !report.faults.is_empty() {
                    code = ExitCode::FAILURE;
                }
            }
            Err(error) => {
                eprintln!("soak: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// A debug build starts itself again in release, as the benches do.
fn again_in_release(root: &Path, words: &[&str]) -> ExitCode {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "xtask", "--"])
        .arg("soak")
        .args(words)
        .current_dir(root)
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// None when the arguments make no sense.
fn parse(words: &[&str]) -> Option<Asked> {
    let mut asked = Asked {
        rounds: ROUNDS_PER_HOUR,
        seed: 1,
        engines: vec!["sqlite".to_owned(), "postgres".to_owned()],
        kill: false,
        people: 10_000,
        without: Vec::new(),
        verbose: false,
    };
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        match word {
            "--kill" => asked.kill = true,
            "--verbose" => asked.verbose = true,
            "--hours" => {
                let hours: u32 = words.next()?.parse().ok()?;
                asked.rounds = hours.checked_mul(ROUNDS_PER_HOUR)?;
            }
            "--rounds" => asked.rounds = words.next()?.parse().ok()?,
            "--seed" => asked.seed = words.next()?.parse().ok()?,
            "--providers" => asked.people = words.next()?.parse().ok().filter(|n| *n > 0)?,
            "--engine" => {
                let engine = *words.next()?;
                if !["sqlite", "postgres"].contains(&engine) {
                    return None;
                }
                asked.engines = vec![engine.to_owned()];
            }
            "--without" => {
                asked.without = words.next()?.split(',').map(str::to_owned).collect();
            }
            _ => return None,
        }
    }
    Some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_sixty_rounds_and_nonsense_is_none() {
        let asked = parse(&[
            "--hours", "10", "--seed", "7", "--engine", "postgres", "--kill",
        ])
        .unwrap();
        assert_eq!((asked.rounds, asked.seed, asked.kill), (600, 7, true));
        assert_eq!(asked.engines, ["postgres"]);
        assert_eq!(parse(&[]).unwrap().engines.len(), 2);
        for nonsense in [
            &["--hours"][..],
            &["--engine", "mysql"],
            &["--seed", "x"],
            &["now"],
        ] {
            assert!(parse(nonsense).is_none(), "{nonsense:?}");
        }
    }
}
