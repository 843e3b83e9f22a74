//! Processes of canvass that tests start.

use std::{path::Path, process::Command};

/// canvass without arguments, with `home` as its home, free of what the environment sets.
pub fn canvass(binary: &Path, home: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CANVASS_") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", home)
        .current_dir(home);
    command
}
