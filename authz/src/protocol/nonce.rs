//! The `nonce` of an authentication request: the client's own value, returned in the ID token (OIDC Core §3.1.2.1).

/// An opaque value of the client, up to 1024 bytes. Nothing in it is interpreted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

/// The value is longer than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nonce is longer than 1024 bytes")]
pub struct InvalidNonce;

impl Nonce {
    const MAX_BYTES: usize = 1024;

    /// Takes a nonce as sent.
    ///
    /// # Errors
    /// It is longer than 1024 bytes.
    pub fn parse(raw: &str) -> Result<Self, InvalidNonce> {
        if raw.len() > Self::MAX_BYTES { Err(InvalidNonce) } else { Ok(Self(raw.to_owned())) }
    }

    /// The value as sent, decoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
