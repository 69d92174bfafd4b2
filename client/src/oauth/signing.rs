//! A private key of this client and the compact JWTs that it signs: client assertions (RFC 7523) and DPoP proofs (RFC
//! 9449). RS256 with an RSA key, ES256 with a P-256 key; ring holds the key, parsed once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SecureRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use std::{fmt, sync::Arc};

/// A key that signs; never shown.
#[derive(Clone)]
pub struct SigningKey(Arc<Pair>);

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

/// Why a key cannot sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigningKey {
    /// There is no private key in the text.
    #[error("it holds no private key in PEM")]
    NotPem,
    /// The key is of another type, or too short.
    #[error("it is neither an RSA key of at least 2048 bits nor a P-256 key in PKCS#8")]
    Unsupported,
}

/// No random numbers, or a key that does not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a JWT could not be signed with the client's private key")]
pub struct NotSigned;

impl SigningKey {
    /// Reads a private key from PEM: PKCS#8, or PKCS#1 for RSA.
    ///
    /// # Errors
    /// When the text holds no key, or one of another kind.
    pub fn from_pem(pem: &[u8], random: &dyn SecureRandom) -> Result<Self, InvalidSigningKey> {
        match PrivateKeyDer::from_pem_slice(pem).map_err(|_| InvalidSigningKey::NotPem)? {
            // ring takes no RSA key below 2048 bits.
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(Pair::Rsa),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                RsaKeyPair::from_pkcs8(der).ok().map(Pair::Rsa).or_else(|| p256(der, random))
            }
            _ => None,
        }
        .map(|pair| Self(Arc::new(pair)))
        .ok_or(InvalidSigningKey::Unsupported)
    }

    /// A fresh P-256 key, in PKCS#8.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn generate_p256(random: &dyn SecureRandom) -> Result<Vec<u8>, NotSigned> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random);
        key.map(|key| key.as_ref().to_vec()).map_err(|_| NotSigned)
    }

    /// A P-256 key from PKCS#8.
    #[must_use]
    pub fn p256(pkcs8: &[u8], random: &dyn SecureRandom) -> Option<Self> {
        p256(pkcs8, random).map(|pair| Self(Arc::new(pair)))
    }

    /// The public half of a P-256 key (RFC 7518 §6.2.1); `None` for an RSA key.
    #[must_use]
    pub fn public_jwk(&self) -> Option<Value> {
        let Pair::P256(pair) = &*self.0 else { return None };
        // SEC 1 §2.3.3: 4, then both coordinates of 32 bytes.
        let (x, y) = pair.public_key().as_ref().strip_prefix(&[4])?.split_at_checked(32)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Some(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
    }

    /// The one algorithm of this key (RFC 7518 §3.1).
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match *self.0 {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        }
    }

    /// The compact serialization of `claims` under `header`, whose `alg` is [`Self::algorithm`].
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn sign(&self, header: &Value, claims: &Value, random: &dyn SecureRandom) -> Result<String, NotSigned> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = match &*self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, random, signed.as_bytes(), &mut signature).map_err(|_| NotSigned)?;
                signature
            }
            Pair::P256(pair) => pair.sign(random, signed.as_bytes()).map_err(|_| NotSigned)?.as_ref().to_vec(),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn p256(pkcs8: &[u8], random: &dyn SecureRandom) -> Option<Pair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, random).ok().map(Pair::P256)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ***)", self.algorithm())
    }
}

/// The very same key.
impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SigningKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::{jwt_parts, p256_pem, random};
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    const RSA: &str = include_str!("testing/data/rsa.pem");

    fn good(key: &SigningKey, jwt: &str) -> bool {
        let (algorithm, public): (&dyn VerificationAlgorithm, _) = match &*key.0 {
            Pair::Rsa(pair) => (&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref().to_vec()),
            Pair::P256(pair) => (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref().to_vec()),
        };
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(algorithm, public).verify(signed.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn the_signature_is_good_under_its_own_key_and_no_other() {
        let random = random();
        let rsa = SigningKey::from_pem(RSA.as_bytes(), &random).unwrap();
        let (one, other) = (p256_pem(), p256_pem());
        let one = SigningKey::from_pem(one.as_bytes(), &random).unwrap();
        let other = SigningKey::from_pem(other.as_bytes(), &random).unwrap();
        assert_eq!((rsa.algorithm(), one.algorithm()), ("RS256", "ES256"));
        for key in [&rsa, &one] {
            let jwt = key.sign(&json!({"alg": key.algorithm()}), &json!({"a": 1}), &random).unwrap();
            assert!(good(key, &jwt));
            assert!(!good(&other, &jwt) && !good(key, &jwt.replacen('.', ".e", 1)));
            assert_eq!(jwt_parts(&jwt), (json!({"alg": key.algorithm()}), json!({"a": 1})));
        }
    }

    #[test]
    fn what_is_no_private_key_of_a_known_kind_is_refused() {
        let random = random();
        let from = |pem: &str| SigningKey::from_pem(pem.as_bytes(), &random).map(drop);
        for (text, problem) in [
            ("", InvalidSigningKey::NotPem),
            ("hush", InvalidSigningKey::NotPem),
            (&RSA.replace("PRIVATE KEY", "PUBLIC KEY"), InvalidSigningKey::NotPem),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", InvalidSigningKey::Unsupported),
            ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", InvalidSigningKey::Unsupported),
        ] {
            assert_eq!(from(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = SigningKey::from_pem(RSA.as_bytes(), &random()).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(RS256, ***)");
    }
}
