//! Lists and counts of leads.

use canvass_model::{
    Activity, Cursor, Lead, LeadFilter, LeadSort, LeadStatus, Npi, Page, PageRequest, Total,
};
use jiff::Timestamp;

use super::{ACTIVITY, COLUMNS, lead_columns, read_activity, read_lead, read_status, select_leads};
use crate::{
    Error, Store,
    backend::Engine,
    search::{Search, Text},
    value::{Value, params, time_text},
};

/// With fewer leads than this, looking at all of them is quicker than going along an order.
const FEW: i64 = 20_000;

/// What a list of leads goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drive {
    /// The leads that have the status and owner.
    Leads,
    /// All leads in the wanted order, of which many have the status and owner.
    Order,
    /// The small set of providers that the filter names.
    Providers,
    /// All providers by name, of which many are leads.
    Names,
}

/// Writes `FROM ... WHERE ...` with the leads `l` of a filter and their providers `p`.
pub(super) fn sources(text: &mut Text, filter: &LeadFilter, search: &Search<'_>, drive: Drive) {
    match (drive, search.engine()) {
        // CROSS JOIN keeps SQLite's planner from turning the order around.
        (Drive::Leads | Drive::Order, _) => text.push(" FROM leads l CROSS JOIN providers p"),
        (Drive::Names, _) => text.push(" FROM providers p CROSS JOIN leads l"),
        (Drive::Providers, Engine::Sqlite) => {
            text.push(" FROM (SELECT p.*");
            search.sources(text);
            text.push(") p CROSS JOIN leads l");
        }
        // OFFSET 0 keeps PostgreSQL's from taking a few providers for many.
        (Drive::Providers, Engine::Postgres) => {
            text.push(" FROM (SELECT p.*");
            search.sources(text);
            text.push(
                " OFFSET 0) p CROSS JOIN LATERAL \
                 (SELECT * FROM leads x WHERE x.npi = p.npi OFFSET 0) l",
            );
        }
    }
    text.push(" LEFT JOIN users u ON u.id = l.owner_id WHERE l.npi = p.npi");
    if drive != Drive::Providers {
        search.probes(text);
    }
    // SQLite would rather use an index of the status and sort than go along the order.
    let plain = search.engine() == Engine::Postgres || drive == Drive::Leads;
    lead_conditions(text, filter, plain);
}

/// Conditions on the lead itself. If not `plain`, they are written so that no index answers them.
pub(super) fn lead_conditions(text: &mut Text, filter: &LeadFilter, plain: bool) {
    let (status, owner) = if plain {
        ("l.status", "l.owner_id")
    } else {
        ("COALESCE(l.status, '')", "COALESCE(l.owner_id, '')")
    };
    if !filter.status.is_empty() {
        text.push(&format!(" AND {status} IN "));
        text.values(filter.status.iter().map(|s| s.as_str()));
    }
    match filter.owner.as_deref() {
        None => {}
        Some("") if plain => text.push(" AND l.owner_id IS NULL"),
        Some(id) => {
            text.push(&format!(" AND {owner} = "));
            text.value(id);
        }
    }
}

/// What a list of many leads goes along.
fn along(filter: &LeadFilter, sort: LeadSort) -> Drive {
    match (sort, filter.status.len(), &filter.owner) {
        (LeadSort::Name, ..) => Drive::Names,
        // These indexes have the leads of one status, and of one owner, in this order.
        (LeadSort::Updated, 1, None) | (LeadSort::Updated, 0, Some(_)) => Drive::Leads,
        _ => Drive::Order,
    }
}

impl Store {
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
        let search = self.plan(&filter.provider, page.limit).await?;
        let drive = if search.is_driven() {
            Drive::Providers
        } else if self.has_few_leads(filter).await? {
            Drive::Leads
        } else {
            along(filter, sort)
        };
        let (column, descending) = match sort {
            LeadSort::Updated => ("l.updated_at", true),
            LeadSort::Created => ("l.created_at", true),
            LeadSort::Name => ("p.sort_name", false),
        };
        let mut text = Text::default();
        text.push(&format!("SELECT {}, {column}", lead_columns()));
        sources(&mut text, filter, &search, drive);
        if let Some(after) = &page.after {
            let key: Value = match sort {
                LeadSort::Name => (&after.key).into(),
                LeadSort::Updated | LeadSort::Created => after
                    .key
                    .parse::<Timestamp>()
                    .map_err(|_| Error::Cursor)?
                    .into(),
            };
            let beyond = if descending { "<" } else { ">" };
            text.push(&format!(" AND ({column}, l.npi) {beyond} ("));
            text.value(key);
            text.push(", ");
            text.value(after.npi);
            text.push(")");
        }
        let direction = if descending { "DESC" } else { "ASC" };
        text.push(&format!(
            " ORDER BY {column} {direction}, l.npi {direction} LIMIT "
        ));
        text.value(i64::from(page.limit) + 1);
        let rows = self.query(text.sql, text.params).await?;
        let wanted = page.limit as usize;
        let items = rows
            .iter()
            .take(wanted)
            .map(read_lead)
            .collect::<Result<Vec<_>, _>>()?;
        let next = match rows.get(wanted.saturating_sub(1)) {
            Some(last) if rows.len() > wanted => Some(Cursor {
                key: match sort {
                    LeadSort::Name => last.text(COLUMNS)?,
                    LeadSort::Updated | LeadSort::Created => time_text(last.time(COLUMNS)?),
                },
                npi: last.npi(0)?,
            }),
            _ => None,
        };
        Ok(Page { items, next })
    }

    /// Whether few leads have the status and owner.
    async fn has_few_leads(&self, filter: &LeadFilter) -> Result<bool, Error> {
        let mut text = Text::default();
        text.push("SELECT COUNT(*) FROM (SELECT 1 FROM leads l WHERE 1 = 1");
        lead_conditions(&mut text, filter, true);
        text.push(" LIMIT ");
        text.value(FEW);
        text.push(") x");
        Ok(self.scalar(text).await? < FEW.unsigned_abs())
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
        let search = self.plan_all(&filter.provider).await?;
        let mut probes = Text::default();
        search.probes(&mut probes);
        let mut text = Text::default();
        text.push("SELECT l.status, COUNT(*)");
        if probes.sql.is_empty() {
            // Nothing is asked of the provider, so the leads alone answer.
            text.push(" FROM leads l WHERE 1 = 1");
            lead_conditions(&mut text, filter, true);
        } else {
            let drive = if search.is_driven() {
                Drive::Providers
            } else {
                Drive::Leads
            };
            sources(&mut text, filter, &search, drive);
        }
        text.push(" GROUP BY l.status");
        let rows = self.query(text.sql, text.params).await?;
        let found = rows
            .iter()
            .map(|row| Ok((read_status(row, 0)?, row.count(1)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(LeadStatus::ALL
            .into_iter()
            .map(|status| {
                let count = found.iter().find(|(s, _)| *s == status);
                (status, count.map_or(0, |(_, count)| *count))
            })
            .collect())
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
