//! Databases that an earlier canvass has written.

use canvass_model::{LeadFilter, ProviderFilter};
use canvass_store::{Engine, Store};

use crate::{
    both::{Database, now},
    both_engines,
    raw::{execute, number, texts},
    sample::{npi, people},
};

/// The scripts of each earlier version: all up to it.
fn scripts(engine: Engine) -> Vec<&'static str> {
    match engine {
        Engine::Sqlite => vec![
            include_str!("../../migrations/sqlite/0001_first.sql"),
            include_str!("../../migrations/sqlite/0002_integrity.sql"),
        ],
        Engine::Postgres => vec![
            include_str!("../../migrations/postgres/0001_first.sql"),
            include_str!("../../migrations/postgres/0002_integrity.sql"),
        ],
    }
}

/// A row for each table of version 1 but those of providers, which are copied, in the words of
/// both engines.
const ROWS: &str = "
    INSERT INTO index_pending (id, written) SELECT id, 1 FROM providers;
    UPDATE index_state SET value = 1 WHERE name IN ('written', 'leads');
    INSERT INTO changes VALUES (1000000004, {time}, 'updated', 'name', 'a', 'b', 1);
    INSERT INTO users VALUES ('u1', 'Ana', 'ana', 'admin', 'hash', FALSE, {time});
    INSERT INTO sessions VALUES ({blob}, 'u1', {time}, {time});
    INSERT INTO tokens VALUES ('t1', 'u1', 'script', {blob}, {time}, NULL);
    INSERT INTO saved_searches VALUES ('s1', 'u1', 'Mine', 'mine', 'q=x', FALSE, {time});
    INSERT INTO login_failures VALUES ('account:ana', 2, {time});
    INSERT INTO settings VALUES ('k', 'v');
    INSERT INTO leads SELECT npi, 'new', 'notes', 'u1', NULL, NULL, 1, {time}, {time}, 'u1', 1 FROM providers;
    INSERT INTO activities SELECT 'a1', MIN(npi), 'note', 'text', 'u1', {time} FROM leads;
    INSERT INTO idempotency VALUES ('u1', 'answered', {blob}, '{}', {time});
    INSERT INTO sync_runs (id, state, request, created_at, reach)
    VALUES ('r1', 'running', '{\"specialties\": [\"x\"]}', {time}, '');
    INSERT INTO sync_specialties (run_id, place, name, texts, codes, sift, known, nearest)
    VALUES ('r1', 0, 'x', '[]', '[]', FALSE, TRUE, '[]');
    INSERT INTO sync_partitions VALUES ('p1', 'r1', 0, 0, 'q', 'label', 'pending', '', 0, 0, NULL, NULL, NULL, NULL);
    INSERT INTO sync_results VALUES ('r1', 0, 1000000004, 'created');
    INSERT INTO set_asides VALUES ('r1', 0, {blob}, NULL, 'reason', 'record', {time});
    INSERT INTO registry_pace VALUES ('registry', 1, NULL, NULL);
    INSERT INTO registry_slots VALUES ('registry', 'flight', 0, {time}, NULL);
    INSERT INTO imports VALUES ('i1', {blob}, 'files', TRUE, '2026-01-01', 'done', '{}', NULL, NULL, {time}, {time}, {time});
    INSERT INTO import_set_asides VALUES ('i1', 0, 'file', 2, NULL, 'reason', 'row');
    INSERT INTO written_meanwhile VALUES (1000000004);
";

/// All tables of a database with their columns, but those that say what the database is: the
/// migrations, and the index, which is derived.
async fn tables(db: &Database, url: &str) -> Vec<(String, Vec<String>)> {
    let names = match db.engine() {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        }
        Engine::Postgres => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        }
    };
    let mut all = Vec::new();
    for table in texts(url, names).await {
        if table == "schema_migrations" || table.starts_with("index_") {
            continue;
        }
        let columns = match db.engine() {
            Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
            Engine::Postgres => format!(
                "SELECT column_name::text FROM information_schema.columns
                 WHERE table_name = '{table}' ORDER BY ordinal_position"
            ),
        };
        let columns = texts(url, &columns).await;
        all.push((table, columns));
    }
    all
}

/// The rows of these columns.
async fn rows(
    db: &Database,
    url: &str,
    tables: &[(String, Vec<String>)],
) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (table, columns) in tables {
        let row = match db.engine() {
            Engine::Sqlite => columns
                .iter()
                .map(|c| format!("quote({c})"))
                .collect::<Vec<_>>()
                .join(" || ',' || "),
            Engine::Postgres => format!("ROW({})::text", columns.join(",")),
        };
        let rows = texts(url, &format!("SELECT {row} FROM {table} ORDER BY 1")).await;
        all.push((table.clone(), rows));
    }
    all
}

/// A database of an earlier version with rows in every table. The providers are three that this
/// canvass has written into `db`: how a record is stored is no part of the schema.
async fn earlier(db: &Database, url: &str, version: usize) {
    people(db, 0..3).await;
    let scripts = scripts(db.engine());
    let mut sql = scripts[0].to_owned();
    let time = match db.engine() {
        Engine::Sqlite => "TEXT",
        Engine::Postgres => "TIMESTAMPTZ",
    };
    let made = format!(
        "CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at {time} NOT NULL);
         INSERT INTO schema_migrations VALUES (1, '0001_first', '2026-01-01T00:00:00Z');"
    );
    sql.push_str(&made);
    let (hex, blob) = match db.engine() {
        Engine::Sqlite => ("'X''' || hex(record) || ''''", "X'00'"),
        Engine::Postgres => (
            "'decode(''' || encode(record, 'hex') || ''', ''hex'')'",
            "'\\x00'::bytea",
        ),
    };
    let copy = format!(
        "SELECT 'INSERT INTO providers VALUES (' || id || ',' || npi || ',' || hash || ',' || {hex} || ','
         || first_seen_at || ',' || changed_at || ',' || source || ');' FROM providers"
    );
    sql.push_str(&texts(&db.url, &copy).await.join("\n"));
    let rows = ROWS
        .replace("{time}", "'2026-01-02T03:04:05.123456Z'")
        .replace("{blob}", blob);
    sql.push_str(&rows);
    for later in 2..=version {
        sql.push_str(scripts[later - 1]);
        let row = format!(
            "SELECT 'INSERT INTO schema_migrations VALUES (' || version || ', ''' || name
             || ''', ''2026-01-01T00:00:00Z'', ''' || checksum || ''');'
             FROM schema_migrations WHERE version = {later}"
        );
        sql.push_str(&texts(&db.url, &row).await.concat());
    }
    execute(url, &sql).await;
}

/// An address for another database of the same engine.
async fn another(db: &Database) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = match db.engine() {
        Engine::Sqlite => format!("sqlite:{}", folder.path().join("canvass.db").display()),
        Engine::Postgres => tokio::task::spawn_blocking(canvass_testkit::postgres_url)
            .await
            .unwrap(),
    };
    (url, folder)
}

fn backups(folder: &tempfile::TempDir) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(folder.path()).unwrap();
    let paths = all.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().contains("before-v"))
        .collect()
}

both_engines! {
    async fn a_database_of_each_earlier_version_keeps_all_that_is_in_it(db: Database) {
        for version in 1..=scripts(db.engine()).len() {
            let (url, folder) = another(&db).await;
            earlier(&db, &url, version).await;
            let tables = tables(&db, &url).await;
            let before = rows(&db, &url, &tables).await;
            assert!(before.iter().all(|(_, rows)| !rows.is_empty()), "{before:?}");
            // Version 2 takes those out that were never answered.
            let unanswered = i64::from(version < 2);
            if unanswered > 0 {
                execute(&url, "INSERT INTO idempotency SELECT 'u1', 'unanswered', request, '', created_at FROM idempotency").await;
            }

            let store = Store::open(&url, now()).await.unwrap();
            assert_eq!(rows(&db, &url, &tables).await, before);
            assert_eq!(store.count(&ProviderFilter::default()).await.unwrap().count, 3);
            let terms = "SELECT value FROM index_state WHERE name = 'terms'";
            assert_eq!(number(&url, terms).await, 2);
            assert_eq!(number(&url, "SELECT COUNT(*) FROM index_segments WHERE in_use").await, 1);
            assert_eq!(store.count_leads(&LeadFilter::all()).await.unwrap().count, 3);
            assert!(store.provider(npi(1)).await.unwrap().is_some());
            assert_eq!(number(&url, "SELECT COUNT(*) FROM schema_migrations WHERE checksum IS NULL").await, 0);

            // The embedded database was copied as it was, once.
            drop(Store::open(&url, now()).await.unwrap());
            let backups = backups(&folder);
            assert_eq!(backups.len(), usize::from(db.engine() == Engine::Sqlite));
            for backup in backups {
                let backup = format!("sqlite:{}", backup.display());
                assert_eq!(rows(&db, &backup, &tables).await.len(), before.len());
                assert_eq!(number(&backup, "SELECT MAX(version) FROM schema_migrations").await, i64::try_from(version).unwrap());
                assert_eq!(number(&backup, "SELECT COUNT(*) FROM idempotency").await, 1 + unanswered);
            }
        }
    }

    async fn a_script_that_was_changed_after_it_was_applied_is_noticed(db: Database) {
        execute(&db.url, "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1").await;
        let refused = Store::open(&db.url, now()).await.map(drop);
        assert!(matches!(refused, Err(canvass_store::Error::Altered { version: 1 })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_nothing_in_it_is_not_backed_up_and_no_backup_is_written_over() {
    let db = Database::sqlite().await;
    let (url, folder) = another(&db).await;
    let script = scripts(Engine::Sqlite)[0];
    execute(&url, &format!(
        "{script}
         CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL);
         INSERT INTO schema_migrations VALUES (1, '0001_first', '2026-01-01T00:00:00Z');"
    )).await;
    drop(Store::open(&url, now()).await.unwrap());
    assert!(backups(&folder).is_empty());

    let (url, folder) = another(&db).await;
    earlier(&db, &url, 1).await;
    let newest = number(&db.url, "SELECT MAX(version) FROM schema_migrations").await;
    let taken = folder
        .path()
        .join(format!("canvass.db.before-v{newest}-20261124T150000Z"));
    std::fs::write(&taken, "somebody's").unwrap();
    drop(Store::open(&url, now()).await.unwrap());
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "somebody's");
    assert_eq!(backups(&folder).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_opens_at_once_of_a_new_file_all_succeed() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("canvass.db").display());
        let opened = (0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url, now()).await.map(drop) })
        });
        for opened in futures_util::future::join_all(opened).await {
            opened.unwrap().unwrap();
        }
    }
}
