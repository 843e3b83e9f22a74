//! The address of a list: what it asks for, as pairs, and the addresses beside it.

use canvass_model::{Cursor, Page, PageRequest, Total};

use super::providers::{chip_label, told_by_another};
use crate::ui::{Chip, Pager, href};

/// What a list asks for, as its address says it.
pub struct Address<'a> {
    path: &'static str,
    pairs: Vec<(&'static str, String)>,
    page: &'a PageRequest,
}

impl<'a> Address<'a> {
    /// The address of a list at `path`. `sort` is left out where it is the order that is meant when
    /// none is named.
    pub fn new(
        path: &'static str,
        filter: Vec<(&'static str, String)>,
        sort: Option<&str>,
        page: &'a PageRequest,
    ) -> Self {
        let mut pairs = filter;
        pairs.extend(sort.map(|sort| ("sort", sort.to_owned())));
        if page.limit != PageRequest::DEFAULT_LIMIT {
            pairs.push(("limit", page.limit.to_string()));
        }
        Self { path, pairs, page }
    }

    /// The same with one more pair, where it has a value.
    #[must_use]
    pub fn and(mut self, name: &'static str, value: Option<String>) -> Self {
        self.pairs.extend(value.map(|value| (name, value)));
        self
    }

    /// What is asked for.
    pub fn pairs(&self) -> &[(&'static str, String)] {
        &self.pairs
    }

    /// The list with other pairs.
    pub fn with(&self, change: impl FnOnce(&mut Vec<(&'static str, String)>)) -> String {
        let mut pairs = self.pairs.clone();
        change(&mut pairs);
        href(self.path, pairs)
    }

    /// What is asked for, the length of a page left out: a file of it has no pages.
    pub fn of_all(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.pairs.clone();
        pairs.retain(|(name, _)| !matches!(*name, "limit" | "view"));
        pairs
    }

    /// The list with these values as the only ones of their parameters.
    pub fn narrowed(&self, to: &[(&'static str, &str)]) -> String {
        self.with(|pairs| {
            pairs.retain(|(name, _)| to.iter().all(|(other, _)| name != other));
            pairs.extend(to.iter().map(|(name, value)| (*name, (*value).to_owned())));
        })
    }

    /// A chip for each thing asked for, with the list without it. What is named in `quiet` has
    /// none, because it stands elsewhere on the page.
    pub fn chips(&self, quiet: &[&str]) -> Vec<Chip> {
        self.pairs
            .iter()
            .enumerate()
            .filter(|(_, (name, _))| {
                !matches!(*name, "sort" | "limit" | "view" | "columns")
                    && !quiet.contains(name)
                    && !told_by_another(name, &self.pairs)
            })
            .map(|(i, (name, value))| Chip {
                label: chip_label(name, value, &self.pairs),
                without: self.with(|pairs| {
                    pairs.remove(i);
                    if *name == "near" {
                        pairs.retain(|(name, _)| *name != "radius_miles");
                    }
                }),
            })
            .collect()
    }

    /// The way to the other pages, below these rows of so many.
    pub fn pager<T>(&self, found: &Page<T>, total: Total, noun: &'static str) -> Pager {
        let at = |cursor: &Cursor| self.with(|pairs| pairs.push(("cursor", cursor.to_string())));
        Pager {
            shown: found.items.len() as u64,
            first: self.page.after.as_ref().map(|_| self.with(|_| {})),
            next: found.next.as_ref().map(at),
            ..Pager::of_nothing(total, noun)
        }
    }
}
