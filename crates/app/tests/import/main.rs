//! Loads of dissemination files, on both engines.

#[path = "../../../store/tests/both/mod.rs"]
mod both;
#[path = "../team/opened.rs"]
mod opened;

mod broken;
mod real;
mod sets;
mod started;
mod truth;

use std::path::{Path, PathBuf};

use canvass_app::{Error, ImportOptions, ImportProgress, ImportSummary};
use canvass_model::{Catalogue, Npi, PageRequest, Provider, ProviderFilter, ProviderSort};
use canvass_nppes::sample::files::{
    FullReport, FullSettings, WeeklyReport, write_full, write_weekly,
};
use opened::Opened;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A full set of so many rows, in a folder of its own.
fn full_set(catalogue: &Catalogue, rows: u64) -> (tempfile::TempDir, FullReport) {
    let folder = tempfile::tempdir().unwrap();
    let settings = FullSettings { rows, seed: 1 };
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let report = write_full(catalogue, settings, folder.path(), go_on).unwrap();
    (folder, report)
}

/// The week after a set.
fn week_after(catalogue: &Catalogue, of: &Path, changes: u64) -> (tempfile::TempDir, WeeklyReport) {
    let folder = tempfile::tempdir().unwrap();
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let report = write_weekly(catalogue, of, Some(changes), folder.path(), go_on).unwrap();
    (folder, report)
}

/// The archives in a folder.
fn archives(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

async fn import(
    app: &Opened,
    files: Vec<PathBuf>,
    options: &ImportOptions,
) -> Result<Vec<ImportSummary>, Error> {
    let (progress, _) = watch::channel(ImportProgress::default());
    let stop = CancellationToken::new();
    app.import_files(files, options, &progress, &stop).await
}

/// Loads files without further ado.
async fn load(app: &Opened, files: Vec<PathBuf>) -> Vec<ImportSummary> {
    import(app, files, &ImportOptions::default()).await.unwrap()
}

/// All providers in the database, whatever their state, in the order of their NPIs.
async fn all(app: &Opened) -> Vec<Provider> {
    let filter = found_by(&[("status", "any")]);
    let mut npis: Vec<Npi> = Vec::new();
    let mut page = PageRequest::first(1_000);
    loop {
        let got = app
            .search(&filter, ProviderSort::Name, &page)
            .await
            .unwrap();
        npis.extend(got.items.iter().map(|p| p.npi));
        match got.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    npis.sort_unstable();
    app.store().records(&npis).await.unwrap()
}

fn found_by(pairs: &[(&str, &str)]) -> ProviderFilter {
    let mut filter = ProviderFilter::default();
    for (name, value) in pairs {
        assert!(filter.set(name, value).unwrap());
    }
    filter
}

async fn count(app: &Opened, pairs: &[(&str, &str)]) -> u64 {
    app.count(&found_by(pairs)).await.unwrap().count
}
