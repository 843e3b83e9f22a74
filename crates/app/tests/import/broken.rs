//! Loads that come to nothing leave everything as it was.

use std::io::Write as _;

use canvass_app::{Error, ImportOptions, ImportProgress};
use canvass_store::ImportState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{all, archives, both_engines, full_set, import, load, opened::Opened};

both_engines! {
    async fn a_cut_archive_changes_nothing_and_says_where(db: Database) {
        let app = Opened::on(&db).await;
        let (folder, _) = full_set(app.catalogue(), 200);
        load(&app, archives(folder.path())).await;
        let before = all(&app).await;
        let (larger, _) = full_set(app.catalogue(), 3_000);
        let archive = archives(larger.path()).into_iter().find(|p| p.to_string_lossy().contains("Dissemination")).unwrap();
        // The main file is damaged in its middle; the directory of the archive is whole.
        let mut bytes = std::fs::read(&archive).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + 64].fill(0x55);
        std::fs::File::create(&archive).unwrap().write_all(&bytes).unwrap();
        let failed = import(&app, vec![archive.clone()], &ImportOptions::default()).await;
        let Err(Error::Files(why)) = failed else { panic!("{failed:?}") };
        assert!(why.to_string().contains("npidata_pfile") && why.to_string().contains("byte"), "{why}");
        assert_eq!(all(&app).await, before);
        let runs = app.store().imports(10, app.clock().now()).await.unwrap();
        let run = runs.iter().find(|r| r.state == ImportState::Failed).unwrap();
        assert!(run.reason.as_deref().unwrap().contains("npidata_pfile"), "{run:?}");

        // And the next one, of the whole file, goes well.
        let (whole, _) = full_set(app.catalogue(), 3_000);
        assert_eq!(load(&app, archives(whole.path())).await[0].created, 2_800);
    }

    async fn one_that_is_cancelled_leaves_nothing(db: Database) {
        let app = Opened::on(&db).await;
        let (folder, _) = full_set(app.catalogue(), 5_000);
        let (progress, _) = watch::channel(ImportProgress::default());
        let stop = CancellationToken::new();
        stop.cancel();
        let options = ImportOptions::default();
        let stopped = app.import_files(archives(folder.path()), &options, &progress, &stop).await;
        assert!(matches!(&stopped, Err(Error::Conflict(why)) if why.contains("cancelled")), "{stopped:?}");
        assert!(all(&app).await.is_empty());
        let runs = app.store().imports(10, app.clock().now()).await.unwrap();
        assert_eq!(runs[0].state, ImportState::Cancelled);
        assert_eq!(load(&app, archives(folder.path())).await[0].created, 5_000);
    }

    async fn rows_that_are_none_are_set_aside_and_kept(db: Database) {
        let app = Opened::on(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("othername_pfile_20261102-20261108.csv");
        let names = "\"NPI\",\"Provider Other Organization Name\",\"Provider Other Organization Name Type Code\"\n\
            \"1679576722\",\"=SUM(A1)\",\"3\"\n\"12345\",\"NO NPI\",\"3\"\n";
        std::fs::write(&path, names).unwrap();
        let done = load(&app, vec![path]).await;
        assert_eq!((done[0].rows, done[0].set_aside, done[0].files[0].rows), (0, 2, 2));
        let id = done[0].id.clone().unwrap();
        let mut file = app.import_set_asides(&id).await.unwrap();
        let mut text = String::new();
        while let Some(piece) = futures_util::StreamExt::next(&mut file).await {
            text.push_str(&String::from_utf8(piece.unwrap()).unwrap());
        }
        assert_eq!(text.lines().next(), Some("file,line,npi,reason,row"));
        assert!(text.contains(",2,1679576722,") && text.contains(",3,,"), "{text}");
    }
}
