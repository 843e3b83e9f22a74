//! Lists and counts of leads.

use std::{collections::HashMap, sync::Arc};

use canvass_model::{
    Activity, Cursor, Lead, LeadFilter, LeadSort, LeadStatus, Npi, Page, PageRequest,
    ProviderFilter, Total,
};
use jiff::Timestamp;
use roaring::RoaringBitmap;

use super::{ACTIVITY, COLUMNS, ID, LEAD, read_activity, read_lead, read_status, select_leads};
use crate::{
    Error, Store,
    backend::listed,
    index::{self, Order, Question, Step, read_id},
    search::Text,
    value::{Row, Value, params, time_text},
};

/// So many leads are looked at by themselves rather than along an order of all.
const FEW: usize = 5_000;
/// Leads that are counted or looked at together.
const TOGETHER: usize = 20_000;
/// Leads of an order that are tested at a time.
const STRETCH: u32 = 1_000;

/// Conditions on the lead itself.
pub(super) fn lead_conditions(text: &mut Text, filter: &LeadFilter) {
    if !filter.status.is_empty() {
        text.push(" AND l.status IN ");
        text.values(filter.status.iter().map(|s| s.as_str()));
    }
    match filter.owner.as_deref() {
        None => {}
        Some("") => text.push(" AND l.owner_id IS NULL"),
        Some(id) => {
            text.push(" AND l.owner_id = ");
            text.value(id);
        }
    }
}

/// What a page of leads by time is asked for with.
struct ByTime<'a> {
    filter: &'a LeadFilter,
    column: &'static str,
    after: Option<(Timestamp, Npi)>,
}

impl Store {
    /// The statuses of those of these providers that are leads.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lead_statuses(&self, npis: &[Npi]) -> Result<HashMap<Npi, LeadStatus>, Error> {
        let among = self.engine().among("npi", "$1");
        let sql = format!("SELECT npi, status FROM leads WHERE {among}");
        let group = listed(npis.iter().map(|npi| npi.as_i64()));
        let rows = self.query(crate::Sql::kept(sql), vec![group]).await?;
        let statuses = rows
            .iter()
            .map(|row| Ok((row.npi(0)?, read_status(row, 1)?)));
        statuses.collect()
    }

    /// One page of leads.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the database fails.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        sort: LeadSort,
        page: &PageRequest,
    ) -> Result<Page<Lead>, Error> {
        self.repeat(|| self.leads_once(filter, sort, page)).await
    }

    async fn leads_once(
        &self,
        filter: &LeadFilter,
        sort: LeadSort,
        page: &PageRequest,
    ) -> Result<Page<Lead>, Error> {
        let state = self.index_state().await?;
        let ids = self.ids_of_leads(&filter.provider).await?;
        let is_narrowed = ids.is_some();
        let wanted = page.limit as usize;
        let mut leads = match sort {
            LeadSort::Name => {
                let ids = match ids {
                    Some(ids) => ids,
                    None => RoaringBitmap::clone(&*self.lead_ids().await?),
                };
                self.leads_by_name(filter, ids, page).await?
            }
            LeadSort::Updated | LeadSort::Created => {
                let after = page.after.as_ref().map(|after| {
                    let time = after.key.parse().map_err(|_| Error::Cursor)?;
                    Ok::<_, Error>((time, after.npi))
                });
                let by_time = ByTime {
                    filter,
                    column: if sort == LeadSort::Updated {
                        "l.updated_at"
                    } else {
                        "l.created_at"
                    },
                    after: after.transpose()?,
                };
                self.leads_by_time(by_time, ids, wanted + 1).await?
            }
        };
        // What was written after the index was asked may no longer be what it is listed as.
        let npis = leads.iter().map(|(lead, _)| lead.id);
        if is_narrowed && !self.npis_unchanged_since(state, npis).await? {
            return Err(Error::IndexMoved);
        }
        let more = leads.len() > wanted;
        leads.truncate(wanted);
        let next = leads.last().filter(|_| more).map(|(lead, name)| {
            match sort {
                LeadSort::Name => name.clone(),
                LeadSort::Updated => Some(time_text(lead.updated_at)),
                LeadSort::Created => Some(time_text(lead.created_at)),
            }
            .map(|key| Cursor { key, npi: lead.id })
        });
        Ok(Page {
            next: next.flatten(),
            items: leads.into_iter().map(|(lead, _)| lead).collect(),
        })
    }

    /// The ids of the leads whose providers a filter has; nothing when it has every one.
    pub(super) async fn ids_of_leads(
        &self,
        filter: &ProviderFilter,
    ) -> Result<Option<RoaringBitmap>, Error> {
        if *filter == LeadFilter::all().provider {
            return Ok(None);
        }
        let ids = self.matching(filter).await?.ids();
        Ok(Some(ids & &*self.lead_ids().await?))
    }

    async fn leads_by_time(
        &self,
        mut by: ByTime<'_>,
        ids: Option<RoaringBitmap>,
        count: usize,
    ) -> Result<Vec<(Lead, Option<String>)>, Error> {
        let few = ids.as_ref().is_some_and(|ids| ids.len() <= FEW as u64);
        if ids.is_none() || few {
            let rows = self.stretch(&by, ids.as_ref(), count).await?;
            return rows.iter().map(|row| Ok((read_lead(row)?, None))).collect();
        }
        let ids = ids.unwrap_or_default();
        let mut leads = Vec::with_capacity(count);
        loop {
            let rows = self.stretch(&by, None, STRETCH as usize).await?;
            for row in &rows {
                if ids.contains(read_id(row, ID)?) {
                    leads.push((read_lead(row)?, None));
                    if leads.len() == count {
                        return Ok(leads);
                    }
                }
            }
            match rows.last() {
                Some(last) if rows.len() == STRETCH as usize => {
                    by.after = Some((last.time(COLUMNS)?, last.npi(0)?));
                }
                _ => return Ok(leads),
            }
        }
    }

    /// The next leads by time, with the time in the last column.
    async fn stretch(
        &self,
        by: &ByTime<'_>,
        ids: Option<&RoaringBitmap>,
        count: usize,
    ) -> Result<Vec<Row>, Error> {
        let column = by.column;
        let mut text = Text::default();
        // CROSS JOIN keeps SQLite's planner from turning the order around.
        let from = if ids.is_some() {
            "providers p CROSS JOIN leads l"
        } else {
            "leads l CROSS JOIN providers p"
        };
        text.push(&format!(
            "SELECT {LEAD}, {column} FROM {from} LEFT JOIN users u ON u.id = l.owner_id
             WHERE l.npi = p.npi"
        ));
        if let Some(ids) = ids {
            text.push(" AND ");
            text.params.push(listed(ids.iter().map(i64::from)));
            let place = format!("${}", text.params.len());
            text.push(&self.engine().among("p.id", &place));
        }
        lead_conditions(&mut text, by.filter);
        if let Some((time, npi)) = by.after {
            text.push(&format!(" AND ({column}, l.npi) < ("));
            text.value(time);
            text.push(", ");
            text.value(npi);
            text.push(")");
        }
        text.push(&format!(" ORDER BY {column} DESC, l.npi DESC LIMIT "));
        text.value(i64::try_from(count).unwrap_or(i64::MAX));
        self.query(text.sql, text.params).await
    }

    /// Leads in the order of their providers' names, each with the key of its place.
    async fn leads_by_name(
        &self,
        filter: &LeadFilter,
        mut ids: RoaringBitmap,
        page: &PageRequest,
    ) -> Result<Vec<(Lead, Option<String>)>, Error> {
        let sort = Order::Name;
        let after = match &page.after {
            Some(cursor) => Some(index::standing(cursor, sort).ok_or(Error::Cursor)?),
            None => None,
        };
        let count = page.limit as usize + 1;
        let conditioned = !filter.status.is_empty() || filter.owner.is_some();
        if conditioned && let Some(few) = self.few_leads(filter).await? {
            ids &= few;
        }
        let question = Question::Ids(Arc::new(ids));
        let mut walk = self.ask(&question).await?.walk(sort, after);
        let mut leads = Vec::with_capacity(count);
        let mut stretch = count;
        while leads.len() < count {
            let steps = walk.next(self, stretch).await?;
            if steps.is_empty() {
                break;
            }
            let mut found = self.leads_of(filter, steps.iter().map(Step::npi)).await?;
            for step in &steps {
                if let Some(lead) = found.remove(&step.npi()) {
                    leads.push((lead, Some(step.cursor(sort).key)));
                }
            }
            // Where few of them pass, more are looked at.
            stretch = (stretch * 2).min(FEW);
        }
        leads.truncate(count);
        Ok(leads)
    }

    /// The leads of some providers that meet the conditions on the lead.
    async fn leads_of(
        &self,
        filter: &LeadFilter,
        npis: impl Iterator<Item = Npi>,
    ) -> Result<HashMap<Npi, Lead>, Error> {
        let mut text = Text::default();
        text.push(&select_leads());
        text.push(" AND ");
        text.params.push(listed(npis.map(Npi::as_i64)));
        text.push(&self.engine().among("l.npi", "$1"));
        lead_conditions(&mut text, filter);
        let rows = self.query(text.sql, text.params).await?;
        rows.iter()
            .map(|row| Ok((row.npi(0)?, read_lead(row)?)))
            .collect()
    }

    /// The ids of the leads that meet the conditions on the lead, if they are few.
    async fn few_leads(&self, filter: &LeadFilter) -> Result<Option<RoaringBitmap>, Error> {
        let mut text = Text::default();
        text.push("SELECT p.id FROM leads l CROSS JOIN providers p WHERE p.npi = l.npi");
        lead_conditions(&mut text, filter);
        text.push(" LIMIT ");
        text.value(Value::from(i64::try_from(TOGETHER).unwrap_or(i64::MAX)));
        let rows = self.query(text.sql, text.params).await?;
        if rows.len() == TOGETHER {
            return Ok(None);
        }
        rows.iter()
            .map(|row| read_id(row, 0))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// How many leads a filter has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_leads(&self, filter: &LeadFilter) -> Result<Total, Error> {
        let counts = self.lead_counts(filter).await?;
        Ok(Total {
            count: counts.iter().map(|(_, count)| count).sum(),
            exact: true,
        })
    }

    /// How many leads of a filter have each status; every status once, in the order of the work.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lead_counts(&self, filter: &LeadFilter) -> Result<Vec<(LeadStatus, u64)>, Error> {
        self.repeat(|| self.lead_counts_once(filter)).await
    }

    async fn lead_counts_once(&self, filter: &LeadFilter) -> Result<Vec<(LeadStatus, u64)>, Error> {
        let mut counts: Vec<(LeadStatus, u64)> =
            LeadStatus::ALL.into_iter().map(|s| (s, 0)).collect();
        let mut add = |rows: Vec<Row>| -> Result<(), Error> {
            for row in &rows {
                let status = read_status(row, 0)?;
                let count = row.count(1)?;
                if let Some(known) = counts.iter_mut().find(|(s, _)| *s == status) {
                    known.1 += count;
                }
            }
            Ok(())
        };
        let Some(ids) = self.ids_of_leads(&filter.provider).await? else {
            let mut text = Text::default();
            text.push("SELECT l.status, COUNT(*) FROM leads l WHERE 1 = 1");
            lead_conditions(&mut text, filter);
            text.push(" GROUP BY l.status");
            add(self.query(text.sql, text.params).await?)?;
            return Ok(counts);
        };
        let mut ids = ids.iter();
        loop {
            let group: Vec<u32> = ids.by_ref().take(TOGETHER).collect();
            if group.is_empty() {
                return Ok(counts);
            }
            let mut text = Text::default();
            text.push("SELECT l.status, COUNT(*) FROM providers p CROSS JOIN leads l WHERE ");
            text.params.push(listed(group.into_iter().map(i64::from)));
            text.push(&self.engine().among("p.id", "$1"));
            text.push(" AND l.npi = p.npi");
            lead_conditions(&mut text, filter);
            text.push(" GROUP BY l.status");
            add(self.query(text.sql, text.params).await?)?;
        }
    }

    /// One lead.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lead(&self, npi: Npi) -> Result<Option<Lead>, Error> {
        let sql = format!("{} AND l.npi = $1", select_leads());
        let row = self.first(crate::Sql::kept(sql), params![npi]).await?;
        row.as_ref().map(read_lead).transpose()
    }

    /// The latest entries of a lead's timeline, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn activities(&self, npi: Npi, limit: u32) -> Result<Vec<Activity>, Error> {
        let sql = format!(
            "SELECT {ACTIVITY} FROM activities a LEFT JOIN users u ON u.id = a.user_id
             WHERE a.npi = $1 ORDER BY a.at DESC, a.id DESC LIMIT $2"
        );
        let rows = self
            .query(crate::Sql::kept(sql), params![npi, limit])
            .await?;
        rows.iter().map(read_activity).collect()
    }
}
