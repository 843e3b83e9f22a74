//! Who asks, in the signature of a handler: [`Caller`], [`Manager`], [`Admin`] and [`Session`].
//!
//! A request proves who sends it by a bearer token or by the session's cookie. A program that
//! proves nothing gets a 401; a person is led to the page where they sign in, or to the set-up
//! while nobody has access.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use canvass_app::{Actor, App, Error};
use canvass_model::Role;
use canvass_store::User;

use crate::pages::came_from;
use crate::problem::{Problem, is_for_programs};
use crate::{cookies, pages};

/// Somebody with access, whatever their role.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

/// Somebody who may pull providers, save and share out leads, export.
#[derive(Clone, Debug)]
pub struct Manager(pub Actor);

/// Somebody who may give access.
#[derive(Clone, Debug)]
pub struct Admin(pub Actor);

/// The session of a browser, for pages that anybody may open: signing in and out, set-up.
pub struct Session {
    /// Whose it is; nobody's when the browser has none, or one that has ended.
    pub user: Option<User>,
    /// Its secret, as the browser shows it.
    pub secret: Option<String>,
}

/// Where a request comes from: the address of the peer, or, when a proxy on this very machine
/// passes it on, the last one that `X-Forwarded-For` names, which is the one that the proxy saw.
/// A header by anybody else is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

macro_rules! role_extractor {
    ($($name:ident: $role:expr),+) => {$(
        impl<S> FromRequestParts<S> for $name
        where
            S: Send + Sync,
            App: FromRef<S>,
        {
            type Rejection = Response;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
                require(parts, &App::from_ref(state), $role).await.map(Self)
            }
        }
    )+};
}

role_extractor!(Caller: Role::Caller, Manager: Role::Manager, Admin: Role::Admin);

impl<S> FromRequestParts<S> for Session
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let secret = cookies::session(&parts.headers).map(ToOwned::to_owned);
        let user = match &secret {
            Some(secret) => App::from_ref(state).session(secret).await?,
            None => None,
        };
        Ok(Self { user, secret })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(peer)| {
            client_address(peer.ip().to_canonical(), &parts.headers)
        })))
    }
}

fn client_address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !peer.is_loopback() {
        return peer;
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|line| line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
        .map_or(peer, |address: IpAddr| address.to_canonical())
}

/// What a request shows to prove who sends it.
enum Proof<'a> {
    Token(&'a str),
    Session(&'a str),
    /// An `Authorization` of another kind.
    Other,
    Nothing,
}

impl<'a> Proof<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let bearer = value.to_str().ok().and_then(|v| {
                let (scheme, token) = v.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
            });
            return bearer.map_or(Self::Other, Self::Token);
        }
        cookies::session(headers).map_or(Self::Nothing, Self::Session)
    }

    async fn user(&self, app: &App) -> Result<Option<User>, Error> {
        match self {
            Self::Token(token) => app.token_user(token).await,
            Self::Session(secret) => app.session(secret).await,
            Self::Other | Self::Nothing => Ok(None),
        }
    }
}

async fn require(parts: &Parts, app: &App, role: Role) -> Result<Actor, Response> {
    let proof = Proof::of(&parts.headers);
    let user = proof
        .user(app)
        .await
        .map_err(|e| Problem::from(e).into_response())?;
    let Some(user) = user else {
        return Err(stranger(parts, app, &proof).await);
    };
    let actor = Actor::from(&user);
    actor
        .require(role)
        .map_err(|e| Problem::from(e).into_response())?;
    Ok(actor)
}

/// The answer to somebody who has not proved who they are.
async fn stranger(parts: &Parts, app: &App, proof: &Proof<'_>) -> Response {
    if is_for_programs(parts.uri.path()) {
        // RFC 6750, section 3.
        let (challenge, detail) = match proof {
            Proof::Token(_) => (
                r#"Bearer realm="canvass", error="invalid_token""#,
                "This token is none that is known; it may have been revoked.",
            ),
            _ => (
                r#"Bearer realm="canvass""#,
                "Send a token as \"Authorization: Bearer cvs_...\", or sign in.",
            ),
        };
        let problem = Problem::of_status(StatusCode::UNAUTHORIZED).detail(detail);
        return ([(header::WWW_AUTHENTICATE, challenge)], problem).into_response();
    }
    match app.needs_setup().await {
        Ok(true) => lead_to("/setup", &parts.headers),
        Ok(false) => lead_to(&login_path(parts), &parts.headers),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The page to sign in, which leads back to what was asked for; after an action, to the page that
/// it was taken on.
fn login_path(parts: &Parts) -> String {
    let opens = matches!(parts.method, Method::GET | Method::HEAD)
        && !parts.headers.contains_key("hx-request");
    let here = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let next = if opens {
        pages::local_path(here)
    } else {
        came_from(&parts.headers, "/")
    };
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/login?next={next}")
}

/// Leads a browser elsewhere, the whole page of it also where a script asked for a part.
fn lead_to(path: &str, headers: &HeaderMap) -> Response {
    if headers.contains_key("hx-request") {
        return (StatusCode::NO_CONTENT, [("hx-redirect", path)]).into_response();
    }
    Redirect::to(path).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let from = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            client_address(peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(from("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(from("127.0.0.1", &["10.9.9.9, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(from("::1", &["10.9.9.9", "2001:db8::7"]), "2001:db8::7");
        assert_eq!(from("127.0.0.1", &["nonsense"]), "127.0.0.1");
        assert_eq!(from("192.0.2.1", &["127.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn signing_in_leads_back() {
        let parts = |method: Method, uri: &str, headers: &[(&str, &str)]| {
            let mut request = axum::http::Request::builder().method(method).uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(()).unwrap().into_parts().0
        };
        let path = login_path(&parts(Method::GET, "/leads?status=new&q=a%20b", &[]));
        assert_eq!(path, "/login?next=%2Fleads%3Fstatus%3Dnew%26q%3Da%2520b");
        let referer = [("referer", "http://canvass.example/leads/1234567893")];
        let path = login_path(&parts(Method::POST, "/leads/1234567893/notes", &referer));
        assert_eq!(path, "/login?next=%2Fleads%2F1234567893");
    }
}
