//! The `state` of an authorization request: the client's own value, returned as it came (RFC 6749 §4.1.2).

/// An opaque value of the client, up to 4096 bytes. Nothing in it is interpreted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(String);

/// The value is longer than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state is longer than 4096 bytes")]
pub struct InvalidState;

impl State {
    const MAX_BYTES: usize = 4096;

    /// Takes a state as sent.
    ///
    /// # Errors
    /// It is longer than 4096 bytes.
    pub fn parse(raw: &str) -> Result<Self, InvalidState> {
        if raw.len() > Self::MAX_BYTES { Err(InvalidState) } else { Ok(Self(raw.to_owned())) }
    }

    /// The value as sent, decoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
