use askama::Template;
use canvass_model::{LeadStatus, Role};

use super::Tone;

/// The status of a lead as colour, word and shape.
#[derive(Clone, Copy, Debug, Template)]
#[template(
    ext = "html",
    source = r#"<span class="badge tone-{{ status.as_str() }}">{{ crate::ui::icon(status.as_str()) }}{{ status.label() }}</span>"#
)]
pub struct StatusBadge {
    /// The status.
    pub status: LeadStatus,
}

/// A state as colour, word and shape.
#[derive(Clone, Debug, Template)]
#[template(
    ext = "html",
    source = r#"<span class="badge tone-{{ tone.as_str() }}">{{ crate::ui::icon(icon) }}{{ text }}</span>"#
)]
pub struct Badge {
    /// Colour.
    pub tone: Tone,
    /// Name of the icon.
    pub icon: &'static str,
    /// Word.
    pub text: String,
}

/// The status of a lead, to be changed where it stands.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/status_select.html")]
pub struct StatusSelect {
    /// The status now.
    pub status: LeadStatus,
    /// What the viewer may make of it, itself included.
    pub choices: Vec<LeadStatus>,
    /// Whose status it is, for a screen reader.
    pub of: String,
    /// Identifier of the element; with it the focus stays where it was when a row is replaced.
    pub id: String,
}

impl StatusSelect {
    /// The status of a lead for a viewer of this role.
    pub fn new(
        status: LeadStatus,
        role: Role,
        id: impl Into<String>,
        of: impl Into<String>,
    ) -> Self {
        let choices = LeadStatus::ALL
            .into_iter()
            .filter(|to| status.may_become(*to, role).is_ok())
            .collect();
        Self {
            status,
            choices,
            of: of.into(),
            id: id.into(),
        }
    }
}

/// A person's initials. The name stands beside it, or in `title`.
#[derive(Clone, Debug, Template)]
#[template(
    ext = "html",
    source = r#"<span class="avatar tone-{{ tone() }}{% if large %} large{% endif %}" aria-hidden="true">{{ initials() }}</span>"#
)]
pub struct Avatar {
    /// Name of the person.
    pub name: String,
    /// Whether it is the large one.
    pub large: bool,
}

impl Avatar {
    /// The small one.
    pub fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            large: false,
        }
    }

    fn initials(&self) -> String {
        let mut words = self.name.split_whitespace();
        let first = words.next().and_then(|w| w.chars().next());
        let last = words.next_back().and_then(|w| w.chars().next());
        let letters: String = first
            .into_iter()
            .chain(last)
            .flat_map(char::to_uppercase)
            .collect();
        if letters.is_empty() {
            "?".to_owned()
        } else {
            letters
        }
    }

    /// One of five colours, always the same for a name.
    fn tone(&self) -> u32 {
        self.name
            .chars()
            .fold(0, |sum, c| (sum * 31 + u32::from(c)) % 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_name() {
        let initials = |name: &str| Avatar::of(name).initials();
        assert_eq!(initials("Lee"), "L");
        assert_eq!(initials("ana maria garcía"), "AG");
        assert_eq!(initials("  "), "?");
    }

    #[test]
    fn a_caller_is_not_offered_what_the_rules_forbid() {
        let choices = |status, role| StatusSelect::new(status, role, "i", "x").choices;
        assert_eq!(
            choices(LeadStatus::DoNotCall, Role::Caller),
            [LeadStatus::DoNotCall]
        );
        assert!(!choices(LeadStatus::Contacted, Role::Caller).contains(&LeadStatus::New));
        assert_eq!(choices(LeadStatus::DoNotCall, Role::Manager).len(), 7);
    }

    #[test]
    fn a_name_is_escaped() {
        let html = Avatar::of("<b> &").to_string();
        assert!(html.contains("&#60;"), "{html}");
    }
}
