//! Proof Key for Code Exchange with S256, the only method used (RFC 7636).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, rand::SecureRandom};
use std::fmt;

/// The generator of random numbers failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct RandomnessFailed;

/// 32 random bytes as unpadded base64url.
pub(crate) fn random_string(random: &dyn SecureRandom) -> Result<String, RandomnessFailed> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes).map_err(|_| RandomnessFailed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The secret that proves that the code and the token request come from the same client: 43 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeVerifier(String);

impl CodeVerifier {
    /// Makes a fresh one.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, RandomnessFailed> {
        random_string(random).map(Self)
    }

    /// `BASE64URL(SHA256(verifier))`, to be sent with `code_challenge_method=S256`.
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.0.as_bytes()))
    }

    /// The secret itself, for the token request only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
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
    use crate::oauth::testing::random;

    #[test]
    fn rfc7636_appendix_b() {
        let verifier = CodeVerifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn each_verifier_is_fresh_and_never_shown() {
        let random = random();
        let (first, second) = (CodeVerifier::generate(&random).unwrap(), CodeVerifier::generate(&random).unwrap());
        assert_ne!(first, second);
        assert_eq!(first.reveal().len(), 43);
        assert_eq!(format!("{first:?}"), "CodeVerifier(***)");
    }
}
