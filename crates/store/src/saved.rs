//! Searches that people keep, for themselves or for the team.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Idempotency, Store,
    backend::{Durability, Tx},
    id::new_id,
    idempotency::{keep, replay},
    value::{Row, params},
};

/// A search over providers that somebody keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    /// Identifier.
    pub id: String,
    /// Name, unique among those of its kind without regard to case.
    pub name: String,
    /// What is searched for, as the query of an address.
    pub query: String,
    /// Whether it is the team's.
    pub team: bool,
    /// Identifier of the user who keeps it.
    pub owner_id: String,
    /// Name of that user.
    pub owner: String,
    /// When it was saved.
    pub created_at: Timestamp,
}

/// A search that is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSearch<'a> {
    /// Identifier of the user who keeps it.
    pub user_id: &'a str,
    /// Name.
    pub name: &'a str,
    /// What is searched for, as the query of an address.
    pub query: &'a str,
    /// Whether it is the team's.
    pub team: bool,
}

/// What became of a search that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saving {
    /// It is kept.
    Done(SavedSearch),
    /// One of this kind has the name already.
    NameTaken,
    /// The user keeps as many as one may.
    TooMany,
    /// There is no such user.
    NoSuchUser,
}

/// How many searches a list has at most.
const MOST_LISTED: u32 = 10_000;

const SAVED: &str = "s.id, s.name, s.query, s.team, s.user_id, u.name, s.created_at
     FROM saved_searches s JOIN users u ON u.id = s.user_id";

/// The key by which a name is found among those of its kind.
fn key(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn read(row: &Row) -> Result<SavedSearch, Error> {
    Ok(SavedSearch {
        id: row.text(0)?,
        name: row.text(1)?,
        query: row.text(2)?,
        team: row.bool(3)?,
        owner_id: row.text(4)?,
        owner: row.text(5)?,
        created_at: row.time(6)?,
    })
}

impl Store {
    /// The searches that a user sees: their own by name, then the team's by name. Without a user
    /// the team's alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn saved_searches(&self, user: Option<&str>) -> Result<Vec<SavedSearch>, Error> {
        let sql = format!(
            "SELECT {SAVED} WHERE s.team OR s.user_id = $1
             ORDER BY s.team, s.name_key, s.id LIMIT {MOST_LISTED}"
        );
        let rows = self
            .query(crate::Sql::kept(sql), params![user.unwrap_or_default()])
            .await?;
        rows.iter().map(read).collect()
    }

    /// The search with this identifier, whosever it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn saved_search(&self, id: &str) -> Result<Option<SavedSearch>, Error> {
        let sql = format!("SELECT {SAVED} WHERE s.id = $1");
        let row = self.first(crate::Sql::kept(sql), params![id]).await?;
        row.as_ref().map(read).transpose()
    }

    /// The search of the team with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn team_search(&self, name: &str) -> Result<Option<SavedSearch>, Error> {
        let sql = format!("SELECT {SAVED} WHERE s.team AND s.name_key = $1");
        let row = self
            .first(crate::Sql::kept(sql), params![key(name)])
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Keeps a search, unless its user keeps `most` already. The same key gives the same answer
    /// again; one that was refused is not taken.
    ///
    /// # Errors
    /// When the key of `idempotency` was used for something else, or the database fails.
    pub async fn save_search(
        &self,
        new: &NewSearch<'_>,
        most: u32,
        now: Timestamp,
        idempotency: Option<&Idempotency>,
    ) -> Result<Saving, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if let Some(done) = replay(&mut tx, idempotency, now).await? {
            return Ok(Saving::Done(done));
        }
        let Some(owner) = locked_owner(&mut tx, new.user_id).await? else {
            return Ok(Saving::NoSuchUser);
        };
        let kept = tx
            .first(
                "SELECT COUNT(*) FROM saved_searches WHERE user_id = $1",
                params![new.user_id],
            )
            .await?;
        if kept.map_or(Ok(0), |row| row.count(0))? >= u64::from(most) {
            return Ok(Saving::TooMany);
        }
        let saved = SavedSearch {
            id: new_id(now),
            name: new.name.to_owned(),
            query: new.query.to_owned(),
            team: new.team,
            owner_id: new.user_id.to_owned(),
            owner,
            created_at: now,
        };
        let made = tx
            .execute(
                "INSERT INTO saved_searches (id, user_id, name, name_key, query, team, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                params![
                    &saved.id,
                    &saved.owner_id,
                    &saved.name,
                    key(&saved.name),
                    &saved.query,
                    saved.team,
                    saved.created_at
                ],
            )
            .await?;
        if made == 0 {
            return Ok(Saving::NameTaken);
        }
        keep(&mut tx, idempotency, &saved).await?;
        tx.commit().await?;
        Ok(Saving::Done(saved))
    }

    /// Deletes a search. False when there is none such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_search(&self, id: &str) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let gone = tx
            .execute("DELETE FROM saved_searches WHERE id = $1", params![id])
            .await?;
        tx.commit().await?;
        Ok(gone > 0)
    }
}

/// The name of a user, whose row is locked: of their searches one is saved at a time, so that no
/// two of them are the last that there is room for.
async fn locked_owner(tx: &mut Tx, user: &str) -> Result<Option<String>, Error> {
    let sql = format!(
        "SELECT u.name FROM users u WHERE u.id = $1{}",
        tx.engine().for_update("u")
    );
    let row = tx.first(crate::Sql::kept(sql), params![user]).await?;
    row.map(|row| row.text(0)).transpose()
}
