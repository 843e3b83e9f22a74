//! The parts of a search that the index does not know: leads, syncs, changes, whose practice it is.

use std::sync::Arc;

use canvass_model::{LeadPresence, LeadStatus, ProviderFilter};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use roaring::RoaringBitmap;

use super::Text;
use crate::{
    Error, Store,
    index::{self, Question, read_id},
    value::params,
};

impl Store {
    /// What a filter asks beside what is in the records.
    pub(super) async fn beside(&self, filter: &ProviderFilter) -> Result<Vec<Question>, Error> {
        let mut all = Vec::new();
        let ids = |ids: RoaringBitmap| Question::Ids(Arc::new(ids));
        if let Some(run) = &filter.sync {
            all.push(ids(self.found_by(run).await?));
        }
        match filter.lead {
            Some(LeadPresence::Yes) => all.push(Question::Ids(self.lead_ids().await?)),
            Some(LeadPresence::No) => {
                let leads = Question::Ids(self.lead_ids().await?);
                all.push(Question::Not(Box::new(leads)));
            }
            None => {}
        }
        if !filter.lead_status.is_empty() || filter.lead_owner.is_some() {
            let leads = self.leads_like(&filter.lead_status, filter.lead_owner.as_deref());
            all.push(ids(leads.await?));
        }
        if filter.changed_since.is_some() || filter.changed_field.is_some() {
            let changed = self.changed(filter.changed_since, filter.changed_field.as_deref());
            all.push(Question::Ids(changed.await?));
        }
        if let Some(npi) = filter.same_practice {
            let known = self.provider(npi).await?;
            let same = known.map(|known| index::same_practice(&known.provider));
            // It is at its own practice, wherever that is.
            all.push(Question::Any(
                same.into_iter().chain([Question::Number(npi)]).collect(),
            ));
        }
        Ok(all)
    }

    /// The ids of what a sync found.
    async fn found_by(&self, run: &str) -> Result<RoaringBitmap, Error> {
        let rows = self
            .query(
                "SELECT DISTINCT p.id FROM sync_results s JOIN providers p ON p.npi = s.npi
                 WHERE s.run_id = $1",
                params![run],
            )
            .await?;
        rows.iter().map(|row| read_id(row, 0)).collect()
    }

    /// The ids of leads of some statuses and of an owner; the empty one is nobody.
    async fn leads_like(
        &self,
        statuses: &[LeadStatus],
        owner: Option<&str>,
    ) -> Result<RoaringBitmap, Error> {
        let sets = self.lead_sets().await?;
        let mut ids = if statuses.is_empty() {
            RoaringBitmap::clone(sets.all())
        } else {
            sets.of_status(statuses)
        };
        match owner {
            None => {}
            Some("") => ids &= sets.without_owner(),
            Some(owner) => ids &= sets.of_owner(owner),
        }
        Ok(ids)
    }

    /// The ids of what has changed since a day began, in a field or in all below it.
    async fn changed(
        &self,
        since: Option<Date>,
        field: Option<&str>,
    ) -> Result<Arc<RoaringBitmap>, Error> {
        let key = (self.index_state().await?, since, field.map(str::to_owned));
        if let Some(known) = self.index().changed.get(&key) {
            return Ok(known);
        }
        let since = since.map_or(Timestamp::UNIX_EPOCH, beginning);
        let mut text = Text::default();
        text.push(
            "SELECT DISTINCT p.id FROM changes c JOIN providers p ON p.npi = c.npi
             WHERE c.at >= ",
        );
        text.value(since);
        if let Some(field) = field {
            text.push(" AND (c.field = ");
            text.value(field);
            // What begins with the field and a full stop, after which comes a slash.
            text.push(" OR c.field >= ");
            text.value(format!("{field}."));
            text.push(" AND c.field < ");
            text.value(format!("{field}/"));
            text.push(")");
        }
        let rows = self.query(text.sql, text.params).await?;
        let ids: Result<RoaringBitmap, Error> = rows.iter().map(|row| read_id(row, 0)).collect();
        let ids = Arc::new(ids?);
        self.index().changed.insert(key, ids.clone());
        Ok(ids)
    }
}

/// When a day begins, as both engines can compare it. Nothing has changed before 1970, and the last
/// day that there is begins after the last moment.
fn beginning(day: Date) -> Timestamp {
    let begins = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0));
    let otherwise = if day.year() < 1970 {
        Timestamp::UNIX_EPOCH
    } else {
        Timestamp::MAX
    };
    begins.unwrap_or(otherwise).max(Timestamp::UNIX_EPOCH)
}
