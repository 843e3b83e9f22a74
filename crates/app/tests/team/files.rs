use std::collections::{BTreeMap, BTreeSet};

use canvass_app::{Actor, App, Error, ExportFormat, ExportOptions, ExportStream, ImportReport};
use canvass_model::{
    ContactMethod, Lead, LeadFilter, LeadPatch, LeadSort, LeadStatus, Official, PageRequest,
    ProviderFilter, ProviderSort, Role,
};
use canvass_store::Engine;
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    both::{Database, now},
    both_engines,
    opened::{Opened, npi, people, person},
};

async fn bytes(file: Result<ExportStream, Error>) -> Vec<u8> {
    let pieces: Vec<Vec<u8>> = file.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

async fn csv_of_leads(app: &App) -> Vec<u8> {
    bytes(app.export_leads(&LeadFilter::all(), ExportFormat::Csv)).await
}

pub async fn import(app: &App, file: impl AsRef<[u8]>) -> ImportReport {
    let report = app
        .import_leads(&Actor::system(), file.as_ref(), false)
        .await
        .unwrap();
    assert_eq!(
        report.rows,
        report.created + report.updated + report.unchanged + report.rejected
    );
    report
}

async fn leads(app: &App) -> BTreeMap<String, Lead> {
    let page = PageRequest::first(1_000);
    let page = app
        .leads(&LeadFilter::all(), LeadSort::Name, &page)
        .await
        .unwrap();
    page.items
        .into_iter()
        .map(|l| (l.id.to_string(), l))
        .collect()
}

/// Another empty database of the same engine.
async fn another(db: &Database) -> Database {
    match db.engine() {
        Engine::Sqlite => Database::sqlite().await,
        Engine::Postgres => Database::postgres().await,
    }
}

/// Texts of all kinds, many with what CSV and spreadsheets treat in a way of their own.
fn texts(n: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let text = prop_oneof![
        "['=+@\t\r\n\",; -]{0,5}[a-z'=\"\r\n,]{0,8}",
        "[^\u{0}]{0,30}",
    ];
    (0..n)
        .map(|_| text.new_tree(&mut runner).unwrap().current())
        .collect()
}

fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

both_engines! {
    async fn an_import_restores_what_was_exported(db: Database) {
        let app = Opened::on(&db).await;
        let texts = texts(300);
        let all = people(0..300);
        app.leads_of(&all).await;
        let ana = app.user("=Ana", Role::Caller).await;
        app.pass(3_600);
        for (n, text) in (0u32..).zip(&texts) {
            let status = LeadStatus::ALL[n as usize % 7];
            let patch = LeadPatch {
                status: Some(status),
                notes: Some(text.clone()),
                owner_id: (n % 2 == 0).then(|| Some(ana.id.clone())),
                last_contact_at: (n % 3 == 0).then(|| Some(ago(i64::from(n)))),
                last_contact_method: (n % 3 == 0).then(|| Some(ContactMethod::ALL[n as usize % 3])),
            };
            app.patch_lead(&Actor::system(), npi(n), patch, None).await.unwrap();
        }
        let file = csv_of_leads(&app).await;
        let before = leads(&app).await;

        let other = another(&db).await;
        let there = Opened::on(&other).await;
        there.user("=Ana", Role::Manager).await;
        there.store().write_providers(&all, now()).await.unwrap();
        there.pass(7_200);
        let report = import(&there, &file).await;
        assert_eq!((report.created, report.rejected), (300, 0), "{:?}", report.rejections);
        let after = leads(&there).await;
        assert_eq!(after.len(), 300);
        for (id, was) in &before {
            let is = &after[id];
            let parts = |l: &Lead| (l.status, l.notes.clone(), l.owner.clone(), l.last_contact_at, l.last_contact_method, l.created_at);
            assert_eq!(parts(is), parts(was));
        }
        let report = import(&there, &file).await;
        assert_eq!(report.unchanged, 300);
        assert_eq!(leads(&there).await, after);
    }

    async fn a_csv_file_is_safe_to_open_and_has_every_row_once(db: Database) {
        let app = Opened::on(&db).await;
        let mut all = people(0..2_500);
        all[7].name.last = Some("=HYPERLINK(\"http://x\")".into());
        all[8].name.last = Some("O'BRIEN, \"BOB\"\r\nJR".into());
        app.store().write_providers(&all, now()).await.unwrap();
        let file = bytes(app.export_providers(&ProviderFilter::default(), Some(ProviderSort::Name), ExportFormat::Csv)).await;
        assert!(file.starts_with("\u{feff}npi,name,entity,specialty,taxonomy,address_1,address_2,city,state,postal_code,phone,fax,enumerated_on,updated_on\r\n".as_bytes()));
        let mut reader = csv::Reader::from_reader(&file[..]);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let npis: BTreeSet<&str> = rows.iter().map(|r| &r[0]).collect();
        assert_eq!((rows.len(), npis.len()), (2_500, 2_500));
        assert!(rows.iter().all(|r| r.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r']))));
        let of = |n: u32| rows.iter().find(|r| r[0] == npi(n).to_string()).unwrap();
        assert_eq!(&of(7)[1], "'=HYPERLINK(\"http://x\"), ANA");
        assert_eq!(&of(8)[1], "O'BRIEN, \"BOB\"\r\nJR, ANA");
        let expected = ["individual", "Internal Medicine, Cardiovascular Disease", "207RC0000X", "1 MAIN ST", "", "FRESNO", "CA", "937011234", "559-555-0100", "559-555-0101", "", ""];
        assert_eq!(of(1).iter().skip(2).collect::<Vec<_>>(), expected);
    }

    async fn chosen_columns_say_what_is_known_of_each_provider(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..2)).await;
        let mut clinic = person(2);
        clinic.official = Some(Official {
            name: canvass_model::PersonName { last: Some("LEE".into()), first: Some("KIM".into()), ..Default::default() },
            title: Some("OWNER".into()),
            phone: canvass_model::Phone::parse("5595550199"),
        });
        clinic.taxonomies[0].license = Some("A1".into());
        clinic.taxonomies[0].state = Some("CA".into());
        app.store().write_providers(&[clinic], now()).await.unwrap();
        let named = |names: &str| ExportOptions {
            columns: names.split(',').map(Into::into).collect(),
            ..ExportFormat::Csv.into()
        };
        let all = ProviderFilter::default();
        let options = named("lead,npi,official,official_title,official_phone,license,license_state");
        let file = bytes(app.export_providers(&all, Some(ProviderSort::Name), options)).await;
        let file = String::from_utf8(file).unwrap();
        let lines: Vec<&str> = file.lines().skip(1).collect();
        assert_eq!(lines, [
            format!("new,{},,,,,", npi(0)),
            format!("new,{},,,,,", npi(1)),
            format!(",{},\"LEE, KIM\",OWNER,559-555-0199,A1,CA", npi(2)),
        ]);
        let one = ExportOptions { most: 1, bom: false, ..named("status,npi") };
        let leads = bytes(app.export_leads(&LeadFilter::all(), one)).await;
        assert_eq!(String::from_utf8(leads).unwrap(), format!("status,npi\r\nnew,{}\r\n", npi(1)));
        let unknown = app.export_leads(&LeadFilter::all(), named("npi,lead"));
        assert!(matches!(unknown.err(), Some(Error::Invalid(f)) if f[0].name == "columns"));
    }

    async fn an_empty_result_is_a_header(db: Database) {
        let app = Opened::on(&db).await;
        let file = String::from_utf8(csv_of_leads(&app).await).unwrap();
        assert_eq!(file, "\u{feff}npi,name,entity,specialty,taxonomy,address_1,address_2,city,state,postal_code,phone,fax,status,notes,owner,last_contact_at,last_contact_method,created_at,updated_at\r\n");
        let lines = bytes(app.export_leads(&LeadFilter::all(), ExportFormat::Ndjson)).await;
        assert!(lines.is_empty());
    }

    async fn json_lines_keep_the_order_of_the_columns(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..3)).await;
        let lines = bytes(app.export_leads(&LeadFilter::all(), ExportFormat::Ndjson)).await;
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(lines.lines().count(), 3);
        let line = lines.lines().next().unwrap();
        assert!(line.starts_with(&format!("{{\"npi\":\"{}\",\"name\":\"PERSON2, ANA\",\"entity\":", npi(2))), "{line}");
        assert!(line.contains("\"status\":\"new\",\"notes\":\"\",\"owner\":null,"), "{line}");
    }

    async fn a_spreadsheet_holds_texts_and_no_formulas(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..1_200)).await;
        let notes = LeadPatch { notes: Some("=1+1".into()), ..LeadPatch::default() };
        app.patch_lead(&Actor::system(), npi(5), notes, None).await.unwrap();
        let file = bytes(app.export_leads(&LeadFilter::all(), ExportFormat::Xlsx)).await;
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
        let mut sheet = String::new();
        let mut entry = archive.by_name("xl/worksheets/sheet1.xml").unwrap();
        std::io::Read::read_to_string(&mut entry, &mut sheet).unwrap();
        assert_eq!(sheet.matches("<row ").count(), 1_201);
        assert!(sheet.contains("=1+1") && !sheet.contains("<f>"));
    }

    async fn what_a_row_says_wrong_is_told_with_its_line(db: Database) {
        let app = Opened::on(&db).await;
        app.store().write_providers(&people(0..9), now()).await.unwrap();
        let n = |n: u32| npi(n).to_string();
        let file = [
            "\u{feff}Status, NPI ,notes,owner,last_contact_at,last_contact_method,created_at,extra".to_owned(),
            format!("interested,{},\"two\nlines\",,,,,x", n(0)),
            format!("sold,{},,,,,,", n(1)),
            "new,1234567890,,,,,,".to_owned(),
            format!("new,{},,,,,,", npi(77)),
            format!("new,{},,,,,,,y", n(2)),
            format!("new,{},,,yesterday,,,", n(3)),
            format!("new,{},,,2999-01-01T00:00:00Z,,,", n(3)),
            format!("new,{},,,,fax,,", n(4)),
            format!("new,{},,Nobody,,,,", n(5)),
            format!(",{},,,,,,", n(6)),
            format!("new,{},again,,,,,", n(0)),
        ]
        .join("\r\n");
        let report = import(&app, file.as_bytes()).await;
        assert_eq!((report.rows, report.created, report.rejected), (11, 2, 9));
        let lines: Vec<(u64, &str)> = report.rejections.iter().map(|r| (r.line, r.reason.split([':', ',']).next().unwrap())).collect();
        // A provider that is not known is told of when its thousand rows are written.
        assert_eq!(lines, [
            (4, "status"),
            (5, "1234567890 is no NPI"),
            (7, "9 cells"),
            (8, "last_contact_at"),
            (9, "last_contact_at"),
            (10, "last_contact_method"),
            (11, "no such user who may sign in"),
            (13, "an earlier row has this NPI"),
            (6, "no provider with this NPI is known here; pull or import it first"),
        ]);
        assert_eq!(report.unknown_owners.iter().collect::<Vec<_>>(), ["Nobody"]);
        let made = leads(&app).await;
        assert_eq!(made[&n(0)].notes, "two\nlines");
        assert_eq!(made.get(&n(5)), None);
        assert_eq!(made[&n(6)].status, LeadStatus::New);
    }

    async fn lines_are_counted_alike_whatever_ends_them(db: Database) {
        let app = Opened::on(&db).await;
        for end in ["\n", "\r\n"] {
            let file = ["npi,notes", "1,x", "\"2\",\"a\nb\"", "3,x", ""].join(end);
            let report = import(&app, file.as_bytes()).await;
            assert_eq!(report.rejections.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 3, 5]);
        }
    }

    async fn a_file_without_npis_is_refused_as_a_whole(db: Database) {
        let app = Opened::on(&db).await;
        for file in ["", "name,status\n", "npi;status;npi\n1;new\n", "npi,status,npi\n"] {
            let refused = app.import_leads(&Actor::system(), file.as_bytes(), false).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{file:?}: {refused:?}");
        }
    }

    async fn do_not_call_goes_in_but_not_out(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&people(0..2)).await;
        let file = format!("npi,status\n{},do_not_call\n{},interested\n", npi(0), npi(1));
        assert_eq!(import(&app, file.as_bytes()).await.updated, 2);
        let file = format!("npi,status,notes\n{},interested,kept\n{},converted,kept\n", npi(0), npi(1));
        let report = import(&app, file.as_bytes()).await;
        assert_eq!((report.updated, report.suppressed), (2, 1));
        let now = leads(&app).await;
        let of = |n: u32| (now[&npi(n).to_string()].status, now[&npi(n).to_string()].notes.as_str());
        assert_eq!(of(0), (LeadStatus::DoNotCall, "kept"));
        assert_eq!(of(1), (LeadStatus::Converted, "kept"));
    }

    async fn a_dry_run_reports_and_keeps_nothing(db: Database) {
        let app = Opened::on(&db).await;
        app.store().write_providers(&people(0..2_500), now()).await.unwrap();
        let rows: Vec<String> = (0..2_500).map(|n| format!("{},interested", npi(n))).collect();
        let file = format!("npi,status\n{}\n", rows.join("\n"));
        let dry = app.import_leads(&Actor::system(), file.as_bytes(), true).await.unwrap();
        assert_eq!(dry.created, 2_500);
        assert_eq!(app.count_leads(&LeadFilter::all()).await.unwrap().count, 0);
        assert_eq!(import(&app, file.as_bytes()).await, dry);
        assert_eq!(app.count_leads(&LeadFilter::all()).await.unwrap().count, 2_500);
    }

    async fn what_a_file_does_not_name_stays(db: Database) {
        let app = Opened::on(&db).await;
        app.leads_of(&[person(0)]).await;
        let patch = LeadPatch { notes: Some("kept".into()), status: Some(LeadStatus::Interested), ..LeadPatch::default() };
        app.patch_lead(&Actor::system(), npi(0), patch, None).await.unwrap();
        let before = leads(&app).await;
        let file = format!("npi,status\n{},\n", npi(0));
        assert_eq!(import(&app, file.as_bytes()).await.unchanged, 1);
        assert_eq!(leads(&app).await, before);
    }
}
