use std::{fmt::Write as _, fs, io, path::Path};

use sha2::{Digest as _, Sha256};

const FOLDER: &str = "crates/web/assets/vendor";
const LIST: &str = "CHECKSUMS";

/// Which vendored files of this workspace are not what the list of checksums says.
pub fn faults(root: &Path) -> Vec<String> {
    faults_in(&root.join(FOLDER))
}

/// `LIST` has the format of `sha256sum`: 64 hexadecimal digits, a space, a space or `*`, and the
/// path, relative to the folder.
fn faults_in(folder: &Path) -> Vec<String> {
    let list = match fs::read_to_string(folder.join(LIST)) {
        Ok(list) => list,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(e) => return vec![format!("{LIST}: {e}")],
    };
    let lines = list
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let mut listed = Vec::new();
    let mut faults = Vec::new();
    for line in lines {
        let Some((sum, path)) = line.split_once(' ') else {
            faults.push(format!("{LIST}: not a line of sha256sum: {line}"));
            continue;
        };
        let path = path.strip_prefix([' ', '*']).unwrap_or(path);
        listed.push(path);
        match fs::read(folder.join(path)) {
            Ok(bytes) if sha256(&bytes).eq_ignore_ascii_case(sum) => {}
            Ok(_) => faults.push(format!("{path}: not the file whose checksum is listed")),
            Err(e) => faults.push(format!("{path}: {e}")),
        }
    }
    match unlisted(folder, "", &listed) {
        Ok(paths) => faults.extend(paths.into_iter().map(|p| format!("{p}: not in {LIST}"))),
        Err(e) => faults.push(format!("{}: {e}", folder.display())),
    }
    faults
}

/// Files below the folder that the list does not name; licences and notes need no checksum.
fn unlisted(folder: &Path, prefix: &str, listed: &[&str]) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            found.extend(unlisted(&entry.path(), &format!("{path}/"), listed)?);
        } else if !listed.contains(&path.as_str()) && is_code(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a browser would run or apply the file.
fn is_code(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|e| ["js", "mjs", "css", "wasm"].iter().any(|code| e == *code))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    // `printf abc | sha256sum`, an example of FIPS 180-4
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
        faults_in(folder(files).path())
    }

    #[test]
    fn vendored_files_are_those_that_were_listed() {
        assert_eq!(faults(crate::root()), Vec::<String>::new());
    }

    #[test]
    fn a_listed_file_with_its_checksum_is_right() {
        let list = format!("{ABC}  a.js\n{ABC} *sub/b.css\n");
        let right = [(LIST, list.as_str()), ("a.js", "abc"), ("sub/b.css", "abc")];
        assert_eq!(faults_of(&right), Vec::<String>::new());
    }

    #[test]
    fn a_changed_missing_or_unlisted_file_is_a_fault() {
        let list = format!("{ABC}  a.js\n{ABC}  gone.js\nnonsense\n");
        let faults = faults_of(&[
            (LIST, &list),
            ("a.js", "abd"),
            ("sub/new.js", "abc"),
            ("LICENSE.txt", "free"),
        ]);
        let starts: Vec<&str> = faults.iter().filter_map(|f| f.split(':').next()).collect();
        assert_eq!(starts, ["a.js", "gone.js", LIST, "sub/new.js"]);
    }

    #[test]
    fn without_a_list_there_is_nothing_to_check() {
        assert!(faults_of(&[("a.js", "abc")]).is_empty());
    }
}
