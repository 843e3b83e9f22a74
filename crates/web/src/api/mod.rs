//! The JSON API.
//!
//! A handler reads the request, makes one call, and answers. Its route and its description stand
//! above it, so neither can be without the other.

mod answer;
mod export;
mod filter;
pub(crate) mod import;
pub(crate) mod imports;
mod leads;
mod lookup;
mod openapi;
mod providers;
mod request;
pub mod schema;
mod searches;
mod sync;
mod users;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::server::Server;

pub use openapi::openapi;
pub(crate) use openapi::serve as description;

/// Bytes of a body that lists providers or leads at most.
const LARGEST_LIST: usize = 2 * 1024 * 1024;

/// Routes that answer soon, and those that take as long as they take: waiting, events, files, all of
/// a search.
pub(crate) fn routers() -> (Router<Server>, Router<Server>) {
    (ordinary().into(), streaming().into())
}

fn ordinary() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(sync::show))
        .routes(routes!(sync::cancel))
        .routes(routes!(sync::resume))
        .routes(routes!(sync::set_asides))
        .routes(routes!(imports::show))
        .routes(routes!(imports::cancel))
        .routes(routes!(providers::search))
        .routes(routes!(providers::show))
        .routes(routes!(searches::list, searches::save))
        .routes(routes!(searches::delete))
        .routes(routes!(leads::list))
        .routes(routes!(leads::counts))
        .routes(routes!(leads::show, leads::edit))
        .routes(routes!(leads::activities, leads::add_activity))
        .routes(routes!(lookup::suggest))
        .routes(routes!(lookup::presets))
        .routes(routes!(lookup::me))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::edit))
        .routes(routes!(users::tokens, users::create_token))
        .routes(routes!(users::revoke_token))
}

fn streaming() -> OpenApiRouter<Server> {
    // As long as millions of leads take: one that was broken off would have to begin anew.
    let lists = OpenApiRouter::new()
        .routes(routes!(providers::save_all))
        .routes(routes!(leads::bulk))
        .layer(DefaultBodyLimit::max(LARGEST_LIST));
    let import = OpenApiRouter::new()
        .routes(routes!(import::import))
        .layer(DefaultBodyLimit::max(import::LARGEST + 64 * 1024));
    // The application bounds what it takes.
    let uploads = OpenApiRouter::new()
        .routes(routes!(imports::start, imports::list))
        .layer(DefaultBodyLimit::disable());
    OpenApiRouter::new()
        .routes(routes!(sync::start, sync::list))
        .routes(routes!(sync::follow))
        .routes(routes!(imports::follow))
        .routes(routes!(imports::set_asides))
        .routes(routes!(providers::export))
        .routes(routes!(providers::facets))
        .routes(routes!(leads::export))
        .merge(import)
        .merge(uploads)
        .merge(lists)
}
