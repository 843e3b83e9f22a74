//! Every component, and every page with made-up data: to look at while designing. It exists in debug
//! builds only.

mod components;
pub mod sample;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::cookies::Theme;
use crate::pages::account::{LoginView, SetupView};
use crate::pages::error::ErrorView;
use crate::pages::{BarePage, Page, RunningJobs, Section, Shell, html, page};
use crate::problem::{FieldError, Problem};
use crate::ui::{Link, Notice};
use components::Components;
use sample::Amount;

/// The gallery below `/gallery`, with the assets it needs.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/gallery", get(components))
        .route("/gallery/{page}", get(show))
}

#[derive(Debug, Deserialize)]
struct Look {
    #[serde(default)]
    theme: String,
    #[serde(default)]
    amount: Amount,
}

/// Names of the pages that the gallery shows.
pub const PAGES: [&str; 25] = [
    "providers",
    "providers-columns",
    "providers-refused",
    "providers-map",
    "providers-zips",
    "providers-state",
    "providers-states",
    "provider",
    "provider-organization",
    "leads",
    "lead",
    "sync",
    "sync-invalid",
    "run",
    "run-incomplete",
    "import",
    "import-running",
    "import-failed",
    "import-again",
    "team",
    "team-caller",
    "login",
    "setup",
    "error",
    "invalid",
];

async fn components(headers: HeaderMap, uri: Uri, Query(look): Query<Look>) -> Response {
    let mut shell = shell("Components", Section::Elsewhere, &headers, &uri, &look);
    shell.notice = None;
    page(&Page {
        shell,
        view: Components::new(),
    })
}

fn shell(title: &str, section: Section, headers: &HeaderMap, uri: &Uri, look: &Look) -> Shell {
    let viewer = sample::viewer();
    let mut shell = Shell::new(title, section, viewer, headers, uri);
    if !look.theme.is_empty() {
        shell.theme = Theme::parse(&look.theme);
    }
    shell
}

async fn show(
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    Query(look): Query<Look>,
) -> Response {
    let much = look.amount == Amount::Much;
    let shell = |title: &str, section| shell(title, section, &headers, &uri, &look);
    let bare = |title: &str, wide| (title.to_owned(), Theme::parse(&look.theme), wide);
    match name.as_str() {
        "providers" => {
            let mut shell = shell("Providers", Section::Providers);
            if much {
                shell.notice = Some(Notice::receipt(sample::receipt()));
                shell.jobs = Some(RunningJobs {
                    percent: 62,
                    href: "/gallery/sync".to_owned(),
                });
            }
            page(&Page {
                shell,
                view: sample::providers(look.amount),
            })
        }
        "providers-columns" => page(&Page {
            shell: shell("Providers", Section::Providers),
            view: sample::providers_with_all_columns(look.amount),
        }),
        "providers-refused" => page(&Page {
            shell: shell("Providers", Section::Providers),
            view: sample::providers_refused(),
        }),
        "providers-map" | "providers-zips" | "providers-state" | "providers-states" => {
            page(&Page {
                shell: shell("Providers", Section::Providers),
                view: sample::providers_on_a_map(&name, look.amount),
            })
        }
        "provider" | "provider-organization" => {
            let mut shell = shell("Provider", Section::Providers);
            shell.above = Some(Link::new("Providers", "/gallery/providers"));
            page(&Page {
                shell,
                view: sample::provider(name != "provider", look.amount),
            })
        }
        "leads" => page(&Page {
            shell: shell("Leads", Section::Leads),
            view: sample::leads(look.amount),
        }),
        "lead" => {
            let mut shell = shell("Lead", Section::Leads);
            shell.above = Some(Link::new("Leads", "/gallery/leads"));
            page(&Page {
                shell,
                view: sample::lead(look.amount),
            })
        }
        "sync" => page(&Page {
            shell: shell("Sync", Section::Sync),
            view: sample::sync(look.amount, &[]),
        }),
        "sync-invalid" => page(&Page {
            shell: shell("Sync", Section::Sync),
            view: sample::sync(
                Amount::None,
                &[
                    FieldError::new("specialties", "Choose one specialty at least."),
                    FieldError::new("url", "It does not begin with https://."),
                ],
            ),
        }),
        "run" | "run-incomplete" => {
            let mut shell = shell("Sync run", Section::Sync);
            shell.above = Some(Link::new("Sync", "/gallery/sync"));
            page(&Page {
                shell,
                view: sample::run(name == "run"),
            })
        }
        "import" | "import-running" | "import-failed" | "import-again" => {
            let mut shell = shell("Import", Section::Sync);
            shell.above = Some(Link::new("Sync", "/gallery/sync"));
            page(&Page {
                shell,
                view: sample::import(&name),
            })
        }
        "team" => page(&Page {
            shell: shell("Team", Section::Team),
            view: sample::team(look.amount),
        }),
        "team-caller" => page(&Page {
            shell: shell("Team", Section::Team),
            view: sample::team_of_a_caller(),
        }),
        "login" => {
            let (title, theme, wide) = bare("Sign in", false);
            let error = much.then(|| "The name or the password is not right.".to_owned());
            html(&BarePage {
                title,
                theme,
                wide,
                view: LoginView {
                    error,
                    name: "Lee".to_owned(),
                    next: "/leads".to_owned(),
                },
            })
        }
        "setup" => {
            let (title, theme, wide) = bare("Set up canvass", false);
            let errors = if much {
                vec![FieldError::new("password", "At least 10 characters.")]
            } else {
                Vec::new()
            };
            html(&BarePage {
                title,
                theme,
                wide,
                view: SetupView {
                    errors,
                    ..SetupView::default()
                },
            })
        }
        "error" => {
            let (title, theme, wide) = bare("Something failed in the server", true);
            let problem = Problem::of_status(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
            html(&BarePage {
                title,
                theme,
                wide,
                view: ErrorView::new(&problem, "019a9f3c5e4b7d1c8a52b0c4f6e1d233".to_owned()),
            })
        }
        "invalid" => Problem::invalid(vec![
            FieldError::new(
                "state",
                "\"Calfornia\" is no state; write two letters, as in CA.",
            ),
            FieldError::new("limit", "A whole number from 1 to 1,000."),
        ])
        .into_response(),
        _ => Problem::not_found("page of this name in the gallery").into_response(),
    }
}

#[cfg(test)]
mod tests;
