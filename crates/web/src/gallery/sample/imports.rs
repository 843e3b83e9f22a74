use canvass_app::{
    FileReport, ImportFile, ImportOutlook, ImportPhase, ImportSummary, ImportView, ValuesLeftOut,
};
use canvass_store::{ImportState, RowSetAside};
use jiff::SignedDuration;

use super::{Amount, day, now, text};
use crate::pages::imports::{ImportPanel, ImportReportView, RegistryFiles, Typed};
use crate::problem::FieldError;

const MONTH: &str =
    "https://files.example/nppes/NPPES_Data_Dissemination_October_2025_V2.zip?edition=2";
const WEEK: &str = "NPPES_Data_Dissemination_110325_110925_Weekly_V2.zip";

fn import_of(id: &str, state: ImportState, source: &str, what: &str) -> ImportView {
    let ago = SignedDuration::from_secs(if state.is_over() { 90_000 } else { 95 });
    ImportView {
        id: id.to_owned(),
        what: what.to_owned(),
        source: text(source),
        full: what.starts_with("full"),
        known_until: Some(day(2025, 11, 9)),
        state,
        reason: None,
        progress: None,
        report: None,
        created_at: now().at - ago,
        finished_at: state
            .is_over()
            .then(|| now().at - ago + SignedDuration::from_secs(208)),
        seconds: if state.is_over() { 208.0 } else { 95.0 },
    }
}

fn file(file: &str, what: &str, rows: u64, set_aside: u64) -> FileReport {
    FileReport {
        file: file.to_owned(),
        what: what.to_owned(),
        rows,
        set_aside,
    }
}

fn reading() -> ImportView {
    ImportView {
        progress: Some(ImportOutlook {
            phase: ImportPhase::Reading,
            bytes: 4_912_000_000,
            of_bytes: 11_534_336_000,
            rows: 4_210_000,
            set_aside: 12,
            percent: 42,
            bytes_per_second: Some(88_000_000),
            rows_per_second: Some(75_400),
            seconds_left: Some(75.0),
        }),
        ..import_of("i1", ImportState::Running, MONTH, "full until 2025-10-12")
    }
}

fn waiting() -> ImportView {
    ImportView {
        progress: Some(ImportOutlook {
            phase: ImportPhase::Waiting,
            ..ImportOutlook::default()
        }),
        ..import_of("i2", ImportState::Fetching, WEEK, WEEK)
    }
}

fn done() -> ImportView {
    let fields = [
        ("practice.phone", 9_120),
        ("practice.line_1", 6_402),
        ("mailing.postal_code", 3_377),
        ("taxonomies", 2_816),
        ("name.last", 411),
    ];
    ImportView {
        report: Some(ImportSummary {
            files: vec![
                file(
                    "npidata_pfile_20251103-20251109.csv",
                    "providers",
                    30_114,
                    3,
                ),
                file(
                    "othername_pfile_20251103-20251109.csv",
                    "other names",
                    1_204,
                    0,
                ),
                file(
                    "pl_pfile_20251103-20251109.csv",
                    "practice locations",
                    2_890,
                    1,
                ),
                file(
                    "endpoint_pfile_20251103-20251109.csv",
                    "endpoints",
                    1_117,
                    0,
                ),
            ],
            passed_over: vec![file(
                "npidata_pfile_20251103-20251109_fileheader.csv",
                "a header without rows",
                0,
                0,
            )],
            rows: 30_114,
            created: 6_020,
            updated: 22_841,
            unchanged: 1_002,
            deactivated: 214,
            reactivated: 34,
            set_aside: 4,
            set_aside_kept: 4,
            values_left_out: 12,
            left_out: vec![ValuesLeftOut {
                file: "npidata_pfile_20251103-20251109.csv".to_owned(),
                column: "Certification Date".to_owned(),
                reason: "is no date".to_owned(),
                count: 12,
                examples: vec![],
            }],
            fields: fields.map(|(f, n)| (f.to_owned(), n)).into(),
            ..ImportSummary::default()
        }),
        ..import_of(
            "i3",
            ImportState::Done,
            WEEK,
            "changes from 2025-11-03 until 2025-11-09",
        )
    }
}

fn failed() -> ImportView {
    ImportView {
        reason: text(
            "NPPES_Data_Dissemination_October_2025_V2.zip: npidata_pfile_20050523-20251012.csv is \
             cut: it ends within line 4210331, at byte 4912000113; if it was downloaded, download it \
             again",
        ),
        ..import_of("i4", ImportState::Failed, MONTH, "full until 2025-10-12")
    }
}

fn known() -> ImportView {
    ImportView {
        report: Some(ImportSummary {
            id: text("i3"),
            already_imported: Some(now().at - SignedDuration::from_hours(30)),
            ..ImportSummary::default()
        }),
        ..import_of(
            "i5",
            ImportState::Done,
            WEEK,
            "changes from 2025-11-03 until 2025-11-09",
        )
    }
}

fn stopped() -> ImportView {
    ImportView {
        reason: text("Lee Okafor has stopped it; nothing of it was kept"),
        ..import_of(
            "i6",
            ImportState::Cancelled,
            "",
            "deactivations as of 2025-11-10",
        )
    }
}

/// The imports that go on.
pub fn importing(amount: Amount) -> Vec<ImportPanel> {
    match amount {
        Amount::Much => vec![ImportPanel::new(&reading()), ImportPanel::new(&waiting())],
        _ => Vec::new(),
    }
}

/// The section of the registry's files.
pub fn files(amount: Amount, errors: &[FieldError]) -> RegistryFiles {
    let past = match amount {
        Amount::Much => vec![done(), known(), failed(), stopped()],
        Amount::Little => vec![done()],
        Amount::None => Vec::new(),
    };
    let listed = |name: &str, bytes| ImportFile {
        name: name.to_owned(),
        bytes,
        modified: Some(now().at),
    };
    let folder = match amount {
        Amount::Much => Some(vec![
            listed(WEEK, 5_120_000),
            listed("NPPES_Deactivated_NPI_Report_111025_V2.zip", 2_041_344),
        ]),
        Amount::Little => Some(Vec::new()),
        Amount::None => None,
    };
    let typed = Typed {
        errors: errors.to_vec(),
        url: if errors.is_empty() {
            String::new()
        } else {
            "http://files.example/week.zip".to_owned()
        },
        ..Typed::default()
    };
    RegistryFiles::new(&past, folder, 4 << 30, typed, &now())
}

/// The page of one import.
pub fn import(name: &str) -> ImportReportView {
    let (import, rows) = match name {
        "import-running" => (reading(), 0),
        "import-failed" => (failed(), 0),
        "import-again" => (known(), 0),
        _ => (done(), 4),
    };
    let row = |n: u64| RowSetAside {
        file: "npidata_pfile_20251103-20251109.csv".to_owned(),
        line: 1_204 + n * 97,
        npi: text(if n == 1 { "" } else { "1234567890" }),
        reason: "the check digit of the NPI is wrong".to_owned(),
        row: String::new(),
    };
    ImportReportView::new(&import, (0..rows).map(row).collect(), &now())
}
