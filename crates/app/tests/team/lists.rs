//! Lists of leads as spreadsheets and people write them.

use canvass_app::{Actor, App, Error, ExportFormat};
use canvass_model::{ContactMethod, Lead, LeadFilter, LeadPatch, LeadStatus, Npi, Role};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use rust_xlsxwriter::Workbook;

use crate::{
    both::{Database, now},
    both_engines,
    files::import,
    opened::{Opened, person},
};

const ONE: &str = "1900000013";
const TWO: &str = "1900000021";

/// Two providers, whom the lists name.
async fn two(db: &Database) -> Opened {
    let app = Opened::on(db).await;
    let named = |npi: &str| {
        let mut person = person(0);
        person.npi = npi.parse().unwrap();
        person
    };
    app.store()
        .write_providers(&[named(ONE), named(TWO)], now())
        .await
        .unwrap();
    app
}

/// Imports what has to be taken, all of it.
async fn taken(app: &App, file: impl AsRef<[u8]>, rows: u64) {
    let report = import(app, file).await;
    assert_eq!((report.rows, report.rejected), (rows, 0), "{report:?}");
}

async fn refused(app: &App, file: impl AsRef<[u8]>) -> String {
    let answer = app
        .import_leads(&Actor::system(), file.as_ref(), false)
        .await;
    let Err(Error::Invalid(fields)) = answer else {
        panic!("{answer:?}");
    };
    fields[0].problem.clone()
}

async fn lead(app: &App, npi: &str) -> Lead {
    app.lead(npi.parse().unwrap()).await.unwrap().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

both_engines! {
    async fn statuses_are_taken_as_pages_show_them(db: Database) {
        let app = two(&db).await;
        taken(&app, "npi,status\n1900000013,Do not call\n1900000021,Not interested\n", 2).await;
        assert_eq!(lead(&app, ONE).await.status, LeadStatus::DoNotCall);
        assert_eq!(lead(&app, TWO).await.status, LeadStatus::NotInterested);
        taken(&app, "npi,status\n1900000021,FOLLOW-UP\n", 1).await;
        assert_eq!(lead(&app, TWO).await.status, LeadStatus::FollowUp);
    }

    async fn rows_may_be_blank_or_short(db: Database) {
        let app = two(&db).await;
        taken(&app, "npi,status,notes\n1900000013,new,\n,,\n,,\n1900000021,new,\n,,\n", 2).await;
        let short = "npi,status,notes\n1900000013,new,hi\n1900000021,new\n";
        taken(&app, short, 2).await;
        assert_eq!(lead(&app, ONE).await.notes, "hi");
        // Cells that were left away say nothing; empty ones clear.
        taken(&app, "npi,status,notes\n1900000013,new\n", 1).await;
        assert_eq!(lead(&app, ONE).await.notes, "hi");
        taken(&app, "npi,status,notes\n1900000013,new,,,, ,\n", 1).await;
        assert_eq!(lead(&app, ONE).await.notes, "");
        let long = import(&app, "npi,status,notes\n1900000013,new,a, b\n").await;
        assert_eq!(long.rejections[0].reason, "4 cells, and the line of names has 3");
    }

    async fn npis_are_taken_as_spreadsheets_write_them(db: Database) {
        let app = two(&db).await;
        for cell in [
            "1900000013.0", "1.900000013E+09", "'1900000013", "190-000-0013", "=\"1900000013\"",
            "\"1,900,000,013\"", "NPI 1900000013", "\u{200b}19000\u{a0}00013",
        ] {
            taken(&app, format!("npi,status\n{cell},new\n"), 1).await;
        }
        let cut = import(&app, "npi,status\n1.90E+09,new\n").await;
        assert_eq!((cut.rejected, cut.rejections[0].npi.as_str()), (1, "1.90E+09"));
        assert!(cut.rejections[0].reason.contains("format the column as text"), "{cut:?}");
        let twice = import(&app, "npi\n1900000013\n190-000-0013\n").await;
        assert_eq!(twice.rejections[0].reason, "an earlier row has this NPI");
    }

    async fn files_are_taken_in_the_encodings_of_spreadsheets(db: Database) {
        let app = two(&db).await;
        taken(&app, b"npi,notes\n1900000013,Caf\xe9 \x96 call \x93after five\x94\n", 1).await;
        assert_eq!(lead(&app, ONE).await.notes, "Café – call “after five”");
        let utf_16: Vec<u8> = "\u{feff}npi\tnotes\r\n1900000013\t電話\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        taken(&app, &utf_16, 1).await;
        assert_eq!(lead(&app, ONE).await.notes, "電話");
        let cyrillic = &b"npi,notes\n1900000013,\xc4\xe0\n"[..];
        let report = app.import_leads_in(&Actor::system(), cyrillic, Some("windows-1251"), false).await;
        assert_eq!(report.unwrap().updated, 1);
        assert_eq!(lead(&app, ONE).await.notes, "Да");
        let unknown = app.import_leads_in(&Actor::system(), cyrillic, Some("klingon"), false).await;
        assert!(matches!(unknown, Err(Error::Invalid(_))));
    }

    async fn cells_are_parted_by_what_the_file_shows(db: Database) {
        let app = two(&db).await;
        taken(&app, "npi;status;notes\n1900000013;new;a, b\n", 1).await;
        assert_eq!(lead(&app, ONE).await.notes, "a, b");
        for (file, notes) in [
            ("npi\tnotes\n1900000013\ta;b\n", "a;b"),
            ("npi|notes\n1900000013|a,b\n", "a,b"),
            ("sep=;\r\nnpi;notes\r\n1900000013;a|b\r\n", "a|b"),
        ] {
            taken(&app, file, 1).await;
            assert_eq!(lead(&app, ONE).await.notes, notes);
        }
    }

    async fn usual_names_are_found_below_titles(db: Database) {
        let app = two(&db).await;
        let user = app.user("Ana", Role::Caller).await;
        taken(&app, "NPI Number,Status\n1900000013,new\n", 1).await;
        let file = "Leads of May\n\n\"Fresno, all\",,,\nNPI #,Lead status,Comments,Assigned to,Last contact\n\
                    1900000013,interested,hello,ana,1/31/2026\n123,,,,\n";
        let report = import(&app, file).await;
        assert_eq!((report.updated, report.rejections[0].line), (1, 6), "{report:?}");
        let lead = lead(&app, ONE).await;
        assert_eq!((lead.notes.as_str(), lead.owner_id), ("hello", Some(user.id)));
        assert_eq!(lead.last_contact_at, Some(at("2026-01-31T00:00:00Z")));
        let titles = |n: usize| format!("{}npi\n1900000013\n", "title\n".repeat(n));
        taken(&app, titles(10), 1).await;
        assert!(refused(&app, titles(11)).await.contains("one of them is npi"));
    }

    async fn times_are_taken_as_offices_write_them(db: Database) {
        let app = two(&db).await;
        let file = "npi,last_contact_at,last_contact_method\n\
                    1900000013,1/31/2026 5:00 PM,call\n1900000021,2026-01-31,email\n";
        taken(&app, file, 2).await;
        let one = lead(&app, ONE).await;
        assert_eq!(one.last_contact_at, Some(at("2026-01-31T17:00:00Z")));
        assert_eq!(one.last_contact_method, Some(ContactMethod::Call));
        assert_eq!(lead(&app, TWO).await.last_contact_at, Some(at("2026-01-31T00:00:00Z")));
        let odd = import(&app, "npi,last_contact_at\n1900000013,31/1/2026\n").await;
        assert!(odd.rejections[0].reason.starts_with("last_contact_at: a time as in"), "{odd:?}");
    }

    async fn an_owner_nobody_knows_takes_nothing_from_a_lead(db: Database) {
        let app = two(&db).await;
        let ana = app.user("Ana", Role::Caller).await;
        taken(&app, "npi,owner\n1900000013,Ana\n", 1).await;
        let report = import(&app, "npi,owner,notes\n1900000013,Kim Ito,x\n").await;
        assert_eq!(report.rejections[0].reason, "no such user who may sign in: Kim Ito");
        assert_eq!(report.unknown_owners.iter().collect::<Vec<_>>(), ["Kim Ito"]);
        let one = lead(&app, ONE).await;
        assert_eq!((one.owner_id, one.notes.as_str()), (Some(ana.id), ""));
    }

    async fn a_file_that_ends_inside_a_quote_is_told_and_what_went_before_kept(db: Database) {
        let app = two(&db).await;
        let report = import(&app, "npi,notes\n1900000013,kept\n1900000021,\"open\n1,x\n").await;
        assert_eq!((report.rows, report.created, report.rejected), (2, 1, 1));
        let told = &report.rejections[0];
        assert_eq!((told.line, told.npi.as_str()), (3, TWO));
        assert!(told.reason.contains("inside a quote"), "{told:?}");
        let endless = format!("npi,notes\n1900000021,kept\n1,\"{}", "x".repeat(2 << 20));
        assert!(refused(&app, endless).await.starts_with("line 3: "));
        assert_eq!(lead(&app, TWO).await.notes, "kept");
        assert!(refused(&app, "Leads\n\"npi,notes\n1900000021,x\n").await.starts_with("line 2: a quote"));
    }

    async fn a_spreadsheet_is_taken_by_its_first_sheet_with_npis(db: Database) {
        let app = two(&db).await;
        let mut book = Workbook::new();
        book.add_worksheet().write(0, 0, "About these leads").unwrap();
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "Leads of May").unwrap();
        for (n, name) in (0u16..).zip(["NPI Number", "Lead Status", "Notes", "Last contact"]) {
            sheet.write(2, n, name).unwrap();
        }
        sheet.write(3, 0, 1_900_000_013_u32).unwrap();
        sheet.write(3, 1, "Do not call").unwrap();
        sheet.write(3, 2, "'=1 <&> \"é\"\r\nx").unwrap();
        sheet.write(3, 3, 46_053.75).unwrap();
        sheet.write(5, 0, TWO).unwrap();
        sheet.write(6, 0, 1_900_000_000_u32).unwrap();
        let file = book.save_to_buffer().unwrap();
        let report = import(&app, &file).await;
        assert_eq!((report.rows, report.created), (3, 2), "{report:?}");
        assert_eq!(report.rejections[0].line, 7, "{report:?}");
        let one = lead(&app, ONE).await;
        assert_eq!((one.status, one.notes.as_str()), (LeadStatus::DoNotCall, "'=1 <&> \"é\"\r\nx"));
        assert_eq!(one.last_contact_at, Some(at("2026-01-31T18:00:00Z")));
        assert_eq!(lead(&app, TWO).await.status, LeadStatus::New);

        let mut none = Workbook::new();
        none.add_worksheet().write(0, 0, "name").unwrap();
        let none = none.save_to_buffer().unwrap();
        assert!(refused(&app, none).await.contains("one of them is npi"));
        assert!(!refused(&app, &file[..file.len() / 2]).await.is_empty());
        assert!(!refused(&app, b"PK\x03\x04").await.is_empty());
        assert!(refused(&app, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").await.contains("save it as .xlsx"));
    }

    async fn a_spreadsheet_that_was_exported_changes_nothing(db: Database) {
        let app = two(&db).await;
        taken(&app, "npi,status\n1900000013,interested\n1900000021,new\n", 2).await;
        for notes in ["'=1", "=1+1", "a\r\n\tb ", "_x000D_ <é>", ""] {
            let patch = LeadPatch { notes: Some(notes.into()), ..LeadPatch::default() };
            let npi: Npi = ONE.parse().unwrap();
            app.patch_lead(&Actor::system(), npi, patch, None).await.unwrap();
            let file = app.export_leads(&LeadFilter::all(), ExportFormat::Xlsx).unwrap();
            let pieces: Vec<Vec<u8>> = file.try_collect().await.unwrap();
            let report = import(&app, pieces.concat()).await;
            assert_eq!(report.unchanged, 2, "{notes:?}: {report:?}");
        }
    }

    async fn a_spreadsheet_of_too_many_rows_is_taken_up_to_there(db: Database) {
        let app = two(&db).await;
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "npi").unwrap();
        for row in 1..=100_001 {
            sheet.write(row, 0, 1).unwrap();
        }
        sheet.write(1, 0, ONE).unwrap();
        let problem = refused(&app, book.save_to_buffer().unwrap()).await;
        assert!(problem.starts_with("more than 100000 rows"), "{problem}");
        assert_eq!(lead(&app, ONE).await.status, LeadStatus::New);
    }
}
