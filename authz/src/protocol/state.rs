//! The `state` of an authorization request: the client's own value, returned as it came (RFC 6749 §4.1.2).

/// An opaque value of the client, up to 4096 bytes. Nothing in it is interpreted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(String);

/// The value is longer than is kept, or cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state is longer than 4096 bytes, or has a NUL character")]
pub struct InvalidState;

impl State {
    const MAX_BYTES: usize = 4096;

    /// Takes a state as sent.
    ///
    /// # Errors
    /// It is longer than 4096 bytes, or has a NUL character, which PostgreSQL does not keep.
    pub fn parse(raw: &str) -> Result<Self, InvalidState> {
        let fits = raw.len() <= Self::MAX_BYTES && !raw.contains('\0');
        if fits { Ok(Self(raw.to_owned())) } else { Err(InvalidState) }
    }

    /// The value as sent, decoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_nul_is_kept_up_to_a_length() {
        for right in ["", "a\r\nb&c=d'--", "\u{1f512}\t\u{1}", &"x".repeat(4096)] {
            assert_eq!(State::parse(right).unwrap().as_str(), right);
        }
        for wrong in ["a\0b", &"x".repeat(4096 + 1)] {
            assert_eq!(State::parse(wrong), Err(InvalidState));
        }
    }
}
