//! The one pace at which all processes on a database ask a registry.
//!
//! Two kinds of slots: a *flight* slot is held while a request is under way, and a *start* slot
//! for the length of the window after a request was started. A request needs one of each, so never
//! more than the limits are in flight, or started within any window.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Store,
    backend::{Durability, Engine, Tx},
    value::params,
};

/// How fast a registry may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceLimits {
    /// Requests under way at one time.
    pub in_flight: u32,
    /// Requests started within any window.
    pub starts: u32,
    /// Length of the window.
    pub window: SignedDuration,
    /// For how long a request may hold its slot when its process never gives it back.
    pub lease: SignedDuration,
}

/// Leave to send one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    registry: String,
    slot: i64,
    holder: String,
    /// When it is noted to start.
    pub start: Timestamp,
    /// Failures in a row before this request.
    pub failures: u32,
}

/// Whether a request may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It may.
    Go(Permit),
    /// Not before this time; ask again then.
    Wait(Timestamp),
    /// The registry is being left alone until this time, for this reason.
    Paused {
        /// Until when.
        until: Timestamp,
        /// Why.
        note: String,
    },
}

/// What is known of how a registry is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaceState {
    /// Failures in a row.
    pub failures: u32,
    /// Until when it is being left alone.
    pub paused_until: Option<Timestamp>,
    /// Why.
    pub note: Option<String>,
}

impl Store {
    /// Asks for leave to send one request to a registry at this time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace_acquire(
        &self,
        registry: &str,
        holder: &str,
        limits: PaceLimits,
        now: Timestamp,
    ) -> Result<Pace, Error> {
        self.pace_acquire_by(registry, holder, limits, || now).await
    }

    /// Asks for leave to send one request to a registry, at a time that is taken from the clock
    /// when it is this request's turn: waiting for that can take longer than a window, and a start
    /// that is noted as earlier than it was would let others follow too soon.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace_acquire_by(
        &self,
        registry: &str,
        holder: &str,
        limits: PaceLimits,
        clock: impl Fn() -> Timestamp,
    ) -> Result<Pace, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let state = state(&mut tx, registry).await?;
        let now = clock();
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            return Ok(Pace::Paused {
                until,
                note: state.note.unwrap_or_default(),
            });
        }
        let flight = free_slot(&mut tx, registry, "flight", limits.in_flight, now).await?;
        let start = free_slot(&mut tx, registry, "start", limits.starts, now).await?;
        let (flight, start) = match (flight, start) {
            (Slot::Free(flight), Slot::Free(start)) => (flight, start),
            // A flight may end at any time, so its lease does not say when to ask again.
            (_, Slot::Busy(until)) => return Ok(Pace::Wait(until)),
            (Slot::Busy(_), _) => return Ok(Pace::Wait(now + SignedDuration::from_millis(15))),
        };
        let set = "UPDATE registry_slots SET free_at = $1, holder = $2
                   WHERE registry = $3 AND kind = $4 AND slot = $5";
        tx.execute(
            set,
            params![now + limits.lease, holder, registry, "flight", flight],
        )
        .await?;
        tx.execute(
            set,
            params![now + limits.window, holder, registry, "start", start],
        )
        .await?;
        tx.commit().await?;
        Ok(Pace::Go(Permit {
            registry: registry.to_owned(),
            slot: flight,
            holder: holder.to_owned(),
            start: now,
            failures: state.failures,
        }))
    }

    /// Gives back a permit after a request that the registry answered. A pause that has begun
    /// meanwhile goes on: this request was under way before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace_answered(&self, permit: &Permit, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        release(&mut tx, permit, now).await?;
        if permit.failures > 0 {
            tx.execute(
                "UPDATE registry_pace SET failures = 0,
                 note = CASE WHEN paused_until > $1 THEN note END,
                 paused_until = CASE WHEN paused_until > $2 THEN paused_until END
                 WHERE registry = $3",
                params![now, now, &permit.registry],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Gives back a permit of a request that nobody waits for any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace_given_up(&self, permit: &Permit, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        release(&mut tx, permit, now).await?;
        tx.commit().await
    }

    /// Gives back a permit after a request that failed, and leaves the registry alone until
    /// `pause`, where one is asked for. Returns the failures in a row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace_failed(
        &self,
        permit: &Permit,
        pause: impl FnOnce(u32) -> Option<(Timestamp, String)>,
        now: Timestamp,
    ) -> Result<u32, Error> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let before = state(&mut tx, &permit.registry).await?;
        release(&mut tx, permit, now).await?;
        let failures = before.failures + 1;
        let longer = pause(failures)
            .filter(|(until, _)| before.paused_until.is_none_or(|known| *until > known));
        match longer {
            Some((until, note)) => {
                tx.execute(
                    "UPDATE registry_pace SET failures = $1, paused_until = $2, note = $3 WHERE registry = $4",
                    params![failures, until, note, &permit.registry],
                )
                .await?
            }
            None => {
                tx.execute(
                    "UPDATE registry_pace SET failures = $1 WHERE registry = $2",
                    params![failures, &permit.registry],
                )
                .await?
            }
        };
        tx.commit().await?;
        Ok(failures)
    }

    /// How a registry is doing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace_state(&self, registry: &str) -> Result<PaceState, Error> {
        let row = self
            .first(
                "SELECT failures, paused_until, note FROM registry_pace WHERE registry = $1",
                params![registry],
            )
            .await?;
        row.as_ref()
            .map_or_else(|| Ok(PaceState::default()), read_state)
    }
}

fn read_state(row: &crate::value::Row) -> Result<PaceState, Error> {
    Ok(PaceState {
        failures: u32::try_from(row.int(0)?).unwrap_or(u32::MAX),
        paused_until: row.time_opt(1)?,
        note: row.text_opt(2)?,
    })
}

/// The registry's row, locked for the rest of the transaction.
async fn state(tx: &mut Tx, registry: &str) -> Result<PaceState, Error> {
    let select = match tx.engine() {
        Engine::Sqlite => {
            "SELECT failures, paused_until, note FROM registry_pace WHERE registry = $1"
        }
        Engine::Postgres => {
            "SELECT failures, paused_until, note FROM registry_pace WHERE registry = $1 FOR UPDATE"
        }
    };
    if let Some(row) = tx.first(select, params![registry]).await? {
        return read_state(&row);
    }
    tx.execute(
        "INSERT INTO registry_pace (registry, failures) VALUES ($1, 0) ON CONFLICT (registry) DO NOTHING",
        params![registry],
    )
    .await?;
    match tx.first(select, params![registry]).await? {
        Some(row) => read_state(&row),
        None => Err(Error::Conflict),
    }
}

enum Slot {
    Free(i64),
    Busy(Timestamp),
}

async fn free_slot(
    tx: &mut Tx,
    registry: &str,
    kind: &str,
    limit: u32,
    now: Timestamp,
) -> Result<Slot, Error> {
    let rows = tx
        .query(
            "SELECT slot, free_at FROM registry_slots
             WHERE registry = $1 AND kind = $2 AND slot < $3 ORDER BY free_at, slot",
            params![registry, kind, limit],
        )
        .await?;
    let known: Vec<i64> = rows.iter().map(|r| r.int(0)).collect::<Result<_, _>>()?;
    if let Some(slot) = (0..i64::from(limit)).find(|slot| !known.contains(slot)) {
        tx.execute(
            "INSERT INTO registry_slots (registry, kind, slot, free_at) VALUES ($1, $2, $3, $4)",
            params![registry, kind, slot, now],
        )
        .await?;
        return Ok(Slot::Free(slot));
    }
    let first = rows.first().ok_or(Error::Conflict)?;
    let free_at = first.time(1)?;
    if free_at <= now {
        Ok(Slot::Free(first.int(0)?))
    } else {
        Ok(Slot::Busy(free_at))
    }
}

async fn release(tx: &mut Tx, permit: &Permit, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE registry_slots SET free_at = $1, holder = NULL
         WHERE registry = $2 AND kind = 'flight' AND slot = $3 AND holder = $4",
        params![now, &permit.registry, permit.slot, &permit.holder],
    )
    .await?;
    Ok(())
}
