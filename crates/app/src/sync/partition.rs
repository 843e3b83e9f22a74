//! Working on one partition: its pages, their records, its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use canvass_model::{JobState, Npi, Provider};
use canvass_nppes::{
    api::{
        Answer, Evidence, Meaning, PAGE, Query, REACH, Reach, Refusal, Step, Walk, normalise,
        note_evidence, split, wider,
    },
    geo::Places,
};
use canvass_store::{LeasedPartition, PageWrite, PartitionEnd, SetAsideRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    asking::{Asked, Asker, Sent},
    new_partition,
    runner::Shared,
};
use crate::Error;

/// Splits under one another at most.
const DEEPEST: u32 = 12;
/// How often a page that holds a record twice is asked for again.
const AGAIN: u32 = 2;

/// Where a partition stands, as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint {
    walk: Walk,
    evidence: Evidence,
    /// Pages that kept holding records twice, so that others may be missing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    doubtful: BTreeSet<u32>,
}

/// What a task of a partition came back with; nothing when it was stopped.
enum Came {
    /// A page that was asked for.
    Page(u32, Option<Asked>),
    /// Whether nothing past the documented reach is the end of the query.
    AtTheEnd(Option<bool>),
    /// What was taken in is written; false when the run was stopped or the partition taken over.
    Written(bool),
}

/// What was taken in and is not written yet. One transaction writes it with the checkpoint, which
/// therefore never speaks of a page whose records are not there.
#[derive(Default)]
struct Batch {
    providers: Vec<Provider>,
    set_aside: Vec<SetAsideRecord>,
    reach: Option<&'static str>,
}

/// How far it is known whether nothing past the documented reach is the end of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verification {
    NotAsked,
    Asked,
    NotTheEnd,
}

/// A page whose records were read.
struct Read {
    providers: Vec<Provider>,
    set_aside: Vec<SetAsideRecord>,
    /// Fingerprint of all its records, those included that are passed over.
    mark: u64,
    /// Records, repeated ones included.
    records: u32,
    /// Different records.
    distinct: u32,
}

pub(super) struct Work<'a> {
    shared: &'a Arc<Shared>,
    leased: &'a LeasedPartition,
    query: Query,
    at: Checkpoint,
    in_flight: BTreeSet<u32>,
    /// How often a page was asked for again.
    again: BTreeMap<u32, u32>,
    verification: Verification,
    unwritten: Option<Batch>,
    writing: bool,
    tasks: JoinSet<Result<Came, Error>>,
    stop: CancellationToken,
    /// Requests that were not written down yet.
    sent: Sent,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        leased: &'a LeasedPartition,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let read =
            |text: &str| serde_json::from_str(text).map_err(|e| Error::Internal(e.to_string()));
        let mut at = match leased.checkpoint.as_str() {
            "" => Checkpoint::default(),
            text => serde_json::from_str(text).map_err(|e| Error::Internal(e.to_string()))?,
        };
        // What could not be believed before may be right this time.
        at.walk.reconsider(&std::mem::take(&mut at.doubtful));
        Ok(Self {
            shared,
            leased,
            query: read(&leased.query)?,
            at,
            in_flight: BTreeSet::new(),
            again: BTreeMap::new(),
            verification: Verification::NotAsked,
            unwritten: None,
            writing: false,
            tasks: JoinSet::new(),
            stop,
            sent: Sent::default(),
        })
    }

    /// Works until the partition is at its end. False when it was stopped or taken over before.
    pub(super) async fn run(mut self) -> Result<bool, Error> {
        // A query for a whole state or the country is expected to hold much.
        let eager =
            self.leased.depth == 0 && self.query.city.is_none() && self.query.postal_code.is_none();
        loop {
            let reach = self.shared.reach(&self.leased.run_id);
            match self.at.walk.next(&self.in_flight, reach, eager) {
                Step::Fetch(pages) => self.send(pages),
                Step::Verify if self.verification == Verification::NotTheEnd => {
                    return self.split().await;
                }
                Step::Verify => self.verify(),
                Step::Split => return self.split().await,
                Step::Complete if self.at.walk.is_doubtful() => {
                    let why = "the registry's pages contradict each other";
                    return self.finish(PartitionEnd::Failed(why.into())).await;
                }
                Step::Complete if !self.at.doubtful.is_empty() => {
                    let pages: Vec<String> = self
                        .at
                        .doubtful
                        .iter()
                        .map(|p| (p + 1).to_string())
                        .collect();
                    let why = format!(
                        "the registry keeps repeating records on page {}, so others may be missing",
                        pages.join(", ")
                    );
                    return self.finish(PartitionEnd::Failed(why)).await;
                }
                Step::Complete => return self.finish(PartitionEnd::Complete).await,
            }
            let Some(came) = self.tasks.join_next().await else {
                return Err(Error::Internal("a partition waits for no page".into()));
            };
            let came = came.map_err(|e| Error::Internal(e.to_string()))??;
            let (page, asked) = match came {
                Came::Page(page, Some(asked)) => (page, asked),
                Came::AtTheEnd(Some(true)) => {
                    self.at.walk.verify();
                    self.note(Batch {
                        reach: Some("deep"),
                        ..Batch::default()
                    })?;
                    continue;
                }
                Came::Written(true) => {
                    self.writing = false;
                    self.write()?;
                    continue;
                }
                Came::AtTheEnd(Some(false)) => {
                    self.verification = Verification::NotTheEnd;
                    continue;
                }
                Came::Page(_, None) | Came::AtTheEnd(None) | Came::Written(false) => {
                    return Ok(false);
                }
            };
            self.in_flight.remove(&page);
            match asked {
                Ok(Answer::Page { records }) => self.take(page, &records)?,
                Ok(Answer::Refused(refusals)) => {
                    let why = refused(&self.query, &refusals);
                    return self.finish(PartitionEnd::Failed(why)).await;
                }
                Err(fault) => {
                    let why = format!("page {} failed for good: {fault}", page + 1);
                    return self.finish(PartitionEnd::Failed(why)).await;
                }
            }
        }
    }

    fn send(&mut self, pages: Vec<u32>) {
        for page in pages {
            self.in_flight.insert(page);
            let (asker, query, sent, stop): (Asker, _, _, _) = (
                self.shared.asker.clone(),
                self.query.clone(),
                self.sent.clone(),
                self.stop.clone(),
            );
            self.tasks.spawn(async move {
                let asked = asker.ask(&query, page, &sent, &stop).await?;
                Ok(Came::Page(page, asked))
            });
        }
    }

    /// Takes in a page: sends for what is wanted next, and begins to write its records.
    fn take(&mut self, page: u32, records: &[Value]) -> Result<(), Error> {
        let read = self.read(records);
        let tries = self.again.get(&page).copied().unwrap_or(0);
        let short_of_some = read.records == PAGE && read.distinct < read.records;
        let mut ask_again = short_of_some && tries < AGAIN;
        if short_of_some && !ask_again {
            self.at.doubtful.insert(page);
        } else {
            self.at.doubtful.remove(&page);
        }
        if ask_again {
            *self.again.entry(page).or_default() += 1;
        } else {
            let meaning = self.at.walk.take(page, read.records, read.mark);
            ask_again = meaning == Meaning::Suspect;
        }
        for provider in &read.providers {
            note_evidence(&mut self.at.evidence, &self.query, provider);
        }
        if ask_again {
            self.sent.add_retry();
        }
        let learned = self.learn();
        // The next pages go out before this one is written, so that the registry is never waited
        // for without need.
        if let Step::Fetch(pages) = self.at.walk.next(
            &self.in_flight,
            self.shared.reach(&self.leased.run_id),
            false,
        ) {
            self.send(pages);
        }
        if self.at.walk.ends_at_the_reach() && self.shared.reach(&self.leased.run_id) != Reach::Deep
        {
            self.verify();
        }
        self.note(Batch {
            providers: read.providers,
            set_aside: read.set_aside,
            reach: learned,
        })
    }

    fn read(&self, records: &[Value]) -> Read {
        let mut providers: BTreeMap<Npi, Provider> = BTreeMap::new();
        let mut set_aside = BTreeMap::new();
        for record in records {
            match normalise(record) {
                Ok(normalised) => {
                    let provider = normalised.provider;
                    for warning in normalised.warnings {
                        tracing::debug!(npi = %provider.npi, warning, "part of a record was left out");
                    }
                    providers.insert(provider.npi, provider);
                }
                Err(why) => {
                    let record = record.to_string();
                    let aside = SetAsideRecord {
                        npi: why.npi,
                        reason: why.reason,
                        record: record.clone(),
                    };
                    set_aside.insert(record, aside);
                }
            }
        }
        let distinct = providers.len() + set_aside.len();
        let mark = mark(providers.keys(), set_aside.keys());
        let wanted = |p: &Provider| {
            !self.leased.sift
                || p.taxonomies
                    .iter()
                    .any(|t| self.leased.codes.contains(&t.code))
        };
        Read {
            mark,
            records: u32::try_from(records.len()).unwrap_or(u32::MAX),
            distinct: u32::try_from(distinct).unwrap_or(u32::MAX),
            providers: providers.into_values().filter(wanted).collect(),
            set_aside: set_aside.into_values().collect(),
        }
    }

    /// Tells the run what this partition found out of the registry's reach, when that is new.
    fn learn(&self) -> Option<&'static str> {
        let learned = self.at.walk.reach();
        let name = match learned {
            Reach::Deep => "deep",
            Reach::Capped => "capped",
            Reach::Unknown => return None,
        };
        self.shared
            .learn(&self.leased.run_id, learned)
            .then_some(name)
    }

    /// Adds to what is to be written.
    fn note(&mut self, batch: Batch) -> Result<(), Error> {
        let unwritten = self.unwritten.get_or_insert_default();
        unwritten.providers.extend(batch.providers);
        unwritten.set_aside.extend(batch.set_aside);
        unwritten.reach = batch.reach.or(unwritten.reach);
        self.write()
    }

    /// Begins to write what is not written yet, unless a write is under way: then its end does.
    fn write(&mut self) -> Result<(), Error> {
        if self.writing {
            return Ok(());
        }
        let Some(batch) = self.unwritten.take() else {
            return Ok(());
        };
        let checkpoint =
            serde_json::to_string(&self.at).map_err(|e| Error::Internal(e.to_string()))?;
        self.writing = true;
        let written = write(
            self.shared.clone(),
            self.leased.clone(),
            batch,
            checkpoint,
            self.sent.take(),
        );
        self.tasks
            .spawn(async move { written.await.map(Came::Written) });
        Ok(())
    }

    /// Waits until everything is written. False when the run was stopped or the partition was
    /// taken over.
    async fn settle(&mut self) -> Result<bool, Error> {
        while self.writing {
            let Some(came) = self.tasks.join_next().await else {
                return Err(Error::Internal("a write has no end".into()));
            };
            match came.map_err(|e| Error::Internal(e.to_string()))?? {
                Came::Written(true) => {
                    self.writing = false;
                    self.write()?;
                }
                Came::Written(false) => return Ok(false),
                // The partition is at its end: what else comes is no longer wanted.
                Came::Page(..) | Came::AtTheEnd(_) => {}
            }
        }
        Ok(true)
    }

    /// Begins to find out whether nothing past the documented reach is the end of this query: by
    /// asking for the same place of a wider query, whose records are served there or not.
    fn verify(&mut self) {
        if self.verification != Verification::NotAsked {
            return;
        }
        self.verification = Verification::Asked;
        let shared = self.shared.clone();
        let (run, wider) = (self.leased.run_id.clone(), wider(&self.query));
        let (sent, stop) = (self.sent.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            // What one query finds out holds for the others, so they take turns.
            let _turn = shared.verifying.lock().await;
            if shared.reach(&run) == Reach::Deep {
                return Ok(Came::AtTheEnd(Some(true)));
            }
            let Some(query) = wider else {
                return Ok(Came::AtTheEnd(Some(false)));
            };
            let asked = shared.asker.ask(&query, REACH, &sent, &stop).await?;
            let served = asked
                .map(|asked| matches!(&asked, Ok(Answer::Page { records }) if !records.is_empty()));
            if served == Some(true) {
                shared.learn(&run, Reach::Deep);
            }
            Ok(Came::AtTheEnd(served))
        });
    }

    async fn split(self) -> Result<bool, Error> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        let deeper = (self.leased.depth < DEEPEST)
            .then(|| split(&self.query, &self.at.evidence, Places::bundled()))
            .flatten();
        let end = match deeper {
            Some(parts) => {
                let new = |q: &Query| new_partition(self.leased.place, self.leased.depth + 1, q);
                let rest = parts.left_out.iter().flat_map(|l| &l.rest);
                PartitionEnd::Split {
                    parts: parts.parts.iter().map(new).collect::<Result<_, _>>()?,
                    rest: rest.map(new).collect::<Result<_, _>>()?,
                    left_out: parts.left_out.map(|l| l.what),
                }
            }
            None => PartitionEnd::Truncated(
                "the registry holds more than it serves for this query, which can't be split further".into(),
            ),
        };
        self.finish(end).await
    }

    async fn finish(mut self, end: PartitionEnd) -> Result<bool, Error> {
        if !self.settle().await? {
            return Ok(false);
        }
        // What is still under way is not waited for, but counted.
        self.tasks.shutdown().await;
        let sent = self.sent.take();
        let store = self.shared.app.store();
        loop {
            let now = self.shared.app.clock().now();
            match store
                .finish_partition(self.leased, &self.shared.owner, &end, sent, now)
                .await
            {
                Ok(()) => return Ok(true),
                Err(canvass_store::Error::LeaseLost) => return Ok(false),
                Err(canvass_store::Error::Conflict) => tokio::task::yield_now().await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Writes what was taken in with its checkpoint. False when the run was stopped or the partition
/// was taken over.
async fn write(
    shared: Arc<Shared>,
    leased: LeasedPartition,
    batch: Batch,
    checkpoint: String,
    (requests, retries): (u32, u32),
) -> Result<bool, Error> {
    let page = PageWrite {
        partition: &leased,
        owner: &shared.owner,
        providers: &batch.providers,
        set_aside: &batch.set_aside,
        checkpoint: &checkpoint,
        reach: batch.reach,
        requests,
        retries,
        lease_until: shared.lease_until(),
    };
    loop {
        let now = shared.app.clock().now();
        match shared.app.store().write_page(&page, now).await {
            Ok(state) => return Ok(state == JobState::Running),
            Err(canvass_store::Error::LeaseLost) => return Ok(false),
            Err(canvass_store::Error::Conflict) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// A fingerprint of the records of a page, whatever their order.
fn mark<'a>(
    npis: impl Iterator<Item = &'a Npi>,
    set_aside: impl Iterator<Item = &'a String>,
) -> u64 {
    let mut hash = blake3::Hasher::new();
    for npi in npis {
        hash.update(&npi.as_i64().to_be_bytes());
    }
    for record in set_aside {
        hash.update(record.as_bytes());
    }
    let mut first = [0u8; 8];
    first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
    u64::from_be_bytes(first)
}

fn refused(query: &Query, refusals: &[Refusal]) -> String {
    let told: Vec<String> = refusals
        .iter()
        .map(|r| format!("{} (error {}, {})", r.description, r.number, r.field))
        .collect();
    format!("the registry refused {query}: {}", told.join("; "))
}
