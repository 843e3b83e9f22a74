//! What is asked of the index.

use std::{pin::Pin, sync::Arc};

use canvass_model::{Entity, Npi, PlaceOf, Provider, ProviderFilter, StatusFilter};
use roaring::RoaringBitmap;

use super::{
    build::{ENUMERATED, UPDATED},
    read_id,
    segment::{Fit, Keep, Scan, Segment},
    terms::{
        PART, address_key, city_key, credentials, day, entity_byte, flag, kind, phone_term,
        postal_head, sex_term, term,
    },
};
use crate::{Error, Store, fold::fold, value::params};

/// A condition on providers.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// One of these terms.
    Terms(Scan),
    /// One of these terms, or a term that begins with one; they are in order.
    Among(Arc<Vec<Vec<u8>>>, Fit),
    /// A day of this column, or a later one.
    Since(u16, u16),
    /// One of these ids.
    Ids(Arc<RoaringBitmap>),
    /// The provider with this NPI.
    Number(Npi),
    /// A telephone number that at most so many providers share.
    SharedBy(u32),
    /// One of these; none when there is none.
    Any(Vec<Question>),
    /// All of these; every provider when there is none.
    All(Vec<Question>),
    /// Not this.
    Not(Box<Question>),
}

type Found<'a> = Pin<Box<dyn Future<Output = Result<Arc<RoaringBitmap>, Error>> + Send + 'a>>;

impl Question {
    /// A condition that nothing meets.
    pub(crate) fn nothing() -> Self {
        Self::Any(Vec::new())
    }

    pub(crate) fn whole(term: Vec<u8>) -> Self {
        Self::Terms(Scan::whole(term))
    }

    pub(crate) fn beginning(term: Vec<u8>) -> Self {
        Self::Terms(Scan::beginning(term))
    }

    fn flag(flag: u8, wanted: bool) -> Self {
        let is = Self::whole(vec![kind::FLAG, flag]);
        if wanted { is } else { Self::Not(Box::new(is)) }
    }

    /// The positions of a segment that meet the condition.
    pub(crate) fn put<'a>(&'a self, store: &'a Store, segment: &'a Segment) -> Found<'a> {
        Box::pin(async move {
            let cache = &store.index().cache;
            match self {
                Self::Terms(scan) => segment.scan(store, cache, scan).await,
                Self::Among(terms, fit) => segment.among(store, cache, terms, *fit).await,
                Self::Since(column, day) => segment.since(store, cache, *column, *day).await,
                Self::Number(npi) => {
                    let row = store
                        .first("SELECT id FROM providers WHERE npi = $1", params![*npi])
                        .await?;
                    let id = row.map(|row| read_id(&row, 0)).transpose()?;
                    let id = id.into_iter().collect();
                    Ok(Arc::new(segment.positions(&id)))
                }
                Self::SharedBy(most) => store.phones_shared_by(segment, *most).await,
                Self::Ids(ids) => Ok(Arc::new(segment.positions(ids))),
                Self::Any(parts) => {
                    if let [only] = parts.as_slice() {
                        return only.put(store, segment).await;
                    }
                    let mut any = RoaringBitmap::new();
                    for part in parts {
                        any |= &*part.put(store, segment).await?;
                    }
                    Ok(Arc::new(any))
                }
                Self::All(parts) => all(parts, store, segment).await,
                Self::Not(part) => {
                    let not = part.put(store, segment).await?;
                    Ok(Arc::new(every(segment) - &*not))
                }
            }
        })
    }
}

fn every(segment: &Segment) -> RoaringBitmap {
    let mut every = RoaringBitmap::new();
    every.insert_range(0..segment.len);
    every
}

/// With fewer than one in so many positions left, their days are looked up rather than all.
const LOOKED_UP: u64 = 16;

async fn all(
    parts: &[Question],
    store: &Store,
    segment: &Segment,
) -> Result<Arc<RoaringBitmap>, Error> {
    let mut yes = Vec::with_capacity(parts.len());
    let mut no = Vec::new();
    let mut days = Vec::new();
    for part in parts {
        match part {
            Question::Since(column, day) => days.push((*column, *day)),
            Question::Not(part) => no.push(part.put(store, segment).await?),
            part => {
                let found = part.put(store, segment).await?;
                if found.is_empty() {
                    return Ok(found);
                }
                yes.push(found);
            }
        }
    }
    // The smallest first: what is left is never more.
    yes.sort_by_key(|found| found.len());
    let mut left = intersection(yes).unwrap_or_else(|| Arc::new(every(segment)));
    let cache = &store.index().cache;
    for (column, day) in days {
        if left.len() * LOOKED_UP < u64::from(segment.len) {
            let among = segment.since_among(store, cache, (column, day), &left);
            left = Arc::new(among.await?);
        } else {
            let since = segment.since(store, cache, column, day).await?;
            left = Arc::new(&*left & &*since);
        }
    }
    for not in no {
        *Arc::make_mut(&mut left) -= &*not;
    }
    Ok(left)
}

fn intersection(sets: Vec<Arc<RoaringBitmap>>) -> Option<Arc<RoaringBitmap>> {
    let mut sets = sets.into_iter();
    let first = sets.next()?;
    let Some(second) = sets.next() else {
        return Some(first);
    };
    let mut left = &*first & &*second;
    for more in sets {
        left &= &*more;
    }
    Some(Arc::new(left))
}

/// The shortest word of which the beginning finds.
const PREFIX: usize = 3;

pub(super) fn word(kind: u8, word: &str) -> Question {
    if word.chars().count() >= PREFIX {
        Question::beginning(term(kind, word))
    } else {
        Question::whole(term(kind, word))
    }
}

/// What a filter asks, but for its sync and leads, which the database knows.
pub(crate) fn of_filter(filter: &ProviderFilter, of_text: fn(&str) -> Question) -> Question {
    let mut all = Vec::new();
    all.extend(filter.q.as_deref().map(of_text));
    let codes = |codes: &[String]| {
        let kind = if filter.primary_only {
            kind::PRIMARY
        } else {
            kind::TAXONOMY
        };
        one_of(kind, codes)
    };
    if !filter.specialty.is_empty() || !filter.specialty_codes.is_empty() {
        all.push(codes(&filter.specialty_codes));
    }
    if !filter.taxonomy.is_empty() || !filter.taxonomy_codes.is_empty() {
        all.push(codes(&filter.taxonomy_codes));
    }
    all.extend(place(filter));
    all.extend(filter.entity.map(entity));
    all.extend(filter.sex.map(|sex| Question::whole(sex_term(sex))));
    for (flag, wanted) in [
        (flag::PHONE, filter.has_phone),
        (flag::FAX, filter.has_fax),
        (flag::LICENSE, filter.has_license),
        (flag::SOLE, filter.sole_proprietor),
        (flag::SUBPART, filter.subpart),
        (flag::SAME_ADDRESS, filter.same_address),
    ] {
        all.extend(wanted.map(|wanted| Question::flag(flag, wanted)));
    }
    all.extend(status(filter.status));
    if !filter.licensed_in.is_empty() {
        let states = filter.licensed_in.iter();
        let states = states.map(|state| Question::whole(term(kind::LICENSE, state)));
        all.push(Question::Any(states.collect()));
    }
    if !filter.credential.is_empty() {
        // Of several in one value each is wanted: "MD, PhD".
        let each = |value: &String| {
            let parts = credentials(value).map(|part| term(kind::CREDENTIAL, &part));
            let parts: Vec<Question> = parts.map(Question::whole).collect();
            if parts.is_empty() {
                Question::nothing()
            } else {
                Question::All(parts)
            }
        };
        all.push(Question::Any(filter.credential.iter().map(each).collect()));
    }
    if let Some(title) = &filter.title {
        let folded = fold(title);
        let words = folded.split(' ').filter(|w| !w.is_empty());
        let words: Vec<Question> = words.map(|w| word(kind::TITLE, w)).collect();
        // What has no letter and no digit is nobody's title.
        all.push(if words.is_empty() {
            Question::nothing()
        } else {
            Question::All(words)
        });
    }
    all.extend(filter.zips.as_ref().map(|zips| in_zips(zips, filter.place)));
    all.extend(filter.phone_shared_by.map(Question::SharedBy));
    for (column, since, until) in [
        (ENUMERATED, filter.enumerated_since, filter.enumerated_until),
        (UPDATED, filter.updated_since, filter.updated_until),
    ] {
        all.extend(since.map(|date| Question::Since(column, day(Some(date)))));
        if let Some(until) = until {
            all.push(Question::Since(column, 1));
            let later = Question::Since(column, day(Some(until)).saturating_add(1));
            all.push(Question::Not(Box::new(later)));
        }
    }
    Question::All(all)
}

/// Who has one of some codes. Together they are kept as one set: a specialty is many codes.
pub(crate) fn one_of(kind: u8, codes: &[String]) -> Question {
    let mut terms: Vec<Vec<u8>> = codes.iter().map(|code| term(kind, code)).collect();
    terms.sort_unstable();
    terms.dedup();
    match terms.as_slice() {
        [one] => Question::whole(one.clone()),
        // None of them begins another: all have the length that the NUCC gives them.
        _ => Question::Among(Arc::new(terms), Fit::Beginning),
    }
}

pub(crate) fn entity(entity: Entity) -> Question {
    Question::whole(vec![kind::ENTITY, entity_byte(entity)])
}

pub(crate) fn status(status: StatusFilter) -> Option<Question> {
    match status {
        StatusFilter::Any => None,
        // What is not active says so, as there are few of them.
        StatusFilter::Active => {
            let other = Question::beginning(vec![kind::STATUS]);
            Some(Question::Not(Box::new(other)))
        }
        StatusFilter::Deactivated => Some(Question::whole(vec![kind::STATUS, b'd'])),
        StatusFilter::Unpublished => Some(Question::whole(vec![kind::STATUS, b'u'])),
    }
}

/// The kinds of the terms of places.
struct PlaceKinds {
    state: u8,
    city: u8,
    postal: u8,
}

fn place_kinds(of: PlaceOf) -> PlaceKinds {
    match of {
        PlaceOf::Practice => PlaceKinds {
            state: kind::STATE,
            city: kind::CITY,
            postal: kind::POSTAL,
        },
        PlaceOf::Mailing => PlaceKinds {
            state: kind::MAIL_STATE,
            city: kind::MAIL_CITY,
            postal: kind::MAIL_POSTAL,
        },
    }
}

/// Who has an address in one of some ZIP codes.
pub(crate) fn in_zips(zips: &[String], of: PlaceOf) -> Question {
    let mut begins: Vec<Vec<u8>> = zips
        .iter()
        .map(|zip| {
            let mut begins = term(place_kinds(of).postal, zip);
            begins.push(PART);
            begins
        })
        .collect();
    begins.sort_unstable();
    Question::Among(Arc::new(begins), Fit::Beginning)
}

/// Who has a practice address or a telephone number of a provider.
pub(crate) fn same_practice(p: &Provider) -> Question {
    let mut any = Vec::new();
    for address in p.practice_locations() {
        let phone = address.phone.as_ref().filter(|phone| phone.is_dialable());
        any.extend(phone.map(phone_term));
        any.extend(address_key(address).map(|key| {
            let mut term = vec![kind::ADDRESS];
            term.extend(key);
            term
        }));
    }
    Question::Any(any.into_iter().map(Question::whole).collect())
}

/// One address that is in one of the states, in one of the cities, and has the postal
/// code.
fn place(filter: &ProviderFilter) -> Option<Question> {
    let kinds = place_kinds(filter.place);
    let states = &filter.state;
    let code = filter.postal_code.as_deref().map(postal_head);
    let code = code.as_deref().unwrap_or_default();
    let any = if !filter.city.is_empty() {
        let mut any = Vec::new();
        for city in &filter.city {
            let mut begins = term(kinds.city, &city_key(city));
            begins.push(PART);
            if states.is_empty() {
                let keep = if code.is_empty() {
                    Keep::All
                } else {
                    Keep::LastPartBegins(code.into())
                };
                any.push(Question::Terms(Scan { begins, keep }));
                continue;
            }
            for state in states {
                let mut begins = begins.clone();
                begins.extend_from_slice(state.as_bytes());
                begins.push(PART);
                begins.extend_from_slice(code.as_bytes());
                any.push(Question::beginning(begins));
            }
        }
        any
    } else if !code.is_empty() {
        let begins = term(kinds.postal, code);
        if states.is_empty() {
            vec![Question::beginning(begins)]
        } else {
            let in_state = |state: &String| {
                Question::Terms(Scan {
                    begins: begins.clone(),
                    keep: Keep::LastPart(state.clone().into_bytes()),
                })
            };
            states.iter().map(in_state).collect()
        }
    } else if states.is_empty() {
        return None;
    } else {
        let in_state = |state: &String| Question::whole(term(kinds.state, state));
        states.iter().map(in_state).collect()
    };
    Some(Question::Any(any))
}
