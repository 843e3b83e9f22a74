use super::{FilterError, ProviderFilter, StatusFilter};
use crate::LeadStatus;

/// One search over leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadFilter {
    /// Statuses, ORed.
    pub status: Vec<LeadStatus>,
    /// Identifier of the owner; the empty text asks for leads that nobody owns.
    pub owner: Option<String>,
    /// What the lead's provider must be. Its default looks at every state of a record.
    pub provider: ProviderFilter,
}

impl LeadFilter {
    /// A filter that every lead passes.
    pub fn all() -> Self {
        Self {
            provider: ProviderFilter {
                status: StatusFilter::Any,
                ..ProviderFilter::default()
            },
            ..Self::default()
        }
    }

    /// Takes one parameter: `status` and `owner` are the lead's (`owner=none`: nobody's), the
    /// others the provider's.
    ///
    /// # Errors
    /// When the value can't be understood.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, FilterError> {
        let value = value.trim();
        match name {
            "status" if value.is_empty() => {}
            "status" => self.status.push(
                value
                    .parse()
                    .map_err(|e: crate::InvalidLeadStatus| FilterError::new(name, e.to_string()))?,
            ),
            "owner" => {
                self.owner = match value {
                    "" => None,
                    "none" => Some(String::new()),
                    id => Some(id.to_owned()),
                }
            }
            "lead" | "lead_status" | "lead_owner" => return Ok(false),
            _ => return self.provider.set(name, value),
        }
        Ok(true)
    }

    /// The parameters that say this filter again.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<_> = self
            .status
            .iter()
            .map(|s| ("status", s.as_str().to_owned()))
            .collect();
        pairs.extend(self.owner.as_ref().map(|o| {
            let id = if o.is_empty() { "none" } else { o };
            ("owner", id.to_owned())
        }));
        pairs.extend(
            self.provider
                .pairs()
                .into_iter()
                .filter(|(n, _)| *n != "status"),
        );
        pairs
    }
}
