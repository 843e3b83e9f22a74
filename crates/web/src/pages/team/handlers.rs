//! `/team`: people, their roles and passwords, and tokens.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use canvass_app::{Actor, Error};
use canvass_model::Role;
use canvass_store::User;

use super::{AddUser, OwnPassword, TeamView, TokenRow, Tokens, UserRow, Users};
use crate::access::{Admin, Caller, Session};
use crate::format::When;
use crate::pages::visit::{Pairs, Visit, done, fields, id, sentence, sentences};
use crate::pages::{Page, Section, page};
use crate::problem::{FieldError, Problem};
use crate::server::Server;
use crate::ui::Notice;

const TEAM: &str = "/team";
const USER: &str = "such user";

pub fn router() -> Router<Server> {
    Router::new()
        .route("/team", get(show))
        .route("/team/users", post(add))
        .route("/team/users/{id}/role", post(set_role))
        .route("/team/users/{id}/password", post(set_password))
        .route("/team/users/{id}/disable", post(disable))
        .route("/team/users/{id}/enable", post(enable))
        .route("/team/password", post(own_password))
        .route("/team/tokens", post(make_token))
        .route("/team/tokens/{id}/revoke", post(revoke_token))
}

/// What a page of the team shows besides what there is.
#[derive(Default)]
struct Said {
    add: AddUser,
    password_errors: Vec<FieldError>,
    token_errors: Vec<FieldError>,
    secret: Option<String>,
}

async fn show(Caller(actor): Caller, visit: Visit) -> Result<Response, Problem> {
    team_page(&visit, &actor, Said::default()).await
}

async fn team_page(visit: &Visit, actor: &Actor, said: Said) -> Result<Response, Problem> {
    let app = visit.app();
    let users = app.users().await?;
    let now = visit.now();
    let mut tokens = Vec::new();
    for user in &users {
        let own = actor.user_id.as_deref() == Some(user.id.as_str());
        if !own && actor.role < Role::Admin {
            continue;
        }
        let of_user = app.tokens(actor, &user.id).await?;
        tokens.extend(of_user.into_iter().map(|token| TokenRow {
            id: token.id,
            name: token.name,
            user: user.name.clone(),
            user_id: user.id.clone(),
            created: When::moment(token.created_at, &now),
            last_used: token.last_used_at.map(|at| When::moment(at, &now)),
        }));
    }
    let shell = visit.shell(actor, "Team", Section::Team).await?;
    let admin = shell.viewer.is_admin();
    let row = |user: User| UserRow {
        is_viewer: actor.user_id.as_deref() == Some(user.id.as_str()),
        created: When::moment(user.created_at, &now),
        id: user.id,
        name: user.name,
        role: user.role,
        disabled: user.disabled,
    };
    let view = TeamView {
        users: Users {
            rows: users.into_iter().map(row).collect(),
            may_edit: admin,
        },
        add: admin.then_some(said.add),
        password: OwnPassword {
            name: actor.name.clone(),
            errors: said.password_errors,
        },
        tokens: Tokens {
            rows: tokens,
            secret: said.secret,
            errors: said.token_errors,
        },
    };
    Ok(page(&Page { shell, view }))
}

async fn add(Admin(actor): Admin, visit: Visit, pairs: Pairs) -> Result<Response, Problem> {
    let (name, password) = (pairs.text("name"), pairs.text("password"));
    let role = pairs.text("role").parse::<Role>().ok();
    let added = match role {
        Some(role) => visit.app().add_user(&actor, name, password, role).await,
        None => Err(no_role()),
    };
    let errors = match added {
        Ok(user) => {
            let notice = Notice::good(format!("{} is on the team.", user.name));
            return Ok(done(&notice, TEAM));
        }
        Err(error) => fields(error)?,
    };
    let said = Said {
        add: AddUser {
            name: name.to_owned(),
            role,
            errors,
        },
        ..Said::default()
    };
    let response = team_page(&visit, &actor, said).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, response).into_response())
}

async fn set_role(
    Admin(actor): Admin,
    visit: Visit,
    Path(user): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let changed = match pairs.text("role").parse() {
        Ok(role) => visit.app().set_role(&actor, id(USER, &user)?, role).await,
        Err(_) => Err(no_role()),
    };
    told(changed.map(|user| format!("{} is {} now.", user.name, user.role)))
}

async fn set_password(
    Admin(actor): Admin,
    visit: Visit,
    Path(user): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let password = pairs.text("password");
    let set = visit
        .app()
        .set_password(&actor, id(USER, &user)?, password)
        .await;
    told(set.map(|()| "The password was set. Their sessions have ended.".to_owned()))
}

async fn disable(
    Admin(actor): Admin,
    visit: Visit,
    Path(user): Path<String>,
) -> Result<Response, Problem> {
    let changed = visit
        .app()
        .disable_user(&actor, id(USER, &user)?, true)
        .await;
    told(changed.map(|user| {
        format!(
            "{} can't sign in any more. Their sessions have ended, and their tokens stopped.",
            user.name
        )
    }))
}

async fn enable(
    Admin(actor): Admin,
    visit: Visit,
    Path(user): Path<String>,
) -> Result<Response, Problem> {
    let changed = visit
        .app()
        .disable_user(&actor, id(USER, &user)?, false)
        .await;
    told(changed.map(|user| format!("{} can sign in again.", user.name)))
}

async fn own_password(
    Caller(actor): Caller,
    session: Session,
    visit: Visit,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let secret = session.secret.unwrap_or_default();
    let (current, password) = (pairs.text("current"), pairs.text("password"));
    let changed = visit.app().change_password(&secret, current, password);
    let errors = match changed.await {
        Ok(()) => {
            let text = "Your password was changed. Your other sessions have ended.";
            return Ok(done(&Notice::good(text), TEAM));
        }
        Err(Error::WrongLogin) => {
            vec![FieldError::new("current", "This is not your password.")]
        }
        Err(Error::Throttled { seconds }) => vec![FieldError::new(
            "current",
            format!("That was wrong too often. Try again in {seconds} seconds."),
        )],
        Err(other) => fields(other)?,
    };
    let said = Said {
        password_errors: errors,
        ..Said::default()
    };
    let response = team_page(&visit, &actor, said).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, response).into_response())
}

/// Answers with the secret itself, which is nowhere else. Loading it again would make another token.
async fn make_token(
    Caller(actor): Caller,
    visit: Visit,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let user = actor.user_id.clone().unwrap_or_default();
    let made = visit
        .app()
        .create_token(&actor, &user, pairs.text("name"))
        .await;
    let (status, said) = match made {
        Ok((secret, _)) => (
            StatusCode::OK,
            Said {
                secret: Some(secret.expose().to_owned()),
                ..Said::default()
            },
        ),
        Err(error) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Said {
                token_errors: fields(error)?,
                ..Said::default()
            },
        ),
    };
    let response = team_page(&visit, &actor, said).await?;
    Ok((status, response).into_response())
}

async fn revoke_token(
    Caller(actor): Caller,
    visit: Visit,
    Path(token): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let token = id("such token", &token)?;
    let own = actor.user_id.as_deref().unwrap_or_default();
    let user = pairs.filled("user_id").unwrap_or(own);
    let revoked = visit
        .app()
        .revoke_token(&actor, id(USER, user)?, token)
        .await;
    told(revoked.map(|()| "The token was revoked. Programs that use it are refused.".to_owned()))
}

fn no_role() -> Error {
    Error::invalid("role", "caller, manager or admin")
}

/// Back to the page with what came of an action, also where a rule was in the way.
fn told(result: Result<String, Error>) -> Result<Response, Problem> {
    let notice = match result {
        Ok(text) => Notice::good(text),
        Err(Error::Conflict(why)) => {
            Notice::bad(format!("{} Nothing was changed.", sentence(&why)))
        }
        Err(other) => {
            let errors = sentences(&fields(other)?);
            Notice::bad(format!("{errors} Nothing was changed."))
        }
    };
    Ok(done(&notice, TEAM))
}
