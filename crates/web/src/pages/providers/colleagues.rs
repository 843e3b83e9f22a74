use askama::Template;
use canvass_model::{Catalogue, Npi, Page, ProviderSummary, Total};

use super::results::ProviderRow;
use crate::format::counted;
use crate::ui::href;

/// Others at the practice of a provider.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/colleagues.html")]
pub struct Colleagues {
    /// The first of them.
    pub rows: Vec<ProviderRow>,
    /// How many there are, the provider not counted.
    pub others: u64,
    /// The search that finds them all, the provider among them.
    pub all: String,
}

impl Colleagues {
    /// Rows that are shown.
    pub const MOST: u32 = 10;

    /// Those of a search for one provider's practice that are not that provider, who is among the
    /// `total` when it is in service itself.
    pub fn new(
        of: Npi,
        in_service: bool,
        found: &Page<ProviderSummary>,
        total: Total,
        catalogue: &Catalogue,
    ) -> Self {
        let others = found.items.iter().filter(|p| p.npi != of);
        let others = others.take(Self::MOST as usize);
        Self {
            rows: others.map(|p| ProviderRow::new(p, catalogue)).collect(),
            others: total.count.saturating_sub(u64::from(in_service)),
            all: href("/providers", [("same_practice", of.to_string())]),
        }
    }

    fn counted(&self) -> String {
        counted(self.others, "other", "others")
    }
}

crate::ui::shown_as_html!(Colleagues);
