//! `/api/users`: who has access, and their tokens.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, Path, RawPathParams, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use canvass_app::{Actor, App};
use canvass_model::Role;
use canvass_store::{TokenInfo, User};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::List;
use super::request::{Body, id, invalid};
use super::schema;
use crate::access::{Admin, Caller};
use crate::problem::Problem;

/// List users
///
/// By name.
#[utoipa::path(
    get, path = "/api/users", tag = "Access", operation_id = "list_users",
    extensions(("x-role" = json!("admin"))),
    responses((status = 200, description = "Users", body = List<schema::User>)),
)]
pub async fn list(State(app): State<App>, _: Admin) -> Result<Json<List<User>>, Problem> {
    Ok(Json(List::whole(app.users().await?, None)))
}

/// Somebody who is to get access.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kim", "password": "correct horse battery", "role": "caller"}))]
pub struct NewUserRequest {
    /// Name, unique without regard to case and accents.
    #[schema(max_length = 100)]
    name: String,
    /// Password.
    #[schema(min_length = 10)]
    password: String,
    /// What they may do.
    #[schema(value_type = schema::Role)]
    role: Role,
}

/// Give somebody access
///
/// Sending it again is refused, since the name is taken then; so it needs no `Idempotency-Key`.
#[utoipa::path(
    post, path = "/api/users", tag = "Access", operation_id = "add_user",
    extensions(("x-role" = json!("admin"))),
    request_body = NewUserRequest,
    responses((status = 201, description = "The user", body = schema::User)),
)]
pub async fn add(
    State(app): State<App>,
    Admin(actor): Admin,
    Body(new): Body<NewUserRequest>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let user = app
        .add_user(&actor, &new.name, &new.password, new.role)
        .await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// An edit of somebody's access. What is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "manager"}))]
pub struct UserPatch {
    /// New role.
    #[schema(value_type = Option<schema::Role>)]
    role: Option<Role>,
    /// Whether they are kept from signing in; their sessions end and their tokens stop.
    disabled: Option<bool>,
    /// New password; their sessions end.
    #[schema(min_length = 10)]
    password: Option<String>,
}

/// Change somebody's access
///
/// The password, then the role, then whether they may sign in; what was changed before one that is
/// refused stays changed. The last administrator can't be demoted or disabled.
#[utoipa::path(
    patch, path = "/api/users/{id}", tag = "Access", operation_id = "edit_user",
    extensions(("x-role" = json!("admin"))),
    params(("id" = String, Path, description = "Identifier of the user")),
    request_body = UserPatch,
    responses(
        (status = 200, description = "The user", body = schema::User),
        (status = 409, response = schema::ProblemResponse),
    ),
)]
pub async fn edit(
    State(app): State<App>,
    Admin(actor): Admin,
    Path(user): Path<String>,
    Body(patch): Body<UserPatch>,
) -> Result<Json<User>, Problem> {
    let user = id("such user", &user)?;
    if patch.role.is_none() && patch.disabled.is_none() && patch.password.is_none() {
        return Err(invalid("body", "say a role, disabled or a password"));
    }
    if let Some(password) = &patch.password {
        app.set_password(&actor, user, password).await?;
    }
    if let Some(role) = patch.role {
        app.set_role(&actor, user, role).await?;
    }
    if let Some(disabled) = patch.disabled {
        app.disable_user(&actor, user, disabled).await?;
    }
    let found = app.users().await?.into_iter().find(|u| u.id == user);
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("such user"))
}

/// Whose tokens an address speaks of, asked by themselves or by an administrator.
pub struct TokensOf {
    actor: Actor,
    user: String,
}

impl<S> FromRequestParts<S> for TokensOf
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Caller(actor) = Caller::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let user = params.iter().find(|(name, _)| *name == "id");
        let user = user.map(|(_, user)| user).unwrap_or_default();
        let user = id("such user", user)
            .map_err(IntoResponse::into_response)?
            .to_owned();
        if actor.user_id.as_ref() != Some(&user) {
            let allowed = actor.require(Role::Admin);
            allowed.map_err(|e| Problem::from(e).into_response())?;
        }
        Ok(Self { actor, user })
    }
}

/// List somebody's tokens
///
/// One's own, or anybody's for an administrator. Newest first.
#[utoipa::path(
    get, path = "/api/users/{id}/tokens", tag = "Access", operation_id = "list_tokens",
    extensions(("x-role" = json!("own"))),
    params(("id" = String, Path, description = "Identifier of the user")),
    responses((status = 200, description = "Tokens, without their secrets", body = List<schema::Token>)),
)]
pub async fn tokens(
    State(app): State<App>,
    TokensOf { actor, user }: TokensOf,
) -> Result<Json<List<TokenInfo>>, Problem> {
    let tokens = app.tokens(&actor, &user).await?;
    Ok(Json(List::whole(tokens, None)))
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nightly export"}))]
pub struct NewTokenRequest {
    /// What it is for.
    name: String,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub struct NewToken {
    /// Identifier.
    id: String,
    /// What it is for.
    name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The secret, which is shown this once.
    #[schema(example = "cvs_...")]
    token: String,
}

/// Make a token
///
/// For oneself, or for anybody by an administrator. It may do what its user may. Its secret is in this
/// answer only; when that is lost, make another and revoke this one. So it knows no
/// `Idempotency-Key`: sent again it makes another token.
#[utoipa::path(
    post, path = "/api/users/{id}/tokens", tag = "Access", operation_id = "create_token",
    extensions(("x-role" = json!("own"))),
    params(("id" = String, Path, description = "Identifier of the user")),
    request_body = NewTokenRequest,
    responses((status = 201, description = "The token", body = NewToken)),
)]
pub async fn create_token(
    State(app): State<App>,
    TokensOf { actor, user }: TokensOf,
    Body(new): Body<NewTokenRequest>,
) -> Result<(StatusCode, Json<NewToken>), Problem> {
    let (secret, token) = app.create_token(&actor, &user, &new.name).await?;
    let made = NewToken {
        id: token.id,
        name: token.name,
        created_at: token.created_at,
        token: secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revoke a token
///
/// It stops working at once.
#[utoipa::path(
    delete, path = "/api/users/{id}/tokens/{token}", tag = "Access", operation_id = "revoke_token",
    extensions(("x-role" = json!("own"))),
    params(
        ("id" = String, Path, description = "Identifier of the user"),
        ("token" = String, Path, description = "Identifier of the token"),
    ),
    responses((status = 204, description = "It is revoked")),
)]
pub async fn revoke_token(
    State(app): State<App>,
    TokensOf { actor, user }: TokensOf,
    Path((_, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let token = id("such token", &token)?;
    app.revoke_token(&actor, &user, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
