//! Which providers are leads, of which status and whose, as sets of ids.
//!
//! Each write of a lead that changes one of these takes a number, `batch`, whose order is that of
//! the commits. Whoever searches reads the leads with a later number than they know of.

use std::{collections::HashMap, sync::Arc};

use canvass_model::{LeadStatus, Npi};
use roaring::RoaringBitmap;

use super::read_id;
use crate::{Error, Store, backend::listed, value::params};

/// Leads that are read together.
const BATCH: i64 = 20_000;

/// The leads of a database, as far as they were read.
#[derive(Clone, Default)]
pub(crate) struct LeadSets {
    epoch: i64,
    upto: i64,
    all: Arc<RoaringBitmap>,
    /// In the order of [`LeadStatus::ALL`].
    by_status: [Arc<RoaringBitmap>; LeadStatus::ALL.len()],
    by_owner: HashMap<String, Arc<RoaringBitmap>>,
}

impl LeadSets {
    /// All leads.
    pub(crate) fn all(&self) -> &Arc<RoaringBitmap> {
        &self.all
    }

    /// Those of one of some statuses.
    pub(crate) fn of_status(&self, statuses: &[LeadStatus]) -> RoaringBitmap {
        let sets = LeadStatus::ALL.iter().zip(&self.by_status);
        let wanted = sets.filter(|(status, _)| statuses.contains(status));
        wanted.fold(RoaringBitmap::new(), |all, (_, set)| all | &**set)
    }

    /// Those of an owner.
    pub(crate) fn of_owner(&self, owner: &str) -> RoaringBitmap {
        let set = self.by_owner.get(owner);
        set.map_or_else(RoaringBitmap::new, |set| RoaringBitmap::clone(set))
    }

    /// Those that nobody owns.
    pub(crate) fn without_owner(&self) -> RoaringBitmap {
        let mut ids = RoaringBitmap::clone(&self.all);
        for set in self.by_owner.values() {
            ids -= &**set;
        }
        ids
    }

    fn put(&mut self, id: u32, status: LeadStatus, owner: Option<String>) {
        if self.all.contains(id) {
            let sets = self.by_status.iter_mut().chain(self.by_owner.values_mut());
            for set in sets.filter(|set| set.contains(id)) {
                Arc::make_mut(set).remove(id);
            }
        } else {
            Arc::make_mut(&mut self.all).insert(id);
        }
        let sets = LeadStatus::ALL.into_iter().zip(&mut self.by_status);
        for (_, set) in sets.filter(|(of, _)| *of == status) {
            Arc::make_mut(set).insert(id);
        }
        if let Some(owner) = owner {
            Arc::make_mut(self.by_owner.entry(owner).or_default()).insert(id);
        }
    }
}

impl Store {
    /// The leads as they are now.
    pub(crate) async fn lead_sets(&self) -> Result<Arc<LeadSets>, Error> {
        let mut known = self.index().leads.lock().await;
        let state = self.index_state().await?;
        let is_current = |sets: &LeadSets| sets.epoch == state.epoch && sets.upto <= state.leads;
        let mut sets = match known.take() {
            Some(sets) if is_current(&sets) => sets,
            _ => Arc::new(LeadSets {
                epoch: state.epoch,
                ..LeadSets::default()
            }),
        };
        if sets.upto < state.leads {
            let new = Arc::make_mut(&mut sets);
            self.read_leads(new).await?;
            // What was written meanwhile is read again the next time.
            new.upto = state.leads;
        }
        *known = Some(sets.clone());
        Ok(sets)
    }

    async fn read_leads(&self, sets: &mut LeadSets) -> Result<(), Error> {
        let mut after = (sets.upto, i64::MAX);
        loop {
            let rows = self
                .query(
                    "SELECT p.id, l.status, l.owner_id, l.batch, l.npi
                     FROM leads l JOIN providers p ON p.npi = l.npi
                     WHERE (l.batch, l.npi) > ($1, $2) ORDER BY l.batch, l.npi LIMIT $3",
                    params![after.0, after.1, BATCH],
                )
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = (last.int(3)?, last.int(4)?);
            for row in &rows {
                let status = row.word(1, |text| text.parse().ok())?;
                sets.put(read_id(row, 0)?, status, row.text_opt(2)?);
            }
        }
    }

    /// Whether some providers are leads, or none, as they were when a number of leads was read:
    /// none of them became one, or got another status or owner.
    pub(crate) async fn leads_unchanged_since(
        &self,
        number: i64,
        npis: impl Iterator<Item = Npi>,
    ) -> Result<bool, Error> {
        if self.index_state().await?.leads == number {
            return Ok(true);
        }
        let among = self.engine().among("npi", "$1");
        let sql = format!("SELECT 1 FROM leads WHERE {among} AND batch > $2 LIMIT 1");
        let npis = listed(npis.map(Npi::as_i64));
        let moved = self
            .first(crate::Sql::kept(sql), vec![npis, number.into()])
            .await?;
        Ok(moved.is_none())
    }

    /// The ids of all providers that are leads.
    pub(crate) async fn lead_ids(&self) -> Result<Arc<RoaringBitmap>, Error> {
        Ok(self.lead_sets().await?.all().clone())
    }
}
