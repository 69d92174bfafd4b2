//! What an access token says, for people to read: nothing here is verified, and nothing is decided by it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::oauth::token::AccessToken;

/// Header and claims of a JWT (RFC 7519), in the token's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decoded {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

impl Decoded {
    /// Reads a token; `None` when it is opaque, which is no error: only its issuer knows then what it says.
    #[must_use]
    pub fn read(token: &AccessToken) -> Option<Self> {
        let mut parts = token.reveal().split('.');
        let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self { header: object(header)?, claims: object(claims)? })
    }
}

/// The time that a claim is, if it is one of those that are times.
#[must_use]
pub fn time(claim: &str, value: &Value) -> Option<Timestamp> {
    let is_time = matches!(claim, "exp" | "nbf" | "iat" | "auth_time" | "updated_at");
    Timestamp::from_second(value.as_i64().filter(|_| is_time)?).ok()
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(parts: &[&str]) -> AccessToken {
        AccessToken::parse(&parts.join(".")).unwrap()
    }

    #[test]
    fn a_jwt_is_read_and_its_times_are_known() {
        let (header, claims) = (r#"{"typ":"at+jwt","alg":"RS256"}"#, r#"{"iss":"https://a.example","exp":1800000000}"#);
        let decoded =
            Decoded::read(&token(&[&URL_SAFE_NO_PAD.encode(header), &URL_SAFE_NO_PAD.encode(claims), "c2ln"])).unwrap();
        assert_eq!(decoded.header.keys().collect::<Vec<_>>(), ["typ", "alg"]);
        assert_eq!(time("exp", &decoded.claims["exp"]).unwrap().to_string(), "2027-01-15T08:00:00Z");
        assert_eq!(time("iss", &decoded.claims["iss"]), None);
        assert_eq!(time("count", &json!(3)), None);
    }

    #[test]
    fn what_is_no_jwt_is_opaque() {
        let object = URL_SAFE_NO_PAD.encode("{}");
        for opaque in [&["opaque"][..], &["a", "b", "c"], &[&object, &object], &[&object, &object, "c", "d"]] {
            assert_eq!(Decoded::read(&token(opaque)), None, "{opaque:?}");
        }
    }
}
