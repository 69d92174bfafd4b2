//! Grants: that a person allowed a client to act on a resource. Tokens carry the id of their grant; they have no rows.

use super::{Authentication, Subject};
use crate::protocol::{ClientId, Resource, Scope};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{error::Unspecified, rand::SecureRandom};

/// What a person allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id, in every token issued under it.
    pub id: GrantId,
    /// Who allowed it.
    pub subject: Subject,
    /// To whom.
    pub client_id: ClientId,
    /// What.
    pub scope: Scope,
    /// Where.
    pub resource: Resource,
    /// How and when they had proved who they are; `None` where no person was asked.
    pub authentication: Option<Authentication>,
    /// When.
    pub created_at: Timestamp,
    /// Whether it still holds.
    pub state: GrantState,
}

/// The life of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// Tokens under it are good.
    Alive,
    /// Tokens under it are dead.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

/// The id of a grant: 16 random bytes in base64url. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GrantId(String);

impl GrantId {
    /// Makes a new id.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads an id out of a token that we signed. `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let legal = raw.len() == 22 && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        legal.then(|| Self(raw.to_owned()))
    }

    /// The id as in tokens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
