//! The generated dissemination files, looked at as whoever gets them does.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::Read,
    ops::ControlFlow,
    path::Path,
};

use canvass_model::Catalogue;
use canvass_nppes::sample::files::{self, FilesError, FullReport, FullSettings, WeeklyReport};
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

#[test]
fn a_monthly_set_has_the_files_of_the_registry() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(3_000, 1, folder.path());
    let names: Vec<String> = report
        .files
        .iter()
        .map(|f| f.path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "NPPES_Data_Dissemination_November_2026_V2.zip",
            "NPPES_Deactivated_NPI_Report_110226_V2.zip"
        ]
    );
    let mut zip = ZipArchive::new(File::open(&report.files[0].path).unwrap()).unwrap();
    let members: Vec<(String, u64)> = (0..zip.len())
        .map(|i| {
            let member = zip.by_index(i).unwrap();
            (member.name().unwrap().into_owned(), member.size())
        })
        .collect();
    let told: Vec<(String, u64)> = report.files[0]
        .members
        .iter()
        .map(|m| (m.name.clone(), m.bytes))
        .collect();
    assert_eq!(members, told);
    let mut expected = Vec::new();
    for of in ["npidata", "othername", "pl", "endpoint"] {
        expected.push(format!("{of}_pfile_20050523-20261101.csv"));
        expected.push(format!("{of}_pfile_20050523-20261101_fileheader.csv"));
    }
    assert_eq!(
        told.iter().map(|(n, _)| n).collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    for pair in expected.chunks(2) {
        let (data, header) = (
            member(&report.files[0].path, &pair[0]),
            member(&report.files[0].path, &pair[1]),
        );
        assert!(
            header.ends_with("\"\n") && data.starts_with(&header),
            "{pair:?}"
        );
        let lines = u64::try_from(data.lines().count()).unwrap() - 1;
        let told = report.files[0].members.iter().find(|m| m.name == pair[0]);
        assert_eq!(told.unwrap().rows, lines, "{pair:?}");
        assert!(lines > 20, "{pair:?}");
    }
    let on_disk: u64 = fs::read_dir(folder.path())
        .unwrap()
        .map(|f| f.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(report.bytes, on_disk, "nothing else is left behind");
}

#[test]
fn every_value_is_quoted_and_nothing_is_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(2_000, 3, folder.path());
    for m in &report.files[0].members {
        let text = member(&report.files[0].path, &m.name);
        let columns = text.lines().next().unwrap().split("\",\"").count();
        for line in text.lines() {
            let inside = line
                .strip_prefix('"')
                .and_then(|l| l.strip_suffix('"'))
                .unwrap();
            let values: Vec<&str> = inside.split("\",\"").collect();
            assert_eq!(values.len(), columns, "{line}");
            assert!(values.iter().all(|v| !v.contains('"')), "{line}");
        }
    }
}

#[test]
fn the_skews_are_those_of_the_real_files() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(30_000, 1, folder.path());
    let (header, rows) = rows(&report.files[0].path, "npidata_pfile_20050523-20261101.csv");
    assert_eq!(rows.len(), 30_000);
    let at = |name: &str| column(&header, name);
    let count = |fits: &dyn Fn(&StringRecord) -> bool| rows.iter().filter(|r| fits(r)).count();
    let (entity, out, again) = (
        at("Entity Type Code"),
        at("NPI Deactivation Date"),
        at("NPI Reactivation Date"),
    );

    let deactivated = count(&|r| r.iter().filter(|v| !v.is_empty()).count() == 2);
    assert!((1_000..1_400).contains(&deactivated), "{deactivated}");
    assert_eq!(deactivated as u64, report.deactivated);
    assert_eq!(count(&|r| r[entity].is_empty()), deactivated);
    assert_eq!(
        count(&|r| !r[out].is_empty() && r[again].is_empty()),
        deactivated
    );
    let reactivated = count(&|r| !r[out].is_empty() && !r[again].is_empty());
    assert!(reactivated > 50, "{reactivated}");
    assert_eq!(reactivated as u64, report.reactivated);
    assert_eq!(report.active + report.deactivated, report.rows);

    let npis: Vec<&str> = rows.iter().map(|r| &r[0]).collect();
    assert_eq!(npis.iter().collect::<HashSet<_>>().len(), npis.len());
    assert!(!npis.is_sorted());

    let mut taxonomies: BTreeMap<usize, usize> = BTreeMap::new();
    for r in &rows {
        let n = (1..=15)
            .filter(|n| !r[at(&format!("Healthcare Provider Taxonomy Code_{n}"))].is_empty());
        *taxonomies.entry(n.count()).or_default() += 1;
    }
    assert!(
        taxonomies[&1] > 20_000 && taxonomies[&15] > 5,
        "{taxonomies:?}"
    );
    assert_eq!(taxonomies[&0], deactivated);

    let organizations = count(&|r| &r[entity] == "2");
    assert_eq!(
        count(&|r| &r[at("Employer Identification Number (EIN)")] == "<UNAVAIL>"),
        organizations
    );
    let hidden = count(&|r| {
        &r[at("Provider Other Organization Name")] == "<UNAVAIL>"
            && &r[at("Provider Other Organization Name Type Code")] == "6"
    });
    assert!(hidden * 5 > organizations, "{hidden} of {organizations}");
    assert!(count(&|r| &r[at("Is Sole Proprietor")] == "X") > 500);
    assert!(count(&|r| &r[at("Healthcare Provider Primary Taxonomy Switch_1")] == "X") > 100);
    assert!(count(&|r| r.iter().any(|v| v == "=========")) > 10);
    assert!(count(&|r| r.iter().any(|v| !v.is_ascii())) > 50);
    let longest = rows
        .iter()
        .map(|r| {
            r[at("Provider Organization Name (Legal Business Name)")]
                .chars()
                .count()
        })
        .max();
    assert!((95..=100).contains(&longest.unwrap()), "{longest:?}");
    assert!(
        count(&|r| !["", "US"]
            .contains(&&r[at("Provider Business Mailing Address Country Code (If outside U.S.)")]))
            > 30
    );
    assert!(count(&|r| !r[at("Other Provider Identifier_12")].is_empty()) > 5);
}

#[test]
fn side_files_speak_of_organizations_and_places_in_mixed_case() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(5_000, 1, folder.path());
    let archive = &report.files[0].path;
    let (_, main) = rows(archive, "npidata_pfile_20050523-20261101.csv");
    let organizations: HashSet<&str> = main
        .iter()
        .filter(|r| &r[1] == "2")
        .map(|r| &r[0])
        .collect();
    let (_, others) = rows(archive, "othername_pfile_20050523-20261101.csv");
    assert!(others.iter().all(|r| organizations.contains(&r[0])));
    assert!(others.iter().any(|r| r[1].contains(char::is_lowercase)));
    assert!(others.iter().any(|r| !r[1].contains(char::is_lowercase)));
    let (_, places) = rows(archive, "pl_pfile_20050523-20261101.csv");
    assert!(
        places
            .iter()
            .filter(|r| r[3].contains(char::is_lowercase))
            .count()
            * 10
            > places.len() * 9
    );
    let (header, endpoints) = rows(archive, "endpoint_pfile_20050523-20261101.csv");
    let kinds: HashSet<&str> = endpoints.iter().map(|r| &r[1]).collect();
    assert!(
        kinds.contains("DIRECT") && kinds.contains("FHIR"),
        "{kinds:?}"
    );
    assert!(
        endpoints
            .iter()
            .any(|r| &r[column(&header, "Affiliation")] == "Y")
    );
}

#[test]
fn the_deactivation_report_lists_each_deactivated_npi_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(4_000, 1, folder.path());
    let (header, main) = rows(&report.files[0].path, "npidata_pfile_20050523-20261101.csv");
    let out = column(&header, "NPI Deactivation Date");
    let told: HashSet<(String, String)> = main
        .iter()
        .filter(|r| r[1].is_empty())
        .map(|r| (r[0].to_owned(), r[out].to_owned()))
        .collect();
    let sheet = &report.files[1].members[0];
    assert_eq!(sheet.name, "NPPES Deactivated NPI Report 20261102.xlsx");
    let mut zip = ZipArchive::new(File::open(&report.files[1].path).unwrap()).unwrap();
    let mut xlsx = Vec::new();
    zip.by_name(&sheet.name)
        .unwrap()
        .read_to_end(&mut xlsx)
        .unwrap();
    let book = folder.path().join("report.xlsx");
    fs::write(&book, xlsx).unwrap();
    let texts = between(&member(&book, "xl/sharedStrings.xml"), "<t>", "</t>");
    let cells: Vec<String> = between(&member(&book, "xl/worksheets/sheet1.xml"), "<v>", "</v>")
        .iter()
        .map(|at| texts[at.parse::<usize>().unwrap()].clone())
        .collect();
    assert_eq!(
        cells[..3],
        [
            "NPPES Deactivated Records as of Nov 02 2026",
            "NPI",
            "NPPES Deactivation Date"
        ]
    );
    let listed: Vec<(String, String)> = cells[3..]
        .chunks(2)
        .map(|c| (c[0].clone(), c[1].clone()))
        .collect();
    assert_eq!(listed.len() as u64, sheet.rows);
    let days: Vec<String> = listed
        .iter()
        .map(|(_, day)| format!("{}{}", &day[6..], &day[..5]))
        .collect();
    assert!(days.is_sorted_by(|a, b| a >= b));
    assert_eq!(listed.into_iter().collect::<HashSet<_>>(), told);
    let unique: HashSet<&String> = texts.iter().collect();
    assert_eq!(unique.len(), texts.len());
}

fn between(text: &str, open: &str, close: &str) -> Vec<String> {
    text.split(open)
        .skip(1)
        .map(|rest| rest.split(close).next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let bytes: Vec<Vec<Vec<u8>>> = folders
        .iter()
        .zip([7, 7, 8])
        .map(|(folder, seed)| {
            let report = full(2_500, seed, folder.path());
            report
                .files
                .iter()
                .map(|f| fs::read(&f.path).unwrap())
                .collect()
        })
        .collect();
    assert_eq!(bytes[0], bytes[1]);
    assert_ne!(bytes[0][0], bytes[2][0]);
    assert_ne!(bytes[0][1], bytes[2][1]);
}

#[test]
fn a_set_replaces_an_earlier_one_but_no_file_of_somebody() {
    let folder = tempfile::tempdir().unwrap();
    full(50, 1, folder.path());
    let report = full(60, 1, folder.path());
    assert_eq!(report.rows, 60);
    let theirs = folder
        .path()
        .join("NPPES_Deactivated_NPI_Report_110226_V2.zip");
    fs::write(&theirs, "mine").unwrap();
    let error = files::write_full(
        &catalogue(),
        FullSettings { rows: 70, seed: 1 },
        folder.path(),
        &mut |_| ControlFlow::Continue(()),
    );
    assert!(matches!(error, Err(FilesError::Foreign { path }) if path == theirs));
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "mine");
}

#[test]
fn an_interrupted_set_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = FullSettings {
        rows: 50_000,
        seed: 1,
    };
    let result = files::write_full(&catalogue(), settings, folder.path(), &mut |rows| {
        if rows < 4_000 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert!(matches!(result, Err(FilesError::Interrupted)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let none = FullSettings { rows: 0, seed: 1 };
    let result = files::write_full(&catalogue(), none, folder.path(), &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(result, Err(FilesError::Invalid(_))));
}

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
