//! Client identifiers (RFC 6749 §2.2).

use std::fmt;

/// The name of a client: 1 to 256 visible ASCII characters. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// The value cannot be a client identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client_id is 1 to 256 visible ASCII characters, and not u_ or f_ and 22 more: so begins the id of a person")]
pub struct InvalidClientId;

impl ClientId {
    const MAX_BYTES: usize = 256;

    /// Parses a client identifier.
    ///
    /// # Errors
    /// It is empty, too long, has a character outside of visible ASCII, or could be the `sub` of a person (RFC 9068 §5:
    /// nobody may choose a client id that collides with one).
    pub fn parse(raw: &str) -> Result<Self, InvalidClientId> {
        let legal = (1..=Self::MAX_BYTES).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_graphic());
        let person = (raw.starts_with("u_") || raw.starts_with("f_")) && raw.len() == 24;
        if legal && !person { Ok(Self(raw.to_owned())) } else { Err(InvalidClientId) }
    }

    /// The identifier as on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_visible_ascii_of_bounded_length() {
        assert_eq!(ClientId::parse("simple-mcp-client").unwrap().as_str(), "simple-mcp-client");
        assert!(ClientId::parse("https://app.example/client.json").is_ok());
        for hostile in
            ["u_rdM4dmsPSa4bUlxEAyyjpQ", "f_rdM4dmsPSa4bUlxEAyyjpQ", "", "a b", "a\0", "a\r\nb", "ä", &"x".repeat(257)]
        {
            assert_eq!(ClientId::parse(hostile), Err(InvalidClientId), "{hostile:?}");
        }
    }
}
