use askama::Template;
use canvass_model::{
    Catalogue, Entity, LeadPresence, LeadStatus, Page, PageRequest, Phone, ProviderFilter,
    ProviderSort, ProviderSummary, RecordStatus, Total,
};

use super::facets::FacetsPanel;
use super::map::ResultMap;
use super::{Column, Columns, ColumnsMenu, SavedMenu};
use crate::format::{When, number, person, unshouted};
use crate::pages::address::Address;
use crate::ui::{
    Chip, Count, Empty, ExportMenu, Link, ListHead, Notice, Pager, Segments, StatusBadge,
};

/// What a person calls a code: its display name, less the "Physician" in which those of most end.
/// A specialization alone would not do: "Family" is a nurse's, "General Practice" also a dentist's.
pub fn specialty_label(catalogue: &Catalogue, code: &str) -> String {
    let name = match catalogue.get(code) {
        Some(t) if !t.display_name.is_empty() => &t.display_name,
        Some(t) if !t.specialization.is_empty() => &t.specialization,
        Some(t) => &t.classification,
        None => code,
    };
    name.strip_suffix(" Physician").unwrap_or(name).to_owned()
}

/// City and state for a list: `Fresno, CA`.
pub(crate) fn city_and_state(city: Option<&str>, state: Option<&str>) -> String {
    match (city, state) {
        (Some(city), Some(state)) => format!("{}, {state}", unshouted(city)),
        (Some(city), None) => unshouted(city),
        (None, state) => state.unwrap_or_default().to_owned(),
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct ProviderRow {
    /// NPI.
    pub npi: String,
    /// Name.
    pub name: String,
    /// Degree or licence letters.
    pub credential: Option<String>,
    /// Whether it is an organization.
    pub organization: bool,
    /// Specialty.
    pub specialty: String,
    /// NUCC code of it.
    pub code: String,
    /// What the registry calls that, with the code.
    pub taxonomy: String,
    /// City and state.
    pub place: String,
    /// Telephone to ring.
    pub phone: Option<Phone>,
    /// Whether it may be rung.
    pub may_call: bool,
    /// Five digits of the ZIP code.
    pub postal_code: String,
    /// Year of the enumeration.
    pub enumerated: String,
    /// Day of the last update in the registry.
    pub updated: Option<When>,
    /// Status of its lead.
    pub lead: Option<StatusBadge>,
    /// What is to be known of the record when it is not in service.
    pub gone: Option<&'static str>,
}

impl ProviderRow {
    /// The row of a provider.
    pub fn new(p: &ProviderSummary, catalogue: &Catalogue) -> Self {
        let code = p.taxonomy.as_deref();
        let npi = p.npi.to_string();
        Self {
            name: if p.name.is_empty() {
                format!("NPI {npi}")
            } else {
                person_or_organization(p)
            },
            npi,
            credential: p.credential.clone(),
            organization: p.entity == Some(Entity::Organization),
            specialty: code
                .map(|c| specialty_label(catalogue, c))
                .unwrap_or_default(),
            code: code.unwrap_or_default().to_owned(),
            taxonomy: code
                .map(|c| format!("{} ({c})", catalogue.describe(c)))
                .unwrap_or_default(),
            place: city_and_state(p.city.as_deref(), p.state.as_deref()),
            phone: p.phone.clone(),
            may_call: p.status == RecordStatus::Active
                && p.lead != Some(LeadStatus::DoNotCall)
                && p.phone.as_ref().is_some_and(Phone::is_dialable),
            postal_code: p
                .postal_code
                .as_deref()
                .map(|code| code.get(..5).unwrap_or(code).to_owned())
                .unwrap_or_default(),
            updated: p.updated_on.map(When::day),
            enumerated: p
                .enumerated_on
                .map(|d| d.year().to_string())
                .unwrap_or_default(),
            lead: p.lead.map(|status| StatusBadge { status }),
            gone: match p.status {
                RecordStatus::Active => None,
                RecordStatus::Deactivated => Some("deactivated"),
                RecordStatus::Unpublished => Some("no longer published"),
            },
        }
    }
}

/// The name of a provider for a list.
pub(crate) fn person_or_organization(p: &ProviderSummary) -> String {
    if p.entity == Some(Entity::Organization) {
        p.name.clone()
    } else {
        person(&p.name)
    }
}

/// Saving a whole result as leads.
#[derive(Clone, Debug)]
pub struct SaveAll {
    /// How many are not yet leads.
    pub not_yet: Total,
    /// The filter, as hidden inputs.
    pub pairs: Vec<(&'static str, String)>,
    /// Makes a form that is sent twice save once.
    pub idempotency_key: String,
}

impl SaveAll {
    fn label(&self) -> String {
        let about = if self.not_yet.exact { "" } else { "about " };
        match self.not_yet.count {
            1 => "Save 1 as a lead".to_owned(),
            n => format!("Save {about}{} as leads", number(n)),
        }
    }
}

/// The results of a search: what a filter, a page and an order replace.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/results.html")]
pub struct ProvidersResults {
    /// How many, and what is asked for.
    pub head: ListHead,
    /// Rows.
    pub rows: Vec<ProviderRow>,
    /// Pages.
    pub pager: Pager,
    /// Saving all of it; absent where the viewer may not, or the question does not arise.
    pub save: Option<SaveAll>,
    /// Searches that people keep; absent where there is no search.
    pub saved: Option<SavedMenu>,
    /// Columns of the table.
    pub columns: Columns,
    /// The choice of them; absent where there is no table.
    pub columns_menu: Option<ColumnsMenu>,
    /// Whether the viewer may pick rows to save.
    pub may_pick: bool,
    /// Whether the viewer may pull more from the registry.
    pub may_sync: bool,
    /// What came of the action before.
    pub notice: Option<Notice>,
    /// What a search could not be understood by.
    pub error: Option<String>,
    /// Whether any filter is set.
    pub filtered: bool,
    /// The same search among the leads, where it is one of those that are none yet.
    pub among_leads: Option<String>,
    /// The ways to look at what is found.
    pub views: Option<Segments>,
    /// How it is looked at.
    pub shown: Shown,
    /// The map, in place of the rows.
    pub map: Option<ResultMap>,
}

/// The results with what narrows them: what htmx replaces of the page.
#[derive(Clone, Debug, Template)]
#[template(
    ext = "html",
    source = "{{ results }}{% if let Some(facets) = facets %}{{ facets }}{% endif %}"
)]
pub struct ProvidersPart {
    /// Results.
    pub results: ProvidersResults,
    /// What narrows them; absent where that on the page still holds.
    pub facets: Option<FacetsPanel>,
}

/// How the result of a search is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// As rows.
    #[default]
    Table,
    /// On a map by state; by ZIP code where states are chosen.
    Map,
    /// On a map of the whole country by ZIP code.
    Zips,
}

impl Shown {
    /// As the parameter `view` says it; the usual view is not said.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Table => None,
            Self::Map => Some("map"),
            Self::Zips => Some("zips"),
        }
    }

    /// From the parameter; what is no view is the usual one, since an address may have been written by
    /// another version.
    pub fn parse(text: Option<&str>) -> Self {
        [Self::Map, Self::Zips]
            .into_iter()
            .find(|shown| shown.as_str() == text)
            .unwrap_or_default()
    }
}

/// What a search asks for, for its results.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Filter.
    pub filter: &'a ProviderFilter,
    /// Order.
    pub sort: ProviderSort,
    /// Page.
    pub page: &'a PageRequest,
    /// How what is found is looked at.
    pub shown: Shown,
    /// Columns of its table.
    pub columns: &'a Columns,
}

impl<'a> Asked<'a> {
    pub(super) fn address(&self) -> Address<'a> {
        let sort = (self.sort != ProviderSort::default()).then(|| self.sort.as_str());
        Address::new("/providers", self.filter.pairs(), sort, self.page)
            .and("columns", self.columns.chosen())
            .and("view", self.shown.as_str().map(str::to_owned))
    }

    fn views(&self) -> Segments {
        let way = |shown: Shown, label| {
            let link = Link::new(label, Self { shown, ..*self }.address().with(|_| {}));
            (
                link,
                (shown == Shown::Table) == (self.shown == Shown::Table),
            )
        };
        Segments {
            label: "View",
            links: vec![way(Shown::Table, "Table"), way(Shown::Map, "Map")],
            target: "results",
        }
    }

    /// What is asked for, as the query of an address that begins at the first page.
    pub(super) fn query(&self) -> String {
        let address = self.address().with(|_| {});
        let query = address.split_once('?').map(|(_, query)| query);
        query.unwrap_or_default().to_owned()
    }

    /// What a file of it is asked for.
    fn exported(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.address().of_all();
        pairs.retain(|(name, _)| !matches!(*name, "columns" | "view"));
        pairs.extend(self.columns.exported().map(|names| ("columns", names)));
        pairs
    }

    fn columns_menu(&self) -> ColumnsMenu {
        let address = self.address();
        let others = |pairs: &mut Vec<_>| pairs.retain(|(name, _)| *name != "columns");
        let mut pairs = address.pairs().to_vec();
        others(&mut pairs);
        ColumnsMenu {
            columns: self.columns.clone(),
            pairs,
            with_usual: address.with(others),
        }
    }

    fn among_leads(&self) -> String {
        self.address().with(|pairs| {
            for (_, value) in pairs.iter_mut().filter(|(name, _)| *name == "lead") {
                "yes".clone_into(value);
            }
        })
    }
}

const NOUNS: [&str; 2] = ["provider", "providers"];

impl ProvidersResults {
    /// The results of a search. `save` is given where the viewer may save leads, `manages` says
    /// whether they may export and sync.
    pub fn new(
        asked: Asked<'_>,
        found: &Page<ProviderSummary>,
        total: Total,
        save: Option<SaveAll>,
        saved: SavedMenu,
        manages: bool,
        catalogue: &Catalogue,
    ) -> Self {
        let address = asked.address();
        let count = Count {
            beside: save
                .as_ref()
                .filter(|_| total.count > 0)
                .map(|save| not_yet_words(save.not_yet)),
            ..Count::new(total, NOUNS)
        };
        Self {
            head: ListHead {
                count,
                chips: address
                    .chips(&[])
                    .into_iter()
                    .map(|chip| named(chip, catalogue))
                    .collect(),
                export: (manages && total.count > 0)
                    .then(|| ExportMenu::new("/api/providers/export", &asked.exported())),
            },
            rows: found
                .items
                .iter()
                .map(|p| ProviderRow::new(p, catalogue))
                .collect(),
            pager: address.pager(found, total, NOUNS[1]),
            may_pick: save.is_some()
                && asked.shown == Shown::Table
                && asked.filter.lead != Some(LeadPresence::Yes),
            save,
            saved: Some(saved),
            columns: asked.columns.clone(),
            columns_menu: (!found.items.is_empty()).then(|| asked.columns_menu()),
            may_sync: manages,
            notice: None,
            error: None,
            filtered: !asked.filter.pairs().is_empty(),
            among_leads: (asked.filter.lead == Some(LeadPresence::No)).then(|| asked.among_leads()),
            views: (total.count > 0).then(|| asked.views()),
            shown: asked.shown,
            map: None,
        }
    }

    /// A search that could not be understood.
    pub fn refused(error: impl Into<String>) -> Self {
        let head = ListHead::of_nothing(NOUNS);
        Self {
            rows: Vec::new(),
            pager: Pager::of_nothing(head.count.total, NOUNS[1]),
            head,
            save: None,
            saved: None,
            columns: Columns::default(),
            columns_menu: None,
            may_pick: false,
            may_sync: false,
            notice: None,
            error: Some(error.into()),
            filtered: true,
            among_leads: None,
            views: None,
            shown: Shown::Table,
            map: None,
        }
    }

    /// The same results on a map, where there are any.
    #[must_use]
    pub fn on(self, map: ResultMap) -> Self {
        Self {
            map: (self.head.count.total.count > 0).then_some(map),
            ..self
        }
    }

    /// The class of what stays away from narrow screens unless it was chosen.
    fn optional(&self) -> &'static str {
        if self.columns.usual() {
            " optional"
        } else {
            ""
        }
    }

    /// The same for what stays away from cards.
    fn not_on_card(&self) -> &'static str {
        if self.columns.usual() {
            " optional not-on-card"
        } else {
            ""
        }
    }

    fn empty(&self) -> Empty {
        let pull = || Link::new("Pull from the registry", "/sync");
        if let Some(leads) = &self.among_leads {
            return Empty {
                icon: "check",
                title: "Nothing is left to save".to_owned(),
                text: "Whatever this search finds is a lead already.".to_owned(),
                links: vec![
                    Link::new("Show it", leads),
                    Link::new("Clear the filters", "/providers"),
                ],
            };
        }
        let (icon, title, text, links) = match (self.filtered, self.may_sync) {
            (true, true) => (
                "search",
                "No provider matches",
                "Take a filter away, write less of a name, or pull more providers from the registry.",
                vec![Link::new("Clear the filters", "/providers"), pull()],
            ),
            (true, false) => (
                "search",
                "No provider matches",
                "Take a filter away, or write less of a name.",
                vec![Link::new("Clear the filters", "/providers")],
            ),
            (false, true) => (
                "providers",
                "No providers yet",
                "Choose specialties and a place, and canvass pulls their providers from the registry.",
                vec![pull()],
            ),
            (false, false) => (
                "providers",
                "No providers yet",
                "A manager of your team pulls them from the registry.",
                Vec::new(),
            ),
        };
        Empty {
            icon,
            title: title.to_owned(),
            text: text.to_owned(),
            links,
        }
    }
}

/// A chip that says a taxonomy code says its name instead.
fn named(chip: Chip, catalogue: &Catalogue) -> Chip {
    match catalogue.get(&chip.label) {
        Some(taxonomy) => Chip {
            label: specialty_label(catalogue, &taxonomy.code),
            ..chip
        },
        None => chip,
    }
}

/// How many of what is found can still become leads.
fn not_yet_words(not_yet: Total) -> String {
    let about = if not_yet.exact { "" } else { "about " };
    match not_yet.count {
        0 => "all are leads".to_owned(),
        n => format!("{about}{} not yet leads", number(n)),
    }
}

crate::ui::shown_as_html!(ProvidersResults, ProvidersPart);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_leads_to_the_list_without_it_and_keeps_the_order() {
        let mut filter = ProviderFilter::default();
        for (name, value) in [("state", "CA"), ("state", "NV"), ("lead", "no")] {
            filter.set(name, value).unwrap();
        }
        let page = PageRequest::first(PageRequest::DEFAULT_LIMIT);
        let asked = Asked {
            filter: &filter,
            sort: ProviderSort::City,
            page: &page,
            shown: Shown::Table,
            columns: &Columns::default(),
        };
        let chips = asked.address().chips(&[]);
        let shown: Vec<_> = chips
            .iter()
            .map(|c| (c.label.as_str(), c.without.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("California", "/providers?state=NV&lead=no&sort=city"),
                ("Nevada", "/providers?state=CA&lead=no&sort=city"),
                ("Not yet leads", "/providers?state=CA&state=NV&sort=city"),
            ]
        );
    }
}
