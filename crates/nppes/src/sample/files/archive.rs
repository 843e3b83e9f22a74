//! A zip archive of dissemination files, written while the providers are made.
//!
//! The main file goes straight into the archive. The lines of the side files, which come at the
//! same time and belong behind it, wait in files without a name.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use canvass_model::{Npi, Provider};
use jiff::civil::Date;
use serde::Serialize;
use tempfile::NamedTempFile;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    FilesError, Manifest,
    row::{self, ENDPOINT_HEADER, NPIDATA_HEADER, OTHERNAME_HEADER, OtherNames, PL_HEADER},
};

/// Providers that go from one thread to the other together, and how many such batches may wait.
const BATCH: u64 = 2_000;
const WAITING: usize = 4;

/// Lines of one file, and how many.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) text: Vec<u8>,
    pub(super) count: u64,
}

/// Lines of the four files.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) main: Lines,
    pub(super) othername: Lines,
    pub(super) pl: Lines,
    pub(super) endpoint: Lines,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What is inside, in its order.
    pub members: Vec<Member>,
}

/// A file inside an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its size in bytes, unpacked.
    pub bytes: u64,
    /// How many lines of data it has; the header is none.
    pub rows: u64,
}

/// Where an archive goes and what its members are called.
pub(super) struct Names<'a> {
    pub(super) folder: &'a Path,
    /// File name of the archive.
    pub(super) archive: String,
    /// `20050523-20261101`: what stands in the names of its members.
    pub(super) days: String,
    /// The day that the members are dated.
    pub(super) dated: Date,
}

/// Writes an archive of `count` providers, the nth of which `provider` gives. `seen` is called with
/// each on the thread that makes them, `progress` now and then with how many are written.
pub(super) fn write(
    names: &Names,
    manifest: &Manifest,
    other_names: OtherNames,
    count: u64,
    mut provider: impl FnMut(u64) -> Provider + Send,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<WrittenFile, FilesError> {
    let path = names.folder.join(&names.archive);
    let failed = |source: io::Error| FilesError::Write {
        path: path.clone(),
        source,
    };
    refuse_foreign(&path)?;
    let mut file = NamedTempFile::new_in(names.folder).map_err(failed)?;
    let (send, batches) = mpsc::sync_channel::<Rows>(WAITING);
    let written = thread::scope(|scope| {
        scope.spawn(move || {
            let mut next = 0;
            while next < count {
                let end = (next + BATCH).min(count);
                let mut rows = Rows::default();
                // What a batch holds is about what the one before did.
                rows.main
                    .text
                    .reserve(1_300 * usize::try_from(end - next).unwrap_or(0));
                for n in next..end {
                    row::write(&mut rows, &provider(n), other_names);
                }
                next = end;
                if send.send(rows).is_err() {
                    break;
                }
            }
        });
        // The receiver must end with this closure, or the other thread would wait for ever.
        pack(file.as_file_mut(), names, manifest, batches, progress)
    });
    let members = match written {
        Ok(Some(members)) => members,
        Ok(None) => return Err(FilesError::Interrupted),
        Err(error) => return Err(failed(io::Error::from(error))),
    };
    let bytes = file.as_file().metadata().map_err(failed)?.len();
    finish(file, &path)?;
    Ok(WrittenFile {
        path,
        bytes,
        members,
    })
}

/// Gives a whole file its name, with the permissions of any other new file.
pub(super) fn finish(file: NamedTempFile, path: &Path) -> Result<(), FilesError> {
    let failed = |source: io::Error| FilesError::Write {
        path: path.to_owned(),
        source,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let shared = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(shared).map_err(failed)?;
    }
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Only what was generated may be written over.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), FilesError> {
    let Ok(file) = File::open(path) else {
        return Ok(());
    };
    let ours = ZipArchive::new(file).is_ok_and(|zip| Manifest::of(&zip).is_some());
    if ours {
        Ok(())
    } else {
        Err(FilesError::Foreign {
            path: path.to_owned(),
        })
    }
}

/// How members are packed: as fast as it goes, for they are mostly empty values.
pub(super) fn options(dated: Date) -> SimpleFileOptions {
    let [year, month, day] = [dated.year(), dated.month().into(), dated.day().into()];
    let at = DateTime::from_date_and_time(
        u16::try_from(year).unwrap_or(1980),
        u8::try_from(month).unwrap_or(1),
        u8::try_from(day).unwrap_or(1),
        3,
        1,
        0,
    );
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(at.unwrap_or_default())
        .unix_permissions(0o644)
}

/// Lines of a side file that wait for their turn.
struct Waiting {
    name: &'static str,
    header: &'static str,
    file: BufWriter<File>,
    bytes: u64,
    rows: u64,
}

impl Waiting {
    fn new(folder: &Path, name: &'static str, header: &'static str) -> io::Result<Self> {
        let mut waiting = Self {
            name,
            header,
            file: BufWriter::new(tempfile::tempfile_in(folder)?),
            bytes: 0,
            rows: 0,
        };
        waiting.add(&Lines {
            text: header.as_bytes().to_vec(),
            count: 0,
        })?;
        Ok(waiting)
    }

    fn add(&mut self, lines: &Lines) -> io::Result<()> {
        self.bytes += lines.text.len() as u64;
        self.rows += lines.count;
        self.file.write_all(&lines.text)
    }
}

/// Packs what comes; none when `progress` asked to stop.
fn pack(
    file: &mut File,
    names: &Names,
    manifest: &Manifest,
    batches: mpsc::Receiver<Rows>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<Vec<Member>>, zip::result::ZipError> {
    let mut zip = ZipWriter::new(BufWriter::with_capacity(256 * 1024, file));
    zip.set_comment(manifest.to_text())?;
    let options = options(names.dated);
    let mut sides = [
        Waiting::new(names.folder, "othername_pfile", OTHERNAME_HEADER)?,
        Waiting::new(names.folder, "pl_pfile", PL_HEADER)?,
        Waiting::new(names.folder, "endpoint_pfile", ENDPOINT_HEADER)?,
    ];
    let mut main = Member {
        name: format!("npidata_pfile_{}.csv", names.days),
        bytes: NPIDATA_HEADER.len() as u64,
        rows: 0,
    };
    // The main file of the whole registry is larger than four gigabytes.
    zip.start_file(main.name.as_str(), options.large_file(true))?;
    zip.write_all(NPIDATA_HEADER.as_bytes())?;
    for rows in batches {
        zip.write_all(&rows.main.text)?;
        main.bytes += rows.main.text.len() as u64;
        main.rows += rows.main.count;
        for (side, lines) in sides
            .iter_mut()
            .zip([&rows.othername, &rows.pl, &rows.endpoint])
        {
            side.add(lines)?;
        }
        if progress(main.rows).is_break() {
            return Ok(None);
        }
    }
    let mut members = vec![main];
    members.push(header(&mut zip, names, "npidata_pfile", NPIDATA_HEADER)?);
    for side in sides {
        let member = Member {
            name: format!("{}_{}.csv", side.name, names.days),
            bytes: side.bytes,
            rows: side.rows,
        };
        zip.start_file(member.name.as_str(), options.large_file(true))?;
        let mut lines = side
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        lines.rewind()?;
        io::copy(&mut lines, &mut zip)?;
        members.push(member);
        members.push(header(&mut zip, names, side.name, side.header)?);
    }
    zip.finish()?.flush()?;
    Ok(Some(members))
}

/// The header line of a file once more, in a file of its own.
fn header(
    zip: &mut ZipWriter<impl Write + Seek>,
    names: &Names,
    of: &str,
    header: &str,
) -> Result<Member, zip::result::ZipError> {
    let name = format!("{of}_{}_fileheader.csv", names.days);
    zip.start_file(name.as_str(), options(names.dated))?;
    zip.write_all(header.as_bytes())?;
    Ok(Member {
        name,
        bytes: header.len() as u64,
        rows: 0,
    })
}

/// Packs one file into an archive of its own: the deactivation report.
pub(super) fn write_report(
    names: &Names,
    manifest: &Manifest,
    member: String,
    deactivated: &mut [(Date, Npi)],
) -> Result<WrittenFile, FilesError> {
    let path = names.folder.join(&names.archive);
    let failed = |source: io::Error| FilesError::Write {
        path: path.clone(),
        source,
    };
    refuse_foreign(&path)?;
    // A spreadsheet is an archive too, and can only be written where one can go back.
    let mut sheet = BufWriter::new(tempfile::tempfile_in(names.folder).map_err(failed)?);
    super::deactivations::write(&mut sheet, names.dated, deactivated)
        .map_err(|e| failed(e.into()))?;
    let mut sheet = sheet.into_inner().map_err(|e| failed(e.into_error()))?;
    sheet.rewind().map_err(failed)?;
    let mut file = NamedTempFile::new_in(names.folder).map_err(failed)?;
    let mut zip = ZipWriter::new(file.as_file_mut());
    let mut pack = |zip: &mut ZipWriter<&mut File>| -> Result<u64, zip::result::ZipError> {
        zip.set_comment(manifest.to_text())?;
        zip.start_file(member.as_str(), options(names.dated))?;
        Ok(io::copy(&mut sheet, zip)?)
    };
    let packed = pack(&mut zip).map_err(|e| failed(e.into()))?;
    zip.finish().map_err(|e| failed(e.into()))?;
    let bytes = file.as_file().metadata().map_err(failed)?.len();
    finish(file, &path)?;
    Ok(WrittenFile {
        path,
        bytes,
        members: vec![Member {
            name: member,
            bytes: packed,
            rows: deactivated.len() as u64,
        }],
    })
}
