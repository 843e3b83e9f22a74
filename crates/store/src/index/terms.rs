//! What the search knows of a provider: its terms and its places in the orders.
//!
//! A term is one byte that says of what kind it is, and a text. A provider is found by a term or
//! by the beginning of one; everything that a filter can ask for is a term here.

use canvass_model::{
    Address, Cursor, Entity, Npi, PersonName, Phone, Provider, ProviderSort, RecordStatus, Sex,
    usual_city,
};
use jiff::civil::{Date, date};

use crate::fold::{fold, sort_key};

/// The version of the terms, to be raised by a migration whenever what [`terms`] gives of a provider
/// changes: segments of an earlier one are then built anew.
pub(crate) const TERMS: i64 = 2;

/// The orders that a segment knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Name,
    City,
    Enumerated,
    Updated,
}

impl Order {
    pub(crate) const ALL: [Self; 4] = [Self::Name, Self::City, Self::Enumerated, Self::Updated];

    /// Its number among the blobs.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Name => 0,
            Self::City => 1,
            Self::Enumerated => 2,
            Self::Updated => 3,
        }
    }
}

impl From<ProviderSort> for Order {
    /// What is sorted by relevance or distance is by name among equals.
    fn from(sort: ProviderSort) -> Self {
        match sort {
            ProviderSort::Name | ProviderSort::Relevance | ProviderSort::Distance => Self::Name,
            ProviderSort::City => Self::City,
            ProviderSort::Enumerated => Self::Enumerated,
            ProviderSort::Updated => Self::Updated,
        }
    }
}

/// Parts a term of several values.
pub(crate) const PART: u8 = 1;

/// The kinds of terms, by the byte they begin with.
pub(crate) mod kind {
    /// A word of any of the provider's names.
    pub(crate) const NAME: u8 = b'W';
    /// A word of the name by which the provider is filed: of a person's last name, or the first of
    /// an organization's.
    pub(crate) const HEAD: u8 = b'H';
    /// As [`HEAD`], of another name.
    pub(crate) const ALIAS: u8 = b'M';
    /// A word of a person's first name, or of that in another name.
    pub(crate) const FIRST: u8 = b'F';
    /// A word of the authorized official's name.
    pub(crate) const OFFICIAL: u8 = b'O';
    /// A word of the authorized official's title.
    pub(crate) const TITLE: u8 = b'T';
    /// A NUCC code.
    pub(crate) const TAXONOMY: u8 = b'X';
    /// The NUCC code of the primary taxonomy.
    pub(crate) const PRIMARY: u8 = b'P';
    /// State of a practice location.
    pub(crate) const STATE: u8 = b'S';
    /// City, state and first five characters of the postal code of a practice location.
    pub(crate) const CITY: u8 = b'C';
    /// The first five characters of the postal code and the state of a practice location.
    pub(crate) const POSTAL: u8 = b'Z';
    /// As [`STATE`], [`CITY`] and [`POSTAL`], of the mailing address.
    pub(crate) const MAIL_STATE: u8 = b's';
    pub(crate) const MAIL_CITY: u8 = b'c';
    pub(crate) const MAIL_POSTAL: u8 = b'z';
    /// Country of an address outside the United States.
    pub(crate) const ABROAD: u8 = b'N';
    /// Person or organization.
    pub(crate) const ENTITY: u8 = b'E';
    /// Sex of a person.
    pub(crate) const SEX: u8 = b'G';
    /// A state of the record other than active.
    pub(crate) const STATUS: u8 = b'A';
    /// Credential, each of its parts folded.
    pub(crate) const CREDENTIAL: u8 = b'D';
    /// State of a licence.
    pub(crate) const LICENSE: u8 = b'L';
    /// Digits of a practice location's telephone number that can be dialed, or where there is none,
    /// of the authorized official's.
    pub(crate) const PHONE: u8 = b'B';
    /// Digits of any other number that a record has: of the official, of the mailing address, of a
    /// fax, or one that can't be dialed.
    pub(crate) const OTHER_PHONE: u8 = b'b';
    /// Two or three neighboring words of a person's name, written together.
    pub(crate) const TOGETHER: u8 = b'j';
    /// What stands behind a person's name: `JR`.
    pub(crate) const GENERATION: u8 = b'J';
    /// Street and ZIP code of a practice location, as [`super::address_key`] makes them short.
    pub(crate) const ADDRESS: u8 = b'K';
    /// Something that is so or not: see [`super::flag`].
    pub(crate) const FLAG: u8 = b'Y';
}

/// What a [`kind::FLAG`] says.
pub(crate) mod flag {
    /// There is a telephone number to ring.
    pub(crate) const PHONE: u8 = b'p';
    /// A practice location has a fax number.
    pub(crate) const FAX: u8 = b'f';
    /// A taxonomy has a licence.
    pub(crate) const LICENSE: u8 = b'l';
    /// A sole proprietor.
    pub(crate) const SOLE: u8 = b's';
    /// An organization that is a subpart.
    pub(crate) const SUBPART: u8 = b'u';
    /// The primary practice location is the mailing address.
    pub(crate) const SAME_ADDRESS: u8 = b'a';
}

pub(crate) fn entity_byte(entity: Entity) -> u8 {
    match entity {
        Entity::Individual => b'1',
        Entity::Organization => b'2',
    }
}

pub(crate) fn status_byte(status: RecordStatus) -> u8 {
    match status {
        RecordStatus::Active => b'a',
        RecordStatus::Deactivated => b'd',
        RecordStatus::Unpublished => b'u',
    }
}

/// Whether a term is a postal code.
pub(crate) fn of_postal_code(term: &[u8]) -> bool {
    matches!(term.first(), Some(&(kind::POSTAL | kind::MAIL_POSTAL)))
}

/// The part of a postal code that terms have.
pub(crate) fn postal_head(code: &str) -> String {
    let code = code.chars().filter(|c| !matches!(c, ' ' | '-'));
    code.take(5).flat_map(char::to_uppercase).collect()
}

/// A city as terms have it: each of its spellings is the same.
pub(crate) fn city_key(name: &str) -> String {
    usual_city(&fold(name))
}

/// Five bytes that stand for the folded street lines of an address and its ZIP code. Two others of
/// ten million addresses are the same with a chance of one in a hundred thousand.
pub(crate) fn address_key(a: &Address) -> Option<[u8; 5]> {
    let mut street = fold(a.line_1.as_deref()?);
    if let Some(more) = &a.line_2 {
        street.push(' ');
        street.push_str(&fold(more));
    }
    let street = street.trim();
    let code = postal_head(a.postal_code.as_deref().unwrap_or_default());
    if street.is_empty() || code.is_empty() {
        return None;
    }
    let hash = blake3::hash(format!("{street}\n{code}").as_bytes());
    hash.as_bytes().first_chunk().copied()
}

/// Four bytes that stand for a word in the vocabulary of a segment.
pub(crate) fn word_key(word: &[u8]) -> u32 {
    let hash = blake3::hash(word);
    hash.as_bytes()
        .first_chunk()
        .map_or(0, |four| u32::from_le_bytes(*four))
}

/// The parts of a text of credentials, each folded: `M.D., Ph.D.`, `MD;PHD`, `MD-PHD` and `M D, PH D`
/// are `md` and `phd`.
pub(crate) fn credentials(text: &str) -> impl Iterator<Item = String> {
    let mut parts: Vec<String> = Vec::new();
    // Whether the last part is of single letters, or begins a degree that ends in one.
    let mut is_open = false;
    for part in text.split([',', ';', '/', '-', '&', '+', '(', ')', ' ']) {
        let part = fold(part);
        if part.is_empty() {
            continue;
        }
        let is_letter = part.chars().count() == 1;
        match parts.last_mut() {
            Some(last) if is_open && is_letter => last.push_str(&part),
            _ => parts.push(part.clone()),
        }
        is_open = is_letter || BEFORE_D.contains(&part.as_str());
    }
    parts.into_iter()
}

/// What a `d` for doctor is written apart from.
const BEFORE_D: &[&str] = &["ph", "psy", "pharm", "ed", "au", "sc"];

/// Gives each term of a provider, some more than once.
pub(crate) fn terms(p: &Provider, mut give: impl FnMut(&[u8])) {
    let mut term = Vec::with_capacity(64);
    let mut one = |kind: u8, parts: &[&[u8]]| {
        term.clear();
        term.push(kind);
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                term.push(PART);
            }
            term.extend_from_slice(part);
        }
        give(&term);
    };
    person(kind::NAME, &p.name, &mut one);
    for other in &p.other_names {
        person(kind::NAME, &other.person, &mut one);
    }
    if let Some(official) = &p.official {
        person(kind::OFFICIAL, &official.name, &mut one);
    }
    words(kind::HEAD, p.name.last.as_ref(), &mut one);
    words(kind::FIRST, p.name.first.as_ref(), &mut one);
    words(kind::NAME, p.organization_name.as_ref(), &mut one);
    first_word(kind::HEAD, p.organization_name.as_ref(), &mut one);
    for other in &p.other_names {
        words(kind::ALIAS, other.person.last.as_ref(), &mut one);
        words(kind::FIRST, other.person.first.as_ref(), &mut one);
        first_word(kind::ALIAS, other.organization.as_ref(), &mut one);
    }
    for other in &p.other_names {
        words(kind::NAME, other.organization.as_ref(), &mut one);
    }
    if let Some(official) = &p.official {
        words(kind::TITLE, official.title.as_ref(), &mut one);
    }
    let mut licensed = false;
    for t in &p.taxonomies {
        one(kind::TAXONOMY, &[t.code.as_bytes()]);
        if t.primary {
            one(kind::PRIMARY, &[t.code.as_bytes()]);
        }
        if t.license.is_some() {
            licensed = true;
            if let Some(state) = &t.state {
                one(kind::LICENSE, &[state.as_bytes()]);
            }
        }
    }
    let mut fax = false;
    for address in p.practice_locations() {
        place([kind::STATE, kind::CITY, kind::POSTAL], address, &mut one);
        fax |= address.fax.is_some();
        phones(address.phone.as_ref(), kind::PHONE, &mut one);
        phones(address.fax.as_ref(), kind::OTHER_PHONE, &mut one);
        if let Some(key) = address_key(address) {
            one(kind::ADDRESS, &[&key]);
        }
    }
    if let Some(official) = p.official.as_ref().and_then(|o| o.phone.as_ref()) {
        let is_shown = p.phone() == Some(official);
        let kind = if is_shown {
            kind::PHONE
        } else {
            kind::OTHER_PHONE
        };
        phones(Some(official), kind, &mut one);
    }
    if let Some(address) = &p.mailing {
        phones(address.phone.as_ref(), kind::OTHER_PHONE, &mut one);
        phones(address.fax.as_ref(), kind::OTHER_PHONE, &mut one);
        place(
            [kind::MAIL_STATE, kind::MAIL_CITY, kind::MAIL_POSTAL],
            address,
            &mut one,
        );
    }
    if let Some(entity) = p.entity {
        one(kind::ENTITY, &[&[entity_byte(entity)]]);
    }
    if let Some(sex) = p.sex {
        one(kind::SEX, &[sex.as_str().as_bytes()]);
    }
    if p.status != RecordStatus::Active {
        one(kind::STATUS, &[&[status_byte(p.status)]]);
    }
    for credential in p.name.credential.iter().flat_map(|c| credentials(c)) {
        one(kind::CREDENTIAL, &[credential.as_bytes()]);
    }
    let same = match (&p.practice, &p.mailing) {
        (Some(a), Some(b)) => (&a.line_1, &a.city, &a.state) == (&b.line_1, &b.city, &b.state),
        _ => false,
    };
    for (is, flag) in [
        (p.phone().is_some(), flag::PHONE),
        (fax, flag::FAX),
        (licensed, flag::LICENSE),
        (p.sole_proprietor == Some(true), flag::SOLE),
        (p.subpart == Some(true), flag::SUBPART),
        (same, flag::SAME_ADDRESS),
    ] {
        if is {
            one(kind::FLAG, &[&[flag]]);
        }
    }
}

type Give<'a> = &'a mut dyn FnMut(u8, &[&[u8]]);

fn words(kind: u8, text: Option<&String>, one: Give<'_>) {
    let Some(text) = text else { return };
    for word in fold(text).split(' ').filter(|w| !w.is_empty()) {
        one(kind, &[word.as_bytes()]);
    }
}

fn first_word(kind: u8, text: Option<&String>, one: Give<'_>) {
    let folded = text.map(|text| fold(text)).unwrap_or_default();
    if let Some(first) = folded.split(' ').find(|word| !word.is_empty()) {
        one(kind, &[first.as_bytes()]);
    }
}

fn person(kind: u8, name: &PersonName, one: Give<'_>) {
    words(kind, name.first.as_ref(), one);
    words(kind, name.middle.as_ref(), one);
    words(kind, name.last.as_ref(), one);
    if kind == kind::NAME {
        together(name.first.as_ref(), one);
        together(name.last.as_ref(), one);
        words(kind::GENERATION, name.suffix.as_ref(), one);
    }
}

/// Each two and three neighboring words of a name as one.
fn together(text: Option<&String>, one: Give<'_>) {
    let folded = text.map(|text| fold(text)).unwrap_or_default();
    let words: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty()).collect();
    for n in [2, 3] {
        for neighbors in words.windows(n) {
            one(kind::TOGETHER, &[neighbors.concat().as_bytes()]);
        }
    }
}

/// A number, and the second one that may stand in its field.
fn phones(phone: Option<&Phone>, of: u8, one: Give<'_>) {
    let Some(phone) = phone else { return };
    for phone in [Some(phone), phone.second().as_ref()].into_iter().flatten() {
        let kind = if phone.is_dialable() {
            of
        } else {
            kind::OTHER_PHONE
        };
        one(kind, &[phone.digits().as_bytes()]);
    }
}

fn place([state, city, postal]: [u8; 3], a: &Address, one: Give<'_>) {
    let in_state = a.state.as_deref().unwrap_or_default().to_uppercase();
    let code = postal_head(a.postal_code.as_deref().unwrap_or_default());
    if !in_state.is_empty() {
        one(state, &[in_state.as_bytes()]);
    }
    if let Some(name) = &a.city {
        one(
            city,
            &[
                city_key(name).as_bytes(),
                in_state.as_bytes(),
                code.as_bytes(),
            ],
        );
    }
    if !code.is_empty() {
        one(postal, &[code.as_bytes(), in_state.as_bytes()]);
    }
    if let Some(country) = a.country.as_deref().filter(|c| *c != "US") {
        one(kind::ABROAD, &[country.as_bytes()]);
    }
}

/// Days since 1970, of which 0 is none: what the index keeps of a date. What is earlier or later
/// than it can count is the first or the last that it can.
pub(crate) fn day(date: Option<Date>) -> u16 {
    let Some(date) = date else {
        return 0;
    };
    let days = (date - EPOCH).get_days().clamp(1, i32::from(MAX_DAY));
    u16::try_from(days).unwrap_or(MAX_DAY)
}

/// The last day that the index can tell, in June 2149. One more is the day after all.
const MAX_DAY: u16 = u16::MAX - 1;

const EPOCH: Date = date(1970, 1, 1);

fn date_of(day: u16) -> String {
    if day == 0 {
        return String::new();
    }
    EPOCH
        .checked_add(jiff::Span::new().days(i64::from(day)))
        .map(|d| d.to_string())
        .unwrap_or_default()
}

/// Where a provider stands in an order: what compares less comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    pub(crate) key: Vec<u8>,
    pub(crate) tie: u32,
}

/// After every name: the last character there is.
const NAMELESS: &str = "\u{10ffff}";

/// A text as it is sorted. Who has none comes last: of every twenty-five rows of the files one says
/// no more than that an NPI is out of service.
fn in_order(text: &str) -> Vec<u8> {
    let key = sort_key(text);
    let key = if key.is_empty() {
        NAMELESS.to_owned()
    } else {
        key
    };
    key.into_bytes()
}

fn number(npi: Npi) -> u32 {
    u32::try_from(npi.as_i64()).unwrap_or(u32::MAX)
}

impl Standing {
    pub(crate) fn of(p: &Provider, sort: Order) -> Self {
        let newest = |date| Self {
            key: (!day(date)).to_be_bytes().to_vec(),
            tie: !number(p.npi),
        };
        match sort {
            Order::Name => Self {
                key: in_order(&p.registry_sort_name()),
                tie: number(p.npi),
            },
            Order::City => Self {
                key: in_order(
                    p.practice
                        .as_ref()
                        .and_then(|a| a.city.as_deref())
                        .unwrap_or_default(),
                ),
                tie: number(p.npi),
            },
            Order::Enumerated => newest(p.enumerated_on),
            Order::Updated => newest(p.updated_on),
        }
    }

    /// Whose it is.
    pub(crate) fn npi(&self, sort: Order) -> i64 {
        match sort {
            Order::Name | Order::City => self.tie.into(),
            Order::Enumerated | Order::Updated => (!self.tie).into(),
        }
    }

    /// The place that a cursor names; none where it belongs to another order.
    pub(crate) fn of_cursor(cursor: &Cursor, sort: Order) -> Option<Self> {
        match sort {
            Order::Name | Order::City => Some(Self {
                key: cursor.key.clone().into_bytes(),
                tie: number(cursor.npi),
            }),
            Order::Enumerated | Order::Updated => {
                let date = match cursor.key.as_str() {
                    "" => None,
                    text => Some(text.parse().ok()?),
                };
                Some(Self {
                    key: (!day(date)).to_be_bytes().to_vec(),
                    tie: !number(cursor.npi),
                })
            }
        }
    }

    pub(crate) fn cursor(&self, npi: Npi, sort: Order) -> Cursor {
        let key = match (sort, self.key.as_slice()) {
            (Order::Enumerated | Order::Updated, &[high, low]) => {
                date_of(!u16::from_be_bytes([high, low]))
            }
            _ => String::from_utf8_lossy(&self.key).into_owned(),
        };
        Cursor { key, npi }
    }
}

/// The term of an exact sex, telephone number or the like.
pub(crate) fn term(kind: u8, text: &str) -> Vec<u8> {
    let mut term = Vec::with_capacity(text.len() + 1);
    term.push(kind);
    term.extend_from_slice(text.as_bytes());
    term
}

pub(crate) fn sex_term(sex: Sex) -> Vec<u8> {
    term(kind::SEX, sex.as_str())
}

pub(crate) fn phone_term(phone: &Phone) -> Vec<u8> {
    term(kind::PHONE, phone.digits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_again() {
        for d in [date(2005, 5, 23), date(2026, 11, 24), date(1970, 1, 2)] {
            assert_eq!(date_of(day(Some(d))), d.to_string());
        }
        assert_eq!(date_of(day(None)), "");
    }

    #[test]
    fn a_day_before_the_first_or_after_the_last_is_that_one() {
        for early in [Date::MIN, date(1900, 1, 1), EPOCH, date(1970, 1, 2)] {
            assert_eq!(day(Some(early)), 1);
        }
        for late in [date(2149, 6, 5), date(2150, 1, 1), date(9999, 12, 31)] {
            assert_eq!(day(Some(late)), MAX_DAY);
        }
    }
}
