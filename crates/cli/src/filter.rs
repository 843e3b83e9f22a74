//! The flags of a search: the API's filters, with dashes.

use canvass_model::ProviderFilter;
use clap::Args;

use crate::failure::Failure;

/// Which providers.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterArgs {
    /// Words of a name, in any order
    #[arg(long)]
    q: Option<String>,
    /// Specialty: a name, an everyday word or a NUCC code; may repeat
    #[arg(long, value_name = "NAME")]
    specialty: Vec<String>,
    /// NUCC code; may repeat
    #[arg(long, value_name = "CODE")]
    taxonomy: Vec<String>,
    /// Look at the primary taxonomy only
    #[arg(long)]
    primary_only: bool,
    /// State of a practice location, two letters; may repeat
    #[arg(long)]
    state: Vec<String>,
    /// City of a practice location; may repeat
    #[arg(long)]
    city: Vec<String>,
    /// Beginning of the postal code of a practice location
    #[arg(long)]
    postal_code: Option<String>,
    /// individual or organization
    #[arg(long)]
    entity: Option<String>,
    /// M, F, X or U
    #[arg(long)]
    sex: Option<String>,
    /// Whether there is a telephone number: yes or no
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
    has_phone: Option<String>,
    /// State of the record: active, deactivated, unpublished or any
    #[arg(long)]
    status: Option<String>,
    /// Whether it is a lead: yes or no
    #[arg(long, value_name = "YES|NO")]
    lead: Option<String>,
    /// Updated in the registry on this day or later: 2026-01-31
    #[arg(long, value_name = "DAY")]
    updated_since: Option<String>,
    /// Found by this sync
    #[arg(long, value_name = "ID")]
    sync: Option<String>,
}

impl FilterArgs {
    /// The filter that the flags say.
    pub(crate) fn filter(&self) -> Result<ProviderFilter, Failure> {
        let mut filter = ProviderFilter::default();
        let many = [
            ("specialty", &self.specialty),
            ("taxonomy", &self.taxonomy),
            ("state", &self.state),
            ("city", &self.city),
        ];
        for (name, values) in many {
            for value in values {
                filter.set(name, value)?;
            }
        }
        let one = [
            ("q", &self.q),
            ("postal_code", &self.postal_code),
            ("entity", &self.entity),
            ("sex", &self.sex),
            ("has_phone", &self.has_phone),
            ("status", &self.status),
            ("lead", &self.lead),
            ("updated_since", &self.updated_since),
            ("sync", &self.sync),
        ];
        for (name, value) in one {
            if let Some(value) = value {
                filter.set(name, value)?;
            }
        }
        filter.primary_only = self.primary_only;
        Ok(filter)
    }
}
