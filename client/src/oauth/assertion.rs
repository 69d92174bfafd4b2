//! `private_key_jwt`: a client assertion in place of a secret (RFC 7523 §2.2 and §3, rfc7523bis).

use jiff::Timestamp;
use ring::rand::SecureRandom;
use serde_json::json;

use super::{
    pkce::random_string,
    signing::{NotSigned, SigningKey},
};

/// What an assertion is called in a request (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for, in seconds: one request, and clocks that differ.
const LIFETIME_SECONDS: i64 = 60;

/// The client's key, and the name that the issuer knows it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionKey {
    /// The private half.
    pub key: SigningKey,
    /// `kid`, if the issuer knows the key by one.
    pub id: Option<String>,
}

impl AssertionKey {
    /// A fresh assertion of `client_id` for `issuer`, good for one request.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn assertion(
        &self,
        client_id: &str,
        issuer: &str,
        now: Timestamp,
        random: &dyn SecureRandom,
    ) -> Result<String, NotSigned> {
        // rfc7523bis: a type of its own, and the issuer as the only audience.
        let mut header = json!({"alg": self.key.algorithm(), "typ": "client-authentication+jwt"});
        if let (Some(id), Some(header)) = (&self.id, header.as_object_mut()) {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        let now = now.as_second();
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "jti": random_string(random).map_err(|_| NotSigned)?,
            "iat": now,
            "exp": now.saturating_add(LIFETIME_SECONDS),
        });
        self.key.sign(&header, &claims, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::{jwt_parts, p256_pem, random};

    #[test]
    fn an_assertion_names_the_client_twice_the_issuer_alone_and_a_minute() {
        let random = random();
        let key = SigningKey::from_pem(p256_pem().as_bytes(), &random).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let make = |id: Option<&str>| {
            let key = AssertionKey { key: key.clone(), id: id.map(str::to_owned) };
            jwt_parts(&key.assertion("robot", "https://auth.example", now, &random).unwrap())
        };
        let (header, claims) = make(Some("k1"));
        assert_eq!(header, json!({"alg": "ES256", "typ": "client-authentication+jwt", "kid": "k1"}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("robot"), &json!("robot")));
        assert_eq!(claims["aud"], "https://auth.example");
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_800_000_000), &json!(1_800_000_060)));
        let (header, again) = make(None);
        assert!(header.get("kid").is_none());
        assert_ne!(claims["jti"], again["jti"], "an assertion is good for one request");
    }
}
