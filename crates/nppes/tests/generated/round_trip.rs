//! What was written, read back by the reader of the registry's files.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use canvass_model::{Address, ChangeKind, Npi, Provider, RecordStatus, Source, changes_between};
use canvass_nppes::{
    files::{Catalog, Extent},
    sample::files::{self as generated, FullSettings, WeeklyReport},
};
use jiff::{
    Timestamp,
    civil::{Date, date},
};

use crate::{catalogue, full, weekly};

/// The providers of a set. Nothing is set aside, and every value is understood.
fn read(path: &Path) -> (Extent, Vec<Provider>) {
    let catalog = Catalog::open(&[PathBuf::from(path)]).unwrap();
    let side = catalog
        .side(&mut |_| {}, &mut |row| panic!("{row:?}"))
        .unwrap();
    let mut providers = Vec::new();
    for member in catalog.main() {
        let mut rows = catalog.rows(member).unwrap();
        while let Some(batch) = rows.next_batch().unwrap() {
            let parsed = batch.parse_noting(&side, &mut |warning| panic!("{warning:?}"));
            providers.extend(parsed.into_iter().map(Result::unwrap));
        }
    }
    (catalog.extent(), providers)
}

/// In upper case where the side files are in mixed case.
fn upper(mut p: Provider) -> Provider {
    fn raise(text: &mut Option<String>) {
        *text = text.as_ref().map(|t| t.to_uppercase());
    }
    fn place(a: &mut Address) {
        for text in [&mut a.line_1, &mut a.line_2, &mut a.city] {
            raise(text);
        }
    }
    p.secondary.iter_mut().for_each(place);
    for endpoint in &mut p.endpoints {
        place(&mut endpoint.address);
    }
    for name in &mut p.other_names {
        raise(&mut name.organization);
    }
    p
}

#[test]
fn a_monthly_set_reads_back_as_it_was_generated() {
    let folder = tempfile::tempdir().unwrap();
    for seed in [1, 2] {
        let report = full(4_000, seed, folder.path());
        let (extent, found) = read(&report.files[0].path);
        let until = Some(date(2026, 11, 1));
        assert_eq!(extent, Extent::Full { until });
        let settings = FullSettings { rows: 4_000, seed };
        let written: Vec<Provider> = generated::providers(settings, &catalogue()).collect();
        assert_eq!(found.len(), written.len());
        for (found, written) in found.into_iter().zip(written) {
            assert_eq!(upper(found), upper(written));
        }
    }
}

#[test]
fn the_deactivation_report_reads_back_as_the_deactivated_rows() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(3_000, 3, folder.path());
    let catalog = Catalog::open(&[report.files[1].path.clone()]).unwrap();
    let as_of = Some(date(2026, 11, 2));
    assert_eq!(catalog.extent(), Extent::Deactivations { as_of });
    let mut listed: BTreeMap<Npi, Date> = BTreeMap::new();
    for member in catalog.members() {
        catalog
            .deactivations(
                member,
                &mut |_| {},
                &mut |row| panic!("{row:?}"),
                &mut |row| {
                    listed.insert(row.npi, row.on);
                },
            )
            .unwrap();
    }
    let (_, providers) = read(&report.files[0].path);
    let told: BTreeMap<Npi, Date> = providers
        .into_iter()
        .filter(|p| p.status == RecordStatus::Deactivated)
        .map(|p| (p.npi, p.deactivated_on.unwrap()))
        .collect();
    assert_eq!(listed, told);
    assert_eq!(report.deactivated, told.len() as u64);
}

#[test]
fn a_week_compared_with_the_month_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let month = full(5_000, 9, folder.path());
    let week = weekly(folder.path(), Some(800), folder.path());
    let before: HashMap<Npi, Provider> = read(&month.files[0].path)
        .1
        .into_iter()
        .map(|p| (p.npi, p))
        .collect();
    let (extent, after) = read(&week.files[0].path);
    let (from, until) = (Some(date(2026, 11, 2)), Some(date(2026, 11, 8)));
    assert_eq!(extent, Extent::Weekly { from, until });
    let mut found = WeeklyReport {
        rows: after.len() as u64,
        files: week.files.clone(),
        bytes: week.bytes,
        ..WeeklyReport::default()
    };
    for after in after {
        let Some(before) = before.get(&after.npi) else {
            found.created += 1;
            continue;
        };
        let changes = changes_between(before, &after, Source::WeeklyFile, Timestamp::UNIX_EPOCH);
        let has = |kind| changes.iter().any(|c| c.kind == kind);
        let fields = if has(ChangeKind::Deactivated) {
            found.deactivated += 1;
            continue;
        } else if has(ChangeKind::Reactivated) {
            found.reactivated += 1;
            &mut found.reactivated_fields
        } else if *before == after {
            found.unchanged += 1;
            continue;
        } else {
            found.updated += 1;
            &mut found.fields
        };
        for change in changes.iter().filter(|c| c.kind == ChangeKind::Field) {
            *fields.entry(change.field.clone()).or_default() += 1;
        }
    }
    assert_eq!(found, week);
}
