//! The CSRF token of the forms: HMAC-SHA256 of a constant under the session's secret. Nothing is stored, another
//! session has another token, and signing in makes a new one.

use crate::domain::SessionSecret;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The name of the form field.
pub const FIELD: &str = "csrf";

/// The token that the forms of one session carry.
pub struct CsrfToken(String);

impl CsrfToken {
    /// The token of a session.
    #[must_use]
    pub fn of(session: &SessionSecret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, session.reveal_bytes());
        Self(URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"csrf")))
    }

    /// Whether a form carried this token. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// The token for the form.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_session_only() {
        let session = |letter: &str| SessionSecret::parse(&letter.repeat(43)).unwrap();
        let token = CsrfToken::of(&session("A"));
        assert!(token.matches(CsrfToken::of(&session("A")).reveal()));
        for other in [CsrfToken::of(&session("Q")).reveal(), "", &session("A").reveal()] {
            assert!(!token.matches(other));
        }
        assert_eq!(format!("{token:?}"), "CsrfToken(***)");
    }
}
