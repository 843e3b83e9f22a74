//! Forward migrations, and the refusal to run on a database that is newer than this binary.

use jiff::Timestamp;

use crate::{
    Error, Store,
    backend::{Durability, Engine},
    value::params,
};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const MIGRATIONS: &[Migration] = migrations![1 "0001_first", 2 "0002_integrity"];

/// Key of the advisory lock under which one process at a time migrates: "canvass" in hexadecimal.
const LOCK: i64 = 0x0063_616e_7661_7373;

/// Brings the database to the newest version that this binary knows.
pub(crate) async fn run(store: &Store, now: Timestamp) -> Result<(), Error> {
    let mut tx = store.begin(Durability::Full).await?;
    if tx.engine() == Engine::Postgres {
        tx.query("SELECT pg_advisory_xact_lock($1)", params![LOCK])
            .await?;
    }
    let time = match tx.engine() {
        Engine::Sqlite => "TEXT",
        Engine::Postgres => "TIMESTAMPTZ",
    };
    tx.script(format!(
        "CREATE TABLE IF NOT EXISTS schema_migrations
         (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at {time} NOT NULL)"
    ))
    .await?;
    let found = match tx
        .first("SELECT MAX(version) FROM schema_migrations", vec![])
        .await?
    {
        Some(row) => row.int(0)?,
        None => 0,
    };
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for migration in MIGRATIONS.iter().filter(|m| m.version > found) {
        let script = match tx.engine() {
            Engine::Sqlite => migration.sqlite,
            Engine::Postgres => migration.postgres,
        };
        tx.script(script.to_owned()).await?;
        tx.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
            params![migration.version, migration.name, now],
        )
        .await?;
        tracing::info!(
            version = migration.version,
            name = migration.name,
            "migrated"
        );
    }
    tx.commit().await
}
