//! The weekly sets.

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

use canvass_model::Catalogue;
use canvass_nppes::sample::files::{self, FilesError, WeeklyReport};

use crate::{catalogue, column, full, rows, weekly};

/// A row of the main file without what only the monthly one says, and the rows of the side files.
fn whole_rows(archive: &Path, days: &str) -> BTreeMap<String, Vec<String>> {
    let (header, main) = rows(archive, &format!("npidata_pfile_{days}.csv"));
    let masked = column(&header, "Provider Other Organization Name");
    let mut whole: BTreeMap<String, Vec<String>> = main
        .iter()
        .map(|r| {
            let mut values: Vec<String> = r.iter().map(str::to_owned).collect();
            values[masked..masked + 2].fill(String::new());
            (r[0].to_owned(), values)
        })
        .collect();
    for of in ["othername", "pl", "endpoint"] {
        for r in rows(archive, &format!("{of}_pfile_{days}.csv")).1 {
            let whole = whole.get_mut(&r[0]).expect("a provider of the main file");
            whole.push(r.iter().collect::<Vec<_>>().join("|"));
        }
    }
    whole
}

#[test]
fn a_week_changes_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let before = full(6_000, 5, folder.path());
    let report = weekly(folder.path(), Some(800), folder.path());
    assert_eq!(report.rows, 800);
    let path = &report.files[0].path;
    assert!(path.ends_with("NPPES_Data_Dissemination_110226_110826_Weekly_V2.zip"));
    let was = whole_rows(&before.files[0].path, "20050523-20261101");
    let is = whole_rows(path, "20261102-20261108");
    assert_eq!(is.len(), 800);

    let bare = |r: &Vec<String>| r[1].is_empty();
    let mut found = WeeklyReport {
        rows: 800,
        ..WeeklyReport::default()
    };
    let (header, _) = rows(path, "npidata_pfile_20261102-20261108.csv");
    let watched = [
        (
            "practice.phone",
            "Provider Business Practice Location Address Telephone Number",
        ),
        (
            "practice.city",
            "Provider Business Practice Location Address City Name",
        ),
        (
            "mailing.line_1",
            "Provider First Line Business Mailing Address",
        ),
        ("name.last", "Provider Last Name (Legal Name)"),
        (
            "organization_name",
            "Provider Organization Name (Legal Business Name)",
        ),
        ("sole_proprietor", "Is Sole Proprietor"),
        ("official.last", "Authorized Official Last Name"),
    ]
    .map(|(field, name)| (field, column(&header, name)));
    let updated = column(&header, "Last Update Date");
    for (npi, after) in &is {
        let Some(before) = was.get(npi) else {
            found.created += 1;
            continue;
        };
        match (bare(before), bare(after)) {
            (true, false) => found.reactivated += 1,
            (false, true) => found.deactivated += 1,
            _ if before == after => found.unchanged += 1,
            _ => {
                found.updated += 1;
                assert!(("11/02/2026"..="11/08/2026").contains(&after[updated].as_str()));
                for (field, column) in watched {
                    if before[column] != after[column] {
                        *found.fields.entry(field.to_owned()).or_default() += 1;
                    }
                }
            }
        }
    }
    for (field, _) in watched {
        assert_eq!(found.fields.get(field), report.fields.get(field), "{field}");
        assert!(report.fields[field] > 0, "{field}");
    }
    assert_eq!(
        [
            found.created,
            found.updated,
            found.unchanged,
            found.deactivated,
            found.reactivated
        ],
        [240, 384, 120, 40, 16]
    );
    let counts = |r: &WeeklyReport| {
        [
            r.created,
            r.updated,
            r.unchanged,
            r.deactivated,
            r.reactivated,
        ]
    };
    assert_eq!(counts(&found), counts(&report));
    assert_eq!(report.reactivated_fields["entity"], 16);
    assert_eq!(report.reactivated_fields.get("deactivated_on"), None);
}

#[test]
fn a_week_follows_the_month_or_the_week_before() {
    let folder = tempfile::tempdir().unwrap();
    let month = full(4_000, 1, folder.path());
    let first = weekly(&month.files[0].path, None, folder.path());
    assert_eq!(first.rows, 12, "three of a thousand");
    // A folder stands for the monthly set in it, whatever else is there.
    let again = tempfile::tempdir().unwrap();
    let same = weekly(folder.path(), None, again.path());
    assert_eq!(
        fs::read(&first.files[0].path).unwrap(),
        fs::read(&same.files[0].path).unwrap()
    );
    let second = weekly(&first.files[0].path, Some(50), folder.path());
    let path = &second.files[0].path;
    assert!(path.ends_with("NPPES_Data_Dissemination_110926_111526_Weekly_V2.zip"));
    let of_first = whole_rows(&first.files[0].path, "20261102-20261108");
    let of_second = whole_rows(path, "20261109-20261115");
    assert_eq!(of_second.len(), 50);
    assert!(of_second.keys().all(|npi| !of_first.contains_key(npi)));
}

#[test]
fn only_what_was_generated_has_a_week_after() {
    let folder = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let month = full(500, 1, folder.path());
    let try_with = |of: &Path, catalogue: &Catalogue, changes| {
        let result = files::write_weekly(catalogue, of, changes, out.path(), &mut |_| {
            ControlFlow::Continue(())
        });
        result.expect_err("no weekly set")
    };
    let known = catalogue();
    let error = try_with(&folder.path().join("no.zip"), &known, None);
    assert!(matches!(error, FilesError::Read { .. }), "{error}");
    for of in [out.path(), &month.files[1].path] {
        let error = try_with(of, &known, None);
        assert!(matches!(error, FilesError::NotGenerated { .. }), "{error}");
    }
    let error = try_with(folder.path(), &Catalogue::default(), None);
    assert!(matches!(error, FilesError::Stale { .. }), "{error}");
    let error = try_with(folder.path(), &known, Some(0));
    assert!(matches!(error, FilesError::Invalid(_)), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}
