//! Brings what was read into the database.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use canvass_model::{Door, Npi, Provider, Source};
use canvass_nppes::files::{Extent, FileError, FileKind, Member, SetAside, Side};
use canvass_store::{Delta, Edit, RowSetAside};

use super::{Load, blocking, known_until, read, report::ImportPhase};
use crate::Error;

/// Providers that a file which is no full one may have: they are one change.
const MOST: usize = 2_000_000;

impl Load<'_> {
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
    pub(super) fn door(&self) -> Door {
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
            return self.try_full().await;
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

    pub(super) fn main(&self) -> Vec<Member> {
        self.catalog.main().cloned().collect()
    }

    pub(super) fn read_on(&self, bytes: u64, rows: usize) {
        self.progress.send_modify(|p| {
            p.phase = ImportPhase::Reading;
            p.bytes = p.bytes.max(bytes);
            p.rows += rows as u64;
        });
    }

    /// Keeps rows that were set aside, unless nothing is to be written.
    pub(super) async fn set_aside(&mut self, id: &str, rows: Vec<SetAside>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let count = rows.len() as u64;
        self.progress.send_modify(|p| p.set_aside += count);
        let rows = self.summary.keep_aside(rows);
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
    pub(super) async fn side(&mut self, id: &str) -> Result<Arc<Side>, Error> {
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
                self.summary.add_left_out(batch.left_out);
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
                    let again = batch.raw.aside(line, TWICE);
                    // The earlier row of two may be of a batch that is gone.
                    let again = again.unwrap_or_else(|| twice(&member.name, line, npi));
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

/// Why one of two rows with one NPI is set aside.
pub(super) const TWICE: &str = "another row of the file has this NPI, and counts";

fn twice(file: &str, line: u64, npi: Npi) -> SetAside {
    SetAside {
        file: file.to_owned(),
        line,
        npi: Some(npi.to_string()),
        reason: TWICE.into(),
        row: String::new(),
    }
}
