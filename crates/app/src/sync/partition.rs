//! Working on one partition: its pages, their records, its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use canvass_model::{Npi, Provider};
use canvass_nppes::{
    api::{
        Answer, Evidence, PAGE, Query, Reach, Refusal, Step, Walk, normalise, note_evidence,
        page_number, split,
    },
    geo::Places,
};
use canvass_store::{LeasedPartition, PartitionEnd, SetAsideRecord};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    asking::{Asked, Asker, Sent},
    new_partition,
    runner::Shared,
    writing::Writing,
};
use crate::Error;

/// Splits under one another at most.
const DEEPEST: u32 = 12;
/// How often a page that holds a record twice is asked for again.
const AGAIN: u32 = 2;
/// Pages that were asked for longer ago are asked for again, all of them: the registry's list moves,
/// and who came to it since is of interest too.
const LONGEST_WALK: SignedDuration = SignedDuration::from_hours(1);

/// Where a partition stands, as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint {
    walk: Walk,
    evidence: Evidence,
    /// Pages that kept holding records twice, so that others may be missing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    doubtful: BTreeSet<u32>,
    /// When its first page came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl Checkpoint {
    /// Reads where a partition stands. One that is too old, or that another version of canvass has
    /// written, begins anew.
    fn read(text: &str, now: Timestamp) -> Self {
        let mut at: Self = serde_json::from_str(text).unwrap_or_default();
        if at
            .since
            .is_none_or(|since| now.duration_since(since) > LONGEST_WALK)
        {
            return Self::default();
        }
        // What could not be believed before may be right this time.
        at.walk.reconsider(&std::mem::take(&mut at.doubtful));
        at
    }
}

/// What a task of a partition came back with; nothing when it was stopped.
enum Came {
    /// A page that was asked for.
    Page(u32, Option<Asked>),
    /// What was taken in is written; false when the run was stopped or the partition taken over.
    Written(bool),
}

/// What was taken in and is not written yet. One transaction writes it with the checkpoint, which
/// therefore never speaks of a page whose records are not there.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) providers: Vec<Provider>,
    pub(super) set_aside: Vec<SetAsideRecord>,
    pub(super) reach: Option<Reach>,
}

/// A page whose records were read.
struct Read {
    providers: Vec<Provider>,
    set_aside: Vec<SetAsideRecord>,
    /// Its records, those included that are passed over: each once, in the order in which they came.
    list: Vec<u64>,
    /// Whether there are fewer of them than a full page has, though it is as long as one.
    short_of_some: bool,
}

pub(super) struct Work<'a> {
    shared: &'a Arc<Shared>,
    /// With the checkpoint that was written last.
    leased: LeasedPartition,
    query: Query,
    at: Checkpoint,
    in_flight: BTreeSet<u32>,
    /// How often a page was asked for again.
    again: BTreeMap<u32, u32>,
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
        leased: &LeasedPartition,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let read =
            |text: &str| serde_json::from_str(text).map_err(|e| Error::Internal(e.to_string()));
        Ok(Self {
            shared,
            leased: leased.clone(),
            query: read(&leased.query)?,
            at: Checkpoint::read(&leased.checkpoint, shared.app.clock().now()),
            in_flight: BTreeSet::new(),
            again: BTreeMap::new(),
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
                Step::Split => return self.split().await,
                Step::Complete => {
                    let end = self
                        .doubt()
                        .map_or(PartitionEnd::Complete, PartitionEnd::Doubtful);
                    return self.finish(end).await;
                }
            }
            let Some(came) = self.tasks.join_next().await else {
                return Err(Error::Internal("a partition waits for no page".into()));
            };
            let came = came.map_err(|e| Error::Internal(e.to_string()))??;
            let (page, asked) = match came {
                Came::Page(page, Some(asked)) => (page, asked),
                Came::Written(true) => {
                    self.writing = false;
                    self.write()?;
                    continue;
                }
                Came::Page(_, None) | Came::Written(false) => return Ok(false),
            };
            self.in_flight.remove(&page);
            match asked {
                Ok(Answer::Page { records }) => self.take(page, &records)?,
                // A page that is refused where others are served lies past the reach of the query.
                Ok(Answer::Refused(_)) if page > 0 => {
                    self.at.walk.refuse(page);
                    let reach = self.learn();
                    self.note(Batch {
                        reach,
                        ..Batch::default()
                    })?;
                }
                Ok(Answer::Refused(refusals)) => {
                    let why = refused(&self.query, &refusals);
                    return self.finish(PartitionEnd::Failed(why)).await;
                }
                Err(fault) => {
                    let why = format!("page {} failed for good: {fault}", page_number(page));
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
        let ask_again = read.short_of_some && tries < AGAIN;
        if read.short_of_some && !ask_again {
            self.at.doubtful.insert(page);
        } else {
            self.at.doubtful.remove(&page);
        }
        let walk = &mut self.at.walk;
        let before = walk.asked_again();
        if ask_again {
            *self.again.entry(page).or_default() += 1;
            self.sent.add_retry();
        } else if read.short_of_some {
            walk.take_padded(page, &read.list);
        } else {
            walk.take(page, &read.list);
        }
        for _ in before..walk.asked_again() {
            self.sent.add_retry();
        }
        let now = self.shared.app.clock().now();
        self.at.since.get_or_insert(now);
        for provider in &read.providers {
            note_evidence(&mut self.at.evidence, &self.query, provider);
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
        self.note(Batch {
            providers: read.providers,
            set_aside: read.set_aside,
            reach: learned,
        })
    }

    fn read(&self, records: &[Value]) -> Read {
        let mut providers: BTreeMap<Npi, Provider> = BTreeMap::new();
        let mut set_aside = BTreeMap::new();
        let (mut list, mut known) = (Vec::new(), BTreeSet::new());
        for record in records {
            let key = match normalise(record) {
                Ok(normalised) => {
                    let provider = normalised.provider;
                    for warning in normalised.warnings {
                        tracing::debug!(npi = %provider.npi, warning, "part of a record was left out");
                    }
                    let key = provider.npi.as_i64().unsigned_abs();
                    providers.insert(provider.npi, provider);
                    key
                }
                Err(why) => {
                    let record = record.to_string();
                    let key = fingerprint(&record);
                    let aside = SetAsideRecord {
                        npi: why.npi,
                        reason: why.reason,
                        record: record.clone(),
                    };
                    set_aside.insert(record, aside);
                    key
                }
            };
            if known.insert(key) {
                list.push(key);
            }
        }
        let full = PAGE as usize;
        let wanted = |p: &Provider| {
            !self.leased.sift
                || p.taxonomies
                    .iter()
                    .any(|t| self.leased.codes.contains(&t.code))
        };
        Read {
            short_of_some: records.len() >= full && list.len() < full,
            list,
            providers: providers.into_values().filter(wanted).collect(),
            set_aside: set_aside.into_values().collect(),
        }
    }

    /// Tells the run what this partition found out of the registry's reach, when that is new.
    fn learn(&self) -> Option<Reach> {
        let learned = self.at.walk.reach();
        let is_new = self.shared.learn(&self.leased.run_id, learned);
        is_new.then_some(learned)
    }

    /// Why it is doubtful whether all pages together are the whole.
    fn doubt(&self) -> Option<String> {
        let words = |pages: Vec<u32>| -> String {
            let pages: Vec<String> = pages.iter().take(20).map(u32::to_string).collect();
            pages.join(", ")
        };
        let contradictions = self.at.walk.doubts();
        if !contradictions.is_empty() {
            return Some(format!(
                "page {} does not go on where the one before it ended, however often it is asked for, so others may be missing",
                words(contradictions)
            ));
        }
        let repeating = &self.at.doubtful;
        (!repeating.is_empty()).then(|| {
            let pages = repeating.iter().map(|skip| page_number(*skip)).collect();
            format!(
                "the registry keeps repeating records on page {}, so others may be missing",
                words(pages)
            )
        })
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
        let writing = Writing {
            shared: self.shared.clone(),
            leased: self.leased.clone(),
            checkpoint: checkpoint.clone(),
        };
        self.leased.checkpoint = checkpoint;
        let sent = self.sent.take();
        self.tasks
            .spawn(async move { writing.write(batch, sent).await.map(Came::Written) });
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
                Came::Page(..) => {}
            }
        }
        Ok(true)
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
                    still: parts
                        .left_out
                        .as_ref()
                        .map(|l| l.still.clone())
                        .unwrap_or_default(),
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
                .finish_partition(&self.leased, &self.shared.owner, &end, sent, now)
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

/// Stands for a record that has no NPI.
fn fingerprint(record: &str) -> u64 {
    let mut first = [0u8; 8];
    first.copy_from_slice(&blake3::hash(record.as_bytes()).as_bytes()[..8]);
    // No NPI is as large.
    u64::from_be_bytes(first) | 1 << 63
}

fn refused(query: &Query, refusals: &[Refusal]) -> String {
    let told: Vec<String> = refusals
        .iter()
        .map(|r| format!("{} (error {}, {})", r.description, r.number, r.field))
        .collect();
    format!("the registry refused {query}: {}", told.join("; "))
}
