//! What people see. Each area has a folder here and one of templates.
//!
//! A page is a [`Page`] or [`BarePage`] around the view of its area, and a view is made of
//! fragments that are templates of their own; so what htmx swaps in and what a page shows can't
//! differ.

pub mod account;
pub mod api_docs;
pub mod error;
pub mod imports;
pub mod leads;
pub mod providers;
pub mod sync;
pub mod team;
pub mod theme;

mod address;
mod ask;
mod visit;

use std::fmt::Display;

use askama::Template;
use axum::Router;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use canvass_model::Role;

use crate::cookies::{self, Theme};
use crate::problem::Problem;
use crate::server::Server;
use crate::ui::{Avatar, Link, Notice};

/// The routes of all pages, but for those of [`lasting`].
pub fn router() -> Router<Server> {
    Router::new()
        .route("/theme", post(theme::choose))
        .merge(account::handlers::router())
        .merge(providers::handlers::router())
        .merge(providers::searches::router())
        .merge(leads::handlers::router())
        .merge(sync::handlers::router())
        .merge(imports::handlers::router())
        .merge(team::handlers::router())
}

/// The routes that take as long as a file takes to arrive, or as all of a search.
pub fn lasting() -> Router<Server> {
    leads::upload::router()
        .merge(imports::handlers::uploads())
        .merge(providers::handlers::lasting())
}

/// Who looks at a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Identifier of the user.
    pub id: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
}

impl Viewer {
    /// Whether they may pull providers, save leads, export.
    pub fn is_manager(&self) -> bool {
        self.role >= Role::Manager
    }

    /// Whether they may give access.
    pub fn is_admin(&self) -> bool {
        self.role >= Role::Admin
    }

    fn avatar(&self) -> Avatar {
        Avatar {
            name: self.name.clone(),
            large: true,
        }
    }
}

/// Where a page stands in the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Providers.
    Providers,
    /// Leads.
    Leads,
    /// Sync.
    Sync,
    /// Team.
    Team,
    /// None of them.
    Elsewhere,
}

/// An entry of the rail.
struct RailEntry {
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    /// The letter after `g` that goes there.
    key: &'static str,
    current: bool,
    at_the_end: bool,
}

/// The running jobs, as the ring of the top line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningJobs {
    /// How far they are, from 0 to 100.
    pub percent: u8,
    /// Where their progress is shown.
    pub href: String,
}

/// Everything around the view of a page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Where one is.
    pub title: String,
    /// What the page is about, for the title of the window.
    pub subject: Option<String>,
    /// The page above this one.
    pub above: Option<Link>,
    /// Section of the rail.
    pub section: Section,
    /// Who looks.
    pub viewer: Viewer,
    /// What the search field holds.
    pub q: String,
    /// Running jobs, when there are any.
    pub jobs: Option<RunningJobs>,
    /// Theme.
    pub theme: Theme,
    /// What came of the action before.
    pub notice: Option<Notice>,
    /// Seconds after which a browser without script loads the page again.
    pub reload_after: Option<u32>,
    /// Path and query of this page.
    pub here: String,
}

impl Shell {
    /// The shell of a page that `headers` and `uri` ask for.
    pub fn new(
        title: impl Into<String>,
        section: Section,
        viewer: Viewer,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Self {
        let here = uri.path_and_query().map_or("/", |p| p.as_str());
        Self {
            title: title.into(),
            subject: None,
            above: None,
            section,
            viewer,
            q: String::new(),
            jobs: None,
            theme: Theme::of(headers),
            notice: cookies::notice(headers),
            reload_after: None,
            here: here.to_owned(),
        }
    }

    fn rail(&self) -> Vec<RailEntry> {
        let entry = |section, label, href, icon, key| RailEntry {
            label,
            href,
            icon,
            key,
            current: self.section == section,
            at_the_end: false,
        };
        let mut rail = vec![
            entry(
                Section::Providers,
                "Providers",
                "/providers",
                "providers",
                "p",
            ),
            entry(Section::Leads, "Leads", "/leads", "leads", "l"),
        ];
        if self.viewer.is_manager() {
            rail.push(entry(Section::Sync, "Sync", "/sync", "sync", "s"));
        }
        rail.push(entry(Section::Team, "Team", "/team", "team", "t"));
        rail.push(RailEntry {
            label: "API",
            href: "/api/docs",
            icon: "api",
            key: "a",
            current: false,
            at_the_end: true,
        });
        rail
    }
}

/// A page for somebody who is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "shell.html")]
pub struct Page<V: Display> {
    /// What stands around the view.
    pub shell: Shell,
    /// The view.
    pub view: V,
}

/// A page without rail: signing in, set-up, errors.
#[derive(Clone, Debug, Template)]
#[template(path = "bare.html")]
pub struct BarePage<V: Display> {
    /// Title.
    pub title: String,
    /// Theme.
    pub theme: Theme,
    /// Whether it is the wider of two widths.
    pub wide: bool,
    /// The view.
    pub view: V,
}

/// An answer that a template renders.
pub fn html(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// A whole page. The notice that it shows is taken away, so that it shows once.
pub fn page<V: Display>(page: &Page<V>) -> Response {
    let mut response = html(page);
    if page.shell.notice.is_some() {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookies::clear_notice());
    }
    response
}

/// Whether htmx asks for the part of a page that has this identifier. Coming back through the
/// browser's history asks for the whole page.
pub fn wants_fragment(headers: &HeaderMap, id: &str) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|v| v == value);
    is("hx-request", "true") && is("hx-target", id) && !is("hx-history-restore-request", "true")
}

/// `text` where it is a path of this site, with its query; else `/`. Where to go after an action
/// comes from outside, and must not lead elsewhere.
pub fn local_path(text: &str) -> &str {
    let mut chars = text.chars();
    let rooted = chars.next() == Some('/') && !matches!(chars.next(), Some('/' | '\\'));
    if rooted && text.chars().all(|c| c.is_ascii_graphic() && c != '\\') {
        text
    } else {
        "/"
    }
}

/// The page that a form was sent from, or `otherwise`: where to go after an action that has no page
/// of its own. Our own pages always say it (the referrer policy is `same-origin`).
pub fn came_from<'a>(headers: &'a HeaderMap, otherwise: &'a str) -> &'a str {
    let referer = headers.get(header::REFERER).and_then(|v| v.to_str().ok());
    let path = referer
        .and_then(|r| r.split_once("://"))
        .and_then(|(_, rest)| rest.find('/').map(|slash| &rest[slash..]));
    match path.map(local_path) {
        Some(path) if path != "/" => path,
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        assert_eq!(
            local_path("/leads?status=new&city=San+Jose"),
            "/leads?status=new&city=San+Jose"
        );
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nX: y",
            "/a b",
        ] {
            assert_eq!(local_path(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn an_action_returns_to_the_page_that_it_was_taken_on() {
        let from = |referer: &str| -> String {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, referer.parse().unwrap());
            came_from(&headers, "/leads").to_owned()
        };
        assert_eq!(
            from("https://canvass.example:8443/leads?status=new"),
            "/leads?status=new"
        );
        assert_eq!(from("https://canvass.example//evil.example"), "/leads");
        assert_eq!(from("nonsense"), "/leads");
        assert_eq!(came_from(&HeaderMap::new(), "/leads"), "/leads");
    }

    #[test]
    fn a_fragment_is_for_htmx_and_its_target_only() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs
                .iter()
                .map(|(n, v)| (header::HeaderName::from_static(n), v.parse().unwrap()))
                .collect()
        };
        let asks = [("hx-request", "true"), ("hx-target", "results")];
        assert!(wants_fragment(&headers(&asks), "results"));
        assert!(!wants_fragment(&headers(&asks), "main"));
        assert!(!wants_fragment(&headers(&asks[1..]), "results"));
        let back = [asks[0], asks[1], ("hx-history-restore-request", "true")];
        assert!(!wants_fragment(&headers(&back), "results"));
    }
}
