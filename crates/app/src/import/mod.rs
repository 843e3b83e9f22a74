//! Loads of dissemination files into the database.
//!
//! `report` is what is told of a load, `read` turns files into providers on several threads, `load`
//! brings these into the database: a full file by building all providers anew, others as one
//! change.

mod load;
mod read;
mod report;

use std::path::PathBuf;

use canvass_nppes::files::{Catalog, Extent, FileKind};
use canvass_store::{ImportState, NewImport};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{App, Error, ExportStream, export::protected};

pub use report::{FileReport, ImportPhase, ImportProgress, ImportSummary};

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
        let sets = blocking(move || Catalog::open_all(&paths)).await??;
        let mut summaries = Vec::with_capacity(sets.len());
        for catalog in sets {
            let summary = ImportSummary::of(&catalog, options.dry_run);
            progress.send_modify(|p| *p = ImportProgress::begin(&summary, catalog.bytes()));
            let load = Load {
                app: self,
                catalog,
                options,
                progress,
                stop: stop.child_token(),
                summary,
            };
            summaries.push(load.run().await?);
        }
        Ok(summaries)
    }
}

impl App {
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
        let began = std::time::Instant::now();
        let store = self.app.store().clone();
        let catalog = self.catalog.clone();
        let fingerprint = blocking(move || catalog.fingerprint(&mut |_| {})).await??;
        let now = self.app.clock().now();
        if let Some(known) = store.imported(&fingerprint, now).await?
            && !self.options.force
        {
            self.summary.already_imported = Some(known.created_at);
            self.summary.id = Some(known.id);
            return Ok(self.summary);
        }
        let until = known_until(self.catalog.extent());
        if let (Some(until), Some(known), false) =
            (until, store.imported_until().await?, self.options.force)
            && until < known
        {
            return Err(Error::Conflict(format!(
                "{} knows of nothing after {until}, but what is stored is as of {known}; import newer files, or this one by force",
                self.summary.what
            )));
        }
        if self.options.dry_run {
            self.try_out().await?;
        } else {
            let new = NewImport {
                fingerprint: &fingerprint,
                what: &self.summary.what,
                full: self.is_full(),
                known_until: until,
                by: self.options.by.as_deref(),
            };
            let Some(turn) = store.begin_import(&new, now).await? else {
                return Err(Error::Conflict(
                    "another import is running; wait for its end, or cancel it".into(),
                ));
            };
            let id = turn.id.clone();
            self.summary.id = Some(id.clone());
            let signs = self.show_signs_of_life(&id);
            let loaded = if self.is_full() {
                self.replace(&id).await
            } else {
                self.change(&id).await
            };
            signs.abort();
            if let Err(error) = loaded {
                return Err(self.give_up(&id, error).await);
            }
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

    /// Tells the database now and then that the load goes on; ends it when somebody has cancelled
    /// it there.
    fn show_signs_of_life(&self, id: &str) -> tokio::task::JoinHandle<()> {
        let app = self.app.clone();
        let (id, stop) = (id.to_owned(), self.stop.clone());
        let progress = self.progress.subscribe();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(std::time::Duration::from_secs(1));
            loop {
                tick.tick().await;
                let report = progress.borrow().to_json();
                let now = app.clock().now();
                match app.store().import_alive(&id, &report, now).await {
                    Ok(true) => {}
                    Ok(false) => return stop.cancel(),
                    Err(error) => {
                        tracing::warn!(%error, "an import could not show that it goes on")
                    }
                }
            }
        })
    }

    async fn give_up(&self, id: &str, error: Error) -> Error {
        let store = self.app.store();
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
        if let Err(error) = store.clear_replacements().await {
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
