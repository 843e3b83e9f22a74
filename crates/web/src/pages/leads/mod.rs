//! Working leads: the list with its inline edits, import and export, and one lead with its timeline.

mod detail;
mod edit;
pub(super) mod handlers;
mod import;
mod list;
mod row;
pub(super) mod upload;

pub use detail::{ActivityForm, LeadForm, LeadView, Timeline};
pub use import::ImportPanel;
pub use list::{Asked, LeadFilters, LeadsResults, LeadsView};
pub use row::{LeadRow, MovedRow};

use canvass_model::ContactMethod;

use crate::ui::Select;

/// A user whom a lead may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
}

/// The choice of an owner, with `first` before the users.
fn owner_select<'a>(
    label: &'static str,
    name: &'static str,
    owners: &'a [Owner],
    chosen: &str,
    first: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Select {
    let users = owners.iter().map(|o| (o.id.as_str(), o.name.as_str()));
    Select::new(name, label, chosen, first.into_iter().chain(users))
}

/// A kind of contact as people read it.
fn method_label(method: ContactMethod) -> &'static str {
    match method {
        ContactMethod::Call => "call",
        ContactMethod::Email => "e-mail",
        ContactMethod::Both => "call and e-mail",
    }
}
