//! The monthly set.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File},
    io::Read,
    ops::ControlFlow,
};

use canvass_nppes::sample::files::{self, FilesError, FullSettings};
use csv::StringRecord;
use zip::ZipArchive;

use crate::{catalogue, column, full, member, rows};

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
    let report = full(10_000, 1, folder.path());
    let (header, rows) = rows(&report.files[0].path, "npidata_pfile_20050523-20261101.csv");
    assert_eq!(rows.len(), 10_000);
    let columns: HashMap<&str, usize> = header.iter().zip(0..).collect();
    let at = |name: &str| columns[name];
    let count = |fits: &dyn Fn(&StringRecord) -> bool| rows.iter().filter(|r| fits(r)).count();
    let (entity, out, again) = (
        at("Entity Type Code"),
        at("NPI Deactivation Date"),
        at("NPI Reactivation Date"),
    );

    let deactivated = count(&|r| r.iter().filter(|v| !v.is_empty()).count() == 2);
    assert!((330..480).contains(&deactivated), "{deactivated}");
    assert_eq!(deactivated as u64, report.deactivated);
    assert_eq!(count(&|r| r[entity].is_empty()), deactivated);
    assert_eq!(
        count(&|r| !r[out].is_empty() && r[again].is_empty()),
        deactivated
    );
    let reactivated = count(&|r| !r[out].is_empty() && !r[again].is_empty());
    assert!(reactivated > 15, "{reactivated}");
    assert_eq!(reactivated as u64, report.reactivated);
    assert_eq!(report.active + report.deactivated, report.rows);

    let npis: Vec<&str> = rows.iter().map(|r| &r[0]).collect();
    assert_eq!(npis.iter().collect::<HashSet<_>>().len(), npis.len());
    assert!(!npis.is_sorted());

    let mut taxonomies: BTreeMap<usize, usize> = BTreeMap::new();
    let codes: Vec<usize> = (1..=15)
        .map(|n| columns[format!("Healthcare Provider Taxonomy Code_{n}").as_str()])
        .collect();
    for r in &rows {
        let known = codes.iter().filter(|code| !r[**code].is_empty());
        *taxonomies.entry(known.count()).or_default() += 1;
    }
    assert!(
        taxonomies[&1] > 7_000 && taxonomies[&15] > 1,
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
    assert!(count(&|r| &r[at("Is Sole Proprietor")] == "X") > 200);
    assert!(count(&|r| &r[at("Healthcare Provider Primary Taxonomy Switch_1")] == "X") > 30);
    assert!(count(&|r| r.iter().any(|v| v == "=========")) > 3);
    assert!(count(&|r| r.iter().any(|v| !v.is_ascii())) > 20);
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
            > 8
    );
    assert!(count(&|r| !r[at("Other Provider Identifier_12")].is_empty()) > 1);
}

#[test]
fn side_files_speak_of_organizations_and_places_in_mixed_case() {
    let folder = tempfile::tempdir().unwrap();
    let report = full(3_000, 1, folder.path());
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
    let report = full(2_000, 1, folder.path());
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
