//! `kid`: the RFC 7638 thumbprint, so that a key has the same name wherever it came from.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use std::fmt;

/// The SHA-256 thumbprint of an RSA public key, base64url: 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The thumbprint of the key with this modulus and exponent, both base64url (RFC 7638 §3).
    #[must_use]
    pub fn thumbprint(modulus: &str, exponent: &str) -> Self {
        // §3.2: the required members only, in lexicographic order, without white space.
        let members = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
        Self(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes())))
    }

    /// Reads a thumbprint; none if `raw` is not the canonical base64url of 32 bytes.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(raw).ok()?;
        (bytes.len() == digest::SHA256_OUTPUT_LEN).then(|| Self(raw.to_owned()))
    }

    /// The value of the `kid` member.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7638_section_3_1() {
        let modulus = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX",
            "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSq",
            "zs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHa",
            "Q-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        );
        let thumbprint = KeyId::thumbprint(modulus, "AQAB");
        assert_eq!(thumbprint.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(KeyId::parse(thumbprint.as_str()), Some(thumbprint));
    }

    #[test]
    fn what_is_not_a_thumbprint_is_refused() {
        for raw in
            ["", "key-1", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt", "../../../../etc/passwd0000000000000000000000"]
        {
            assert_eq!(KeyId::parse(raw), None, "{raw}");
        }
    }
}
