//! Bearer secrets that we make: 32 random bytes, base64url on the wire, SHA-256 at rest. One type per use.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, error::Unspecified, hmac, rand::SecureRandom};
use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};
use subtle::ConstantTimeEq as _;

/// A secret in the clear. Debug shows nothing of it.
pub struct Secret<Use> {
    bytes: [u8; 32],
    of: PhantomData<Use>,
}

/// SHA-256 of a [`Secret`], base64url without padding: what the store keeps and looks up.
pub struct SecretHash<Use> {
    text: String,
    of: PhantomData<Use>,
}

/// Marks the secrets of authorization codes.
pub enum Code {}
/// Marks the secrets of browser sessions.
pub enum Session {}
/// Marks the secrets that name a pending authorization.
pub enum Request {}

/// Marks the secrets by which a client manages its own registration (RFC 7592).
pub enum RegistrationAccess {}
/// Marks the secrets that allow to register a client (RFC 7591 §1.2).
pub enum InitialAccess {}

/// An authorization code as the client gets it.
pub type CodeSecret = Secret<Code>;
/// An authorization code as stored.
pub type CodeHash = SecretHash<Code>;
/// The value of the session cookie.
pub type SessionSecret = Secret<Session>;
/// A browser session as stored.
pub type SessionHash = SecretHash<Session>;
/// The `request` parameter of the login and consent pages.
pub type RequestSecret = Secret<Request>;
/// A pending authorization as stored.
pub type RequestHash = SecretHash<Request>;
/// A registration access token as the client gets it.
pub type RegistrationAccessToken = Secret<RegistrationAccess>;
/// A registration access token as stored.
pub type RegistrationAccessHash = SecretHash<RegistrationAccess>;
/// An initial access token as the operator gets it.
pub type InitialAccessToken = Secret<InitialAccess>;
/// An initial access token as stored.
pub type InitialAccessHash = SecretHash<InitialAccess>;

impl<Use> Secret<Use> {
    /// Makes a new secret.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self { bytes, of: PhantomData })
    }

    /// Reads a secret from the wire. `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        // The length first: nothing long is decoded.
        let decoded = (raw.len() == 43).then(|| URL_SAFE_NO_PAD.decode(raw))?.ok()?;
        Some(Self { bytes: decoded.try_into().ok()?, of: PhantomData })
    }

    /// What is stored of the secret.
    #[must_use]
    pub fn hash(&self) -> SecretHash<Use> {
        SecretHash::of(&self.bytes)
    }

    /// The secret for the wire: 43 characters of base64url.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes)
    }

    /// The 32 bytes, for use as a key.
    #[must_use]
    pub const fn reveal_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl CodeHash {
    /// The hash of a code that is sealed instead of random.
    #[must_use]
    pub fn of_sealed(sealed: &[u8]) -> Self {
        Self::of(sealed)
    }
}

impl CodeSecret {
    /// The code for one request in one session: the same each time, and known to nobody who does not hold both secrets.
    #[must_use]
    pub fn derive(session: &SessionSecret, request: &RequestSecret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, session.reveal_bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"authorization code");
        context.update(request.reveal_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        Self { bytes, of: PhantomData }
    }
}

impl<Use> Clone for Secret<Use> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes, of: PhantomData }
    }
}

impl<Use> fmt::Debug for Secret<Use> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<Use> SecretHash<Use> {
    /// The hash of a secret's bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { text: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes)), of: PhantomData }
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the hash of `presented`, in constant time.
    #[must_use]
    pub fn matches(&self, presented: &Secret<Use>) -> bool {
        self.text.as_bytes().ct_eq(presented.hash().text.as_bytes()).into()
    }

    /// A hash read back from the store.
    #[must_use]
    pub fn from_store(text: String) -> Self {
        Self { text, of: PhantomData }
    }
}

impl<Use> Clone for SecretHash<Use> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), of: PhantomData }
    }
}

impl<Use> PartialEq for SecretHash<Use> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<Use> Eq for SecretHash<Use> {}

impl<Use> Hash for SecretHash<Use> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<Use> fmt::Debug for SecretHash<Use> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretHash({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire_and_nothing_else_parses() {
        let secret = CodeSecret { bytes: [7; 32], of: PhantomData };
        assert_eq!(CodeSecret::parse(&secret.reveal()).unwrap().hash(), secret.hash());
        assert!(secret.hash().matches(&secret));
        assert!(!secret.hash().matches(&CodeSecret { bytes: [8; 32], of: PhantomData }));
        for hostile in ["", "x", &"a".repeat(100_000), &"=".repeat(43), &secret.reveal().replace('B', "+")] {
            assert!(CodeSecret::parse(hostile).is_none());
        }
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
