use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Catalogue, Cursor, Entity, LeadStatus, Sex, UnknownSpecialty};

/// Which states of a record a search looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusFilter {
    /// In service.
    #[default]
    Active,
    /// Taken out of service.
    Deactivated,
    /// Missing from the last full file.
    Unpublished,
    /// All of them.
    Any,
}

impl StatusFilter {
    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Unpublished => "unpublished",
            Self::Any => "any",
        }
    }
}

/// Whether a provider must be, or must not be, a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadPresence {
    /// Is a lead.
    Yes,
    /// Is not yet a lead.
    No,
}

/// One search over providers: what the pages, the API, the command line and save-all speak.
///
/// All parts are ANDed; the values of one part are ORed. An empty part asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderFilter {
    /// Words of a name, in any order, each the beginning of a word.
    pub q: Option<String>,
    /// Names of specialties, as a person wrote them.
    pub specialty: Vec<String>,
    /// NUCC codes.
    pub taxonomy: Vec<String>,
    /// Look at the primary taxonomy only.
    pub primary_only: bool,
    /// Two-letter states of a practice location.
    pub state: Vec<String>,
    /// Cities of a practice location.
    pub city: Vec<String>,
    /// Beginning of the postal code of a practice location.
    pub postal_code: Option<String>,
    /// Person or organization.
    pub entity: Option<Entity>,
    /// Sex of a person.
    pub sex: Option<Sex>,
    /// Whether there is a telephone number.
    pub has_phone: Option<bool>,
    /// State of the record.
    pub status: StatusFilter,
    /// Whether it is a lead.
    pub lead: Option<LeadPresence>,
    /// A ZIP code, or a city with its state, around which a practice location is.
    pub near: Option<String>,
    /// How far around, in miles, as the crow flies from the middle of the ZIP codes.
    pub radius_miles: Option<u32>,
    /// County of a practice location, as in `Fresno, CA`.
    pub county: Vec<String>,
    /// Degree or licence letters; full stops and case are irrelevant.
    pub credential: Vec<String>,
    /// Two-letter states of a licence.
    pub licensed_in: Vec<String>,
    /// Whether any taxonomy has a licence.
    pub has_license: Option<bool>,
    /// Words of the authorized official's title or position.
    pub title: Option<String>,
    /// Whether a person is a sole proprietor.
    pub sole_proprietor: Option<bool>,
    /// Whether an organization is a subpart of another.
    pub subpart: Option<bool>,
    /// Whether a practice location has a fax number.
    pub has_fax: Option<bool>,
    /// Whether the practice location is the mailing address.
    pub same_address: Option<bool>,
    /// Enumerated on this day or later.
    pub enumerated_since: Option<Date>,
    /// Enumerated on this day or earlier.
    pub enumerated_until: Option<Date>,
    /// Updated in the registry on this day or later.
    pub updated_since: Option<Date>,
    /// Updated in the registry on this day or earlier.
    pub updated_until: Option<Date>,
    /// Found by this sync run.
    pub sync: Option<String>,
    /// The NUCC codes that [`ProviderFilter::specialty`] stands for; filled by
    /// [`ProviderFilter::resolved`].
    #[serde(skip)]
    pub specialty_codes: Vec<String>,
    /// The ZIP codes that [`ProviderFilter::near`] and [`ProviderFilter::county`] stand for, in
    /// order; filled by who knows the places. Absent when neither is asked for.
    #[serde(skip)]
    pub zips: Option<Vec<String>>,
}

/// A search parameter that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FilterError {
    /// Which parameter.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl FilterError {
    fn new(field: &str, problem: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}

impl ProviderFilter {
    /// The parameters that may have several values.
    pub const MANY: [&'static str; 7] = [
        "specialty",
        "taxonomy",
        "state",
        "city",
        "county",
        "credential",
        "licensed_in",
    ];

    /// Takes one parameter of the API, a page's address or the command line. Returns false when
    /// the name is none of a filter's. An empty value counts as absent.
    ///
    /// # Errors
    /// When the value can't be understood.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, FilterError> {
        let value = value.trim();
        let text = || (!value.is_empty()).then(|| value.to_owned());
        if value.chars().count() > 200 || value.contains('\0') {
            return Err(FilterError::new(
                name,
                "at most 200 characters, none of them NUL",
            ));
        }
        match name {
            "q" => self.q = text(),
            "specialty" => self.specialty.extend(text()),
            "taxonomy" => self.taxonomy.extend(text().map(|t| t.to_ascii_uppercase())),
            "state" => self.state.extend(state(name, value)?),
            "licensed_in" => self.licensed_in.extend(state(name, value)?),
            "near" => self.near = text(),
            "radius_miles" => {
                let miles = |v: &str| v.parse().ok().filter(|n| (1..=500).contains(n));
                self.radius_miles = parsed(name, value, miles, "a number of miles from 1 to 500")?;
            }
            "county" => self.county.extend(text()),
            "credential" => self.credential.extend(text()),
            "title" => self.title = text(),
            "has_license" => self.has_license = flag(name, value)?,
            "sole_proprietor" => self.sole_proprietor = flag(name, value)?,
            "subpart" => self.subpart = flag(name, value)?,
            "has_fax" => self.has_fax = flag(name, value)?,
            "same_address" => self.same_address = flag(name, value)?,
            "city" => self.city.extend(text()),
            "postal_code" => {
                self.postal_code =
                    text().map(|t| t.replace(['-', ' ', '*'], "").to_ascii_uppercase());
            }
            "primary_only" => self.primary_only = flag(name, value)?.unwrap_or(false),
            "has_phone" => self.has_phone = flag(name, value)?,
            "entity" => {
                self.entity = parsed(name, value, Entity::parse, "individual or organization")?;
            }
            "sex" => self.sex = parsed(name, value, Sex::parse, "M, F, X or U")?,
            "status" => {
                let find = |v: &str| {
                    [
                        StatusFilter::Active,
                        StatusFilter::Deactivated,
                        StatusFilter::Unpublished,
                        StatusFilter::Any,
                    ]
                    .into_iter()
                    .find(|s| s.as_str() == v)
                };
                self.status = parsed(name, value, find, "active, deactivated, unpublished or any")?
                    .unwrap_or_default();
            }
            "lead" => {
                self.lead = flag(name, value)?.map(|yes| {
                    if yes {
                        LeadPresence::Yes
                    } else {
                        LeadPresence::No
                    }
                });
            }
            "enumerated_since" => self.enumerated_since = date(name, value)?,
            "enumerated_until" => self.enumerated_until = date(name, value)?,
            "updated_since" => self.updated_since = date(name, value)?,
            "updated_until" => self.updated_until = date(name, value)?,
            "sync" => self.sync = text(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The parameters that say this filter again: the inverse of [`ProviderFilter::set`].
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut many = |name, values: &[String]| {
            pairs.extend(values.iter().map(|v| (name, v.clone())));
        };
        many("q", self.q.as_slice());
        many("specialty", &self.specialty);
        many("taxonomy", &self.taxonomy);
        many("state", &self.state);
        many("city", &self.city);
        many("postal_code", self.postal_code.as_slice());
        many("sync", self.sync.as_slice());
        many("near", self.near.as_slice());
        many("county", &self.county);
        many("credential", &self.credential);
        many("licensed_in", &self.licensed_in);
        many("title", self.title.as_slice());
        pairs.extend(self.radius_miles.map(|v| ("radius_miles", v.to_string())));
        let yes_no = |v: bool| if v { "yes" } else { "no" }.to_owned();
        if self.primary_only {
            pairs.push(("primary_only", yes_no(true)));
        }
        pairs.extend(self.entity.map(|v| ("entity", v.as_str().to_owned())));
        pairs.extend(self.sex.map(|v| ("sex", v.as_str().to_owned())));
        for (name, flag) in [
            ("has_phone", self.has_phone),
            ("has_fax", self.has_fax),
            ("has_license", self.has_license),
            ("sole_proprietor", self.sole_proprietor),
            ("subpart", self.subpart),
            ("same_address", self.same_address),
        ] {
            pairs.extend(flag.map(|v| (name, yes_no(v))));
        }
        if self.status != StatusFilter::Active {
            pairs.push(("status", self.status.as_str().to_owned()));
        }
        pairs.extend(self.lead.map(|v| ("lead", yes_no(v == LeadPresence::Yes))));
        for (name, day) in [
            ("enumerated_since", self.enumerated_since),
            ("enumerated_until", self.enumerated_until),
            ("updated_since", self.updated_since),
            ("updated_until", self.updated_until),
        ] {
            pairs.extend(day.map(|v| (name, v.to_string())));
        }
        pairs
    }

    /// The same filter with the codes that its specialties stand for.
    ///
    /// # Errors
    /// When nobody knows one of the specialties.
    pub fn resolved(mut self, catalogue: &Catalogue) -> Result<Self, UnknownSpecialty> {
        self.specialty_codes.clear();
        for name in &self.specialty {
            self.specialty_codes.extend(catalogue.resolve(name)?.codes);
        }
        self.specialty_codes.sort();
        self.specialty_codes.dedup();
        Ok(self)
    }
}

fn state(name: &str, value: &str) -> Result<Option<String>, FilterError> {
    let two = |v: &str| {
        let fits = v.len() == 2 && v.bytes().all(|b| b.is_ascii_alphabetic());
        fits.then(|| v.to_ascii_uppercase())
    };
    if value.is_empty() {
        return Ok(None);
    }
    two(value)
        .map(Some)
        .ok_or_else(|| FilterError::new(name, "a state has two letters, as in CA"))
}

fn date(name: &str, value: &str) -> Result<Option<Date>, FilterError> {
    parsed(name, value, |v| v.parse().ok(), "a day as in 2026-01-31")
}

fn flag(name: &str, value: &str) -> Result<Option<bool>, FilterError> {
    match value.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "yes" | "true" | "1" | "on" => Ok(Some(true)),
        "no" | "false" | "0" | "off" => Ok(Some(false)),
        _ => Err(FilterError::new(name, "yes or no")),
    }
}

fn parsed<T>(
    name: &str,
    value: &str,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, FilterError> {
    if value.is_empty() {
        return Ok(None);
    }
    parse(value)
        .map(Some)
        .ok_or_else(|| FilterError::new(name, format!("{value:?} is not {expected}")))
}

/// Order of a list of providers. Every order ends with the NPI, so that it is total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderSort {
    /// By name, A first.
    #[default]
    Name,
    /// By city of the primary practice location, A first.
    City,
    /// By day of enumeration, newest first.
    Enumerated,
    /// By day of the last update in the registry, newest first.
    Updated,
}

impl ProviderSort {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Name, Self::City, Self::Enumerated, Self::Updated];

    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::City => "city",
            Self::Enumerated => "enumerated",
            Self::Updated => "updated",
        }
    }

    /// From its name in the API.
    ///
    /// # Errors
    /// When there is no such order.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| FilterError::new("sort", "name, city, enumerated or updated"))
    }
}

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
            "lead" => return Ok(false),
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

/// Order of a list of leads. Every order ends with the NPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeadSort {
    /// By the time of the last edit, newest first.
    #[default]
    Updated,
    /// By the provider's name, A first.
    Name,
    /// By the time of creation, newest first.
    Created,
}

impl LeadSort {
    /// As in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Name => "name",
            Self::Created => "created",
        }
    }

    /// From its name in the API.
    ///
    /// # Errors
    /// When there is no such order.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        [Self::Updated, Self::Name, Self::Created]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| FilterError::new("sort", "updated, name or created"))
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many rows.
    pub limit: u32,
    /// After this row; from the start when absent.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// Rows of a page when nobody says otherwise.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// Rows of a page at most.
    pub const MAX_LIMIT: u32 = 1_000;

    /// The first page, of so many rows.
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// From the parameters `limit` and `cursor`.
    ///
    /// # Errors
    /// When the limit is no number from 1 to 1,000 or the cursor is none.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, FilterError> {
        let limit = match limit.map(str::trim).filter(|t| !t.is_empty()) {
            None => Self::DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=Self::MAX_LIMIT).contains(n))
                .ok_or_else(|| FilterError::new("limit", "a whole number from 1 to 1000"))?,
        };
        let after = cursor
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::parse)
            .transpose()
            .map_err(|e: crate::InvalidCursor| FilterError::new("cursor", e.to_string()))?;
        Ok(Self { limit, after })
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<Cursor>,
}

/// How many rows a search has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Whether that is exact; if not, people are told "about".
    pub exact: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn filter(pairs: &[(&str, &str)]) -> Result<ProviderFilter, FilterError> {
        let mut filter = ProviderFilter::default();
        for (name, value) in pairs {
            assert!(filter.set(name, value)?, "{name} is not known");
        }
        Ok(filter)
    }

    #[test]
    fn a_filter_says_itself_again() {
        let all = filter(&[
            ("q", "smith"),
            ("specialty", "Family Medicine"),
            ("specialty", "Pain Medicine"),
            ("taxonomy", "207q00000x"),
            ("primary_only", "on"),
            ("state", "ca"),
            ("state", "NV"),
            ("city", "Fresno"),
            ("postal_code", "937*"),
            ("entity", "NPI-1"),
            ("sex", "F"),
            ("has_phone", "true"),
            ("status", "any"),
            ("lead", "no"),
            ("near", "Fresno, CA"),
            ("radius_miles", "100"),
            ("county", "Fresno, CA"),
            ("county", "Kern, CA"),
            ("credential", "M.D."),
            ("credential", "DO"),
            ("licensed_in", "ca"),
            ("licensed_in", "OR"),
            ("has_license", "yes"),
            ("title", "medical director"),
            ("sole_proprietor", "no"),
            ("subpart", "yes"),
            ("has_fax", "0"),
            ("same_address", "1"),
            ("enumerated_since", "2020-02-29"),
            ("enumerated_until", "2025-12-31"),
            ("updated_since", "2026-01-31"),
            ("updated_until", "2026-02-01"),
            ("sync", "0199"),
        ])
        .unwrap();
        let mut again = ProviderFilter::default();
        for (name, value) in all.pairs() {
            assert!(again.set(name, &value).unwrap());
        }
        assert_eq!(again, all);
        assert_eq!(all.state, ["CA", "NV"]);
        assert_eq!(all.postal_code.as_deref(), Some("937"));
        assert_eq!(all.licensed_in, ["CA", "OR"]);
        // A part that is added to the filter is missed here.
        let named: BTreeSet<&str> = all.pairs().into_iter().map(|(name, _)| name).collect();
        let members = serde_json::to_value(&all).unwrap();
        for name in members.as_object().unwrap().keys() {
            assert!(named.contains(name.as_str()), "{name} is not said again");
        }
    }

    #[test]
    fn parts_that_may_have_several_values_are_those_that_keep_them() {
        let members = serde_json::to_value(ProviderFilter::default()).unwrap();
        for (name, value) in members.as_object().unwrap() {
            let many = ProviderFilter::MANY.contains(&name.as_str());
            assert_eq!(value.is_array(), many, "{name}");
        }
    }

    #[test]
    fn empty_values_are_absent_and_odd_ones_are_refused() {
        let empty = filter(&[
            ("q", " "),
            ("state", ""),
            ("sex", ""),
            ("lead", ""),
            ("near", ""),
            ("radius_miles", " "),
            ("county", ""),
            ("credential", ""),
            ("licensed_in", ""),
            ("title", ""),
            ("has_fax", ""),
            ("enumerated_until", ""),
        ]);
        assert_eq!(empty.unwrap(), ProviderFilter::default());
        for (name, value) in [
            ("state", "California"),
            ("sex", "Q"),
            ("lead", "maybe"),
            ("updated_since", "31/1/26"),
            ("enumerated_since", "2026-02-30"),
            ("enumerated_until", "tomorrow"),
            ("updated_until", "2026"),
            ("radius_miles", "0"),
            ("radius_miles", "501"),
            ("radius_miles", "2.5"),
            ("licensed_in", "Oregon"),
            ("has_license", "often"),
            ("has_fax", "2"),
            ("sole_proprietor", "Y"),
            ("subpart", "part"),
            ("same_address", "same"),
        ] {
            assert_eq!(filter(&[(name, value)]).unwrap_err().field, name);
        }
    }

    #[test]
    fn a_page_is_bounded() {
        assert_eq!(
            PageRequest::parse(None, Some("")).unwrap(),
            PageRequest::first(50)
        );
        for limit in ["0", "1001", "-1", "many"] {
            assert_eq!(
                PageRequest::parse(Some(limit), None).unwrap_err().field,
                "limit"
            );
        }
    }
}
