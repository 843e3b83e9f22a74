//! Syncs: runs, their specialties, their partitions with leases and checkpoints, their results.
//!
//! A run is rows in the database. Workers lease one partition at a time and move its checkpoint in
//! the transaction that writes its providers, so that a worker may vanish at any moment. What a
//! query is, only the caller knows: here it is a text.

use std::collections::BTreeSet;

use canvass_model::{JobState, Npi, Provider, Receipt, SyncRequest};
use jiff::Timestamp;

use crate::{
    Error, Outcome, Store,
    backend::{Durability, Engine, Tx},
    idempotency::{self, Idempotency},
    providers,
    value::{Value, json, params},
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

/// A record that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAsideRecord {
    /// What it had for an NPI.
    pub npi: Option<String>,
    /// Why.
    pub reason: String,
    /// The record, as it came.
    pub record: String,
}

/// What one answered page brings.
#[derive(Clone, Copy, Debug)]
pub struct PageWrite<'a> {
    /// The partition, as it was leased.
    pub partition: &'a LeasedPartition,
    /// Who holds it.
    pub owner: &'a str,
    /// Its providers.
    pub providers: &'a [Provider],
    /// Records set aside.
    pub set_aside: &'a [SetAsideRecord],
    /// Where the partition stands now.
    pub checkpoint: &'a str,
    /// What the run knows of the registry's reach now.
    pub reach: Option<&'a str>,
    /// Requests that it took.
    pub requests: u32,
    /// Of which retries.
    pub retries: u32,
    /// Until when the partition is held.
    pub lease_until: Timestamp,
}

/// How a partition ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionEnd {
    /// Its last page was short.
    Complete,
    /// It was split into these.
    Split {
        /// The parts.
        parts: Vec<NewPartition>,
        /// What they leave out, in words.
        left_out: Option<String>,
        /// Queries that would cover what is left out.
        rest: Vec<NewPartition>,
    },
    /// It reached the registry's cap and can't be split further.
    Truncated(String),
    /// A page failed for good, or the registry refused the query.
    Failed(String),
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
        let mut tx = self.begin(Durability::Relaxed).await?;
        let lock = match tx.engine() {
            Engine::Sqlite => "",
            Engine::Postgres => " FOR UPDATE OF p SKIP LOCKED",
        };
        let Some(row) = tx
            .first(crate::Sql::kept(format!("{select}{lock}")), find())
            .await?
        else {
            return Ok(None);
        };
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
        Ok(Some(leased))
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

    /// Writes what a page brought and moves the checkpoint, in one transaction.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another worker has taken over; then nothing was written.
    pub async fn write_page(
        &self,
        page: &PageWrite<'_>,
        now: Timestamp,
    ) -> Result<RunState, Error> {
        let PageWrite {
            partition, owner, ..
        } = *page;
        let mut tx = self.begin(Durability::Relaxed).await?;
        let run = lock_run(&mut tx, &partition.run_id).await?;
        let held = tx
            .execute(
                "UPDATE sync_partitions SET checkpoint = $1, requests = requests + $2,
                 retries = retries + $3, lease_until = $4
                 WHERE id = $5 AND lease_owner = $6 AND state = 'running'",
                params![
                    page.checkpoint,
                    page.requests,
                    page.retries,
                    page.lease_until,
                    &partition.id,
                    owner
                ],
            )
            .await?;
        if held == 0 {
            return Err(Error::LeaseLost);
        }
        let outcomes = providers::write(&mut tx, page.providers, now).await?;
        let mut tally = Tally::of(&mut tx, partition, &outcomes).await?;
        tally.requests = page.requests;
        tally.retries = page.retries;
        tally.set_aside = set_aside(&mut tx, partition, page.set_aside, now).await?;
        tally.add(&mut tx, partition).await?;
        if let Some(reach) = page.reach {
            tx.execute(
                "UPDATE sync_runs SET reach = $1 WHERE id = $2",
                params![reach, &partition.run_id],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(run)
    }

    /// Ends a partition, and its specialty with it when it was the last one.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another worker has taken over; then nothing was written.
    pub async fn finish_partition(
        &self,
        partition: &LeasedPartition,
        owner: &str,
        end: &PartitionEnd,
        extra_requests: (u32, u32),
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        lock_run(&mut tx, &partition.run_id).await?;
        let (state, reason, left_out) = match end {
            PartitionEnd::Complete => ("complete", None, None),
            PartitionEnd::Split { left_out, rest, .. } => {
                let rest: Vec<(&str, &str)> = rest.iter().map(|p| (&*p.query, &*p.label)).collect();
                let stored = left_out
                    .as_ref()
                    .map(|what| json(&(what, rest)))
                    .transpose()?;
                ("split", None, stored)
            }
            PartitionEnd::Truncated(reason) => ("truncated", Some(reason.clone()), None),
            PartitionEnd::Failed(reason) => ("failed", Some(reason.clone()), None),
        };
        let (requests, retries) = extra_requests;
        let held = tx
            .execute(
                "UPDATE sync_partitions SET state = $1, reason = $2, left_out = $3, lease_owner = NULL,
                 lease_until = NULL, requests = requests + $4, retries = retries + $5
                 WHERE id = $6 AND lease_owner = $7 AND state = 'running'",
                params![state, reason, left_out, requests, retries, &partition.id, owner],
            )
            .await?;
        if held == 0 {
            return Err(Error::LeaseLost);
        }
        let tally = Tally {
            requests,
            retries,
            ..Tally::default()
        };
        tally.add(&mut tx, partition).await?;
        if let PartitionEnd::Split { parts, .. } = end {
            add_partitions(&mut tx, &partition.run_id, parts, now).await?;
        }
        end_specialty(&mut tx, partition, now).await?;
        tx.commit().await
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

    /// Adds further queries to a specialty of a run that left them out, and forgets that it did.
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
        lock_run(&mut tx, run).await?;
        let open = tx
            .execute(
                "UPDATE sync_partitions SET left_out = NULL WHERE id = $1 AND left_out IS NOT NULL",
                params![partition],
            )
            .await?;
        if open > 0 {
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

    /// Goes on with a run that was stopped, or that ended with failed queries.
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
                 WHERE run_id = $1 AND state = 'failed'",
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

async fn end_specialty(
    tx: &mut Tx,
    partition: &LeasedPartition,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        format!(
            "UPDATE sync_specialties SET finished_at = $1 WHERE run_id = $2 AND place = $3
             AND NOT EXISTS (SELECT 1 FROM sync_partitions p WHERE p.run_id = sync_specialties.run_id
             AND p.place = sync_specialties.place AND p.state IN {OPEN})"
        ),
        params![now, &partition.run_id, partition.place],
    )
    .await?;
    Ok(())
}

/// Keeps records that were set aside; counts those new to the specialty, and those new to the run.
async fn set_aside(
    tx: &mut Tx,
    partition: &LeasedPartition,
    records: &[SetAsideRecord],
    now: Timestamp,
) -> Result<[u32; 2], Error> {
    let mut new = [0; 2];
    for r in records {
        let hash = blake3::hash(r.record.as_bytes()).as_bytes()[..16].to_vec();
        let known = tx
            .query(
                "SELECT place FROM set_asides WHERE run_id = $1 AND hash = $2",
                params![&partition.run_id, hash.clone()],
            )
            .await?;
        let places: Vec<i64> = known
            .iter()
            .map(|row| row.int(0))
            .collect::<Result<_, _>>()?;
        if places.contains(&i64::from(partition.place)) {
            continue;
        }
        new[0] += 1;
        new[1] += u32::from(places.is_empty());
        tx.execute(
            "INSERT INTO set_asides (run_id, place, hash, npi, reason, record, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            params![
                &partition.run_id,
                partition.place,
                hash,
                r.npi.clone(),
                &r.reason,
                &r.record,
                now
            ],
        )
        .await?;
    }
    Ok(new)
}

/// What a page adds to the counts of its specialty and of its run.
#[derive(Default)]
struct Tally {
    specialty: [u32; 3],
    run: [u32; 3],
    /// In the specialty, in the run.
    set_aside: [u32; 2],
    requests: u32,
    retries: u32,
}

impl Tally {
    /// Notes each provider once for the specialty and once for the run.
    async fn of(
        tx: &mut Tx,
        partition: &LeasedPartition,
        outcomes: &[(Npi, Outcome)],
    ) -> Result<Self, Error> {
        let mut here = BTreeSet::new();
        let mut anywhere = BTreeSet::new();
        for group in outcomes.chunks(256) {
            let mut values = params![&partition.run_id];
            values.extend(group.iter().map(|(npi, _)| Value::from(*npi)));
            let places: Vec<String> = (2..=values.len()).map(|i| format!("${i}")).collect();
            let sql = format!(
                "SELECT npi, place FROM sync_results WHERE run_id = $1 AND npi IN ({})",
                places.join(",")
            );
            for row in tx.query(crate::Sql::kept(sql), values).await? {
                let npi = row.npi(0)?;
                anywhere.insert(npi);
                if row.int(1)? == i64::from(partition.place) {
                    here.insert(npi);
                }
            }
        }
        let mut tally = Self::default();
        let mut rows = Vec::new();
        for (npi, outcome) in outcomes.iter().filter(|(npi, _)| !here.contains(npi)) {
            tally.specialty[*outcome as usize] += 1;
            if !anywhere.contains(npi) {
                tally.run[*outcome as usize] += 1;
            }
            rows.push(params![
                &partition.run_id,
                partition.place,
                *npi,
                outcome.as_str()
            ]);
        }
        tx.insert(
            "INSERT INTO sync_results (run_id, place, npi, outcome)",
            "",
            rows,
        )
        .await?;
        Ok(tally)
    }

    async fn add(&self, tx: &mut Tx, partition: &LeasedPartition) -> Result<(), Error> {
        let set = |[created, updated, unchanged]: [u32; 3], set_aside: u32| {
            params![
                created + updated + unchanged,
                created,
                updated,
                unchanged,
                set_aside,
                self.requests,
                self.retries,
            ]
        };
        let columns = "found = found + $1, created = created + $2, updated = updated + $3,
            unchanged = unchanged + $4, set_aside = set_aside + $5, requests = requests + $6,
            retries = retries + $7";
        let mut values = set(self.specialty, self.set_aside[0]);
        values.extend(params![&partition.run_id, partition.place]);
        let sql = format!("UPDATE sync_specialties SET {columns} WHERE run_id = $8 AND place = $9");
        tx.execute(crate::Sql::kept(sql), values).await?;
        let mut values = set(self.run, self.set_aside[1]);
        values.extend(params![&partition.run_id]);
        let sql = format!("UPDATE sync_runs SET {columns} WHERE id = $8");
        tx.execute(crate::Sql::kept(sql), values).await?;
        Ok(())
    }
}
