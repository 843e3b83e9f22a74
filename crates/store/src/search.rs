//! Search over providers: the filter turned into SQL, pages by keyset, counts.
//!
//! A filter is a set of conditions; some of them name a set of providers that an index lists (a
//! place, taxonomies, words of a name, the result of a sync). The smallest such set drives the
//! search when it is small; otherwise the index of the wanted order does, and each condition is a
//! probe of an index.

use canvass_model::{
    Cursor, Entity, LeadPresence, LeadStatus, Page, PageRequest, Phone, ProviderFilter,
    ProviderSort, ProviderSummary, RecordStatus, StatusFilter,
};

use crate::{
    Error, Store,
    backend::Engine,
    fold::fold,
    value::{Row, Value},
};

/// The columns of a [`ProviderSummary`], of `providers p` left joined with `leads l`.
pub(crate) const SUMMARY: &str = "p.npi, p.entity, p.name, p.credential, p.taxonomy, p.city, p.state, \
    p.postal_code, p.phone, p.enumerated_on, p.updated_on, p.status, l.status";

/// Reads [`SUMMARY`] from the columns that begin at `i`.
pub(crate) fn read_summary(row: &Row, i: usize) -> Result<ProviderSummary, Error> {
    Ok(ProviderSummary {
        npi: row.npi(i)?,
        entity: row.text_opt(i + 1)?.as_deref().and_then(Entity::parse),
        name: row.text(i + 2)?,
        credential: row.text_opt(i + 3)?,
        taxonomy: row.text_opt(i + 4)?,
        city: row.text_opt(i + 5)?,
        state: row.text_opt(i + 6)?,
        postal_code: row.text_opt(i + 7)?,
        phone: row.text_opt(i + 8)?.as_deref().and_then(Phone::parse),
        enumerated_on: row.date_opt(i + 9)?,
        updated_on: row.date_opt(i + 10)?,
        status: row.word(i + 11, |t| {
            [
                RecordStatus::Active,
                RecordStatus::Deactivated,
                RecordStatus::Unpublished,
            ]
            .into_iter()
            .find(|s| s.as_str() == t)
        })?,
        lead: row
            .text_opt(i + 12)?
            .and_then(|t| t.parse::<LeadStatus>().ok()),
    })
}

/// Parameters and the text that names them, numbered in the order of their use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
}

impl Text {
    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    pub(crate) fn value(&mut self, value: impl Into<Value>) {
        self.params.push(value.into());
        let place = format!("${}", self.params.len());
        self.sql.push_str(&place);
    }

    pub(crate) fn values<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) {
        self.push("(");
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                self.push(",");
            }
            self.value(value);
        }
        self.push(")");
    }
}

/// A condition that an index can list.
#[derive(Clone, Debug)]
pub(crate) enum Set {
    Practice {
        states: Vec<String>,
        cities: Vec<String>,
        postal_code: Option<String>,
    },
    Codes {
        codes: Vec<String>,
        primary_only: bool,
    },
    Words(String),
    Sync(String),
    Leads,
}

impl Set {
    /// `FROM table alias WHERE ...` whose `alias.npi` are the providers of the set.
    pub(crate) fn source(&self, text: &mut Text, engine: Engine) {
        match self {
            Self::Practice {
                states,
                cities,
                postal_code,
            } => {
                text.push("provider_addresses s WHERE s.is_practice");
                if !states.is_empty() {
                    text.push(" AND s.state IN ");
                    text.values(states);
                }
                if !cities.is_empty() {
                    text.push(" AND s.city_key IN ");
                    text.values(cities);
                }
                if let Some(prefix) = postal_code {
                    text.push(" AND s.postal_code >= ");
                    text.value(prefix);
                    text.push(" AND s.postal_code < ");
                    text.value(after_prefix(prefix));
                }
            }
            Self::Codes {
                codes,
                primary_only,
            } => {
                text.push("provider_taxonomies s WHERE s.code IN ");
                text.values(codes);
                if *primary_only {
                    text.push(" AND s.is_primary");
                }
            }
            Self::Words(words) => match engine {
                Engine::Sqlite => {
                    text.push(
                        "(SELECT rowid AS npi FROM provider_words WHERE provider_words MATCH ",
                    );
                    text.value(fts5(words));
                    text.push(") s WHERE 1 = 1");
                }
                Engine::Postgres => {
                    text.push("providers s WHERE s.words @@ to_tsquery('simple', ");
                    text.value(tsquery(words));
                    text.push(")");
                }
            },
            Self::Sync(run) => {
                text.push("sync_results s WHERE s.run_id = ");
                text.value(run);
            }
            Self::Leads => text.push("leads s WHERE 1 = 1"),
        }
    }

    /// Whether the test of one provider reads its row.
    fn reads_row(&self, engine: Engine) -> bool {
        matches!((self, engine), (Self::Words(_), Engine::Postgres))
    }

    /// The condition as a test of the one provider whose NPI is the column `npi`, or of `p`.
    fn probe(&self, text: &mut Text, engine: Engine, npi: &str) {
        match (self, engine) {
            (Self::Words(words), Engine::Postgres) => {
                text.push("p.words @@ to_tsquery('simple', ");
                text.value(tsquery(words));
                text.push(")");
            }
            // The full-text index can't be probed by row, so its rows are listed once.
            (Self::Words(words), Engine::Sqlite) => {
                text.push(npi);
                text.push(" IN (SELECT rowid FROM provider_words WHERE provider_words MATCH ");
                text.value(fts5(words));
                text.push(")");
            }
            // Without statistics SQLite would look every code up rather than the one provider.
            (
                Self::Codes {
                    codes,
                    primary_only,
                },
                Engine::Sqlite,
            ) => {
                text.push(
                    "EXISTS (SELECT 1 FROM provider_taxonomies s
                     INDEXED BY provider_taxonomies_by_npi WHERE s.npi = ",
                );
                text.push(npi);
                text.push(" AND s.code IN ");
                text.values(codes);
                text.push(if *primary_only {
                    " AND s.is_primary)"
                } else {
                    ")"
                });
            }
            _ => {
                text.push("EXISTS (SELECT 1 FROM ");
                self.source(text, engine);
                text.push(" AND s.npi = ");
                text.push(npi);
                text.push(")");
            }
        }
    }
}

/// The least text that is after every text with this prefix.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

/// Words that are looked for as they are or, from three letters on, as the beginning of a word.
fn fts5(folded: &str) -> String {
    let words: Vec<String> = folded
        .split(' ')
        .map(|w| {
            if w.chars().count() >= 3 {
                format!("\"{w}\"*")
            } else {
                format!("\"{w}\"")
            }
        })
        .collect();
    words.join(" ")
}

fn tsquery(folded: &str) -> String {
    let words: Vec<String> = folded
        .split(' ')
        .map(|w| {
            if w.chars().count() >= 3 {
                format!("{w}:*")
            } else {
                w.to_owned()
            }
        })
        .collect();
    words.join(" & ")
}

/// A filter, ready to be written as SQL.
#[derive(Clone, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) filter: &'a ProviderFilter,
    engine: Engine,
    pub(crate) sets: Vec<Set>,
    /// A condition that nothing can meet.
    pub(crate) nothing: bool,
    /// Place in `sets` of the one that drives.
    pub(crate) driver: Option<usize>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(filter: &'a ProviderFilter, engine: Engine) -> Self {
        let mut sets = Vec::new();
        let mut nothing = false;
        if let Some(q) = &filter.q {
            let words = fold(q);
            if words.is_empty() {
                nothing = true;
            } else {
                sets.push(Set::Words(words));
            }
        }
        nothing |= !filter.specialty.is_empty() && filter.specialty_codes.is_empty();
        if !filter.specialty_codes.is_empty() {
            sets.push(Set::Codes {
                codes: filter.specialty_codes.clone(),
                primary_only: filter.primary_only,
            });
        }
        if !filter.taxonomy.is_empty() {
            sets.push(Set::Codes {
                codes: filter.taxonomy.clone(),
                primary_only: filter.primary_only,
            });
        }
        if !filter.state.is_empty() || !filter.city.is_empty() || filter.postal_code.is_some() {
            sets.push(Set::Practice {
                states: filter.state.clone(),
                cities: filter.city.iter().map(|c| fold(c)).collect(),
                postal_code: filter.postal_code.clone(),
            });
        }
        sets.extend(filter.sync.clone().map(Set::Sync));
        if filter.lead == Some(LeadPresence::Yes) {
            sets.push(Set::Leads);
        }
        Self {
            filter,
            engine,
            sets,
            nothing,
            driver: None,
        }
    }

    /// `FROM ... WHERE ...` with the providers as `p`, each once.
    pub(crate) fn sources(&self, text: &mut Text) {
        text.push(" FROM ");
        let driver = self.driver.and_then(|i| self.sets.get(i));
        if let Some(set) = driver {
            text.push("(SELECT DISTINCT k.npi FROM (SELECT s.npi FROM ");
            set.source(text, self.engine);
            text.push(") k WHERE 1 = 1");
            // What an index can tell by the NPI alone is asked before the provider is fetched.
            self.others(text, "k.npi", false);
            // CROSS JOIN keeps SQLite's planner from turning the order around.
            text.push(") d CROSS JOIN providers p WHERE p.npi = d.npi");
            self.others(text, "p.npi", true);
        } else {
            text.push("providers p WHERE 1 = 1");
            self.others(text, "p.npi", false);
            self.others(text, "p.npi", true);
        }
        self.columns(text);
    }

    /// The sets that do not drive, as tests: those that read the provider's row, or the rest.
    fn others(&self, text: &mut Text, npi: &str, read_row: bool) {
        for (i, set) in self.sets.iter().enumerate() {
            if self.driver != Some(i) && set.reads_row(self.engine) == read_row {
                text.push(" AND ");
                set.probe(text, self.engine, npi);
            }
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether a set of providers drives.
    pub(crate) fn is_driven(&self) -> bool {
        self.driver.is_some()
    }

    /// The conditions as tests of a provider `p` that something else lists.
    pub(crate) fn probes(&self, text: &mut Text) {
        for set in &self.sets {
            text.push(" AND ");
            set.probe(text, self.engine, "p.npi");
        }
        self.columns(text);
    }

    /// Whether there are conditions that no index lists.
    pub(crate) fn has_columns(&self) -> bool {
        let f = self.filter;
        f.entity.is_some()
            || f.sex.is_some()
            || f.has_phone.is_some()
            || f.updated_since.is_some()
            || f.lead == Some(LeadPresence::No)
            || !matches!(f.status, StatusFilter::Active | StatusFilter::Any)
    }

    fn columns(&self, text: &mut Text) {
        let f = self.filter;
        if self.nothing {
            text.push(" AND 1 = 0");
        }
        if f.status != StatusFilter::Any {
            text.push(" AND p.status = ");
            text.value(f.status.as_str());
        }
        if let Some(entity) = f.entity {
            text.push(" AND p.entity = ");
            text.value(entity.as_str());
        }
        if let Some(sex) = f.sex {
            text.push(" AND p.sex = ");
            text.value(sex.as_str());
        }
        match f.has_phone {
            Some(true) => text.push(" AND p.phone IS NOT NULL"),
            Some(false) => text.push(" AND p.phone IS NULL"),
            None => {}
        }
        if let Some(since) = f.updated_since {
            text.push(" AND p.updated_on >= ");
            text.value(since.to_string());
        }
        if f.lead == Some(LeadPresence::No) {
            text.push(" AND NOT EXISTS (SELECT 1 FROM leads n WHERE n.npi = p.npi)");
        }
    }
}

impl Store {
    /// One page of a search.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search(
        &self,
        filter: &ProviderFilter,
        sort: ProviderSort,
        page: &PageRequest,
    ) -> Result<Page<ProviderSummary>, Error> {
        let search = self.plan(filter, page.limit).await?;
        let (column, descending) = match sort {
            ProviderSort::Name => ("p.sort_name", false),
            ProviderSort::City => ("p.sort_city", false),
            ProviderSort::Enumerated => ("p.enumerated_on", true),
            ProviderSort::Updated => ("p.updated_on", true),
        };
        let mut text = Text::default();
        text.push("SELECT ");
        text.push(SUMMARY);
        text.push(", ");
        text.push(column);
        // The lead is looked up for the rows of the page only.
        text.push(" FROM (SELECT p.*");
        search.sources(&mut text);
        if let Some(after) = &page.after {
            text.push(&format!(
                " AND ({column}, p.npi) {} (",
                if descending { "<" } else { ">" }
            ));
            text.value(&after.key);
            text.push(", ");
            text.value(after.npi);
            text.push(")");
        }
        let direction = if descending { "DESC" } else { "ASC" };
        let order = format!(" ORDER BY {column} {direction}, p.npi {direction}");
        text.push(&order);
        text.push(" LIMIT ");
        text.value(i64::from(page.limit) + 1);
        text.push(") p LEFT JOIN leads l ON l.npi = p.npi");
        text.push(&order);
        let rows = self.query(text.sql, text.params).await?;
        let wanted = page.limit as usize;
        let items = rows
            .iter()
            .take(wanted)
            .map(|row| read_summary(row, 0))
            .collect::<Result<Vec<_>, _>>()?;
        let next = match rows.get(wanted.saturating_sub(1)) {
            Some(last) if rows.len() > wanted => Some(Cursor {
                key: last.text(13)?,
                npi: last.npi(0)?,
            }),
            _ => None,
        };
        Ok(Page { items, next })
    }
}
