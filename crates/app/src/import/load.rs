//! Brings what was read into the database.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use canvass_model::{Npi, Provider, Source};
use canvass_nppes::files::{FileError, FileKind, Member, SetAside, Side};
use canvass_store::{DoubleOutcome, Missing, Prepared, Replacement, RowSetAside};

use super::{Load, blocking, known_until, read, report::ImportPhase};
use crate::Error;

/// Providers that are loaded together.
const TOGETHER: usize = 8_000;
/// Providers that a file which is no full one may have: they are one change.
const MOST: usize = 2_000_000;
/// A full file that lacks more of the active providers is refused.
const MAX_MISSING_PERCENT: u64 = 5;
/// A full file of which more of the rows can't be read is refused.
const MAX_UNREAD_PERCENT: u64 = 1;

/// Where the rows of main files are, in the order in which they were added.
#[derive(Default)]
struct Rows {
    /// Each file, and the place of its first row among all.
    files: Vec<(String, usize)>,
    /// The line and the NPI of each row.
    all: Vec<(u32, Npi)>,
}

impl Rows {
    fn begin(&mut self, file: &str) {
        self.files.push((file.to_owned(), self.all.len()));
    }

    fn add(&mut self, line: u64, npi: Npi) {
        self.all
            .push((u32::try_from(line).unwrap_or(u32::MAX), npi));
    }

    /// The row that does not count of two with one NPI.
    fn set_aside(&self, double: &DoubleOutcome) -> SetAside {
        let at = match double.set_aside {
            Some(at) => usize::try_from(at).ok(),
            None => self.all.iter().position(|(_, npi)| *npi == double.npi),
        };
        let at = at.unwrap_or(usize::MAX);
        let file = self.files.iter().rev().find(|(_, first)| *first <= at);
        SetAside {
            file: file.map(|(name, _)| name.clone()).unwrap_or_default(),
            line: self.all.get(at).map_or(0, |(line, _)| u64::from(*line)),
            npi: Some(double.npi.to_string()),
            reason: "another row of the file has this NPI, and counts".into(),
            row: String::new(),
        }
    }
}

impl Load<'_> {
    /// Brings what a full file changes into use.
    pub(super) async fn replace(&mut self, id: &str) -> Result<(), Error> {
        let mut new = self.staged(id).await?;
        self.progress
            .send_modify(|p| p.phase = ImportPhase::Publishing);
        new.unpublish_missing().await?;
        self.check()?;
        let summary = self.summary.clone();
        let done = new
            .publish(id, |done| {
                let mut summary = summary.clone();
                summary.replaced(done);
                summary.to_json()
            })
            .await?;
        self.summary.replaced(&done);
        Ok(())
    }

    /// Reads a full file and stages what it changes; refuses one that would take too much away.
    async fn staged(&mut self, id: &str) -> Result<Replacement, Error> {
        let store = self.app.store().clone();
        let side = self.side(id).await?;
        let last_day = known_until(self.catalog.extent());
        let mut new = store
            .replace_providers(last_day, self.options.dry_run, self.app.clock().now())
            .await?;
        let mut rows = Rows::default();
        for member in self.main() {
            self.stage(id, &member, &side, &mut new, &mut rows).await?;
        }
        let doubles = new.end_rows().await?;
        let doubles = doubles.iter().map(|double| rows.set_aside(double));
        let doubles = doubles.collect();
        self.set_aside(id, doubles).await?;
        let unused = side.unused(|npi| new.has(npi)).collect();
        self.set_aside(id, unused).await?;
        self.summary.sum_up();
        self.refuse_loss(&new).await?;
        Ok(new)
    }

    async fn stage(
        &mut self,
        id: &str,
        member: &Member,
        side: &Arc<Side>,
        new: &mut Replacement,
        rows: &mut Rows,
    ) -> Result<(), Error> {
        let before = self.progress.borrow().bytes;
        rows.begin(&member.name);
        let mut made = read::providers(&self.catalog, member, side, |p| Prepared::new(&p))?;
        let mut together: Vec<Prepared> = Vec::with_capacity(TOGETHER + 1_000);
        loop {
            self.check()?;
            let batch = made.recv().await.transpose()?;
            let is_last = batch.is_none();
            if let Some(batch) = batch {
                let count = batch.rows.len() + batch.set_aside.len();
                self.read_on(before + batch.bytes, count);
                self.summary.add_rows(&member.name, count as u64);
                // What can't be read says nothing of its provider, not even that it is gone.
                let unread = batch.set_aside.iter().filter_map(|row| row.npi.as_deref());
                for npi in unread.filter_map(|npi| npi.trim().parse().ok()) {
                    new.keep(npi);
                }
                self.unread += batch.set_aside.len() as u64;
                self.set_aside(id, batch.set_aside).await?;
                for (line, prepared) in batch.rows {
                    rows.add(line, prepared.npi());
                    together.push(prepared);
                }
            }
            if together.len() >= TOGETHER || is_last {
                new.add(std::mem::take(&mut together)).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Refuses a full file that can't be one: of which much can't be read, or without which many
    /// providers would be.
    async fn refuse_loss(&mut self, new: &Replacement) -> Result<(), Error> {
        let Missing { missing, active } = new.missing().await?;
        self.summary.unpublished = missing;
        let (unread, rows) = (self.unread, self.summary.rows);
        let too_much = if missing * 100 > active * MAX_MISSING_PERCENT {
            format!(
                "{missing} of {active} active providers are not in this file, more than {MAX_MISSING_PERCENT} %"
            )
        } else if unread * 100 > rows * MAX_UNREAD_PERCENT {
            format!("{unread} of {rows} rows can't be read, more than {MAX_UNREAD_PERCENT} %")
        } else {
            return Ok(());
        };
        self.summary.refusal = Some(too_much.clone());
        if self.options.force || self.options.dry_run {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "{too_much}; nothing was changed. Check that the file is whole, or import it by force"
        )))
    }

    /// Changes those providers that a weekly file or a report names.
    pub(super) async fn change(&mut self, id: &str) -> Result<(), Error> {
        let providers = self.all(Some(id)).await?;
        self.check()?;
        self.progress
            .send_modify(|p| p.phase = ImportPhase::Publishing);
        let mut summary = self.summary.clone();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.app
            .store()
            .apply_import(
                id,
                (&providers, self.source()),
                |done, changes| {
                    summary.written(done, changes);
                    let json = summary.to_json();
                    // There is room for one, and only one comes.
                    let _ = tell.send(summary);
                    json
                },
                self.app.clock().now(),
            )
            .await?;
        if let Ok(summary) = told.recv() {
            self.summary = summary;
        }
        // The command ends now, and whoever searches next would have to describe it all first.
        if let Err(error) = self.app.store().settle().await {
            tracing::warn!(%error, "the search index could not be settled");
        }
        Ok(())
    }

    /// What kind of file changes providers.
    fn source(&self) -> Source {
        if self.main().is_empty() {
            Source::DeactivationReport
        } else {
            Source::WeeklyFile
        }
    }

    /// Says what a load would do.
    pub(super) async fn try_out(&mut self) -> Result<(), Error> {
        let store = self.app.store().clone();
        if !self.is_full() {
            let providers = self.all(None).await?;
            let done = store.would_write(&providers, self.source()).await?;
            self.summary
                .written(done, &canvass_store::ChangeCounts::default());
            return Ok(());
        }
        let new = self.staged("").await?;
        let missing = self.summary.unpublished;
        self.summary.replaced(new.done());
        self.summary.unpublished = missing;
        Ok(())
    }

    fn main(&self) -> Vec<Member> {
        self.catalog.main().cloned().collect()
    }

    fn read_on(&self, bytes: u64, rows: usize) {
        self.progress.send_modify(|p| {
            p.phase = ImportPhase::Reading;
            p.bytes = p.bytes.max(bytes);
            p.rows += rows as u64;
        });
    }

    /// Keeps rows that were set aside, unless nothing is to be written.
    async fn set_aside(&mut self, id: &str, rows: Vec<SetAside>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        self.summary.add_aside(&rows);
        let count = rows.len() as u64;
        self.progress.send_modify(|p| p.set_aside += count);
        if self.options.dry_run {
            return Ok(());
        }
        let rows: Vec<RowSetAside> = rows
            .into_iter()
            .map(|row| RowSetAside {
                // A NUL is no text to one of the engines.
                file: row.file.replace('\0', "\u{FFFD}"),
                line: row.line,
                npi: row.npi,
                reason: row.reason.replace('\0', "\u{FFFD}"),
                row: row.row.replace('\0', "\u{FFFD}"),
            })
            .collect();
        for group in rows.chunks(5_000) {
            self.app.store().set_rows_aside(id, group).await?;
        }
        Ok(())
    }

    /// The side files.
    async fn side(&mut self, id: &str) -> Result<Arc<Side>, Error> {
        let catalog = self.catalog.clone();
        let progress = self.progress.clone();
        let read = blocking(move || -> Result<(Side, Vec<SetAside>), FileError> {
            let mut aside = Vec::new();
            let side = catalog.side(
                &mut |bytes| progress.send_modify(|p| p.bytes += bytes),
                &mut |row| aside.push(row),
            )?;
            Ok((side, aside))
        });
        let (side, aside) = read.await??;
        for file in side.files() {
            self.summary
                .add_rows(&file.name, file.rows + file.set_aside);
        }
        self.set_aside(id, aside).await?;
        Ok(Arc::new(side))
    }

    /// All providers of files that are no full one.
    async fn all(&mut self, id: Option<&str>) -> Result<Vec<Provider>, Error> {
        let id = id.unwrap_or_default();
        let side = self.side(id).await?;
        let before = self.progress.borrow().bytes;
        let mut providers: Vec<Provider> = Vec::new();
        let mut seen: HashSet<Npi> = HashSet::new();
        for member in self.main() {
            let mut made = read::providers(&self.catalog, &member, &side, |p| p)?;
            while let Some(batch) = made.recv().await.transpose()? {
                self.check()?;
                let rows = batch.rows.len() + batch.set_aside.len();
                self.read_on(before + batch.bytes, rows);
                self.summary.add_rows(&member.name, rows as u64);
                self.set_aside(id, batch.set_aside).await?;
                for (line, provider) in batch.rows {
                    if seen.insert(provider.npi) {
                        providers.push(provider);
                    } else {
                        let again = twice(&member.name, line, provider.npi);
                        self.set_aside(id, vec![again]).await?;
                    }
                }
                if providers.len() > MOST {
                    return Err(Error::invalid(
                        "files",
                        format!("a file that is no full one has at most {MOST} providers"),
                    ));
                }
            }
        }
        if self.main().is_empty() {
            providers = self.completed(&side).await?;
            seen = providers.iter().map(|p| p.npi).collect();
        } else {
            self.keep_what_no_file_tells(&mut providers).await?;
        }
        let unused = side.unused(|npi| seen.contains(&npi)).collect();
        self.set_aside(id, unused).await?;
        providers.extend(self.deactivations(id).await?);
        self.summary.sum_up();
        Ok(providers)
    }

    /// Known providers of which side files without a main file tell.
    async fn completed(&self, side: &Side) -> Result<Vec<Provider>, Error> {
        let mut npis = BTreeSet::new();
        let named = std::sync::Mutex::new(&mut npis);
        let rows = side.unused(|npi| {
            if let Ok(mut npis) = named.lock() {
                npis.insert(npi);
            }
            true
        });
        let _ = rows.count();
        let npis: Vec<Npi> = npis.into_iter().collect();
        let mut providers = Vec::new();
        for group in npis.chunks(5_000) {
            for mut provider in self.app.store().records(group).await? {
                for file in side.files() {
                    match file.kind {
                        FileKind::OtherNames => provider.other_names.clear(),
                        FileKind::PracticeLocations => provider.secondary.clear(),
                        FileKind::Endpoints => provider.endpoints.clear(),
                        FileKind::Providers | FileKind::Deactivations | FileKind::Header => {}
                    }
                }
                side.complete(&mut provider, &mut |_| {});
                providers.push(provider);
            }
        }
        Ok(providers)
    }

    /// Where a set lacks one of the side files, what is known from before stays.
    async fn keep_what_no_file_tells(&self, providers: &mut [Provider]) -> Result<(), Error> {
        let has = |kind| self.catalog.members().iter().any(|m| m.kind == kind);
        let (names, locations, endpoints) = (
            has(FileKind::OtherNames),
            has(FileKind::PracticeLocations),
            has(FileKind::Endpoints),
        );
        if names && locations && endpoints {
            return Ok(());
        }
        for group in providers.chunks_mut(5_000) {
            let npis: Vec<Npi> = group.iter().map(|p| p.npi).collect();
            let known = self.app.store().records(&npis).await?;
            let mut known: HashMap<Npi, Provider> = known.into_iter().map(|p| (p.npi, p)).collect();
            for provider in group {
                if provider.is_bare_deactivation() {
                    continue;
                }
                let Some(known) = known.remove(&provider.npi) else {
                    continue;
                };
                if !names && provider.other_names.is_empty() {
                    provider.other_names = known.other_names;
                }
                if !locations {
                    provider.secondary = known.secondary;
                }
                if !endpoints {
                    provider.endpoints = known.endpoints;
                }
            }
        }
        Ok(())
    }

    /// The providers of reports of deactivated NPIs.
    async fn deactivations(&mut self, id: &str) -> Result<Vec<Provider>, Error> {
        let mut providers = Vec::new();
        let reports: Vec<Member> = self
            .catalog
            .members()
            .iter()
            .filter(|m| m.kind == FileKind::Deactivations)
            .cloned()
            .collect();
        for member in reports {
            let catalog = self.catalog.clone();
            let progress = self.progress.clone();
            let name = member.name.clone();
            let read = blocking(move || -> Result<_, FileError> {
                let (mut aside, mut rows) = (Vec::new(), Vec::new());
                catalog.deactivations(
                    &member,
                    &mut |bytes| progress.send_modify(|p| p.bytes += bytes),
                    &mut |row| aside.push(row),
                    &mut |row| rows.push(row),
                )?;
                Ok((aside, rows))
            });
            let (mut aside, rows) = read.await??;
            let count = (aside.len() + rows.len()) as u64;
            self.summary.add_rows(&name, count);
            self.progress.send_modify(|p| p.rows += count);
            let mut seen = HashSet::with_capacity(rows.len());
            for row in rows {
                if seen.insert(row.npi) {
                    providers.push(Provider::new(row.npi).out_of_service(Some(row.on)));
                } else {
                    aside.push(twice(&name, row.line, row.npi));
                }
            }
            self.set_aside(id, aside).await?;
        }
        Ok(providers)
    }
}

fn twice(file: &str, line: u64, npi: Npi) -> SetAside {
    SetAside {
        file: file.to_owned(),
        line,
        npi: Some(npi.to_string()),
        reason: "this NPI stands in the file twice; the first row counts".into(),
        row: String::new(),
    }
}
