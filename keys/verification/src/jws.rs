//! Compact JWS, strictly (RFC 7515 §5.2, §7.1, RFC 8725 §3.1, §3.2, §3.10): three canonical segments, one reading
//! of the header, an algorithm from the allow-list, nothing critical. The header never chooses or brings a key:
//! `jwk`, `jku`, `x5c` and `x5u` are not even looked at.

use std::{borrow::Cow, collections::HashSet};

use serde_json::Value;

use crate::{
    algorithm::{AllowedAlgorithms, SigningAlgorithm},
    base64url,
    json::{self, Members},
    jwk_set::VerificationKey,
};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A well-formed compact JWS; nothing in it is to be believed before [`verify`](Self::verify) said so.
#[derive(Debug)]
pub struct CompactJws<'t> {
    header: Header,
    signing_input: &'t str,
    payload: Vec<u8>,
    signature: &'t str,
}

/// The parameters of a JWS header that matter here (RFC 7515 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`, which is on the allow-list.
    pub algorithm: SigningAlgorithm,
    /// `kid`.
    pub key_id: Option<String>,
    /// `typ`, as it was written.
    pub token_type: Option<String>,
    others: HashSet<String>,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three segments: an opaque token, or a JWE.
    #[error("not a compact JWS of three segments")]
    Opaque,
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("longer than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    /// Three segments, and one of them is broken.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// `alg` is not on the allow-list.
    #[error("algorithm not allowed")]
    AlgorithmNotAllowed,
    /// The header has `crit`, or an extension that would have to be critical.
    #[error("has a critical header parameter")]
    CriticalHeader,
    /// The key is not one for the header's algorithm.
    #[error("the key is not for this algorithm")]
    KeyMismatch,
    /// The signature is not by this key, or not over this token.
    #[error("signature invalid")]
    SignatureInvalid,
}

impl<'t> CompactJws<'t> {
    /// Takes a token apart and decodes it.
    ///
    /// # Errors
    /// The first rule that the token breaks.
    pub fn parse(token: &'t str, allowed: &AllowedAlgorithms) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLarge);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsError::Opaque)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Opaque)?;
        if payload.contains('.') {
            return Err(JwsError::Opaque);
        }
        let header = Header::parse(header, *allowed)?;
        let payload = base64url::decode(payload).ok_or(JwsError::Malformed("the payload is not base64url"))?;
        if signature.is_empty() || !base64url::is_canonical(signature) {
            return Err(JwsError::Malformed("the signature is not base64url"));
        }
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The decoded payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Verifies the signature (RFC 7515 §5.2).
    ///
    /// # Errors
    /// [`JwsError::KeyMismatch`] or [`JwsError::SignatureInvalid`].
    pub fn verify(&self, key: &VerificationKey) -> Result<(), JwsError> {
        key.verify(self.header.algorithm, self.signing_input.as_bytes(), self.signature)
    }
}

impl Header {
    /// Whether there is a parameter of this name besides `alg`, `kid` and `typ`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.others.contains(name)
    }

    /// Whether `typ` is `expected`, a media type without `application/` (RFC 7515 §4.1.9): a value without a slash
    /// means that prefix, and case does not matter.
    #[must_use]
    pub fn is_of_type(&self, expected: &str) -> bool {
        const PREFIX: &str = "application/";
        let Some(token_type) = self.token_type.as_deref() else { return false };
        let name = match token_type.get(..PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => token_type.get(PREFIX.len()..).unwrap_or_default(),
            _ => token_type,
        };
        name.eq_ignore_ascii_case(expected)
    }

    fn parse(segment: &str, allowed: AllowedAlgorithms) -> Result<Self, JwsError> {
        let text = base64url::decode(segment).ok_or(JwsError::Malformed("the header is not base64url"))?;
        let parameters: Parameters =
            json::parse_members(&text).map_err(|_| JwsError::Malformed("the header is not one strict JSON object"))?;
        let algorithm = parameters.algorithm(allowed)?;
        // RFC 7515 §4.1.11: what is critical and not understood MUST be refused; nothing critical is understood here.
        // RFC 7797 §6: `b64` has to be critical, so it is held to be so wherever it stands.
        if parameters.critical {
            return Err(JwsError::CriticalHeader);
        }
        Ok(Self {
            algorithm,
            key_id: text_or_absent(parameters.kid, "kid is not a string")?,
            token_type: text_or_absent(parameters.typ, "typ is not a string")?,
            others: parameters.others,
        })
    }
}

/// The header as read, before its values are judged.
#[derive(Default)]
struct Parameters {
    alg: Option<Value>,
    kid: Option<Value>,
    typ: Option<Value>,
    critical: bool,
    others: HashSet<String>,
}

impl Members for Parameters {
    fn put(&mut self, name: Cow<'_, str>, value: Value) -> bool {
        let slot = match &*name {
            "alg" => &mut self.alg,
            "kid" => &mut self.kid,
            "typ" => &mut self.typ,
            other => {
                self.critical |= matches!(other, "crit" | "b64");
                return self.others.insert(name.into_owned());
            }
        };
        slot.replace(value).is_none()
    }
}

impl Parameters {
    fn algorithm(&self, allowed: AllowedAlgorithms) -> Result<SigningAlgorithm, JwsError> {
        let Some(Value::String(name)) = &self.alg else { return Err(JwsError::Malformed("alg is not a string")) };
        let algorithm = name.parse().map_err(|_| JwsError::AlgorithmNotAllowed)?;
        if allowed.contains(algorithm) { Ok(algorithm) } else { Err(JwsError::AlgorithmNotAllowed) }
    }
}

fn text_or_absent(value: Option<Value>, otherwise: &'static str) -> Result<Option<String>, JwsError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::Malformed(otherwise)),
    }
}

#[cfg(test)]
mod tests;
