//! Who works on which partition: leases, their renewal, and what becomes of those of the gone.

use jiff::Timestamp;

use super::{OPEN, lock_run};
use crate::{
    Error, Store,
    backend::{Durability, Tx},
    value::{Row, params},
};

/// How often a partition is looked for of which another was quicker.
const TRIES: u32 = 10;

/// A partition that a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedPartition {
    /// Identifier.
    pub id: String,
    /// Its run.
    pub run_id: String,
    /// Place of its specialty.
    pub place: u32,
    /// How many splits led to it.
    pub depth: u32,
    /// The query.
    pub query: String,
    /// The query, for people.
    pub label: String,
    /// Where it stands; empty at first.
    pub checkpoint: String,
    /// What the run knows of the registry's reach; empty at first.
    pub reach: String,
    /// Codes of its specialty.
    pub codes: Vec<String>,
    /// Whether records without any of the codes are passed over.
    pub sift: bool,
}

impl Store {
    /// Leases the next partition that nobody works on, of any run or of one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease_partition(
        &self,
        owner: &str,
        run: Option<&str>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<LeasedPartition>, Error> {
        // Looking first keeps idle workers from writing.
        let select = format!(
            "SELECT p.id, p.run_id, p.place, p.depth, p.query, p.label, p.checkpoint, r.reach, s.codes, s.sift
             FROM sync_partitions p
             JOIN sync_runs r ON r.id = p.run_id
             JOIN sync_specialties s ON s.run_id = p.run_id AND s.place = p.place
             WHERE p.state IN {OPEN} AND r.state IN ('queued', 'running')
             AND (p.state = 'pending' OR p.lease_until < $1)
             AND ($2 = '' OR p.run_id = $3)
             ORDER BY r.created_at, p.place, p.depth, p.id LIMIT 1"
        );
        let run = run.unwrap_or_default();
        let find = || params![now, run, run];
        if self
            .first(crate::Sql::kept(select.clone()), find())
            .await?
            .is_none()
        {
            return Ok(None);
        }
        for _ in 0..TRIES {
            let mut tx = self.begin(Durability::Relaxed).await?;
            let Some(row) = tx.first(crate::Sql::kept(select.clone()), find()).await? else {
                return Ok(None);
            };
            // Who stops the run waits from here on; who has just stopped it, or leased the
            // partition, is seen by what is read after.
            let run = row.text(1)?;
            if lock_run(&mut tx, &run).await?.is_over() {
                continue;
            }
            let locked = format!("{select}{}", tx.engine().for_update("p"));
            let row = tx
                .first(crate::Sql::kept(locked), params![now, &run, &run])
                .await?;
            if let Some(row) = row {
                return take(tx, &row, owner, lease_until, now).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Holds all partitions of an owner until a later time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_leases(&self, owner: &str, lease_until: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.execute(
            "UPDATE sync_partitions SET lease_until = $1 WHERE lease_owner = $2 AND state = 'running'",
            params![lease_until, owner],
        )
        .await?;
        tx.commit().await
    }

    /// Who holds partitions or request slots.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease_owners(&self) -> Result<Vec<String>, Error> {
        let rows = self
            .query(
                "SELECT lease_owner FROM sync_partitions WHERE state = 'running' AND lease_owner IS NOT NULL
                 UNION SELECT holder FROM registry_slots WHERE holder IS NOT NULL AND kind = 'flight'",
                vec![],
            )
            .await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// Gives back everything that an owner holds, because it is gone or stops.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_owner(&self, owner: &str, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.execute(
            "UPDATE sync_partitions SET state = 'pending', lease_owner = NULL, lease_until = NULL
             WHERE lease_owner = $1 AND state = 'running'",
            params![owner],
        )
        .await?;
        tx.execute(
            "UPDATE registry_slots SET free_at = $1, holder = NULL WHERE holder = $2 AND kind = 'flight'",
            params![now, owner],
        )
        .await?;
        tx.commit().await
    }

    /// Gives back a partition whose holder does not bring it to its end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_partition(&self, partition: &str, owner: &str) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.execute(
            "UPDATE sync_partitions SET state = 'pending', lease_owner = NULL, lease_until = NULL
             WHERE id = $1 AND lease_owner = $2 AND state = 'running'",
            params![partition, owner],
        )
        .await?;
        tx.commit().await
    }
}

/// Notes who holds a partition whose run is locked.
async fn take(
    mut tx: Tx,
    row: &Row,
    owner: &str,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<LeasedPartition, Error> {
    let place = |i| row.int(i).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let leased = LeasedPartition {
        id: row.text(0)?,
        run_id: row.text(1)?,
        place: place(2)?,
        depth: place(3)?,
        query: row.text(4)?,
        label: row.text(5)?,
        checkpoint: row.text(6)?,
        reach: row.text(7)?,
        codes: row.json(8)?,
        sift: row.bool(9)?,
    };
    tx.execute(
        "UPDATE sync_partitions SET state = 'running', lease_owner = $1, lease_until = $2 WHERE id = $3",
        params![owner, lease_until, &leased.id],
    )
    .await?;
    tx.execute(
        "UPDATE sync_runs SET state = 'running', started_at = COALESCE(started_at, $1)
         WHERE id = $2 AND (state = 'queued' OR started_at IS NULL)",
        params![now, &leased.run_id],
    )
    .await?;
    tx.execute(
        "UPDATE sync_specialties SET started_at = $1
         WHERE run_id = $2 AND place = $3 AND started_at IS NULL",
        params![now, &leased.run_id, leased.place],
    )
    .await?;
    tx.commit().await?;
    Ok(leased)
}
