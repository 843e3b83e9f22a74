use askama::Template;
use canvass_model::{Catalogue, Lead, LeadFilter, LeadSort, LeadStatus, Page, PageRequest, Total};

use super::{ImportPanel, LeadRow, Owner, owner_select};
use crate::format::Now;
use crate::pages::Viewer;
use crate::pages::address::Address;
use crate::pages::providers::{MoreFilters, cities_box, specialties_box, states_box};
use crate::problem::FieldError;
use crate::ui::{
    Combobox, Count, Empty, ExportMenu, Field, Link, ListHead, Pager, Select, Tab, Tabs,
};

/// The filters, as a form that asks the same page again.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/filters.html")]
pub struct LeadFilters {
    /// What is asked for.
    pub filter: LeadFilter,
    /// The order asked for.
    pub sort: LeadSort,
    /// Whom leads may belong to.
    pub owners: Vec<Owner>,
    /// What is wrong, field by field.
    pub errors: Vec<FieldError>,
}

impl LeadFilters {
    fn words(&self) -> Field {
        Field {
            kind: "search",
            placeholder: Some("Beginnings of words"),
            ..Field::text("q", "Name")
                .value(self.filter.provider.q.clone().unwrap_or_default())
                .errors(&self.errors)
        }
    }

    fn lists(&self) -> [Combobox; 3] {
        let p = &self.filter.provider;
        [
            specialties_box(&p.specialty).errors(&self.errors),
            states_box(&p.state).errors(&self.errors),
            cities_box(&p.city).errors(&self.errors),
        ]
    }

    fn owner(&self) -> Select {
        let chosen = match self.filter.owner.as_deref() {
            None => "",
            Some("") => "none",
            Some(id) => id,
        };
        owner_select(
            "Owner",
            "owner",
            &self.owners,
            chosen,
            [("", "Anybody"), ("none", "Nobody")],
        )
    }

    fn sort_select(&self) -> Select {
        Select::new(
            "sort",
            "Order",
            match self.sort {
                LeadSort::Updated => "",
                other => other.as_str(),
            },
            [
                ("", "Last edited first"),
                (LeadSort::Name.as_str(), "Name"),
                (LeadSort::Created.as_str(), "Newest first"),
            ],
        )
    }

    fn more(&self) -> MoreFilters {
        MoreFilters {
            filter: self.filter.provider.clone(),
            errors: self.errors.clone(),
            of_leads: true,
        }
    }

    fn set(&self) -> usize {
        let pairs = self.filter.pairs();
        pairs.iter().filter(|(name, _)| *name != "status").count()
    }
}

/// What a list of leads asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Filter.
    pub filter: &'a LeadFilter,
    /// Order.
    pub sort: LeadSort,
    /// Page.
    pub page: &'a PageRequest,
}

impl<'a> Asked<'a> {
    fn address(&self) -> Address<'a> {
        let sort = (self.sort != LeadSort::default()).then(|| self.sort.as_str());
        Address::new("/leads", self.filter.pairs(), sort, self.page)
    }

    /// One tab for each status, with its count under this filter without its status.
    pub fn tabs(&self, counts: &[(LeadStatus, u64)]) -> Tabs {
        let address = self.address();
        let with = |status: Option<LeadStatus>| {
            address.with(|pairs| {
                pairs.retain(|(name, _)| *name != "status");
                if let Some(status) = status {
                    pairs.insert(0, ("status", status.as_str().to_owned()));
                }
            })
        };
        let chosen = &self.filter.status;
        let all = Tab {
            label: "All".to_owned(),
            count: Some(counts.iter().map(|(_, n)| n).sum()),
            href: with(None),
            current: chosen.is_empty(),
        };
        let each = LeadStatus::ALL.into_iter().map(|status| {
            let of_status = counts.iter().filter(|(s, _)| *s == status);
            Tab {
                label: status.label().to_owned(),
                count: Some(of_status.map(|(_, n)| n).sum()),
                href: with(Some(status)),
                current: chosen.contains(&status),
            }
        });
        Tabs {
            tabs: std::iter::once(all).chain(each).collect(),
            ..Tabs::of_nothing("Statuses")
        }
    }
}

/// Words for leads.
pub(super) const NOUNS: [&str; 2] = ["lead", "leads"];

/// The list: what a filter, a tab and a page replace.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/results.html")]
pub struct LeadsResults {
    /// How many, and what is asked for besides the status.
    pub head: ListHead,
    /// One tab for each status, with its count.
    pub tabs: Tabs,
    /// Rows.
    pub rows: Vec<LeadRow>,
    /// Pages.
    pub pager: Pager,
    /// Whether the viewer may import.
    pub may_import: bool,
    /// What could not be understood.
    pub error: Option<String>,
    /// Whether any filter is set.
    pub filtered: bool,
    /// Hidden inputs that keep the status when a filter is changed.
    pub statuses: Vec<&'static str>,
}

impl LeadsResults {
    /// The list of these leads. `counts` are those of each status under the same filter without its
    /// status.
    pub fn new(
        asked: Asked<'_>,
        found: &Page<Lead>,
        total: Total,
        counts: &[(LeadStatus, u64)],
        viewer: &Viewer,
        catalogue: &Catalogue,
        now: &Now,
    ) -> Self {
        let address = asked.address();
        let manages = viewer.is_manager();
        Self {
            head: ListHead {
                count: Count::new(total, NOUNS),
                chips: address.chips(&["status", "owner"]),
                export: (manages && total.count > 0)
                    .then(|| ExportMenu::new("/api/leads/export", &asked.filter.pairs())),
            },
            tabs: asked.tabs(counts),
            rows: found
                .items
                .iter()
                .map(|lead| LeadRow::new(lead, viewer.role, catalogue, now))
                .collect(),
            pager: address.pager(found, total, NOUNS[1]),
            may_import: manages,
            error: None,
            filtered: !asked.filter.pairs().is_empty(),
            statuses: asked.filter.status.iter().map(|s| s.as_str()).collect(),
        }
    }

    /// A list that could not be understood.
    pub fn refused(error: impl Into<String>) -> Self {
        let head = ListHead::of_nothing(NOUNS);
        Self {
            tabs: Tabs::of_nothing("Statuses"),
            rows: Vec::new(),
            pager: Pager::of_nothing(head.count.total, NOUNS[1]),
            head,
            may_import: false,
            error: Some(error.into()),
            filtered: true,
            statuses: Vec::new(),
        }
    }

    fn empty(&self) -> Empty {
        if self.filtered {
            return Empty {
                icon: "search",
                title: "No lead matches".to_owned(),
                text: "Take a filter away, or look at another status.".to_owned(),
                links: vec![Link::new("Show all leads", "/leads")],
            };
        }
        Empty {
            icon: "leads",
            title: "No leads yet".to_owned(),
            text: if self.may_import {
                "Search for providers and save what you find as leads, or import a file."
            } else {
                "A manager of your team saves providers as leads."
            }
            .to_owned(),
            links: vec![Link::new("Search for providers", "/providers?lead=no")],
        }
    }
}

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "leads/index.html")]
pub struct LeadsView {
    /// Filters.
    pub filters: LeadFilters,
    /// The list.
    pub results: LeadsResults,
    /// Import; absent where the viewer may not.
    pub import: Option<ImportPanel>,
}

crate::ui::shown_as_html!(LeadFilters, LeadsResults, LeadsView);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_changes_the_status_and_nothing_else() {
        let mut filter = LeadFilter::all();
        for (name, value) in [("status", "new"), ("state", "CA"), ("owner", "none")] {
            filter.set(name, value).unwrap();
        }
        let page = PageRequest::first(PageRequest::DEFAULT_LIMIT);
        let asked = Asked {
            filter: &filter,
            sort: LeadSort::Name,
            page: &page,
        };
        let counts = [(LeadStatus::New, 3), (LeadStatus::Converted, 1)];
        let tabs = asked.tabs(&counts).tabs;
        assert_eq!(tabs[0].href, "/leads?owner=none&state=CA&sort=name");
        assert_eq!(tabs[0].count, Some(4));
        assert!(tabs[1].current && !tabs[0].current);
        let converted = tabs.iter().find(|t| t.label == "Converted").unwrap();
        assert_eq!(
            converted.href,
            "/leads?status=converted&owner=none&state=CA&sort=name"
        );
    }
}
