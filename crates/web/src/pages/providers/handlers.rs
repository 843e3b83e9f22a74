//! `/providers`: the search, one provider, save-all.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use canvass_app::{Actor, App, Error, SearchQuery};
use canvass_model::{
    Facets, FilterError, LeadPresence, Npi, Page, PageRequest, Provider, ProviderFilter,
    ProviderSort, ProviderSummary, RecordStatus, Role, StatusFilter, Total,
};
use canvass_store::SaveAll as What;

use super::{
    Asked, Colleagues, Columns, FacetsPanel, Filters, Origins, ProviderView, ProvidersPart,
    ProvidersResults, ProvidersView, Regions, ResultMap, SaveAll, SavedMenu, Shown,
};
use crate::access::{Caller, Manager};
use crate::pages::ask::Ask;
use crate::pages::visit::{self, Pairs, Visit, done, fields, sentences};
use crate::pages::{Page as WholePage, Section, html, page};
use crate::problem::{FieldError, Problem};
use crate::server::Server;
use crate::ui::{Link, Notice};

pub fn router() -> Router<Server> {
    Router::new()
        .route("/providers", get(list))
        .route("/providers/{npi}", get(show))
}

/// The routes that take as long as they take.
pub fn lasting() -> Router<Server> {
    Router::new().route("/providers/save-all", post(save_all))
}

/// A search as it was asked for.
pub(super) struct Search {
    pub(super) filter: ProviderFilter,
    pub(super) ask: Ask<ProviderSort>,
    columns: Columns,
    shown: Shown,
}

impl Search {
    pub(super) fn read(pairs: &Pairs) -> Self {
        let mut filter = ProviderFilter::default();
        let mut ask = Ask::read(pairs, ProviderSort::parse, |n, v| filter.set(n, v));
        let columns = Columns::read(pairs).unwrap_or_else(|error| {
            ask.errors.push(error);
            Columns::default()
        });
        Self {
            filter,
            ask,
            columns,
            shown: Shown::parse(pairs.filled("view")),
        }
    }

    /// The part of it that can be kept.
    pub(super) fn query(&self) -> SearchQuery {
        SearchQuery {
            filter: self.filter.clone(),
            sort: self.ask.sort,
        }
    }
}

async fn list(Caller(actor): Caller, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    if let Some(to) = only_npi(&visit, &pairs).await? {
        return Ok(Redirect::to(&to).into_response());
    }
    let mut search = Search::read(&pairs);
    let part = Box::pin(results(&visit, &actor, &mut search)).await?;
    let status = if part.results.error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    if visit.wants("results") {
        return Ok((status, html(&part)).into_response());
    }
    let page = whole(&visit, &actor, search, part).await?;
    Ok((status, page).into_response())
}

/// The whole page around the results of a search.
pub(super) async fn whole(
    visit: &Visit,
    actor: &Actor,
    search: Search,
    part: ProvidersPart,
) -> Result<Response, Problem> {
    let mut shell = visit.shell(actor, "Providers", Section::Providers).await?;
    shell.q = search.filter.q.clone().unwrap_or_default();
    let Search {
        mut filter,
        mut ask,
        columns,
        ..
    } = search;
    ask.show_again(&mut filter);
    let view = ProvidersView {
        filters: Filters {
            filter,
            sort: ask.sort,
            columns: columns.chosen(),
            errors: ask.errors,
        },
        facets: part.facets.unwrap_or_else(FacetsPanel::of_nothing),
        results: part.results,
    };
    Ok(page(&WholePage { shell, view }))
}

/// The page of the provider whose NPI is all that is asked for.
async fn only_npi(visit: &Visit, pairs: &Pairs) -> Result<Option<String>, Problem> {
    let others =
        |(name, value): (&str, &str)| !matches!(name, "q" | "columns") && !value.is_empty();
    let npi: Option<Npi> = pairs.filled("q").and_then(|q| q.parse().ok());
    let Some(npi) = npi.filter(|_| !pairs.each().any(others)) else {
        return Ok(None);
    };
    let found = visit.app().provider(npi).await?;
    Ok(found.map(|_| format!("/providers/{npi}")))
}

/// The results of a search; what is wrong with it is added to its errors.
pub(super) async fn results(
    visit: &Visit,
    actor: &Actor,
    search: &mut Search,
) -> Result<ProvidersPart, Problem> {
    let beside_results = visit.wants("results");
    let kept = search.query().text();
    let Search {
        filter,
        ask,
        columns,
        shown,
    } = search;
    if ask.errors.is_empty() {
        let asked = Asked {
            filter,
            sort: ask.sort,
            page: &ask.page,
            shown: *shown,
            columns,
        };
        // What narrows a search stands on the page already when htmx asks for a later page of it.
        let narrows = !(beside_results && ask.page.after.is_some());
        let found = tokio::try_join!(
            rows_or_regions(visit.app(), asked),
            not_yet(visit, actor, filter),
            facets(visit.app(), filter, narrows),
            visit.app().saved_searches(actor),
        );
        match found {
            Ok(((rows, total, regions), not_yet, facets, saved)) => {
                let save = not_yet.map(|not_yet| SaveAll {
                    not_yet,
                    pairs: filter.pairs(),
                    idempotency_key: visit.key(),
                });
                let saved = SavedMenu::new(saved, actor, asked.query(), &kept);
                let manages = actor.role >= Role::Manager;
                let catalogue = visit.app().catalogue();
                let results =
                    ProvidersResults::new(asked, &rows, total, save, saved, manages, catalogue);
                return Ok(ProvidersPart {
                    results: match regions {
                        Some(regions) => results.on(ResultMap::new(asked, &regions)),
                        None => results,
                    },
                    facets: facets.map(|facets| {
                        FacetsPanel::new(asked, &facets, total.count, catalogue)
                            .beside(beside_results)
                    }),
                });
            }
            Err(error) => ask.errors = fields(error)?,
        }
    }
    Ok(ProvidersPart {
        results: ProvidersResults {
            shown: *shown,
            ..ProvidersResults::refused(sentences(&ask.errors))
        },
        facets: Some(FacetsPanel::of_nothing().beside(beside_results)),
    })
}

/// A page of rows, or what a map shows.
async fn rows_or_regions(
    app: &App,
    asked: Asked<'_>,
) -> Result<(Page<ProviderSummary>, Total, Option<Regions>), Error> {
    let filter = asked.filter;
    if asked.shown == Shown::Table {
        let found = app.search_counted(filter, asked.sort, asked.page);
        let (rows, total) = found.await?;
        return Ok((rows, total, None));
    }
    let regions = if Regions::by_zip(filter, asked.shown) {
        let (states, zips) =
            tokio::try_join!(app.counts_by_state(filter), app.counts_by_zip3(filter))?;
        Regions::Zips(states, zips)
    } else {
        Regions::States(app.counts_by_state(filter).await?)
    };
    let none = Page {
        items: Vec::new(),
        next: None,
    };
    Ok((none, app.count(filter).await?, Some(regions)))
}

/// What narrows a search, where it is wanted.
async fn facets(app: &App, filter: &ProviderFilter, wanted: bool) -> Result<Option<Facets>, Error> {
    if !wanted {
        return Ok(None);
    }
    app.facets(filter).await.map(Some)
}

/// How many of a search can still become leads, where the viewer may save them and where any can.
async fn not_yet(
    visit: &Visit,
    actor: &Actor,
    filter: &ProviderFilter,
) -> Result<Option<Total>, Error> {
    let in_service = matches!(filter.status, StatusFilter::Active | StatusFilter::Any);
    if actor.role < Role::Manager || !in_service {
        return Ok(None);
    }
    if filter.lead == Some(LeadPresence::Yes) {
        return Ok(Some(Total {
            count: 0,
            exact: true,
        }));
    }
    let rest = ProviderFilter {
        lead: Some(LeadPresence::No),
        status: StatusFilter::Active,
        ..filter.clone()
    };
    visit.app().count(&rest).await.map(Some)
}

async fn show(
    Caller(actor): Caller,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    const WHAT: &str = "provider with this NPI";
    let app = visit.app();
    let found = app.provider(visit::npi(WHAT, &number)?).await?;
    let known = found.ok_or_else(|| Problem::not_found(WHAT))?;
    let colleagues = colleagues(app, &known.provider).await?;
    let origins = Origins {
        first: (known.first_source, known.first_seen_at),
        changes: &known.changes,
        now: &visit.now(),
    };
    let view = ProviderView {
        colleagues: Some(colleagues),
        ..ProviderView::new(
            &known.provider,
            known.lead.as_ref(),
            &origins,
            actor.role >= Role::Manager,
            visit.key(),
            app.catalogue(),
        )
    };
    let mut shell = visit.shell(&actor, "Provider", Section::Providers).await?;
    shell.subject = Some(view.name.clone());
    shell.above = Some(Link::new("Providers", "/providers"));
    Ok(page(&WholePage { shell, view }))
}

/// Who else is in service at the practice of a provider.
async fn colleagues(app: &App, of: &Provider) -> Result<Colleagues, Error> {
    let filter = ProviderFilter {
        same_practice: Some(of.npi),
        ..ProviderFilter::default()
    };
    // One more than is shown, for the provider itself is among them.
    let page = PageRequest::first(Colleagues::MOST + 1);
    let found = app.search_counted(&filter, ProviderSort::Name, &page);
    let (found, total) = found.await?;
    let in_service = of.status == RecordStatus::Active;
    let catalogue = app.catalogue();
    Ok(Colleagues::new(
        of.npi, in_service, &found, total, catalogue,
    ))
}

async fn save_all(
    Manager(actor): Manager,
    visit: Visit,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let what = what_to_save(&pairs)?;
    let key = pairs.filled("idempotency_key");
    let receipt = match visit.app().save_all(&actor, &what, key).await {
        Ok(receipt) => receipt,
        Err(Error::KeyReused) => return Err(sent_before()),
        Err(other) => return Err(other.into()),
    };
    let notice = Notice::receipt(receipt);
    if !visit.wants("results") {
        return Ok(done(&notice, visit.back("/providers")));
    }
    let mut search = Search::read(&visit.query_of_page());
    let mut part = Box::pin(results(&visit, &actor, &mut search)).await?;
    part.results.notice = Some(notice);
    Ok(html(&part))
}

/// The rows that were picked, or the search that a form names. A form that names neither saves
/// nothing: an empty search would be every provider there is.
fn what_to_save(pairs: &Pairs) -> Result<What, Problem> {
    let npis: Vec<String> = pairs.all("npi").map(ToOwned::to_owned).collect();
    if !npis.is_empty() {
        return Ok(What::Npis(npis));
    }
    if pairs.get("of") != Some("search") {
        let wrong = FieldError::new("npi", "pick one provider at least");
        return Err(Problem::invalid(vec![wrong]));
    }
    let mut filter = ProviderFilter::default();
    let mut errors = Vec::new();
    for (name, value) in pairs.each() {
        match filter.set(name, value) {
            // A part that is not understood would make the search wider.
            Ok(false) if !matches!(name, "of" | "idempotency_key") => {
                errors.push(FieldError::new(name, "no such part of a search"));
            }
            Ok(_) => {}
            Err(FilterError { field, problem }) => errors.push(FieldError::new(field, problem)),
        }
    }
    if errors.is_empty() {
        Ok(What::Filter(filter))
    } else {
        Err(Problem::invalid(errors))
    }
}

fn sent_before() -> Problem {
    Problem {
        next: Some("Load the page again, and save from there.".into()),
        ..Problem::of_status(StatusCode::CONFLICT)
            .detail("This page has saved something else before. Nothing was saved now.")
    }
}
