//! Providers and their changes.

use utoipa::ToSchema;

/// What kind of provider an NPI stands for.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Entity {
    /// A person: NPI-1.
    Individual,
    /// An organization: NPI-2.
    Organization,
}

/// Sex as the registry records it.
#[derive(Debug, ToSchema)]
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

/// Whether the registry has the NPI in service.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RecordStatus {
    /// In service.
    Active,
    /// Taken out of service.
    Deactivated,
    /// Missing from a later full file.
    Unpublished,
}

/// Which states of a record a search looks at.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum StatusFilter {
    /// In service.
    Active,
    /// Taken out of service.
    Deactivated,
    /// Missing from a later full file.
    Unpublished,
    /// All of them.
    Any,
}

/// What happened to a provider.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A field has another value.
    Field,
    /// Taken out of service.
    Deactivated,
    /// In service again.
    Reactivated,
}

/// The name of a person. Absent parts are not known.
#[derive(Debug, ToSchema)]
pub struct PersonName {
    /// `Dr.`, `Mrs.` and the like.
    pub prefix: Option<String>,
    /// First name.
    pub first: Option<String>,
    /// Middle name or initial.
    pub middle: Option<String>,
    /// Last name.
    pub last: Option<String>,
    /// `Jr.`, `III` and the like.
    pub suffix: Option<String>,
    /// Degree or licence letters.
    pub credential: Option<String>,
}

/// A postal address with its telephone and fax numbers. Absent parts are not known.
#[derive(Debug, ToSchema)]
pub struct Address {
    /// First line.
    pub line_1: Option<String>,
    /// Second line.
    pub line_2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State: two letters in the United States.
    pub state: Option<String>,
    /// ZIP or ZIP+4 without hyphen in the United States.
    pub postal_code: Option<String>,
    /// Two-letter country code.
    pub country: Option<String>,
    /// Telephone, digits only.
    pub phone: Option<String>,
    /// Fax, digits only.
    pub fax: Option<String>,
}

/// One of a provider's taxonomies.
#[derive(Debug, ToSchema)]
pub struct ProviderTaxonomy {
    /// NUCC code.
    #[schema(example = "207R00000X")]
    pub code: String,
    /// Whether it is the primary one; absent when it is not.
    pub primary: Option<bool>,
    /// Licence number.
    pub license: Option<String>,
    /// State that gave the licence.
    pub state: Option<String>,
    /// Group taxonomy.
    pub group: Option<String>,
}

/// An identifier that somebody else gave the provider.
#[derive(Debug, ToSchema)]
pub struct Identifier {
    /// The identifier.
    pub identifier: String,
    /// Type code: `01` other, `05` Medicaid.
    pub code: Option<String>,
    /// State of the issuer.
    pub state: Option<String>,
    /// Issuer.
    pub issuer: Option<String>,
}

/// Another name of a provider.
#[derive(Debug, ToSchema)]
pub struct OtherName {
    /// Type code: 1 former, 2 professional, 3 doing business as, 4 former legal business, 5 other.
    pub code: Option<String>,
    /// Name of an organization.
    pub organization: Option<String>,
    /// Name of a person.
    pub person: Option<PersonName>,
}

/// An electronic address for health information exchange.
#[derive(Debug, ToSchema)]
pub struct Endpoint {
    /// `DIRECT`, `CONNECT`, `SOAP`, `FHIR`, `REST`, `OTHERS`.
    pub kind: Option<String>,
    /// The type in words.
    pub kind_description: Option<String>,
    /// The address itself.
    pub endpoint: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Code of its use.
    pub use_code: Option<String>,
    /// Its use in words.
    pub use_description: Option<String>,
    /// Its use when no code fits.
    pub use_other: Option<String>,
    /// Code of its content.
    pub content: Option<String>,
    /// Its content in words.
    pub content_description: Option<String>,
    /// Its content when no code fits.
    pub content_other: Option<String>,
    /// Whether it belongs to another organization.
    pub affiliation: Option<bool>,
    /// That organization.
    pub affiliation_name: Option<String>,
    /// Where it stands.
    pub address: Option<Address>,
}

/// The person who may speak for an organization.
#[derive(Debug, ToSchema)]
pub struct Official {
    /// Name.
    pub name: PersonName,
    /// Title or position.
    pub title: Option<String>,
    /// Telephone, digits only.
    pub phone: Option<String>,
}

/// Everything the registry knows of one NPI. Days are those of US Eastern time; absent members are not known.
#[derive(Debug, ToSchema)]
pub struct Provider {
    /// The NPI.
    #[schema(pattern = "^[12][0-9]{9}$", example = "1234567893")]
    pub npi: String,
    /// Person or organization.
    pub entity: Option<Entity>,
    /// In service or not.
    pub status: RecordStatus,
    /// Name of a person.
    pub name: Option<PersonName>,
    /// Legal business name of an organization.
    pub organization_name: Option<String>,
    /// Sex of a person.
    pub sex: Option<Sex>,
    /// Whether a person is a sole proprietor.
    pub sole_proprietor: Option<bool>,
    /// Whether an organization is a subpart of another.
    pub subpart: Option<bool>,
    /// The organization that it is a subpart of.
    pub parent_organization: Option<String>,
    /// Authorized official of an organization.
    pub official: Option<Official>,
    /// Mailing address.
    pub mailing: Option<Address>,
    /// Primary practice location.
    pub practice: Option<Address>,
    /// Secondary practice locations.
    pub secondary: Option<Vec<Address>>,
    /// Taxonomies, at most fifteen.
    pub taxonomies: Option<Vec<ProviderTaxonomy>>,
    /// Identifiers from others.
    pub identifiers: Option<Vec<Identifier>>,
    /// Other names.
    pub other_names: Option<Vec<OtherName>>,
    /// Endpoints.
    pub endpoints: Option<Vec<Endpoint>>,
    /// Day the NPI was given.
    #[schema(format = Date, example = "2026-01-31")]
    pub enumerated_on: Option<String>,
    /// Day of the last update in the registry.
    #[schema(format = Date, example = "2026-01-31")]
    pub updated_on: Option<String>,
    /// Day the provider last certified the record.
    #[schema(format = Date, example = "2026-01-31")]
    pub certified_on: Option<String>,
    /// Day of deactivation.
    #[schema(format = Date, example = "2026-01-31")]
    pub deactivated_on: Option<String>,
    /// Day of reactivation.
    #[schema(format = Date, example = "2026-01-31")]
    pub reactivated_on: Option<String>,
}

/// One field of a provider that differs from what was known.
#[derive(Debug, ToSchema)]
pub struct Change {
    /// Whose.
    #[schema(pattern = "^[12][0-9]{9}$", example = "1234567893")]
    pub npi: String,
    /// When canvass saw it.
    #[schema(format = DateTime, example = "2026-11-24T17:00:00Z")]
    pub at: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Which field.
    #[schema(example = "practice.phone")]
    pub field: String,
    /// What was known before; null when nothing was.
    pub before: Option<String>,
    /// What is known now; null when nothing is.
    pub after: Option<String>,
    /// Where canvass saw it.
    pub source: Source,
}

/// Where what is known of a provider comes from.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Source {
    /// The read API of NPPES.
    Api,
    /// A full replacement file.
    FullFile,
    /// A weekly incremental file.
    WeeklyFile,
    /// The report of deactivated NPIs.
    DeactivationReport,
}

/// Which addresses of a provider a place is looked for among.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PlaceOf {
    /// Practice locations.
    Practice,
    /// The mailing address.
    Mailing,
}

/// How many providers of a search have one value.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"value": "CA", "count": 1234}))]
pub struct Facet {
    /// The value, as the parameter of the search that asks for it.
    pub value: String,
    /// How many have it.
    pub count: u64,
}

/// The most frequent values of a search, the largest first.
#[derive(Debug, ToSchema)]
pub struct Facets {
    /// NUCC codes.
    pub specialty: Vec<Facet>,
    /// Two-letter states.
    pub state: Vec<Facet>,
    /// Cities with their state.
    pub city: Vec<Facet>,
    /// `individual` and `organization`.
    pub entity: Vec<Facet>,
}
