//! Who may do what: users, their roles and passwords, and the tokens of programs.

pub(super) mod handlers;

use askama::Template;
use canvass_app::LEAST_PASSWORD;
use canvass_model::Role;

use crate::format::When;
use crate::problem::FieldError;
use crate::ui::{Avatar, Field, Select};

/// One user.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Whether they may not sign in.
    pub disabled: bool,
    /// Whether it is the viewer, who can't disable or demote themself.
    pub is_viewer: bool,
    /// When they were added.
    pub created: When,
}

impl UserRow {
    fn avatar(&self) -> Avatar {
        Avatar::of(&self.name)
    }

    fn role_label(&self) -> &'static str {
        role_label(self.role)
    }

    fn roles(&self) -> Vec<(&'static str, &'static str, bool)> {
        Role::ALL
            .into_iter()
            .map(|r| (r.as_str(), role_label(r), r == self.role))
            .collect()
    }
}

fn role_label(role: Role) -> &'static str {
    match role {
        Role::Caller => "Caller",
        Role::Manager => "Manager",
        Role::Admin => "Administrator",
    }
}

/// Users, with what an administrator may do to them.
#[derive(Clone, Debug, Template)]
#[template(path = "team/users.html")]
pub struct Users {
    /// Rows.
    pub rows: Vec<UserRow>,
    /// Whether the viewer is an administrator.
    pub may_edit: bool,
}

/// Adding a user.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "team/add_user.html")]
pub struct AddUser {
    /// Name as typed.
    pub name: String,
    /// Role as chosen.
    pub role: Option<Role>,
    /// What is wrong, field by field (`name`, `role`, `password`).
    pub errors: Vec<FieldError>,
}

impl AddUser {
    fn name_field(&self) -> Field {
        Field {
            required: true,
            autocomplete: Some("off"),
            prefix: "new-",
            ..Field::text("name", "Name")
                .value(&self.name)
                .errors(&self.errors)
        }
    }

    fn role_field(&self) -> Select {
        Select {
            prefix: "new-",
            hint: Some("A caller works leads; a manager also pulls, saves and exports; an administrator also gives access.".to_owned()),
            ..Select::new(
                "role",
                "Role",
                self.role.unwrap_or(Role::Caller).as_str(),
                Role::ALL.into_iter().map(|r| (r.as_str(), role_label(r))),
            )
            .errors(&self.errors)
        }
    }

    fn password_field(&self) -> Field {
        Field {
            prefix: "new-",
            ..Field::password("password", "First password", "new-password")
                .hint(format!(
                    "At least {LEAST_PASSWORD} characters. Give it to them in person."
                ))
                .errors(&self.errors)
        }
    }
}

/// One token of a program.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Identifier.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// Identifier of that user.
    pub user_id: String,
    /// When it was made.
    pub created: When,
    /// When it was last used.
    pub last_used: Option<When>,
}

/// Tokens, and the one that was just made.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "team/tokens.html")]
pub struct Tokens {
    /// Rows.
    pub rows: Vec<TokenRow>,
    /// The secret of the token that was just made. It is shown once.
    pub secret: Option<String>,
    /// What is wrong with the form, field by field (`name`).
    pub errors: Vec<FieldError>,
}

impl Tokens {
    fn name_field(&self) -> Field {
        Field {
            required: true,
            autocomplete: Some("off"),
            prefix: "token-",
            placeholder: Some("Nightly export"),
            ..Field::text("name", "What it is for").errors(&self.errors)
        }
    }
}

/// Changing one's own password.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "team/password.html")]
pub struct OwnPassword {
    /// Name of the viewer, for what keeps passwords.
    pub name: String,
    /// What is wrong, field by field (`current`, `password`).
    pub errors: Vec<FieldError>,
}

impl OwnPassword {
    fn fields(&self) -> [Field; 2] {
        [
            Field {
                prefix: "own-",
                ..Field::password("current", "Your password now", "current-password")
                    .errors(&self.errors)
            },
            Field {
                prefix: "own-",
                ..Field::password("password", "New password", "new-password")
                    .hint(format!("At least {LEAST_PASSWORD} characters."))
                    .errors(&self.errors)
            },
        ]
    }
}

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "team/index.html")]
pub struct TeamView {
    /// Users.
    pub users: Users,
    /// Adding one; absent where the viewer may not.
    pub add: Option<AddUser>,
    /// The viewer's own password.
    pub password: OwnPassword,
    /// Tokens.
    pub tokens: Tokens,
}

crate::ui::shown_as_html!(Users, AddUser, OwnPassword, Tokens, TeamView);
