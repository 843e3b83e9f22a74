//! Searches, as parameters and as members of a body.

use utoipa::{IntoParams, ToSchema};

/// A search over providers. All parts must hold; of several values of one part, one must.
#[derive(Debug, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = ProviderFilter)]
pub struct ProviderFilterParams {
    /// Words of a name, in any order, each the beginning of a word.
    #[schema(example = "garcia", max_length = 200)]
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// Specialties, as people say them; may repeat.
    #[schema(example = json!(["Family Medicine"]))]
    pub specialty: Option<Vec<String>>,
    /// NUCC taxonomy codes; may repeat.
    #[schema(example = json!(["207Q00000X"]))]
    pub taxonomy: Option<Vec<String>>,
    /// Look at the primary taxonomy only.
    pub primary_only: Option<bool>,
    /// Two-letter states of a practice location; may repeat.
    #[schema(example = json!(["CA"]))]
    pub state: Option<Vec<String>>,
    /// Cities of a practice location; may repeat.
    #[schema(example = json!(["Fresno"]))]
    pub city: Option<Vec<String>>,
    /// The postal code of a practice location, or its beginning.
    #[schema(example = "937")]
    pub postal_code: Option<String>,
    /// A person or an organization.
    #[schema(value_type = Option<super::Entity>)]
    #[param(value_type = Option<super::Entity>)]
    pub entity: Option<String>,
    /// Sex of a person.
    #[schema(value_type = Option<super::Sex>)]
    #[param(value_type = Option<super::Sex>)]
    pub sex: Option<String>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// State of the record; `active` when absent.
    #[schema(value_type = Option<super::StatusFilter>)]
    #[param(value_type = Option<super::StatusFilter>)]
    pub status: Option<String>,
    /// Whether it is a lead already.
    pub lead: Option<bool>,
    /// Updated in the registry on this day or later.
    #[schema(format = Date, example = "2026-01-31")]
    #[param(format = Date)]
    pub updated_since: Option<String>,
    /// Found by the sync with this identifier.
    pub sync: Option<String>,
}

/// A search over leads: the lead's own parts, and those of its provider.
#[derive(Debug, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = LeadFilter)]
pub struct LeadFilterParams {
    /// Statuses of the lead; may repeat.
    #[schema(value_type = Option<Vec<super::LeadStatus>>)]
    #[param(value_type = Option<Vec<super::LeadStatus>>)]
    pub status: Option<Vec<String>>,
    /// Identifier of the user who works it; `none` for leads that nobody owns.
    #[schema(example = "none")]
    pub owner: Option<String>,
    /// Words of a name, in any order, each the beginning of a word.
    #[schema(max_length = 200)]
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// Specialties, as people say them; may repeat.
    pub specialty: Option<Vec<String>>,
    /// NUCC taxonomy codes; may repeat.
    pub taxonomy: Option<Vec<String>>,
    /// Look at the primary taxonomy only.
    pub primary_only: Option<bool>,
    /// Two-letter states of a practice location; may repeat.
    pub state: Option<Vec<String>>,
    /// Cities of a practice location; may repeat.
    pub city: Option<Vec<String>>,
    /// The postal code of a practice location, or its beginning.
    pub postal_code: Option<String>,
    /// A person or an organization.
    #[schema(value_type = Option<super::Entity>)]
    #[param(value_type = Option<super::Entity>)]
    pub entity: Option<String>,
    /// Sex of a person.
    #[schema(value_type = Option<super::Sex>)]
    #[param(value_type = Option<super::Sex>)]
    pub sex: Option<String>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// Updated in the registry on this day or later.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub updated_since: Option<String>,
    /// Found by the sync with this identifier.
    pub sync: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
