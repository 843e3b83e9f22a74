use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Npi, Phone};

/// What kind of provider an NPI stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// A person: NPI-1, entity type code 1.
    Individual,
    /// An organization: NPI-2, entity type code 2.
    Organization,
}

impl Entity {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Organization => "organization",
        }
    }

    /// As the registry's API writes it.
    pub fn enumeration_type(self) -> &'static str {
        match self {
            Self::Individual => "NPI-1",
            Self::Organization => "NPI-2",
        }
    }

    /// From any of the spellings `individual`, `NPI-1`, `1` and their counterparts.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "individual" | "npi-1" | "1" => Some(Self::Individual),
            "organization" | "npi-2" | "2" => Some(Self::Organization),
            _ => None,
        }
    }
}

/// Sex as the registry records it (code values M, F, X, U).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// Male.
    M,
    /// Female.
    F,
    /// Another answer.
    X,
    /// Not disclosed.
    U,
}

impl Sex {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::M => "M",
            Self::F => "F",
            Self::X => "X",
            Self::U => "U",
        }
    }

    /// From its one letter, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "M" | "m" => Some(Self::M),
            "F" | "f" => Some(Self::F),
            "X" | "x" => Some(Self::X),
            "U" | "u" => Some(Self::U),
            _ => None,
        }
    }
}

/// Whether the registry has the NPI in service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordStatus {
    /// In service.
    #[default]
    Active,
    /// Taken out of service by CMS.
    Deactivated,
    /// Known before, but missing from a later full file.
    Unpublished,
}

impl RecordStatus {
    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Unpublished => "unpublished",
        }
    }
}

/// The name of a person, as the registry spells it. Every part may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonName {
    /// `Dr.`, `Mrs.` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Middle name or initial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// `Jr.`, `III` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Degree or licence letters, free text: `MD`, `M.D.`, `LCSW`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl PersonName {
    /// Whether no part is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `LAST, First Middle` for reading; parts that are absent are left out.
    pub fn display(&self) -> String {
        let given: Vec<&str> = [&self.first, &self.middle]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        match (&self.last, given.is_empty()) {
            (Some(last), false) => format!("{last}, {}", given.join(" ")),
            (Some(last), true) => last.clone(),
            (None, _) => given.join(" "),
        }
    }
}

/// A postal address with its telephone and fax numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State: two letters in the United States, free text elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP or ZIP+4 without hyphen in the United States, free text elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166 two-letter country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Fax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fax: Option<Phone>,
}

impl Address {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The five digits of a ZIP code, when the address has them.
    pub fn zip5(&self) -> Option<&str> {
        let code = self.postal_code.as_deref()?;
        let head = code.get(..5)?;
        head.bytes().all(|b| b.is_ascii_digit()).then_some(head)
    }
}

/// One of a provider's taxonomies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProviderTaxonomy {
    /// NUCC code, for example `207R00000X`.
    pub code: String,
    /// Whether this is the provider's primary taxonomy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
    /// Licence number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// State that gave the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Group taxonomy, as code and upper-case label: `193400000X SINGLE SPECIALTY GROUP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// An identifier that somebody else gave the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// The identifier itself.
    pub identifier: String,
    /// Type code: `01` other, `05` Medicaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// State of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Issuer, free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// Another name of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OtherName {
    /// Type code: 1 former, 2 professional, 3 doing business as, 4 former legal business, 5 other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Name of an organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Name of a person.
    #[serde(default, skip_serializing_if = "PersonName::is_empty")]
    pub person: PersonName,
}

/// An electronic address for health information exchange. All parts are free text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// `DIRECT`, `CONNECT`, `SOAP`, `FHIR`, `REST`, `OTHERS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What the type is called in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind_description: Option<String>,
    /// The address itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Code of its use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_code: Option<String>,
    /// Its use in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_description: Option<String>,
    /// Its use when none of the codes fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_other: Option<String>,
    /// Code of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Its content in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_description: Option<String>,
    /// Its content when none of the codes fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_other: Option<String>,
    /// Whether it belongs to another organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affiliation: Option<bool>,
    /// That organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affiliation_name: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Address::is_empty")]
    pub address: Address,
}

/// The person who may speak for an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Official {
    /// Name.
    pub name: PersonName,
    /// Title or position, free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// Everything the registry knows of one NPI, normalised: the same value whether it came by the
/// read API or by a dissemination file, wherever both know it.
///
/// Dates are calendar days in US Eastern time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The NPI.
    pub npi: Npi,
    /// Person or organization. Absent for a deactivated NPI of which nothing else is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// In service or not.
    pub status: RecordStatus,
    /// Name, of a person.
    #[serde(default, skip_serializing_if = "PersonName::is_empty")]
    pub name: PersonName,
    /// Legal business name, of an organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_name: Option<String>,
    /// Sex, of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// Whether a person is a sole proprietor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sole_proprietor: Option<bool>,
    /// Whether an organization is a subpart of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subpart: Option<bool>,
    /// Legal business name of the organization it is a subpart of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_organization: Option<String>,
    /// The authorized official of an organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<Official>,
    /// Mailing address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailing: Option<Address>,
    /// Primary practice location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practice: Option<Address>,
    /// Secondary practice locations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary: Vec<Address>,
    /// Taxonomies, at most fifteen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxonomies: Vec<ProviderTaxonomy>,
    /// Identifiers from others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
    /// Other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<OtherName>,
    /// Endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Day the NPI was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enumerated_on: Option<Date>,
    /// Day of the last update in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_on: Option<Date>,
    /// Day the provider last certified the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified_on: Option<Date>,
    /// Day of deactivation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivated_on: Option<Date>,
    /// Day of reactivation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reactivated_on: Option<Date>,
}

impl Provider {
    /// A provider of which only the NPI is known.
    pub fn new(npi: Npi) -> Self {
        Self {
            npi,
            entity: None,
            status: RecordStatus::Active,
            name: PersonName::default(),
            organization_name: None,
            sex: None,
            sole_proprietor: None,
            subpart: None,
            parent_organization: None,
            official: None,
            mailing: None,
            practice: None,
            secondary: Vec::new(),
            taxonomies: Vec::new(),
            identifiers: Vec::new(),
            other_names: Vec::new(),
            endpoints: Vec::new(),
            enumerated_on: None,
            updated_on: None,
            certified_on: None,
            deactivated_on: None,
            reactivated_on: None,
        }
    }

    /// Whether all it says is that the NPI is out of service: the files give no more than the day
    /// then (CMS readme of the dissemination files, "Deactivated NPIs").
    pub fn is_bare_deactivation(&self) -> bool {
        let bare = Self {
            status: RecordStatus::Deactivated,
            deactivated_on: self.deactivated_on,
            ..Self::new(self.npi)
        };
        *self == bare
    }

    /// The same provider out of service since a day. Who works it still wants to know who it was.
    #[must_use]
    pub fn out_of_service(self, on: Option<Date>) -> Self {
        Self {
            status: RecordStatus::Deactivated,
            deactivated_on: on,
            ..self
        }
    }

    /// The name to show: `LAST, First Middle` of a person, the legal business name of an
    /// organization, empty when none is known.
    pub fn display_name(&self) -> String {
        match &self.organization_name {
            Some(name) => name.clone(),
            None => self.name.display(),
        }
    }

    /// The name the registry sorts its answers by: `LAST FIRST` of a person, the legal business
    /// name of an organization.
    pub fn registry_sort_name(&self) -> String {
        if let Some(name) = &self.organization_name {
            return name.clone();
        }
        let parts: Vec<&str> = [&self.name.last, &self.name.first]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        parts.join(" ")
    }

    /// The primary taxonomy, or the first where none is marked.
    pub fn primary_taxonomy(&self) -> Option<&ProviderTaxonomy> {
        self.taxonomies
            .iter()
            .find(|t| t.primary)
            .or_else(|| self.taxonomies.first())
    }

    /// The practice locations, the primary one first.
    pub fn practice_locations(&self) -> impl Iterator<Item = &Address> {
        self.practice.iter().chain(&self.secondary)
    }

    /// The telephone number to ring: that of the primary practice location, else of the first
    /// secondary one that has one that can be dialed, else of the authorized official.
    pub fn phone(&self) -> Option<&Phone> {
        let official = self.official.iter().flat_map(|official| &official.phone);
        self.practice_locations()
            .filter_map(|a| a.phone.as_ref())
            .chain(official)
            .find(|phone| phone.is_dialable())
    }
}

/// One row of a list of providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSummary {
    /// The NPI.
    pub npi: Npi,
    /// Person or organization.
    pub entity: Option<Entity>,
    /// The name to show.
    pub name: String,
    /// Degree or licence letters.
    pub credential: Option<String>,
    /// NUCC code of the primary taxonomy.
    pub taxonomy: Option<String>,
    /// City of the primary practice location.
    pub city: Option<String>,
    /// State of the primary practice location.
    pub state: Option<String>,
    /// Postal code of the primary practice location.
    pub postal_code: Option<String>,
    /// The telephone number to ring.
    pub phone: Option<Phone>,
    /// Day the NPI was given.
    pub enumerated_on: Option<Date>,
    /// Day of the last update in the registry.
    pub updated_on: Option<Date>,
    /// In service or not.
    pub status: RecordStatus,
    /// Status of its lead, when it is one.
    pub lead: Option<crate::LeadStatus>,
}
