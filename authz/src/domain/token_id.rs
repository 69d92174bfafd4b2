//! The id of one access token (`jti`, RFC 7519 §4.1.7): 16 random bytes in base64url. Not a secret.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{error::Unspecified, rand::SecureRandom};

/// The id of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// Makes a new id.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads an id out of a token that we signed. `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let legal = raw.len() == 22 && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        legal.then(|| Self(raw.to_owned()))
    }

    /// The id as in tokens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
