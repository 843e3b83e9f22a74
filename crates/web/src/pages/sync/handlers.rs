//! `/sync`: asking for a pull, watching it, stopping it and going on.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use canvass_app::{Actor, Error};
use canvass_model::{AddressScope, SyncRequest, SyncRun};

use super::{History, RunPanel, RunView, SetAsides, SyncForm, SyncView, place};
use crate::access::Manager;
use crate::pages::ask::state_code;
use crate::pages::imports::handlers::section;
use crate::pages::imports::{ImportPanel, RegistryFiles, Typed};
use crate::pages::visit::{Pairs, Visit, done, fields, id, sentence};
use crate::pages::{Page, Section, html, page};
use crate::problem::{FieldError, Problem};
use crate::server::Server;
use crate::ui::{Link, Notice};

/// Runs of the history that are listed.
const HISTORY: u32 = 50;
/// Seconds after which a browser without script loads a page of a running sync again.
pub const RELOAD: u32 = 4;

pub fn router() -> Router<Server> {
    Router::new()
        .route("/sync", get(index).post(start))
        .route("/sync/{id}", get(show))
        .route("/sync/{id}/progress", get(progress))
        .route("/sync/{id}/cancel", post(cancel))
        .route("/sync/{id}/resume", post(resume))
}

async fn index(Manager(actor): Manager, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let typed = Typed::default();
    form_page(&visit, &actor, request(&pairs).0, Vec::new(), typed).await
}

/// The page with what was typed to import a file.
pub async fn sync_page(visit: &Visit, actor: &Actor, typed: Typed) -> Result<Response, Problem> {
    form_page(visit, actor, SyncRequest::default(), Vec::new(), typed).await
}

async fn form_page(
    visit: &Visit,
    actor: &Actor,
    request: SyncRequest,
    errors: Vec<FieldError>,
    typed: Typed,
) -> Result<Response, Problem> {
    let app = visit.app();
    let (open, latest, importing, imports) = tokio::try_join!(
        app.open_syncs(),
        app.sync_runs(HISTORY),
        app.open_imports(),
        app.imports_of_late(RegistryFiles::LISTED),
    )?;
    let past: Vec<SyncRun> = latest.into_iter().filter(|r| r.state.is_over()).collect();
    let mut shell = visit.shell(actor, "Sync", Section::Sync).await?;
    // Not while a form is being corrected, which a reload would empty.
    let corrected = !errors.is_empty() || !typed.errors.is_empty();
    let goes_on = !open.is_empty() || !importing.is_empty();
    shell.reload_after = (goes_on && !corrected).then_some(RELOAD);
    let view = SyncView {
        form: SyncForm {
            request,
            errors,
            idempotency_key: visit.key(),
        },
        running: open.iter().map(|run| RunPanel::new(run, true)).collect(),
        importing: importing.iter().map(ImportPanel::new).collect(),
        files: section(visit, &imports, typed).await?,
        history: History::new(&past, &visit.now()),
    };
    Ok(page(&Page { shell, view }))
}

/// What a form or an address asks for, and what of it could not be understood.
fn request(pairs: &Pairs) -> (SyncRequest, Vec<FieldError>) {
    let text = |name: &str| pairs.filled(name).map(ToOwned::to_owned);
    let mut errors = Vec::new();
    let mut specialties: Vec<String> = Vec::new();
    for name in pairs.all("specialties") {
        if !specialties.iter().any(|known| known == name) {
            specialties.push(name.to_owned());
        }
    }
    let address = match pairs.filled("address") {
        None | Some("practice") => AddressScope::Practice,
        Some("any") => AddressScope::Any,
        Some(_) => {
            errors.push(FieldError::new("address", "Practice addresses, or any."));
            AddressScope::Practice
        }
    };
    let request = SyncRequest {
        specialties,
        state: text("state").map(|state| state_code(&state).to_owned()),
        city: text("city"),
        postal_code: text("postal_code"),
        address,
        save_leads: pairs.filled("save_leads").is_some(),
    };
    (request, errors)
}

async fn start(Manager(actor): Manager, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let (request, mut errors) = request(&pairs);
    if errors.is_empty() {
        let once = actor.idempotency(pairs.filled("idempotency_key"), "sync", &request)?;
        let user = actor.user_id.as_deref();
        match visit.app().start_sync(user, request.clone(), once).await {
            Ok(run) => return Ok(Redirect::to(&format!("/sync/{}", run.id)).into_response()),
            Err(Error::KeyReused) => errors.push(FieldError::new(
                "specialties",
                "This form has started another sync before. Look it over, and start again.",
            )),
            Err(other) => errors = of_form(fields(other)?),
        }
    }
    let response = form_page(&visit, &actor, request, errors, Typed::default()).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, response).into_response())
}

/// Errors by the names that the form has.
fn of_form(errors: Vec<FieldError>) -> Vec<FieldError> {
    let named = |error: FieldError| match error.field.as_str() {
        "specialty" => FieldError::new("specialties", error.detail),
        _ => error,
    };
    errors.into_iter().map(named).collect()
}

async fn show(
    Manager(actor): Manager,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let run = found(&visit, &number).await?;
    let set_aside = if run.counts.set_aside > 0 {
        let records = visit.app().set_asides(&run.id, SetAsides::LISTED).await?;
        Some(SetAsides::new(&run, &records))
    } else {
        None
    };
    let mut shell = visit.shell(&actor, "Sync run", Section::Sync).await?;
    shell.above = Some(Link::new("Sync", "/sync"));
    shell.subject = Some(place(&run.request));
    shell.reload_after = (!run.state.is_over()).then_some(RELOAD);
    let view = RunView::new(&run, true, set_aside, &visit.now());
    Ok(page(&Page { shell, view }))
}

async fn progress(
    _: Manager,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let run = found(&visit, &number).await?;
    Ok(html(&RunPanel::new(&run, true)))
}

async fn cancel(_: Manager, visit: Visit, Path(number): Path<String>) -> Result<Response, Problem> {
    let run = found(&visit, &number).await?;
    let stopped = visit.app().cancel_sync(&run.id).await;
    acted(
        &visit,
        &run.id,
        stopped,
        "Stopped. What was pulled so far is kept.",
    )
}

async fn resume(_: Manager, visit: Visit, Path(number): Path<String>) -> Result<Response, Problem> {
    let run = found(&visit, &number).await?;
    let resumed = visit.app().resume_sync(&run.id).await;
    acted(&visit, &run.id, resumed, "It goes on where it was.")
}

/// Back to where the action was taken. One that came too late is told, and changes nothing.
fn acted(
    visit: &Visit,
    run: &str,
    result: Result<SyncRun, Error>,
    done_well: &str,
) -> Result<Response, Problem> {
    let notice = match result {
        Ok(_) => Notice::good(done_well),
        Err(Error::Conflict(why)) => Notice::bad(sentence(&why)),
        Err(other) => return Err(other.into()),
    };
    let run = format!("/sync/{run}");
    Ok(done(&notice, visit.back(&run)))
}

async fn found(visit: &Visit, number: &str) -> Result<SyncRun, Problem> {
    const WHAT: &str = "sync with this number";
    let run = visit.app().sync_run(id(WHAT, number)?).await?;
    run.ok_or_else(|| Problem::not_found(WHAT))
}
