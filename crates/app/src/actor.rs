use canvass_model::Role;
use canvass_store::{Idempotency, User};
use serde::Serialize;

use crate::Error;

/// Who asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Their identifier; absent for the command line.
    pub user_id: Option<String>,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Actor {
    /// Whoever holds the database itself: the command line.
    pub fn system() -> Self {
        Self {
            user_id: None,
            name: "canvass".to_owned(),
            role: Role::Admin,
        }
    }

    /// Refuses what asks for more than their role.
    ///
    /// # Errors
    /// When the role is not enough.
    pub fn require(&self, role: Role) -> Result<(), Error> {
        if self.role >= role {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "this needs the role {role}; {} is {}",
            self.name, self.role
        )))
    }

    /// Whether they are this user.
    pub(crate) fn is(&self, user_id: &str) -> bool {
        self.user_id.as_deref() == Some(user_id)
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// What a request with an `Idempotency-Key` is known by; nothing without a key. `action` says
    /// what is done with the request, so that one key is not used for two actions.
    ///
    /// # Errors
    /// When the key is none.
    pub fn idempotency(
        &self,
        key: Option<&str>,
        action: &str,
        request: &impl Serialize,
    ) -> Result<Option<Idempotency>, Error> {
        let Some(key) = key else { return Ok(None) };
        if key.is_empty() || key.len() > 200 || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid(
                "Idempotency-Key",
                "from 1 to 200 visible ASCII characters",
            ));
        }
        let canonical = serde_json::to_vec(&(action, request))
            .map_err(|e| Error::Internal(format!("a request has no JSON: {e}")))?;
        Ok(Some(Idempotency {
            user: self.user_id.clone().unwrap_or_default(),
            key: key.to_owned(),
            request: blake3::hash(&canonical).as_bytes().to_vec(),
        }))
    }
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self {
            user_id: Some(user.id.clone()),
            name: user.name.clone(),
            role: user.role,
        }
    }
}
