//! A load tells the truth, and takes no more away than the file says.

use std::path::{Path, PathBuf};

use canvass_app::ImportOptions;
use canvass_model::{Npi, Provider, RecordStatus};
use futures_util::TryStreamExt as _;
use jiff::civil::date;

use crate::{all, both_engines, import, load, opened::Opened};

const SEPTEMBER: &str = "npidata_pfile_20050523-20260913.csv";
const OCTOBER: &str = "npidata_pfile_20050523-20261011.csv";

/// A fixture under the name of a real file, which says until when it knows.
fn file(folder: &Path, fixture: &str, name: &str) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/fixtures");
    let path = folder.join(name);
    std::fs::copy(fixtures.join(fixture), &path).unwrap();
    vec![path]
}

/// A full file of September with other rows, by what is done to the text of the fixture.
fn edited(folder: &Path, edit: impl FnOnce(String) -> String) -> Vec<PathBuf> {
    let path = file(folder, "three.csv", OCTOBER);
    let text = std::fs::read_to_string(&path[0]).unwrap();
    std::fs::write(&path[0], edit(text)).unwrap();
    path
}

fn of(all: &[Provider], npi: &str) -> Provider {
    let npi: Npi = npi.parse().unwrap();
    all.iter().find(|p| p.npi == npi).unwrap().clone()
}

async fn set_aside(app: &Opened, id: &str) -> String {
    let pieces: Vec<Vec<u8>> = app
        .import_set_asides(id)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    String::from_utf8(pieces.concat()).unwrap()
}

both_engines! {
    async fn a_row_that_cannot_be_read_takes_nobody_out(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        load(&app, file(folder.path(), "three.csv", SEPTEMBER)).await;
        let before = all(&app).await;
        let done = load(&app, file(folder.path(), "three_latin1.csv", OCTOBER)).await.remove(0);
        assert_eq!((done.set_aside, done.unpublished, done.unchanged), (1, 0, 2));
        assert!(done.is_incomplete());
        assert_eq!(all(&app).await, before);
        let rows = set_aside(&app, &done.id.unwrap()).await;
        assert!(rows.contains(",3,1900002027,"), "{rows}");
    }

    async fn a_dry_run_says_who_would_be_no_longer_published(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        load(&app, file(folder.path(), "three.csv", SEPTEMBER)).await;
        let before = all(&app).await;
        let dry = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let would = import(&app, file(folder.path(), "two.csv", OCTOBER), &dry).await.unwrap().remove(0);
        assert_eq!((would.unpublished, would.unchanged), (1, 2));
        assert_eq!(all(&app).await, before);
        let done = load(&app, file(folder.path(), "two.csv", OCTOBER)).await.remove(0);
        assert_eq!((done.unpublished, done.unchanged), (1, 2));
        assert_eq!(of(&all(&app).await, "1900002027").status, RecordStatus::Unpublished);
    }

    async fn of_two_rows_the_later_update_counts_and_the_other_is_told(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let done = load(&app, file(folder.path(), "double.csv", SEPTEMBER)).await.remove(0);
        assert_eq!((done.rows, done.created, done.set_aside), (2, 1, 1));
        let stored = all(&app).await;
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].name.last.as_deref(), Some("NEWER"));
        let rows = set_aside(&app, &done.id.unwrap()).await;
        assert!(rows.contains(",2,1900002019,") && rows.contains("OLDER"), "{rows}");
        assert_eq!(db.check().await.unwrap(), []);
    }

    async fn dates_without_leading_zeros_are_dates(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let done = load(&app, file(folder.path(), "short_dates.csv", SEPTEMBER)).await.remove(0);
        assert_eq!(done.values_left_out, 0);
        let stored = all(&app).await.remove(0);
        assert_eq!(stored.enumerated_on, Some(date(2005, 5, 3)));
        assert_eq!(stored.updated_on, Some(date(2020, 7, 8)));
    }

    async fn a_full_file_leaves_what_is_newer_than_it(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        load(&app, file(folder.path(), "three.csv", SEPTEMBER)).await;
        let mut newer = of(&all(&app).await, "1900002019");
        newer.name.last = Some("LATER".into());
        newer.updated_on = Some(date(2026, 11, 20));
        // Given after the last day of the file, which can't have it.
        let mut young = newer.clone();
        young.npi = "1900002043".parse().unwrap_or(Npi::from_first_nine(190_000_204).unwrap());
        young.enumerated_on = Some(date(2026, 11, 19));
        app.store().write_providers(&[newer.clone(), young.clone()], crate::both::now()).await.unwrap();
        let again = edited(folder.path(), |text| text.replace("QUAY", "QUAYS"));
        let done = load(&app, again).await.remove(0);
        assert_eq!((done.unpublished, done.created), (0, 0));
        let stored = all(&app).await;
        assert_eq!(of(&stored, "1900002019"), newer);
        assert_eq!(of(&stored, &young.npi.to_string()), young);
    }

    async fn a_file_whose_npis_a_spreadsheet_has_changed_takes_nobody_out(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        load(&app, file(folder.path(), "three.csv", SEPTEMBER)).await;
        let before = all(&app).await;
        let resaved = edited(folder.path(), |text| {
            text.replace("\"1900002019\"", "\"1900002019.0\"")
                .replace("\"1900002027\"", "\"1900002027.0\"")
                .replace("\"1900002035\"", "\"1900002035.0\"")
        });
        let _ = import(&app, resaved, &ImportOptions::default()).await;
        assert_eq!(all(&app).await, before);
    }
}
