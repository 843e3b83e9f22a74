//! `/sync/imports`: asking for an import, watching it, stopping it.

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use canvass_app::{Actor, Error, ImportSource, ImportView};

use super::{ImportPanel, ImportReportView, RegistryFiles, Typed, is_live, name_of};
use crate::access::Manager;
use crate::api;
use crate::pages::sync::handlers::{RELOAD, sync_page};
use crate::pages::visit::{Pairs, Visit, done, id, sentence};
use crate::pages::{Page, Section, html, page};
use crate::problem::{FieldError, Problem};
use crate::server::Server;
use crate::ui::{Link, Notice};

const WHAT: &str = "import with this number";

pub fn router() -> Router<Server> {
    Router::new()
        .route("/sync/imports/{id}", get(show))
        .route("/sync/imports/{id}/progress", get(progress))
        .route("/sync/imports/{id}/cancel", post(cancel))
}

/// The route that takes as long as a file takes to arrive. The application bounds what it takes.
pub fn uploads() -> Router<Server> {
    Router::new()
        .route("/sync/imports", get(to_files).post(start))
        .layer(DefaultBodyLimit::disable())
}

/// The address of a form that was refused, opened again.
async fn to_files(_: Manager) -> Redirect {
    Redirect::to("/sync#files")
}

/// What the section of the registry's files shows.
pub async fn section(
    visit: &Visit,
    imports: &[ImportView],
    typed: Typed,
) -> Result<RegistryFiles, Problem> {
    let app = visit.app();
    let folder = match app.import_folder().await {
        Ok(folder) => folder,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the folder for imports can't be listed"
            );
            None
        }
    };
    let most = app.settings().imports.most;
    let now = visit.now();
    Ok(RegistryFiles::new(imports, folder, most, typed, &now))
}

async fn start(
    Manager(actor): Manager,
    visit: Visit,
    request: Request,
) -> Result<Response, Problem> {
    let mut typed = Typed::default();
    let started = if api::imports::is_form(&request) {
        api::imports::received(visit.app(), &actor, request).await
    } else {
        let pairs = Pairs::from_request(request, &()).await?;
        let text = |name| pairs.filled(name).unwrap_or_default().to_owned();
        (typed.path, typed.url) = (text("path"), text("url"));
        typed.force = pairs.filled("force").is_some();
        let source = if pairs.get("path").is_some() {
            ImportSource::Path(typed.path.clone())
        } else {
            ImportSource::Url(typed.url.clone())
        };
        let started = visit.app().start_import(&actor, source, typed.force).await;
        started.map_err(Problem::from)
    };
    match started {
        Ok(import) => Ok(Redirect::to(&format!("/sync/imports/{}", import.id)).into_response()),
        Err(problem) => refused(&visit, &actor, typed, problem).await,
    }
}

/// The page with the form again, and what is wrong with it.
async fn refused(
    visit: &Visit,
    actor: &Actor,
    mut typed: Typed,
    problem: Problem,
) -> Result<Response, Problem> {
    if problem.status == StatusCode::CONFLICT {
        let why = problem.detail;
        return Ok(done(&Notice::bad(why), "/sync"));
    }
    if problem.errors.is_empty() {
        return Err(problem);
    }
    let said = |e: &FieldError| FieldError::new(e.field.clone(), sentence(&e.detail));
    typed.errors = problem.errors.iter().map(said).collect();
    let response = sync_page(visit, actor, typed).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, response).into_response())
}

async fn show(
    Manager(actor): Manager,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let import = found(&visit, &number).await?;
    let listed = ImportReportView::LISTED;
    let aside = if is_live(&import) {
        Vec::new()
    } else {
        visit.app().import_rows_aside(&import.id, listed).await?
    };
    let mut shell = visit.shell(&actor, "Import", Section::Sync).await?;
    shell.above = Some(Link::new("Sync", "/sync"));
    shell.subject = Some(name_of(&import));
    shell.reload_after = is_live(&import).then_some(RELOAD);
    let view = ImportReportView::new(&import, aside, &visit.now());
    Ok(page(&Page { shell, view }))
}

async fn progress(
    _: Manager,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let import = found(&visit, &number).await?;
    Ok(html(&ImportPanel::new(&import)))
}

async fn cancel(
    Manager(actor): Manager,
    visit: Visit,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let import = found(&visit, &number).await?;
    let notice = match visit.app().cancel_import(&actor, &import.id).await {
        Ok(_) => Notice::good("Stopped. Nothing of it was kept."),
        Err(Error::Conflict(why)) => Notice::bad(sentence(&why)),
        Err(other) => return Err(other.into()),
    };
    let import = format!("/sync/imports/{}", import.id);
    Ok(done(&notice, visit.back(&import)))
}

async fn found(visit: &Visit, number: &str) -> Result<ImportView, Problem> {
    let import = visit.app().import(id(WHAT, number)?).await?;
    import.ok_or_else(|| Problem::not_found(WHAT))
}
