//! Syncs: pulling specialties at a place from the registry's API.
//!
//! A sync is rows in the database. [`App::start_sync`] enqueues it; a [`Runner`], of this process
//! or of any other on the database, works on it.

mod asking;
mod owner;
mod partition;
mod runner;
mod writing;

use std::time::Duration;

use canvass_model::{AddressScope, JobState, SpecialtyState, State, SyncRequest, SyncRun};
use canvass_nppes::api::{Purpose, Query};
use canvass_store::{Idempotency, NewPartition, NewSpecialty, SetAsideRecord};

use crate::{App, Error};

pub use runner::Runner;

impl App {
    /// Enqueues a sync for a user. The same idempotency key leads to the same run again.
    ///
    /// # Errors
    /// When a specialty is one that nobody knows, or a place can't be understood.
    pub async fn start_sync(
        &self,
        user: Option<&str>,
        request: SyncRequest,
        idempotency: Option<Idempotency>,
    ) -> Result<SyncRun, Error> {
        let request = checked(request)?;
        let specialties = self.specialties_of(&request)?;
        let mut partitions = Vec::new();
        for (place, specialty) in (0u32..).zip(&specialties) {
            for text in &specialty.texts {
                partitions.push(root(place, text, &request)?);
            }
        }
        let now = self.clock().now();
        let id = canvass_store::new_id(now);
        let run = self
            .store()
            .create_sync(
                &id,
                &request,
                user,
                &specialties,
                &partitions,
                idempotency.as_ref(),
                now,
            )
            .await?;
        self.wake().notify_waiters();
        self.sync_run(&run).await?.ok_or(Error::NotFound("sync"))
    }

    /// A sync with how far it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sync_run(&self, id: &str) -> Result<Option<SyncRun>, Error> {
        let now = self.clock().now();
        let Some(mut run) = self.store().sync_run(id, now).await? else {
            return Ok(None);
        };
        self.add_outlook(&mut run).await?;
        Ok(Some(run))
    }

    /// The latest syncs, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sync_runs(&self, limit: u32) -> Result<Vec<SyncRun>, Error> {
        Ok(self
            .store()
            .sync_runs(false, limit, self.clock().now())
            .await?)
    }

    /// The syncs that are queued or under way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_syncs(&self) -> Result<Vec<SyncRun>, Error> {
        let mut runs = self.store().sync_runs(true, 20, self.clock().now()).await?;
        for run in &mut runs {
            self.add_outlook(run).await?;
        }
        Ok(runs)
    }

    /// Waits for the end of a sync, at most so long.
    ///
    /// # Errors
    /// When the database fails or there is no such sync.
    pub async fn wait_sync(&self, id: &str, longest: Duration) -> Result<SyncRun, Error> {
        let end = tokio::time::Instant::now() + longest;
        loop {
            let run = self.sync_run(id).await?.ok_or(Error::NotFound("sync"))?;
            if run.state.is_over() || tokio::time::Instant::now() >= end {
                return Ok(run);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops a sync; what was stored stays, and it can be resumed.
    ///
    /// # Errors
    /// When there is no such sync, or it is over.
    pub async fn cancel_sync(&self, id: &str) -> Result<SyncRun, Error> {
        let stopped = self.store().cancel_sync(id, self.clock().now()).await?;
        let run = self.sync_run(id).await?.ok_or(Error::NotFound("sync"))?;
        if stopped || run.state == JobState::Cancelled {
            return Ok(run);
        }
        Err(Error::Conflict("this sync is at its end".into()))
    }

    /// Goes on with a sync that was stopped, or asks again for what failed in it.
    ///
    /// # Errors
    /// When there is no such sync, or nothing in it is left to do.
    pub async fn resume_sync(&self, id: &str) -> Result<SyncRun, Error> {
        let resumed = self.store().resume_sync(id).await?;
        let run = self.sync_run(id).await?.ok_or(Error::NotFound("sync"))?;
        if resumed || !run.state.is_over() {
            self.wake().notify_waiters();
            return Ok(run);
        }
        Err(Error::Conflict("nothing in this sync is left to do".into()))
    }

    /// The unfinished sync of this very request: one that an earlier process left.
    ///
    /// # Errors
    /// When the database fails, or the request can't be understood.
    pub async fn unfinished_sync(&self, request: &SyncRequest) -> Result<Option<String>, Error> {
        Ok(self
            .store()
            .unfinished_sync(&checked(request.clone())?)
            .await?)
    }

    /// Records that a sync set aside, with their reasons.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_asides(&self, run: &str, limit: u32) -> Result<Vec<SetAsideRecord>, Error> {
        Ok(self.store().set_asides(run, limit).await?)
    }

    fn specialties_of(&self, request: &SyncRequest) -> Result<Vec<NewSpecialty>, Error> {
        let mut all: Vec<NewSpecialty> = Vec::new();
        for name in &request.specialties {
            let new = match self.catalogue().resolve(name) {
                Ok(known) => NewSpecialty {
                    name: name.trim().to_owned(),
                    texts: known.texts,
                    codes: known.codes,
                    sift: known.sift,
                    unknown: None,
                },
                Err(unknown) if unknown.expected => NewSpecialty {
                    name: unknown.name,
                    texts: Vec::new(),
                    codes: Vec::new(),
                    sift: false,
                    unknown: Some(unknown.nearest),
                },
                Err(unknown) => return Err(unknown.into()),
            };
            let again = |known: &NewSpecialty| {
                known.name == new.name
                    || (new.unknown.is_none()
                        && known.texts == new.texts
                        && known.codes == new.codes)
            };
            if !all.iter().any(again) {
                all.push(new);
            }
        }
        match all.iter().find(|s| s.unknown.is_some()) {
            // With nothing else to do, a name that the registry lacks is a mistake to be told.
            Some(_) if all.iter().all(|s| s.unknown.is_some()) => {
                let name = &all[0].name;
                Err(self
                    .catalogue()
                    .resolve(name)
                    .err()
                    .map_or(Error::NotFound("specialty"), Error::from))
            }
            _ => Ok(all),
        }
    }

    /// Adds what a sync waits for, and how long it may take.
    async fn add_outlook(&self, run: &mut SyncRun) -> Result<(), Error> {
        if run.state != JobState::Running {
            return Ok(());
        }
        let now = self.clock().now();
        let pace = self
            .store()
            .pace_state(&self.settings().registry.url)
            .await?;
        run.note = pace
            .paused_until
            .filter(|until| *until > now)
            .and(pace.note);
        let expected = self.store().last_found(&run.request).await?;
        run.seconds_left = seconds_left(run, expected);
        Ok(())
    }
}

/// Seconds until the end: by what the same sync found last time, else by the specialties that are
/// at their end; none while neither says anything.
fn seconds_left(run: &SyncRun, expected: Option<u64>) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let share = match expected {
        Some(expected) if expected > run.counts.found => run.counts.found as f64 / expected as f64,
        Some(_) => return Some(1.0),
        None => {
            let known = |s: &&canvass_model::SpecialtyProgress| s.state != SpecialtyState::Unknown;
            let all = run.specialties.iter().filter(known).count();
            let ended = run
                .specialties
                .iter()
                .filter(|s| {
                    matches!(
                        s.state,
                        SpecialtyState::Complete | SpecialtyState::Incomplete
                    )
                })
                .count();
            ended as f64 / all.max(1) as f64
        }
    };
    (share > 0.01).then(|| run.seconds * (1.0 - share) / share)
}

fn checked(mut request: SyncRequest) -> Result<SyncRequest, Error> {
    let clean = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    request.specialties = request
        .specialties
        .iter()
        .map(|s| s.trim().to_owned())
        .filter(|s| !s.is_empty())
        .collect();
    request.state = clean(request.state).map(|s| s.to_ascii_uppercase());
    request.city = clean(request.city);
    request.postal_code = clean(request.postal_code).map(|p| p.replace('-', ""));
    if request.specialties.is_empty() {
        return Err(Error::invalid("specialties", "name at least one specialty"));
    }
    if request.specialties.len() > 200 {
        return Err(Error::invalid("specialties", "at most 200 in one sync"));
    }
    if let Some(text) = &mut request.state {
        let Some(state) = State::parse(text) else {
            return Err(Error::invalid(
                "state",
                format!("{text:?} is no state; write two letters, as in CA"),
            ));
        };
        state.code.clone_into(text);
    }
    let fits = |city: &str| city.chars().count() <= 100 && !city.chars().any(char::is_control);
    if !request.city.as_deref().is_none_or(fits) {
        return Err(Error::invalid(
            "city",
            "at most 100 characters, and no control characters",
        ));
    }
    if let Some(code) = request.postal_code.as_deref() {
        let (digits, star) = code.strip_suffix('*').map_or((code, false), |d| (d, true));
        let fits = digits.bytes().all(|b| b.is_ascii_alphanumeric())
            && if star { 2..=8 } else { 3..=9 }.contains(&digits.len());
        if !fits {
            return Err(Error::invalid(
                "postal_code",
                "five or nine digits, or at least two followed by *, as in 937*",
            ));
        }
    }
    Ok(request)
}

fn root(place: u32, text: &str, request: &SyncRequest) -> Result<NewPartition, Error> {
    let query = Query {
        taxonomy_description: Some(text.to_owned()),
        state: request.state.clone(),
        city: request.city.clone(),
        postal_code: request.postal_code.clone(),
        address_purpose: (request.address == AddressScope::Practice).then_some(Purpose::Location),
        ..Query::default()
    };
    new_partition(place, 0, &query)
}

fn new_partition(place: u32, depth: u32, query: &Query) -> Result<NewPartition, Error> {
    Ok(NewPartition {
        place,
        depth,
        query: serde_json::to_string(query).map_err(|e| Error::Internal(e.to_string()))?,
        label: query.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(state: &str, postal_code: &str) -> Result<SyncRequest, Error> {
        checked(SyncRequest {
            specialties: vec![" Family Medicine ".into()],
            state: Some(state.into()),
            postal_code: Some(postal_code.into()),
            ..SyncRequest::default()
        })
    }

    #[test]
    fn a_request_is_cleaned_and_an_odd_one_says_what_is_right() {
        let clean = request(" ca ", "93701-1234").unwrap();
        assert_eq!(clean.specialties, ["Family Medicine"]);
        assert_eq!(clean.state.as_deref(), Some("CA"));
        assert_eq!(clean.postal_code.as_deref(), Some("937011234"));
        for state in ["Calif.", "california"] {
            assert_eq!(request(state, "").unwrap().state.as_deref(), Some("CA"));
        }
        assert_eq!(request("", "").unwrap().state, None);
        for (state, code) in [
            ("XX", ""),
            ("Calfornia", ""),
            ("CA", "9*"),
            ("CA", "93;DROP"),
            ("CA", "*"),
        ] {
            assert!(
                matches!(request(state, code), Err(Error::Invalid(_))),
                "{state} {code}"
            );
        }
        assert!(checked(SyncRequest::default()).is_err());
    }

    #[test]
    fn a_city_that_no_database_holds_is_refused() {
        let of = |city: &str| {
            checked(SyncRequest {
                specialties: vec!["Family Medicine".into()],
                city: Some(city.into()),
                ..SyncRequest::default()
            })
        };
        let city = of(" Coeur d'Alene\n").unwrap().city;
        assert_eq!(city.as_deref(), Some("Coeur d'Alene"));
        for odd in ["Fres\0no", "Fresno\u{1b}[1m", &"x".repeat(101)] {
            let refused = of(odd);
            let Err(Error::Invalid(fields)) = refused else {
                panic!("{odd:?}: {refused:?}");
            };
            assert_eq!(fields[0].name, "city", "{odd:?}");
        }
    }
}
