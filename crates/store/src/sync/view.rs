//! What is read of syncs: a run with its specialties and its coverage, the history.

use canvass_model::{
    Counts, Coverage, JobState, LeftOut, Shortfall, SpecialtyProgress, SpecialtyState, SyncRequest,
    SyncRun,
};
use jiff::Timestamp;

use super::{SetAsideRecord, page::StoredLeftOut};
use crate::{
    Error, Store,
    value::{Row, params},
};

/// Lines of each list of a coverage report at most.
const LINES: u32 = 500;

/// A part of a run's coverage that was left out although further queries would cover it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLeftOut {
    /// The partition that was split.
    pub partition: String,
    /// Place of its specialty.
    pub place: u32,
    /// How many splits led to it.
    pub depth: u32,
    /// The further queries, each for the worker and for people.
    pub rest: Vec<(String, String)>,
}

/// Why a specialty is not complete of which nothing failed.
const LEFT_OUT: &str = "the registry serves only a part of what it holds, and no further query asks for all that is left; the coverage says for what";

const RUN: &str =
    "id, state, request, created_at, started_at, finished_at, found, created, updated,
    unchanged, set_aside, requests, retries, receipt";

impl Store {
    /// One run, whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sync_run(&self, id: &str, now: Timestamp) -> Result<Option<SyncRun>, Error> {
        let sql = format!("SELECT {RUN} FROM sync_runs WHERE id = $1");
        match self.first(crate::Sql::kept(sql), params![id]).await? {
            Some(row) => Ok(Some(self.read_run(&row, now).await?)),
            None => Ok(None),
        }
    }

    /// The latest runs, newest first; those under way when `open` says so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sync_runs(
        &self,
        open: bool,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<SyncRun>, Error> {
        let only = if open {
            "WHERE state IN ('queued', 'running')"
        } else {
            ""
        };
        let sql = format!(
            "SELECT {RUN} FROM sync_runs {only} ORDER BY created_at DESC, id DESC LIMIT $1"
        );
        let mut runs = Vec::new();
        for row in self.query(crate::Sql::kept(sql), params![limit]).await? {
            runs.push(self.read_run(&row, now).await?);
        }
        Ok(runs)
    }

    /// The unfinished run of this very request, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_sync(&self, request: &SyncRequest) -> Result<Option<String>, Error> {
        let row = self
            .first(
                "SELECT id FROM sync_runs WHERE request = $1 AND state IN ('queued', 'running')
                 ORDER BY created_at DESC LIMIT 1",
                params![crate::value::json(request)?],
            )
            .await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// How many providers the last complete run of this very request found.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_found(&self, request: &SyncRequest) -> Result<Option<u64>, Error> {
        let row = self
            .first(
                "SELECT found FROM sync_runs WHERE request = $1 AND state = 'finished'
                 ORDER BY created_at DESC LIMIT 1",
                params![crate::value::json(request)?],
            )
            .await?;
        row.map(|row| row.count(0)).transpose()
    }

    /// What the splits of a run leave out although further queries would cover it; what leaves
    /// out most comes first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_left_outs(&self, run: &str) -> Result<Vec<OpenLeftOut>, Error> {
        let rows = self
            .query(
                "SELECT id, place, depth, left_out FROM sync_partitions
                 WHERE run_id = $1 AND left_out IS NOT NULL ORDER BY depth, place, id",
                params![run],
            )
            .await?;
        let place = |row: &Row, i| row.int(i).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let mut all = Vec::new();
        for row in &rows {
            let left_out: StoredLeftOut = row.json(3)?;
            if !left_out.rest.is_empty() {
                all.push(OpenLeftOut {
                    partition: row.text(0)?,
                    place: place(row, 1)?,
                    depth: place(row, 2)?,
                    rest: left_out.rest,
                });
            }
        }
        Ok(all)
    }

    /// Records that a run set aside, each once however many specialties it came with.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_asides(&self, run: &str, limit: u32) -> Result<Vec<SetAsideRecord>, Error> {
        let rows = self
            .query(
                "SELECT npi, reason, record FROM set_asides s WHERE run_id = $1
                 AND place = (SELECT MIN(o.place) FROM set_asides o WHERE o.run_id = s.run_id AND o.hash = s.hash)
                 ORDER BY at, hash LIMIT $2",
                params![run, limit],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(SetAsideRecord {
                    npi: row.text_opt(0)?,
                    reason: row.text(1)?,
                    record: row.text(2)?,
                })
            })
            .collect()
    }

    async fn read_run(&self, row: &Row, now: Timestamp) -> Result<SyncRun, Error> {
        let id = row.text(0)?;
        let state = row.word(1, JobState::parse)?;
        let coverage = self.coverage(&id).await?;
        let specialties = self.specialties(&id, state, now).await?;
        let (started_at, finished_at) = (row.time_opt(4)?, row.time_opt(5)?);
        let known = specialties
            .iter()
            .filter(|s| s.state != SpecialtyState::Unknown);
        let complete = state == JobState::Finished
            && known.clone().count() > 0
            && known.clone().all(|s| s.complete);
        Ok(SyncRun {
            id,
            request: row.json(2)?,
            state,
            counts: read_counts(row, 6)?,
            complete,
            seconds: seconds(started_at, finished_at, now),
            seconds_left: None,
            note: None,
            specialties,
            coverage,
            leads: match row.text_opt(13)? {
                Some(_) => Some(row.json(13)?),
                None => None,
            },
            created_at: row.time(3)?,
            started_at,
            finished_at,
        })
    }

    async fn specialties(
        &self,
        run: &str,
        state: JobState,
        now: Timestamp,
    ) -> Result<Vec<SpecialtyProgress>, Error> {
        let rows = self
            .query(
                "SELECT s.name, s.texts, s.known, s.nearest, s.started_at, s.finished_at, s.found, s.created,
                 s.updated, s.unchanged, s.set_aside, s.requests, s.retries,
                 (SELECT COUNT(*) FROM sync_partitions p WHERE p.run_id = s.run_id AND p.place = s.place
                  AND (p.state IN ('truncated', 'failed', 'doubtful') OR p.left_out IS NOT NULL)),
                 (SELECT MIN(p.reason) FROM sync_partitions p WHERE p.run_id = s.run_id AND p.place = s.place
                  AND p.state IN ('truncated', 'failed', 'doubtful'))
                 FROM sync_specialties s WHERE s.run_id = $1 ORDER BY s.place",
                params![run],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let (started, finished) = (row.time_opt(4)?, row.time_opt(5)?);
                let nearest: Vec<String> = row.json(3)?;
                let short = row.count(13)?;
                let state = match (row.bool(2)?, started, finished) {
                    (false, _, _) => SpecialtyState::Unknown,
                    (_, _, Some(_)) if short > 0 => SpecialtyState::Incomplete,
                    (_, _, Some(_)) => SpecialtyState::Complete,
                    _ if state.is_over() => SpecialtyState::Cancelled,
                    (_, None, _) => SpecialtyState::Pending,
                    _ => SpecialtyState::Running,
                };
                let reason = match state {
                    SpecialtyState::Unknown => Some(format!(
                        "not a specialty of the registry; the nearest are {}",
                        nearest.join(", ")
                    )),
                    _ => row
                        .text_opt(14)?
                        .or_else(|| (state == SpecialtyState::Incomplete).then(|| LEFT_OUT.into())),
                };
                Ok(SpecialtyProgress {
                    name: row.text(0)?,
                    texts: row.json(1)?,
                    state,
                    counts: read_counts(row, 6)?,
                    complete: state == SpecialtyState::Complete,
                    reason,
                    nearest,
                    seconds: seconds(started, finished, now),
                })
            })
            .collect()
    }

    async fn coverage(&self, run: &str) -> Result<Coverage, Error> {
        let mut coverage = Coverage::default();
        let counts = self
            .query(
                "SELECT state, COUNT(*) FROM sync_partitions WHERE run_id = $1 GROUP BY state",
                params![run],
            )
            .await?;
        for row in &counts {
            let n = row.count(1)?;
            coverage.partitions += n;
            match row.text(0)?.as_str() {
                "complete" => coverage.complete = n,
                "split" => coverage.split = n,
                _ => {}
            }
        }
        if coverage.partitions == coverage.complete {
            return Ok(coverage);
        }
        let short = self
            .query(
                "SELECT state, label, reason, left_out FROM sync_partitions
                 WHERE run_id = $1 AND (state IN ('truncated', 'failed', 'doubtful') OR left_out IS NOT NULL)
                 ORDER BY CASE WHEN left_out IS NULL THEN 0 ELSE 1 END, place, label LIMIT $2",
                params![run, LINES],
            )
            .await?;
        for row in &short {
            let query = row.text(1)?;
            let reason = row.text_opt(2)?.unwrap_or_default();
            match row.text(0)?.as_str() {
                "truncated" => coverage.truncated.push(Shortfall { query, reason }),
                "failed" => coverage.failed.push(Shortfall { query, reason }),
                "doubtful" => coverage.doubtful.push(Shortfall { query, reason }),
                _ => {
                    let StoredLeftOut { what, .. } = row.json(3)?;
                    coverage.left_out.push(LeftOut { query, what });
                }
            }
        }
        Ok(coverage)
    }
}

fn read_counts(row: &Row, i: usize) -> Result<Counts, Error> {
    Ok(Counts {
        found: row.count(i)?,
        created: row.count(i + 1)?,
        updated: row.count(i + 2)?,
        unchanged: row.count(i + 3)?,
        set_aside: row.count(i + 4)?,
        requests: row.count(i + 5)?,
        retries: row.count(i + 6)?,
    })
}

fn seconds(started: Option<Timestamp>, finished: Option<Timestamp>, now: Timestamp) -> f64 {
    let Some(started) = started else { return 0.0 };
    let millis = finished.unwrap_or(now).duration_since(started).as_millis();
    #[expect(clippy::cast_precision_loss, reason = "no run takes 2^52 milliseconds")]
    let seconds = millis.max(0) as f64 / 1_000.0;
    seconds
}
