//! Searches that people keep, for themselves or for the team.

use canvass_model::{FilterError, ProviderFilter, ProviderSort, Role};
use canvass_store::{NewSearch, SavedSearch, Saving};

use crate::{Actor, App, Error, Field};

/// Characters that the name of a saved search may have.
pub const MOST_SEARCH_NAME: usize = 80;
/// Searches that one user may keep, the team's among them.
const MOST: u32 = 200;
/// Bytes that the query of a saved search may have: what an address can hold.
const MOST_QUERY: usize = 8_000;

/// A search over providers with its order, as the query of an address says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Which providers.
    pub filter: ProviderFilter,
    /// In which order.
    pub sort: ProviderSort,
}

impl SearchQuery {
    /// Reads the query of an address, with or without its question mark.
    ///
    /// # Errors
    /// When a parameter is none of a search, has no such value, or is there twice without being
    /// one that may; each of them is named.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let query = query.trim();
        let query = query.strip_prefix('?').unwrap_or(query);
        let mut read = Self::default();
        let mut seen: Vec<String> = Vec::new();
        let mut problems: Vec<Field> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            let repeated = seen.contains(&name);
            if let Err(problem) = read.set(&name, &value, repeated) {
                problems.push(Field {
                    name: problem.field,
                    problem: problem.problem,
                });
            }
            seen.push(name);
        }
        if problems.is_empty() {
            Ok(read)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    fn set(&mut self, name: &str, value: &str, repeated: bool) -> Result<(), FilterError> {
        let refused = |problem: &str| FilterError {
            field: name.chars().take(60).collect(),
            problem: problem.to_owned(),
        };
        if repeated && !ProviderFilter::MANY.contains(&name) {
            return Err(refused("may be given once"));
        }
        if name == "sort" {
            self.sort = match value.trim() {
                "" => ProviderSort::default(),
                order => ProviderSort::parse(order)?,
            };
            return Ok(());
        }
        if self.filter.set(name, value)? {
            return Ok(());
        }
        Err(refused("no such part of a search"))
    }

    /// The parameters that say it again. The order that is meant when none is named is left out.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter.pairs();
        if self.sort != ProviderSort::default() {
            pairs.push(("sort", self.sort.as_str().to_owned()));
        }
        pairs
    }

    /// The query that says it again: equal searches have equal ones.
    pub fn text(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.pairs())
            .finish()
    }
}

impl App {
    /// The searches that somebody sees: their own by name, then the team's by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn saved_searches(&self, actor: &Actor) -> Result<Vec<SavedSearch>, Error> {
        Ok(self.store().saved_searches(actor.id()).await?)
    }

    /// What the team's search of this name asks for.
    ///
    /// # Errors
    /// When the team has none of this name.
    pub async fn team_search(&self, name: &str) -> Result<SearchQuery, Error> {
        let name = name.replace('\0', " ");
        let found = self.store().team_search(&name).await?;
        let found = found.ok_or(Error::NotFound("saved search of the team"))?;
        SearchQuery::parse(&found.query)
    }

    /// Keeps a search, for oneself or for the team. The same key gives the same answer again.
    ///
    /// # Errors
    /// When it is for the team and the actor no manager; when the search or its name can't be
    /// accepted, or one of its kind has that name; when the actor keeps 200 already; when the key
    /// was used for something else.
    pub async fn save_search(
        &self,
        actor: &Actor,
        name: &str,
        search: &SearchQuery,
        team: bool,
        key: Option<&str>,
    ) -> Result<SavedSearch, Error> {
        if team {
            actor.require(Role::Manager)?;
        }
        let Some(user_id) = actor.id() else {
            return Err(no_account());
        };
        let name = name.trim();
        check_name(name)?;
        self.checked_search(&search.filter, search.sort)?;
        let query = search.text();
        if query.len() > MOST_QUERY {
            let problem = "it asks for too many things to be kept; take some away";
            return Err(Error::invalid("query", problem));
        }
        let once = actor.idempotency(key, "save-search", &(name, &query, team))?;
        let new = NewSearch {
            user_id,
            name,
            query: &query,
            team,
        };
        let now = self.clock().now();
        let saved = self
            .store()
            .save_search(&new, MOST, now, once.as_ref())
            .await?;
        match saved {
            Saving::Done(saved) => {
                tracing::info!(by = %actor.name, name = %saved.name, team, "saved a search");
                Ok(saved)
            }
            Saving::NameTaken => Err(name_taken(team)),
            Saving::TooMany => Err(Error::Conflict(format!(
                "you keep {MOST} searches, which is as many as one may: delete one first"
            ))),
            Saving::NoSuchUser => Err(no_account()),
        }
    }

    /// Deletes a search: one's own; the team's as whoever saved it or as a manager. Gives what it was.
    ///
    /// # Errors
    /// When there is none such, or it is the team's and not the actor's to delete.
    pub async fn delete_search(&self, actor: &Actor, id: &str) -> Result<SavedSearch, Error> {
        const WHAT: &str = "saved search";
        let found = self.store().saved_search(id).await?;
        let found = found.ok_or(Error::NotFound(WHAT))?;
        if !actor.may_delete(&found) {
            // That somebody else keeps it is not said.
            return Err(if found.team {
                Error::Forbidden(
                    "only whoever saved it, or a manager, may delete a search of the team"
                        .to_owned(),
                )
            } else {
                Error::NotFound(WHAT)
            });
        }
        if !self.store().delete_search(id).await? {
            return Err(Error::NotFound(WHAT));
        }
        tracing::info!(by = %actor.name, name = %found.name, team = found.team, "deleted a search");
        Ok(found)
    }
}

impl Actor {
    /// Whether they may delete this search.
    pub fn may_delete(&self, saved: &SavedSearch) -> bool {
        self.is(&saved.owner_id) || saved.team && self.role >= Role::Manager
    }
}

fn no_account() -> Error {
    Error::Forbidden("searches are kept by people who have access; sign in as one".to_owned())
}

fn name_taken(team: bool) -> Error {
    let whose = if team {
        "the team has a search of this name already; choose another, or delete that one first"
    } else {
        "you have a search of this name already; choose another, or delete that one first"
    };
    Error::invalid("name", whose)
}

fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length == 0 || length > MOST_SEARCH_NAME || name.chars().any(char::is_control) {
        let problem = format!("from 1 to {MOST_SEARCH_NAME} characters on one line");
        return Err(Error::invalid("name", problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_said_in_one_way() {
        let said = |query: &str| SearchQuery::parse(query).unwrap().text();
        assert_eq!(
            said("?sort=city&lead=no&q=%20garcia&state=ca&state=NV&sex="),
            "q=garcia&state=CA&state=NV&lead=no&sort=city"
        );
        assert_eq!(said("sort=name&status=active"), "");
        assert_eq!(said("near=Fresno,+CA"), "near=Fresno%2C+CA");
        let once = said("specialty=Physical+Medicine+%26+Rehabilitation&has_fax=on");
        assert_eq!(said(&once), once);
    }

    #[test]
    fn what_is_no_search_is_named() {
        let wrong = SearchQuery::parse("state=X&nosuch=1&q=a&q=b&sort=up&cursor=x");
        let Err(Error::Invalid(fields)) = wrong else {
            panic!("{wrong:?}");
        };
        let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["state", "nosuch", "q", "sort", "cursor"]);
    }
}
