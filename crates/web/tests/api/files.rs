//! Leads and providers as files, and files as leads.

use axum::http::Method;
use canvass_model::Role;
use serde_json::{Value, json};

use crate::{
    both_engines,
    world::{World, internists},
};

both_engines! {
    async fn an_export_of_leads_is_taken_back_by_an_import(world: World of 30) {
        world.pull_leads().await;
        let file = world.by(Role::Manager, Method::GET, "/api/leads/export").send().await;
        assert!(file.header("content-type").starts_with("text/csv"));
        let name = file.header("content-disposition");
        let day = name.strip_prefix("attachment; filename=\"canvass-leads-").and_then(|n| n.strip_suffix(".csv\"")).unwrap();
        assert_eq!(day.len(), "2026-01-31".len());
        assert_eq!(file.text.lines().count(), 31);

        let import = async |path: &str, text: &str| {
            world.by(Role::Manager, Method::POST, path).body("text/csv; charset=utf-8", text.to_owned()).send().await
        };
        let same = import("/api/leads/import", &file.text).await;
        assert_eq!(same.json()["unchanged"], 30, "{}", same.text);
        let other = file.text.replace(",new,", ",interested,");
        let dry = import("/api/leads/import?dry_run=yes", &other).await.json();
        assert_eq!(dry["updated"], 30);
        let none = world.get("/api/leads?status=interested").send().await.json();
        assert_eq!(none["total"]["count"], 0);
        assert_eq!(import("/api/leads/import", &other).await.json()["updated"], 30);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_of_an_export_has_every_row() {
    let world = World::sqlite(&internists(30)).await.working();
    world.pull_leads().await;
    for list in ["providers", "leads"] {
        let path = |format: &str| format!("/api/{list}/export?format={format}&city=Fresno");
        let lines = world.get(&path("ndjson")).send().await;
        assert_eq!(lines.header("content-type"), "application/x-ndjson");
        let rows: Vec<Value> = lines
            .text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(rows.len(), 30);
        assert_eq!(rows[0]["city"], "FRESNO");
        let sheet = world.get(&path("xlsx")).send().await;
        assert!(sheet.header("content-disposition").ends_with(".xlsx\""));
        assert_eq!(&sheet.bytes[..2], b"PK");
        let odd = world.get(&path("pdf")).send().await;
        assert_eq!(
            (odd.status.as_u16(), odd.fields()),
            (400, vec!["format".to_owned()])
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_may_come_in_a_form_and_a_bad_one_says_why() {
    let world = World::sqlite(&internists(1)).await.working();
    let run = world.pull().await;
    assert_eq!(run["found"], 1);
    let npi = canvass_testkit::registry::npi(0);
    let form = |name: &str, text: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"leads.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n{text}\r\n--b--\r\n"
        )
    };
    let import = async |kind: &str, body: String| {
        let ask = world.post("/api/leads/import").body(kind, body);
        ask.send().await
    };
    let multipart = "multipart/form-data; boundary=b";
    let text = format!("npi,notes\n{npi},=hello\n1234567890,x\n");
    let report = import(multipart, form("file", &text)).await.json();
    assert_eq!(
        (&report["created"], &report["rejected"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(report["rejections"][0]["line"], 3);

    let none = import(multipart, form("other", &text)).await;
    assert_eq!(
        (none.status.as_u16(), none.fields()),
        (422, vec!["file".to_owned()])
    );
    let columns = import("text/csv", "name\nx\n".to_owned()).await;
    assert_eq!(columns.status, 422, "{}", columns.text);
    let kind = import("application/json", "{}".to_owned()).await;
    assert_eq!(kind.status, 415, "{}", kind.text);
    let broken = import(multipart, "--b\r\nContent".to_owned()).await;
    assert_eq!(broken.status, 400, "{}", broken.text);
}
