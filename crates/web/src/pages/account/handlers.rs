//! `/`, `/login`, `/setup`, `/logout`.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use canvass_app::{Error, Login};
use canvass_model::{ProviderFilter, Role, StatusFilter};

use super::{LoginView, SetupView};
use crate::access::{Caller, ClientAddress, Session};
use crate::cookies::{self, Theme};
use crate::pages::visit::{Pairs, Visit, fields};
use crate::pages::{BarePage, html, local_path};
use crate::problem::{FieldError, Problem};
use crate::server::Server;

/// How long a browser keeps the session's cookie: as long as any browser keeps one. The session
/// itself ends earlier, by its last use.
const COOKIE_SECONDS: u64 = 400 * 24 * 60 * 60;

pub fn router() -> Router<Server> {
    Router::new()
        .route("/", get(home))
        .route("/login", get(show_login).post(login))
        .route("/setup", get(show_setup).post(setup))
        .route("/logout", post(logout))
}

/// Leads to where work begins: to the registry while nothing was pulled yet.
async fn home(Caller(actor): Caller, visit: Visit) -> Result<Redirect, Problem> {
    let any = ProviderFilter {
        status: StatusFilter::Any,
        ..ProviderFilter::default()
    };
    let empty = actor.role >= Role::Manager && visit.app().count(&any).await?.count == 0;
    Ok(Redirect::to(if empty { "/sync" } else { "/providers" }))
}

async fn show_login(session: Session, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let next = local_path(pairs.text("next"));
    if session.user.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    if visit.app().needs_setup().await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let view = LoginView {
        next: next.to_owned(),
        ..LoginView::default()
    };
    Ok(login_page(&visit, view))
}

async fn login(
    visit: Visit,
    ClientAddress(address): ClientAddress,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let name = pairs.text("name");
    let next = local_path(pairs.text("next"));
    let tried = visit
        .app()
        .login(name, pairs.text("password"), address)
        .await;
    let error = match tried {
        Ok(login) => return Ok(signed_in(&visit, &login, next)),
        Err(error @ (Error::WrongLogin | Error::Throttled { .. })) => error,
        Err(other) => return Err(other.into()),
    };
    let problem = Problem::from(error);
    let view = LoginView {
        error: Some(problem.detail),
        name: name.chars().take(100).collect(),
        next: next.to_owned(),
    };
    let mut response = login_page(&visit, view);
    *response.status_mut() = problem.status;
    if let Some(wait) = problem.retry_after {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    Ok(response)
}

fn login_page(visit: &Visit, view: LoginView) -> Response {
    html(&BarePage {
        title: "Sign in".to_owned(),
        theme: Theme::of(visit.headers()),
        wide: false,
        view,
    })
}

fn signed_in(visit: &Visit, login: &Login, next: &str) -> Response {
    let cookie = cookies::begin_session(visit.headers(), login.secret.expose(), COOKIE_SECONDS);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

async fn show_setup(visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    if !visit.app().needs_setup().await? {
        return Ok(Redirect::to("/login").into_response());
    }
    let view = SetupView {
        code: pairs.text("code").to_owned(),
        ..SetupView::default()
    };
    Ok(setup_page(&visit, view))
}

async fn setup(visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let (code, name) = (pairs.text("code"), pairs.text("name"));
    let made = visit.app().setup(code, name, pairs.text("password")).await;
    let errors = match made {
        Ok(login) => return Ok(signed_in(&visit, &login, "/")),
        // The only thing that is forbidden here is another code.
        Err(Error::Forbidden(_)) => vec![FieldError::new(
            "code",
            "This is not the code that the console shows. It changes each time canvass starts.",
        )],
        Err(other) => fields(other)?,
    };
    let view = SetupView {
        errors,
        code: code.to_owned(),
        name: name.to_owned(),
    };
    let mut response = setup_page(&visit, view);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

fn setup_page(visit: &Visit, view: SetupView) -> Response {
    html(&BarePage {
        title: "Set up canvass".to_owned(),
        theme: Theme::of(visit.headers()),
        wide: false,
        view,
    })
}

async fn logout(session: Session, visit: Visit) -> Result<Response, Problem> {
    if let Some(secret) = &session.secret {
        visit.app().logout(secret).await?;
    }
    let cookie = cookies::end_session(visit.headers());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}
