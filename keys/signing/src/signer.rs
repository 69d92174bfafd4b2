//! One key, parsed once: claims → compact JWS (RFC 7515 §3.1), RS256.

#[cfg(test)]
pub(crate) mod tests;

use crate::{KeyId, KeySize, jwk_set::PublicKey, pem, pem::InvalidKey, seal::SealingKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    JoseError, Value,
    jwk::{KeyPair as _, alg::rsa::RsaKeyPair},
    jws::{JwsSigner as _, JwsVerifier as _, RS256, alg::rsassa::RsassaJwsSigner},
};
use serde::Serialize;
use serde_json::json;
use std::fmt;

/// An RSA key that signs. `Debug` shows its name only.
#[derive(Clone)]
pub struct SigningKey {
    signer: RsassaJwsSigner,
    sealing: SealingKey,
    public: PublicKey,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The claims are not JSON.
    #[error("the claims cannot be written as JSON: {0}")]
    Claims(#[from] serde_json::Error),
    /// The signature failed.
    #[error("signing failed: {0}")]
    Signature(#[from] JoseError),
    /// There is no key to sign with.
    #[error("no key to sign with")]
    NoKey,
}

impl SigningKey {
    /// Makes a new key. Returns it with its PKCS#8 PEM, which is secret.
    ///
    /// # Errors
    /// [`InvalidKey`] if the cryptographic library fails.
    pub(crate) fn generate(size: KeySize) -> Result<(Self, Vec<u8>), InvalidKey> {
        let pem = RS256.generate_key_pair(size.bits()).map_err(|_| InvalidKey::Damaged)?.to_pem_private_key();
        Ok((Self::from_pem(&pem)?, pem))
    }

    /// Reads a PKCS#8 or PKCS#1 PEM file with an RSA key of 2048 to 4096 bits.
    ///
    /// # Errors
    /// [`InvalidKey`] says what is wrong with it.
    pub fn from_pem(text: &[u8]) -> Result<Self, InvalidKey> {
        let block = pem::private_key_block(text)?;
        let key_pair = RsaKeyPair::from_pem(&block).map_err(|_| InvalidKey::Damaged)?;
        let public = public_key(&key_pair)?;
        let signer = RS256.signer_from_pem(&block).map_err(|_| InvalidKey::Damaged)?;
        // DER, because the same key may come in PEM files that differ.
        let sealing = SealingKey::derive(&key_pair.to_raw_private_key()).map_err(|_| InvalidKey::Damaged)?;
        let key = Self { signer, sealing, public };
        key.check_signature(&key_pair)?;
        Ok(key)
    }

    /// The key's name.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.public.key_id
    }

    /// Signs `claims` (a JSON object) with the header `alg`, `typ`, `kid`.
    ///
    /// # Errors
    /// [`SignError`]
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
        let header = json!({ "alg": "RS256", "typ": typ, "kid": self.key_id().as_str() }).to_string();
        let mut jws = URL_SAFE_NO_PAD.encode(header);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut jws);
        let signature = self.signer.sign(jws.as_bytes())?;
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
        Ok(jws)
    }

    pub(crate) const fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A damaged key may parse; its signatures would not verify.
    fn check_signature(&self, key_pair: &RsaKeyPair) -> Result<(), InvalidKey> {
        const MESSAGE: &[u8] = b"a key that signs must verify";
        let signature = self.signer.sign(MESSAGE).map_err(|_| InvalidKey::Damaged)?;
        let verifier = RS256.verifier_from_jwk(&key_pair.to_jwk_public_key()).map_err(|_| InvalidKey::Damaged)?;
        verifier.verify(MESSAGE, &signature).map_err(|_| InvalidKey::Damaged)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("key_id", self.key_id()).finish_non_exhaustive()
    }
}

fn public_key(key_pair: &RsaKeyPair) -> Result<PublicKey, InvalidKey> {
    let jwk = key_pair.to_jwk_public_key();
    let (Some(Value::String(modulus)), Some(Value::String(exponent))) = (jwk.parameter("n"), jwk.parameter("e")) else {
        return Err(InvalidKey::Damaged);
    };
    let size = bits(modulus)?;
    if !(KeySize::Rsa2048.bits()..=KeySize::Rsa4096.bits()).contains(&size) {
        return Err(InvalidKey::Size(size));
    }
    // 65537 has 17 bits; some verifiers read no more than 32.
    if !(17..=32).contains(&bits(exponent)?) {
        return Err(InvalidKey::Exponent);
    }
    Ok(PublicKey::new(modulus.clone(), exponent.clone()))
}

/// The bit length of a big-endian number in base64url.
fn bits(number: &str) -> Result<u32, InvalidKey> {
    let bytes = URL_SAFE_NO_PAD.decode(number).map_err(|_| InvalidKey::Damaged)?;
    let digits = bytes.iter().skip_while(|byte| **byte == 0);
    let unused = digits.clone().next().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(digits.count() * 8).map(|bits| bits - unused).map_err(|_| InvalidKey::Damaged)
}
