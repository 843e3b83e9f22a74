//! The sample as dissemination files: the monthly set, and weekly sets that change it.
//!
//! The files look like those of the registry: names, headers, quotes, masks, and how often each
//! oddity occurs. The providers are as fictional as those of the sample they come from.
//!
//! What a set was made from stands in the comment of its archives, so that the set of the week
//! after can be made without reading the files.

mod archive;
mod deactivations;
mod file_sample;
mod row;
mod week;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use canvass_model::{Catalogue, Change, ChangeKind, Provider, Source, changes_between};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use serde::{Deserialize, Serialize};
use zip::ZipArchive;

pub use self::archive::{Member, WrittenFile};
use self::{
    archive::{Names, Rows},
    file_sample::FileSample,
    row::OtherNames,
    week::{Action, Week},
};
use super::FIRST_DAY;

/// The last day of the monthly set, a Sunday. The sample ends the day before.
const MONTH_ENDS: Date = date(2026, 11, 1);

/// What the generator writes for a seed. Another number whenever that changes, because a weekly
/// set fits only the monthly one of the same generator.
const GENERATION: u32 = 1;

/// The most rows of a set.
const MOST_ROWS: u64 = 90_000_000;

/// Why files could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file could not be written.
    #[error("can't write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the set before could not be read.
    #[error("can't read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Where a file should go is one that was not generated.
    #[error(
        "{} is there already and was not generated; choose another folder or move it away",
        path.display()
    )]
    Foreign {
        /// Which.
        path: PathBuf,
    },
    /// No set that was generated.
    #[error(
        "{} is no set made by `registry generate`, nor a folder with a monthly one",
        path.display()
    )]
    NotGenerated {
        /// What was given.
        path: PathBuf,
    },
    /// The set was made by another version or with another catalogue, so that its providers are
    /// not known here.
    #[error("{} was made {how}; make the monthly set again", path.display())]
    Stale {
        /// What was given.
        path: PathBuf,
        /// In which way it was made differently.
        how: &'static str,
    },
    /// A number that can't be.
    #[error("{0}")]
    Invalid(String),
    /// `progress` asked to stop. What was written is removed.
    #[error("interrupted")]
    Interrupted,
}

/// Which monthly set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullSettings {
    /// Lines of the main file, deactivated ones included; 1 to 90,000,000.
    pub rows: u64,
    /// Another seed gives other providers.
    pub seed: u64,
}

/// A monthly set that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FullReport {
    /// Lines of the main file.
    pub rows: u64,
    /// Of these, NPIs in service.
    pub active: u64,
    /// Of these, NPIs out of service, which the deactivation report lists too.
    pub deactivated: u64,
    /// Of those in service, how many were out of it once.
    pub reactivated: u64,
    /// The data and the deactivation report.
    pub files: Vec<WrittenFile>,
    /// Bytes of all files as they are on the disk.
    pub bytes: u64,
}

/// What a set was made from, as the comment of its archives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    generated_by: String,
    set: Set,
    generation: u32,
    rows: u64,
    seed: u64,
    /// Tells one catalogue from another.
    catalogue: u64,
    /// Changes of each week up to this set; none in a monthly set.
    weeks: Vec<u64>,
}

/// What an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Set {
    Monthly,
    Weekly,
    Deactivations,
}

const GENERATED_BY: &str = "canvass registry generate";

impl Manifest {
    fn new(settings: FullSettings, catalogue: &Catalogue) -> Self {
        Self {
            generated_by: GENERATED_BY.to_owned(),
            set: Set::Monthly,
            generation: GENERATION,
            rows: settings.rows,
            seed: settings.seed,
            catalogue: fingerprint(catalogue),
            weeks: Vec::new(),
        }
    }

    fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn of<R: io::Read + io::Seek>(zip: &ZipArchive<R>) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(zip.comment()).ok()?;
        (manifest.generated_by == GENERATED_BY).then_some(manifest)
    }
}

/// FNV-1a over what the sample takes from a catalogue.
fn fingerprint(catalogue: &Catalogue) -> u64 {
    let parts = catalogue
        .taxonomies()
        .iter()
        .flat_map(|t| [&t.code, &t.section, &t.grouping, &t.classification]);
    let bytes = parts.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Writes a monthly set into a folder, which is made when it is not there: the data
/// (`NPPES_Data_Dissemination_November_2026_V2.zip`) and the deactivation report
/// (`NPPES_Deactivated_NPI_Report_110226_V2.zip`).
///
/// The same settings and catalogue give the same bytes. Files of an earlier call are replaced once
/// the new ones are whole. `progress` is called now and then with the lines written so far.
///
/// # Errors
/// When there are no rows or too many, the folder can't be written to, a file that was not
/// generated is in the way, or `progress` breaks.
pub fn write_full(
    catalogue: &Catalogue,
    settings: FullSettings,
    folder: &Path,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<FullReport, FilesError> {
    if !(1..=MOST_ROWS).contains(&settings.rows) {
        return Err(FilesError::Invalid(format!(
            "a set has from 1 to {MOST_ROWS} rows, not {}",
            settings.rows
        )));
    }
    make_folder(folder)?;
    let manifest = Manifest::new(settings, catalogue);
    let sample = FileSample::new(settings.seed, catalogue);
    let report_on = MONTH_ENDS.tomorrow().unwrap_or(MONTH_ENDS);
    let report_names = Names {
        folder,
        archive: format!(
            "NPPES_Deactivated_NPI_Report_{}_V2.zip",
            report_on.strftime("%m%d%y")
        ),
        days: String::new(),
        dated: report_on,
    };
    // Before the long work, not after it.
    archive::refuse_foreign(&folder.join(&report_names.archive))?;

    let mut deactivated = Vec::new();
    let mut reactivated = 0;
    let data = archive::write(
        &Names {
            folder,
            archive: format!(
                "NPPES_Data_Dissemination_{}_V2.zip",
                MONTH_ENDS.strftime("%B_%Y")
            ),
            days: days(FIRST_DAY, MONTH_ENDS),
            dated: report_on,
        },
        &manifest,
        OtherNames::Masked,
        settings.rows,
        |index| {
            let p = sample.listed(index);
            match (p.deactivated_on, p.reactivated_on) {
                (Some(day), None) => deactivated.push((day, p.npi)),
                (Some(_), Some(_)) => reactivated += 1,
                _ => {}
            }
            p
        },
        progress,
    )?;
    let report = archive::write_report(
        &report_names,
        &Manifest {
            set: Set::Deactivations,
            ..manifest
        },
        report_on
            .strftime("NPPES Deactivated NPI Report %Y%m%d.xlsx")
            .to_string(),
        &mut deactivated,
    )?;
    let deactivated = deactivated.len() as u64;
    let files = vec![data, report];
    Ok(FullReport {
        rows: settings.rows,
        active: settings.rows - deactivated,
        deactivated,
        reactivated,
        bytes: files.iter().map(|f| f.bytes).sum(),
        files,
    })
}

/// The providers of a monthly set, in the order of its main file and as the files tell them, but
/// for the case of letters: the side files have secondary locations, endpoints and most other names
/// of organizations in mixed case.
pub fn providers(
    settings: FullSettings,
    catalogue: &Catalogue,
) -> impl Iterator<Item = Provider> + Send + use<> {
    let sample = FileSample::new(settings.seed, catalogue);
    (0..settings.rows.min(MOST_ROWS)).map(move |index| sample.listed(index))
}

/// A weekly set that was written, and what it changes.
///
/// `rows = created + updated + unchanged + deactivated + reactivated`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WeeklyReport {
    /// Lines of the main file.
    pub rows: u64,
    /// Providers that were not in the set before.
    pub created: u64,
    /// Providers in service before and after, of which at least one field differs.
    pub updated: u64,
    /// Lines that are the same as before.
    pub unchanged: u64,
    /// NPIs that go out of service. Of these the line tells the day and nothing else.
    pub deactivated: u64,
    /// NPIs that come back into service, of which only the day of deactivation was known.
    pub reactivated: u64,
    /// Of the updated ones: how often each field differs, by the name it has in a [`Change`].
    pub fields: BTreeMap<String, u64>,
    /// Of the reactivated ones, the same, against a record that has nothing but the day of
    /// deactivation. `status` is not among them: that change is the reactivation.
    pub reactivated_fields: BTreeMap<String, u64>,
    /// The data.
    pub files: Vec<WrittenFile>,
    /// Bytes of all files as they are on the disk.
    pub bytes: u64,
}

/// Writes the set of the week after one that was generated before into a folder, which is made
/// when it is not there: `NPPES_Data_Dissemination_110226_110826_Weekly_V2.zip` after a monthly
/// set, the week after that after this one, and so on.
///
/// `of` is the archive of the set before, or a folder with a monthly one, after which the first
/// week comes. `changes` are the lines of the main file; by default 3 of 1,000 lines of the monthly
/// set, at least 10. A small set may have too few providers for them, and then has fewer lines.
/// `progress` is called now and then with the lines written so far.
///
/// # Errors
/// When `of` was not generated, or by another version or with another catalogue, there would be no
/// change or too many, the folder can't be written to, a file that was not generated is in the way,
/// or `progress` breaks.
pub fn write_weekly(
    catalogue: &Catalogue,
    of: &Path,
    changes: Option<u64>,
    folder: &Path,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<WeeklyReport, FilesError> {
    let mut manifest = manifest_of(of)?;
    let stale = |how| FilesError::Stale {
        path: of.to_owned(),
        how,
    };
    if manifest.generation != GENERATION {
        return Err(stale("by another version"));
    }
    if manifest.catalogue != fingerprint(catalogue) {
        return Err(stale("with another taxonomy file"));
    }
    let changes = changes.unwrap_or_else(|| (manifest.rows * 3 / 1_000).max(10));
    if !(1..=MOST_ROWS).contains(&changes) {
        return Err(FilesError::Invalid(format!(
            "a weekly set has from 1 to {MOST_ROWS} changes, not {changes}"
        )));
    }
    make_folder(folder)?;
    manifest.set = Set::Weekly;
    manifest.weeks.push(changes);
    let seed = manifest.seed;
    let sample = FileSample::new(seed, catalogue);
    let week = Week::plan(&sample, seed, manifest.rows, &manifest.weeks);
    let rows = week.lines.len() as u64;
    let mut report = WeeklyReport {
        rows,
        ..WeeklyReport::default()
    };
    let names = Names {
        folder,
        archive: format!(
            "NPPES_Data_Dissemination_{}_{}_Weekly_V2.zip",
            week.first.strftime("%m%d%y"),
            week.last.strftime("%m%d%y")
        ),
        days: days(week.first, week.last),
        dated: week.last,
    };
    let mut lines = week.lines.iter();
    let data = archive::write(
        &names,
        &manifest,
        OtherNames::Blank,
        rows,
        |_| {
            // As many are asked for as there are.
            let line = lines.next().copied().unwrap_or((0, Action::Unchanged));
            let (before, after) = week.provider(&sample, seed, line);
            report.count(line.1, before.as_ref(), &after);
            after
        },
        progress,
    )?;
    report.bytes = data.bytes;
    report.files.push(data);
    Ok(report)
}

impl WeeklyReport {
    fn count(&mut self, action: Action, before: Option<&Provider>, after: &Provider) {
        let (count, fields) = match action {
            Action::Created => (&mut self.created, None),
            Action::Updated => (&mut self.updated, Some(&mut self.fields)),
            Action::Unchanged => (&mut self.unchanged, None),
            Action::Deactivated => (&mut self.deactivated, None),
            Action::Reactivated => (&mut self.reactivated, Some(&mut self.reactivated_fields)),
        };
        *count += 1;
        let (Some(fields), Some(before)) = (fields, before) else {
            return;
        };
        // When it was seen is of no matter to a count.
        let changes = changes_between(before, after, Source::WeeklyFile, Timestamp::UNIX_EPOCH);
        let of_fields = |change: &Change| change.kind == ChangeKind::Field;
        for change in changes.into_iter().filter(of_fields) {
            *fields.entry(change.field).or_default() += 1;
        }
    }
}

/// What a set was made from: an archive, or the monthly one in a folder.
fn manifest_of(of: &Path) -> Result<Manifest, FilesError> {
    let failed = |source| FilesError::Read {
        path: of.to_owned(),
        source,
    };
    let none = || FilesError::NotGenerated {
        path: of.to_owned(),
    };
    let read = |path: &Path| {
        let zip = ZipArchive::new(File::open(path)?);
        Ok::<_, io::Error>(zip.ok().and_then(|zip| Manifest::of(&zip)))
    };
    if !fs::metadata(of).map_err(failed)?.is_dir() {
        let manifest = read(of).map_err(failed)?;
        return manifest
            .filter(|m| m.set != Set::Deactivations)
            .ok_or_else(none);
    }
    for entry in fs::read_dir(of).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|e| e != "zip") {
            continue;
        }
        if let Some(manifest) = read(&path).map_err(failed)?
            && manifest.set == Set::Monthly
        {
            return Ok(manifest);
        }
    }
    Err(none())
}

/// `20050523-20261101`.
fn days(first: Date, last: Date) -> String {
    format!("{}-{}", first.strftime("%Y%m%d"), last.strftime("%Y%m%d"))
}

fn make_folder(folder: &Path) -> Result<(), FilesError> {
    fs::create_dir_all(folder).map_err(|source| FilesError::Write {
        path: folder.to_owned(),
        source,
    })
}
