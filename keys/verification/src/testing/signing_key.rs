//! Keys that sign, for tests only: they are published with this source and protect nothing.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "only tests use this module")]

use jsonwebtoken::{EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use crate::{SigningAlgorithm, base64url, jwk_set::VerificationKey};

/// A private key with its algorithm and `kid`.
#[derive(Clone, Debug)]
pub struct TestKey {
    kid: String,
    algorithm: SigningAlgorithm,
    private: EncodingKey,
}

impl TestKey {
    /// An RSA key of 2048 bits, for RS256; its `kid` is `one`.
    #[must_use]
    pub fn rsa_one() -> Self {
        Self::new("one", SigningAlgorithm::Rs256, EncodingKey::from_rsa_der(include_bytes!("keys/rsa_one.der")))
    }

    /// Another RSA key of 2048 bits, for RS256; its `kid` is `two`.
    #[must_use]
    pub fn rsa_two() -> Self {
        Self::new("two", SigningAlgorithm::Rs256, EncodingKey::from_rsa_der(include_bytes!("keys/rsa_two.der")))
    }

    /// A key on P-256, for ES256; its `kid` is `p256`.
    #[must_use]
    pub fn p256() -> Self {
        Self::new("p256", SigningAlgorithm::Es256, EncodingKey::from_ec_der(include_bytes!("keys/p256.der")))
    }

    /// An Ed25519 key; its `kid` is `ed25519`.
    #[must_use]
    pub fn ed25519() -> Self {
        Self::new("ed25519", SigningAlgorithm::EdDsa, EncodingKey::from_ed_der(include_bytes!("keys/ed25519.der")))
    }

    fn new(kid: &str, algorithm: SigningAlgorithm, private: EncodingKey) -> Self {
        crate::install_crypto_providers();
        Self { kid: kid.to_owned(), algorithm, private }
    }

    /// The same key under another `kid`.
    #[must_use]
    pub fn with_kid(self, kid: &str) -> Self {
        Self { kid: kid.to_owned(), ..self }
    }

    /// The same key for another algorithm of its type.
    #[must_use]
    pub fn with_algorithm(self, algorithm: SigningAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// The `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The public half as a JWK, with `kid`, `alg` and `use`.
    ///
    /// # Panics
    /// Never, with the keys of this module.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm.implementation()).expect("a key that is good");
        let mut jwk = serde_json::to_value(jwk).expect("a JWK is JSON");
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The public half.
    ///
    /// # Panics
    /// Never, with the keys of this module.
    #[must_use]
    pub fn public(&self) -> VerificationKey {
        VerificationKey::from_jwk(self.jwk().to_string().as_bytes()).expect("a key that is usable")
    }

    /// An access token: `claims` under a header with `typ: at+jwt` and this key's `alg` and `kid`.
    ///
    /// # Panics
    /// When the algorithm is not one of the key's type.
    #[must_use]
    pub fn access_token(&self, claims: &Value) -> String {
        let header = json!({"typ": "at+jwt", "alg": self.algorithm.as_str(), "kid": self.kid});
        self.sign(header.to_string(), claims.to_string())
    }

    /// Signs any header and payload, however wrong they are.
    ///
    /// # Panics
    /// When the algorithm is not one of the key's type.
    #[must_use]
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_segments(&base64url::encode(header.as_ref()), &base64url::encode(payload.as_ref()))
    }

    /// Signs two segments as they are.
    ///
    /// # Panics
    /// When the algorithm is not one of the key's type.
    #[must_use]
    pub fn sign_segments(&self, header: &str, payload: &str) -> String {
        let signing_input = format!("{header}.{payload}");
        let signature = crypto::sign(signing_input.as_bytes(), &self.private, self.algorithm.implementation());
        format!("{signing_input}.{}", signature.expect("an algorithm of the key's type"))
    }
}

/// A JWK Set of the public halves of `keys`.
#[must_use]
pub fn jwk_set<'k>(keys: impl IntoIterator<Item = &'k TestKey>) -> Value {
    json!({"keys": keys.into_iter().map(TestKey::jwk).collect::<Vec<_>>()})
}
