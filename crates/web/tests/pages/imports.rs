//! Loading the registry's files by people, with a small generated set.

use std::{ops::ControlFlow, path::Path, time::Duration};

use axum::http::StatusCode;
use canvass_app::ImportView;
use canvass_model::Role;
use canvass_nppes::sample::files::{FullSettings, write_full};
use canvass_store::ImportState;

use crate::form::Form;
use crate::world::{Browser, Site, catalogue};

const FILES: &str = "/sync/imports";

/// Writes a full set of 300 rows; gives the name of its main archive.
fn write_set(folder: &Path) -> String {
    let settings = FullSettings { rows: 300, seed: 1 };
    let go_on = &mut |_| ControlFlow::Continue(());
    write_full(catalogue(), settings, folder, go_on).unwrap();
    let entries = std::fs::read_dir(folder).unwrap();
    let largest = entries
        .map(|entry| entry.unwrap())
        .max_by_key(|entry| entry.metadata().unwrap().len())
        .unwrap();
    largest.file_name().into_string().unwrap()
}

/// The import whose page this is, at its end.
async fn ended(site: &Site, path: &str) -> ImportView {
    let id = path.strip_prefix("/sync/imports/").unwrap();
    loop {
        let import = site.app.import(id).await.unwrap().unwrap();
        if import.state.is_over() {
            return import;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn loads(site: &Site, browser: &mut Browser, form: &Form) -> (String, ImportView) {
    let path = browser.send(form).await.leads_to().to_owned();
    let import = ended(site, &path).await;
    (path, import)
}

/// The form of the section with a field of this name.
fn form_with(page: &str, field: &str) -> Form {
    let (_, mut rest) = page.split_once("id=\"files\"").unwrap();
    loop {
        let form = Form::to(rest, FILES);
        if form.get(field).is_some() {
            return form;
        }
        (_, rest) = rest.split_once("</form>").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_the_folder_is_chosen_loaded_and_reported() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let page = browser.page("/sync").await;
    assert!(page.contains("There is no file in it yet."));
    assert!(page.contains("No file was loaded yet"));
    let name = write_set(site.imports.path());
    let page = browser.page("/sync").await;
    let form = form_with(&page, "path").with("path", &name);
    let (path, import) = loads(&site, &mut browser, &form).await;
    let report = import.report.unwrap();
    assert_eq!(report.rows, 300);
    let shown = browser.page(&path).await;
    for words in [
        "<b>300</b> rows".to_owned(),
        format!("<b>{}</b> new", report.created),
        "Loaded".to_owned(),
        "practice locations".to_owned(),
        name.clone(),
    ] {
        assert!(shown.contains(&words), "{words}");
    }
    assert!(!shown.contains("http-equiv=\"refresh\""));
    let link = format!("/api/imports/{}/set-asides", import.id);
    assert_eq!(shown.contains(&link), report.set_aside > 0);
    let page = browser.page("/sync").await;
    assert!(page.contains(&format!("href=\"{path}\"")));

    let (again, _) = loads(&site, &mut browser, &form).await;
    let shown = browser.page(&again).await;
    assert!(shown.contains("These very files were loaded on"));
    assert!(shown.contains(&format!("href=\"{path}\"")));
    let forced = form.with("force", "on");
    let (_, forced) = loads(&site, &mut browser, &forced).await;
    assert_eq!(forced.report.unwrap().unchanged, report.created);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_uploaded_and_one_that_is_none_says_so() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    let folder = tempfile::tempdir().unwrap();
    let name = write_set(folder.path());
    let content = std::fs::read(folder.path().join(&name)).unwrap();
    let sent = browser.upload_as(FILES, &name, &content).await;
    let import = ended(&site, sent.leads_to()).await;
    assert_eq!(
        (import.state, import.source),
        (ImportState::Done, Some(name))
    );

    let sent = browser.upload_as(FILES, "<b>.csv", b"hello").await;
    let path = sent.leads_to().to_owned();
    assert_eq!(ended(&site, &path).await.state, ImportState::Failed);
    let shown = browser.page(&path).await;
    assert!(shown.contains("is no file of the NPI registry"));
    assert!(shown.contains("&#60;b&#62;.csv") && !shown.contains("<b>.csv"));

    let empty = browser.upload_as(FILES, "empty.zip", b"").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    empty.assert_says("Choose a file; this one is empty.");
    let large = browser.upload_as(FILES, "a.zip", &vec![0; 5 << 20]).await;
    assert_eq!(large.status, StatusCode::UNPROCESSABLE_ENTITY);
    large.assert_says("A file may have 4194304 bytes at most");
    assert_eq!(browser.get(FILES).await.leads_to(), "/sync#files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_had_is_told_at_its_field() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    write_set(site.imports.path());
    let page = browser.page("/sync").await;
    let url = "http://files.example/week.zip";
    let form = form_with(&page, "url").with("url", url).with("force", "on");
    let refused = browser.send(&form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_says("it does not begin with https://");
    let again = form_with(&refused.text, "url");
    assert_eq!(
        (again.get("url"), again.get("force")),
        (Some(url), Some("on"))
    );
    assert_eq!(form_with(&refused.text, "path").get("force"), None);
    let form = form_with(&page, "path").with("path", "../canvass.db");
    let refused = browser.send(&form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_says("There is no such file in the folder for imports.");
    assert!(site.app.imports_of_late(5).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_goes_on_is_watched_and_stopped() {
    let site = Site::new().await;
    let mut browser = site.signed_in(Role::Manager).await;
    // Another has its turn, so that this one waits.
    let other = canvass_store::NewImport {
        fingerprint: b"x",
        what: "another",
        full: true,
        known_until: None,
        by: None,
    };
    let now = site.app.clock().now();
    let _turn = site.app.store().begin_import(&other, now).await.unwrap();
    let name = write_set(site.imports.path());
    let page = browser.page("/sync").await;
    let form = form_with(&page, "path").with("path", &name);
    let path = browser.send(&form).await.leads_to().to_owned();
    let id = path.rsplit('/').next().unwrap();
    loop {
        let panel = browser.page(&format!("{path}/progress")).await;
        assert!(panel.starts_with(&format!("<section class=\"panel\" id=\"import-{id}\"")));
        if panel.contains("Waiting for another import") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let page = browser.page("/sync").await;
    assert!(page.contains(&format!("data-live=\"/api/imports/{id}/events\"")));
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""));
    assert!(
        browser
            .page("/leads")
            .await
            .contains("id=\"jobs\" href=\"/sync\"")
    );

    let stop = Form::to(&page, &format!("{path}/cancel"));
    let stopped = browser.send(&stop).await;
    let page = browser.follow(&stopped).await;
    assert!(page.contains("Stopped. Nothing of it was kept."));
    let shown = browser.page(&path).await;
    assert!(shown.contains("Manager has stopped it; nothing of it was kept."));
    let late = browser.send(&stop).await;
    let page = browser.follow(&late).await;
    assert!(
        page.contains("Stopped. Nothing of it was kept."),
        "once more is no fault"
    );
    site.app.end_imports().await;
}
