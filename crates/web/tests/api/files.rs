//! Leads and providers as files, and files as leads.

use axum::http::Method;
use canvass_app::ExportList;
use canvass_model::Role;
use serde_json::{Value, json};

use crate::{
    both_engines, contract,
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
        let sheet = world.by(Role::Manager, Method::GET, "/api/leads/export?format=xlsx").send().await;
        let kind = sheet.header("content-type").to_owned();
        let same = world.by(Role::Manager, Method::POST, "/api/leads/import").body(&kind, sheet.bytes.clone()).send().await;
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
async fn columns_are_chosen_and_unknown_ones_refused() {
    let world = World::sqlite(&internists(3)).await.working();
    world.pull_leads().await;
    let export = async |list: &str, columns: &str| {
        let path = format!("/api/{list}/export?columns={columns}");
        world.get(&path).send().await
    };
    let providers = export("providers", "phone,Name,,lead,phone").await;
    assert_eq!(
        providers.text.lines().take(2).collect::<Vec<_>>(),
        [
            "\u{feff}phone,name,lead",
            "559-555-0100,\"GARCIA0, ANA\",new"
        ]
    );
    let leads = export("leads", "status,npi").await;
    assert!(
        leads.text.starts_with("\u{feff}status,npi\r\nnew,"),
        "{}",
        leads.text
    );
    for list in ["providers", "leads"] {
        let unmarked = export(list, "npi&bom=no").await;
        assert!(unmarked.text.starts_with("npi\r\n"), "{}", unmarked.text);
        let odd = export(list, "npi&bom=perhaps").await;
        assert_eq!(odd.fields(), ["bom"]);
    }
    let json = export("leads", "city&format=ndjson").await;
    assert_eq!(json.text.lines().next(), Some("{\"city\":\"FRESNO\"}"));
    let usual = export("providers", "").await;
    assert!(usual.text.starts_with("\u{feff}npi,name,entity,specialty,"));
    for (list, there_is) in [("providers", ", lead"), ("leads", ", status")] {
        let odd = export(list, "npi,nosuch").await;
        assert_eq!(odd.status, 422, "{}", odd.text);
        assert_eq!(odd.fields(), ["columns"]);
        assert!(odd.text.contains("nosuch") && odd.text.contains(there_is));
    }
}

#[test]
fn the_description_names_every_column() {
    for (path, list) in [
        ("/api/providers/export", ExportList::Providers),
        ("/api/leads/export", ExportList::Leads),
    ] {
        let parameters = &contract::DOCUMENT["paths"][path]["get"]["parameters"];
        let mut parameters = parameters.as_array().unwrap().iter();
        let columns = parameters.find(|p| p["name"] == "columns").unwrap();
        let described: Vec<&str> = columns["description"]
            .as_str()
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
            .collect();
        assert_eq!(described, list.columns().collect::<Vec<_>>(), "{path}");
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
    // A character set holds that the request or the part of the form names.
    let cyrillic = "text/csv; charset=\"Windows-1251\"";
    let known = import(cyrillic, format!("npi,notes\n{npi},=hello\n")).await;
    assert_eq!(known.json()["unchanged"], 1, "{}", known.text);
    let unknown = "text/csv; charset=klingon";
    let part = form("file", &text).replace("text/csv", unknown);
    for refused in [
        import(unknown, text.clone()).await,
        import(multipart, part).await,
    ] {
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains("klingon"), "{}", refused.text);
    }
    let columns = import("text/csv", "name\nx\n".to_owned()).await;
    assert_eq!(columns.status, 422, "{}", columns.text);
    let kind = import("application/json", "{}".to_owned()).await;
    assert_eq!(kind.status, 415, "{}", kind.text);
    let broken = import(multipart, "--b\r\nContent".to_owned()).await;
    assert_eq!(broken.status, 400, "{}", broken.text);
}
