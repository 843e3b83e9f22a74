//! How a search is answered: what drives it, and how many it has.
//!
//! The sizes of the sets that a filter names are counted once and remembered for a while. They
//! tell whether to list the smallest set and sort what is left of it, or to walk the index of the
//! wanted order and test each provider. They need not be exact: a wrong guess costs time only.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use canvass_model::{ProviderFilter, Total};

use crate::{
    Error, Store,
    search::{Search, Set, Text},
};

/// Up to this many a count is exact.
const EXACT: u64 = 10_000;
/// Up to this many the size of a set is counted.
const COUNTED: u64 = 200_000;
/// Where a search that needs no order is driven by its smallest set whatever its size.
const ANY_ORDER: u32 = u32::MAX;
/// Providers that an estimate looks at, in stretches of neighbouring NPIs.
const SAMPLE: i64 = 4_800;
const STRETCHES: i64 = 16;
/// For how long a size is remembered, and how many at most.
const REMEMBERED: Duration = Duration::from_secs(20);
const MOST_REMEMBERED: usize = 2_000;

/// Sizes of sets, counted not long ago.
#[derive(Debug, Default)]
pub(crate) struct Sizes(Mutex<HashMap<String, (u64, Instant)>>);

impl Sizes {
    fn get(&self, key: &str) -> Option<u64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(key)
            .filter(|(_, at)| at.elapsed() < REMEMBERED)
            .map(|(size, _)| *size)
    }

    fn put(&self, key: String, size: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(key, (size, Instant::now()));
    }
}

/// What is expected of a search.
#[derive(Clone, Copy, Debug)]
struct Outlook {
    /// Size of its smallest set and the place of that set.
    smallest: Option<(u64, usize)>,
    /// Providers that meet all sets, if the sets have nothing to do with one another.
    matches: f64,
    /// All providers.
    all: u64,
}

impl Store {
    /// Looks what should drive a search of which a page of `limit` is wanted.
    pub(crate) async fn plan<'a>(
        &self,
        filter: &'a ProviderFilter,
        limit: u32,
    ) -> Result<Search<'a>, Error> {
        let mut search = Search::new(filter, self.engine());
        let outlook = self.outlook(&search).await?;
        search.driver = driver(&search, outlook, limit);
        Ok(search)
    }

    /// Looks what should drive a search of which all is wanted, in no order.
    pub(crate) async fn plan_all<'a>(
        &self,
        filter: &'a ProviderFilter,
    ) -> Result<Search<'a>, Error> {
        self.plan(filter, ANY_ORDER).await
    }

    /// How many providers a search has: exact up to 10,000, above that estimated from a sample.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: &ProviderFilter) -> Result<Total, Error> {
        let mut search = Search::new(filter, self.engine());
        let outlook = self.outlook(&search).await?;
        search.driver = driver(&search, outlook, ANY_ORDER);
        #[expect(clippy::cast_precision_loss, reason = "a guess")]
        let exact = EXACT as f64;
        // Counting up to the bound first would be in vain where the sets alone say that there
        // are many times more.
        if search.has_columns() || outlook.matches < 4.0 * exact {
            let mut text = Text::default();
            text.push("SELECT COUNT(*) FROM (SELECT p.npi");
            search.sources(&mut text);
            text.push(" LIMIT ");
            text.value(i64::try_from(EXACT + 1).unwrap_or(i64::MAX));
            text.push(") x");
            let count = self.scalar(text).await?;
            if count <= EXACT {
                return Ok(Total { count, exact: true });
            }
        }
        let estimate = self.estimate(&search, outlook.all).await?;
        Ok(Total {
            count: estimate.max(EXACT + 1),
            exact: false,
        })
    }

    /// The sizes of a search's sets, and what follows from them.
    async fn outlook(&self, search: &Search<'_>) -> Result<Outlook, Error> {
        let mut all = Text::default();
        all.push("SELECT COUNT(*) FROM providers");
        let all = self.size(String::new(), all).await?.max(1);
        let mut outlook = Outlook {
            smallest: None,
            #[expect(clippy::cast_precision_loss, reason = "a guess")]
            matches: all as f64,
            all,
        };
        if search.nothing {
            return Ok(outlook);
        }
        for (i, set) in search.sets.iter().enumerate() {
            let size = self.size_of(set).await?;
            if outlook.smallest.is_none_or(|(smallest, _)| size < smallest) {
                outlook.smallest = Some((size, i));
            }
            #[expect(clippy::cast_precision_loss, reason = "a guess")]
            let share = (size as f64 / all as f64).min(1.0);
            outlook.matches *= share;
        }
        Ok(outlook)
    }

    async fn size_of(&self, set: &Set) -> Result<u64, Error> {
        let mut text = Text::default();
        text.push("SELECT COUNT(*) FROM (SELECT 1 FROM ");
        set.source(&mut text, self.engine());
        text.push(" LIMIT ");
        text.value(i64::try_from(COUNTED).unwrap_or(i64::MAX));
        text.push(") x");
        self.size(format!("{set:?}"), text).await
    }

    async fn size(&self, key: String, text: Text) -> Result<u64, Error> {
        if let Some(size) = self.sizes().get(&key) {
            return Ok(size);
        }
        let size = self.scalar(text).await?;
        self.sizes().put(key, size);
        Ok(size)
    }

    /// Counts the matches among providers of evenly spread stretches of NPIs, and scales up. NPIs
    /// are given out in no order of place or profession, so any stretch is a fair sample.
    async fn estimate(&self, search: &Search<'_>, all: u64) -> Result<u64, Error> {
        let row = self
            .first("SELECT MIN(npi), MAX(npi) FROM providers", vec![])
            .await?;
        let Some(row) = row else { return Ok(0) };
        let (least, span) = (row.int(0)?, row.int(1)? - row.int(0)? + 1);
        let all_signed = i64::try_from(all).unwrap_or(i64::MAX);
        let width = i128::from(span) * i128::from(SAMPLE)
            / i128::from(all_signed.max(1))
            / i128::from(STRETCHES);
        let width = i64::try_from(width.max(1))
            .unwrap_or(span)
            .min(span / STRETCHES + 1);
        let mut text = Text::default();
        text.push("SELECT COUNT(*), SUM(CASE WHEN 1 = 1");
        search.probes(&mut text);
        text.push(" THEN 1 ELSE 0 END) FROM providers p WHERE ");
        for i in 0..STRETCHES {
            let from = least + span / STRETCHES * i;
            text.push(if i == 0 {
                "(p.npi >= "
            } else {
                " OR (p.npi >= "
            });
            text.value(from);
            text.push(" AND p.npi < ");
            text.value(from + width);
            text.push(")");
        }
        let Some(row) = self.first(text.sql, text.params).await? else {
            return Ok(0);
        };
        let (seen, hits) = (row.count(0)?.max(1), row.count(1)?);
        Ok(hits.saturating_mul(all) / seen)
    }

    pub(crate) async fn scalar(&self, text: Text) -> Result<u64, Error> {
        match self.first(text.sql, text.params).await? {
            Some(row) => row.count(0),
            None => Ok(0),
        }
    }
}

/// The set that should drive, or none where walking the index of the order is cheaper: until the
/// page is full, one in `all / matches` providers is a hit.
fn driver(search: &Search<'_>, outlook: Outlook, limit: u32) -> Option<usize> {
    let (smallest, place) = outlook.smallest?;
    if limit == ANY_ORDER {
        return Some(place);
    }
    #[expect(clippy::cast_precision_loss, reason = "a guess")]
    let (smallest, all, sets) = (
        smallest as f64,
        outlook.all as f64,
        search.sets.len() as f64,
    );
    // A row of a listed set is fetched from anywhere, tested and sorted; the index of an order
    // is walked from provider to provider, each of which is fetched from anywhere as well.
    let listing = smallest * (sets + 0.5);
    let walking = (all * f64::from(limit) / outlook.matches.max(1.0)).min(all) * (sets + 0.5);
    (listing <= walking).then_some(place)
}
