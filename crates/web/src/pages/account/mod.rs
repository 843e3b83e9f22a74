//! Signing in and the first set-up.

pub(super) mod handlers;

use askama::Template;
use canvass_app::LEAST_PASSWORD;

use crate::problem::FieldError;
use crate::ui::Field;

/// Signing in.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "account/login.html")]
pub struct LoginView {
    /// What went wrong at the last try. The same for an unknown name and a wrong password.
    pub error: Option<String>,
    /// Name at the last try.
    pub name: String,
    /// Where to go afterwards: a path of this site.
    pub next: String,
}

impl LoginView {
    fn fields(&self) -> [Field; 2] {
        [
            Field {
                autocomplete: Some("username"),
                required: true,
                ..Field::text("name", "Name").value(&self.name)
            },
            Field::password("password", "Password", "current-password"),
        ]
    }
}

/// The first set-up: makes the first administrator, with the code that the console shows.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "account/setup.html")]
pub struct SetupView {
    /// What is wrong, field by field (`code`, `name`, `password`).
    pub errors: Vec<FieldError>,
    /// Code as typed, or as in the address.
    pub code: String,
    /// Name as typed.
    pub name: String,
}

impl SetupView {
    fn fields(&self) -> [Field; 3] {
        [
            Field {
                autocomplete: Some("one-time-code"),
                required: true,
                ..Field::text("code", "One-time code")
                    .value(&self.code)
                    .hint("The console shows it where canvass was started.")
                    .errors(&self.errors)
            },
            Field {
                autocomplete: Some("username"),
                required: true,
                ..Field::text("name", "Your name")
                    .value(&self.name)
                    .hint("You sign in with it, and your team sees it beside what you do.")
                    .errors(&self.errors)
            },
            Field::password("password", "Password", "new-password")
                .hint(format!("At least {LEAST_PASSWORD} characters."))
                .errors(&self.errors),
        ]
    }
}
