use askama::Template;
use canvass_app::{Actor, MOST_SEARCH_NAME};
use canvass_model::Role;
use canvass_store::SavedSearch;

use crate::ui::Field;

/// One saved search.
#[derive(Clone, Debug)]
pub struct SavedRow {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// The page with what it finds.
    pub href: String,
    /// Who shared it; nobody for one's own.
    pub by: Option<String>,
    /// Whether the viewer may delete it.
    pub may_delete: bool,
    /// Whether it is what the page shows.
    pub current: bool,
}

/// What was typed to save a search, where that was refused.
#[derive(Clone, Debug, Default)]
pub struct SaveForm {
    /// Name.
    pub name: String,
    /// Whether it was to be the team's.
    pub team: bool,
    /// Why it was refused.
    pub error: Option<String>,
}

/// The searches that people keep, and a form that keeps the one that is shown.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/saved.html")]
pub struct SavedMenu {
    /// The viewer's own.
    pub own: Vec<SavedRow>,
    /// The team's.
    pub team: Vec<SavedRow>,
    /// What the page shows, as the query of its address.
    pub query: String,
    /// Whether the viewer may share a search with the team.
    pub may_share: bool,
    /// What the form holds.
    pub form: SaveForm,
    /// Whether the menu gets the focus, since what was in it is gone.
    pub focus: bool,
}

impl SavedMenu {
    /// The menu of somebody who sees these. `query` is what the page shows, `search` the part of
    /// it that is kept.
    pub fn new(saved: Vec<SavedSearch>, actor: &Actor, query: String, search: &str) -> Self {
        let mut menu = Self {
            own: Vec::new(),
            team: Vec::new(),
            query,
            may_share: actor.role >= Role::Manager,
            form: SaveForm::default(),
            focus: false,
        };
        for saved in saved {
            let row = SavedRow {
                may_delete: actor.may_delete(&saved),
                current: saved.query == search,
                href: address(&saved.query),
                by: saved.team.then_some(saved.owner),
                id: saved.id,
                name: saved.name,
            };
            if saved.team {
                menu.team.push(row);
            } else {
                menu.own.push(row);
            }
        }
        menu
    }

    fn groups(&self) -> impl Iterator<Item = (&'static str, &Vec<SavedRow>)> {
        [("Yours", &self.own), ("The team’s", &self.team)]
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
    }

    fn may_delete_any(&self) -> bool {
        self.own.iter().chain(&self.team).any(|row| row.may_delete)
    }

    fn name_field(&self) -> Field {
        Field {
            required: true,
            prefix: "search-",
            error: self.form.error.clone(),
            most: Some(MOST_SEARCH_NAME),
            focus: self.form.error.is_some(),
            ..Field::text("name", "Keep this search as").value(self.form.name.clone())
        }
    }
}

/// The page that shows what a query asks for.
pub(super) fn address(query: &str) -> String {
    if query.is_empty() {
        "/providers".to_owned()
    } else {
        format!("/providers?{query}")
    }
}

crate::ui::shown_as_html!(SavedMenu);
