use askama::Template;
use canvass_model::Total;

use super::href;
use crate::format::{noun, number};

/// A link with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl Link {
    /// A link.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
        }
    }
}

/// One thing that a search asks for, and the search without it.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/chip.html")]
pub struct Chip {
    /// What is asked for.
    pub label: String,
    /// Address of the list without it.
    pub without: String,
}

/// Where one is in a list, and the way to its next page.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/pager.html")]
pub struct Pager {
    /// Rows on this page.
    pub shown: u64,
    /// Rows of the whole.
    pub total: Total,
    /// Word for the rows.
    pub noun: &'static str,
    /// Address of the first page, when this is another one.
    pub first: Option<String>,
    /// Address of the next page.
    pub next: Option<String>,
    /// Identifier of the element that a page replaces.
    pub target: &'static str,
}

impl Pager {
    /// No rows and no other page.
    pub fn of_nothing(total: Total, noun: &'static str) -> Self {
        Self {
            shown: 0,
            total,
            noun,
            first: None,
            next: None,
            target: "results",
        }
    }

    fn words(&self) -> String {
        let whole = number(self.total.count);
        let about = if self.total.exact { "" } else { "about " };
        if self.first.is_none() && self.next.is_none() {
            return format!("All {whole} {}", self.noun);
        }
        format!("{} of {about}{whole} {}", number(self.shown), self.noun)
    }
}

/// How many rows a list has.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/count.html")]
pub struct Count {
    /// How many.
    pub total: Total,
    /// Word for one row, and for several.
    pub nouns: [&'static str; 2],
    /// What else there is to know of them.
    pub beside: Option<String>,
    /// Whether it comes beside a row that was edited, to replace the one on the page.
    pub beside_a_row: bool,
}

impl Count {
    /// So many rows.
    pub fn new(total: Total, nouns: [&'static str; 2]) -> Self {
        Self {
            total,
            nouns,
            beside: None,
            beside_a_row: false,
        }
    }

    fn number(&self) -> String {
        let about = if self.total.exact { "" } else { "About " };
        format!("{about}{}", number(self.total.count))
    }

    fn noun(&self) -> &'static str {
        let [one, many] = self.nouns;
        noun(self.total.count, one, many)
    }
}

/// The head of a list, which `ui/list.html` draws.
#[derive(Clone, Debug)]
pub struct ListHead {
    /// How many rows.
    pub count: Count,
    /// What is asked for.
    pub chips: Vec<Chip>,
    /// The ways to take it all along; absent where the viewer may not.
    pub export: Option<ExportMenu>,
}

impl ListHead {
    /// The head of a list without rows.
    pub fn of_nothing(nouns: [&'static str; 2]) -> Self {
        let none = Total {
            count: 0,
            exact: true,
        };
        Self {
            count: Count::new(none, nouns),
            chips: Vec::new(),
            export: None,
        }
    }
}

/// The ways to take a whole list along as a file.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/export_menu.html")]
pub struct ExportMenu {
    /// One for each kind of file.
    pub links: [Link; 3],
}

impl ExportMenu {
    /// The exports of what `pairs` ask for at `path`.
    pub fn new(path: &str, pairs: &[(&'static str, String)]) -> Self {
        let kinds = [
            ("csv", "CSV"),
            ("xlsx", "Spreadsheet (XLSX)"),
            ("ndjson", "JSON lines"),
        ];
        Self {
            links: kinds.map(|(format, label)| {
                let all = pairs.iter().map(|(name, value)| (*name, value.as_str()));
                Link::new(label, href(path, all.chain([("format", format)])))
            }),
        }
    }
}

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// What it says.
    pub label: String,
    /// How many rows it has.
    pub count: Option<u64>,
    /// Where it leads.
    pub href: String,
    /// Whether it is the one shown.
    pub current: bool,
}

impl Tab {
    fn counted(&self) -> String {
        self.count.map(number).unwrap_or_default()
    }
}

/// Views of one list side by side.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/tabs.html")]
pub struct Tabs {
    /// What they are tabs of, for a screen reader.
    pub label: &'static str,
    /// The tabs.
    pub tabs: Vec<Tab>,
    /// Identifier of the element that a tab replaces.
    pub target: &'static str,
    /// Whether they come beside a row that was edited, to replace those on the page.
    pub beside_a_row: bool,
}

impl Tabs {
    /// No tab, over the results of a page.
    pub fn of_nothing(label: &'static str) -> Self {
        Self {
            label,
            tabs: Vec::new(),
            target: "results",
            beside_a_row: false,
        }
    }
}

/// Ways to look at one thing, of which one is chosen; they stand in a row, as one control.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/segments.html")]
pub struct Segments {
    /// What they are ways to look at, for a screen reader.
    pub label: &'static str,
    /// Each way, and whether it is the one shown.
    pub links: Vec<(Link, bool)>,
    /// Identifier of the element that another way replaces.
    pub target: &'static str,
}

/// A list or panel with nothing in it: why, and what to do next.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/empty.html")]
pub struct Empty {
    /// Name of its icon.
    pub icon: &'static str,
    /// What is missing.
    pub title: String,
    /// What to do next.
    pub text: String,
    /// The way to do it; the first is the likeliest.
    pub links: Vec<Link>,
}
