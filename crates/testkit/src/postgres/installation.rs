use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest PostgreSQL that canvass supports.
const OLDEST: u32 = 15;

/// The folder with `initdb` and `postgres` of version 15 or newer.
pub(super) fn find() -> Option<PathBuf> {
    let in_path = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    in_path
        .into_iter()
        .chain(versioned("/usr/lib/postgresql", "", "bin"))
        .chain(versioned("/usr", "pgsql-", "bin"))
        .chain(versioned("/opt/homebrew/opt", "postgresql@", "bin"))
        .find(|folder| {
            folder.join("postgres").is_file() && major(&folder.join("initdb")) >= Some(OLDEST)
        })
}

/// `root/prefixN/leaf` for each number N that exists, the newest first.
fn versioned(root: &str, prefix: &str, leaf: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join(leaf)))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version of a program that answers `--version` with `initdb (PostgreSQL) 15.8 ...`.
fn major(program: &Path) -> Option<u32> {
    let out = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    let (_, after) = text.split_once("(PostgreSQL) ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
