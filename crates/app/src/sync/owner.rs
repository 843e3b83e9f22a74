//! Who holds a lease: a name that tells, on the same machine, whether its process still lives.

use std::{fs, path::Path};

/// A new name for this process: host, process namespace, process, and a random part.
pub(super) fn new_owner() -> String {
    format!(
        "{}|{}|{:016x}",
        here(),
        std::process::id(),
        rand::random::<u64>()
    )
}

/// Whether the process behind a name is certainly gone. False where it can't be known.
pub(super) fn is_gone(owner: &str) -> bool {
    let parts: Vec<&str> = owner.rsplitn(3, '|').collect();
    let [_, process, place] = parts.as_slice() else {
        return false;
    };
    let proc = Path::new("/proc");
    *place == here()
        && proc.join("self").exists()
        && process.bytes().all(|b| b.is_ascii_digit())
        && !proc.join(process).exists()
}

/// The machine and, on Linux, the namespace in which process numbers have their meaning.
fn here() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}|{}|{}", host.trim(), boot.trim(), namespace.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_place_is_known_to_be_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = child.id();
        child.wait().unwrap();
        assert!(!is_gone(&new_owner()));
        assert!(is_gone(&format!("{}|{gone}|abc", here())));
        assert!(!is_gone(&format!("elsewhere|{gone}|abc")));
        assert!(!is_gone("odd"));
    }
}
