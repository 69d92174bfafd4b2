//! Refresh tokens (RFC 6749 §6, OAuth 2.1 §4.3.1): every use replaces the token. All tokens of one grant are a family,
//! and a token that was replaced before tells that two parties hold the family: it ends with its grant.

use super::{Grant, GrantState, SecretHash};
use crate::protocol::ClientId;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{error::Unspecified, rand::SecureRandom};
use std::fmt;

const FAMILY_BYTES: usize = 16;
const BYTES: usize = 48;

/// A refresh token in the clear: 16 random bytes that its family shares and 32 of its own; 64 characters of base64url
/// on the wire. Debug shows nothing of it.
#[derive(Clone)]
pub struct RefreshToken([u8; BYTES]);

/// Marks the hash of what a family shares.
pub enum Family {}
/// Marks the hash of a whole refresh token.
pub enum Refresh {}

/// A family as stored.
pub type FamilyHash = SecretHash<Family>;
/// A refresh token as stored.
pub type RefreshHash = SecretHash<Refresh>;

/// All refresh tokens of one grant, of which one is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFamily {
    /// SHA-256 of what its tokens share.
    pub id: FamilyHash,
    /// What they stand for. When it is revoked, all of them are dead.
    pub grant: Grant,
    /// How far the rotation has come.
    pub stage: FamilyStage,
    /// When the current token is over; every rotation moves it.
    pub expires_at: Timestamp,
}

/// The life of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FamilyStage {
    /// Its first token was not used.
    Fresh {
        /// That token.
        current: RefreshHash,
    },
    /// Tokens of it were used and replaced.
    Rotated {
        /// The one that is good.
        current: RefreshHash,
        /// The one that it replaced.
        parent: RefreshHash,
        /// When.
        at: Timestamp,
    },
}

/// A use of a refresh token that keeps to the rules of the request itself.
#[derive(Clone, Debug)]
pub struct Refreshing {
    /// The family of the token that was presented.
    pub family: FamilyHash,
    /// The token that was presented.
    pub presented: RefreshHash,
    /// Who presents it.
    pub client_id: ClientId,
    /// The token that takes its place.
    pub next: RefreshHash,
    /// When the next one is over.
    pub next_expires_at: Timestamp,
    /// For how long the token just replaced is taken for a retry of its own client.
    pub grace: SignedDuration,
}

/// What presenting a refresh token comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was the good one. The next one is, now.
    Rotated,
    /// It was replaced a moment ago, and its own client presents it again: refused, and nothing else happens.
    Spared,
    /// Somebody presents a token that is not theirs, or was replaced before: the grant has to end.
    Reused,
    /// It is too old, or its grant was revoked, or there is no such family.
    Dead,
}

impl RefreshToken {
    /// Makes the first token of a family.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Makes the next token of the family.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn next(&self, random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = self.0;
        let (_, own) = bytes.split_at_mut(FAMILY_BYTES);
        random.fill(own)?;
        Ok(Self(bytes))
    }

    /// Reads a token from the wire. `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        // The length first: nothing long is decoded.
        let decoded = (raw.len() == 64).then(|| URL_SAFE_NO_PAD.decode(raw))?.ok()?;
        Some(Self(decoded.try_into().ok()?))
    }

    /// What is stored of its family.
    #[must_use]
    pub fn family(&self) -> FamilyHash {
        let (family, _) = self.0.split_at(FAMILY_BYTES);
        SecretHash::of(family)
    }

    /// What is stored of the token.
    #[must_use]
    pub fn hash(&self) -> RefreshHash {
        SecretHash::of(&self.0)
    }

    /// The token for the wire.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(***)")
    }
}

impl RefreshFamily {
    /// The family of a first token.
    #[must_use]
    pub fn begin(first: &RefreshToken, grant: Grant, expires_at: Timestamp) -> Self {
        Self { id: first.family(), grant, stage: FamilyStage::Fresh { current: first.hash() }, expires_at }
    }

    /// Decides what a use comes to. Pure. OAuth 2.1 §4.3.1: a token that was replaced MUST NOT be taken, and the
    /// authorization server cannot tell thief from client, so both lose the grant.
    #[must_use]
    pub fn judge(&self, refreshing: &Refreshing, now: Timestamp) -> Rotation {
        if self.grant.state != GrantState::Alive {
            return Rotation::Dead;
        }
        if self.grant.client_id != refreshing.client_id {
            return Rotation::Reused;
        }
        match &self.stage {
            FamilyStage::Fresh { current } | FamilyStage::Rotated { current, .. }
                if *current == refreshing.presented =>
            {
                if now < self.expires_at {
                    Rotation::Rotated
                } else {
                    Rotation::Dead
                }
            }
            FamilyStage::Rotated { parent, at, .. } if *parent == refreshing.presented => {
                if now < *at + refreshing.grace { Rotation::Spared } else { Rotation::Reused }
            }
            FamilyStage::Fresh { .. } | FamilyStage::Rotated { .. } => Rotation::Reused,
        }
    }

    /// The family after a use that was judged [`Rotation::Rotated`].
    #[must_use]
    pub fn rotated(self, refreshing: &Refreshing, now: Timestamp) -> Self {
        let stage =
            FamilyStage::Rotated { current: refreshing.next.clone(), parent: refreshing.presented.clone(), at: now };
        Self { stage, expires_at: refreshing.next_expires_at, ..self }
    }
}

#[cfg(test)]
mod tests;
