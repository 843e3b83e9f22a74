//! What a partition brings: its pages, each written with its checkpoint, and its end.

use std::collections::BTreeSet;

use canvass_model::{Door, Npi, Provider};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LeasedPartition, NewPartition, OPEN, RunState, add_partitions, lock_run};
use crate::{
    Error, Outcome, Store,
    backend::{Durability, Tx},
    providers,
    value::{Value, json, params},
};

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
    /// The partition, with the checkpoint that was written last.
    pub partition: &'a LeasedPartition,
    /// Who holds it.
    pub owner: &'a str,
    /// Its providers.
    pub providers: &'a [Provider],
    /// Records set aside.
    pub set_aside: &'a [SetAsideRecord],
    /// Where the partition stands with this page.
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
    /// Every page was served, but they do not agree, so that something may be missing.
    Doubtful(String),
    /// It was split into these.
    Split {
        /// The parts.
        parts: Vec<NewPartition>,
        /// What they leave out, in words.
        left_out: Option<String>,
        /// Queries that would cover some of what is left out.
        rest: Vec<NewPartition>,
        /// What is left out even after those, in words.
        still: String,
    },
    /// It reached the registry's cap and can't be split further.
    Truncated(String),
    /// A page failed for good, or the registry refused the query.
    Failed(String),
}

/// What a split left out, as stored with its partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "AnyLeftOut")]
pub(super) struct StoredLeftOut {
    pub(super) what: String,
    /// Queries, each for the worker and for people.
    pub(super) rest: Vec<(String, String)>,
    /// What is left out once those were asked.
    pub(super) still: String,
}

/// The same, and as it was stored when what was still left out was not told.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyLeftOut {
    Now {
        what: String,
        rest: Vec<(String, String)>,
        still: String,
    },
    Before(String, Vec<(String, String)>),
}

impl From<AnyLeftOut> for StoredLeftOut {
    fn from(stored: AnyLeftOut) -> Self {
        match stored {
            AnyLeftOut::Now { what, rest, still } => Self { what, rest, still },
            AnyLeftOut::Before(what, rest) => Self {
                still: what.clone(),
                what,
                rest,
            },
        }
    }
}

impl Store {
    /// Writes what a page brought and moves the checkpoint, in one transaction.
    ///
    /// The checkpoint must be the one that the worker knows: after a machine slept, two workers of
    /// one process may hold the same partition, and the slower one must not move it back.
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
                 WHERE id = $5 AND lease_owner = $6 AND state = 'running' AND checkpoint = $7",
                params![
                    page.checkpoint,
                    page.requests,
                    page.retries,
                    page.lease_until,
                    &partition.id,
                    owner,
                    &partition.checkpoint
                ],
            )
            .await?;
        if held == 0 {
            return Err(Error::LeaseLost);
        }
        let written = providers::write(&mut tx, page.providers, &Door::API, now).await?;
        let mut tally = Tally::of(&mut tx, partition, &written.outcomes).await?;
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
        if !page.providers.is_empty() {
            self.settle_soon();
        }
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
            PartitionEnd::Doubtful(reason) => ("doubtful", Some(reason.clone()), None),
            PartitionEnd::Split {
                left_out,
                rest,
                still,
                ..
            } => {
                let query = |p: &NewPartition| (p.query.clone(), p.label.clone());
                let left_out = left_out.as_ref().map(|what| StoredLeftOut {
                    what: what.clone(),
                    rest: rest.iter().map(query).collect(),
                    still: still.clone(),
                });
                ("split", None, left_out.as_ref().map(json).transpose()?)
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
    // PostgreSQL keeps no NUL, and a record that is set aside must not be what a page fails for.
    let kept = |text: &str| text.replace('\0', "");
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
                r.npi.as_deref().map(kept),
                kept(&r.reason),
                kept(&r.record),
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
