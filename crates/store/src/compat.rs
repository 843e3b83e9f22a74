//! What the registry-compatible endpoint asks of the database: the criteria of the NPPES read API
//! 2.1, answered in the registry's order, paged by `skip`.
//!
//! A query is a handful of sets of providers, each listed by an index: taxonomies, names, a place.
//! The smallest drives, the others are tests of one provider; only when all of them are huge is
//! the index of the order walked instead.

mod watch;

use canvass_model::{Entity, Npi, Provider, RecordStatus};

use crate::{
    Error, Store,
    backend::Engine,
    search::Text,
    value::{Value, count},
};

pub use watch::ChangeWatch;

/// A set with at least this many rows does not drive a query.
const HUGE: u64 = 200_000;

/// What a name must be, as a key made by [`crate::sort_key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameKey {
    /// The whole name.
    Exact(String),
    /// Its beginning.
    Prefix(String),
}

/// A person's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PersonQuery {
    /// Whether it is that of an organization's authorized official, not of an individual provider.
    pub official: bool,
    /// Last name; absent for any.
    pub last: Option<NameKey>,
    /// First names, of which one must fit; empty for any.
    pub first: Vec<NameKey>,
}

/// Which addresses of a provider a place speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AddressPurpose {
    /// Any address.
    #[default]
    Any,
    /// A practice location, primary or secondary.
    Location,
    /// The mailing address.
    Mailing,
    /// The primary practice location.
    Primary,
    /// A secondary practice location.
    Secondary,
}

/// What a postal code must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PostalKey {
    /// This code. Five digits also find the nine-digit codes that begin with them.
    Exact(String),
    /// Its beginning.
    Prefix(String),
}

/// What one and the same address must meet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlaceQuery {
    /// Which addresses.
    pub purpose: AddressPurpose,
    /// City, as [`crate::fold`] makes it.
    pub city: Option<String>,
    /// State, in upper case.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<PostalKey>,
    /// Country code, in upper case.
    pub country: Option<String>,
}

impl PlaceQuery {
    fn is_empty(&self) -> bool {
        self.city.is_none()
            && self.state.is_none()
            && self.postal_code.is_none()
            && self.country.is_none()
    }
}

/// One query of the read API. All parts are ANDed; only providers in service are found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegistryQuery {
    /// The NPI.
    pub npi: Option<Npi>,
    /// Person or organization.
    pub entity: Option<Entity>,
    /// NUCC codes, of which the provider must have one, primary or not.
    pub codes: Option<Vec<String>>,
    /// Name of a person.
    pub person: Option<PersonQuery>,
    /// Name of an organization: its legal business name or another.
    pub organization: Option<NameKey>,
    /// Place.
    pub place: PlaceQuery,
}

impl Store {
    /// The providers of one page, in the registry's order: by `LAST FIRST` or the name of the
    /// organization, then by NPI.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_query(
        &self,
        query: &RegistryQuery,
        limit: u64,
        skip: u64,
    ) -> Result<Vec<Provider>, Error> {
        let npis = self.registry_npis(query, limit, skip).await?;
        self.registry_records(&npis).await
    }

    /// The NPIs of one page, in the order of [`Store::registry_query`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_npis(
        &self,
        query: &RegistryQuery,
        limit: u64,
        skip: u64,
    ) -> Result<Vec<Npi>, Error> {
        let sets = sets(query);
        let driver = self.registry_driver(query, &sets).await?;
        let text = page(query, &sets, driver, self.engine(), limit, skip);
        let rows = self.query(text.sql, text.params).await?;
        rows.iter().map(|row| row.npi(1)).collect()
    }

    /// The records of these providers, in this order. One that is not known is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_records(&self, npis: &[Npi]) -> Result<Vec<Provider>, Error> {
        let mut records = Vec::with_capacity(npis.len());
        for group in npis.chunks(512) {
            let mut text = Text::default();
            text.push("SELECT npi, record FROM provider_records WHERE npi IN ");
            text.values(group.iter().copied());
            let mut found = std::collections::HashMap::with_capacity(group.len());
            for row in self.query(text.sql, text.params).await? {
                found.insert(row.npi(0)?, row.json(1)?);
            }
            records.extend(group.iter().filter_map(|npi| found.remove(npi)));
        }
        Ok(records)
    }

    /// The set that should drive, found by counting a little of each.
    async fn registry_driver(
        &self,
        query: &RegistryQuery,
        sets: &[Set<'_>],
    ) -> Result<Driver, Error> {
        if query.npi.is_some() {
            return Ok(Driver::Number);
        }
        let mut able: Vec<usize> = (0..sets.len()).filter(|i| sets[*i].has_index()).collect();
        if able.is_empty() {
            able = (0..sets.len()).collect();
        }
        if let ([only], [_]) = (able.as_slice(), sets)
            && !sets[*only].has_index()
        {
            return Ok(Driver::Set(*only));
        }
        let mut driver = Driver::Order;
        let mut smallest = HUGE;
        for i in able {
            let mut text = Text::default();
            text.push("SELECT COUNT(*) FROM (SELECT 1 FROM ");
            sets[i].list(&mut text, self.engine());
            text.push(" LIMIT ");
            text.value(count(smallest));
            text.push(") x");
            let size = self.scalar(text).await?;
            if size < smallest {
                smallest = size;
                driver = Driver::Set(i);
            }
        }
        Ok(driver)
    }
}

/// Where the providers come from that the other conditions are tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    /// The one NPI asked for.
    Number,
    /// The set in this place.
    Set(usize),
    /// All of them, in the order of the answer.
    Order,
}

/// A condition that is a set of providers.
#[derive(Clone, Copy, Debug)]
enum Set<'a> {
    Codes(&'a [String]),
    Person(&'a PersonQuery),
    Organization(&'a NameKey),
    Place(&'a PlaceQuery),
}

fn sets(query: &RegistryQuery) -> Vec<Set<'_>> {
    let codes = query.codes.as_deref().map(Set::Codes);
    let person = query.person.as_ref().map(Set::Person);
    let organization = query.organization.as_ref().map(Set::Organization);
    let place = (!query.place.is_empty()).then_some(Set::Place(&query.place));
    [codes, person, organization, place]
        .into_iter()
        .flatten()
        .collect()
}

fn page(
    query: &RegistryQuery,
    sets: &[Set<'_>],
    driver: Driver,
    engine: Engine,
    limit: u64,
    skip: u64,
) -> Text {
    let mut text = Text::default();
    // The key by which the sets are tested: as soon as it is known, before the provider is read.
    let key = if let Driver::Set(i) = driver {
        text.push("SELECT DISTINCT p.sort_name, p.npi FROM ");
        // CROSS JOIN keeps SQLite's planner from turning the order around.
        sets[i].table(&mut text, engine);
        text.push(" s CROSS JOIN providers p WHERE p.npi = s.npi");
        sets[i].conditions(&mut text, "s", engine, Use::List);
        "s.npi"
    } else {
        text.push("SELECT p.sort_name, p.npi FROM providers p WHERE 1 = 1");
        "p.npi"
    };
    for (i, set) in sets.iter().enumerate() {
        if driver != Driver::Set(i) {
            text.push(" AND EXISTS (SELECT 1 FROM ");
            text.push(set.plain_table());
            text.push(" t WHERE t.npi = ");
            text.push(key);
            set.conditions(&mut text, "t", engine, Use::Test);
            text.push(")");
        }
    }
    text.push(" AND p.status = ");
    text.value(RecordStatus::Active.as_str());
    if let Some(npi) = query.npi {
        text.push(" AND p.npi = ");
        text.value(npi);
    }
    let of_names = sets.iter().filter_map(|set| match set {
        Set::Person(person) if !person.official => Some(Entity::Individual),
        Set::Person(_) | Set::Organization(_) => Some(Entity::Organization),
        Set::Codes(_) | Set::Place(_) => None,
    });
    for entity in query.entity.into_iter().chain(of_names) {
        text.push(" AND p.entity = ");
        text.value(entity.as_str());
    }
    text.push(" ORDER BY p.sort_name, p.npi LIMIT ");
    text.value(count(limit));
    text.push(" OFFSET ");
    text.value(count(skip));
    text
}

/// What the conditions of a set are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Listing the set.
    List,
    /// Testing one provider, whose NPI is given.
    Test,
}

impl Set<'_> {
    /// Whether an index lists it.
    fn has_index(self) -> bool {
        match self {
            Self::Codes(_) | Self::Organization(_) => true,
            Self::Person(person) => person.last.is_some(),
            Self::Place(place) => access(place) != Access::None,
        }
    }

    fn plain_table(self) -> &'static str {
        match self {
            Self::Codes(_) => "provider_taxonomies",
            Self::Person(_) | Self::Organization(_) => "provider_names",
            Self::Place(_) => "provider_addresses",
        }
    }

    /// `table s WHERE ...`, the whole set.
    fn list(self, text: &mut Text, engine: Engine) {
        self.table(text, engine);
        text.push(" s WHERE 1 = 1");
        self.conditions(text, "s", engine, Use::List);
    }

    /// The table of the set. The indexes of addresses are for practice locations or for mailing
    /// addresses, so any address is the two together.
    fn table(self, text: &mut Text, engine: Engine) {
        match self {
            Self::Place(place) if place.purpose == AddressPurpose::Any => {
                text.push("(SELECT a.npi FROM provider_addresses a WHERE a.is_practice");
                place_conditions(text, place, "a", engine, Use::List);
                text.push(
                    " UNION ALL SELECT a.npi FROM provider_addresses a WHERE NOT a.is_practice",
                );
                place_conditions(text, place, "a", engine, Use::List);
                text.push(")");
            }
            _ => text.push(self.plain_table()),
        }
    }

    /// The conditions as ` AND ...` on the table named `at`.
    fn conditions(self, text: &mut Text, at: &str, engine: Engine, used: Use) {
        // A test goes by NPI, so no other column may tempt the planner.
        let columns = Columns {
            at,
            plain: used == Use::Test && engine == Engine::Sqlite,
        };
        match self {
            Self::Codes(codes) => {
                columns.push(text, "code");
                text.push(" IN ");
                text.values(codes);
            }
            Self::Person(person) => {
                columns.push(text, "kind");
                text.push(" = ");
                text.value(if person.official {
                    "official"
                } else {
                    "person"
                });
                if let Some(last) = &person.last {
                    name(text, columns, "last_key", last);
                }
                match person.first.as_slice() {
                    [] => {}
                    [one] => name(text, columns, "first_key", one),
                    several => {
                        text.push(" AND (1 = 0");
                        for one in several {
                            text.push(" OR (1 = 1");
                            name(text, columns, "first_key", one);
                            text.push(")");
                        }
                        text.push(")");
                    }
                }
            }
            Self::Organization(key) => {
                columns.push(text, "kind");
                text.push(" = ");
                text.value("organization");
                name(text, columns, "last_key", key);
            }
            Self::Place(place) => {
                let purpose = match place.purpose {
                    // Listed by its table, which has no such columns.
                    AddressPurpose::Any if used == Use::List => return,
                    AddressPurpose::Any => "",
                    AddressPurpose::Location => " AND @.is_practice",
                    AddressPurpose::Mailing => " AND NOT @.is_practice",
                    AddressPurpose::Primary => " AND @.is_practice AND @.place = 0",
                    AddressPurpose::Secondary => " AND @.is_practice AND @.place >= 2",
                };
                text.push(&purpose.replace('@', at));
                place_conditions(text, place, at, engine, used);
            }
        }
    }
}

/// The columns of one table of a statement.
#[derive(Clone, Copy)]
struct Columns<'a> {
    at: &'a str,
    /// Whether SQLite must not look for an index of the column: it has no statistics to tell a
    /// good one from a bad one. PostgreSQL has, and no such sign.
    plain: bool,
}

impl Columns<'_> {
    fn push(self, text: &mut Text, column: &str) {
        text.push(" AND ");
        if self.plain {
            text.push("+");
        }
        text.push(self.at);
        text.push(".");
        text.push(column);
    }

    fn equals(self, text: &mut Text, column: &str, value: impl Into<Value>) {
        self.push(text, column);
        text.push(" = ");
        text.value(value);
    }

    fn begins(self, text: &mut Text, column: &str, prefix: &str) {
        self.push(text, column);
        text.push(" >= ");
        text.value(prefix);
        self.push(text, column);
        text.push(" < ");
        text.value(format!("{prefix}\u{10FFFF}"));
    }
}

fn name(text: &mut Text, columns: Columns<'_>, column: &str, key: &NameKey) {
    match key {
        NameKey::Exact(name) => columns.equals(text, column, name),
        NameKey::Prefix(prefix) => columns.begins(text, column, prefix),
    }
}

/// Which column of an address finds the fewest rows, among those that an index has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    PostalCode,
    City,
    Country,
    State,
    None,
}

fn access(place: &PlaceQuery) -> Access {
    let fine = match &place.postal_code {
        Some(PostalKey::Exact(_)) => true,
        Some(PostalKey::Prefix(prefix)) => prefix.len() > 3,
        None => false,
    };
    let practice = !matches!(place.purpose, AddressPurpose::Any | AddressPurpose::Mailing);
    if fine {
        Access::PostalCode
    } else if place.city.is_some() {
        Access::City
    } else if place.postal_code.is_some() {
        Access::PostalCode
    } else if place.country.as_deref().is_some_and(|c| c != "US") {
        Access::Country
    } else if practice && place.state.is_some() {
        Access::State
    } else {
        Access::None
    }
}

fn place_conditions(text: &mut Text, place: &PlaceQuery, at: &str, engine: Engine, used: Use) {
    let chosen = if used == Use::List {
        access(place)
    } else {
        Access::None
    };
    let column = |access: Access| Columns {
        at,
        plain: engine == Engine::Sqlite && chosen != access,
    };
    match &place.postal_code {
        Some(PostalKey::Exact(code)) if is_zip5(code) => {
            column(Access::PostalCode).begins(text, "postal_code", code);
            text.push(" AND LENGTH(");
            text.push(at);
            text.push(".postal_code) IN (5, 9)");
        }
        Some(PostalKey::Exact(code)) => {
            column(Access::PostalCode).equals(text, "postal_code", code);
        }
        Some(PostalKey::Prefix(prefix)) => {
            column(Access::PostalCode).begins(text, "postal_code", prefix);
        }
        None => {}
    }
    if let Some(city) = &place.city {
        column(Access::City).equals(text, "city_key", city);
    }
    if let Some(state) = &place.state {
        // The index of cities has the state behind the city.
        let with = if chosen == Access::City {
            Access::City
        } else {
            Access::State
        };
        column(with).equals(text, "state", state);
    }
    if let Some(country) = &place.country {
        column(Access::Country).equals(text, "country", country);
        if country != "US" {
            // As the index of addresses abroad has it.
            text.push(" AND ");
            text.push(at);
            text.push(".country <> 'US'");
        }
    }
}

fn is_zip5(code: &str) -> bool {
    code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit())
}
