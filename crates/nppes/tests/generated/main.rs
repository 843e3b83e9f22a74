//! The generated dissemination files, looked at as whoever gets them does.

mod monthly;
mod round_trip;
mod weekly;

use std::{fs::File, io::Read, ops::ControlFlow, path::Path};

use canvass_model::Catalogue;
use canvass_nppes::sample::files::{self, FullReport, FullSettings, WeeklyReport};
use csv::StringRecord;
use zip::ZipArchive;

fn catalogue() -> Catalogue {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/nucc/nucc_taxonomy_251.csv"
    );
    canvass_nppes::nucc::load(Path::new(path)).expect("the catalogue of the repository")
}

fn full(rows: u64, seed: u64, folder: &Path) -> FullReport {
    files::write_full(
        &catalogue(),
        FullSettings { rows, seed },
        folder,
        &mut |_| ControlFlow::Continue(()),
    )
    .expect("a monthly set")
}

fn weekly(of: &Path, changes: Option<u64>, folder: &Path) -> WeeklyReport {
    files::write_weekly(&catalogue(), of, changes, folder, &mut |_| {
        ControlFlow::Continue(())
    })
    .expect("a weekly set")
}

fn member(archive: &Path, name: &str) -> String {
    let mut zip = ZipArchive::new(File::open(archive).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name(name)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Rows of a member, by column name.
fn rows(archive: &Path, name: &str) -> (StringRecord, Vec<StringRecord>) {
    let text = member(archive, name);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    (header, reader.records().map(Result::unwrap).collect())
}

fn column(header: &StringRecord, name: &str) -> usize {
    header
        .iter()
        .position(|h| h == name)
        .unwrap_or_else(|| panic!("{name}"))
}
