//! Loads that run in the background, for the pages and the API.

use canvass_model::Role;
use canvass_store::{ImportState, RowSetAside};
use tokio::{fs::File, io::AsyncWriteExt as _, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    ImportOptions, ImportPhase, ImportProgress, ImportSource, ImportView, blocking,
    source::{self, Kept},
};
use crate::{Actor, App, Error};

const WHAT: &str = "import";

/// The loads that this process runs in the background.
#[derive(Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A load that was announced and whose file is not there yet.
struct Announced {
    app: App,
    id: String,
    source: String,
    options: ImportOptions,
    progress: watch::Sender<ImportProgress>,
    stop: CancellationToken,
    signs: tokio::task::JoinHandle<()>,
    /// Whether somebody has said how it ended.
    ended: bool,
    /// Why nothing more of the file is taken.
    refused: Option<String>,
}

impl App {
    /// Loads one file in the background. What is asked for is looked at before this answers; whether
    /// the file can be had and is one of the registry shows later.
    ///
    /// # Errors
    /// When the actor may not, the file is none that may be loaded, or too many wait already.
    pub async fn start_import(
        &self,
        actor: &Actor,
        source: ImportSource,
        force: bool,
    ) -> Result<ImportView, Error> {
        actor.require(Role::Manager)?;
        let settings = self.settings().imports.clone();
        let announced = match source {
            ImportSource::Path(name) => {
                let shown = name.trim().to_owned();
                let kept = blocking(move || source::in_folder(&settings, name.trim())).await??;
                let announced = self.announce(actor, &shown, force).await?;
                let id = announced.id.clone();
                self.imports().tasks.spawn(announced.load(kept));
                id
            }
            ImportSource::Url(url) => {
                let url = url.trim().to_owned();
                let fetcher = source::fetcher(self)?;
                let name = fetcher
                    .name_of(&url)
                    .map_err(|e| Error::invalid("url", e.to_string()))?;
                let (of, now) = (url.clone(), self.clock().now());
                let kept =
                    blocking(move || source::for_fetch(&settings, &of, &name, now)).await??;
                let announced = self.announce(actor, &url, force).await?;
                let id = announced.id.clone();
                self.imports()
                    .tasks
                    .spawn(announced.fetch(fetcher, url, kept));
                id
            }
        };
        self.import(&announced).await?.ok_or(Error::NotFound(WHAT))
    }

    /// Takes a file that somebody sends, to load it when it is there.
    ///
    /// # Errors
    /// When the actor may not, there is no room for the file, or too many wait already.
    pub async fn receive_import(&self, actor: &Actor, name: &str) -> Result<NewUpload, Error> {
        actor.require(Role::Manager)?;
        let (settings, now) = (self.settings().imports.clone(), self.clock().now());
        let shown = source::file_name(name);
        let as_file = shown.clone();
        let kept = blocking(move || source::for_upload(&settings, &as_file, now)).await??;
        let file = File::create(&kept.path).await?;
        let announced = self.announce(actor, &shown, false).await?;
        Ok(NewUpload {
            kept,
            file,
            bytes: 0,
            announced,
        })
    }

    /// The latest imports, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imports_of_late(&self, limit: u32) -> Result<Vec<ImportView>, Error> {
        let now = self.clock().now();
        let runs = self.store().imports(limit, now).await?;
        Ok(runs.iter().map(|run| ImportView::new(run, now)).collect())
    }

    /// The imports that are not at their end, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_imports(&self) -> Result<Vec<ImportView>, Error> {
        let now = self.clock().now();
        let runs = self.store().open_imports(now).await?;
        Ok(runs.iter().map(|run| ImportView::new(run, now)).collect())
    }

    /// One import.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import(&self, id: &str) -> Result<Option<ImportView>, Error> {
        let now = self.clock().now();
        let run = self.store().import_run(id, now).await?;
        Ok(run.map(|run| ImportView::new(&run, now)))
    }

    /// The first rows that an import has set aside, with their reasons.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_rows_aside(&self, id: &str, limit: u32) -> Result<Vec<RowSetAside>, Error> {
        Ok(self.store().import_set_asides(id, 0, limit).await?)
    }

    /// Stops an import, in whatever process it runs; nothing of it is kept.
    ///
    /// # Errors
    /// When the actor may not, there is no such import, or it is at its end.
    pub async fn cancel_import(&self, actor: &Actor, id: &str) -> Result<ImportView, Error> {
        actor.require(Role::Manager)?;
        let reason = format!("{} has stopped it; nothing of it was kept", actor.name);
        let now = self.clock().now();
        let stopped = self
            .store()
            .give_up_import(id, ImportState::Cancelled, Some(&reason), now)
            .await?;
        let import = self.import(id).await?.ok_or(Error::NotFound(WHAT))?;
        if stopped || import.state == ImportState::Cancelled {
            return Ok(import);
        }
        Err(Error::Conflict("this import is at its end".into()))
    }

    /// Stops the imports that this process runs in the background and waits until they have ended;
    /// then no other can begin here.
    pub async fn end_imports(&self) {
        let Background { tasks, stop } = self.imports();
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }

    async fn announce(&self, actor: &Actor, source: &str, force: bool) -> Result<Announced, Error> {
        let progress = ImportProgress {
            source: Some(source.to_owned()),
            phase: ImportPhase::Fetching,
            ..ImportProgress::default()
        };
        let report = progress.to_json();
        let now = self.clock().now();
        let id = self
            .store()
            .announce_import(source, &report, actor.id(), now)
            .await?
            .ok_or_else(|| {
                Error::Conflict("too many imports wait already; wait until some have ended".into())
            })?;
        let (progress, seen) = watch::channel(progress);
        let stop = self.imports().stop.child_token();
        Ok(Announced {
            app: self.clone(),
            signs: self.show_signs_of_life(&id, seen, stop.clone()),
            id,
            source: source.to_owned(),
            options: ImportOptions {
                force,
                by: actor.user_id.clone(),
                ..ImportOptions::default()
            },
            progress,
            stop,
            ended: false,
            refused: None,
        })
    }
}

impl Announced {
    /// Fetches a file, and loads it.
    async fn fetch(self, fetcher: canvass_nppes::fetch::Fetcher, url: String, kept: Kept) {
        let progress = self.progress.clone();
        let mut tell = move |bytes, of: Option<u64>| {
            progress.send_modify(|p| {
                p.bytes = bytes;
                p.of_bytes = of.unwrap_or_default();
            });
        };
        let fetched = tokio::select! {
            fetched = fetcher.fetch(&url, &kept.path, &mut tell) => fetched,
            () = self.stop.cancelled() => {
                kept.leave();
                return self.stopped().await;
            }
        };
        match fetched {
            Ok(()) => self.load(kept).await,
            Err(error) => {
                kept.leave();
                self.failed(&explained(&error)).await;
            }
        }
    }

    /// Loads a file that is there.
    async fn load(self, kept: Kept) {
        if self.stop.is_cancelled() {
            return self.stopped().await;
        }
        self.progress.send_modify(|p| {
            p.phase = ImportPhase::Opening;
            (p.bytes, p.of_bytes) = (0, 0);
        });
        let paths = vec![kept.path.clone()];
        let loaded = self
            .app
            .load_files(
                paths,
                &self.options,
                &self.progress,
                &self.stop,
                Some(self.id.clone()),
            )
            .await;
        match loaded {
            Ok(summaries) => {
                let known = summaries.into_iter().find(|s| s.already_imported.is_some());
                self.done(known.as_ref()).await;
            }
            Err(_) if self.stop.is_cancelled() => self.stopped().await,
            Err(error) => {
                // Where the file lies here says nothing to whoever asked for it.
                let here = kept.path.display().to_string();
                let reason = explained(&error).replace(&here, &self.source);
                self.failed(&reason).await;
            }
        }
    }

    /// It has ended well. What had nothing to do has not said so yet.
    async fn done(mut self, known: Option<&super::ImportSummary>) {
        self.ended = true;
        if let Some(known) = known {
            let now = self.app.clock().now();
            let report = known.to_json();
            let ended = self
                .app
                .store()
                .end_announced(&self.id, &known.what, &report, now)
                .await;
            if let Err(error) = ended {
                tracing::warn!(%error, "the end of an import could not be noted");
            }
        }
    }

    async fn failed(mut self, reason: &str) {
        self.ended = true;
        give_up(&self.app, &self.id, ImportState::Failed, reason).await;
    }

    async fn stopped(mut self) {
        self.ended = true;
        let reason = "it was stopped; nothing of it was kept";
        give_up(&self.app, &self.id, ImportState::Cancelled, reason).await;
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.signs.abort();
        if self.ended {
            return;
        }
        // Without a runtime nobody can be told any more; it ends when it shows no sign of life.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (app, id) = (self.app.clone(), self.id.clone());
        let reason = self.refused.take();
        let end = async move {
            let broken_off = "the file did not come whole; nothing was changed";
            let reason = reason.as_deref().unwrap_or(broken_off);
            give_up(&app, &id, ImportState::Failed, reason).await;
        };
        self.app.imports().tasks.spawn_on(end, &runtime);
    }
}

/// Says how an import has ended, unless somebody has said it.
async fn give_up(app: &App, id: &str, state: ImportState, reason: &str) {
    let now = app.clock().now();
    if let Err(error) = app
        .store()
        .give_up_import(id, state, Some(reason), now)
        .await
    {
        tracing::warn!(%error, "the end of an import could not be noted");
    }
}

/// An error with what caused it.
fn explained(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

/// A file that somebody is sending. Where it is dropped before its end, nothing of it is kept.
pub struct NewUpload {
    kept: Kept,
    file: File,
    bytes: u64,
    announced: Announced,
}

impl NewUpload {
    /// Tells how many bytes come in all, where that is known.
    ///
    /// # Errors
    /// When that is more than is allowed.
    pub fn expect(&mut self, bytes: u64) -> Result<(), Error> {
        self.bounded(bytes)?;
        self.announced.progress.send_modify(|p| p.of_bytes = bytes);
        Ok(())
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When it can't be kept, is too much, or somebody has stopped the import.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        if self.announced.stop.is_cancelled() {
            return Err(Error::Conflict("the import was stopped".into()));
        }
        let bytes = self.bytes + piece.len() as u64;
        self.bounded(bytes)?;
        if let Err(error) = self.file.write_all(piece).await {
            self.announced.refused = Some(format!("the file can't be kept here: {error}"));
            return Err(error.into());
        }
        self.bytes = bytes;
        self.announced.progress.send_modify(|p| p.bytes = bytes);
        Ok(())
    }

    fn bounded(&mut self, bytes: u64) -> Result<(), Error> {
        let most = self.announced.app.settings().imports.most;
        if bytes <= most {
            return Ok(());
        }
        Err(self.refuse(format!(
            "a file may have {most} bytes at most; load a larger one from the folder for imports"
        )))
    }

    fn refuse(&mut self, problem: String) -> Error {
        self.announced.refused = Some(problem.clone());
        Error::invalid("file", problem)
    }

    /// The file is there: loads it in the background, by force also when it is older than what is
    /// stored.
    ///
    /// # Errors
    /// When it can't be kept, or is empty.
    pub async fn load(mut self, force: bool) -> Result<ImportView, Error> {
        self.file.flush().await?;
        if self.bytes == 0 {
            return Err(self.refuse("choose a file; this one is empty".into()));
        }
        let Self {
            kept,
            mut announced,
            ..
        } = self;
        announced.options.force = force;
        let (app, id) = (announced.app.clone(), announced.id.clone());
        app.imports().tasks.spawn(announced.load(kept));
        app.import(&id).await?.ok_or(Error::NotFound(WHAT))
    }
}
