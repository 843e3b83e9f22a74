//! What sets of files are taken for, and how their files complete each other.

use std::path::Path;

use canvass_model::{Address, Entity, RecordStatus};
use canvass_nppes::files::{Catalog, Extent, FileError, FileKind, Side, Version};
use jiff::civil::date;

use super::{
    fixture, read,
    written::{self, Table},
};

const PERSON: [(&str, &str); 4] = [
    ("NPI", "1234567893"),
    ("Entity Type Code", "1"),
    ("Provider Last Name (Legal Name)", "ROE"),
    ("Provider First Name", "JANE"),
];
const CLINIC: [(&str, &str); 5] = [
    ("NPI", "1023011178"),
    ("Entity Type Code", "2"),
    (
        "Provider Organization Name (Legal Business Name)",
        "CLINIC, INC.",
    ),
    ("Provider Other Organization Name", "<UNAVAIL>"),
    ("Provider Other Organization Name Type Code", "6"),
];

/// A set as the registry packs it.
fn monthly(folder: &Path, name: &str, days: &str) -> std::path::PathBuf {
    let main = Table::main().with(PERSON).with(CLINIC).bytes();
    let header = Table::main().bytes();
    let other_names = Table::other_names()
        .with([
            ("NPI", "1023011178"),
            ("Provider Other Organization Name", "The \"Clinic\""),
            ("Provider Other Organization Name Type Code", "3"),
        ])
        .with([
            ("NPI", "1588667638"),
            ("Provider Other Organization Name", "Nobody's, \"Inc\""),
            ("Provider Other Organization Name Type Code", "5"),
        ])
        .bytes();
    let at = "Provider Secondary Practice Location Address";
    let locations = Table::locations()
        .with([
            ("NPI".to_owned(), "1234567893"),
            (format!("{at}- Address Line 1"), "2 Side St"),
            (format!("{at} - Postal Code"), "30309-3702"),
            (format!("{at} - Telephone Number"), "4105325258"),
            (format!("{at} - Telephone Extension"), "17"),
        ])
        .bytes();
    let endpoints = Table::endpoints().bytes();
    let named = |kind: &str| format!("{kind}_{days}.csv");
    written::archive(
        folder,
        name,
        &[
            ("NPPES_Data_Dissemination_Readme.pdf", b"%PDF-1.7 ..."),
            (&named("endpoint_pfile"), &endpoints),
            ("endpoint_pfile_fileheader.csv", &endpoints),
            (&named("npidata_pfile"), &main),
            ("npidata_pfile_fileheader.csv", &header),
            (&named("othername_pfile"), &other_names),
            (&named("pl_pfile"), &locations),
        ],
    )
}

#[test]
fn an_archive_is_told_apart_into_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = monthly(folder.path(), "any.zip", "20050523-20260913");
    let catalog = Catalog::open(std::slice::from_ref(&path)).unwrap();
    let until = Some(date(2026, 9, 13));
    assert_eq!(catalog.extent(), Extent::Full { until });
    let members: Vec<_> = catalog
        .members()
        .iter()
        .map(|m| (m.kind, m.name.as_str(), m.columns, m.version))
        .collect();
    assert_eq!(
        members,
        [
            (
                FileKind::Providers,
                "npidata_pfile_20050523-20260913.csv",
                330,
                Some(Version::V2)
            ),
            (
                FileKind::OtherNames,
                "othername_pfile_20050523-20260913.csv",
                4,
                None
            ),
            (
                FileKind::PracticeLocations,
                "pl_pfile_20050523-20260913.csv",
                10,
                None
            ),
        ]
    );
    let passed_over: Vec<_> = catalog
        .passed_over()
        .iter()
        .map(|p| (p.name.as_str(), p.kind, p.why.as_str()))
        .collect();
    let header = "it is a header without rows";
    assert_eq!(
        passed_over,
        [
            (
                "NPPES_Data_Dissemination_Readme.pdf",
                None,
                "it is a document (PDF)"
            ),
            (
                "endpoint_pfile_20050523-20260913.csv",
                Some(FileKind::Endpoints),
                header
            ),
            (
                "endpoint_pfile_fileheader.csv",
                Some(FileKind::Header),
                header
            ),
            (
                "npidata_pfile_fileheader.csv",
                Some(FileKind::Header),
                header
            ),
        ]
    );
    assert_eq!(catalog.members()[0].archive, path);
}

#[test]
fn the_side_files_complete_the_rows_of_the_main_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = monthly(folder.path(), "any.zip", "20050523-20260913");
    let catalog = Catalog::open(&[path]).unwrap();
    let mut bytes = 0;
    let side = catalog
        .side(&mut |count| bytes += count, &mut |row| panic!("{row:?}"))
        .unwrap();
    let counts: Vec<_> = side.files().iter().map(|f| (f.kind, f.rows)).collect();
    assert_eq!(
        counts,
        [(FileKind::OtherNames, 2), (FileKind::PracticeLocations, 1)]
    );
    assert_eq!(bytes + catalog.members()[0].bytes, catalog.bytes());

    let all = read(&catalog, &side);
    let [person, clinic] = &all.providers[..] else {
        panic!("{:?}", all.providers);
    };
    assert_eq!(
        (person.entity, clinic.entity),
        (Some(Entity::Individual), Some(Entity::Organization))
    );
    assert_eq!(
        person.secondary,
        [Address {
            line_1: Some("2 Side St".into()),
            postal_code: Some("303093702".into()),
            phone: canvass_model::Phone::parse("4105325258"),
            ..Address::default()
        }]
    );
    let [name] = &clinic.other_names[..] else {
        panic!("{:?}", clinic.other_names);
    };
    assert_eq!(name.organization.as_deref(), Some("The \"Clinic\""));
    assert_eq!(name.code.as_deref(), Some("3"));

    let known: Vec<_> = all.providers.iter().map(|p| p.npi).collect();
    let unused: Vec<_> = side.unused(|npi| known.contains(&npi)).collect();
    let [row] = &unused[..] else {
        panic!("{unused:?}");
    };
    assert_eq!(row.file, "othername_pfile_20050523-20260913.csv");
    assert_eq!((row.line, row.npi.as_deref()), (3, Some("1588667638")));
    assert_eq!(row.row, r#""1588667638","Nobody's, ""Inc""","5","""#);
    assert_eq!(
        row.reason,
        "the main file has no provider with this NPI (other names)"
    );
}

#[test]
fn another_name_in_the_main_file_counts_where_it_is_not_masked() {
    let folder = tempfile::tempdir().unwrap();
    let main = |name: &'static str| {
        let mut row = CLINIC;
        row[3].1 = name;
        row[4].1 = "3";
        Table::main().with(row).bytes()
    };
    let other_names = Table::other_names()
        .with([
            ("NPI", "1023011178"),
            ("Provider Other Organization Name", "The Clinic"),
            ("Provider Other Organization Name Type Code", "3"),
        ])
        .bytes();
    let other_names = written::file(folder.path(), "othername_pfile.csv", &other_names);
    for (name, beside, expected) in [
        ("THE CLINIC", false, &["THE CLINIC"][..]),
        ("THE CLINIC", true, &["The Clinic"]),
        ("OLD CLINIC", true, &["OLD CLINIC", "The Clinic"]),
        ("<UNAVAIL>", false, &[]),
    ] {
        let mut paths = vec![written::file(folder.path(), "main.csv", &main(name))];
        paths.extend(beside.then(|| other_names.clone()));
        let catalog = Catalog::open(&paths).unwrap();
        let side = catalog.side(&mut |_| {}, &mut |_| {}).unwrap();
        let all = read(&catalog, &side);
        let names: Vec<_> = all.providers[0]
            .other_names
            .iter()
            .map(|n| n.organization.as_deref().unwrap())
            .collect();
        assert_eq!(names, expected, "{name}");
    }
}

#[test]
fn sets_in_any_mix_come_in_the_order_in_which_they_apply() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        fixture("NPPES_Deactivated_NPI_Report_100923.zip"),
        monthly(folder.path(), "b.zip", "20260914-20260920"),
        monthly(folder.path(), "c.zip", "20260907-20260913"),
        monthly(folder.path(), "a.zip", "20050523-20260906"),
    ];
    let sets = Catalog::open_all(&paths).unwrap();
    let extents: Vec<_> = sets.iter().map(|set| set.extent().to_string()).collect();
    assert_eq!(
        extents,
        [
            "full until 2026-09-06",
            "changes from 2026-09-07 until 2026-09-13",
            "changes from 2026-09-14 until 2026-09-20",
            "deactivations as of 2023-10-09",
        ]
    );
    assert!(matches!(
        Catalog::open(&paths),
        Err(FileError::Several { count: 4, .. })
    ));
    assert!(sets[..3].iter().all(|set| set.passed_over().len() == 4));
}

#[test]
fn a_file_that_was_named_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = monthly(folder.path(), "a.zip", "20260914-20260920");
    let error = Catalog::open(&[path.clone(), path])
        .unwrap_err()
        .to_string();
    assert!(error.contains("named twice"), "{error}");
}

#[test]
fn a_fingerprint_knows_content_and_extent_but_not_place_and_order() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let main = Table::main().with(PERSON).bytes();
    let other = Table::main().with(CLINIC).bytes();
    let locations = std::fs::read(fixture("pl_pfile_2025_sample9_verbatim.csv")).unwrap();
    let set = |folder: &Path, main: &[u8], days: &str| {
        [
            written::file(folder, &format!("npidata_pfile_{days}.csv"), main),
            written::file(folder, &format!("pl_pfile_{days}.csv"), &locations),
        ]
    };
    let fingerprint = |mut paths: Vec<std::path::PathBuf>, turned: bool| {
        if turned {
            paths.reverse();
        }
        let catalog = Catalog::open(&paths).unwrap();
        let mut bytes = 0;
        let fingerprint = catalog.fingerprint(&mut |count| bytes += count).unwrap();
        assert_eq!(bytes, catalog.bytes());
        fingerprint
    };
    let week = "20260914-20260920";
    let first = fingerprint(set(folder.path(), &main, week).to_vec(), false);
    let again = fingerprint(set(elsewhere.path(), &main, week).to_vec(), true);
    let changed = fingerprint(set(folder.path(), &other, week).to_vec(), false);
    let full = fingerprint(
        set(folder.path(), &main, "20050523-20260920").to_vec(),
        false,
    );
    assert_eq!(first, again);
    assert!(first != changed && first != full && changed != full);
    let packed = monthly(folder.path(), "a.zip", week);
    let moved = elsewhere.path().join("b.zip");
    std::fs::copy(&packed, &moved).unwrap();
    let of = |path| {
        Catalog::open(&[path])
            .unwrap()
            .fingerprint(&mut |_| {})
            .unwrap()
    };
    assert_eq!(of(packed), of(moved));
}

#[test]
fn older_headers_marks_and_line_ends_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let header = std::fs::read(fixture("npidata_header_2015_329cols_verbatim.csv")).unwrap();
    let header = String::from_utf8(header).unwrap().trim_end().to_owned();
    let mut values = vec![String::new(); 329];
    values[0] = "1234567893".into();
    values[1] = "1".into();
    values[5] = "ROÉ".into();
    values[41] = "F".into();
    let row: Vec<String> = values.iter().map(|v| format!("\"{v}\"")).collect();
    for (mark, end) in [("", "\n"), ("\u{feff}", "\r\n")] {
        let content = format!("{mark}{header}{end}{}{end}", row.join(","));
        let path = written::file(folder.path(), "npidata.csv", content.as_bytes());
        let catalog = Catalog::open(&[path]).unwrap();
        let member = &catalog.members()[0];
        assert_eq!((member.columns, member.version), (329, Some(Version::V1)));
        let all = read(&catalog, &Side::default());
        assert_eq!(all.set_aside, []);
        let [p] = &all.providers[..] else {
            panic!("{:?}", all.providers);
        };
        assert_eq!(p.name.last.as_deref(), Some("ROÉ"));
        assert_eq!(p.sex, Some(canvass_model::Sex::F));
        assert_eq!(p.certified_on, None);
    }
}

#[test]
fn what_is_nothing_to_read_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let header = Catalog::open(&[
        fixture("npidata_v2_header.csv"),
        fixture("othername_v2_header.csv"),
    ]);
    assert_eq!(
        header.unwrap_err().to_string(),
        "nothing to read; npidata_v2_header.csv was passed over: it is a header without rows; \
         othername_v2_header.csv was passed over: it is a header without rows"
    );
    for (name, content, problem) in [
        (
            "a.html",
            &b"\n<!DOCTYPE html><html>"[..],
            "it is a web page",
        ),
        ("empty.csv", b"", "it is empty"),
        ("wide.csv", b"\xff\xfeN\0P\0I\0", "UTF-16"),
        (
            "other.csv",
            b"NPI,Name\n1234567893,ROE\n",
            "none of the registry's files",
        ),
        ("binary", &[0x80; 2_000], "none of the registry's files"),
    ] {
        let path = written::file(folder.path(), name, content);
        let error = Catalog::open(&[path]).unwrap_err();
        assert!(matches!(error, FileError::Unknown { .. }), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
    let lacking = b"\"NPI\",\"Endpoint Type\",\"Endpoint\"\n\"1\",\"\",\"\"\n";
    let path = written::file(folder.path(), "endpoint.csv", lacking);
    let error = Catalog::open(&[path]).unwrap_err().to_string();
    assert!(
        error.contains("lacks the columns Endpoint Type Description,"),
        "{error}"
    );
    for path in [folder.path().to_owned(), folder.path().join("none.zip")] {
        let error = Catalog::open(&[path]).unwrap_err();
        assert!(matches!(error, FileError::Open { .. }), "{error}");
    }
}

#[test]
fn a_deactivated_npi_may_have_nothing_but_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let days = |deactivated: &'static str, reactivated: &'static str| {
        let mut row = PERSON.to_vec();
        row.extend([
            ("NPI Deactivation Date", deactivated),
            ("NPI Reactivation Date", reactivated),
        ]);
        row
    };
    let main = Table::main()
        .with([
            ("NPI", "1023011178"),
            ("NPI Deactivation Date", "10/08/2023"),
        ])
        .with(days("10/08/2023", "10/09/2023"))
        .with(days("10/09/2023", "10/08/2023"))
        .with([("NPI", "1588667638")]);
    let path = written::file(folder.path(), "npidata.csv", &main.bytes());
    let all = read(&Catalog::open(&[path]).unwrap(), &Side::default());
    let found: Vec<_> = all
        .providers
        .iter()
        .map(|p| (p.entity, p.status, p.deactivated_on, p.reactivated_on))
        .collect();
    let (eighth, ninth) = (Some(date(2023, 10, 8)), Some(date(2023, 10, 9)));
    let person = Some(Entity::Individual);
    assert_eq!(
        found,
        [
            (None, RecordStatus::Deactivated, eighth, None),
            (person, RecordStatus::Active, eighth, ninth),
            (person, RecordStatus::Deactivated, ninth, eighth),
        ]
    );
    let reasons: Vec<_> = all
        .set_aside
        .iter()
        .map(|row| row.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        ["the row has neither a type of provider nor a day of deactivation"]
    );
}

#[test]
fn rows_that_are_none_are_set_aside_with_line_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let good = Table::main().with(PERSON).bytes();
    let text = String::from_utf8(good.clone()).unwrap();
    let (header, row) = text.split_once('\n').unwrap();
    let row = row.trim_end();
    let mut content = format!(
        "{header}\n{row}\n\"1588667638\",\"1\"\n{}\n{}\n{row},\"\"\n\n{}\n",
        row.replace("1234567893", "1234567890"),
        row.replace("1234567893", "=SUM(A1)"),
        row.replace("\"JANE\"", "\"JANE"),
    )
    .into_bytes();
    let mut latin = row.replace("ROE", "R#E").into_bytes();
    let at = latin.iter().position(|b| *b == b'#').unwrap();
    latin[at] = 0xD3;
    content.extend(latin);
    content.extend(format!("\n{}\n", row.replace("ROE", "R\"\"O,\nE")).into_bytes());
    let path = written::file(folder.path(), "npidata.csv", &content);
    let all = read(&Catalog::open(&[path]).unwrap(), &Side::default());
    let names: Vec<_> = all
        .providers
        .iter()
        .map(|p| p.name.last.clone().unwrap())
        .collect();
    assert_eq!(names, ["ROE", "R\"O,\nE"]);
    let mut aside: Vec<_> = all
        .set_aside
        .iter()
        .map(|row| (row.line, row.npi.as_deref(), row.reason.as_str()))
        .collect();
    aside.sort_unstable();
    let npi = Some("1234567893");
    let utf8 = format!("byte {} of the row is not UTF-8", at + 1);
    assert_eq!(
        aside,
        [
            (
                3,
                Some("1588667638"),
                "the row has 2 fields and the header 330"
            ),
            (
                4,
                Some("1234567890"),
                "1234567890 is no NPI: its check digit does not fit"
            ),
            (
                5,
                None,
                "an NPI has ten digits, the first 1 or 2, and \"=SUM(A1)\" has not"
            ),
            (6, npi, "the row has 331 fields and the header 330"),
            (8, npi, "the quote that opens field 7 is not closed"),
            (9, npi, &utf8),
        ]
    );
    assert!(
        all.set_aside
            .iter()
            .all(|row| row.file == "npidata.csv" && !row.row.is_empty())
    );
}

#[test]
fn values_that_are_none_are_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut row = PERSON.to_vec();
    row.extend([
        ("Last Update Date", "6/15/26"),
        ("Is Sole Proprietor", "maybe"),
        ("Provider Sex Code", "Q"),
        ("Provider Business Mailing Address City Name", "--"),
        ("Provider Business Mailing Address Telephone Number", "none"),
        ("Provider License Number_2", "A-1"),
        ("Other Provider Identifier_1", "========="),
        ("Other Provider Identifier Issuer_1", "MEDICAID"),
    ]);
    let path = written::file(
        folder.path(),
        "npidata.csv",
        &Table::main().with(row).bytes(),
    );
    let all = read(&Catalog::open(&[path]).unwrap(), &Side::default());
    let p = &all.providers[0];
    assert_eq!((p.updated_on, p.sole_proprietor, p.sex), (None, None, None));
    assert_eq!(
        (&p.mailing, p.identifiers.len(), p.taxonomies.len()),
        (&None, 0, 0)
    );
    let mut problems: Vec<_> = all.warnings.iter().map(|w| w.problem.as_str()).collect();
    problems.sort_unstable();
    assert_eq!(
        problems,
        [
            "Healthcare Provider Taxonomy Code_2: is absent, so the entry is passed over",
            "Is Sole Proprietor: \"maybe\" is neither yes nor no",
            "Last Update Date: \"6/15/26\" is no date",
            "Provider Business Mailing Address Telephone Number: \"none\" is no telephone number",
            "Provider Sex Code: \"Q\" is no sex",
        ]
    );
    assert!(all.warnings.iter().all(|w| w.line == 2 && w.npi == p.npi));
}

#[test]
fn a_file_that_a_spreadsheet_has_rewritten_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let mut row = PERSON.to_vec();
    row.extend([
        ("NPI", "1234567893.0"),
        ("Provider Enumeration Date", "5/3/2005"),
        ("Last Update Date", "7/8/2020 0:00"),
        ("NPI Deactivation Date", "1/2/2010"),
        ("NPI Reactivation Date", "11/2/2010"),
        ("Certification Date", "7/08/2020"),
    ]);
    let main = Table::main().with(row).bytes();
    let path = written::file(folder.path(), "npidata.csv", &main);
    let all = read(&Catalog::open(&[path]).unwrap(), &Side::default());
    assert_eq!((all.set_aside, all.warnings), (vec![], vec![]));
    let p = &all.providers[0];
    assert_eq!(p.npi.to_string(), "1234567893");
    let days = [
        p.enumerated_on,
        p.updated_on,
        p.deactivated_on,
        p.reactivated_on,
        p.certified_on,
    ];
    let days = days.map(|day| day.unwrap().to_string());
    assert_eq!(
        days,
        [
            "2005-05-03",
            "2020-07-08",
            "2010-01-02",
            "2010-11-02",
            "2020-07-08"
        ]
    );
}

#[test]
fn a_row_has_the_line_and_the_text_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let main = Table::main().with(PERSON.to_vec()).bytes();
    let text = std::str::from_utf8(&main).unwrap();
    let (header, row) = text.split_once('\n').unwrap();
    let row = row.trim_end();
    let long = row.replace("ROE", "R\nOE");
    let content = format!("{header}\n\n{row}\nshort\n{long}\n{row}\n");
    let path = written::file(folder.path(), "npidata.csv", content.as_bytes());
    let catalog = Catalog::open(&[path]).unwrap();
    let member = catalog.main().next().unwrap();
    let batch = catalog.rows(member).unwrap().next_batch().unwrap().unwrap();
    let parsed = batch.parse(&Side::default());
    let lines: Vec<_> = batch
        .lines()
        .zip(parsed)
        .map(|(line, row)| (line, row.is_ok()))
        .collect();
    assert_eq!(lines, [(3, true), (4, false), (5, true), (7, true)]);
    let aside = batch.aside(7, "again").unwrap();
    assert_eq!(
        (aside.line, aside.row.as_str()),
        (7, &row[..aside.row.len()])
    );
    assert_eq!(aside.npi.as_deref(), Some("1234567893"));
    assert!(batch.aside(6, "within a row").is_none());
    let lines = [5, 7].into();
    let again = catalog.rows_at(member, &lines, "again").unwrap();
    assert_eq!(again[1], aside);
    assert_eq!((again[0].line, &again[0].row), (5, &long));
}

#[test]
fn a_side_file_gives_its_bad_rows_and_keeps_the_good_ones() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(70_000);
    let content = format!(
        "NPI,Provider Other Organization Name,Provider Other Organization Name Type Code\n\
         1023011178,A,3\n1023011179,B,3\n1023011178,C\n1023011178,\"D\n\"\"\",5\n1023011178,{long},1"
    );
    let path = written::file(folder.path(), "othername.csv", content.as_bytes());
    let catalog = Catalog::open(&[path]).unwrap();
    let mut set_aside = Vec::new();
    let side = catalog
        .side(&mut |_| {}, &mut |row| set_aside.push(row))
        .unwrap();
    let lines: Vec<_> = set_aside.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 4]);
    assert_eq!((side.files()[0].rows, side.files()[0].set_aside), (3, 2));
    let mut p = canvass_model::Provider::new("1023011178".parse().unwrap());
    side.complete(&mut p, &mut |warning| panic!("{warning:?}"));
    let names: Vec<_> = p
        .other_names
        .iter()
        .map(|n| n.organization.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["A", "D\n\"", &long]);
    let unused: Vec<_> = side.unused(|_| false).map(|row| row.line).collect();
    assert_eq!(unused, [2, 5, 7]);
}
