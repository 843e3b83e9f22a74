//! Sessions of browsers and tokens of scripts.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{USER, User, read_user};
use crate::{
    Error, Store,
    backend::{Durability, Tx},
    id::new_id,
    value::{Row, params},
};

/// How long a session lasts without use.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A session is prolonged at most once in this time.
const PROLONGED_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The last use of a token is noted at most once in this time.
const NOTED_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// A key for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Identifier.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

fn read_token(row: &Row) -> Result<TokenInfo, Error> {
    Ok(TokenInfo {
        id: row.text(0)?,
        name: row.text(1)?,
        created_at: row.time(2)?,
        last_used_at: row.time_opt(3)?,
    })
}

impl Store {
    /// Begins a session of a user, known by the hash of its secret. False when the hash of their
    /// password is no longer `verified`, the one that was looked at, or they may not sign in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_session(
        &self,
        hash: &[u8],
        user_id: &str,
        verified: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if locked_password(&mut tx, user_id).await?.as_deref() != Some(verified) {
            return Ok(false);
        }
        tx.execute(
            "INSERT INTO sessions (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
            params![hash, user_id, now, now + LASTS],
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whose session this is. It lasts 30 days from its last use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_user(&self, hash: &[u8], now: Timestamp) -> Result<Option<User>, Error> {
        let sql = format!(
            "SELECT {USER}, s.expires_at FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.hash = $1 AND s.expires_at > $2 AND NOT u.disabled"
        );
        let row = self
            .first(crate::Sql::kept(sql), params![hash, now])
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.time(5)? < now + LASTS - PROLONGED_AFTER {
            let mut tx = self.begin(Durability::Relaxed).await?;
            tx.execute(
                "UPDATE sessions SET expires_at = $1 WHERE hash = $2",
                params![now + LASTS, hash],
            )
            .await?;
            tx.commit().await?;
        }
        read_user(&row).map(Some)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, hash: &[u8]) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Full).await?;
        tx.execute("DELETE FROM sessions WHERE hash = $1", params![hash])
            .await?;
        tx.commit().await
    }

    /// Gives a user a token, known by the hash of its secret; nothing when there is no such user
    /// who may sign in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_token(
        &self,
        user_id: &str,
        name: &str,
        hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<TokenInfo>, Error> {
        let token = TokenInfo {
            id: new_id(now),
            name: name.to_owned(),
            created_at: now,
            last_used_at: None,
        };
        let mut tx = self.begin(Durability::Full).await?;
        if locked_password(&mut tx, user_id).await?.is_none() {
            return Ok(None);
        }
        tx.execute(
            "INSERT INTO tokens (id, user_id, name, hash, created_at) VALUES ($1, $2, $3, $4, $5)",
            params![&token.id, user_id, name, hash, now],
        )
        .await?;
        tx.commit().await?;
        Ok(Some(token))
    }

    /// The tokens of a user, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self, user_id: &str) -> Result<Vec<TokenInfo>, Error> {
        let rows = self
            .query(
                "SELECT id, name, created_at, last_used_at FROM tokens
                 WHERE user_id = $1 ORDER BY id DESC LIMIT 1000",
                params![user_id],
            )
            .await?;
        rows.iter().map(read_token).collect()
    }

    /// Takes a token from a user. False when they have none such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&self, user_id: &str, id: &str) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let gone = tx
            .execute(
                "DELETE FROM tokens WHERE user_id = $1 AND id = $2",
                params![user_id, id],
            )
            .await?;
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_user(&self, hash: &[u8], now: Timestamp) -> Result<Option<User>, Error> {
        let sql = format!(
            "SELECT {USER}, t.last_used_at FROM tokens t JOIN users u ON u.id = t.user_id
             WHERE t.hash = $1 AND NOT u.disabled"
        );
        let row = self.first(crate::Sql::kept(sql), params![hash]).await?;
        let Some(row) = row else { return Ok(None) };
        if row.time_opt(5)?.is_none_or(|at| at + NOTED_AFTER <= now) {
            let mut tx = self.begin(Durability::Relaxed).await?;
            tx.execute(
                "UPDATE tokens SET last_used_at = $1 WHERE hash = $2",
                params![now, hash],
            )
            .await?;
            tx.commit().await?;
        }
        read_user(&row).map(Some)
    }
}

/// The hash of the password of a user who may sign in. Their row is locked: who changes the
/// password or disables them waits, and then ends what was begun here.
async fn locked_password(tx: &mut Tx, user: &str) -> Result<Option<String>, Error> {
    let sql = format!(
        "SELECT u.password_hash FROM users u WHERE u.id = $1 AND NOT u.disabled{}",
        tx.engine().for_update("u")
    );
    let row = tx.first(crate::Sql::kept(sql), params![user]).await?;
    row.map(|row| row.text(0)).transpose()
}
