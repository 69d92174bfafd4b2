//! One public key: which JWKs are usable for verifying (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), and the verification.

use std::{fmt, sync::Arc};

use jsonwebtoken::{DecodingKey, crypto};
use serde_json::{Map, Value};

use super::rsa;
use crate::{algorithm::SigningAlgorithm, base64url, json, jws::JwsError};

/// How many further keys of the same `kid` are tried.
const MAX_NAMESAKES: usize = 3;

/// The members that only a private or a symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key that may verify signatures.
#[derive(Clone)]
pub struct VerificationKey {
    key_id: Option<String>,
    /// The one algorithm that the JWK states; without it, every algorithm of the key's type (RFC 8725 §3.1).
    stated: Option<SigningAlgorithm>,
    kind: Kind,
    /// `issuer`, which Microsoft's keys have: the one issuer, of several that share the set, that the key is of.
    issuer: Option<String>,
    thumbprint: String,
    public: DecodingKey,
    /// How long a signature by this key is, in base64url: every algorithm here has signatures of one length.
    signature_length: usize,
    namesakes: Vec<Arc<VerificationKey>>,
}

/// The type of a key, which decides what it can be used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    Ed25519,
}

/// Why a JWK is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// A member is missing, has the wrong type or is not in canonical form.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// It holds secret members: it is private or symmetric, and no longer secret.
    #[error("it is a private or symmetric key")]
    Secret,
    /// `use` or `key_ops` say that it is not for verifying.
    #[error("it is not for verifying signatures")]
    OtherUse,
    /// A key type or curve that is not supported.
    #[error("its type or curve is not supported")]
    UnsupportedType,
    /// `alg` is no supported algorithm, or not one of the key's type.
    #[error("its algorithm is not supported, or not one of its type")]
    UnsupportedAlgorithm,
    /// An RSA key that is too short, too long, or known to be weak.
    #[error("it is a weak RSA key: {0}")]
    WeakRsa(&'static str),
}

impl VerificationKey {
    /// Reads one JWK.
    ///
    /// # Errors
    /// Says why the key must not or cannot be used to verify.
    pub fn from_jwk(document: &[u8]) -> Result<Self, UnusableKey> {
        let jwk = json::parse_object(document).map_err(|_| UnusableKey::Malformed("not one strict JSON object"))?;
        if SECRET_MEMBERS.into_iter().any(|name| jwk.contains_key(name)) {
            return Err(UnusableKey::Secret);
        }
        check_use(&jwk)?;
        let PublicKey { kind, public, signature_bytes, canonical } =
            match text(&jwk, "kty")?.ok_or(UnusableKey::Malformed("kty is missing"))? {
                "RSA" => rsa_key(&jwk)?,
                "EC" => p256_key(&jwk)?,
                "OKP" => ed25519_key(&jwk)?,
                _ => return Err(UnusableKey::UnsupportedType),
            };
        let key_id = text(&jwk, "kid")?.map(ToOwned::to_owned);
        let issuer = text(&jwk, "issuer")?.map(ToOwned::to_owned);
        let stated = stated_algorithm(&jwk, kind)?;
        let thumbprint = base64url::encode(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()).as_ref());
        let signature_length = (signature_bytes * 4).div_ceil(3);
        Ok(Self { key_id, stated, kind, issuer, thumbprint, public, signature_length, namesakes: Vec::new() })
    }

    /// The `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The member `issuer`, where several issuers share a set: not registered, but Microsoft's keys have it.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The SHA-256 thumbprint, base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Whether the key may be used with `algorithm`: its type fits, and the JWK states no other one.
    #[must_use]
    pub fn is_for(&self, algorithm: SigningAlgorithm) -> bool {
        self.kind.fits(algorithm) && self.stated.is_none_or(|stated| stated == algorithm)
    }

    /// Verifies a base64url `signature` over any bytes. For a whole token, [`crate::jws::CompactJws::verify`].
    ///
    /// # Errors
    /// [`JwsError::KeyMismatch`] when the key is not for `algorithm`, else [`JwsError::SignatureInvalid`].
    pub fn verify(&self, algorithm: SigningAlgorithm, signing_input: &[u8], signature: &str) -> Result<(), JwsError> {
        let candidates = std::iter::once(self).chain(self.namesakes.iter().map(Arc::as_ref));
        let mut outcome = Err(JwsError::KeyMismatch);
        for key in candidates.filter(|key| key.is_for(algorithm)) {
            if key.has_signed(algorithm, signing_input, signature) {
                return Ok(());
            }
            outcome = Err(JwsError::SignatureInvalid);
        }
        outcome
    }

    fn has_signed(&self, algorithm: SigningAlgorithm, signing_input: &[u8], signature: &str) -> bool {
        // First, so that a signature of another length costs nothing.
        signature.len() == self.signature_length
            && crypto::verify(signature, signing_input, &self.public, algorithm.implementation()).unwrap_or(false)
    }

    pub(super) fn add_namesake(&mut self, other: &Arc<Self>) {
        if self.namesakes.len() < MAX_NAMESAKES && !self.same_public_key(other) {
            self.namesakes.push(Arc::clone(other));
        }
    }

    fn same_public_key(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint && self.stated == other.stated
    }
}

// The thumbprint stands for the key's type and numbers.
impl PartialEq for VerificationKey {
    fn eq(&self, other: &Self) -> bool {
        self.same_public_key(other)
            && self.key_id == other.key_id
            && self.issuer == other.issuer
            && self.namesakes == other.namesakes
    }
}

impl Eq for VerificationKey {}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerificationKey")
            .field("key_id", &self.key_id)
            .field("kind", &self.kind)
            .field("stated", &self.stated)
            .field("thumbprint", &self.thumbprint)
            .field("namesakes", &self.namesakes.len())
            .finish_non_exhaustive()
    }
}

impl Kind {
    const fn fits(self, algorithm: SigningAlgorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::Rsa, SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256)
                | (Self::P256, SigningAlgorithm::Es256)
                | (Self::Ed25519, SigningAlgorithm::EdDsa)
        )
    }
}

/// RFC 7517 §4.2 and §4.3: what is said about the use must allow verifying.
fn check_use(jwk: &Map<String, Value>) -> Result<(), UnusableKey> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(UnusableKey::OtherUse);
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().all(Value::is_string) => {
            let verifies = operations.iter().any(|operation| operation == "verify");
            if verifies { Ok(()) } else { Err(UnusableKey::OtherUse) }
        }
        Some(_) => Err(UnusableKey::Malformed("key_ops is not a list of strings")),
    }
}

fn stated_algorithm(jwk: &Map<String, Value>, kind: Kind) -> Result<Option<SigningAlgorithm>, UnusableKey> {
    let Some(name) = text(jwk, "alg")? else { return Ok(None) };
    match name.parse() {
        Ok(algorithm) if kind.fits(algorithm) => Ok(Some(algorithm)),
        Ok(_) | Err(_) => Err(UnusableKey::UnsupportedAlgorithm),
    }
}

/// The numbers of a JWK, made ready for use.
struct PublicKey {
    kind: Kind,
    public: DecodingKey,
    signature_bytes: usize,
    /// What the thumbprint is made of (RFC 7638 §3.2).
    canonical: String,
}

fn rsa_key(jwk: &Map<String, Value>) -> Result<PublicKey, UnusableKey> {
    let (n, e) = (required(jwk, "n")?, required(jwk, "e")?);
    let (modulus, exponent) = (bytes(n)?, bytes(e)?);
    rsa::check(&modulus, &exponent)?;
    Ok(PublicKey {
        kind: Kind::Rsa,
        public: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
        signature_bytes: modulus.len(),
        canonical: format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
    })
}

fn p256_key(jwk: &Map<String, Value>) -> Result<PublicKey, UnusableKey> {
    if required(jwk, "crv")? != "P-256" {
        return Err(UnusableKey::UnsupportedType);
    }
    let (x, y) = (required(jwk, "x")?, required(jwk, "y")?);
    let (across, up) = (bytes(x)?, bytes(y)?);
    // RFC 7518 §6.2.1.2: coordinates have the full length of the field.
    if across.len() != 32 || up.len() != 32 {
        return Err(UnusableKey::Malformed("a coordinate is not 32 bytes long"));
    }
    // SEC 1 §2.3.3: a point that is not compressed begins with 4.
    let point = [&[4], across.as_slice(), up.as_slice()].concat();
    Ok(PublicKey {
        kind: Kind::P256,
        public: DecodingKey::from_ec_der(&point),
        signature_bytes: 64,
        canonical: format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
    })
}

fn ed25519_key(jwk: &Map<String, Value>) -> Result<PublicKey, UnusableKey> {
    if required(jwk, "crv")? != "Ed25519" {
        return Err(UnusableKey::UnsupportedType);
    }
    let x = required(jwk, "x")?;
    let public = bytes(x)?;
    if public.len() != 32 {
        return Err(UnusableKey::Malformed("x is not 32 bytes long"));
    }
    Ok(PublicKey {
        kind: Kind::Ed25519,
        public: DecodingKey::from_ed_der(&public),
        signature_bytes: 64,
        canonical: format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
    })
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &'static str) -> Result<Option<&'j str>, UnusableKey> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(UnusableKey::Malformed(name)),
    }
}

fn required<'j>(jwk: &'j Map<String, Value>, name: &'static str) -> Result<&'j str, UnusableKey> {
    text(jwk, name)?.ok_or(UnusableKey::Malformed(name))
}

fn bytes(text: &str) -> Result<Vec<u8>, UnusableKey> {
    base64url::decode(text).ok_or(UnusableKey::Malformed("a number is not base64url"))
}
