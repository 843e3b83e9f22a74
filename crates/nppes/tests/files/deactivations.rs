//! The report of deactivated NPIs, as a spreadsheet and as CSV.

use std::path::PathBuf;

use canvass_nppes::files::{Catalog, Deactivation, Extent, FileError, FileKind, SetAside, Side};
use jiff::civil::date;

use super::{fixture, written};

fn report(path: PathBuf) -> (Catalog, Vec<Deactivation>, Vec<SetAside>) {
    let catalog = Catalog::open(&[path]).unwrap();
    let (mut rows, mut set_aside, mut bytes) = (Vec::new(), Vec::new(), 0);
    let member = &catalog.members()[0];
    catalog
        .deactivations(
            member,
            &mut |count| bytes += count,
            &mut |row| set_aside.push(row),
            &mut |row| rows.push(row),
        )
        .unwrap();
    assert_eq!(bytes, member.bytes);
    (catalog, rows, set_aside)
}

#[test]
fn the_real_report_is_read_whole() {
    let (catalog, rows, set_aside) = report(fixture("NPPES_Deactivated_NPI_Report_100923.zip"));
    let member = &catalog.members()[0];
    assert_eq!(member.name, "NPPES Deactivated NPI Report 20231009.xlsx");
    assert_eq!((member.kind, member.columns), (FileKind::Deactivations, 2));
    let as_of = Some(date(2023, 10, 9));
    assert_eq!(catalog.extent(), Extent::Deactivations { as_of });
    assert_eq!(set_aside, []);
    assert_eq!(rows.len(), 258_959);
    let first = Deactivation {
        npi: "1710556733".parse().unwrap(),
        on: date(2023, 10, 8),
        line: 3,
    };
    assert_eq!(rows[0], first);
    assert_eq!(rows[258_958].line, 258_961);
    assert!(rows.windows(2).all(|pair| pair[0].on >= pair[1].on));

    let (catalog, beginning, set_aside) =
        report(fixture("deactivated_npi_report_20231009_head500.csv"));
    assert_eq!(catalog.extent(), Extent::Deactivations { as_of });
    assert_eq!(set_aside, []);
    assert!(beginning.len() == 500 && beginning == rows[..500]);
}

/// A spreadsheet of one sheet.
fn book(folder: &std::path::Path, sheet: &str, texts: &str) -> PathBuf {
    written::archive(
        folder,
        "report.xlsx",
        &[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", b"<workbook/>"),
            ("xl/sharedStrings.xml", texts.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ],
    )
}

const TEXTS: &str = "<?xml version='1.0'?><x:sst><x:si><x:t>NPI</x:t></x:si><x:si/>\
     <x:si><x:r><x:t>NPPES </x:t></x:r><x:r><x:t>Deactivation&#32;Date</x:t></x:r></x:si></x:sst>";

#[test]
fn cells_come_in_every_form_that_spreadsheets_have() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = r#"<worksheet><sheetData>
        <row r="1"><c r="B1" t="s"><v>0</v></c><c r="C1" t="s"><v>2</v></c></row>
        <row r="2"/>
        <row r="4"><c r="B4"><v>1234567893.0</v></c><c r="C4"><v>45207.0</v></c></row>
        <row><c r="B5" t="str"><f>A1</f><v> 1023011178 </v></c><c r="C5" t="inlineStr"><is><t>10/8/2023</t></is></c></row>
        <row r="6"><c r="B6"><v>1234567890</v></c><c r="C6"><v>45207</v></c></row>
        <row r="7"><c r="A7"><v>9</v></c><c r="C7" t="s"><v>1</v></c></row>
        <row r="8"><c r="B8"><v>1588667638</v></c></row>
        </sheetData></worksheet>"#;
    let (catalog, rows, set_aside) = report(book(folder.path(), sheet, TEXTS));
    assert_eq!(catalog.extent(), Extent::Deactivations { as_of: None });
    let rows: Vec<_> = rows
        .iter()
        .map(|r| (r.line, r.npi.to_string(), r.on))
        .collect();
    assert_eq!(
        rows,
        [
            (4, "1234567893".to_owned(), date(2023, 10, 8)),
            (5, "1023011178".to_owned(), date(2023, 10, 8)),
        ]
    );
    let set_aside: Vec<_> = set_aside
        .iter()
        .map(|r| (r.line, r.reason.as_str()))
        .collect();
    assert_eq!(
        set_aside,
        [
            (6, "1234567890 is no NPI: its check digit does not fit"),
            (
                7,
                "an NPI has ten digits, the first 1 or 2, and \"\" has not"
            ),
            (8, "\"\" is no date"),
        ]
    );
}

#[test]
fn a_broken_or_other_spreadsheet_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let header = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>2</v></c></row>"#;
    for (sheet, texts, problem) in [
        (
            "<worksheet/>".to_owned(),
            TEXTS,
            "no sheet of it is a report",
        ),
        (
            format!("<worksheet>{header}<row r=\"2\">"),
            TEXTS,
            "ends within a row",
        ),
        (
            format!("<worksheet>{header}"),
            "<!DOCTYPE x [<!ENTITY a \"b\">]>",
            "document type",
        ),
        (
            format!("<worksheet>{header}<row r=\"2\"><c t=\"s\"><v>7</v></c></row></worksheet>"),
            TEXTS,
            "a cell has no text",
        ),
        (
            format!(
                "<worksheet>{header}<row>{}</row></worksheet>",
                "<c><v>".to_owned() + &"1<a/>".repeat(5_000)
            ),
            TEXTS,
            "too long a text",
        ),
    ] {
        let path = book(folder.path(), &sheet, texts);
        let read = Catalog::open(&[path]).and_then(|catalog| {
            catalog.deactivations(&catalog.members()[0], &mut |_| {}, &mut |_| {}, &mut |_| {})
        });
        let error = read.unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let shown = format!("{error}: {source:?}");
        assert!(
            shown.contains(problem) && shown.contains("report.xlsx"),
            "{shown}"
        );
    }
}

#[test]
fn a_file_is_read_only_as_what_it_is() {
    let main = Catalog::open(&[fixture("npidata_pfile_v1_sample12_2020_verbatim.csv")]).unwrap();
    let as_report = main.deactivations(&main.members()[0], &mut |_| {}, &mut |_| {}, &mut |_| {});
    assert!(matches!(as_report, Err(FileError::Unknown { .. })));
    let report = Catalog::open(&[fixture("deactivated_npi_report_20231009_head500.csv")]).unwrap();
    assert!(matches!(
        report.rows(&report.members()[0]),
        Err(FileError::Unknown { .. })
    ));
    let side: Side = report.side(&mut |_| {}, &mut |_| {}).unwrap();
    assert_eq!(side.rows(), 0);
}
