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
    /// NUCC taxonomy codes, beginnings of codes, or names of any level of the NUCC; may repeat.
    #[schema(example = json!(["207Q00000X"]))]
    pub taxonomy: Option<Vec<String>>,
    /// Look at the primary taxonomy only.
    pub primary_only: Option<bool>,
    /// Which address the places below are those of; `practice` when absent.
    #[schema(value_type = Option<super::PlaceOf>)]
    #[param(value_type = Option<super::PlaceOf>)]
    pub place: Option<String>,
    /// Two-letter states of the address; may repeat.
    #[schema(example = json!(["CA"]))]
    pub state: Option<Vec<String>>,
    /// Cities of the address; may repeat.
    #[schema(example = json!(["Fresno"]))]
    pub city: Option<Vec<String>>,
    /// The postal code of the address, or its beginning.
    #[schema(example = "937")]
    pub postal_code: Option<String>,
    /// A ZIP code, or a city and its state, around which the address is.
    #[schema(example = "Fresno, CA")]
    pub near: Option<String>,
    /// How far around `near`, in miles; 25 when absent. It is a straight line between the middles
    /// of ZIP codes.
    #[schema(minimum = 1, maximum = 500, example = 25)]
    #[param(minimum = 1, maximum = 500)]
    pub radius_miles: Option<u32>,
    /// Counties of the address, each with its state; may repeat.
    #[schema(example = json!(["Fresno, CA"]))]
    pub county: Option<Vec<String>>,
    /// A person or an organization.
    #[schema(value_type = Option<super::Entity>)]
    #[param(value_type = Option<super::Entity>)]
    pub entity: Option<String>,
    /// Sex of a person.
    #[schema(value_type = Option<super::Sex>)]
    #[param(value_type = Option<super::Sex>)]
    pub sex: Option<String>,
    /// Degrees or licence letters; full stops and case are irrelevant; may repeat.
    #[schema(example = json!(["MD"]))]
    pub credential: Option<Vec<String>>,
    /// Two-letter states of a licence; may repeat.
    #[schema(example = json!(["CA"]))]
    pub licensed_in: Option<Vec<String>>,
    /// Whether any taxonomy has a licence.
    pub has_license: Option<bool>,
    /// Words of the title of an organization's authorized official.
    #[schema(example = "medical director")]
    pub title: Option<String>,
    /// Whether a person is a sole proprietor.
    pub sole_proprietor: Option<bool>,
    /// Whether an organization is a subpart of another.
    pub subpart: Option<bool>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// Whether a practice location has a fax number.
    pub has_fax: Option<bool>,
    /// Whether the practice location is the mailing address.
    pub same_address: Option<bool>,
    /// State of the record; `active` when absent.
    #[schema(value_type = Option<super::StatusFilter>)]
    #[param(value_type = Option<super::StatusFilter>)]
    pub status: Option<String>,
    /// Whether it is a lead already.
    pub lead: Option<bool>,
    /// Statuses of its lead; may repeat.
    #[schema(value_type = Option<Vec<super::LeadStatus>>)]
    #[param(value_type = Option<Vec<super::LeadStatus>>)]
    pub lead_status: Option<Vec<String>>,
    /// Identifier of the user who works its lead; `none` for leads that nobody owns.
    #[schema(example = "none")]
    pub lead_owner: Option<String>,
    /// Has a telephone number that at most so many providers share.
    #[schema(minimum = 1, maximum = 200, example = 3)]
    #[param(minimum = 1, maximum = 200)]
    pub phone_shared_by: Option<u32>,
    /// Has a practice address or telephone number of the provider with this NPI, or is it.
    #[schema(example = "1234567893")]
    pub same_practice: Option<String>,
    /// Enumerated on this day or later.
    #[schema(format = Date, example = "2026-01-31")]
    #[param(format = Date)]
    pub enumerated_since: Option<String>,
    /// Enumerated on this day or earlier.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub enumerated_until: Option<String>,
    /// Updated in the registry on this day or later.
    #[schema(format = Date, example = "2026-01-31")]
    #[param(format = Date)]
    pub updated_since: Option<String>,
    /// Updated in the registry on this day or earlier.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub updated_until: Option<String>,
    /// Changed, as canvass saw it, since this day began (UTC).
    #[schema(format = Date, example = "2026-10-01")]
    #[param(format = Date)]
    pub changed_since: Option<String>,
    /// The field that changed, or what it is a part of: `practice.phone`, `practice`.
    #[schema(example = "practice.phone")]
    pub changed_field: Option<String>,
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
    /// NUCC taxonomy codes, beginnings of codes, or names of any level of the NUCC; may repeat.
    pub taxonomy: Option<Vec<String>>,
    /// Look at the primary taxonomy only.
    pub primary_only: Option<bool>,
    /// Which address the places below are those of; `practice` when absent.
    #[schema(value_type = Option<super::PlaceOf>)]
    #[param(value_type = Option<super::PlaceOf>)]
    pub place: Option<String>,
    /// Two-letter states of the address; may repeat.
    pub state: Option<Vec<String>>,
    /// Cities of the address; may repeat.
    pub city: Option<Vec<String>>,
    /// The postal code of the address, or its beginning.
    pub postal_code: Option<String>,
    /// A ZIP code, or a city and its state, around which the address is.
    #[schema(example = "Fresno, CA")]
    pub near: Option<String>,
    /// How far around `near`, in miles; 25 when absent. It is a straight line between the middles
    /// of ZIP codes.
    #[schema(minimum = 1, maximum = 500, example = 25)]
    #[param(minimum = 1, maximum = 500)]
    pub radius_miles: Option<u32>,
    /// Counties of the address, each with its state; may repeat.
    #[schema(example = json!(["Fresno, CA"]))]
    pub county: Option<Vec<String>>,
    /// A person or an organization.
    #[schema(value_type = Option<super::Entity>)]
    #[param(value_type = Option<super::Entity>)]
    pub entity: Option<String>,
    /// Sex of a person.
    #[schema(value_type = Option<super::Sex>)]
    #[param(value_type = Option<super::Sex>)]
    pub sex: Option<String>,
    /// Degrees or licence letters; full stops and case are irrelevant; may repeat.
    #[schema(example = json!(["MD"]))]
    pub credential: Option<Vec<String>>,
    /// Two-letter states of a licence; may repeat.
    #[schema(example = json!(["CA"]))]
    pub licensed_in: Option<Vec<String>>,
    /// Whether any taxonomy has a licence.
    pub has_license: Option<bool>,
    /// Words of the title of an organization's authorized official.
    #[schema(example = "medical director")]
    pub title: Option<String>,
    /// Whether a person is a sole proprietor.
    pub sole_proprietor: Option<bool>,
    /// Whether an organization is a subpart of another.
    pub subpart: Option<bool>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// Whether a practice location has a fax number.
    pub has_fax: Option<bool>,
    /// Whether the practice location is the mailing address.
    pub same_address: Option<bool>,
    /// Has a telephone number that at most so many providers share.
    #[schema(minimum = 1, maximum = 200, example = 3)]
    #[param(minimum = 1, maximum = 200)]
    pub phone_shared_by: Option<u32>,
    /// Has a practice address or telephone number of the provider with this NPI, or is it.
    #[schema(example = "1234567893")]
    pub same_practice: Option<String>,
    /// Enumerated on this day or later.
    #[schema(format = Date, example = "2026-01-31")]
    #[param(format = Date)]
    pub enumerated_since: Option<String>,
    /// Enumerated on this day or earlier.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub enumerated_until: Option<String>,
    /// Updated in the registry on this day or later.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub updated_since: Option<String>,
    /// Updated in the registry on this day or earlier.
    #[schema(format = Date)]
    #[param(format = Date)]
    pub updated_until: Option<String>,
    /// Changed, as canvass saw it, since this day began (UTC).
    #[schema(format = Date, example = "2026-10-01")]
    #[param(format = Date)]
    pub changed_since: Option<String>,
    /// The field that changed, or what it is a part of: `practice.phone`, `practice`.
    #[schema(example = "practice.phone")]
    pub changed_field: Option<String>,
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
