//! A throw-away RSA key, made once for all tests of a run.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{PKCS_RSA_SHA256, RsaKeySize};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(crate) const KEY_ID: &str = "a-throw-away-key";

static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    let made = rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    RsaKeyPair::from_pkcs8(&made.serialize_der()).unwrap()
});

/// The public half.
pub(crate) fn jwk_set() -> Value {
    let public: PublicKeyComponents<Vec<u8>> = KEY.public().into();
    let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
    json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": n, "e": e}]})
}

/// A token with these claims.
pub(crate) fn sign(claims: &Value) -> String {
    let header = json!({"typ": "at+jwt", "alg": "RS256", "kid": KEY_ID});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; KEY.public().modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &random(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[expect(clippy::disallowed_methods, reason = "a test is the edge that makes the generator")]
fn random() -> SystemRandom {
    SystemRandom::new()
}
