//! Leasing partitions and working on several at a time; ending runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canvass_model::{ProviderFilter, Receipt, StatusFilter};
use canvass_nppes::api::Reach;
use canvass_store::{Idempotency, LeasedPartition, NewPartition, PartitionEnd, SaveAll};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{asking::Asker, owner, partition::Work, writing::reach_of};
use crate::{App, Error};

/// Partitions under way in one process. More than requests in flight, so that writing one page
/// never leaves the registry waiting.
const WORKERS: usize = 4;
/// For how long a partition is held without a sign of life, which is given four times as often.
const LEASE: Duration = Duration::from_secs(8);
/// Work on a partition that breaks off so often in a row has failed.
const MAX_BREAKS: u32 = 5;
/// Providers written after which the search index is brought in good shape before the run ends.
const MANY: u64 = 10_000;
/// How often an idle runner looks for work that another process has left or enqueued.
const LOOK: Duration = Duration::from_millis(400);

/// Works on syncs: on all of a database, or on one.
pub struct Runner {
    shared: Arc<Shared>,
    only: Option<String>,
}

/// What the partitions of one process share.
pub(super) struct Shared {
    pub(super) app: App,
    pub(super) asker: Asker,
    pub(super) owner: Arc<str>,
    lease: Duration,
    /// How often work on each partition broke off, one time after the other.
    broken: Mutex<HashMap<String, u32>>,
    /// What each run knows of the registry's reach.
    reach: Mutex<HashMap<String, Reach>>,
    /// A compaction of the search index that a run has asked for.
    compacting: Mutex<JoinSet<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn reach(&self, run: &str) -> Reach {
        let known = self.reach.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(run).copied().unwrap_or_default()
    }

    /// Notes what was found out. True when that is new. That pages past the reach repeat was seen
    /// on a query that holds more, so it is not forgotten for a query that ends there.
    pub(super) fn learn(&self, run: &str, learned: Reach) -> bool {
        let mut known = self.reach.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.entry(run.to_owned()).or_default();
        let is_capped = matches!(*before, Reach::Capped { .. });
        let new = learned != Reach::Unknown && !is_capped && *before != learned;
        if new {
            *before = learned;
        }
        new
    }

    /// Counts how often work on a partition broke off, and gives the number. A database that can't be
    /// reached is waited for.
    fn note_break(&self, partition: &str, error: &Error) -> u32 {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let breaks = broken.entry(partition.to_owned()).or_default();
        if !matches!(error, Error::Store(error) if error.is_out_of_reach()) {
            *breaks += 1;
        }
        *breaks
    }

    fn forget_breaks(&self, partition: &str) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.remove(partition);
    }

    /// Ends a partition that this runner holds, or gives it back.
    async fn let_go(
        &self,
        leased: &LeasedPartition,
        end: Option<&PartitionEnd>,
    ) -> Result<(), Error> {
        let store = self.app.store();
        let Some(end) = end else {
            return Ok(store.release_partition(&leased.id, &self.owner).await?);
        };
        let now = self.app.clock().now();
        match store
            .finish_partition(leased, &self.owner, end, (0, 0), now)
            .await
        {
            Err(canvass_store::Error::LeaseLost) => Ok(()),
            ended => Ok(ended?),
        }
    }

    pub(super) fn lease_until(&self) -> Timestamp {
        let lease = SignedDuration::try_from(self.lease).unwrap_or(SignedDuration::MAX);
        let now = self.app.clock().now();
        now.checked_add(lease).unwrap_or(Timestamp::MAX)
    }
}

impl Runner {
    /// A runner of all syncs on the database, or of one.
    ///
    /// # Errors
    /// When the registry's address is none.
    pub fn new(app: &App, only: Option<String>) -> Result<Self, Error> {
        let owner: Arc<str> = owner::new_owner().into();
        let shared = Shared {
            app: app.clone(),
            asker: Asker::new(app, owner.clone())?,
            owner,
            lease: LEASE,
            broken: Mutex::default(),
            reach: Mutex::default(),
            compacting: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            only,
        })
    }

    /// The same, whose work another takes over this long after its last sign of life.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        // Nobody shares it before the runner runs.
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.lease = lease;
        }
        self
    }

    /// Works until `stop`, or until its one sync is over. What the database fails in is logged and
    /// tried again.
    ///
    /// # Errors
    /// When the database fails as this runner gives back what it holds.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        // The heart stops with the runner, in whatever way that ends: a lease that nobody works
        // under must not be renewed.
        let mut heart = JoinSet::new();
        heart.spawn(heartbeat(self.shared.clone()));
        self.work(&stop).await;
        heart.shutdown().await;
        // The process may end now, and whoever searches next would have to describe it all first. A
        // compaction that is broken off leaves the index as it was.
        let mut compacting = std::mem::take(&mut *lock(&self.shared.compacting));
        if !stop.is_cancelled() {
            while compacting.join_next().await.is_some() {}
        }
        self.shared
            .app
            .store()
            .release_owner(&self.shared.owner, self.shared.app.clock().now())
            .await?;
        Ok(())
    }

    async fn work(&self, stop: &CancellationToken) {
        let app = &self.shared.app;
        let mut active: JoinSet<()> = JoinSet::new();
        let mut looked: Option<tokio::time::Instant> = None;
        let mut ended = true;
        loop {
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                if let Err(error) = self.take_over_from_the_gone().await {
                    failed(&error, "nothing could be taken over");
                }
                looked = Some(tokio::time::Instant::now());
                ended = true;
            }
            let woken = app.wake().notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            while active.len() < WORKERS && !stop.is_cancelled() {
                match self.lease().await {
                    Ok(Some(leased)) => {
                        active.spawn(work_on(self.shared.clone(), leased, stop.child_token()));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        failed(&error, "no work could be taken");
                        break;
                    }
                }
            }
            if stop.is_cancelled() {
                while active.join_next().await.is_some() {}
                return;
            }
            // Whatever else is under way: a run that has nothing left ends now.
            if std::mem::take(&mut ended) {
                match self.end_runs().await {
                    Ok(added) if added => continue,
                    Ok(_) => {}
                    Err(error) => failed(&error, "a sync could not be ended"),
                }
            }
            if active.is_empty()
                && let Some(run) = &self.only
            {
                match app.sync_run(run).await {
                    Ok(run) if run.as_ref().is_none_or(|r| r.state.is_over()) => return,
                    Ok(_) => {}
                    Err(error) => failed(&error, "how far the sync is could not be read"),
                }
            }
            tokio::select! {
                Some(_) = active.join_next() => ended = true,
                () = &mut woken => {}
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn lease(&self) -> Result<Option<LeasedPartition>, Error> {
        let (shared, now) = (&self.shared, self.shared.app.clock().now());
        let leased = shared
            .app
            .store()
            .lease_partition(
                &shared.owner,
                self.only.as_deref(),
                shared.lease_until(),
                now,
            )
            .await?;
        if let Some(leased) = &leased {
            shared.learn(&leased.run_id, reach_of(&leased.reach));
        }
        Ok(leased)
    }

    /// Gives back what processes of this machine held that are no more, without waiting for their
    /// leases to end.
    async fn take_over_from_the_gone(&self) -> Result<(), Error> {
        let app = &self.shared.app;
        for owner in app.store().lease_owners().await? {
            if owner::is_gone(&owner) {
                tracing::info!(owner, "taking over from a process that is gone");
                app.store().release_owner(&owner, app.clock().now()).await?;
            }
        }
        Ok(())
    }

    /// Ends the runs that have nothing left to work on: covers what their splits left out where
    /// that costs little, saves leads where that was asked for. True when that is more work.
    async fn end_runs(&self) -> Result<bool, Error> {
        let app = &self.shared.app;
        let mut added = false;
        for (run, request, user) in app.store().syncs_to_finish().await? {
            if self.only.as_ref().is_some_and(|only| *only != run) {
                continue;
            }
            if self.cover_left_out(&run).await? {
                added = true;
                continue;
            }
            let receipt = if request.save_leads {
                self.save_leads(&run, user.as_deref()).await?
            } else {
                None
            };
            let now = app.clock().now();
            app.store().finish_sync(&run, receipt.as_ref(), now).await?;
            let written = app.store().sync_run(&run, now).await?;
            if written.is_some_and(|r| r.counts.created + r.counts.updated >= MANY) {
                self.compact();
            }
        }
        Ok(added)
    }

    /// Brings the search index in good shape while other work goes on.
    fn compact(&self) {
        let store = self.shared.app.store().clone();
        let mut compacting = lock(&self.shared.compacting);
        while compacting.try_join_next().is_some() {}
        if compacting.is_empty() {
            compacting.spawn(async move {
                if let Err(error) = store.settle().await {
                    failed(&error.into(), "the search index could not be compacted");
                }
            });
        }
    }

    /// Saves what a run found as leads, and gives the receipt of the whole run: one that was
    /// resumed after its end has saved leads before.
    async fn save_leads(&self, run: &str, user: Option<&str>) -> Result<Option<Receipt>, Error> {
        let app = &self.shared.app;
        let now = app.clock().now();
        let Some(so_far) = app.store().sync_run(run, now).await? else {
            return Ok(None);
        };
        let filter = ProviderFilter {
            sync: Some(run.to_owned()),
            status: StatusFilter::Active,
            ..ProviderFilter::default()
        };
        // Once for what it has found now; what more it finds when it is resumed is saved as well.
        let key = format!("{run}/{}", so_far.counts.found);
        let once = Idempotency {
            user: "sync".into(),
            request: key.clone().into_bytes(),
            key,
        };
        let mut receipt = app
            .store()
            .save_all(&SaveAll::Filter(filter), user, now, Some(&once))
            .await?;
        let before = so_far.leads.map_or(0, |leads| leads.created);
        let own = before.min(receipt.existing);
        receipt.created += own;
        receipt.existing -= own;
        Ok(Some(receipt))
    }

    /// Asks for what splits left out, where all requests of the run together stay under three times
    /// those that full pages would take. True when there is more to do now.
    async fn cover_left_out(&self, run: &str) -> Result<bool, Error> {
        let (store, now) = (self.shared.app.store(), self.shared.app.clock().now());
        let mut added = false;
        let open = store.open_left_outs(run).await?;
        let Some(so_far) = store.sync_run(run, now).await?.filter(|_| !open.is_empty()) else {
            return Ok(false);
        };
        let pages = so_far
            .counts
            .found
            .div_ceil(u64::from(canvass_nppes::api::PAGE));
        let mut requests = so_far.counts.requests;
        for open in open {
            let with = requests + open.rest.len() as u64;
            if with * 10 > pages * 28 {
                continue;
            }
            requests = with;
            let parts: Vec<NewPartition> = open
                .rest
                .into_iter()
                .map(|(query, label)| NewPartition {
                    place: open.place,
                    depth: open.depth + 1,
                    query,
                    label,
                })
                .collect();
            store
                .add_left_out(run, &open.partition, &parts, now)
                .await?;
            added = true;
        }
        Ok(added)
    }
}

async fn heartbeat(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(shared.lease / 4).await;
        let renewed = shared
            .app
            .store()
            .renew_leases(&shared.owner, shared.lease_until())
            .await;
        if let Err(error) = renewed {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "leases could not be renewed"
            );
        }
    }
}

async fn work_on(shared: Arc<Shared>, leased: LeasedPartition, stop: CancellationToken) {
    let worked = match Work::new(&shared, &leased, stop.clone()) {
        Ok(work) => work.run().await,
        Err(error) => Err(error),
    };
    let error = match worked {
        Ok(true) => {
            shared.forget_breaks(&leased.id);
            return;
        }
        Ok(false) => None,
        Err(error) => Some(error),
    };
    let mut end = None;
    if let Some(error) = &error {
        tracing::error!(
            error = error as &dyn std::error::Error,
            query = leased.label,
            "work on a query broke off"
        );
        let breaks = shared.note_break(&leased.id, error);
        if breaks < MAX_BREAKS {
            let settings = &shared.app.settings().registry;
            let pause = settings
                .backoff
                .saturating_mul(1 << breaks)
                .min(settings.backoff_most);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        } else {
            shared.forget_breaks(&leased.id);
            let why = format!("what it found can't be stored: {error}");
            end = Some(PartitionEnd::Failed(why));
        }
    }
    // What was not brought to its end is given back, so that somebody goes on with it: this runner
    // renews the leases of all that it holds, and would hold it for good.
    while let Err(error) = shared.let_go(&leased, end.as_ref()).await {
        failed(&error, "a query could not be given back");
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            // Stopping gives back all that is held.
            () = stop.cancelled() => return,
        }
    }
}

fn failed(error: &Error, what: &str) {
    tracing::error!(error = error as &dyn std::error::Error, "{what}");
}
