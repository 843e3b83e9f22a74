//! Loads of dissemination files into the database.
//!
//! `report` is what is told of a load, `unused` what of rows and values that it could not use, `read` turns files into providers on several threads, `load`
//! brings these into the database: a full file by building all providers anew, others as one
//! change. `start` runs loads in the background for the pages and the API, of files that `source`
//! gets from where they may come from; `view` is what these show of a load.

mod full;
mod load;
mod read;
mod report;
mod source;
mod start;
mod unused;
mod view;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use canvass_nppes::files::{Catalog, Extent, FileKind};
use canvass_store::{ImportState, ImportTurn, NewImport};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{App, Error, ExportStream, export::protected};

pub use report::{FileReport, ImportPhase, ImportProgress, ImportSummary};
pub use source::{ImportFile, ImportSource};
pub(crate) use start::Background;
pub use start::NewUpload;
pub use unused::{ValueLeftOut, ValuesLeftOut};
pub use view::{ImportOutlook, ImportView};

/// How often it is looked whether another load has ended.
const TURN: Duration = Duration::from_secs(1);

/// How files are loaded.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Only tell what would be.
    pub dry_run: bool,
    /// Also files that are older than what is known.
    pub force: bool,
    /// Who asks: a user's identifier.
    pub by: Option<String>,
}

/// A load of one set of files that goes on.
struct Load<'a> {
    app: &'a App,
    catalog: Catalog,
    options: &'a ImportOptions,
    progress: &'a watch::Sender<ImportProgress>,
    stop: CancellationToken,
    summary: ImportSummary,
    /// Rows of main files that could not be read.
    unread: u64,
    /// Identifier of the load where it was announced: then it waits for its turn, and somebody else
    /// shows signs of life of it.
    announced: Option<String>,
}

/// Runs what waits for files on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::Internal(e.to_string()))
}

impl App {
    /// Loads files: what each is, its content tells. Full ones come first, then weeks by their
    /// days, then reports of deactivations. Each set is in the database as a whole or not at all;
    /// one that is there already is passed over.
    ///
    /// # Errors
    /// When a file can't be read or is older than what is known, another load goes on, the
    /// database fails, or `stop` is cancelled. Sets that were loaded before that stay.
    pub async fn import_files(
        &self,
        paths: Vec<PathBuf>,
        options: &ImportOptions,
        progress: &watch::Sender<ImportProgress>,
        stop: &CancellationToken,
    ) -> Result<Vec<ImportSummary>, Error> {
        self.load_files(paths, options, progress, stop, None).await
    }

    /// Loads files; the first set of them is the load that was announced, if one was.
    async fn load_files(
        &self,
        paths: Vec<PathBuf>,
        options: &ImportOptions,
        progress: &watch::Sender<ImportProgress>,
        stop: &CancellationToken,
        mut announced: Option<String>,
    ) -> Result<Vec<ImportSummary>, Error> {
        let sets = blocking(move || Catalog::open_all(&paths)).await??;
        let mut summaries = Vec::with_capacity(sets.len());
        for catalog in sets {
            let mut summary = ImportSummary::of(&catalog, options.dry_run);
            summary.source.clone_from(&progress.borrow().source);
            progress.send_modify(|p| p.begin(&summary, catalog.bytes()));
            let load = Load {
                app: self,
                catalog,
                options,
                progress,
                stop: stop.child_token(),
                summary,
                unread: 0,
                announced: announced.take(),
            };
            summaries.push(load.run().await?);
        }
        Ok(summaries)
    }
}

impl App {
    /// Tells the database now and then that a load goes on; ends it when somebody has cancelled it
    /// there.
    fn show_signs_of_life(
        &self,
        id: &str,
        progress: watch::Receiver<ImportProgress>,
        stop: CancellationToken,
    ) -> tokio::task::JoinHandle<()> {
        let (app, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            let mut phase = (ImportPhase::default(), Instant::now());
            loop {
                tick.tick().await;
                let mut report = progress.borrow().clone();
                if report.phase != phase.0 {
                    phase = (report.phase, Instant::now());
                }
                report.phase_ms = phase.1.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                let now = app.clock().now();
                let report = report.to_json();
                match app.store().import_alive(&id, &report, now).await {
                    Ok(true) => {}
                    Ok(false) => return stop.cancel(),
                    Err(error) => {
                        tracing::warn!(%error, "an import could not show that it goes on");
                    }
                }
            }
        })
    }

    /// The rows that a load has set aside, as CSV.
    ///
    /// # Errors
    /// When there is no such load. The stream fails when the database does.
    pub async fn import_set_asides(&self, id: &str) -> Result<ExportStream, Error> {
        let now = self.clock().now();
        if self.store().import_run(id, now).await?.is_none() {
            return Err(Error::NotFound("import"));
        }
        let (app, id) = (self.clone(), id.to_owned());
        let head = vec![["file", "line", "npi", "reason", "row"].map(String::from)];
        let pages = stream::try_unfold(0, move |from| {
            let (app, id) = (app.clone(), id.clone());
            async move {
                let rows = app.store().import_set_asides(&id, from, 1_000).await?;
                let count = rows.len() as u64;
                let rows = rows
                    .into_iter()
                    .map(|r| {
                        let npi = r.npi.unwrap_or_default();
                        [r.file, r.line.to_string(), npi, r.reason, r.row]
                    })
                    .collect::<Vec<_>>();
                Ok::<_, Error>((count > 0).then_some((rows, from + count)))
            }
        });
        let all = stream::iter([Ok(head)]).chain(pages);
        Ok(all.map(|rows| csv_lines(&rows?)).boxed())
    }
}

fn csv_lines(rows: &[[String; 5]]) -> Result<Vec<u8>, Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    for row in rows {
        lines
            .write_record(row.iter().map(|cell| protected(cell.clone())))
            .map_err(|e| Error::Internal(e.to_string()))?;
    }
    lines
        .into_inner()
        .map_err(|e| Error::Internal(e.to_string()))
}

impl Load<'_> {
    async fn run(mut self) -> Result<ImportSummary, Error> {
        let began = Instant::now();
        let store = self.app.store().clone();
        let catalog = self.catalog.clone();
        let fingerprint = blocking(move || catalog.fingerprint(&mut |_| {})).await??;
        let until = known_until(self.catalog.extent());
        let turn = loop {
            let now = self.app.clock().now();
            if let Some(known) = store.imported(&fingerprint, now).await?
                && !self.options.force
            {
                self.summary.already_imported = Some(known.created_at);
                self.summary.id = Some(known.id);
                return Ok(self.summary);
            }
            self.refuse_older(until).await?;
            if self.options.dry_run {
                break None;
            }
            let new = NewImport {
                fingerprint: &fingerprint,
                what: &self.summary.what,
                full: self.is_full(),
                known_until: until,
                by: self.options.by.as_deref(),
            };
            let turn = match &self.announced {
                Some(id) => store.begin_announced(id, &new, now).await?,
                None => store.begin_import(&new, now).await?,
            };
            match turn {
                Some(turn) => {
                    self.progress
                        .send_modify(|p| p.phase = ImportPhase::Opening);
                    break Some(turn);
                }
                None if self.announced.is_some() => self.wait_for_turn().await?,
                None => {
                    return Err(Error::Conflict(
                        "another import is running; wait for its end, or cancel it".into(),
                    ));
                }
            }
        };
        if let Some(turn) = turn {
            let id = turn.id.clone();
            self.summary.id = Some(id.clone());
            let signs = match self.announced {
                Some(_) => None,
                None => Some(self.app.show_signs_of_life(
                    &id,
                    self.progress.subscribe(),
                    self.stop.clone(),
                )),
            };
            let loaded = match self.refuse_meanwhile(&fingerprint, until).await {
                Ok(()) if self.is_full() => self.replace(&id).await,
                Ok(()) => self.change(&id).await,
                Err(error) => Err(error),
            };
            if let Some(signs) = signs {
                signs.abort();
            }
            if let Err(error) = loaded {
                return Err(self.give_up(&turn, error).await);
            }
            self.summary.seconds = began.elapsed().as_secs_f64();
            let report = self.summary.to_json();
            let now = self.app.clock().now();
            // What was loaded stays, whether this is noted or not.
            if let Err(error) = store.note_end_of_import(&id, &report, now).await {
                tracing::warn!(%error, "the end of an import could not be noted");
            }
        } else {
            self.try_out().await?;
        }
        self.summary.seconds = began.elapsed().as_secs_f64();
        Ok(self.summary)
    }

    fn is_full(&self) -> bool {
        matches!(self.catalog.extent(), Extent::Full { .. })
            && self
                .catalog
                .members()
                .iter()
                .any(|m| m.kind == FileKind::Providers)
    }

    /// Refuses files that know of less than what is stored.
    async fn refuse_older(&self, until: Option<jiff::civil::Date>) -> Result<(), Error> {
        let known = self.app.store().imported_until().await?;
        match (until, known) {
            (Some(until), Some(known)) if until < known && !self.options.force => {
                Err(Error::Conflict(format!(
                    "{} knows of nothing after {until}, but what is stored is as of {known}; import newer files, or this one by force",
                    self.summary.what
                )))
            }
            _ => Ok(()),
        }
    }

    /// Refuses what another load has brought while this one waited for its turn.
    async fn refuse_meanwhile(
        &self,
        fingerprint: &[u8],
        until: Option<jiff::civil::Date>,
    ) -> Result<(), Error> {
        let now = self.app.clock().now();
        let known = self.app.store().imported(fingerprint, now).await?;
        if known.is_some() && !self.options.force {
            return Err(Error::Conflict(
                "these files were imported meanwhile; nothing was left to do".into(),
            ));
        }
        self.refuse_older(until).await
    }

    /// Another load is running: waits a while, unless this one is stopped.
    async fn wait_for_turn(&self) -> Result<(), Error> {
        self.progress
            .send_modify(|p| p.phase = ImportPhase::Waiting);
        tokio::select! {
            () = tokio::time::sleep(TURN) => {}
            () = self.stop.cancelled() => {}
        }
        self.check()
    }

    async fn give_up(&self, turn: &ImportTurn, error: Error) -> Error {
        let (store, id) = (self.app.store(), turn.id.as_str());
        let cancelled = self.stop.is_cancelled();
        let (state, error) = if cancelled {
            let stopped =
                Error::Conflict("the import was cancelled; nothing of it was kept".into());
            (ImportState::Cancelled, stopped)
        } else {
            (ImportState::Failed, error)
        };
        let reason = error.to_string();
        let now = self.app.clock().now();
        if let Err(error) = store.give_up_import(id, state, Some(&reason), now).await {
            tracing::warn!(%error, "the end of an import could not be noted");
        }
        // Without the turn what is there may be another's. The next one clears this away as well.
        if turn.is_held().await
            && let Err(error) = store.clear_replacements().await
        {
            tracing::warn!(%error, "what an import has left could not be cleared away");
        }
        error
    }

    fn check(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Err(Error::Conflict("cancelled".into()));
        }
        Ok(())
    }
}

/// The last day of which files know. That of a report of deactivations says nothing about the
/// others.
fn known_until(extent: Extent) -> Option<jiff::civil::Date> {
    match extent {
        Extent::Full { until } | Extent::Weekly { until, .. } => until,
        Extent::Deactivations { .. } => None,
    }
}
