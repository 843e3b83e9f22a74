//! A full file: what it changes is staged beside the providers in use, and published at once.
//!
//! A provider keeps its id. What a file says of a known provider is compared with its record, and
//! only what replaces it is staged; new providers are staged with ids of their own, and described
//! in a segment while the file is read. `publish` brings all of it into use in one transaction.

mod publish;
mod stage;

use std::collections::HashMap;

use canvass_model::{Door, Npi, Provider, ProviderFilter, RecordStatus, Source};
use jiff::{Timestamp, civil::Date};
use roaring::RoaringBitmap;

use crate::{
    Error, Store,
    index::{Builder, Described},
    providers::ChangeCounts,
    record,
};

/// What is staged of providers.
const NEXT: &str = "providers_next";
/// The changes that go with it.
const NEXT_CHANGES: &str = "changes_next";
/// Those that were in use before others took their place as a whole.
const OLD: &str = "providers_old";
/// Providers that are read, copied or removed at a time.
const GROUP: usize = 5_000;
/// Ids that are taken at a time.
const IDS: usize = 65_536;
/// Rows with the NPI of an earlier row that are looked at; a file with more of them is none of the
/// registry's.
pub const MAX_DOUBLES: usize = 100_000;

/// A provider made ready to be loaded. This can be done on any thread, and is most of the work.
pub struct Prepared {
    npi: Npi,
    hash: i64,
    record: Vec<u8>,
    described: Described,
    /// The later of the days of enumeration and of the last update.
    latest: Option<Date>,
}

impl Prepared {
    /// Makes a provider ready.
    pub fn new(provider: &Provider) -> Self {
        let record = record::encode(provider);
        Self {
            npi: provider.npi,
            hash: record::hash(&record),
            described: Described::new(provider),
            latest: provider.enumerated_on.max(provider.updated_on),
            record,
        }
    }

    /// Whose record it is.
    pub fn npi(&self) -> Npi {
        self.npi
    }

    fn provider(&self) -> Result<Provider, Error> {
        record::decode(self.npi, &self.record)
    }
}

/// What a full file did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Not known before.
    pub created: u64,
    /// Known, with another record.
    pub updated: u64,
    /// Known, and what is known of it stays.
    pub unchanged: u64,
    /// Known before, and no longer published.
    pub unpublished: u64,
    /// What changed of those that were known.
    pub changes: ChangeCounts,
}

/// How many providers in service a full file would take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// In service here, and not in the file.
    pub missing: u64,
    /// In service here.
    pub active: u64,
}

/// What is known of the providers in use, by NPI.
#[derive(Default)]
struct Known {
    /// NPI, id, hash.
    all: Vec<(u32, u32, i64)>,
}

impl Known {
    /// The place of an NPI, in the order of NPIs.
    fn find(&self, npi: Npi) -> Option<usize> {
        self.all
            .binary_search_by_key(&number(npi), |(npi, ..)| *npi)
            .ok()
    }
}

/// An NPI has ten digits, the first 1 or 2, and fits.
fn number(npi: Npi) -> u32 {
    u32::try_from(npi.as_i64()).unwrap_or(u32::MAX)
}

/// A row whose NPI an earlier row of the file has.
struct Double {
    prepared: Prepared,
    /// Its place among the rows that [`Replacement::add`] was given.
    place: u64,
}

/// A row with the NPI of an earlier one, and whether it counts instead of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubleOutcome {
    /// Whose.
    pub npi: Npi,
    /// Place of the row that does not count, among all rows added, from 0; nothing for the first
    /// row of this NPI.
    pub set_aside: Option<u64>,
}

/// A full file that is being loaded.
pub struct Replacement {
    store: Store,
    now: Timestamp,
    /// Whether nothing is to be written.
    dry_run: bool,
    known: Known,
    /// The NPIs of the file.
    met: RoaringBitmap,
    /// Rows that were added.
    rows: u64,
    doubles: Vec<Double>,
    /// The segment of new providers, and what makes it.
    segment: i64,
    builder: Builder,
    /// Ids that were taken and are free.
    free: std::ops::Range<u32>,
    /// The ids of new providers.
    created: RoaringBitmap,
    /// The ids of known providers that are staged with another record, and of new ones whose row
    /// was replaced by a later one.
    changed: RoaringBitmap,
    /// Of these, those that are staged because the file does not have them.
    unpublished: RoaringBitmap,
    /// What the file has of a provider, and the last day that it knows of.
    door: Door,
    /// The latest day that any row names.
    latest: Option<Date>,
    done: Replaced,
}

/// The record that is known of a provider, with what stays of its row.
struct KnownRow {
    id: i64,
    provider: Provider,
    first_seen_at: i64,
    source: i64,
}

impl Replacement {
    /// Adds providers; of two with one NPI the later day counts, which [`Replacement::end_rows`]
    /// decides. Gives the places in the batch of those whose NPI was added before.
    ///
    /// # Errors
    /// When the database fails, or too many rows have the NPI of an earlier one. Then the
    /// replacement is of no more use.
    pub async fn add(&mut self, batch: Vec<Prepared>) -> Result<Vec<usize>, Error> {
        let mut again = Vec::new();
        let mut new = Vec::with_capacity(batch.len());
        let mut differ = Vec::new();
        for (at, prepared) in batch.into_iter().enumerate() {
            let place = self.rows;
            self.rows += 1;
            self.latest = self.latest.max(prepared.latest);
            if !self.met.insert(number(prepared.npi)) {
                if self.doubles.len() == MAX_DOUBLES {
                    return Err(Error::TooManyDoubles);
                }
                again.push(at);
                self.doubles.push(Double { prepared, place });
                continue;
            }
            match self.known.find(prepared.npi) {
                None => new.push(prepared),
                Some(at) if self.known.all[at].2 == prepared.hash => self.done.unchanged += 1,
                Some(_) => differ.push(prepared),
            }
        }
        let changed = self.compare(differ).await?;
        self.stage(new, changed).await?;
        Ok(again)
    }

    /// Notes that the file has a row of an NPI that could not be read: what is known of it stays.
    pub fn keep(&mut self, npi: Npi) {
        self.met.insert(number(npi));
    }

    /// Whether the file has a row of an NPI.
    pub fn has(&self, npi: Npi) -> bool {
        self.met.contains(number(npi))
    }

    /// What was done so far.
    pub fn done(&self) -> &Replaced {
        &self.done
    }

    /// Compares providers with what is known of them; gives what replaces that.
    async fn compare(&mut self, differ: Vec<Prepared>) -> Result<Vec<stage::Changed>, Error> {
        let mut changed = Vec::new();
        for group in differ.chunks(GROUP) {
            let npis: Vec<i64> = group.iter().map(|p| p.npi.as_i64()).collect();
            let mut rows = self.store.known_rows(&npis).await?;
            for prepared in group {
                let Some(row) = rows.remove(&prepared.npi) else {
                    self.done.unchanged += 1;
                    continue;
                };
                let new = prepared.provider()?;
                match stage::Changed::of(row, &new, &self.door, self.now) {
                    Some(one) => {
                        self.done.updated += 1;
                        self.done.changes.add(&one.changes);
                        changed.push(one);
                    }
                    None => self.done.unchanged += 1,
                }
            }
        }
        Ok(changed)
    }

    /// Ends the rows of the file: decides between rows of one NPI. Gives, in the order they came,
    /// which of each two counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_rows(&mut self) -> Result<Vec<DoubleOutcome>, Error> {
        if !self.dry_run {
            self.index_staged().await?;
        }
        let mut outcomes = Vec::new();
        // Of each NPI the place of the row that counts so far; none for the first.
        let mut counting: HashMap<Npi, u64> = HashMap::new();
        for Double { prepared, place } in std::mem::take(&mut self.doubles) {
            let npi = prepared.npi;
            let takes_over = !self.dry_run && self.take_over(&prepared).await?;
            let set_aside = if takes_over {
                counting.insert(npi, place)
            } else {
                Some(place)
            };
            outcomes.push(DoubleOutcome { npi, set_aside });
        }
        Ok(outcomes)
    }

    /// How many providers in service the file does not have although it could: what was given or
    /// updated after its last day proves nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn missing(&self) -> Result<Missing, Error> {
        let mut missing = 0;
        for group in self.missing_npis().chunks(GROUP) {
            let rows = self.store.known_rows(group).await?;
            missing += rows.values().filter(|row| self.proves_absence(row)).count() as u64;
        }
        Ok(Missing {
            missing,
            active: self.store.count(&ProviderFilter::default()).await?.count,
        })
    }

    /// Stages what the file does not have as no longer published.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unpublish_missing(&mut self) -> Result<(), Error> {
        for group in self.missing_npis().chunks(GROUP) {
            let rows = self.store.known_rows(group).await?;
            let mut changed = Vec::new();
            for row in rows.into_values() {
                if !self.proves_absence(&row) {
                    continue;
                }
                self.done.unpublished += 1;
                if let Ok(id) = u32::try_from(row.id) {
                    self.unpublished.insert(id);
                }
                let provider = Provider {
                    status: RecordStatus::Unpublished,
                    ..row.provider.clone()
                };
                changed.push(stage::Changed::new(row, provider, self.now));
            }
            for one in &changed {
                self.done.changes.add(&one.changes);
            }
            self.stage(Vec::new(), changed).await?;
        }
        Ok(())
    }

    /// The known NPIs of which the file has no row.
    fn missing_npis(&self) -> Vec<i64> {
        let missing = self.known.all.iter().map(|(npi, ..)| *npi);
        missing
            .filter(|npi| !self.met.contains(*npi))
            .map(i64::from)
            .collect()
    }

    /// Whether a provider is no longer published when the file does not have it.
    fn proves_absence(&self, row: &KnownRow) -> bool {
        let later = |day: Option<Date>| match (day, self.door.until.or(self.latest)) {
            (Some(day), Some(last)) => day > last,
            _ => false,
        };
        let provider = &row.provider;
        provider.status == RecordStatus::Active
            && !later(provider.enumerated_on)
            && !later(provider.updated_on)
    }
}

/// By what door the rows of a full file come.
const SOURCE: Source = Source::FullFile;
