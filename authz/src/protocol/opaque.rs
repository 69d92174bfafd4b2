//! Values of the client's own, in which nothing is interpreted here: they go back as they came.

/// The `state` of an authorization request, returned with the answer (RFC 6749 §4.1.2).
pub type State = Opaque<4096>;
/// The `nonce` of an authorization request, returned in the ID token (OIDC Core §3.1.2.1).
pub type Nonce = Opaque<1024>;

/// A value of up to `MAX_BYTES` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque<const MAX_BYTES: usize>(String);

/// The value is longer than is kept, or cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value is too long, or has a NUL character")]
pub struct InvalidOpaque;

impl<const MAX_BYTES: usize> Opaque<MAX_BYTES> {
    /// Takes a value as sent.
    ///
    /// # Errors
    /// It is longer than `MAX_BYTES`, or has a NUL character, which PostgreSQL does not keep.
    pub fn parse(raw: &str) -> Result<Self, InvalidOpaque> {
        let fits = raw.len() <= MAX_BYTES && !raw.contains('\0');
        if fits { Ok(Self(raw.to_owned())) } else { Err(InvalidOpaque) }
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
        for right in ["", "a\r\nb&c=d'--", "\u{1f512}\t\u{1}", &"x".repeat(1024)] {
            assert_eq!(State::parse(right).unwrap().as_str(), right);
            assert_eq!(Nonce::parse(right).unwrap().as_str(), right);
        }
        for wrong in ["a\0b", &"x".repeat(4096 + 1)] {
            assert_eq!((State::parse(wrong), Nonce::parse(wrong)), (Err(InvalidOpaque), Err(InvalidOpaque)));
        }
        assert!(State::parse(&"x".repeat(4096)).is_ok() && Nonce::parse(&"x".repeat(1024 + 1)).is_err());
    }
}
