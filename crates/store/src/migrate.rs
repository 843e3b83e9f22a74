//! Forward migrations, and the refusal to run on a database that is newer than this binary, or that
//! was made by other scripts.
//!
//! A script is never edited once it has landed: its checksum stands in each database that it made.

use jiff::Timestamp;

use crate::{
    Backend, Error, Store,
    backend::{Durability, Engine, Tx},
    value::params,
};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    fn script(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }

    /// Hash of its script, whatever a checkout has made of the ends of its lines.
    fn checksum(&self, engine: Engine) -> String {
        let script = self.script(engine).replace("\r\n", "\n");
        blake3::hash(script.as_bytes()).to_hex().to_string()
    }
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

const MIGRATIONS: &[Migration] = migrations![1 "0001_first", 2 "0002_integrity", 3 "0003_terms"];

/// The first version that keeps the checksums of scripts.
const CHECKSUMS: i64 = 2;

/// Key of the advisory lock under which one process at a time migrates: "canvass" in hexadecimal.
const LOCK: i64 = 0x0063_616e_7661_7373;

/// How often it is tried, while others that have just started do the same: each waits for a minute.
const TRIES: u32 = 10;

/// Brings the database to the newest version that this binary knows.
pub(crate) async fn run(store: &Store, now: Timestamp) -> Result<(), Error> {
    for _ in 1..TRIES {
        match migrate(store, MIGRATIONS, now).await {
            Err(Error::Conflict) => {}
            other => return other,
        }
    }
    migrate(store, MIGRATIONS, now).await
}

async fn migrate(store: &Store, migrations: &[Migration], now: Timestamp) -> Result<(), Error> {
    let mut tx = store.begin(Durability::Full).await?;
    let engine = tx.engine();
    if engine == Engine::Postgres {
        tx.query("SELECT pg_advisory_xact_lock($1)", params![LOCK])
            .await?;
    }
    let time = match engine {
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
    let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if found >= CHECKSUMS {
        refuse_altered(&mut tx, migrations).await?;
    }
    if found == known {
        return tx.commit().await;
    }
    if found > 0
        && let Backend::Sqlite(sqlite) = &store.backend
        && has_data(&mut tx).await?
    {
        // What others have committed; this transaction, which keeps them out, has written nothing.
        let backup = sqlite.back_up(known, now).await?;
        tracing::info!(
            version = found,
            backup = %backup.display(),
            "backed up the database before migrating it"
        );
    }
    for migration in migrations.iter().filter(|m| m.version > found) {
        tx.script(migration.script(engine).to_owned()).await?;
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
    // Those before this was kept are what this binary has: they were never changed.
    for migration in migrations {
        tx.execute(
            "UPDATE schema_migrations SET checksum = $1 WHERE version = $2 AND checksum IS NULL",
            params![migration.checksum(engine), migration.version],
        )
        .await?;
    }
    tx.commit().await
}

/// Refuses a database that other scripts have made than those of this binary.
async fn refuse_altered(tx: &mut Tx, migrations: &[Migration]) -> Result<(), Error> {
    let engine = tx.engine();
    let rows = tx
        .query(
            "SELECT version, checksum FROM schema_migrations WHERE checksum IS NOT NULL",
            vec![],
        )
        .await?;
    for row in rows {
        let (version, checksum) = (row.int(0)?, row.text(1)?);
        let known = migrations.iter().find(|m| m.version == version);
        if known.is_none_or(|m| m.checksum(engine) != checksum) {
            return Err(Error::Altered { version });
        }
    }
    Ok(())
}

/// Whether there is anything in the database that somebody could miss.
async fn has_data(tx: &mut Tx) -> Result<bool, Error> {
    for table in ["providers", "users", "leads", "sync_runs", "imports"] {
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        if tx.first(sql, vec![]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_of_which_a_script_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("x.db").display());
        let store = Store::open(&url, Timestamp::UNIX_EPOCH).await.unwrap();
        let mut changed: Vec<Migration> = Vec::new();
        for m in MIGRATIONS {
            let sqlite = if m.version == 1 { "SELECT 1" } else { m.sqlite };
            changed.push(Migration { sqlite, ..*m });
        }
        let refused = migrate(&store, &changed, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(Error::Altered { version: 1 })));
        migrate(&store, MIGRATIONS, Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
    }
}
