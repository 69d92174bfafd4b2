//! Ids that we give out: 16 random bytes in base64url. Not secrets. One type per use.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{error::Unspecified, rand::SecureRandom};
use std::marker::PhantomData;

/// The id of an access token (`jti`, RFC 7519 §4.1.7).
pub type TokenId = Id<OfToken>;
/// The id of a grant, in every token issued under it.
pub type GrantId = Id<OfGrant>;

/// Marks the ids of access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OfToken {}
/// Marks the ids of grants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OfGrant {}

/// An id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Id<Use>(String, PhantomData<Use>);

impl<Use> Id<Use> {
    /// Makes a new id.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes), PhantomData))
    }

    /// Reads an id out of a token that we signed. `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let legal = raw.len() == 22 && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        legal.then(|| Self(raw.to_owned(), PhantomData))
    }

    /// The id as in tokens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
