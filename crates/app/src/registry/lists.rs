//! The order of the latest queries, kept while the database is unchanged.
//!
//! Who pulls from the endpoint asks the same query again and again with another `skip`. Its whole
//! order is found with the work of one page, so it is kept: the next page is a slice of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as PlainMutex, PoisonError},
};

use canvass_model::{Npi, Provider};
use canvass_store::{ChangeWatch, RegistryQuery, Store};
use tokio::sync::Mutex;

use crate::Error;

/// Queries that are kept.
const QUERIES: usize = 64;
/// NPIs that are kept over all queries.
const NPIS: usize = 200_000;
/// Most NPIs of one query. Pages behind them are found one by one.
const OF_ONE: u64 = 50_000;
/// What is fetched of a query at first; each further time it is twice as much.
const AT_FIRST: u64 = 4_096;

pub(super) struct Lists {
    watch: ChangeWatch,
    kept: PlainMutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<RegistryQuery, Entry>,
    uses: u64,
}

struct Entry {
    /// Held while the list is fetched, so that requests for one query wait for one of them.
    list: Arc<Mutex<List>>,
    last_used: u64,
    size: usize,
}

#[derive(Default)]
struct List {
    /// The database that it was read from; empty before it was.
    version: String,
    npis: Vec<Npi>,
    /// Whether nothing comes after them.
    whole: bool,
}

impl List {
    /// The page, if it lies within what is known.
    fn page(&self, limit: u64, skip: u64) -> Option<Vec<Npi>> {
        let all = self.npis.len() as u64;
        let end = skip.saturating_add(limit);
        if end > all && !self.whole {
            return None;
        }
        let place = |n: u64| usize::try_from(n.min(all)).unwrap_or(self.npis.len());
        Some(self.npis[place(skip)..place(end)].to_vec())
    }
}

impl Lists {
    pub(super) fn new(watch: ChangeWatch) -> Self {
        Self {
            watch,
            kept: PlainMutex::default(),
        }
    }

    /// One page of a query, as [`Store::registry_query`] gives it.
    pub(super) async fn page(
        &self,
        store: &Store,
        query: &RegistryQuery,
        limit: u64,
        skip: u64,
    ) -> Result<Vec<Provider>, Error> {
        if skip.saturating_add(limit) <= OF_ONE {
            let (version, npis) = self.npis(store, query, limit, skip).await?;
            let page = store.records(&npis).await?;
            // Who was written after the list was read may no longer be what is asked for.
            if self.watch.version().await? == version {
                return Ok(page);
            }
        }
        Ok(store.registry_query(query, limit, skip).await?)
    }

    /// The NPIs of one page, and the version of the database that they were read from.
    async fn npis(
        &self,
        store: &Store,
        query: &RegistryQuery,
        limit: u64,
        skip: u64,
    ) -> Result<(String, Vec<Npi>), Error> {
        let end = skip.saturating_add(limit);
        let shared = self.list_of(query);
        let mut list = shared.lock().await;
        // Looked at before the list is read: what is committed in between makes the list newer
        // than its version, and it is read again.
        let version = self.watch.version().await?;
        if list.version != version {
            *list = List::default();
        }
        if let Some(page) = list.page(limit, skip) {
            return Ok((version, page));
        }
        let mut wanted = AT_FIRST;
        while wanted < end {
            wanted *= 2;
        }
        let wanted = wanted.min(OF_ONE);
        let npis = store.registry_npis(query, wanted, 0).await?;
        *list = List {
            version: version.clone(),
            whole: (npis.len() as u64) < wanted,
            npis,
        };
        let page = list.page(limit, skip).unwrap_or_default();
        self.measured(query, &shared, list.npis.len());
        Ok((version, page))
    }

    fn list_of(&self, query: &RegistryQuery) -> Arc<Mutex<List>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        if let Some(entry) = kept.entries.get_mut(query) {
            entry.last_used = now;
            return entry.list.clone();
        }
        let list = Arc::new(Mutex::default());
        kept.entries.insert(
            query.clone(),
            Entry {
                list: Arc::clone(&list),
                last_used: now,
                size: 0,
            },
        );
        kept.shrink();
        list
    }

    /// Notes how long a list is.
    fn measured(&self, query: &RegistryQuery, list: &Arc<Mutex<List>>, size: usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have been dropped meanwhile, and begun anew.
        if let Some(entry) = kept.entries.get_mut(query)
            && Arc::ptr_eq(&entry.list, list)
        {
            entry.size = size;
        }
        kept.shrink();
    }
}

impl Kept {
    /// Drops the lists that were not used for longest until the rest is within bounds.
    fn shrink(&mut self) {
        let mut size: usize = self.entries.values().map(|e| e.size).sum();
        while self.entries.len() > QUERIES || size > NPIS {
            let oldest = self.entries.iter().min_by_key(|(_, e)| e.last_used);
            let Some(query) = oldest.map(|(query, _)| query.clone()) else {
                break;
            };
            size -= self.entries.remove(&query).map_or(0, |e| e.size);
        }
    }
}
