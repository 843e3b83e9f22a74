//! What the registry-compatible endpoint asks of the database: the criteria of the NPPES read API
//! 2.1, answered in the registry's order, paged by `skip`.
//!
//! The search index gives the providers that may meet a query; where it can't tell all, as whether
//! a word of a name is the last name, their records do.

mod watch;

use canvass_model::{Address, Entity, Npi, PersonName, Provider, StatusFilter};

use crate::{
    Error, Store,
    fold::{fold, sort_key},
    index::{self, Held, Keep, Order, Question, Scan, kind, postal_head, term},
};

pub use watch::ChangeWatch;

/// Providers that are looked at in one go, at first and at most.
const AT_FIRST: usize = 256;
const AT_MOST: usize = 4_096;
/// Providers that may be skipped: anybody may ask.
pub const MAX_SKIP: u64 = 200_000;
/// Providers that are looked at in vain for one page.
const MAX_MISSES: usize = 20_000;

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
        let held = self.registry_page(query, limit, skip).await?;
        Ok(held.into_iter().map(|held| held.provider).collect())
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
        let held = self.registry_page(query, limit, skip).await?;
        Ok(held.into_iter().map(|held| held.provider.npi).collect())
    }

    async fn registry_page(
        &self,
        query: &RegistryQuery,
        limit: u64,
        skip: u64,
    ) -> Result<Vec<Held>, Error> {
        self.repeat(|| self.registry_page_once(query, limit, skip))
            .await
    }

    async fn registry_page_once(
        &self,
        query: &RegistryQuery,
        limit: u64,
        skip: u64,
    ) -> Result<Vec<Held>, Error> {
        let answer = self.ask(&question(query)).await?;
        if answer.len() <= skip {
            return Ok(Vec::new());
        }
        if skip > MAX_SKIP {
            return Err(Error::TooBroad);
        }
        let state = answer.state;
        let mut misses = 0;
        let mut walk = answer.walk(Order::Name, None);
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let (limit, mut skip) = (count(limit), count(skip));
        let mut page = Vec::new();
        let mut stretch = limit.saturating_add(skip).clamp(1, AT_FIRST);
        while page.len() < limit {
            let steps = walk.next(self, stretch).await?;
            if steps.is_empty() {
                break;
            }
            for step in steps {
                if page.len() == limit {
                    break;
                }
                if query.fits(&step.held.provider) {
                    if skip > 0 {
                        skip -= 1;
                    } else {
                        page.push(step.held);
                    }
                } else {
                    misses += 1;
                }
            }
            if misses > MAX_MISSES {
                return Err(Error::TooBroad);
            }
            stretch = (stretch * 2).min(AT_MOST);
        }
        let ids: Vec<u32> = page.iter().map(|held: &Held| held.id).collect();
        if self.unchanged_since(state, &ids).await? {
            Ok(page)
        } else {
            Err(Error::IndexMoved)
        }
    }
}

/// What the index can tell of a query.
fn question(query: &RegistryQuery) -> Question {
    let mut all: Vec<Question> = index::status(StatusFilter::Active).into_iter().collect();
    all.extend(query.entity.map(index::entity));
    if let Some(codes) = &query.codes {
        all.push(index::one_of(kind::TAXONOMY, codes));
    }
    if let Some(person) = &query.person {
        let (last, first, entity) = if person.official {
            let official: &[u8] = &[kind::OFFICIAL];
            (official, kind::OFFICIAL, Entity::Organization)
        } else {
            (FILED, kind::FIRST, Entity::Individual)
        };
        all.push(index::entity(entity));
        all.extend(person.last.iter().map(|name| words_of_any(last, name)));
        if !person.first.is_empty() {
            let names = person.first.iter().map(|name| words(first, name));
            all.push(Question::Any(names.collect()));
        }
    }
    if let Some(name) = &query.organization {
        all.push(index::entity(Entity::Organization));
        all.push(words(kind::NAME, name));
        all.extend(first_word(name));
    }
    let practice = [kind::STATE, kind::CITY, kind::POSTAL];
    let mailing = [kind::MAIL_STATE, kind::MAIL_CITY, kind::MAIL_POSTAL];
    let place = &query.place;
    all.extend(match place.purpose {
        AddressPurpose::Any => match (at(place, practice), at(place, mailing)) {
            (Some(practice), Some(mailing)) => Some(Question::Any(vec![practice, mailing])),
            _ => None,
        },
        AddressPurpose::Mailing => at(place, mailing),
        AddressPurpose::Location | AddressPurpose::Primary | AddressPurpose::Secondary => {
            at(place, practice)
        }
    });
    if let Some(country) = place.country.as_deref().filter(|c| *c != "US") {
        all.push(Question::whole(term(kind::ABROAD, country)));
    }
    if let Some(npi) = query.npi {
        all.push(Question::Number(npi));
    }
    Question::All(all)
}

/// Where words by which a provider is filed stand: those of its name, and of other names.
const FILED: &[u8] = &[kind::HEAD, kind::ALIAS];

/// A name of which all words are of one of some kinds.
fn words_of_any(kinds: &[u8], name: &NameKey) -> Question {
    Question::Any(kinds.iter().map(|kind| words(*kind, name)).collect())
}

/// The first word of an organization's name.
fn first_word(name: &NameKey) -> Option<Question> {
    let (NameKey::Exact(text) | NameKey::Prefix(text)) = name;
    let folded = fold(text);
    let mut words = folded.split(' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    let open = matches!(name, NameKey::Prefix(_)) && words.next().is_none();
    let first = FILED.iter().map(|kind| {
        let term = term(*kind, first);
        if open {
            Question::beginning(term)
        } else {
            Question::whole(term)
        }
    });
    Some(Question::Any(first.collect()))
}

/// The words of a name; of one that is a beginning, the last word is one.
fn words(kind: u8, name: &NameKey) -> Question {
    let (NameKey::Exact(text) | NameKey::Prefix(text)) = name;
    let folded = fold(text);
    let mut words: Vec<Question> = Vec::new();
    let mut rest = folded.split(' ').filter(|w| !w.is_empty()).peekable();
    while let Some(word) = rest.next() {
        let term = term(kind, word);
        let open = matches!(name, NameKey::Prefix(_)) && rest.peek().is_none();
        words.push(if open {
            Question::beginning(term)
        } else {
            Question::whole(term)
        });
    }
    if words.is_empty() {
        // What has no letter and no digit is nobody's name.
        return Question::nothing();
    }
    Question::All(words)
}

/// The addresses of one kind that a place may mean.
fn at(place: &PlaceQuery, [state, city, postal]: [u8; 3]) -> Option<Question> {
    let code = match &place.postal_code {
        Some(PostalKey::Exact(code) | PostalKey::Prefix(code)) => postal_head(code),
        None => String::new(),
    };
    let in_state = place.state.as_deref();
    if let Some(name) = &place.city {
        let mut begins = term(city, &index::city_key(name));
        begins.push(index::PART);
        let keep = match in_state {
            Some(in_state) => {
                begins.extend_from_slice(in_state.as_bytes());
                begins.push(index::PART);
                begins.extend_from_slice(code.as_bytes());
                Keep::All
            }
            None => Keep::LastPartBegins(code.into_bytes()),
        };
        return Some(Question::Terms(Scan { begins, keep }));
    }
    match (code.as_str(), in_state) {
        ("", None) => None,
        ("", Some(in_state)) => Some(Question::whole(term(state, in_state))),
        (code, None) => Some(Question::beginning(term(postal, code))),
        (code, Some(in_state)) => Some(Question::Terms(Scan {
            begins: term(postal, code),
            keep: Keep::LastPart(in_state.as_bytes().to_vec()),
        })),
    }
}

impl NameKey {
    fn fits(&self, name: Option<&String>) -> bool {
        let name = sort_key(name.map_or("", String::as_str));
        match self {
            Self::Exact(wanted) => name == *wanted,
            Self::Prefix(wanted) => name.starts_with(wanted),
        }
    }
}

impl PersonQuery {
    fn fits(&self, name: &PersonName) -> bool {
        self.last
            .as_ref()
            .is_none_or(|last| last.fits(name.last.as_ref()))
            && (self.first.is_empty()
                || self
                    .first
                    .iter()
                    .any(|first| first.fits(name.first.as_ref())))
    }
}

impl PlaceQuery {
    fn fits_one(&self, address: &Address) -> bool {
        let upper = |value: &Option<String>| value.as_deref().unwrap_or_default().to_uppercase();
        let code = upper(&address.postal_code);
        let code_fits = match &self.postal_code {
            None => true,
            Some(PostalKey::Exact(wanted)) => {
                code == *wanted
                    || is_zip5(wanted) && code.len() == 9 && code.starts_with(wanted.as_str())
            }
            Some(PostalKey::Prefix(wanted)) => code.starts_with(wanted.as_str()),
        };
        code_fits
            && self
                .state
                .as_ref()
                .is_none_or(|s| *s == upper(&address.state))
            && self
                .country
                .as_ref()
                .is_none_or(|c| Some(c) == address.country.as_ref())
            && self
                .city
                .as_ref()
                .is_none_or(|c| *c == fold(address.city.as_deref().unwrap_or_default()))
    }

    fn fits(&self, p: &Provider) -> bool {
        if self.is_empty() {
            return true;
        }
        let primary = || p.practice.iter().any(|a| self.fits_one(a));
        let secondary = || p.secondary.iter().any(|a| self.fits_one(a));
        let mailing = || p.mailing.iter().any(|a| self.fits_one(a));
        match self.purpose {
            AddressPurpose::Any => primary() || secondary() || mailing(),
            AddressPurpose::Location => primary() || secondary(),
            AddressPurpose::Mailing => mailing(),
            AddressPurpose::Primary => primary(),
            AddressPurpose::Secondary => secondary(),
        }
    }
}

impl RegistryQuery {
    /// Whether a provider in service meets all that the index can't tell.
    fn fits(&self, p: &Provider) -> bool {
        let person = self.person.as_ref().is_none_or(|person| {
            if person.official {
                p.official.as_ref().is_some_and(|o| person.fits(&o.name))
            } else {
                let others = p.other_names.iter().map(|o| &o.person);
                std::iter::once(&p.name)
                    .chain(others)
                    .any(|name| !name.is_empty() && person.fits(name))
            }
        });
        let organization = self.organization.as_ref().is_none_or(|name| {
            let others = p.other_names.iter().filter_map(|o| o.organization.as_ref());
            p.organization_name
                .iter()
                .chain(others)
                .any(|its| name.fits(Some(its)))
        });
        person && organization && self.place.fits(p)
    }
}

fn is_zip5(code: &str) -> bool {
    code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit())
}
