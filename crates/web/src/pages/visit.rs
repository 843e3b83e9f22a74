//! What a handler of a page needs: the application, what the browser sent along, and the answers
//! that an action has.

use std::convert::Infallible;

use axum::extract::{FromRef, FromRequest, FromRequestParts, RawForm, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use canvass_app::{Actor, App, Error, ImportView};
use canvass_model::{Npi, Role, SyncRun};
use jiff::tz::TimeZone;

use super::sync::percent_of;
use super::{RunningJobs, Section, Shell, Viewer, came_from, wants_fragment};
use crate::cookies;
use crate::format::Now;
use crate::problem::{FieldError, Problem};
use crate::security::RequestId;
use crate::ui::Notice;

/// The cookie in which the script of the pages keeps the time zone of the browser.
const ZONE: &str = "canvass_zone";

/// A request for a page, or for an action of one.
pub struct Visit {
    app: App,
    headers: HeaderMap,
    uri: Uri,
    opens: bool,
    number: String,
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    App: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let number = parts.extensions.get::<RequestId>();
        Ok(Self {
            app: App::from_ref(state),
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            opens: matches!(parts.method, Method::GET | Method::HEAD),
            number: number.map_or_else(String::new, |id| id.0.clone()),
        })
    }
}

impl Visit {
    /// The application.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The headers of the request.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Now, in the time zone of the browser; in UTC until its script has said it.
    pub fn now(&self) -> Now {
        let zone = cookies::read(&self.headers, ZONE).and_then(|name| TimeZone::get(name).ok());
        Now {
            at: self.app.clock().now(),
            zone: zone.unwrap_or(TimeZone::UTC),
        }
    }

    /// A key for the forms of this page, so that one that is sent twice acts once. It is the number
    /// of the request: no other page has it, and a key counts for its user only.
    pub fn key(&self) -> String {
        self.number.clone()
    }

    /// Whether htmx asks for the part of a page with this identifier.
    pub fn wants(&self, id: &str) -> bool {
        wants_fragment(&self.headers, id)
    }

    /// The page that an action was taken on, or `otherwise`.
    pub fn back<'a>(&'a self, otherwise: &'a str) -> &'a str {
        came_from(&self.headers, otherwise)
    }

    /// The query of the page that htmx acts on.
    pub fn query_of_page(&self) -> Pairs {
        let current = self.headers.get("hx-current-url");
        let query = current
            .and_then(|url| url.to_str().ok())
            .and_then(|url| url.split('#').next()?.split_once('?'))
            .map_or("", |(_, query)| query);
        Pairs::parse(query.as_bytes())
    }

    /// What stands around the view of a page.
    pub async fn shell(
        &self,
        actor: &Actor,
        title: impl Into<String>,
        section: Section,
    ) -> Result<Shell, Problem> {
        let mut shell = Shell::new(title, section, viewer(actor), &self.headers, &self.uri);
        if !self.opens {
            shell.here = self.back("/").to_owned();
        }
        if actor.role >= Role::Manager {
            let (syncs, imports) =
                tokio::try_join!(self.app.open_syncs(), self.app.open_imports())?;
            shell.jobs = running(&syncs, &imports);
        }
        Ok(shell)
    }
}

/// Who looks at a page.
pub fn viewer(actor: &Actor) -> Viewer {
    Viewer {
        id: actor.user_id.clone().unwrap_or_default(),
        name: actor.name.clone(),
        role: actor.role,
    }
}

/// All that goes on as one ring.
fn running(syncs: &[SyncRun], imports: &[ImportView]) -> Option<RunningJobs> {
    let of_syncs = syncs
        .iter()
        .map(|run| (percent_of(run), format!("/sync/{}", run.id)));
    let of_imports = imports.iter().map(|import| {
        let percent = import.progress.as_ref().map_or(0, |p| p.percent);
        (percent, format!("/sync/imports/{}", import.id))
    });
    let all: Vec<(u8, String)> = of_syncs.chain(of_imports).collect();
    let sum: u32 = all.iter().map(|(percent, _)| u32::from(*percent)).sum();
    let count = u32::try_from(all.len()).ok().filter(|n| *n > 0)?;
    Some(RunningJobs {
        percent: u8::try_from(sum / count).unwrap_or(99),
        href: match all.as_slice() {
            [(_, only)] => only.clone(),
            _ => "/sync".to_owned(),
        },
    })
}

/// The fields of a form or of a query, in their order. Line ends are single, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Pairs {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let RawForm(bytes) = RawForm::from_request(request, state)
            .await
            .map_err(|e| Problem::of_status(e.into_response().status()))?;
        let pairs = Self::parse(&bytes);
        // Neither database holds this character.
        match pairs.0.iter().find(|(_, value)| value.contains('\0')) {
            None => Ok(pairs),
            Some((name, _)) => {
                let wrong = FieldError::new(name, "may not hold the character NUL");
                Err(Problem::invalid(vec![wrong]))
            }
        }
    }
}

impl Pairs {
    /// The fields of a query.
    pub fn parse(bytes: &[u8]) -> Self {
        let single = |(name, value): (String, String)| (name, value.replace("\r\n", "\n"));
        let pairs = form_urlencoded::parse(bytes).into_owned();
        Self(pairs.map(single).collect())
    }

    /// The value of a field, as it was sent; nothing where the form has no such field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name)?;
        Some(&found.1)
    }

    /// The value of a field that says something.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// The value of a field, or nothing said.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// All that a repeated field says.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let said = |v: &&str| !v.is_empty();
        let of_name = self.0.iter().filter(move |(n, _)| n == name);
        of_name.map(|(_, v)| v.trim()).filter(said)
    }

    /// Each pair, a repeated one once.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        let new = |(i, pair): &(usize, &(String, String))| !self.0[..*i].contains(pair);
        let pairs = self.0.iter().enumerate().filter(new);
        pairs.map(|(_, (name, value))| (name.as_str(), value.as_str()))
    }
}

/// The NPI of an address; a text that is none names nothing.
pub fn npi(what: &str, text: &str) -> Result<Npi, Problem> {
    text.parse().map_err(|_| Problem::not_found(what))
}

/// The identifier of an address. Nothing has one with other characters than these.
pub fn id<'a>(what: &str, text: &'a str) -> Result<&'a str, Problem> {
    let fits = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then_some(text).ok_or_else(|| Problem::not_found(what))
}

/// After an action: leads to a page that says what came of it.
pub fn done(notice: &Notice, to: &str) -> Response {
    let notice = [(header::SET_COOKIE, cookies::leave_notice(notice))];
    (notice, Redirect::to(to)).into_response()
}

/// What is wrong field by field, where that is what went wrong; else a problem of another kind.
pub fn fields(error: Error) -> Result<Vec<FieldError>, Problem> {
    match error {
        Error::Invalid(fields) => Ok(fields
            .into_iter()
            .map(|f| FieldError::new(f.name, sentence(&f.problem)))
            .collect()),
        other => Err(other.into()),
    }
}

/// Errors of fields, for a reader who does not see the form.
pub fn sentences(errors: &[FieldError]) -> String {
    let each = errors.iter().map(|error| {
        let field = sentence(&error.field.replace('_', " "));
        format!("{}: {}", field.trim_end_matches('.'), error.detail)
    });
    each.collect::<Vec<_>>().join(" ")
}

/// The words of an error as a sentence: the first letter large, a full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).chain(['.']).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_it_is_stored() {
        let pairs = Pairs::parse(b"notes=a%0D%0Ab&state=CA&state=+&state=CA&empty=");
        assert_eq!(pairs.get("notes"), Some("a\nb"));
        assert_eq!(pairs.all("state").collect::<Vec<_>>(), ["CA", "CA"]);
        assert_eq!(
            (pairs.get("empty"), pairs.filled("empty")),
            (Some(""), None)
        );
        assert_eq!(pairs.get("missing"), None);
        let states = pairs.each().filter(|(name, _)| *name == "state");
        assert_eq!(states.map(|(_, v)| v).collect::<Vec<_>>(), ["CA", " "]);
    }

    #[test]
    fn what_is_wrong_reads_as_sentences() {
        let errors = [
            FieldError::new("postal_code", sentence("five digits")),
            FieldError::new("state", sentence("Two letters.")),
        ];
        assert_eq!(
            sentences(&errors),
            "Postal code: Five digits. State: Two letters."
        );
    }
}
