//! Where files to load may come from: a folder that the settings name, an address, or whoever sends
//! them. What is sent or fetched is kept in a folder of its own until it was loaded.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use canvass_nppes::fetch::{FetchSettings, Fetcher};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::blocking;
use crate::{App, Error, ImportSettings};

/// How the folders begin in which something is kept meanwhile.
const OURS: &str = ".canvass-";
/// After what time that is cleared away which nobody asked for again.
const STALE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Files of the folder that are listed.
const LISTED: usize = 100;
/// Letters of a file's name that are kept.
const LETTERS: usize = 120;

/// Which file is to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportSource {
    /// One of the folder that the settings name.
    Path(String),
    /// One at an `https` address.
    Url(String),
}

/// A file that may be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// Its name in the folder.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// When it was last written.
    pub modified: Option<Timestamp>,
}

/// A file that is there to be read, and what must outlive the reading.
pub(super) struct Kept {
    pub(super) path: PathBuf,
    /// Is gone, with all in it, when this is.
    _folder: Option<TempDir>,
    fetched: Option<Fetched>,
}

/// What was fetched; it goes away when this does.
struct Fetched {
    folder: PathBuf,
    stays: bool,
    /// Nobody else fetches into the folder while this is held.
    _lock: File,
}

impl Drop for Fetched {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(%error, "a file that was fetched could not be removed");
        }
    }
}

impl App {
    /// The files that may be loaded by name, the latest first; none where no folder is set.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub async fn import_folder(&self) -> Result<Option<Vec<ImportFile>>, Error> {
        let Some(folder) = self.settings().imports.folder.clone() else {
            return Ok(None);
        };
        blocking(move || listed(&folder)).await?.map(Some)
    }
}

fn listed(folder: &Path) -> Result<Vec<ImportFile>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What can't be looked at is not offered.
        let Ok(metadata) = fs::metadata(entry.path()) else {
            continue;
        };
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if metadata.is_file() && !name.starts_with('.') {
            let modified = metadata.modified().ok();
            files.push(ImportFile {
                name,
                bytes: metadata.len(),
                modified: modified.and_then(|at| Timestamp::try_from(at).ok()),
            });
        }
    }
    files.sort_by(|a, b| (b.modified, &a.name).cmp(&(a.modified, &b.name)));
    files.truncate(LISTED);
    Ok(files)
}

/// The file of this name, which must be in the folder that the settings name, whatever links there
/// are.
pub(super) fn in_folder(settings: &ImportSettings, name: &str) -> Result<Kept, Error> {
    let refused = |problem: &str| Error::invalid("path", problem);
    let Some(folder) = &settings.folder else {
        return Err(refused(
            "no folder is set of which files may be loaded; the administrator sets it as import_folder",
        ));
    };
    if name.trim().is_empty() || name.contains('\0') {
        return Err(refused("the name of a file in the folder for imports"));
    }
    let folder = folder.canonicalize().map_err(|_| {
        refused("the folder for imports can't be opened; the administrator looks after it")
    })?;
    // What lies elsewhere is not told apart from what is not there.
    let missing = || refused("there is no such file in the folder for imports");
    let path = folder.join(name).canonicalize().map_err(|_| missing())?;
    if !path.starts_with(&folder) {
        return Err(missing());
    }
    if !path.is_file() {
        return Err(refused("it is no file"));
    }
    Ok(Kept {
        path,
        _folder: None,
        fetched: None,
    })
}

/// A folder for one file that is sent, and where in it the file goes.
pub(super) fn for_upload(
    settings: &ImportSettings,
    name: &str,
    now: Timestamp,
) -> Result<Kept, Error> {
    let mut folder = tempfile::Builder::new();
    folder.prefix(".canvass-upload-");
    let folder = match &settings.folder {
        Some(base) => {
            clear_stale(base, now);
            folder.tempdir_in(base)?
        }
        None => folder.tempdir()?,
    };
    Ok(Kept {
        path: folder.path().join(file_name(name)),
        _folder: Some(folder),
        fetched: None,
    })
}

/// The folder in which a file of an address is kept, and where in it the file goes. What an earlier
/// fetch has left there is gone on with.
pub(super) fn for_fetch(
    settings: &ImportSettings,
    url: &str,
    name: &str,
    now: Timestamp,
) -> Result<Kept, Error> {
    let Some(base) = &settings.folder else {
        return for_upload(settings, name, now);
    };
    clear_stale(base, now);
    let hash = blake3::hash(url.as_bytes()).to_hex();
    let folder = base.join(format!("{OURS}fetch-{}", &hash[..24]));
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(Error::Conflict(
                "this address is being fetched already".into(),
            ));
        }
        Err(fs::TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(Kept {
        path: folder.join(file_name(name)),
        _folder: None,
        fetched: Some(Fetched {
            folder,
            stays: false,
            _lock: lock,
        }),
    })
}

impl Kept {
    /// Leaves what has come of a file, to be gone on with.
    pub(super) fn leave(mut self) {
        if let Some(fetched) = &mut self.fetched {
            fetched.stays = true;
        }
    }
}

pub(super) fn fetcher(app: &App) -> Result<Fetcher, Error> {
    let settings = app.settings();
    let fetch = FetchSettings {
        most: settings.imports.most,
        plain_loopback: settings.imports.plain_loopback,
        ..FetchSettings::default()
    };
    Fetcher::new(fetch, &settings.registry.contact).map_err(|e| Error::Internal(e.to_string()))
}

/// A name that a file may have here, made of one that came from outside. It is kept as far as it
/// goes, because the names of dissemination files say from when they are.
pub(super) fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(LETTERS)
        .collect();
    match kept.trim_matches(['.', ' ']) {
        "" | "lock" => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// Clears away what was kept and never asked for again.
fn clear_stale(base: &Path, now: Timestamp) {
    let old = |entry: &fs::DirEntry| -> io::Result<bool> {
        let modified = entry.metadata()?.modified()?;
        let modified = Timestamp::try_from(modified).map_err(io::Error::other)?;
        Ok(now.duration_since(modified) > STALE)
    };
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(OURS);
        if ours
            && old(&entry).unwrap_or(false)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, "what an import has left could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_had_by_name() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("in");
        fs::create_dir_all(folder.join("below")).unwrap();
        fs::write(folder.join("week.zip"), "x").unwrap();
        fs::write(folder.join("below/month.zip"), "x").unwrap();
        fs::write(outer.path().join("secret"), "x").unwrap();
        fs::write(outer.path().join("in-beside"), "x").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        std::os::unix::fs::symlink(folder.join("week.zip"), folder.join("alias")).unwrap();
        let settings = ImportSettings {
            folder: Some(folder.clone()),
            ..ImportSettings::default()
        };
        let whole = folder.join("week.zip").display().to_string();
        for good in [
            "week.zip",
            "below/month.zip",
            "below/../week.zip",
            "alias",
            &whole,
        ] {
            assert!(in_folder(&settings, good).is_ok(), "{good}");
        }
        let secret = outer.path().join("secret").display().to_string();
        for bad in [
            "",
            " ",
            ".",
            "below",
            "none.zip",
            "../secret",
            "link",
            "../in-beside",
            &secret,
            "/etc/passwd",
            "week.zip\0",
        ] {
            assert!(in_folder(&settings, bad).is_err(), "{bad:?}");
        }
        let nowhere = ImportSettings::default();
        assert!(in_folder(&nowhere, &whole).is_err());
    }

    #[test]
    fn the_folder_lists_its_files_and_nothing_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.zip", ".hidden", "b.zip"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::create_dir(folder.path().join("below")).unwrap();
        let mut names: Vec<String> = listed(folder.path())
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect();
        names.sort();
        assert_eq!(names, ["a.zip", "b.zip"]);
    }

    #[test]
    fn a_name_from_outside_is_one_name() {
        for (given, name) in [
            ("week.zip", "week.zip"),
            ("C:\\files\\week.zip", "week.zip"),
            ("../../etc/passwd", "passwd"),
            ("..", "file"),
            ("", "file"),
            ("a\0b\n.zip", "ab.zip"),
            (
                "npidata_pfile_20260105-20260111.csv",
                "npidata_pfile_20260105-20260111.csv",
            ),
        ] {
            assert_eq!(file_name(given), name, "{given:?}");
        }
        assert_eq!(file_name(&"x".repeat(500)).len(), LETTERS);
    }

    #[test]
    fn what_was_fetched_goes_away_and_a_part_of_it_stays() {
        let base = tempfile::tempdir().unwrap();
        let settings = ImportSettings {
            folder: Some(base.path().to_owned()),
            ..ImportSettings::default()
        };
        let fetch = || {
            for_fetch(
                &settings,
                "https://files.example/week.zip",
                "week.zip",
                Timestamp::UNIX_EPOCH,
            )
        };
        let kept = fetch().unwrap();
        fs::write(&kept.path, "part").unwrap();
        assert!(matches!(fetch(), Err(Error::Conflict(_))));
        let path = kept.path.clone();
        kept.leave();
        assert!(path.exists());
        let again = fetch();
        assert!(again.is_ok(), "the lock is held by nobody");
        drop(again);
        assert!(!path.exists());
        let sent = for_upload(&settings, "week.zip", Timestamp::UNIX_EPOCH).unwrap();
        fs::write(&sent.path, "whole").unwrap();
        drop(sent);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }
}
