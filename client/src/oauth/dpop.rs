//! Demonstrating proof of possession (RFC 9449): a token that is bound to a key is good for nobody without it. The key is
//! P-256, made for one token, kept beside it; each request carries a proof of its own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ring::{digest, rand::SecureRandom};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;
use verification_keys::Clock;

use super::{
    exchange::Request,
    pkce::random_string,
    signing::{NotSigned, SigningKey},
    token::AccessToken,
};

/// The one algorithm of our proofs.
pub const ALGORITHM: &str = "ES256";
/// The header that carries the proof.
pub const PROOF: HeaderName = HeaderName::from_static("dpop");
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// Longest nonce kept, in bytes.
const MAX_NONCE_BYTES: usize = 1024;

/// The private half of a token's key, as it is kept; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PossessionKey(String);

impl PossessionKey {
    /// Takes what [`Self::reveal`] gave.
    #[must_use]
    pub fn kept(raw: String) -> Self {
        Self(raw)
    }

    /// PKCS#8 in base64url, for the private file only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PossessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PossessionKey(***)")
    }
}

/// A key, and all that makes proofs with it.
#[derive(Clone)]
pub struct Possession {
    kept: PossessionKey,
    key: SigningKey,
    jwk: Value,
    nonces: Nonces,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom + Send + Sync>,
}

/// What a server last gave to be put into proofs, by origin (RFC 9449 §8 and §9).
#[derive(Clone, Default)]
struct Nonces(Arc<Mutex<HashMap<String, String>>>);

/// What proofs are made with, whatever the key.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
}

/// RFC 9449 §4.2.
#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

impl Possession {
    /// With a fresh key.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn generate(around: Surroundings) -> Result<Self, NotSigned> {
        let pkcs8 = SigningKey::generate_p256(around.random.as_ref())?;
        Self::from_kept(PossessionKey(URL_SAFE_NO_PAD.encode(pkcs8)), around).ok_or(NotSigned)
    }

    /// With a key that was kept; `None` when it is none.
    #[must_use]
    pub fn from_kept(kept: PossessionKey, around: Surroundings) -> Option<Self> {
        let Surroundings { clock, random } = around;
        let key = SigningKey::p256(&URL_SAFE_NO_PAD.decode(&kept.0).ok()?, random.as_ref())?;
        let jwk = key.public_jwk()?;
        Some(Self { kept, key, jwk, nonces: Nonces::default(), clock, random })
    }

    /// The key, to be kept beside the token.
    #[must_use]
    pub const fn key(&self) -> &PossessionKey {
        &self.kept
    }

    /// The thumbprint of the public half (RFC 7638), which the issuer puts into the token.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // RFC 7638 §3.2: the required members only, in lexicographic order; base64url needs no escapes.
        let member = |name: &str| self.jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, member("x"), member("y"));
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }

    /// A proof for one request, bound to `token` where one goes along (RFC 9449 §4.2).
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn proof(&self, method: &Method, url: &Url, token: Option<&AccessToken>) -> Result<HeaderValue, NotSigned> {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let hash = |token: &AccessToken| digest::digest(&digest::SHA256, token.reveal().as_bytes());
        let claims = Claims {
            jti: random_string(self.random.as_ref()).map_err(|_| NotSigned)?,
            htm: method.as_str(),
            htu: target.as_str(),
            iat: self.clock.now().as_second(),
            ath: token.map(|token| URL_SAFE_NO_PAD.encode(hash(token))),
            nonce: self.nonces.of(url),
        };
        let claims = serde_json::to_value(claims).map_err(|_| NotSigned)?;
        let header = json!({"typ": "dpop+jwt", "alg": self.key.algorithm(), "jwk": self.jwk});
        let proof = self.key.sign(&header, &claims, self.random.as_ref())?;
        let mut value = HeaderValue::try_from(proof).map_err(|_| NotSigned)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Adds a proof, and the token where one goes along.
    ///
    /// # Errors
    /// As [`Self::proof`].
    pub fn sign(&self, request: &mut Request, token: Option<&AccessToken>) -> Result<(), NotSigned> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| NotSigned)?;
        let proof = self.proof(request.method(), &url, token)?;
        request.headers_mut().insert(PROOF, proof);
        if let Some(token) = token {
            request.headers_mut().insert(header::AUTHORIZATION, self.authorization(token)?);
        }
        Ok(())
    }

    /// The value of `Authorization` for a bound token (RFC 9449 §7.1).
    ///
    /// # Errors
    /// Never for a token that was parsed.
    pub fn authorization(&self, token: &AccessToken) -> Result<HeaderValue, NotSigned> {
        let mut value = HeaderValue::try_from(format!("DPoP {}", token.reveal())).map_err(|_| NotSigned)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Remembers the nonce in an answer from `url`; whether there was one.
    #[must_use]
    pub fn learn(&self, url: &Url, headers: &HeaderMap) -> bool {
        self.nonces.learn(url, headers)
    }
}

impl fmt::Debug for Possession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Possession").field("thumbprint", &self.thumbprint()).finish_non_exhaustive()
    }
}

/// The same key.
impl PartialEq for Possession {
    fn eq(&self, other: &Self) -> bool {
        self.kept == other.kept
    }
}

impl Eq for Possession {}

impl Nonces {
    fn of(&self, url: &Url) -> Option<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&url.origin().ascii_serialization()).cloned()
    }

    fn learn(&self, url: &Url, headers: &HeaderMap) -> bool {
        // RFC 9449 §8.1: NQCHAR, as a scope token has them.
        let good = |nonce: &&str| {
            (1..=MAX_NONCE_BYTES).contains(&nonce.len())
                && nonce.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        let Some(nonce) = headers.get(NONCE).and_then(|value| value.to_str().ok()).filter(good) else { return false };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(url.origin().ascii_serialization(), nonce.to_owned());
        true
    }
}

#[cfg(test)]
mod tests;
