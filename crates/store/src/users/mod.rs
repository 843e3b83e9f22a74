//! People, their sessions and tokens, and failed logins.
//!
//! What proves who somebody is comes here as a hash only.

mod session;
mod throttle;

use canvass_model::Role;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use session::TokenInfo;
pub(crate) use throttle::FORGIVEN_AFTER;
pub use throttle::{Attempt, LoginKey};

use crate::{
    Error, Store,
    backend::{Durability, Tx},
    fold::fold,
    id::new_id,
    value::{Row, params},
};

/// Setting that holds the hash of the code of the first-run set-up.
const SETUP_CODE: &str = "setup_code";

/// Somebody with access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Identifier.
    pub id: String,
    /// Name, unique without regard to case and accents.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they are kept from signing in.
    pub disabled: bool,
    /// When they got access.
    pub created_at: Timestamp,
}

/// Somebody who is to get access.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Hash of the password, in PHC form.
    pub password_hash: String,
}

/// What became of a first-run set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetUp {
    /// This is the first administrator.
    Done(User),
    /// That is not the code.
    WrongCode,
    /// Somebody has access already.
    AlreadyDone,
}

/// What became of an edit of somebody's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessEdit {
    /// It was made.
    Done(User),
    /// There is no such user.
    Missing,
    /// It would leave nobody who can give access.
    LastAdmin,
}

const USER: &str = "u.id, u.name, u.role, u.disabled, u.created_at";

fn read_user(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: row.text(0)?,
        name: row.text(1)?,
        role: row.word(2, |t| t.parse().ok())?,
        disabled: row.bool(3)?,
        created_at: row.time(4)?,
    })
}

/// The key by which a user's name is found.
pub fn name_key(name: &str) -> String {
    // A name of nothing but punctuation folds to nothing.
    let folded = fold(name);
    if folded.is_empty() {
        name.trim().to_lowercase()
    } else {
        folded
    }
}

impl Store {
    /// All users, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let sql = format!("SELECT {USER} FROM users u ORDER BY u.name_key LIMIT 10000");
        let rows = self.query(crate::Sql::kept(sql), vec![]).await?;
        rows.iter().map(read_user).collect()
    }

    /// Whether nobody has access yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_no_user(&self) -> Result<bool, Error> {
        let row = self.first("SELECT id FROM users LIMIT 1", vec![]).await?;
        Ok(row.is_none())
    }

    /// The user with this identifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, id: &str) -> Result<Option<User>, Error> {
        let sql = format!("SELECT {USER} FROM users u WHERE u.id = $1");
        let row = self.first(crate::Sql::kept(sql), params![id]).await?;
        row.as_ref().map(read_user).transpose()
    }

    /// The user with this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<User>, Error> {
        Ok(self.credentials(name).await?.map(|(user, _)| user))
    }

    /// The user with this name, and the hash of the password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credentials(&self, name: &str) -> Result<Option<(User, String)>, Error> {
        let sql = format!("SELECT {USER}, u.password_hash FROM users u WHERE u.name_key = $1");
        let row = self
            .first(crate::Sql::kept(sql), params![name_key(name)])
            .await?;
        row.map(|row| Ok((read_user(&row)?, row.text(5)?)))
            .transpose()
    }

    /// Gives somebody access; nothing when the name is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_user(&self, new: &NewUser, now: Timestamp) -> Result<Option<User>, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let user = insert_user(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Gives somebody another role.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_role(&self, id: &str, role: Role) -> Result<AccessEdit, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if role != Role::Admin && is_last_admin(&mut tx, id).await? {
            return Ok(AccessEdit::LastAdmin);
        }
        tx.execute(
            "UPDATE users SET role = $1 WHERE id = $2",
            params![role.as_str(), id],
        )
        .await?;
        finish(tx, id).await
    }

    /// Keeps somebody from signing in, which ends all sessions, or lets them again. Their tokens
    /// do not work meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_disabled(&self, id: &str, disabled: bool) -> Result<AccessEdit, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        if disabled && is_last_admin(&mut tx, id).await? {
            return Ok(AccessEdit::LastAdmin);
        }
        tx.execute(
            "UPDATE users SET disabled = $1 WHERE id = $2",
            params![disabled, id],
        )
        .await?;
        if disabled {
            // After the update, which waits for who is just beginning one.
            end_sessions(&mut tx, id, None).await?;
        }
        finish(tx, id).await
    }

    /// Gives somebody another password, which ends their sessions but the one that is kept. False
    /// when there is no such user, or the hash of their password is no longer `verified`, where
    /// the old one had to be known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_password(
        &self,
        id: &str,
        password_hash: &str,
        verified: Option<&str>,
        keep: Option<&[u8]>,
    ) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let touched = tx
            .execute(
                "UPDATE users SET password_hash = $1
                 WHERE id = $2 AND ($3 = '' OR password_hash = $3)",
                params![password_hash, id, verified.unwrap_or_default()],
            )
            .await?;
        if touched == 0 {
            return Ok(false);
        }
        end_sessions(&mut tx, id, keep).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Sets the code of the first-run set-up, by its hash. False when somebody has access already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_setup_code(&self, hash: &str) -> Result<bool, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        let has_user = tx.first("SELECT id FROM users LIMIT 1", vec![]).await?;
        if has_user.is_some() {
            return Ok(false);
        }
        tx.execute(
            "INSERT INTO settings (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![SETUP_CODE, hash],
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes the first user, if nobody has access and the code is the one that was set; the code
    /// is used up by it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_up(
        &self,
        code_hash: &str,
        new: &NewUser,
        now: Timestamp,
    ) -> Result<SetUp, Error> {
        let mut tx = self.begin(Durability::Full).await?;
        // Who has deleted the code has locked it: of several at one time one goes on.
        let right = tx
            .execute(
                "DELETE FROM settings WHERE key = $1 AND value = $2",
                params![SETUP_CODE, code_hash],
            )
            .await?
            > 0;
        let has_user = tx.first("SELECT id FROM users LIMIT 1", vec![]).await?;
        if has_user.is_some() {
            return Ok(SetUp::AlreadyDone);
        }
        if !right {
            return Ok(SetUp::WrongCode);
        }
        let user = insert_user(&mut tx, new, now)
            .await?
            .ok_or(Error::Conflict)?;
        tx.commit().await?;
        Ok(SetUp::Done(user))
    }
}

async fn insert_user(tx: &mut Tx, new: &NewUser, now: Timestamp) -> Result<Option<User>, Error> {
    let user = User {
        id: new_id(now),
        name: new.name.trim().to_owned(),
        role: new.role,
        disabled: false,
        created_at: now,
    };
    let made = tx
        .execute(
            "INSERT INTO users (id, name, name_key, role, password_hash, disabled, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name_key) DO NOTHING",
            params![
                &user.id,
                &user.name,
                name_key(&user.name),
                user.role.as_str(),
                &new.password_hash,
                user.disabled,
                user.created_at
            ],
        )
        .await?;
    Ok((made > 0).then_some(user))
}

/// Whether this is the only one left who can give access. All who can are locked, so that two of
/// them don't take it from each other at one time.
async fn is_last_admin(tx: &mut Tx, id: &str) -> Result<bool, Error> {
    let sql = format!(
        "SELECT u.id FROM users u WHERE u.role = 'admin' AND NOT u.disabled ORDER BY u.id{}",
        tx.engine().for_update("u")
    );
    let rows = tx.query(crate::Sql::kept(sql), vec![]).await?;
    Ok(rows.len() == 1 && rows[0].text(0)? == id)
}

async fn end_sessions(tx: &mut Tx, user: &str, keep: Option<&[u8]>) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM sessions WHERE user_id = $1 AND hash <> $2",
        params![user, keep.unwrap_or_default()],
    )
    .await?;
    Ok(())
}

async fn finish(mut tx: Tx, id: &str) -> Result<AccessEdit, Error> {
    let sql = format!("SELECT {USER} FROM users u WHERE u.id = $1");
    let Some(row) = tx.first(crate::Sql::kept(sql), params![id]).await? else {
        return Ok(AccessEdit::Missing);
    };
    let user = read_user(&row)?;
    tx.commit().await?;
    Ok(AccessEdit::Done(user))
}
