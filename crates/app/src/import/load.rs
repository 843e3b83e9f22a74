//! Brings what was read into the database.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use canvass_model::{Door, Npi, Provider, Source};
use canvass_nppes::files::{Extent, FileError, FileKind, Member, SetAside, Side};
use canvass_store::{Delta, DoubleOutcome, Edit, Missing, Prepared, Replacement, RowSetAside};

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
        let mut new = store
            .replace_providers(self.door(), self.options.dry_run, self.app.clock().now())
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
        let partial = self.all(id).await?;
        self.check()?;
        self.progress
            .send_modify(|p| p.phase = ImportPhase::Publishing);
        let mut summary = self.summary.clone();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let now = self.app.clock().now();
        let edit = partial.edit();
        let report = |done, changes: &_| {
            summary.written(done, changes);
            let json = summary.to_json();
            // There is room for one, and only one comes.
            let _ = tell.send(summary);
            json
        };
        self.app
            .store()
            .apply_delta(id, partial.delta(&edit), report, now)
            .await?;
        if let Ok(summary) = told.recv() {
            self.summary = summary;
        }
        // The command ends now, and whoever searches next would have to describe it all first.
        if let Err(error) = self.app.store().settle().await {
            tracing::warn!(%error, "the search index could not be compacted");
        }
        Ok(())
    }

    /// By which door the providers of main files come, and what they have of each.
    fn door(&self) -> Door {
        let has = |kind| self.catalog.members().iter().any(|m| m.kind == kind);
        let source = if self.is_full() {
            Source::FullFile
        } else {
            Source::WeeklyFile
        };
        Door {
            source,
            until: known_until(self.catalog.extent()),
            other_names: has(FileKind::OtherNames),
            secondary: has(FileKind::PracticeLocations),
            endpoints: has(FileKind::Endpoints),
        }
    }

    /// Says what a load would do.
    pub(super) async fn try_out(&mut self) -> Result<(), Error> {
        if self.is_full() {
            let new = self.staged("").await?;
            let missing = self.summary.unpublished;
            self.summary.replaced(new.done());
            self.summary.unpublished = missing;
            return Ok(());
        }
        let partial = self.all("").await?;
        let edit = partial.edit();
        let now = self.app.clock().now();
        let (done, changes) = self
            .app
            .store()
            .try_delta(partial.delta(&edit), now)
            .await?;
        self.summary.written(done, &changes);
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

    /// What files say that are no full one.
    async fn all(&mut self, id: &str) -> Result<Partial, Error> {
        let side = self.side(id).await?;
        let before = self.progress.borrow().bytes;
        let mut providers: Vec<Provider> = Vec::new();
        let mut places: HashMap<Npi, (usize, u64)> = HashMap::new();
        for member in self.main() {
            let mut made = read::providers(&self.catalog, &member, &side, |p| p)?;
            while let Some(batch) = made.recv().await.transpose()? {
                self.check()?;
                let rows = batch.rows.len() + batch.set_aside.len();
                self.read_on(before + batch.bytes, rows);
                self.summary.add_rows(&member.name, rows as u64);
                self.set_aside(id, batch.set_aside).await?;
                for (mut line, mut provider) in batch.rows {
                    let npi = provider.npi;
                    let Some((at, first)) = places.get_mut(&npi) else {
                        places.insert(npi, (providers.len(), line));
                        providers.push(provider);
                        continue;
                    };
                    // The later update counts, and of equal ones the row that stands first.
                    let known = &mut providers[*at];
                    let order = |p: &Provider, line| (p.updated_on, std::cmp::Reverse(line));
                    if order(&provider, line) > order(known, *first) {
                        std::mem::swap(known, &mut provider);
                        std::mem::swap(first, &mut line);
                    }
                    let again = twice(&member.name, line, npi);
                    self.set_aside(id, vec![again]).await?;
                }
                if providers.len() > MOST {
                    return Err(Error::invalid(
                        "files",
                        format!("a file that is no full one has at most {MOST} providers"),
                    ));
                }
            }
        }
        let is_alone = self.main().is_empty();
        let edited = if is_alone {
            self.known_of(&side).await?
        } else {
            Vec::new()
        };
        let met: HashSet<Npi> = places.into_keys().chain(edited.iter().copied()).collect();
        let unused = side.unused(|npi| met.contains(&npi)).collect();
        self.set_aside(id, unused).await?;
        let mut parts = vec![(providers, self.door())];
        parts.extend(self.deactivations(id).await?);
        self.summary.sum_up();
        Ok(Partial {
            side: is_alone.then_some(side),
            edited,
            parts,
        })
    }

    /// Known providers of which side files tell.
    async fn known_of(&self, side: &Side) -> Result<Vec<Npi>, Error> {
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
        let mut known = Vec::with_capacity(npis.len());
        for group in npis.chunks(5_000) {
            let records = self.app.store().records(group).await?;
            known.extend(records.into_iter().map(|p| p.npi));
        }
        Ok(known)
    }

    /// The providers of reports of deactivated NPIs.
    async fn deactivations(&mut self, id: &str) -> Result<Vec<(Vec<Provider>, Door)>, Error> {
        let mut parts = Vec::new();
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
            let mut providers = Vec::with_capacity(rows.len());
            for row in rows {
                if seen.insert(row.npi) {
                    providers.push(Provider::new(row.npi).out_of_service(Some(row.on)));
                } else {
                    aside.push(twice(&name, row.line, row.npi));
                }
            }
            self.set_aside(id, aside).await?;
            let until = match self.catalog.extent() {
                Extent::Deactivations { as_of } => as_of,
                extent => known_until(extent),
            };
            parts.push((providers, Door::whole(Source::DeactivationReport, until)));
        }
        Ok(parts)
    }
}

/// What files say that are no full one.
struct Partial {
    /// Side files that came by themselves.
    side: Option<Arc<Side>>,
    /// Known providers of which they tell.
    edited: Vec<Npi>,
    parts: Vec<(Vec<Provider>, Door)>,
}

impl Partial {
    /// Puts what side files have in the place of what is known.
    fn edit(&self) -> impl Fn(&mut Provider) + Send + Sync {
        let side = self.side.clone();
        move |provider| {
            let Some(side) = &side else { return };
            for file in side.files() {
                match file.kind {
                    FileKind::OtherNames => provider.other_names.clear(),
                    FileKind::PracticeLocations => provider.secondary.clear(),
                    FileKind::Endpoints => provider.endpoints.clear(),
                    FileKind::Providers | FileKind::Deactivations | FileKind::Header => {}
                }
            }
            side.complete(provider, &mut |_| {});
        }
    }

    fn delta<'a>(&'a self, edit: Edit<'a>) -> Delta<'a> {
        Delta {
            edits: Some((&self.edited, edit)),
            parts: &self.parts,
        }
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
