//! The public halves as a JWKS document (RFC 7517 §5): `kty n e kid alg use`, and nothing private.

use crate::KeyId;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::time::Duration;

/// How long resource servers may cache the document: the `max-age` to send with it.
pub const JWK_SET_MAX_AGE: Duration = Duration::from_mins(5);

/// The JWKS document of one moment, oldest key first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwkSetDocument {
    keys: Vec<PublicKey>,
}

/// The public half of a key: modulus and exponent, base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) key_id: KeyId,
    pub(crate) modulus: String,
    pub(crate) exponent: String,
}

impl JwkSetDocument {
    pub(crate) const fn new(keys: Vec<PublicKey>) -> Self {
        Self { keys }
    }

    /// The document's bytes, of type `application/jwk-set+json`.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }

    fn to_value(&self) -> Value {
        json!({ "keys": self.keys.iter().map(PublicKey::to_value).collect::<Vec<_>>() })
    }
}

impl PublicKey {
    pub(crate) fn new(modulus: String, exponent: String) -> Self {
        Self { key_id: KeyId::thumbprint(&modulus, &exponent), modulus, exponent }
    }

    fn to_value(&self) -> Value {
        let Self { key_id, modulus, exponent } = self;
        json!({ "kty": "RSA", "n": modulus, "e": exponent, "kid": key_id.as_str(), "alg": "RS256", "use": "sig" })
    }
}

impl Serialize for JwkSetDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_six_members_in_order() {
        let document = JwkSetDocument::new(vec![PublicKey::new("n1".to_owned(), "AQAB".to_owned())]);
        let kid = KeyId::thumbprint("n1", "AQAB");
        let expected =
            format!(r#"{{"keys":[{{"kty":"RSA","n":"n1","e":"AQAB","kid":"{kid}","alg":"RS256","use":"sig"}}]}}"#);
        assert_eq!(String::from_utf8(document.to_json()).unwrap(), expected);
        assert_eq!(serde_json::to_string(&document).unwrap(), expected);
    }
}
