//! `/leads`: the list, one lead, its edits and its timeline.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use canvass_app::{Actor, Error, ProviderView};
use canvass_model::{Activity, ActivityKind, Lead, LeadFilter, LeadSort, Npi};

use super::edit::{Typed, conflict};
use super::list::NOUNS;
use super::{
    Asked, ImportPanel, LeadFilters, LeadForm, LeadRow, LeadView, LeadsResults, LeadsView,
    MovedRow, Owner, Timeline,
};
use crate::access::Caller;
use crate::pages::ask::Ask;
use crate::pages::visit::{self, Pairs, Visit, done, fields, sentence, sentences, viewer};
use crate::pages::{Page, Section, html, page};
use crate::problem::{FieldError, Problem};
use crate::server::Server;
use crate::ui::{Count, Link, Notice, Tabs};

pub fn router() -> Router<Server> {
    Router::new()
        .route("/leads", get(list))
        .route("/leads/import", get(to_import))
        .route("/leads/{npi}", get(show).post(edit))
        .route("/leads/{npi}/row", get(row))
        .route("/leads/{npi}/activities", post(add_activity))
}

const WHAT: &str = "lead with this NPI";

async fn list(Caller(actor): Caller, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let (results, search) = results(&visit, &actor, &pairs).await?;
    let status = if results.error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    if visit.wants("results") {
        return Ok((status, html(&results)).into_response());
    }
    let import = viewer(&actor).is_manager().then(ImportPanel::default);
    let response = list_page(&visit, &actor, results, search, import).await?;
    Ok((status, response).into_response())
}

/// The page of the leads with what came of an import.
pub(super) async fn after_import(
    visit: &Visit,
    actor: &Actor,
    import: ImportPanel,
) -> Result<Response, Problem> {
    let (results, search) = results(visit, actor, &Pairs::default()).await?;
    list_page(visit, actor, results, search, Some(import)).await
}

async fn list_page(
    visit: &Visit,
    actor: &Actor,
    results: LeadsResults,
    search: Search,
    import: Option<ImportPanel>,
) -> Result<Response, Problem> {
    let shell = visit.shell(actor, "Leads", Section::Leads).await?;
    let Search {
        mut filter,
        mut ask,
    } = search;
    ask.show_again(&mut filter.provider);
    let view = LeadsView {
        filters: LeadFilters {
            filter,
            sort: ask.sort,
            owners: owners(visit).await?,
            errors: ask.errors,
        },
        results,
        import,
    };
    Ok(page(&Page { shell, view }))
}

/// A list of leads as it was asked for.
struct Search {
    filter: LeadFilter,
    ask: Ask<LeadSort>,
}

impl Search {
    fn read(pairs: &Pairs) -> Self {
        let mut filter = LeadFilter::all();
        let ask = Ask::read(pairs, LeadSort::parse, |n, v| filter.set(n, v));
        Self { filter, ask }
    }
}

async fn results(
    visit: &Visit,
    actor: &Actor,
    pairs: &Pairs,
) -> Result<(LeadsResults, Search), Problem> {
    let app = visit.app();
    let Search { filter, mut ask } = Search::read(pairs);
    if ask.errors.is_empty() {
        let whatever = of_any_status(&filter);
        let found = tokio::try_join!(
            app.leads(&filter, ask.sort, &ask.page),
            app.count_leads(&filter),
            app.lead_counts(&whatever),
        );
        match found {
            Ok((found, total, counts)) => {
                let asked = Asked {
                    filter: &filter,
                    sort: ask.sort,
                    page: &ask.page,
                };
                let (viewer, now) = (viewer(actor), visit.now());
                let catalogue = app.catalogue();
                let results =
                    LeadsResults::new(asked, &found, total, &counts, &viewer, catalogue, &now);
                return Ok((results, Search { filter, ask }));
            }
            Err(error) => ask.errors = fields(error)?,
        }
    }
    let refused = LeadsResults::refused(sentences(&ask.errors));
    Ok((refused, Search { filter, ask }))
}

/// Whom leads may belong to.
async fn owners(visit: &Visit) -> Result<Vec<Owner>, Problem> {
    let users = visit.app().users().await?;
    let active = users.into_iter().filter(|user| !user.disabled);
    Ok(active
        .map(|user| Owner {
            id: user.id,
            name: user.name,
        })
        .collect())
}

/// `GET /leads/import`, which a browser asks for when it loads the answer of an import again.
async fn to_import(_: Caller) -> Redirect {
    Redirect::to("/leads#import")
}

async fn show(
    Caller(actor): Caller,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&visit, visit::npi(WHAT, &number)?).await?;
    let form = desk.form(&visit, &actor);
    desk.page(&visit, &actor, form, |_| {}).await
}

async fn row(
    Caller(actor): Caller,
    visit: Visit,
    Path(number): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let lead = lead(&visit, visit::npi(WHAT, &number)?).await?;
    let row = LeadRow::new(&lead, actor.role, visit.app().catalogue(), &visit.now());
    Ok(html(&if pairs.get("edit") == Some("notes") {
        row.editing_notes()
    } else {
        row
    }))
}

async fn edit(
    Caller(actor): Caller,
    visit: Visit,
    Path(number): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let npi = visit::npi(WHAT, &number)?;
    let before = lead(&visit, npi).await?;
    let in_row = visit.wants(&format!("lead-{npi}"));
    let typed = Typed::read(&pairs, &before, &visit.now());
    let edited = match typed.checked() {
        Ok((patch, version)) => {
            visit
                .app()
                .patch_lead(&actor, npi, patch, Some(version))
                .await
        }
        Err(errors) => Err(Error::Invalid(errors)),
    };
    let error = match edited {
        Ok(lead) if in_row => {
            let row = LeadRow::new(&lead, actor.role, visit.app().catalogue(), &visit.now());
            if lead.status == before.status {
                return Ok(html(&row));
            }
            return moved(&visit, row).await;
        }
        Ok(_) => {
            let to = format!("/leads/{npi}");
            return Ok(done(&Notice::good("Saved the lead."), visit.back(&to)));
        }
        Err(error) => error,
    };
    // What is there now: it may be somebody else's, written since.
    let desk = Desk::open(&visit, npi).await?;
    let refusal = Refusal::of(error, &typed, &desk, &visit)?;
    if in_row {
        let row = LeadRow::new(
            &desk.lead,
            actor.role,
            visit.app().catalogue(),
            &visit.now(),
        );
        let row = typed.keep_in_row(row).with_error(refusal.in_row(&typed));
        return Ok((refusal.status, html(&row)).into_response());
    }
    let mut form = typed.keep_in_form(desk.form(&visit, &actor));
    form.theirs = refusal.theirs;
    let form = form.with_errors(refusal.error, &refusal.errors);
    let response = desk.page(&visit, &actor, form, |_| {}).await?;
    Ok((refusal.status, response).into_response())
}

/// The answer to a change of status in a list: the row, and the counts of its page. The row stays
/// where it is, so that the one below it is not edited in its place.
async fn moved(visit: &Visit, row: LeadRow) -> Result<Response, Problem> {
    let app = visit.app();
    let Search { filter, ask } = Search::read(&visit.query_of_page());
    if !ask.errors.is_empty() {
        return Ok(html(&row));
    }
    let whatever = of_any_status(&filter);
    let (total, counts) = tokio::try_join!(app.count_leads(&filter), app.lead_counts(&whatever))?;
    let asked = Asked {
        filter: &filter,
        sort: ask.sort,
        page: &ask.page,
    };
    Ok(html(&MovedRow {
        row,
        tabs: Tabs {
            beside_a_row: true,
            ..asked.tabs(&counts)
        },
        count: Count {
            beside_a_row: true,
            ..Count::new(total, NOUNS)
        },
    }))
}

/// The same filter, whatever the status.
fn of_any_status(filter: &LeadFilter) -> LeadFilter {
    LeadFilter {
        status: Vec::new(),
        ..filter.clone()
    }
}

/// Why an edit was not taken, as the form and the row say it.
struct Refusal {
    status: StatusCode,
    error: Option<String>,
    errors: Vec<FieldError>,
    theirs: Vec<(&'static str, String)>,
}

impl Refusal {
    fn of(error: Error, typed: &Typed, desk: &Desk, visit: &Visit) -> Result<Self, Problem> {
        let refusal = |status, error: Option<String>| Self {
            status,
            error,
            errors: Vec::new(),
            theirs: Vec::new(),
        };
        Ok(match error {
            Error::Stale { .. } => {
                let theirs = conflict(typed, &desk.lead, &visit.now());
                Self {
                    theirs,
                    ..refusal(
                        StatusCode::PRECONDITION_FAILED,
                        Some(
                            "Somebody else changed this lead while you had it open. Nothing of \
                             yours was saved yet, and what you wrote is still here: save again to \
                             replace what they wrote."
                                .to_owned(),
                        ),
                    )
                }
            }
            Error::Forbidden(why) => refusal(
                StatusCode::UNPROCESSABLE_ENTITY,
                Some(format!("{} Nothing was saved.", sentence(&why))),
            ),
            other => Self {
                errors: fields(other)?,
                ..refusal(StatusCode::UNPROCESSABLE_ENTITY, None)
            },
        })
    }

    /// The same in the room of a row, which shows what is there now.
    fn in_row(&self, typed: &Typed) -> String {
        if self.status != StatusCode::PRECONDITION_FAILED {
            let error = self.error.clone();
            return error.unwrap_or_else(|| sentences(&self.errors));
        }
        let theirs = self.theirs.iter().find(|(label, _)| *label == "Notes");
        match theirs {
            Some((_, notes)) => format!(
                "Somebody else wrote here meanwhile: \u{201c}{notes}\u{201d} Save again to replace it."
            ),
            None if typed.has_notes() => {
                "Somebody else changed this lead meanwhile. Save again if yours still holds."
                    .to_owned()
            }
            None => {
                "Somebody else changed this lead meanwhile. Not saved: choose again.".to_owned()
            }
        }
    }
}

async fn add_activity(
    Caller(actor): Caller,
    visit: Visit,
    Path(number): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let npi = visit::npi(WHAT, &number)?;
    let (kind, text) = (pairs.text("kind"), pairs.text("text"));
    let added = match ActivityKind::parse(kind) {
        Some(kind) => {
            let key = pairs.filled("idempotency_key");
            visit
                .app()
                .add_activity(&actor, npi, kind, text, key)
                .await
                .map(|_| ())
        }
        None => Err(Error::invalid("kind", "call, email or note")),
    };
    let error = match added {
        Ok(()) => {
            let notice = Notice::good("Added to the timeline.");
            return Ok(done(&notice, &format!("/leads/{npi}")));
        }
        Err(Error::KeyReused) => {
            "This page has added something else before. Nothing was added now: look at the timeline, and add it again if it is missing.".to_owned()
        }
        Err(Error::Forbidden(why)) => format!("{} Nothing was added.", sentence(&why)),
        Err(other) => sentences(&fields(other)?),
    };
    let desk = Desk::open(&visit, npi).await?;
    let form = desk.form(&visit, &actor);
    let response = desk
        .page(&visit, &actor, form, |view| {
            view.activity.error = Some(error);
            kind.clone_into(&mut view.activity.kind);
            text.clone_into(&mut view.activity.text);
        })
        .await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, response).into_response())
}

async fn lead(visit: &Visit, npi: Npi) -> Result<Lead, Problem> {
    let found = visit.app().lead(npi).await?;
    found.ok_or_else(|| Problem::not_found(WHAT))
}

/// All that the page of a lead shows.
struct Desk {
    lead: Lead,
    provider: Option<ProviderView>,
    activities: Vec<Activity>,
    owners: Vec<Owner>,
}

impl Desk {
    async fn open(visit: &Visit, npi: Npi) -> Result<Self, Problem> {
        let app = visit.app();
        let (lead, owners) = tokio::try_join!(lead(visit, npi), owners(visit))?;
        let (provider, activities) = tokio::try_join!(app.provider(npi), app.activities(npi))?;
        Ok(Self {
            lead,
            provider,
            activities,
            owners,
        })
    }

    fn form(&self, visit: &Visit, actor: &Actor) -> LeadForm {
        LeadForm::new(&self.lead, &self.owners, &viewer(actor), &visit.now())
    }

    async fn page(
        &self,
        visit: &Visit,
        actor: &Actor,
        form: LeadForm,
        adjust: impl FnOnce(&mut LeadView),
    ) -> Result<Response, Problem> {
        let changes = self.provider.as_ref().map_or(&[][..], |p| &p.changes);
        let timeline = Timeline::new(&self.lead, &self.activities, changes, &visit.now());
        let mut view = LeadView::new(
            &self.lead,
            self.provider.as_ref().map(|p| &p.provider),
            form,
            timeline,
            visit.key(),
            visit.app().catalogue(),
        );
        adjust(&mut view);
        let mut shell = visit.shell(actor, "Lead", Section::Leads).await?;
        shell.subject = Some(view.name.clone());
        shell.above = Some(Link::new("Leads", "/leads"));
        Ok(page(&Page { shell, view }))
    }
}
