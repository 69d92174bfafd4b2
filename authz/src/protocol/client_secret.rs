//! Client secrets (RFC 6749 §2.3.1): shown once, kept as a SHA-256, compared in constant time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, error::Unspecified, rand::SecureRandom};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// A client secret in the clear: presented by a client, or just made for one.
#[derive(Clone)]
pub struct ClientSecret(String);

impl ClientSecret {
    const MAX_BYTES: usize = 256;

    /// Makes a secret of 32 random bytes.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Takes a secret as presented. `None` if it is empty or longer than any secret here is.
    #[must_use]
    pub fn presented(raw: String) -> Option<Self> {
        (1..=Self::MAX_BYTES).contains(&raw.len()).then_some(Self(raw))
    }

    /// What is stored of the secret.
    #[must_use]
    pub fn hash(&self) -> ClientSecretHash {
        ClientSecretHash(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.0.as_bytes())))
    }

    /// The secret itself: for the one answer that hands it out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(***)")
    }
}

/// SHA-256 of a client secret, base64url without padding.
#[derive(Clone)]
pub struct ClientSecretHash(String);

impl ClientSecretHash {
    /// Whether `presented` is the secret, in constant time.
    #[must_use]
    pub fn matches(&self, presented: &ClientSecret) -> bool {
        self.0.as_bytes().ct_eq(presented.hash().0.as_bytes()).into()
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hash read back from the store.
    #[must_use]
    pub fn from_store(stored: String) -> Self {
        Self(stored)
    }
}

impl fmt::Debug for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretHash(***)")
    }
}

impl PartialEq for ClientSecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for ClientSecretHash {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_only_the_whole_secret() {
        let hash = ClientSecret::presented("simple-mcp-secret-123".into()).unwrap().hash();
        let try_out = |raw: &str| ClientSecret::presented(raw.into()).is_some_and(|secret| hash.matches(&secret));
        assert!(try_out("simple-mcp-secret-123"));
        for wrong in
            ["", "simple-mcp-secret-12", "simple-mcp-secret-1234", "Simple-mcp-secret-123", &"x".repeat(20_000)]
        {
            assert!(!try_out(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        let secret = ClientSecret::presented("hunter2".into()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "ClientSecret(***) ClientSecretHash(***)");
    }
}
