//! The `nonce` of an authentication request: the client's own value, returned in the ID token (OIDC Core §3.1.2.1).

/// An opaque value of the client, up to 1024 bytes. Nothing in it is interpreted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

/// The value is longer than is kept, or cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nonce is longer than 1024 bytes, or has a NUL character")]
pub struct InvalidNonce;

impl Nonce {
    const MAX_BYTES: usize = 1024;

    /// Takes a nonce as sent.
    ///
    /// # Errors
    /// It is longer than 1024 bytes, or has a NUL character, which PostgreSQL does not keep.
    pub fn parse(raw: &str) -> Result<Self, InvalidNonce> {
        let fits = raw.len() <= Self::MAX_BYTES && !raw.contains('\0');
        if fits { Ok(Self(raw.to_owned())) } else { Err(InvalidNonce) }
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
            assert_eq!(Nonce::parse(right).unwrap().as_str(), right);
        }
        for wrong in ["a\0b", &"x".repeat(1024 + 1)] {
            assert_eq!(Nonce::parse(wrong), Err(InvalidNonce));
        }
    }
}
