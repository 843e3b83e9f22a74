//! Access: set-up, logins, sessions, users, tokens.

mod password;
mod secret;

use std::net::IpAddr;

use canvass_model::Role;
use canvass_store::{AccessEdit, Attempt, LoginKey, NewUser, SetUp, TokenInfo, User, name_key};

use crate::{Actor, App, Error};

pub use secret::Secret;
use secret::{code_hash, hash};

/// What a token begins with, so that one that leaked is found.
pub const TOKEN_PREFIX: &str = "cvs_";
/// Characters that a password has at least.
pub const LEAST_PASSWORD: usize = 10;
const MOST_PASSWORD: usize = 1_000;
const MOST_NAME: usize = 100;
/// Failed logins of an account that have no consequence.
const FREE_ACCOUNT: u32 = 5;
/// Failed logins from an address that have no consequence: a whole office may share one.
const FREE_ADDRESS: u32 = 20;

/// A session that has just begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// What the browser shows from now on.
    pub secret: Secret,
    /// Who it is.
    pub user: User,
}

impl App {
    /// Whether nobody has access yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn needs_setup(&self) -> Result<bool, Error> {
        Ok(self.store().has_no_user().await?)
    }

    /// A new code for the first-run set-up, to be shown on the console only. One made before no
    /// longer works.
    ///
    /// # Errors
    /// When somebody has access already.
    pub async fn setup_code(&self) -> Result<Secret, Error> {
        let code = Secret::code()?;
        if self
            .store()
            .set_setup_code(&code_hash(code.expose()))
            .await?
        {
            Ok(code)
        } else {
            Err(set_up_already())
        }
    }

    /// Makes the first administrator and begins a session of theirs.
    ///
    /// # Errors
    /// When the code is wrong, somebody has access already, or name or password can't be accepted.
    pub async fn setup(&self, code: &str, name: &str, password: &str) -> Result<Login, Error> {
        check_name(name)?;
        password::check(name, password)?;
        if !self.needs_setup().await? {
            return Err(set_up_already());
        }
        let new = NewUser {
            name: name.trim().to_owned(),
            role: Role::Admin,
            password_hash: password::hashed(password).await?,
        };
        let now = self.clock().now();
        match self.store().set_up(&code_hash(code), &new, now).await? {
            SetUp::Done(user) => {
                tracing::info!(user = %user.name, "set up");
                self.begin_session(user, &new.password_hash).await
            }
            SetUp::WrongCode => Err(Error::Forbidden(
                "this is not the code that canvass printed when it started".to_owned(),
            )),
            SetUp::AlreadyDone => Err(set_up_already()),
        }
    }

    /// Begins a session of whoever has this name and password. Failures are counted by account and
    /// by address, and lock for longer and longer.
    ///
    /// # Errors
    /// [`Error::WrongLogin`] whether the name is not known, the password is wrong or the user is
    /// disabled; [`Error::Throttled`].
    pub async fn login(
        &self,
        name: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<Login, Error> {
        if name.chars().count() > MOST_NAME || password.chars().count() > MOST_PASSWORD {
            return Err(Error::WrongLogin);
        }
        let account = account_key(name);
        let address = address.map(address_key);
        let mut keys = vec![LoginKey {
            key: account.clone(),
            free: FREE_ACCOUNT,
        }];
        keys.extend(address.clone().map(|key| LoginKey {
            key,
            free: FREE_ADDRESS,
        }));
        self.attempt(&keys).await?;
        let known = self.store().credentials(&without_nul(name)).await?;
        let hash = known.as_ref().map(|(_, hash)| hash.clone());
        let right = password::verified(password, hash).await?;
        match known {
            Some((user, verified)) if right && !user.disabled => {
                let login = self.begin_session(user, &verified).await?;
                self.store()
                    .login_succeeded(&account, address.as_deref())
                    .await?;
                Ok(login)
            }
            _ => Err(Error::WrongLogin),
        }
    }

    async fn attempt(&self, keys: &[LoginKey]) -> Result<(), Error> {
        let mut attempts = 0;
        let now = self.clock().now();
        let attempt = loop {
            match self.store().login_attempt(keys, now).await {
                Err(canvass_store::Error::Conflict) if attempts < 5 => attempts += 1,
                other => break other?,
            }
        };
        match attempt {
            Attempt::Go => Ok(()),
            Attempt::Locked(until) => {
                let wait = until.duration_since(now).as_secs_f64().ceil();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a lock ends in the future, and within an hour"
                )]
                let seconds = wait as u64;
                Err(Error::Throttled { seconds })
            }
        }
    }

    /// Begins a session of a user whose password with this hash was given. It may have been changed
    /// while it was looked at, which takes a while.
    async fn begin_session(&self, user: User, verified: &str) -> Result<Login, Error> {
        let secret = Secret::random("")?;
        let now = self.clock().now();
        let begun = self
            .store()
            .begin_session(&secret.hash(), &user.id, verified, now)
            .await?;
        if !begun {
            return Err(Error::WrongLogin);
        }
        Ok(Login { secret, user })
    }

    /// Whose session this is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, secret: &str) -> Result<Option<User>, Error> {
        let now = self.clock().now();
        Ok(self.store().session_user(&hash(secret), now).await?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logout(&self, secret: &str) -> Result<(), Error> {
        Ok(self.store().end_session(&hash(secret)).await?)
    }

    /// All users, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        Ok(self.store().users().await?)
    }

    /// The user with this name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn user_by_name(&self, name: &str) -> Result<User, Error> {
        let user = self.store().user_by_name(&without_nul(name)).await?;
        user.ok_or(Error::NotFound("user"))
    }

    /// Gives somebody access.
    ///
    /// # Errors
    /// When the actor is no administrator, the name is taken, or name or password can't be
    /// accepted.
    pub async fn add_user(
        &self,
        actor: &Actor,
        name: &str,
        password: &str,
        role: Role,
    ) -> Result<User, Error> {
        actor.require(Role::Admin)?;
        check_name(name)?;
        password::check(name, password)?;
        let new = NewUser {
            name: name.trim().to_owned(),
            role,
            password_hash: password::hashed(password).await?,
        };
        let user = self.store().add_user(&new, self.clock().now()).await?;
        let user = user.ok_or_else(|| Error::invalid("name", "somebody has this name already"))?;
        tracing::info!(by = %actor.name, user = %user.name, %role, "gave access");
        Ok(user)
    }

    /// Gives somebody another role.
    ///
    /// # Errors
    /// When the actor is no administrator, or it would leave none.
    pub async fn set_role(&self, actor: &Actor, user_id: &str, role: Role) -> Result<User, Error> {
        actor.require(Role::Admin)?;
        let user = edited(self.store().set_role(user_id, role).await?)?;
        tracing::info!(by = %actor.name, user = %user.name, %role, "changed a role");
        Ok(user)
    }

    /// Keeps somebody from signing in, which ends their sessions and stops their tokens; or lets
    /// them again.
    ///
    /// # Errors
    /// When the actor is no administrator, or it would leave none.
    pub async fn disable_user(
        &self,
        actor: &Actor,
        user_id: &str,
        disabled: bool,
    ) -> Result<User, Error> {
        actor.require(Role::Admin)?;
        let user = edited(self.store().set_disabled(user_id, disabled).await?)?;
        tracing::info!(by = %actor.name, user = %user.name, disabled, "changed access");
        Ok(user)
    }

    /// Gives somebody a new password, without asking for the old one. It ends their sessions, and
    /// the account is no longer locked.
    ///
    /// # Errors
    /// When the actor is no administrator or the password can't be accepted.
    pub async fn set_password(
        &self,
        actor: &Actor,
        user_id: &str,
        password: &str,
    ) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let user = self.store().user(user_id).await?;
        let user = user.ok_or(Error::NotFound("user"))?;
        self.replace_password(&user, password, None, None).await?;
        tracing::info!(by = %actor.name, user = %user.name, "set a password");
        Ok(())
    }

    /// Changes one's own password, in the session with this secret, which goes on; the others end.
    ///
    /// # Errors
    /// [`Error::WrongLogin`] when the current password is wrong; when the new one can't be
    /// accepted.
    pub async fn change_password(
        &self,
        secret: &str,
        current: &str,
        password: &str,
    ) -> Result<(), Error> {
        let user = self.session(secret).await?.ok_or(Error::WrongLogin)?;
        self.attempt(&[LoginKey {
            key: account_key(&user.name),
            free: FREE_ACCOUNT,
        }])
        .await?;
        let known = self.store().credentials(&user.name).await?;
        let known = known.map(|(_, hash)| hash);
        if !password::verified(current, known.clone()).await? {
            return Err(Error::WrongLogin);
        }
        self.replace_password(&user, password, known.as_deref(), Some(secret))
            .await
    }

    async fn replace_password(
        &self,
        user: &User,
        password: &str,
        verified: Option<&str>,
        keep: Option<&str>,
    ) -> Result<(), Error> {
        password::check(&user.name, password)?;
        let hashed = password::hashed(password).await?;
        let keep = keep.map(hash);
        let set = self
            .store()
            .set_password(&user.id, &hashed, verified, keep.as_deref())
            .await?;
        if !set {
            return Err(Error::WrongLogin);
        }
        let account = account_key(&user.name);
        Ok(self.store().login_succeeded(&account, None).await?)
    }

    /// Gives a user a token for scripts, which may do what they may. The secret is shown this once.
    ///
    /// # Errors
    /// When it is for somebody else and the actor no administrator, the user may not sign in, or the
    /// name can't be accepted.
    pub async fn create_token(
        &self,
        actor: &Actor,
        user_id: &str,
        name: &str,
    ) -> Result<(Secret, TokenInfo), Error> {
        own_or_admin(actor, user_id)?;
        check_name(name)?;
        let user = self.store().user(user_id).await?;
        let user = user.ok_or(Error::NotFound("user"))?;
        let secret = Secret::random(TOKEN_PREFIX)?;
        let now = self.clock().now();
        let token = self
            .store()
            .add_token(&user.id, name.trim(), &secret.hash(), now)
            .await?;
        let token = token.ok_or_else(|| Error::invalid("user", "may not sign in"))?;
        tracing::info!(by = %actor.name, user = %user.name, token = %token.name, "made a token");
        Ok((secret, token))
    }

    /// The tokens of a user, newest first.
    ///
    /// # Errors
    /// When they are somebody else's and the actor is no administrator.
    pub async fn tokens(&self, actor: &Actor, user_id: &str) -> Result<Vec<TokenInfo>, Error> {
        own_or_admin(actor, user_id)?;
        Ok(self.store().tokens(user_id).await?)
    }

    /// Takes a token from a user.
    ///
    /// # Errors
    /// When it is somebody else's and the actor no administrator, or there is no such token.
    pub async fn revoke_token(&self, actor: &Actor, user_id: &str, id: &str) -> Result<(), Error> {
        own_or_admin(actor, user_id)?;
        if self.store().revoke_token(user_id, id).await? {
            tracing::info!(by = %actor.name, token = id, "revoked a token");
            return Ok(());
        }
        Err(Error::NotFound("token"))
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_user(&self, secret: &str) -> Result<Option<User>, Error> {
        if !secret.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let now = self.clock().now();
        Ok(self.store().token_user(&hash(secret), now).await?)
    }

    /// Removes what has had its time: kept answers, ended sessions, old failed logins. To be
    /// called once an hour or so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<(), Error> {
        Ok(self.store().sweep(self.clock().now()).await?)
    }
}

fn own_or_admin(actor: &Actor, user_id: &str) -> Result<(), Error> {
    if actor.is(user_id) {
        return Ok(());
    }
    actor.require(Role::Admin)
}

fn set_up_already() -> Error {
    Error::Conflict("canvass has been set up already; sign in instead".to_owned())
}

fn edited(edit: AccessEdit) -> Result<User, Error> {
    match edit {
        AccessEdit::Done(user) => Ok(user),
        AccessEdit::Missing => Err(Error::NotFound("user")),
        AccessEdit::LastAdmin => Err(Error::Conflict(
            "this is the last administrator: give somebody else that role first".to_owned(),
        )),
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let length = name.trim().chars().count();
    if length == 0 || length > MOST_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "name",
            "from 1 to 100 characters on one line",
        ));
    }
    Ok(())
}

/// No name has the character that PostgreSQL can't be asked for.
fn without_nul(name: &str) -> String {
    name.replace('\0', " ")
}

fn account_key(name: &str) -> String {
    format!("account:{}", name_key(&without_nul(name)))
}

/// An address, or the network of one, since whoever has one address of IPv6 has 2^64 of them.
fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("address:{v4}"),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_counted_together() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }
}
