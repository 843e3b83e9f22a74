//! The one path that writes providers, and what is read of a single one.

use std::collections::{BTreeSet, HashMap};

use canvass_model::{Change, ChangeKind, Npi, Provider, changes_between};
use jiff::Timestamp;

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx},
    fold::{fold, sort_key},
    value::{Value, json, params},
};

/// What a provider that was written was to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Not known before.
    Created,
    /// Known, with another record.
    Updated,
    /// Known, with this very record; nothing was written.
    Unchanged,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How many providers a write met, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// Not known before.
    pub created: u64,
    /// Known, with another record.
    pub updated: u64,
    /// Known, with this very record.
    pub unchanged: u64,
}

/// A provider with what the database knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProvider {
    /// The record.
    pub provider: Provider,
    /// When canvass first saw it.
    pub first_seen_at: Timestamp,
    /// When its record last changed here.
    pub changed_at: Timestamp,
}

/// Key of the advisory lock under which one transaction at a time writes providers.
const WRITERS: i64 = 0x6e70_6900;

impl Store {
    /// Writes providers in one transaction; of several with one NPI the last counts.
    ///
    /// # Errors
    /// When the database fails; then nothing was written.
    pub async fn write_providers(
        &self,
        providers: &[Provider],
        now: Timestamp,
    ) -> Result<WriteSummary, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let outcomes = write(&mut tx, providers, now).await?;
        tx.commit().await?;
        let count = |wanted| outcomes.iter().filter(|(_, o)| *o == wanted).count() as u64;
        Ok(WriteSummary {
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
        })
    }

    /// One provider, whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provider(&self, npi: Npi) -> Result<Option<StoredProvider>, Error> {
        let row = self
            .first(
                "SELECT record, first_seen_at, changed_at FROM provider_records WHERE npi = $1",
                params![npi],
            )
            .await?;
        row.map(|row| {
            Ok(StoredProvider {
                provider: row.json(0)?,
                first_seen_at: row.time(1)?,
                changed_at: row.time(2)?,
            })
        })
        .transpose()
    }

    /// The latest changes of a provider, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes(&self, npi: Npi, limit: u32) -> Result<Vec<Change>, Error> {
        let rows = self
            .query(
                "SELECT npi, at, kind, field, before, after FROM changes
                 WHERE npi = $1 ORDER BY at DESC, field LIMIT $2",
                params![npi, limit],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Change {
                    npi: row.npi(0)?,
                    at: row.time(1)?,
                    kind: row.word(2, ChangeKind::parse)?,
                    field: row.text(3)?,
                    before: row.text_opt(4)?,
                    after: row.text_opt(5)?,
                })
            })
            .collect()
    }
}

/// Writes providers within a transaction and says what each was, once per NPI.
pub(crate) async fn write(
    tx: &mut Tx,
    providers: &[Provider],
    now: Timestamp,
) -> Result<Vec<(Npi, Outcome)>, Error> {
    let mut last: HashMap<Npi, usize> = HashMap::with_capacity(providers.len());
    last.extend(providers.iter().enumerate().map(|(i, p)| (p.npi, i)));
    // In the order of the keys, so that the tables are written from front to back.
    let mut unique: Vec<&Provider> = providers
        .iter()
        .enumerate()
        .filter(|(i, p)| last.get(&p.npi) == Some(i))
        .map(|(_, p)| p)
        .collect();
    unique.sort_by_key(|p| p.npi);
    if tx.engine() == Engine::Postgres {
        // Two writers of one NPI would each believe that it was they who created it.
        tx.query("SELECT pg_advisory_xact_lock($1)", params![WRITERS])
            .await?;
    }
    let mut outcomes = Vec::with_capacity(unique.len());
    for batch in unique.chunks(1_000) {
        write_batch(tx, batch, now, &mut outcomes).await?;
    }
    Ok(outcomes)
}

struct New<'a> {
    provider: &'a Provider,
    record: String,
    hash: Vec<u8>,
}

async fn write_batch(
    tx: &mut Tx,
    batch: &[&Provider],
    now: Timestamp,
    outcomes: &mut Vec<(Npi, Outcome)>,
) -> Result<(), Error> {
    let hashes = known_hashes(tx, batch).await?;
    let mut created = Vec::new();
    let mut updated = Vec::new();
    for &provider in batch {
        let record = json(provider)?;
        let hash = blake3::hash(record.as_bytes()).as_bytes()[..16].to_vec();
        let new = New {
            provider,
            record,
            hash,
        };
        let outcome = match hashes.get(&provider.npi) {
            None => {
                created.push(new);
                Outcome::Created
            }
            Some(known) if *known == new.hash => Outcome::Unchanged,
            Some(_) => {
                updated.push(new);
                Outcome::Updated
            }
        };
        outcomes.push((provider.npi, outcome));
    }
    record_changes(tx, &updated, now).await?;
    for table in [
        "provider_taxonomies",
        "provider_addresses",
        "provider_names",
    ] {
        for group in updated.chunks(256) {
            let (list, params) = npi_list(group.iter().map(|n| n.provider.npi));
            tx.execute(format!("DELETE FROM {table} WHERE npi IN ({list})"), params)
                .await?;
        }
    }
    let all: Vec<&New<'_>> = created.iter().chain(&updated).collect();
    insert_rows(tx, &all, now).await
}

fn npi_list(npis: impl Iterator<Item = Npi>) -> (String, Vec<Value>) {
    let params: Vec<Value> = npis.map(Value::from).collect();
    let places: Vec<String> = (1..=params.len()).map(|i| format!("${i}")).collect();
    (places.join(","), params)
}

async fn known_hashes(tx: &mut Tx, batch: &[&Provider]) -> Result<HashMap<Npi, Vec<u8>>, Error> {
    let mut known = HashMap::new();
    for group in batch.chunks(256) {
        let (list, params) = npi_list(group.iter().map(|p| p.npi));
        let sql = format!("SELECT npi, hash FROM provider_records WHERE npi IN ({list})");
        for row in tx.query(crate::Sql::kept(sql), params).await? {
            known.insert(row.npi(0)?, row.bytes(1)?);
        }
    }
    Ok(known)
}

async fn record_changes(tx: &mut Tx, updated: &[New<'_>], now: Timestamp) -> Result<(), Error> {
    let mut rows = Vec::new();
    for group in updated.chunks(256) {
        let (list, params) = npi_list(group.iter().map(|n| n.provider.npi));
        let sql = format!("SELECT npi, record FROM provider_records WHERE npi IN ({list})");
        let mut before: HashMap<Npi, Provider> = HashMap::new();
        for row in tx.query(sql, params).await? {
            before.insert(row.npi(0)?, row.json(1)?);
        }
        for new in group {
            let Some(before) = before.get(&new.provider.npi) else {
                continue;
            };
            for c in changes_between(before, new.provider, now) {
                rows.push(params![
                    c.npi,
                    c.at,
                    c.kind.as_str(),
                    c.field,
                    c.before,
                    c.after
                ]);
            }
        }
    }
    tx.insert(
        "INSERT INTO changes (npi, at, kind, field, before, after)",
        "ON CONFLICT (npi, at, field) DO NOTHING",
        rows,
    )
    .await?;
    Ok(())
}

async fn insert_rows(tx: &mut Tx, all: &[&New<'_>], now: Timestamp) -> Result<(), Error> {
    tx.insert(
        "INSERT INTO providers (npi, entity, status, name, sort_name, search_text, credential, sex,
         taxonomy, city, sort_city, state, postal_code, phone, enumerated_on, updated_on)",
        "ON CONFLICT (npi) DO UPDATE SET entity = excluded.entity, status = excluded.status,
         name = excluded.name, sort_name = excluded.sort_name, search_text = excluded.search_text,
         credential = excluded.credential, sex = excluded.sex, taxonomy = excluded.taxonomy,
         city = excluded.city, sort_city = excluded.sort_city, state = excluded.state,
         postal_code = excluded.postal_code, phone = excluded.phone,
         enumerated_on = excluded.enumerated_on, updated_on = excluded.updated_on",
        all.iter().map(|n| summary_row(n.provider)).collect(),
    )
    .await?;
    tx.insert(
        "INSERT INTO provider_records (npi, hash, record, first_seen_at, changed_at)",
        "ON CONFLICT (npi) DO UPDATE SET hash = excluded.hash, record = excluded.record,
         changed_at = excluded.changed_at",
        all.iter()
            .map(|n| params![n.provider.npi, n.hash.as_slice(), &n.record, now, now])
            .collect(),
    )
    .await?;
    let mut taxonomies: Vec<Vec<Value>> =
        all.iter().flat_map(|n| taxonomy_rows(n.provider)).collect();
    taxonomies.sort_by(|a, b| text_of(&a[0]).cmp(text_of(&b[0])));
    tx.insert(
        "INSERT INTO provider_taxonomies (code, npi, is_primary)",
        "",
        taxonomies,
    )
    .await?;
    tx.insert(
        "INSERT INTO provider_addresses (npi, place, is_practice, city_key, state, postal_code, country)",
        "",
        all.iter().flat_map(|n| address_rows(n.provider)).collect(),
    )
    .await?;
    tx.insert(
        "INSERT INTO provider_names (npi, kind, last_key, first_key)",
        "ON CONFLICT DO NOTHING",
        all.iter().flat_map(|n| name_rows(n.provider)).collect(),
    )
    .await?;
    Ok(())
}

fn text_of(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

fn summary_row(p: &Provider) -> Vec<Value> {
    let practice = p.practice.as_ref();
    let city = practice.and_then(|a| a.city.as_deref());
    params![
        p.npi,
        p.entity.map(canvass_model::Entity::as_str),
        p.status.as_str(),
        p.display_name(),
        sort_key(&p.registry_sort_name()),
        search_text(p),
        p.name.credential.as_deref(),
        p.sex.map(canvass_model::Sex::as_str),
        p.primary_taxonomy().map(|t| &t.code),
        city,
        sort_key(city.unwrap_or_default()),
        practice.and_then(|a| a.state.as_deref()),
        practice.and_then(|a| a.postal_code.as_deref()),
        p.phone().map(canvass_model::Phone::digits),
        p.enumerated_on.map(|d| d.to_string()).unwrap_or_default(),
        p.updated_on.map(|d| d.to_string()).unwrap_or_default(),
    ]
}

/// The words of every name of a provider, each once.
fn search_text(p: &Provider) -> String {
    let person = |n: &canvass_model::PersonName| {
        [&n.first, &n.middle, &n.last]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut names = person(&p.name);
    names.extend(p.organization_name.clone());
    for other in &p.other_names {
        names.extend(other.organization.clone());
        names.extend(person(&other.person));
    }
    let folded: Vec<String> = names.iter().map(|n| fold(n)).collect();
    let mut seen = BTreeSet::new();
    let words: Vec<&str> = folded
        .iter()
        .flat_map(|n| n.split(' '))
        .filter(|w| !w.is_empty() && seen.insert(*w))
        .collect();
    words.join(" ")
}

fn taxonomy_rows(p: &Provider) -> Vec<Vec<Value>> {
    let mut codes: Vec<(&str, bool)> = Vec::with_capacity(p.taxonomies.len());
    for t in &p.taxonomies {
        match codes.iter_mut().find(|(code, _)| *code == t.code) {
            Some((_, primary)) => *primary |= t.primary,
            None => codes.push((&t.code, t.primary)),
        }
    }
    codes
        .into_iter()
        .map(|(code, primary)| params![code, p.npi, primary])
        .collect()
}

fn address_rows(p: &Provider) -> Vec<Vec<Value>> {
    let practice = p.practice.iter().map(|a| (0, true, a));
    let mailing = p.mailing.iter().map(|a| (1, false, a));
    let secondary = p
        .secondary
        .iter()
        .zip(2i64..)
        .map(|(a, place)| (place, true, a));
    practice
        .chain(mailing)
        .chain(secondary)
        .map(|(place, is_practice, a)| {
            params![
                p.npi,
                place,
                is_practice,
                fold(a.city.as_deref().unwrap_or_default()),
                a.state.as_deref().unwrap_or_default().to_uppercase(),
                a.postal_code.as_deref().unwrap_or_default().to_uppercase(),
                a.country.as_deref().unwrap_or_default(),
            ]
        })
        .collect()
}

/// Names by which the registry finds a provider: its own, other names, the authorized official.
fn name_rows(p: &Provider) -> Vec<Vec<Value>> {
    let key = |name: &Option<String>| sort_key(name.as_deref().unwrap_or_default());
    let mut rows = Vec::new();
    let mut person = |kind: &str, n: &canvass_model::PersonName| {
        if n.last.is_some() || n.first.is_some() {
            rows.push(params![p.npi, kind, key(&n.last), key(&n.first)]);
        }
    };
    person("person", &p.name);
    if let Some(official) = &p.official {
        person("official", &official.name);
    }
    let others = p.other_names.iter();
    others.clone().for_each(|o| person("person", &o.person));
    let organizations = p
        .organization_name
        .iter()
        .chain(others.filter_map(|o| o.organization.as_ref()));
    rows.extend(organizations.map(|name| params![p.npi, "organization", sort_key(name), ""]));
    rows
}
