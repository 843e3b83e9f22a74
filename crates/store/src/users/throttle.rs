//! Failed logins, counted in the database, so that the count is one for all processes.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Store,
    backend::{Durability, Tx},
    value::params,
};

/// After this time without another one, failed logins are forgotten.
pub(crate) const FORGIVEN_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// The longest time for which failed logins lock.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// What logins are counted by: an account, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginKey {
    /// Which.
    pub key: String,
    /// So many failures have no consequence.
    pub free: u32,
}

/// Whether a login may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It may; it counts as failed until it is known not to have.
    Go,
    /// Not before this time.
    Locked(Timestamp),
}

/// How long so many failures lock: a second after the free ones, twice as long with each further.
fn lock(failures: u32, free: u32) -> SignedDuration {
    match failures.checked_sub(free) {
        None => SignedDuration::ZERO,
        Some(beyond) => SignedDuration::from_secs(1i64 << beyond.min(20)).min(LONGEST),
    }
}

impl Store {
    /// Asks whether a login may be tried now, and counts it as failed under every key at once, so
    /// that many tried at one time are no more than one after the other.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_attempt(&self, keys: &[LoginKey], now: Timestamp) -> Result<Attempt, Error> {
        let mut keys = keys.to_vec();
        keys.sort_by(|a, b| a.key.cmp(&b.key));
        let mut tx = self.begin(Durability::Full).await?;
        let mut locked: Option<Timestamp> = None;
        for LoginKey { key, free } in &keys {
            let (failures, last_at) = failures(&mut tx, key, now).await?;
            let until = last_at + lock(failures, *free);
            if until > now {
                locked = locked.max(Some(until));
            }
            tx.execute(
                "UPDATE login_failures SET failures = $1, last_at = $2 WHERE key = $3",
                params![failures + 1, now, key],
            )
            .await?;
        }
        if let Some(until) = locked {
            // Rolled back: who waits is not made to wait longer.
            return Ok(Attempt::Locked(until));
        }
        tx.commit().await?;
        Ok(Attempt::Go)
    }

    /// Takes back what [`Store::login_attempt`] counted, after a login that succeeded: the account
    /// begins anew, and from the address only this one attempt goes, lest somebody with an
    /// account of their own wipes out what they failed at others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_succeeded(&self, account: &str, address: Option<&str>) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        tx.execute(
            "DELETE FROM login_failures WHERE key = $1",
            params![account],
        )
        .await?;
        if let Some(address) = address {
            tx.execute(
                "UPDATE login_failures SET failures = failures - 1 WHERE key = $1 AND failures > 0",
                params![address],
            )
            .await?;
        }
        tx.commit().await
    }
}

/// The failures under a key, locked for the rest of the transaction.
async fn failures(tx: &mut Tx, key: &str, now: Timestamp) -> Result<(u32, Timestamp), Error> {
    tx.execute(
        "INSERT INTO login_failures (key, failures, last_at) VALUES ($1, 0, $2)
         ON CONFLICT (key) DO NOTHING",
        params![key, now],
    )
    .await?;
    let sql = format!(
        "SELECT f.failures, f.last_at FROM login_failures f WHERE f.key = $1{}",
        tx.engine().for_update("f")
    );
    // Another login of this account may have succeeded just now and taken the row away.
    let row = tx
        .first(crate::Sql::kept(sql), params![key])
        .await?
        .ok_or(Error::Conflict)?;
    let last_at = row.time(1)?;
    if last_at + FORGIVEN_AFTER < now {
        return Ok((0, now));
    }
    Ok((u32::try_from(row.int(0)?).unwrap_or(u32::MAX - 1), last_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_doubles_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<i64> = [0, 4, 5, 6, 7, 14, 15, 100]
            .map(|failures| lock(failures, 5).as_secs())
            .to_vec();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 512, 900, 900]);
    }
}
