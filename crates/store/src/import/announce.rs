//! Imports whose files have yet to be fetched, or that wait for another.

use jiff::Timestamp;

use super::runs::ALIVE;
use crate::{
    Error, Store,
    backend::{Durability, Engine},
    id::new_id,
    value::params,
};

/// Key of the advisory lock under which imports are announced one after the other.
const ANNOUNCE: i64 = 0x616e_6e6f_756e;

/// How many imports may be announced at a time.
const MOST: u64 = 20;

impl Store {
    /// Notes that files will be imported, before anything is known of them but what they are called;
    /// gives the identifier of the import. Nothing when too many wait already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn announce_import(
        &self,
        what: &str,
        report: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if tx.engine() == Engine::Postgres {
            tx.query("SELECT pg_advisory_xact_lock($1)", params![ANNOUNCE])
                .await?;
        }
        let waiting = tx
            .first(
                "SELECT COUNT(*) FROM imports WHERE state = 'fetching' AND alive_until >= $1",
                params![now],
            )
            .await?
            .ok_or_else(|| Error::corrupt("no count"))?
            .count(0)?;
        if waiting >= MOST {
            return Ok(None);
        }
        let id = new_id(now);
        // An empty fingerprint is that of no file.
        let fingerprint: &[u8] = &[];
        tx.execute(
            "INSERT INTO imports (id, fingerprint, what, full_file, state, report, created_by,
             created_at, alive_until)
             VALUES ($1, $2, $3, $4, 'fetching', $5, $6, $7, $8)",
            params![&id, fingerprint, what, false, report, by, now, now + ALIVE],
        )
        .await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Ends an import that was announced and turned out to have nothing to do. False when somebody
    /// has stopped it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_announced(
        &self,
        import: &str,
        what: &str,
        report: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let ended = tx
            .execute(
                "UPDATE imports SET state = 'done', what = $1, report = $2, finished_at = $3
                 WHERE id = $4 AND state = 'fetching'",
                params![what, report, now, import],
            )
            .await?;
        tx.commit().await?;
        Ok(ended > 0)
    }

    /// The imports that are not at their end, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_imports(&self, now: Timestamp) -> Result<Vec<super::ImportRun>, Error> {
        super::runs::open(self, now).await
    }
}
