//! What the providers of a search are like: how many have which value; and what names begin with
//! what was typed.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use canvass_model::{Entity, Facet, Facets, PlaceOf, ProviderFilter};

use crate::{
    Error, Store,
    fold::fold,
    index::{self, Answer, PART, Question, Scan, kind, term},
};

/// Values of a facet that are told.
const TOLD: usize = 12;
/// Values of which it is counted exactly how many there are, to find the largest.
const LOOKED_AT: usize = 24;
/// The shortest beginning of a name that is completed.
const TYPED: usize = 2;

/// The largest first, and among equals in the order of their values.
fn largest(mut facets: Vec<Facet>, count: usize) -> Vec<Facet> {
    facets.retain(|facet| facet.count > 0);
    facets.sort_by(|a, b| (Reverse(a.count), &a.value).cmp(&(Reverse(b.count), &b.value)));
    facets.truncate(count);
    facets
}

/// The kinds of the terms of states, cities and postal codes.
fn kinds(of: PlaceOf) -> (u8, u8, u8) {
    match of {
        PlaceOf::Practice => (kind::STATE, kind::CITY, kind::POSTAL),
        PlaceOf::Mailing => (kind::MAIL_STATE, kind::MAIL_CITY, kind::MAIL_POSTAL),
    }
}

impl Store {
    /// The most frequent values of what a search finds. A provider with several values counts for
    /// each, as it is found by each.
    ///
    /// Of more than a million providers the values are looked for among a sample; their counts are
    /// exact always.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facets(&self, filter: &ProviderFilter) -> Result<Facets, Error> {
        let answer = self.matching(filter).await?;
        let taxonomy = if filter.primary_only {
            kind::PRIMARY
        } else {
            kind::TAXONOMY
        };
        let (state, city, _) = kinds(filter.place);
        let mut entity = Vec::new();
        for one in [Entity::Individual, Entity::Organization] {
            entity.push(Facet {
                value: one.as_str().to_owned(),
                count: answer.count_of(self, &index::entity(one)).await?,
            });
        }
        Ok(Facets {
            specialty: self.frequent_codes(&answer, taxonomy).await?,
            state: largest(answer.counts(self, state, usize::MAX).await?, TOLD),
            city: self.frequent_cities(&answer, city).await?,
            entity: largest(entity, TOLD),
        })
    }

    /// How many of a search are in each state, the largest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts_by_state(&self, filter: &ProviderFilter) -> Result<Vec<Facet>, Error> {
        let (state, ..) = kinds(filter.place);
        let answer = self.matching(filter).await?;
        Ok(largest(
            answer.counts(self, state, usize::MAX).await?,
            usize::MAX,
        ))
    }

    /// How many of a search are in the ZIP codes that begin with each three digits, the largest
    /// first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts_by_zip3(&self, filter: &ProviderFilter) -> Result<Vec<Facet>, Error> {
        let (.., postal) = kinds(filter.place);
        let answer = self.matching(filter).await?;
        let mut counts = answer.counts(self, postal, 3).await?;
        counts.retain(|f| f.value.len() == 3 && f.value.bytes().all(|b| b.is_ascii_digit()));
        Ok(largest(counts, usize::MAX))
    }

    async fn frequent_codes(&self, answer: &Answer, kind: u8) -> Result<Vec<Facet>, Error> {
        let mut codes = Vec::with_capacity(LOOKED_AT);
        for code in answer.frequent(self, kind, LOOKED_AT).await? {
            let value = String::from_utf8_lossy(&code).into_owned();
            let having = Question::whole(term(kind, &value));
            let count = answer.count_of(self, &having).await?;
            codes.push(Facet { value, count });
        }
        Ok(largest(codes, TOLD))
    }

    async fn frequent_cities(&self, answer: &Answer, kind: u8) -> Result<Vec<Facet>, Error> {
        let mut cities = Vec::with_capacity(LOOKED_AT);
        for key in answer.frequent(self, kind, LOOKED_AT).await? {
            let text = String::from_utf8_lossy(&key).into_owned();
            let mut begins = term(kind, &text);
            begins.push(PART);
            let count = answer.count_of(self, &Question::beginning(begins)).await?;
            let value = match text.split_once(char::from(PART)) {
                Some((city, state)) if !state.is_empty() => {
                    format!("{}, {state}", city.to_uppercase())
                }
                _ => text.trim_end_matches(char::from(PART)).to_uppercase(),
            };
            cities.push(Facet { value, count });
        }
        Ok(largest(cities, TOLD))
    }

    /// What a text that is being typed may become: its last word made whole, by names that there
    /// are together with its other words, the most frequent first. Folded, as all names are looked
    /// for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suggest_names(&self, typed: &str, limit: usize) -> Result<Vec<String>, Error> {
        let folded = fold(typed);
        let (before, last) = match folded.rsplit_once(' ') {
            Some((before, last)) => (Some(before), last),
            None => (None, folded.as_str()),
        };
        if last.chars().count() < TYPED {
            return Ok(Vec::new());
        }
        let among = before.map_or_else(|| Question::All(Vec::new()), index::text);
        let answer = self.ask(&among).await?;
        let mut found: HashMap<Vec<u8>, u64> = HashMap::new();
        let scan = Scan::beginning(term(kind::NAME, last));
        answer
            .sample(self, &scan, |term, count| {
                if let Some(word) = term.get(1..) {
                    *found.entry(word.to_vec()).or_default() += count;
                }
            })
            .await?;
        let mut found: Vec<(Vec<u8>, u64)> = found.into_iter().filter(|(_, n)| *n > 0).collect();
        found.sort_unstable_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        let whole = found.into_iter().take(limit).map(|(word, _)| {
            let word = String::from_utf8_lossy(&word).into_owned();
            match before {
                Some(before) => format!("{before} {word}"),
                None => word,
            }
        });
        Ok(whole.collect())
    }
}

impl Answer {
    /// How many of it meet a condition.
    async fn count_of(&self, store: &Store, question: &Question) -> Result<u64, Error> {
        let mut count = 0;
        for (segment, found) in self.portions() {
            let meet = question.put(store, segment).await?;
            count += found.intersection_len(&meet);
        }
        Ok(count)
    }

    /// How many of it have the terms of a kind that begin with the same so many bytes.
    async fn counts(&self, store: &Store, kind: u8, bytes: usize) -> Result<Vec<Facet>, Error> {
        let mut counts: HashMap<Arc<str>, u64> = HashMap::new();
        for (segment, found) in self.portions() {
            let groups = segment.groups(store, kind, bytes).await?;
            for (value, having) in groups.iter() {
                *counts.entry(value.clone()).or_default() += found.intersection_len(having);
            }
        }
        let facet = |(value, count): (Arc<str>, u64)| Facet {
            value: value.to_string(),
            count,
        };
        Ok(counts.into_iter().map(facet).collect())
    }
}
