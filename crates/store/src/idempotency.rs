//! Requests that are answered once: the same key gives the same answer again.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx},
    value::{json, params},
};

/// For how long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a request with an `Idempotency-Key` is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Who asks: a user's identifier, empty for the command line.
    pub user: String,
    /// The key that the client chose.
    pub key: String,
    /// Hash of what is asked, so that a key is not used for two things.
    pub request: Vec<u8>,
}

/// Takes a key for the rest of the transaction. Gives the answer, when the request was answered
/// before; otherwise the caller does the work and leaves its answer with [`answer`].
///
/// A second request with the key waits here until the first has committed or failed.
pub(crate) async fn claim(
    tx: &mut Tx,
    idempotency: &Idempotency,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let Idempotency { user, key, request } = idempotency;
    for _ in 0..2 {
        let taken = tx
            .execute(
                "INSERT INTO idempotency (user_id, key, request, response, created_at)
             VALUES ($1, $2, $3, '', $4) ON CONFLICT (user_id, key) DO NOTHING",
                params![user, key, request.as_slice(), now],
            )
            .await?;
        if taken > 0 {
            return Ok(None);
        }
        let row = tx
            .first(
                "SELECT request, response FROM idempotency WHERE user_id = $1 AND key = $2",
                params![user, key],
            )
            .await?;
        // Between the two it may have had its time, and been swept away.
        let Some(row) = row else { continue };
        if row.bytes(0)? != *request {
            return Err(Error::KeyReused);
        }
        return row.text(1).map(Some);
    }
    Err(Error::Conflict)
}

/// Leaves the answer to a request whose key this transaction has taken.
pub(crate) async fn answer(
    tx: &mut Tx,
    idempotency: &Idempotency,
    response: &str,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE idempotency SET response = $1 WHERE user_id = $2 AND key = $3",
        params![response, &idempotency.user, &idempotency.key],
    )
    .await?;
    Ok(())
}

/// The answer given before to a request that may have a key.
pub(crate) async fn replay<T: serde::de::DeserializeOwned>(
    tx: &mut Tx,
    idempotency: Option<&Idempotency>,
    now: Timestamp,
) -> Result<Option<T>, Error> {
    let Some(idempotency) = idempotency else {
        return Ok(None);
    };
    let Some(response) = claim(tx, idempotency, now).await? else {
        return Ok(None);
    };
    serde_json::from_str(&response)
        .map(Some)
        .map_err(|e| Error::corrupt(format!("a kept answer: {e}")))
}

/// Keeps the answer to a request that may have a key.
pub(crate) async fn keep<T: serde::Serialize>(
    tx: &mut Tx,
    idempotency: Option<&Idempotency>,
    response: &T,
) -> Result<(), Error> {
    match idempotency {
        Some(idempotency) => answer(tx, idempotency, &json(response)?).await,
        None => Ok(()),
    }
}

impl Store {
    /// Removes what has had its time: answers older than a week, sessions that have ended, failed
    /// logins older than a day. To be called now and then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        if tx.engine() == Engine::Postgres {
            // Two sweeps would wait for each other's rows in no fixed order.
            tx.query("SELECT pg_advisory_xact_lock($1)", params![SWEEP])
                .await?;
        }
        for (sql, before) in [
            ("DELETE FROM idempotency WHERE created_at < $1", now - KEPT),
            ("DELETE FROM sessions WHERE expires_at < $1", now),
            (
                "DELETE FROM login_failures WHERE last_at < $1",
                now - crate::users::FORGIVEN_AFTER,
            ),
        ] {
            tx.execute(sql, params![before]).await?;
        }
        tx.commit().await
    }
}

/// Key of the advisory lock of a sweep.
const SWEEP: i64 = 0x7377_6570;
