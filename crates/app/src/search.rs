//! Search over providers, and one provider whole.

use std::collections::BTreeSet;

use canvass_model::{
    Change, Facet, Facets, FilterError, Lead, LeadFilter, Npi, Page, PageRequest, Provider,
    ProviderFilter, ProviderSort, ProviderSummary, Source, Total,
};
use canvass_nppes::geo::Places;
use jiff::Timestamp;

use crate::{App, Error};

/// How many values all parts of a filter may have together.
const MOST_VALUES: usize = 500;
/// How many changes of a provider are shown.
const CHANGES: u32 = 200;

/// All that is known of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderView {
    /// The record.
    pub provider: Provider,
    /// Its latest changes, newest first.
    pub changes: Vec<Change>,
    /// Its lead, if it is one.
    pub lead: Option<Lead>,
    /// When canvass first saw it.
    pub first_seen_at: Timestamp,
    /// Where it was first seen.
    pub first_source: Source,
    /// When its record last changed here.
    pub changed_at: Timestamp,
}

impl App {
    /// One page of a search over providers.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn search(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<Page<ProviderSummary>, Error> {
        let filter = self.checked_search(filter, sort)?;
        Ok(self.store().search(&filter, sort, &bounded(page)).await?)
    }

    /// One page of a search, and how many providers the search has at the same moment.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn search_counted(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<(Page<ProviderSummary>, Total), Error> {
        let filter = self.checked_search(filter, sort)?;
        let page = bounded(page);
        Ok(self.store().search_counted(&filter, sort, &page).await?)
    }

    /// How many providers a search has. It is always exact.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn count(&self, filter: &ProviderFilter) -> Result<Total, Error> {
        Ok(self.store().count(&self.checked_filter(filter)?).await?)
    }

    /// The most frequent values of what a search finds, with their counts.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn facets(&self, filter: &ProviderFilter) -> Result<Facets, Error> {
        Ok(self.store().facets(&self.checked_filter(filter)?).await?)
    }

    /// How many of a search are in each state, the largest first.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn counts_by_state(&self, filter: &ProviderFilter) -> Result<Vec<Facet>, Error> {
        let filter = self.checked_filter(filter)?;
        Ok(self.store().counts_by_state(&filter).await?)
    }

    /// How many of a search are in the ZIP codes that begin with each three digits, the largest
    /// first.
    ///
    /// # Errors
    /// When the filter can't be understood.
    pub async fn counts_by_zip3(&self, filter: &ProviderFilter) -> Result<Vec<Facet>, Error> {
        let filter = self.checked_filter(filter)?;
        Ok(self.store().counts_by_zip3(&filter).await?)
    }

    /// Names that a text that is being typed may become, the most frequent first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suggest_names(&self, typed: &str, limit: usize) -> Result<Vec<String>, Error> {
        Ok(self.store().suggest_names(typed, limit).await?)
    }

    /// One provider, whole, with its changes and its lead.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provider(&self, npi: Npi) -> Result<Option<ProviderView>, Error> {
        let Some(stored) = self.store().provider(npi).await? else {
            return Ok(None);
        };
        Ok(Some(ProviderView {
            provider: stored.provider,
            changes: self.store().changes(npi, CHANGES).await?,
            lead: self.store().lead(npi).await?,
            first_seen_at: stored.first_seen_at,
            first_source: stored.first_source,
            changed_at: stored.changed_at,
        }))
    }

    /// A filter with an order in which what it finds can be.
    pub(crate) fn checked_search(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
    ) -> Result<ProviderFilter, Error> {
        if sort == ProviderSort::Distance && filter.near.is_none() {
            let problem = "distance needs a place to be near: a ZIP code, or a city and its state";
            return Err(Error::invalid("sort", problem));
        }
        self.checked_filter(filter)
    }

    /// The filter as each of its values would be understood alone, whichever way it came, with the
    /// codes of its specialties.
    pub(crate) fn checked_filter(&self, filter: &ProviderFilter) -> Result<ProviderFilter, Error> {
        let pairs = filter.pairs();
        if pairs.len() > MOST_VALUES {
            let problem = format!("a search may have at most {MOST_VALUES} values");
            return Err(Error::invalid("filter", problem));
        }
        let mut checked = ProviderFilter::default();
        let mut problems: Vec<FilterError> = Vec::new();
        for (name, value) in pairs {
            if let Err(problem) = checked.set(name, &value) {
                problems.push(problem);
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(
                problems
                    .into_iter()
                    .map(|p| crate::Field {
                        name: p.field,
                        problem: p.problem,
                    })
                    .collect(),
            ));
        }
        let mut checked = checked.resolved(self.catalogue())?;
        with_places(&mut checked)?;
        Ok(checked)
    }

    pub(crate) fn checked_lead_filter(&self, filter: &LeadFilter) -> Result<LeadFilter, Error> {
        if filter
            .owner
            .as_deref()
            .is_some_and(|o| o.len() > 200 || o.contains('\0'))
        {
            return Err(Error::invalid("owner", "the identifier of a user, or none"));
        }
        Ok(LeadFilter {
            status: filter.status.clone(),
            owner: filter.owner.clone(),
            provider: self.checked_filter(&filter.provider)?,
        })
    }
}

/// How far around a place, when nobody says.
const MILES: u32 = 25;

/// Fills in the ZIP codes in which a filter's places are.
fn with_places(filter: &mut ProviderFilter) -> Result<(), Error> {
    let places = Places::bundled();
    let mut all: Option<BTreeSet<&str>> = None;
    let mut nearest = Vec::new();
    if let Some(near) = &filter.near {
        let miles = filter.radius_miles.unwrap_or(MILES);
        let Some(around) = places.around(near, f64::from(miles)) else {
            let problem = format!(
                "{near:?} is no place; write a ZIP code, or a city and its state as in Fresno, CA"
            );
            return Err(Error::invalid("near", problem));
        };
        all = Some(around.iter().copied().collect());
        nearest = around;
    }
    if !filter.county.is_empty() {
        let mut inside = BTreeSet::new();
        for county in &filter.county {
            let zips = places.of_county(county, &filter.state);
            if zips.is_empty() {
                let problem = format!("there is no county {county:?}; write it as in Fresno, CA");
                return Err(Error::invalid("county", problem));
            }
            inside.extend(zips);
        }
        nearest.retain(|zip| inside.contains(zip));
        all = Some(match all {
            Some(around) => around.intersection(&inside).copied().collect(),
            None => inside,
        });
    }
    filter.zips = all.map(|zips| zips.into_iter().map(str::to_owned).collect());
    filter.nearest = nearest.into_iter().map(str::to_owned).collect();
    Ok(())
}

/// A page with no more rows than a list may show.
pub(crate) fn bounded(page: &PageRequest) -> PageRequest {
    PageRequest {
        limit: page.limit.clamp(1, PageRequest::MAX_LIMIT),
        after: page.after.clone(),
    }
}
