//! `private_key_jwt`: a signed assertion in place of a secret (RFC 7523 §2.2 and §3). The key is the operator's, made for
//! this and nothing else; what it signs is for the issuer's eyes and no access token.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SecureRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use serde_json::json;

/// What an assertion is called in a request (RFC 7523 §2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for, in seconds: one request.
const LIFETIME_SECONDS: i64 = 60;
const TOKEN_ID_BYTES: usize = 16;

/// Signs assertions: RS256 with an RSA key of 2048 bits or more, ES256 with a P-256 key. Never printed.
#[derive(Clone)]
pub struct AssertionKey {
    pair: Arc<Pair>,
    key_id: Option<String>,
    random: Arc<dyn SecureRandom + Send + Sync>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

/// Why a key cannot sign assertions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssertionKey {
    /// There is no private key in the text.
    #[error("not a private key in PEM")]
    NotPem,
    /// The key is of another type, or too short.
    #[error("neither an RSA key of at least 2048 bits nor a P-256 key in PKCS#8")]
    Unsupported,
}

/// No random numbers, or a key that does not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client assertion could not be signed")]
pub(crate) struct NotSigned;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl AssertionKey {
    /// Reads a private key from PEM: PKCS#8, or PKCS#1 for RSA. `key_id` is the `kid` that the issuer knows it by, if it
    /// knows one.
    ///
    /// # Errors
    /// When the text holds no key, or one of another kind.
    pub fn from_pem(
        pem: &[u8],
        key_id: Option<String>,
        random: Arc<dyn SecureRandom + Send + Sync>,
    ) -> Result<Self, InvalidAssertionKey> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| InvalidAssertionKey::NotPem)?;
        let p256 = |der: &[u8]| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, random.as_ref());
        let pair = match &key {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(Pair::Rsa),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                RsaKeyPair::from_pkcs8(der).ok().map(Pair::Rsa).or_else(|| p256(der).ok().map(Pair::P256))
            }
            _ => None,
        };
        // ring takes no RSA key below 2048 bits.
        let pair = Arc::new(pair.ok_or(InvalidAssertionKey::Unsupported)?);
        Ok(Self { pair, key_id, random })
    }

    /// The `kid` that the issuer knows it by, if it knows one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// An assertion of `client_id` for the issuer `audience`, with an identifier that no other has.
    pub(super) fn assertion(&self, client_id: &str, audience: &str, now: Timestamp) -> Result<String, NotSigned> {
        let mut token_id = [0; TOKEN_ID_BYTES];
        self.random.fill(&mut token_id).map_err(|_| NotSigned)?;
        let now = now.as_second();
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": URL_SAFE_NO_PAD.encode(token_id),
            "iat": now,
            "exp": now.saturating_add(LIFETIME_SECONDS),
        });
        let header = Header { alg: self.algorithm(), typ: "JWT", kid: self.key_id.as_deref() };
        let header = serde_json::to_vec(&header).map_err(|_| NotSigned)?;
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn algorithm(&self) -> &'static str {
        match *self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, NotSigned> {
        match &*self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, self.random.as_ref(), message, &mut signature);
                signed.map(|()| signature).map_err(|_| NotSigned)
            }
            Pair::P256(pair) => {
                let signed = pair.sign(self.random.as_ref(), message);
                signed.map(|signature| signature.as_ref().to_vec()).map_err(|_| NotSigned)
            }
        }
    }
}

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssertionKey({}, ***)", self.algorithm())
    }
}

/// The same key under the same name.
impl PartialEq for AssertionKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pair, &other.pair) && self.key_id == other.key_id
    }
}

impl Eq for AssertionKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    const RSA: &str = include_str!("testdata/rsa.pem");

    fn random() -> Arc<SystemRandom> {
        #[expect(clippy::disallowed_methods, reason = "tests are an edge of their own")]
        Arc::new(SystemRandom::new())
    }

    fn p256() -> (String, Vec<u8>) {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random().as_ref()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), random().as_ref());
        let body = base64::engine::general_purpose::STANDARD.encode(document.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        (pem, pair.unwrap().public_key().as_ref().to_vec())
    }

    fn parts(assertion: &str) -> (Value, Value, Vec<u8>, Vec<u8>) {
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (json(header), json(claims), signed.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature).unwrap())
    }

    #[test]
    fn an_assertion_names_the_client_twice_the_issuer_and_a_minute() {
        let key = AssertionKey::from_pem(RSA.as_bytes(), Some("mine".to_owned()), random()).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (header, claims, ..) = parts(&key.assertion("mcp-server", "https://issuer.example", now).unwrap());
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "mine"}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("mcp-server"), &json!("mcp-server")));
        assert_eq!(claims["aud"], "https://issuer.example");
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_800_000_000), &json!(1_800_000_060)));
        let (_, again, ..) = parts(&key.assertion("mcp-server", "https://issuer.example", now).unwrap());
        assert_ne!(claims["jti"], again["jti"]);
    }

    #[test]
    fn the_signature_is_good_under_the_public_key_and_no_other() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let rsa = AssertionKey::from_pem(RSA.as_bytes(), None, random()).unwrap();
        let Pair::Rsa(pair) = &*rsa.pair else { panic!("an RSA key") };
        let rsa_public = pair.public().as_ref().to_vec();
        let (pem, p256_public) = p256();
        let p256_key = AssertionKey::from_pem(pem.as_bytes(), None, random()).unwrap();
        let (header, _, signed, signature) = parts(&rsa.assertion("c", "i", now).unwrap());
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT"}));
        let good = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &rsa_public);
        assert!(good.verify(&signed, &signature).is_ok());
        assert!(good.verify(b"something else", &signature).is_err());
        let (header, _, signed, signature) = parts(&p256_key.assertion("c", "i", now).unwrap());
        assert_eq!(header["alg"], "ES256");
        assert!(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &p256_public).verify(&signed, &signature).is_ok());
        let (_, other) = p256();
        assert!(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &other).verify(&signed, &signature).is_err());
    }

    #[test]
    fn what_is_no_private_key_of_a_known_kind_is_refused() {
        let from = |pem: &str| AssertionKey::from_pem(pem.as_bytes(), None, random()).map(drop);
        assert_eq!(from(""), Err(InvalidAssertionKey::NotPem));
        assert_eq!(from("hush"), Err(InvalidAssertionKey::NotPem));
        let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(from(nonsense), Err(InvalidAssertionKey::Unsupported));
        assert_eq!(from(&RSA.replace("PRIVATE KEY", "PUBLIC KEY")), Err(InvalidAssertionKey::NotPem));
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = AssertionKey::from_pem(RSA.as_bytes(), None, random()).unwrap();
        assert_eq!(format!("{key:?}"), "AssertionKey(RS256, ***)");
    }
}
