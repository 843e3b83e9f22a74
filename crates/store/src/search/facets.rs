//! What the providers of a search are like: how many have which value; and what names begin with
//! what was typed.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use canvass_model::{Entity, Facet, Facets, PlaceOf, ProviderFilter};
use tokio::task::JoinSet;

use crate::{
    Error, Store,
    fold::fold,
    index::{self, Answer, PART, Question, Scan, kind, term},
};

/// Values of a facet that are told.
const TOLD: usize = 12;
/// Of fewer providers than these some are read to see what names they have.
const NARROW: u64 = 2_000;
/// So many of them.
const READ: usize = 100;
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

/// Begins to tell something of an answer; whoever goes away ends it.
fn beside<F: Future<Output = Result<Vec<Facet>, Error>> + Send + 'static>(
    store: &Store,
    answer: &Arc<Answer>,
    tell: impl FnOnce(Store, Arc<Answer>) -> F,
) -> impl Future<Output = Result<Vec<Facet>, Error>> {
    let mut task = JoinSet::new();
    task.spawn(tell(store.clone(), answer.clone()));
    async move {
        match task.join_next().await {
            Some(told) => told.map_err(|e| Error::Statement(Box::new(e)))?,
            None => Ok(Vec::new()),
        }
    }
}

impl Store {
    /// The most frequent values of what a search finds. A provider with several values counts for
    /// each, as it is found by each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facets(&self, filter: &ProviderFilter) -> Result<Facets, Error> {
        self.repeat(|| self.facets_once(filter)).await
    }

    async fn facets_once(&self, filter: &ProviderFilter) -> Result<Facets, Error> {
        let answer = Arc::new(self.matching(filter).await?);
        let taxonomy = if filter.primary_only {
            kind::PRIMARY
        } else {
            kind::TAXONOMY
        };
        let (state, city, _) = kinds(filter.place);
        // Each of them goes through the whole answer, so they do it beside each other.
        let specialties = beside(self, &answer, async move |store, answer| {
            store.frequent_codes(&answer, taxonomy).await
        });
        let cities = beside(self, &answer, async move |store, answer| {
            store.frequent_cities(&answer, city).await
        });
        let mut entity = Vec::new();
        for one in [Entity::Individual, Entity::Organization] {
            entity.push(Facet {
                value: one.as_str().to_owned(),
                count: answer.count_of(self, &index::entity(one)).await?,
            });
        }
        Ok(Facets {
            state: largest(answer.counts(self, state, usize::MAX).await?, TOLD),
            specialty: specialties.await?,
            city: cities.await?,
            entity: largest(entity, TOLD),
        })
    }

    /// How many of a search are in each state, the largest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts_by_state(&self, filter: &ProviderFilter) -> Result<Vec<Facet>, Error> {
        let (state, ..) = kinds(filter.place);
        let count = async || {
            let answer = self.matching(filter).await?;
            answer.counts(self, state, usize::MAX).await
        };
        Ok(largest(self.repeat(count).await?, usize::MAX))
    }

    /// How many of a search are in the ZIP codes that begin with each three digits, the largest
    /// first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts_by_zip3(&self, filter: &ProviderFilter) -> Result<Vec<Facet>, Error> {
        let (.., postal) = kinds(filter.place);
        let mut counts = self
            .repeat(async || {
                let answer = self.matching(filter).await?;
                answer.counts(self, postal, 3).await
            })
            .await?;
        counts.retain(|f| f.value.len() == 3 && f.value.bytes().all(|b| b.is_ascii_digit()));
        Ok(largest(counts, usize::MAX))
    }

    async fn frequent_codes(&self, answer: &Answer, kind: u8) -> Result<Vec<Facet>, Error> {
        let codes = answer.frequent(self, kind, TOLD).await?.into_iter();
        let facet = |(code, count): (Box<[u8]>, u64)| Facet {
            value: String::from_utf8_lossy(&code).into_owned(),
            count,
        };
        Ok(largest(codes.map(facet).collect(), TOLD))
    }

    async fn frequent_cities(&self, answer: &Answer, kind: u8) -> Result<Vec<Facet>, Error> {
        let cities = answer.frequent(self, kind, TOLD).await?.into_iter();
        let facet = |(key, count): (Box<[u8]>, u64)| {
            let text = String::from_utf8_lossy(&key).to_uppercase();
            let value = match text.split_once(char::from(PART)) {
                Some((city, state)) if !state.is_empty() => format!("{city}, {state}"),
                _ => text.trim_end_matches(char::from(PART)).to_owned(),
            };
            Facet { value, count }
        };
        Ok(largest(cities.map(facet).collect(), TOLD))
    }

    /// What a text that is being typed may become: its last word made whole, by names that there
    /// are together with its other words, the most frequent first. Folded, as all names are looked
    /// for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suggest_names(&self, typed: &str, limit: usize) -> Result<Vec<String>, Error> {
        self.repeat(|| self.suggest_once(typed, limit)).await
    }

    async fn suggest_once(&self, typed: &str, limit: usize) -> Result<Vec<String>, Error> {
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
        let begins = term(kind::NAME, last);
        let mut note = |term: &[u8], count| {
            if let Some(word) = term.get(1..) {
                *found.entry(word.to_vec()).or_default() += count;
            }
        };
        if answer.len() < NARROW {
            for held in answer.some(self, READ).await? {
                let mut words = BTreeSet::new();
                index::terms(&held.provider, |term| {
                    if term.starts_with(&begins) {
                        words.insert(term.to_vec());
                    }
                });
                for word in &words {
                    note(word, 1);
                }
            }
        } else {
            let scan = Scan::beginning(begins);
            answer.sample(self, &scan, note).await?;
        }
        let mut found: Vec<(Vec<u8>, u64)> = found.into_iter().collect();
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
