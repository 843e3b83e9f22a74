//! Syncs: runs, their specialties, their partitions with leases and checkpoints, their results.
//!
//! A run is rows in the database. Workers lease one partition at a time and move its checkpoint in
//! the transaction that writes its providers, so that a worker may vanish at any moment. What a
//! query is, only the caller knows: here it is a text.

mod lease;
mod page;
mod view;

use std::collections::BTreeSet;

use canvass_model::{JobState, Receipt, SyncRequest};
use jiff::Timestamp;

pub use lease::LeasedPartition;
pub use page::{PageWrite, PartitionEnd, SetAsideRecord};
pub use view::OpenLeftOut;

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx},
    idempotency::{self, Idempotency},
    value::{json, params},
};

/// A specialty of a new run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSpecialty {
    /// As a person picked it.
    pub name: String,
    /// What the registry is asked with.
    pub texts: Vec<String>,
    /// The codes it stands for.
    pub codes: Vec<String>,
    /// Whether records without any of the codes are passed over.
    pub sift: bool,
    /// The nearest specialties, when the registry has none of this name.
    pub unknown: Option<Vec<String>>,
}

/// A query to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartition {
    /// Place of its specialty in the run, from 0.
    pub place: u32,
    /// How many splits led to it.
    pub depth: u32,
    /// The query, for the worker.
    pub query: String,
    /// The query, for people.
    pub label: String,
}

/// Result of [`Store::finish_partition`] and the like: the state of the run.
pub type RunState = JobState;

const OPEN: &str = "('pending', 'running')";

impl Store {
    /// Enqueues a run and returns its identifier: `id`, or the one that the same idempotency key
    /// has led to before.
    ///
    /// # Errors
    /// When the database fails, or the key was used with another request.
    #[expect(clippy::too_many_arguments, reason = "the parts of one new run")]
    pub async fn create_sync(
        &self,
        id: &str,
        request: &SyncRequest,
        actor: Option<&str>,
        specialties: &[NewSpecialty],
        partitions: &[NewPartition],
        idem: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(idem) = idem
            && let Some(known) = idempotency::claim(&mut tx, idem, now).await?
        {
            return serde_json::from_str(&known).map_err(|e| Error::corrupt(e.to_string()));
        }
        tx.execute(
            "INSERT INTO sync_runs (id, state, request, created_by, created_at, reach)
             VALUES ($1, 'queued', $2, $3, $4, '')",
            params![id, json(request)?, actor, now],
        )
        .await?;
        let mut rows = Vec::new();
        for (place, s) in (0u32..).zip(specialties) {
            let nearest = s.unknown.clone().unwrap_or_default();
            rows.push(params![
                id,
                place,
                &s.name,
                json(&s.texts)?,
                json(&s.codes)?,
                s.sift,
                s.unknown.is_none(),
                json(&nearest)?
            ]);
        }
        tx.insert(
            "INSERT INTO sync_specialties (run_id, place, name, texts, codes, sift, known, nearest)",
            "",
            rows,
        )
        .await?;
        add_partitions(&mut tx, id, partitions, now).await?;
        if let Some(idem) = idem {
            idempotency::answer(&mut tx, idem, &json(&id)?).await?;
        }
        tx.commit().await?;
        Ok(id.to_owned())
    }

    /// Runs that are under way and have no partition left to work on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn syncs_to_finish(
        &self,
    ) -> Result<Vec<(String, SyncRequest, Option<String>)>, Error> {
        let rows = self
            .query(
                format!(
                    "SELECT r.id, r.request, r.created_by FROM sync_runs r WHERE r.state IN ('queued', 'running')
                     AND NOT EXISTS (SELECT 1 FROM sync_partitions p WHERE p.run_id = r.id AND p.state IN {OPEN})"
                ),
                vec![],
            )
            .await?;
        rows.iter()
            .map(|r| Ok((r.text(0)?, r.json(1)?, r.text_opt(2)?)))
            .collect()
    }

    /// Ends a run, with the receipt of the leads saved at its end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_sync(
        &self,
        run: &str,
        receipt: Option<&Receipt>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let receipt = receipt.map(json).transpose()?;
        let mut tx = self.begin(Durability::Relaxed).await?;
        // Somebody may be adding partitions: whether there are any is looked at after that.
        lock_run(&mut tx, run).await?;
        tx.execute(
            format!(
                "UPDATE sync_runs SET state = 'finished', finished_at = $1, receipt = $2,
                 started_at = COALESCE(started_at, $3)
                 WHERE id = $4 AND state IN ('queued', 'running')
                 AND NOT EXISTS (SELECT 1 FROM sync_partitions p WHERE p.run_id = sync_runs.id AND p.state IN {OPEN})"
            ),
            params![now, receipt, now, run],
        )
        .await?;
        tx.commit().await
    }

    /// Adds further queries to a specialty of a run that left them out; what they do not cover
    /// either stays told. Nothing when the run has ended meanwhile: nobody would work on them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_left_out(
        &self,
        run: &str,
        partition: &str,
        parts: &[NewPartition],
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        if lock_run(&mut tx, run).await?.is_over() {
            return Ok(());
        }
        let left_out = tx
            .first(
                "SELECT left_out FROM sync_partitions WHERE id = $1 AND left_out IS NOT NULL",
                params![partition],
            )
            .await?;
        let left_out: Option<page::StoredLeftOut> = left_out.map(|row| row.json(0)).transpose()?;
        // Somebody else may have added them before.
        if let Some(left_out) = left_out.filter(|l| !l.rest.is_empty()) {
            let still = page::StoredLeftOut {
                what: left_out.still.clone(),
                rest: Vec::new(),
                still: left_out.still,
            };
            tx.execute(
                "UPDATE sync_partitions SET left_out = $1 WHERE id = $2",
                params![json(&still)?, partition],
            )
            .await?;
            add_partitions(&mut tx, run, parts, now).await?;
            for place in parts.iter().map(|p| p.place).collect::<BTreeSet<_>>() {
                tx.execute(
                    "UPDATE sync_specialties SET finished_at = NULL WHERE run_id = $1 AND place = $2",
                    params![run, place],
                )
                .await?;
            }
        }
        tx.commit().await
    }

    /// Stops a run; what was stored stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_sync(&self, run: &str, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let stopped = tx
            .execute(
                "UPDATE sync_runs SET state = 'cancelled', finished_at = $1
                 WHERE id = $2 AND state IN ('queued', 'running')",
                params![now, run],
            )
            .await?;
        tx.commit().await?;
        Ok(stopped > 0)
    }

    /// Goes on with a run that was stopped, or that ended with failed or doubtful queries.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume_sync(&self, run: &str) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        match lock_run(&mut tx, run).await {
            Err(Error::LeaseLost) => return Ok(false),
            locked => locked?,
        };
        let failed = tx
            .execute(
                "UPDATE sync_partitions SET state = 'pending', reason = NULL
                 WHERE run_id = $1 AND state IN ('failed', 'doubtful')",
                params![run],
            )
            .await?;
        let resumed = tx
            .execute(
                "UPDATE sync_runs SET state = 'running', finished_at = NULL
                 WHERE id = $1 AND (state = 'cancelled' OR (state = 'finished' AND $2 > 0))",
                params![run, i64::try_from(failed).unwrap_or(i64::MAX)],
            )
            .await?;
        if resumed > 0 || failed > 0 {
            tx.execute(
                format!(
                    "UPDATE sync_specialties SET finished_at = NULL WHERE run_id = $1 AND EXISTS
                     (SELECT 1 FROM sync_partitions p WHERE p.run_id = sync_specialties.run_id
                      AND p.place = sync_specialties.place AND p.state IN {OPEN})"
                ),
                params![run],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(resumed > 0)
    }
}

/// Locks a run for the rest of the transaction and says its state.
async fn lock_run(tx: &mut Tx, run: &str) -> Result<RunState, Error> {
    let select = match tx.engine() {
        Engine::Sqlite => "SELECT state FROM sync_runs WHERE id = $1",
        Engine::Postgres => "SELECT state FROM sync_runs WHERE id = $1 FOR UPDATE",
    };
    match tx.first(select, params![run]).await? {
        Some(row) => row.word(0, JobState::parse),
        None => Err(Error::LeaseLost),
    }
}

async fn add_partitions(
    tx: &mut Tx,
    run: &str,
    partitions: &[NewPartition],
    now: Timestamp,
) -> Result<(), Error> {
    let rows = partitions
        .iter()
        .map(|p| {
            params![
                crate::new_id(now),
                run,
                p.place,
                p.depth,
                &p.query,
                &p.label,
                "pending",
                "",
                0,
                0
            ]
        })
        .collect();
    tx.insert(
        "INSERT INTO sync_partitions
         (id, run_id, place, depth, query, label, state, checkpoint, requests, retries)",
        "",
        rows,
    )
    .await?;
    Ok(())
}
