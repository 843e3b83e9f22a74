//! Keeping and deleting searches, from the menu beside the results.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use canvass_app::{Actor, Error};

use super::handlers::{Search, results, whole};
use super::saved::{SaveForm, address};
use crate::access::Caller;
use crate::pages::html;
use crate::pages::visit::{Pairs, Visit, done, fields, id, sentence, sentences};
use crate::problem::{FieldError, Problem};
use crate::server::Server;
use crate::ui::Notice;

pub fn router() -> Router<Server> {
    Router::new()
        .route("/providers/searches", post(save))
        .route("/providers/searches/delete", post(delete))
}

async fn save(Caller(actor): Caller, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let shown = Pairs::parse(pairs.text("query").as_bytes());
    let search = Search::read(&shown);
    if !search.ask.errors.is_empty() {
        return Err(Problem::invalid(search.ask.errors));
    }
    let form = SaveForm {
        name: pairs.text("name").to_owned(),
        team: pairs.filled("team").is_some(),
        error: None,
    };
    let saved = visit
        .app()
        .save_search(&actor, &form.name, &search.query(), form.team, None)
        .await;
    let errors = match saved {
        Ok(saved) => {
            let notice = Notice::good(format!("The search “{}” is saved.", saved.name));
            return told(&visit, &actor, &shown, notice).await;
        }
        Err(Error::Conflict(why)) => vec![FieldError::new("name", sentence(&why))],
        Err(error) => fields(error)?,
    };
    let error = match errors.as_slice() {
        [only] if only.field == "name" => only.detail.clone(),
        several => sentences(several),
    };
    let form = SaveForm {
        error: Some(error),
        ..form
    };
    refused(&visit, &actor, search, form).await
}

async fn delete(Caller(actor): Caller, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let search = id("such saved search", pairs.text("id"))?;
    let gone = visit.app().delete_search(&actor, search).await?;
    let notice = Notice::good(format!("The search “{}” is deleted.", gone.name));
    let shown = Pairs::parse(pairs.text("query").as_bytes());
    told(&visit, &actor, &shown, notice).await
}

/// What came of it, on the page it was done on.
async fn told(
    visit: &Visit,
    actor: &Actor,
    shown: &Pairs,
    notice: Notice,
) -> Result<Response, Problem> {
    if !visit.wants("results") {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(shown.each())
            .finish();
        return Ok(done(&notice, &address(&query)));
    }
    let mut search = Search::read(&visit.query_of_page());
    let mut part = Box::pin(results(visit, actor, &mut search)).await?;
    part.results.notice = Some(notice);
    if let Some(menu) = &mut part.results.saved {
        menu.focus = true;
    }
    Ok(html(&part))
}

/// The same page with the menu open, and in it what was typed and why it was refused.
async fn refused(
    visit: &Visit,
    actor: &Actor,
    mut search: Search,
    form: SaveForm,
) -> Result<Response, Problem> {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let alone = visit.wants("results");
    if alone {
        search = Search::read(&visit.query_of_page());
    }
    let mut part = Box::pin(results(visit, actor, &mut search)).await?;
    if let Some(menu) = &mut part.results.saved {
        menu.form = form;
    }
    if alone {
        return Ok((status, html(&part)).into_response());
    }
    let page = whole(visit, actor, search, part).await?;
    Ok((status, page).into_response())
}
