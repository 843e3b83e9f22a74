//! Passwords, hashed with Argon2id away from the threads that serve.

use std::sync::OnceLock;

use tokio::sync::Semaphore;

use crate::Error;

/// Each takes 19 MiB and a core for a while, so few at a time.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Runs something that hashes.
async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let turn = HASHING
        .acquire()
        .await
        .map_err(|e| Error::Internal(e.to_string()))?;
    tokio::task::spawn_blocking(move || {
        let done = work();
        // Kept until the work is done, also when nobody waits for it any more.
        drop(turn);
        done
    })
    .await
    .map_err(|e| Error::Internal(e.to_string()))
}

/// The hash of a new password, in PHC form.
pub(super) async fn hashed(password: &str) -> Result<String, Error> {
    let password = password.to_owned();
    hashing(move || password_auth::generate_hash(password)).await
}

/// Whether this is the password with that hash. Without a hash it never is, and that takes as long
/// to say.
pub(super) async fn verified(password: &str, hash: Option<String>) -> Result<bool, Error> {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let password = password.to_owned();
    hashing(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| {
            NOBODYS
                .get_or_init(|| password_auth::generate_hash("nobody's"))
                .clone()
        });
        password_auth::verify_password(password, &hash).is_ok() && known
    })
    .await
}

/// Refuses a password that is too short, too long, or the name.
pub(super) fn check(name: &str, password: &str) -> Result<(), Error> {
    let length = password.chars().count();
    if length < super::LEAST_PASSWORD {
        return Err(Error::invalid(
            "password",
            format!("at least {} characters", super::LEAST_PASSWORD),
        ));
    }
    if length > super::MOST_PASSWORD {
        return Err(Error::invalid("password", "at most 1,000 characters"));
    }
    if canvass_store::name_key(name) == canvass_store::name_key(password) {
        return Err(Error::invalid("password", "something else than the name"));
    }
    Ok(())
}
