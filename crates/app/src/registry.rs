//! The registry-compatible endpoint: the NPPES read API 2.1, answered from the store.
//!
//! Parameters, refusals and their texts are those of the API's help page and of answers recorded
//! from it. Everything that the application decides is an answer, refusals too; an [`Error`] means
//! that the database failed.

mod aliases;
mod lists;

use std::collections::HashMap;

use canvass_model::{Catalogue, Entity, InvalidNpi, Npi, Provider};
use canvass_nppes::api::render;
use canvass_store::{
    AddressPurpose, NameKey, PersonQuery, PlaceQuery, PostalKey, RegistryQuery, Store, fold,
    sort_key,
};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use crate::{App, Error};
use lists::Lists;

/// Records of a page when no limit is given.
const LIMIT_DEFAULT: u64 = 10;
/// Most records of a page; a higher limit is silently this one.
const LIMIT_MOST: u64 = 200;

/// The endpoint over one database, to be kept while a server runs: it remembers the order of the
/// latest queries, so that their further pages cost little.
pub struct RegistryEndpoint {
    store: Store,
    catalogue: Catalogue,
    lists: Lists,
    turns: Semaphore,
}

/// Queries of the endpoint that are answered at a time.
const TURNS: usize = 2;

impl RegistryEndpoint {
    /// The endpoint over a database and a NUCC catalogue.
    ///
    /// # Errors
    /// When the database can't be opened once more.
    pub fn new(store: Store, catalogue: Catalogue) -> Result<Self, Error> {
        let lists = Lists::new(store.change_watch()?);
        Ok(Self {
            store,
            catalogue,
            lists,
            turns: Semaphore::new(TURNS),
        })
    }

    /// The answer to these parameters, as [`answer`] gives it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer(&self, params: &[(String, String)]) -> Result<Value, Error> {
        let asked = match read(&self.catalogue, params) {
            Ok(asked) => asked,
            Err(refusals) => return Ok(refused(&refusals)),
        };
        let Some(query) = &asked.query else {
            return Ok(found(&[], &self.catalogue));
        };
        // Anybody may ask, and what people search for must not wait for it.
        let _turn = self.turns.acquire().await;
        match self.page(query, &asked).await {
            Ok(providers) => Ok(found(&providers, &self.catalogue)),
            Err(error) => too_broad(error),
        }
    }

    async fn page(&self, query: &RegistryQuery, asked: &Asked) -> Result<Vec<Provider>, Error> {
        // Most never ask for a second page, so its order is remembered when one is asked for.
        if query.npi.is_some() || asked.skip == 0 {
            return Ok(self
                .store
                .registry_query(query, asked.limit, asked.skip)
                .await?);
        }
        self.lists
            .page(&self.store, query, asked.limit, asked.skip)
            .await
    }
}

/// The refusal of a query that too many providers nearly meet.
fn too_broad(error: Error) -> Result<Value, Error> {
    match error {
        Error::Store(canvass_store::Error::TooBroad) => Ok(refused(&[Refusal {
            fault: Fault::TooBroad,
            field: "generic",
        }])),
        other => Err(other),
    }
}

impl App {
    /// The answer of the NPPES read API 2.1 to these parameters, from the store. A server keeps an
    /// [`App::registry_endpoint`] instead, which answers the same and pages faster.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_answer(&self, params: &[(String, String)]) -> Result<Value, Error> {
        answer(self.store(), self.catalogue(), params).await
    }

    /// The registry-compatible endpoint over this database.
    ///
    /// # Errors
    /// When the database can't be opened once more.
    pub fn registry_endpoint(&self) -> Result<RegistryEndpoint, Error> {
        RegistryEndpoint::new(self.store().clone(), self.catalogue().clone())
    }
}

/// The answer of the NPPES read API 2.1 to these parameters: `result_count` (of this page) and
/// `results`, or `Errors`. An empty parameter counts as absent, an unknown one is passed over, and
/// of several with one name the last counts.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    store: &Store,
    catalogue: &Catalogue,
    params: &[(String, String)],
) -> Result<Value, Error> {
    let asked = match read(catalogue, params) {
        Ok(asked) => asked,
        Err(refusals) => return Ok(refused(&refusals)),
    };
    let Some(query) = &asked.query else {
        return Ok(found(&[], catalogue));
    };
    match store.registry_query(query, asked.limit, asked.skip).await {
        Ok(providers) => Ok(found(&providers, catalogue)),
        Err(error) => too_broad(error.into()),
    }
}

fn found(providers: &[Provider], catalogue: &Catalogue) -> Value {
    let results: Vec<Value> = providers.iter().map(|p| render(p, catalogue)).collect();
    json!({"result_count": results.len(), "results": results})
}

fn refused(refusals: &[Refusal]) -> Value {
    let errors: Vec<Value> = refusals
        .iter()
        .map(|r| {
            json!({
                "description": r.fault.description(),
                "field": r.field,
                "number": r.fault.number(),
            })
        })
        .collect();
    Value::Object(Map::from_iter([("Errors".to_owned(), errors.into())]))
}

/// Why the registry refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Wildcard,
    NoCriteria,
    Characters,
    Number,
    StateAlone,
    EnumerationTypeAlone,
    UnknownTaxonomy,
    Version,
    TooBroad,
}

impl Fault {
    fn number(self) -> &'static str {
        match self {
            Self::Wildcard => "03",
            Self::NoCriteria => "04",
            Self::Characters => "05",
            Self::Number => "06",
            Self::StateAlone => "07",
            Self::EnumerationTypeAlone => "09",
            Self::UnknownTaxonomy => "14",
            Self::Version => "17",
            // Its own: the registry's numbers end at 17, as far as they are known.
            Self::TooBroad => "18",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Wildcard => "Wildcards require at least two leading characters",
            Self::NoCriteria => "No valid search criteria provided",
            Self::Characters => "Field contains special character(s) or wrong number of characters",
            Self::Number => "NPI must be 10 digits",
            Self::StateAlone => "Field state requires additional search criteria",
            Self::EnumerationTypeAlone => "enumeration_type requires additional search criteria",
            Self::UnknownTaxonomy => "No taxonomy codes found with entered description",
            Self::Version => "Unsupported Version",
            Self::TooBroad => "Too many providers match; add criteria",
        }
    }
}

/// One entry of `Errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    fault: Fault,
    field: &'static str,
}

/// A request that is accepted.
#[derive(Debug)]
struct Asked {
    /// None where nothing can be found, as for a number whose check digit is wrong.
    query: Option<RegistryQuery>,
    limit: u64,
    skip: u64,
}

/// The parameters of a request, and what is wrong with them.
struct Params<'a> {
    given: HashMap<&'a str, &'a str>,
    refusals: Vec<Refusal>,
}

impl<'a> Params<'a> {
    fn new(params: &'a [(String, String)]) -> Self {
        let given = params
            .iter()
            .map(|(name, value)| (name.as_str(), value.trim()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self {
            given,
            refusals: Vec::new(),
        }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.given.get(name).copied()
    }

    fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn refuse(&mut self, fault: Fault, field: &'static str) {
        self.refusals.push(Refusal { fault, field });
    }

    /// One of several words, in either case.
    fn word<T: Copy>(&mut self, field: &'static str, words: &[(&str, T)]) -> Option<T> {
        let given = self.get(field)?;
        let known = words.iter().find(|(w, _)| w.eq_ignore_ascii_case(given));
        if known.is_none() {
            self.refuse(Fault::Characters, field);
        }
        known.map(|(_, value)| *value)
    }

    /// Two letters, in upper case.
    fn two_letters(&mut self, field: &'static str) -> Option<String> {
        let given = self.get(field)?;
        if given.len() == 2 && given.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Some(given.to_ascii_uppercase());
        }
        self.refuse(Fault::Characters, field);
        None
    }

    /// A text and whether it ends in a wildcard, which is taken off. `special` are the characters
    /// that are allowed beside letters, digits and spaces. The registry refuses letters outside
    /// ASCII, as recorded in ropensci/npi, issue 53.
    fn text(
        &mut self,
        field: &'static str,
        special: &str,
        wildcard: bool,
    ) -> Option<(&'a str, bool)> {
        let given = self.get(field)?;
        let (text, star) = match given.strip_suffix('*') {
            Some(text) if wildcard => (text, true),
            _ => (given, false),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == ' ' || special.contains(c);
        if !text.chars().all(allowed) {
            self.refuse(Fault::Characters, field);
            None
        } else if star && text.chars().count() < 2 {
            self.refuse(Fault::Wildcard, field);
            None
        } else {
            Some((text, star))
        }
    }

    fn name(&mut self, field: &'static str, special: &str) -> Option<NameKey> {
        let (text, star) = self.text(field, special, true)?;
        let key = sort_key(text);
        Some(if star {
            NameKey::Prefix(key)
        } else {
            NameKey::Exact(key)
        })
    }

    /// A whole number; none where it is no number.
    fn count(&self, field: &str) -> Option<u64> {
        let given = self.get(field)?;
        given
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| given.parse().unwrap_or(u64::MAX))
    }
}

/// Special characters that the help page allows in texts.
const SPECIAL: &str = "&':,/-().#\";";
/// The same in the name of an organization.
const SPECIAL_OF_ORGANIZATIONS: &str = "&':,/-().#\";@";

fn read(catalogue: &Catalogue, params: &[(String, String)]) -> Result<Asked, Vec<Refusal>> {
    let mut params = Params::new(params);
    if params.get("version") != Some("2.1") {
        params.refuse(Fault::Version, "version");
        return Err(params.refusals);
    }
    let number = number(&mut params);
    let query = RegistryQuery {
        npi: number.and_then(Result::ok),
        entity: params.word(
            "enumeration_type",
            &[
                ("NPI-1", Entity::Individual),
                ("NPI-2", Entity::Organization),
            ],
        ),
        codes: codes(&mut params, catalogue),
        person: person(&mut params),
        organization: params.name("organization_name", SPECIAL_OF_ORGANIZATIONS),
        place: place(&mut params),
    };
    enough(&mut params, &query);
    if !params.refusals.is_empty() {
        return Err(params.refusals);
    }
    let limit = params.count("limit").filter(|limit| *limit > 0);
    Ok(Asked {
        query: (!matches!(number, Some(Err(())))).then_some(query),
        limit: limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MOST),
        skip: params.count("skip").unwrap_or(0),
    })
}

/// The NPI asked for; an error where no provider can have it.
fn number(params: &mut Params<'_>) -> Option<Result<Npi, ()>> {
    let given = params.get("number")?;
    if given.len() != 10 || !given.bytes().all(|b| b.is_ascii_digit()) {
        params.refuse(Fault::Number, "number");
        return None;
    }
    Some(given.parse().map_err(|_: InvalidNpi| ()))
}

fn codes(params: &mut Params<'_>, catalogue: &Catalogue) -> Option<Vec<String>> {
    const FIELD: &str = "taxonomy_description";
    params.text(FIELD, SPECIAL, true)?;
    let codes = catalogue.codes_of_text(params.get(FIELD)?);
    if codes.is_empty() {
        params.refuse(Fault::UnknownTaxonomy, FIELD);
    }
    Some(codes)
}

fn person(params: &mut Params<'_>) -> Option<PersonQuery> {
    let official = params.word("name_purpose", &[("AO", true), ("PROVIDER", false)]);
    let aliases = !params
        .get("use_first_name_alias")
        .is_some_and(|v| v.eq_ignore_ascii_case("false"));
    let first = params.name("first_name", SPECIAL);
    let last = params.name("last_name", SPECIAL);
    if first.is_none() && last.is_none() {
        return None;
    }
    let first = match first {
        None => Vec::new(),
        Some(NameKey::Exact(name)) if aliases => {
            aliases::of(&name).into_iter().map(NameKey::Exact).collect()
        }
        Some(other) => vec![other],
    };
    Some(PersonQuery {
        official: official.unwrap_or(false),
        last,
        first,
    })
}

fn place(params: &mut Params<'_>) -> PlaceQuery {
    let purpose = params.word(
        "address_purpose",
        &[
            ("LOCATION", AddressPurpose::Location),
            ("MAILING", AddressPurpose::Mailing),
            ("PRIMARY", AddressPurpose::Primary),
            ("SECONDARY", AddressPurpose::Secondary),
        ],
    );
    let city = params.text("city", SPECIAL, false);
    PlaceQuery {
        purpose: purpose.unwrap_or_default(),
        city: city.map(|(city, _)| fold(city)),
        state: params.two_letters("state"),
        postal_code: postal_code(params),
        country: params.two_letters("country_code"),
    }
}

/// A postal code as it is stored: that of the United States without hyphen.
fn postal_code(params: &mut Params<'_>) -> Option<PostalKey> {
    let (code, star) = params.text("postal_code", "-", true)?;
    let digits: String = code.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let is_zip = matches!(digits.len(), 5 | 9) && digits.bytes().all(|b| b.is_ascii_digit());
    let code = if is_zip { digits } else { code.to_uppercase() };
    Some(if star {
        PostalKey::Prefix(code)
    } else {
        PostalKey::Exact(code)
    })
}

/// Refuses what is too little to search by: a state, an enumeration type, the United States.
fn enough(params: &mut Params<'_>, query: &RegistryQuery) {
    let criteria = [
        "number",
        "taxonomy_description",
        "first_name",
        "last_name",
        "organization_name",
        "city",
        "postal_code",
    ];
    if criteria.into_iter().any(|field| params.has(field)) {
        return;
    }
    let abroad = query.place.country.as_deref().is_some_and(|c| c != "US");
    if query.place.state.is_some() {
        params.refuse(Fault::StateAlone, "state");
    }
    if query.entity.is_some() && !abroad {
        params.refuse(Fault::EnumerationTypeAlone, "enumeration_type");
    }
    if !abroad && params.refusals.is_empty() {
        params.refuse(Fault::NoCriteria, "generic");
    }
}
