//! Imports that run in the background.

use std::{path::PathBuf, time::Duration};

use canvass_app::{
    Actor, App, Clock, Error, ImportPhase, ImportSettings, ImportSource, ImportView,
    RegistrySettings, Settings,
};
use canvass_model::Role;
use canvass_store::ImportState;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{archives, both::Database, both_engines, full_set};

struct World {
    app: App,
    folder: tempfile::TempDir,
    database: Database,
}

fn manager() -> Actor {
    Actor {
        name: "Kim".into(),
        role: Role::Manager,
        ..Actor::system()
    }
}

impl World {
    async fn on(database: Database, most: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let settings = Settings {
            database: database.url.clone(),
            nucc: root.join("../../data/nucc/nucc_taxonomy_251.csv"),
            registry: RegistrySettings::default(),
            imports: ImportSettings {
                folder: Some(folder.path().to_owned()),
                most,
                plain_loopback: true,
            },
        };
        let app = App::open(settings, Clock::system()).await.unwrap();
        Self {
            app,
            folder,
            database,
        }
    }

    /// Puts the main archive of a full set of so many rows into the folder; gives its name.
    fn put_set(&self, rows: u64) -> String {
        let (set, _) = full_set(self.app.catalogue(), rows);
        let main = archives(set.path())
            .into_iter()
            .find(|path| std::fs::metadata(path).unwrap().len() > 20_000)
            .unwrap();
        let name = main.file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::copy(main, self.folder.path().join(&name)).unwrap();
        name
    }

    async fn start(&self, source: ImportSource) -> Result<ImportView, Error> {
        self.app.start_import(&manager(), source, false).await
    }

    async fn until(&self, id: &str, wanted: impl Fn(&ImportView) -> bool) -> ImportView {
        loop {
            let import = self.app.import(id).await.unwrap().unwrap();
            if wanted(&import) {
                return import;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ended(&self, id: &str) -> ImportView {
        self.until(id, |import| import.state.is_over()).await
    }

    /// Names in the folder.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name();
        entries.map(|e| name(e).into_string().unwrap()).collect()
    }

    async fn providers(&self) -> u64 {
        let filter = canvass_model::ProviderFilter {
            status: canvass_model::StatusFilter::Any,
            ..canvass_model::ProviderFilter::default()
        };
        self.app.count(&filter).await.unwrap().count
    }
}

/// Answers the first request with the head of a file and some of it, then is silent; others with
/// what is missing of it.
async fn half_a_file(content: Vec<u8>, first: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/week.zip", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut silent = Vec::new();
        for request in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            let asked = String::from_utf8(asked).unwrap().to_lowercase();
            let from = asked.split("range: bytes=").nth(1).map_or(0, |rest| {
                rest.split('-').next().unwrap().parse::<usize>().unwrap()
            });
            let total = content.len();
            let head = if from == 0 {
                "200 OK\r\n".to_owned()
            } else {
                format!(
                    "206 Partial\r\ncontent-range: bytes {from}-{}/{total}\r\n",
                    total - 1
                )
            };
            let head = format!(
                "HTTP/1.1 {head}etag: \"a\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                total - from
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let until = if request == 0 { first } else { total };
            stream.write_all(&content[from..until]).await.unwrap();
            stream.flush().await.unwrap();
            if request == 0 {
                silent.push(stream);
            }
        }
    });
    address
}

both_engines! {
    async fn a_file_of_the_folder_is_loaded_and_again_is_known(db: Database) {
        let world = World::on(db, 4 << 20).await;
        let name = world.put_set(300);
        let path = || ImportSource::Path(name.clone());
        let started = world.start(path()).await.unwrap();
        assert_eq!(started.source.as_deref(), Some(name.as_str()));
        assert!(!started.state.is_over() && started.progress.is_some());
        let done = world.ended(&started.id).await;
        assert_eq!((done.state, done.reason.as_deref()), (ImportState::Done, None));
        let noted = world.until(&started.id, |i| i.finished_at > Some(i.created_at)).await;
        assert!(noted.seconds > 0.0);
        let report = done.report.unwrap();
        assert_eq!(report.rows, report.created + (report.set_aside - side(&report)));
        assert_eq!(report.source.as_deref(), Some(name.as_str()));
        assert_eq!(world.providers().await, report.created);
        assert!(done.full && done.what != name, "{}", done.what);

        let again = world.start(path()).await.unwrap();
        let again = world.ended(&again.id).await;
        assert_eq!(again.state, ImportState::Done);
        let again = again.report.unwrap();
        assert!(again.already_imported.is_some());
        assert_eq!(again.id, Some(started.id));
        assert_eq!(world.left(), [name]);
        let listed = world.app.imports_of_late(10).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(world.app.open_imports().await.unwrap().is_empty());
    }

    async fn what_is_sent_is_loaded_and_nothing_of_it_is_left(db: Database) {
        let world = World::on(db, 4 << 20).await;
        let name = world.put_set(300);
        let path = world.folder.path().join(&name);
        let content = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let mut upload = world.app.receive_import(&manager(), &name).await.unwrap();
        upload.expect(content.len() as u64).unwrap();
        for piece in content.chunks(50_000) {
            upload.write(piece).await.unwrap();
        }
        let sent = upload.load(false).await.unwrap();
        let done = world.ended(&sent.id).await;
        assert_eq!((done.state, done.reason), (ImportState::Done, None));
        assert_eq!(done.source, Some(name.clone()));
        assert_eq!(world.providers().await, done.report.unwrap().created);

        // One that breaks off, one that is too large, one that is empty, one that is no file of the
        // registry.
        let mut upload = world.app.receive_import(&manager(), &name).await.unwrap();
        upload.write(&content[..1_000]).await.unwrap();
        drop(upload);
        let mut large = world.app.receive_import(&manager(), &name).await.unwrap();
        assert!(large.expect((4 << 20) + 1).is_err());
        drop(large);
        let upload = world.app.receive_import(&manager(), "empty.zip").await.unwrap();
        assert!(upload.load(false).await.is_err());
        let mut upload = world.app.receive_import(&manager(), "notes.txt").await.unwrap();
        upload.write(b"nothing of the kind").await.unwrap();
        let foreign = upload.load(false).await.unwrap();
        let foreign = world.ended(&foreign.id).await;
        assert_eq!(foreign.state, ImportState::Failed);
        let reason = foreign.reason.unwrap();
        assert!(reason.starts_with("notes.txt is no file of the NPI registry"), "{reason}");
        for import in world.app.imports_of_late(10).await.unwrap() {
            let import = world.ended(&import.id).await;
            let expected = if import.id == done.id { ImportState::Done } else { ImportState::Failed };
            assert_eq!(import.state, expected, "{import:?}");
        }
        world.app.end_imports().await;
        assert_eq!(world.left(), Vec::<String>::new());
    }

    async fn a_fetch_is_stopped_and_the_next_goes_on_from_there(db: Database) {
        let world = World::on(db, 4 << 20).await;
        let name = world.put_set(300);
        let path = world.folder.path().join(&name);
        let content = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let url = half_a_file(content.clone(), 5_000).await;
        let fetch = || ImportSource::Url(url.clone());
        let started = world.start(fetch()).await.unwrap();
        assert_eq!(started.what, url);
        let half = world
            .until(&started.id, |i| i.progress.as_ref().is_some_and(|p| p.bytes == 5_000))
            .await;
        assert_eq!(half.state, ImportState::Fetching);
        let progress = half.progress.unwrap();
        assert_eq!(progress.phase, ImportPhase::Fetching);
        assert_eq!(progress.of_bytes, content.len() as u64);
        match world.start(fetch()).await {
            Err(Error::Conflict(why)) => assert!(why.contains("already"), "{why}"),
            other => panic!("{other:?}"),
        }
        let stopped = world.app.cancel_import(&manager(), &started.id).await.unwrap();
        assert_eq!(stopped.state, ImportState::Cancelled);
        assert_eq!(stopped.reason.as_deref(), Some("Kim has stopped it; nothing of it was kept"));
        world.app.cancel_import(&manager(), &started.id).await.unwrap();

        let again = loop {
            match world.start(fetch()).await {
                Ok(again) => break again,
                Err(Error::Conflict(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(other) => panic!("{other}"),
            }
        };
        let done = world.ended(&again.id).await;
        assert_eq!((done.state, done.reason), (ImportState::Done, None));
        assert!(world.providers().await > 200);
        let over = world.app.cancel_import(&manager(), &again.id).await;
        assert!(matches!(over, Err(Error::Conflict(_))));
        world.app.end_imports().await;
        assert_eq!(world.left(), Vec::<String>::new());
    }

    async fn one_waits_while_another_runs_and_can_be_stopped_meanwhile(db: Database) {
        let world = World::on(db, 4 << 20).await;
        let name = world.put_set(300);
        let other = canvass_store::NewImport { fingerprint: b"x", what: "another", full: true, known_until: None, by: None };
        let now = world.app.clock().now();
        let turn = world.app.store().begin_import(&other, now).await.unwrap().unwrap();
        let first = world.start(ImportSource::Path(name.clone())).await.unwrap();
        let second = world.start(ImportSource::Path(name.clone())).await.unwrap();
        let waits = |import: &ImportView| {
            import.progress.as_ref().is_some_and(|p| p.phase == ImportPhase::Waiting)
        };
        world.until(&first.id, waits).await;
        world.until(&second.id, waits).await;
        world.app.cancel_import(&manager(), &second.id).await.unwrap();
        drop(turn);
        let done = world.ended(&first.id).await;
        assert_eq!((done.state, done.reason), (ImportState::Done, None));
        assert_eq!(world.ended(&second.id).await.state, ImportState::Cancelled);
        assert!(world.providers().await > 200);
        world.app.end_imports().await;
        // After that nothing begins any more.
        let late = world.start(ImportSource::Path(name)).await.unwrap();
        assert_eq!(world.ended(&late.id).await.state, ImportState::Cancelled);
    }

    async fn what_may_not_be_had_is_refused_before_anything_begins(db: Database) {
        let world = World::on(db, 4 << 20).await;
        for (source, field) in [
            (ImportSource::Path("none.zip".into()), "path"),
            (ImportSource::Path("../".into()), "path"),
            (ImportSource::Path(world.database.url.clone()), "path"),
            (ImportSource::Url("http://files.example/week.zip".into()), "url"),
            (ImportSource::Url("file:///etc/passwd".into()), "url"),
            (ImportSource::Url(String::new()), "url"),
        ] {
            match world.start(source.clone()).await {
                Err(Error::Invalid(fields)) => assert_eq!(fields[0].name, field, "{source:?}"),
                other => panic!("{source:?}: {other:?}"),
            }
        }
        let caller = Actor { role: Role::Caller, ..Actor::system() };
        let name = world.put_set(300);
        let start = world.app.start_import(&caller, ImportSource::Path(name.clone()), false).await;
        assert!(matches!(start, Err(Error::Forbidden(_))));
        let sent = world.app.receive_import(&caller, &name).await;
        assert!(matches!(sent, Err(Error::Forbidden(_))));
        assert!(world.app.imports_of_late(10).await.unwrap().is_empty());
        let files = world.app.import_folder().await.unwrap().unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name, name);
    }
}

/// Rows of side files that were set aside.
fn side(report: &canvass_app::ImportSummary) -> u64 {
    let files = report.files.iter();
    files
        .filter(|f| !matches!(f.what.as_str(), "providers" | "deactivations"))
        .map(|f| f.set_aside)
        .sum()
}
