//! Search over providers: pages of an order, and counts.

mod among;
mod facets;
mod tiers;

use canvass_model::{
    Address, Cursor, Npi, Page, PageRequest, PlaceOf, Provider, ProviderFilter, ProviderSort,
    ProviderSummary, Total,
};
use roaring::RoaringBitmap;

use crate::{
    Error, Store,
    backend::listed,
    index::{self, Answer, Held, Order, Question, State, read_provider},
    value::Value,
};

/// Characters of a postal code that the index knows.
const POSTAL: usize = 5;
/// Providers that are read at a time to look closer than the index can.
const CLOSER: usize = 5_000;

/// Text with parameters, numbered in the order of their use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
}

impl Text {
    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    pub(crate) fn value(&mut self, value: impl Into<Value>) {
        self.params.push(value.into());
        let place = format!("${}", self.params.len());
        self.sql.push_str(&place);
    }

    pub(crate) fn values<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) {
        self.push("(");
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                self.push(",");
            }
            self.value(value);
        }
        self.push(")");
    }
}

/// What is left to be read of all that a search finds.
#[derive(Clone, Debug)]
pub struct Whole {
    filter: ProviderFilter,
    /// As of when it was looked for.
    state: State,
    /// The number of leads then, where the search asks for it.
    leads: Option<i64>,
    /// The id that was read last.
    after: Option<u32>,
    left: RoaringBitmap,
}

/// How often a search is made before the one who asked is told that the index keeps moving.
const TRIES: u32 = 10;

/// The row of a list for a provider.
pub(crate) fn summary(held: Held) -> ProviderSummary {
    let p = held.provider;
    let name = p.display_name();
    let taxonomy = p.primary_taxonomy().map(|t| t.code.clone());
    let phone = p.phone().cloned();
    let practice = p.practice.unwrap_or_default();
    ProviderSummary {
        npi: p.npi,
        entity: p.entity,
        name,
        credential: p.name.credential,
        taxonomy,
        city: practice.city,
        state: practice.state,
        postal_code: practice.postal_code,
        phone,
        enumerated_on: p.enumerated_on,
        updated_on: p.updated_on,
        status: p.status,
        lead: held.lead,
    }
}

impl Store {
    /// One page of a search.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the database fails.
    pub async fn search(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<Page<ProviderSummary>, Error> {
        Ok(self.search_counted(filter, sort, page).await?.0)
    }

    /// One page of a search, and how many providers the search has at the same moment.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the database fails.
    pub async fn search_counted(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<(Page<ProviderSummary>, Total), Error> {
        let (held, next, count) = self.search_held(filter, sort, page).await?;
        let items = held.into_iter().map(summary).collect();
        Ok((Page { items, next }, Total { count, exact: true }))
    }

    /// One page of a search, with whole records.
    ///
    /// # Errors
    /// [`Error::Cursor`], or when the database fails.
    pub async fn search_records(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<Page<Provider>, Error> {
        let (held, next, _) = self.search_held(filter, sort, page).await?;
        let items = held.into_iter().map(|held| held.provider).collect();
        Ok(Page { items, next })
    }

    /// Makes a search again, as a whole, when segments were replaced while it went on or rows of it
    /// were written before they were read.
    pub(crate) async fn repeat<T, F>(&self, search: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            match search().await {
                Err(Error::IndexMoved) if tries < TRIES => {}
                done => return done,
            }
        }
    }

    async fn search_held(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<(Vec<Held>, Option<Cursor>, u64), Error> {
        self.repeat(|| self.search_once(filter, sort, page)).await
    }

    async fn search_once(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<(Vec<Held>, Option<Cursor>, u64), Error> {
        let leads = self.number_of_leads(filter).await?;
        let answer = self.matching_once(filter).await?;
        let (state, count) = (answer.state, answer.len());
        let (held, next) = self.page_of(answer, filter, sort, page).await?;
        // What was written after the index was asked may no longer be what it is listed as.
        let ids: Vec<u32> = held.iter().map(|held| held.id).collect();
        let npis = held.iter().map(|held| held.provider.npi);
        if self.unchanged_since(state, &ids).await? && self.same_leads(leads, npis).await? {
            Ok((held, next, count))
        } else {
            Err(Error::IndexMoved)
        }
    }

    /// The number of leads, where a filter asks for leads.
    async fn number_of_leads(&self, filter: &ProviderFilter) -> Result<Option<i64>, Error> {
        let asks =
            filter.lead.is_some() || !filter.lead_status.is_empty() || filter.lead_owner.is_some();
        if asks {
            Ok(Some(self.index_state().await?.leads))
        } else {
            Ok(None)
        }
    }

    /// Whether providers are leads as they were at a number, where it was asked for.
    async fn same_leads(
        &self,
        number: Option<i64>,
        npis: impl Iterator<Item = Npi>,
    ) -> Result<bool, Error> {
        match number {
            Some(number) => self.leads_unchanged_since(number, npis).await,
            None => Ok(true),
        }
    }

    async fn page_of(
        &self,
        answer: Answer,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<(Vec<Held>, Option<Cursor>), Error> {
        match (sort, &filter.q) {
            (ProviderSort::Relevance, Some(q)) => {
                return self.by_relevance(answer, q, page).await;
            }
            (ProviderSort::Distance, _) if !filter.nearest.is_empty() => {
                return self.by_distance(answer, filter, page).await;
            }
            _ => {}
        }
        let order = Order::from(sort);
        let after = match &page.after {
            Some(cursor) => Some(index::standing(cursor, order).ok_or(Error::Cursor)?),
            None => None,
        };
        let wanted = page.limit as usize;
        let mut steps = answer.walk(order, after).next(self, wanted + 1).await?;
        let more = steps.len() > wanted;
        steps.truncate(wanted);
        let next = steps.last().filter(|_| more).map(|s| s.cursor(order));
        Ok((steps.into_iter().map(|step| step.held).collect(), next))
    }

    /// How many providers a search has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, filter: &ProviderFilter) -> Result<Total, Error> {
        Ok(Total {
            count: self.matching(filter).await?.len(),
            exact: true,
        })
    }

    /// All providers of a search.
    pub(crate) async fn matching(&self, filter: &ProviderFilter) -> Result<Answer, Error> {
        self.repeat(|| self.matching_once(filter)).await
    }

    async fn matching_once(&self, filter: &ProviderFilter) -> Result<Answer, Error> {
        let mut all = vec![index::of_filter(filter, index::text)];
        all.extend(self.beside(filter).await?);
        let mut question = Question::All(all);
        let mut answer = self.ask(&question).await?;
        if let (0, Some(q), Question::All(all)) = (answer.len(), &filter.q, &mut question)
            && self.ask(&index::text(q)).await?.len() == 0
        {
            // Nobody is called so, or has this number: somebody may be called nearly so.
            all[0] = index::of_filter(filter, index::forgiving);
            answer = self.ask(&question).await?;
        }
        if let Some(code) = &filter.postal_code
            && code.chars().count() > POSTAL
        {
            let ids = answer.ids();
            let close = self.closer(&ids, |held| has_code(held, filter, code));
            answer.keep(&close.await?);
        }
        Ok(answer)
    }

    /// Those of some providers that stand a test of their records.
    pub(crate) async fn closer(
        &self,
        ids: &RoaringBitmap,
        passes: impl Fn(&Held) -> bool,
    ) -> Result<RoaringBitmap, Error> {
        let mut ids = ids.iter();
        let mut passed = RoaringBitmap::new();
        loop {
            let group: Vec<u32> = ids.by_ref().take(CLOSER).collect();
            if group.is_empty() {
                return Ok(passed);
            }
            let held = self.held(group).await?;
            passed.extend(held.iter().filter(|h| passes(h)).map(|h| h.id));
        }
    }

    /// All that a search finds, to be read as it is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn whole(&self, filter: &ProviderFilter) -> Result<Whole, Error> {
        let leads = self.number_of_leads(filter).await?;
        let answer = self.matching(filter).await?;
        Ok(Whole {
            filter: filter.clone(),
            state: answer.state,
            leads,
            after: None,
            left: answer.ids(),
        })
    }

    /// The next providers of all that a search finds, at most so many; none at the end. What was
    /// written since the search was made is looked for again, so that each one fits it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_of(&self, whole: &mut Whole, count: u32) -> Result<Vec<Provider>, Error> {
        let among = self.engine().among("id", "$1");
        let sql = format!("SELECT npi, record FROM providers WHERE {among} ORDER BY id");
        for _ in 0..TRIES {
            let group: Vec<u32> = whole.left.iter().take(count as usize).collect();
            let Some(last) = group.last() else {
                return Ok(Vec::new());
            };
            let ids = listed(group.iter().map(|id| i64::from(*id)));
            let rows = self.query(crate::Sql::kept(sql.clone()), vec![ids]).await?;
            let rows: Vec<Provider> = rows
                .iter()
                .map(|row| read_provider(row, 0))
                .collect::<Result<_, _>>()?;
            let npis = rows.iter().map(|provider| provider.npi);
            if self.unchanged_since(whole.state, &group).await?
                && self.same_leads(whole.leads, npis).await?
            {
                whole.after = Some(*last);
                whole.left.remove_range(..=*last);
                return Ok(rows);
            }
            whole.leads = self.number_of_leads(&whole.filter).await?;
            let answer = self.matching(&whole.filter).await?;
            whole.state = answer.state;
            whole.left = answer.ids();
            if let Some(after) = whole.after {
                whole.left.remove_range(..=after);
            }
        }
        Err(Error::IndexMoved)
    }

    /// The NPIs behind some ids, in order.
    pub(crate) async fn npis_of(
        &self,
        ids: &RoaringBitmap,
    ) -> Result<Vec<canvass_model::Npi>, Error> {
        let among = self.engine().among("id", "$1");
        let sql = format!("SELECT npi FROM providers WHERE {among}");
        let mut npis = Vec::new();
        let mut ids = ids.iter();
        loop {
            let group: Vec<u32> = ids.by_ref().take(20_000).collect();
            if group.is_empty() {
                npis.sort_unstable();
                return Ok(npis);
            }
            let group = listed(group.into_iter().map(i64::from));
            for row in self
                .query(crate::Sql::kept(sql.clone()), vec![group])
                .await?
            {
                npis.push(row.npi(0)?);
            }
        }
    }

    /// The records of these providers, in this order. One that is not known is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records(
        &self,
        npis: &[canvass_model::Npi],
    ) -> Result<Vec<canvass_model::Provider>, Error> {
        let among = self.engine().among("npi", "$1");
        let sql = format!("SELECT npi, record FROM providers WHERE {among}");
        let group = listed(npis.iter().map(|npi| npi.as_i64()));
        let mut found = std::collections::HashMap::with_capacity(npis.len());
        for row in self.query(crate::Sql::kept(sql), vec![group]).await? {
            found.insert(row.npi(0)?, read_provider(&row, 0)?);
        }
        Ok(npis.iter().filter_map(|npi| found.remove(npi)).collect())
    }
}

/// Whether one address has the code, and is in a state and city of the filter.
fn has_code(held: &Held, filter: &ProviderFilter, code: &str) -> bool {
    let cities: Vec<String> = filter.city.iter().map(|c| index::city_key(c)).collect();
    let p = &held.provider;
    let mut addresses: Vec<&Address> = Vec::new();
    match filter.place {
        PlaceOf::Practice => addresses.extend(p.practice_locations()),
        PlaceOf::Mailing => addresses.extend(&p.mailing),
    }
    addresses.into_iter().any(|a| {
        let its = |value: &Option<String>| value.as_deref().unwrap_or_default().to_uppercase();
        its(&a.postal_code)
            .replace([' ', '-'], "")
            .starts_with(code)
            && (filter.state.is_empty() || filter.state.contains(&its(&a.state)))
            && (cities.is_empty()
                || cities.contains(&index::city_key(a.city.as_deref().unwrap_or_default())))
    })
}
