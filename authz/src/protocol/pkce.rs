//! PKCE (RFC 7636), S256 only: `plain` protects nobody whose authorization request is read.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The challenge of an authorization request: SHA-256 of the verifier, base64url, 43 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// The value cannot be an S256 challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an S256 code_challenge is 32 bytes in base64url")]
pub struct InvalidCodeChallenge;

/// The verifier of a token request: 43 to 128 unreserved characters (RFC 7636 §4.1). A secret.
pub struct CodeVerifier(String);

/// The value cannot be a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code_verifier is 43 to 128 unreserved characters")]
pub struct InvalidCodeVerifier;

impl CodeChallenge {
    /// Parses a challenge made by S256.
    ///
    /// # Errors
    /// It is not 32 bytes in canonical base64url without padding.
    pub fn parse(raw: &str) -> Result<Self, InvalidCodeChallenge> {
        // The length first: nothing long is decoded.
        match (raw.len() == 43).then(|| URL_SAFE_NO_PAD.decode(raw)) {
            Some(Ok(bytes)) if bytes.len() == 32 => Ok(Self(raw.to_owned())),
            Some(Ok(_) | Err(_)) | None => Err(InvalidCodeChallenge),
        }
    }

    /// Whether `verifier` is the one this challenge was made from (RFC 7636 §4.6), in constant time.
    #[must_use]
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        let computed = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.0.as_bytes()));
        self.0.as_bytes().ct_eq(computed.as_bytes()).into()
    }

    /// The challenge as on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CodeVerifier {
    /// Parses a verifier.
    ///
    /// # Errors
    /// Its length or a character is outside of RFC 7636 §4.1.
    pub fn parse(raw: &str) -> Result<Self, InvalidCodeVerifier> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let legal = (43..=128).contains(&raw.len()) && raw.bytes().all(unreserved);
        if legal { Ok(Self(raw.to_owned())) } else { Err(InvalidCodeVerifier) }
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn rfc7636_appendix_b() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(challenge.matches(&CodeVerifier::parse(VERIFIER).unwrap()));
    }

    #[test]
    fn plain_does_not_match() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(!challenge.matches(&CodeVerifier::parse(CHALLENGE).unwrap()));
    }

    #[test]
    fn refuses_challenges_of_another_length_or_alphabet() {
        for hostile in ["", &CHALLENGE[..42], &"a".repeat(129), &CHALLENGE.replace('-', "+"), &format!("{CHALLENGE}=")]
        {
            assert_eq!(CodeChallenge::parse(hostile), Err(InvalidCodeChallenge), "{hostile:?}");
        }
        // The last character carries 4 bits only; others would be a second spelling of the same bytes.
        assert_eq!(CodeChallenge::parse(&CHALLENGE.replace("-cM", "-cN")), Err(InvalidCodeChallenge));
    }

    #[test]
    fn refuses_verifiers_of_another_length_or_alphabet() {
        for hostile in ["", &"a".repeat(42), &"a".repeat(129), &format!("{VERIFIER}+"), &format!("{VERIFIER}ä")] {
            assert_eq!(CodeVerifier::parse(hostile).unwrap_err(), InvalidCodeVerifier, "{hostile:?}");
        }
    }

    proptest! {
        #[test]
        fn only_the_verifier_itself_matches(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
            let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
            let challenge = CodeChallenge::parse(&URL_SAFE_NO_PAD.encode(digest)).unwrap();
            prop_assert!(challenge.matches(&CodeVerifier::parse(&verifier).unwrap()));
            prop_assert_eq!(challenge.matches(&CodeVerifier::parse(&other).unwrap()), verifier == other);
        }
    }
}
