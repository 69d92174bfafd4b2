//! What is signed verifies; what is not a signing key is refused with its reason.

use super::*;
use base64::engine::general_purpose::STANDARD;
use josekit::jwk::{
    P_256,
    alg::{ec::EcKeyPair, rsapss::RsaPssKeyPair},
};
use proptest::prelude::*;
use std::sync::LazyLock;

/// The PEM of a key, made once for all tests.
pub(crate) fn pem(number: usize) -> &'static [u8] {
    static KEYS: [LazyLock<Vec<u8>>; 4] = [const { LazyLock::new(generate) }; 4];
    &KEYS[number]
}

fn generate() -> Vec<u8> {
    SigningKey::generate(KeySize::Rsa2048).unwrap().1
}

pub(crate) fn key(number: usize) -> SigningKey {
    SigningKey::from_pem(pem(number)).unwrap()
}

fn refusal(text: impl AsRef<[u8]>) -> InvalidKey {
    SigningKey::from_pem(text.as_ref()).unwrap_err()
}

/// Made by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048` for this test, and used nowhere.
const OPENSSL_PKCS8: &str = include_str!("testdata/openssl-pkcs8.pem");
/// The same key by `openssl rsa -traditional`, which writes PKCS#1.
const OPENSSL_PKCS1: &str = include_str!("testdata/openssl-pkcs1.pem");
/// The same key under a passphrase by `openssl pkey -aes256`.
const OPENSSL_ENCRYPTED: &str = include_str!("testdata/openssl-encrypted.pem");
/// The same key under a passphrase in the old form, by `openssl rsa -traditional -aes256`.
const OPENSSL_ENCRYPTED_PKCS1: &str = include_str!("testdata/openssl-encrypted-pkcs1.pem");
/// Another one, with `rsa_keygen_pubexp:3`.
const OPENSSL_EXPONENT_3: &str = include_str!("testdata/openssl-exponent-3.pem");
/// Computed from the modulus that `openssl rsa -modulus` prints.
const OPENSSL_THUMBPRINT: &str = include_str!("testdata/openssl.thumbprint");

#[test]
fn a_jws_has_alg_typ_and_kid_and_verifies() {
    let key = key(0);
    let jws = key.sign("at+jwt", &json!({ "sub": "someone" })).unwrap();
    let parts: Vec<_> = jws.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    let header: Value = serde_json::from_slice(&parts[0]).unwrap();
    assert_eq!(header, json!({ "alg": "RS256", "typ": "at+jwt", "kid": key.key_id().as_str() }));
    assert_eq!(parts[1], br#"{"sub":"someone"}"#);

    let verifier =
        |number| RS256.verifier_from_jwk(&RsaKeyPair::from_pem(pem(number)).unwrap().to_jwk_public_key()).unwrap();
    let signed = jws.rsplit_once('.').unwrap().0.as_bytes();
    assert!(verifier(0).verify(signed, &parts[2]).is_ok());
    assert!(verifier(1).verify(signed, &parts[2]).is_err());
}

#[test]
fn claims_that_are_not_json_are_an_error() {
    let claims = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(matches!(key(0).sign("at+jwt", &claims), Err(SignError::Claims(_))));
}

#[test]
fn keys_of_openssl_are_read_in_both_forms_and_named_by_their_thumbprint() {
    for text in [
        OPENSSL_PKCS8.to_owned(),
        OPENSSL_PKCS1.to_owned(),
        OPENSSL_PKCS8.replace('\n', "\r\n"),
        format!("Bag Attributes\n{OPENSSL_PKCS8}"),
    ] {
        let key = SigningKey::from_pem(text.as_bytes()).unwrap();
        assert_eq!(key.key_id().as_str(), OPENSSL_THUMBPRINT.trim());
    }
}

#[test]
fn debug_shows_the_name_alone() {
    let key = key(0);
    assert_eq!(format!("{key:?}"), format!("SigningKey {{ key_id: {:?}, .. }}", key.key_id()));
}

#[test]
fn what_is_not_a_signing_key_is_refused_with_its_reason() {
    assert_eq!(refusal(""), InvalidKey::Empty);
    assert_eq!(refusal(" \n"), InvalidKey::Empty);
    assert_eq!(refusal("hello"), InvalidKey::NotPem);
    assert_eq!(refusal([0xff, 0xfe]), InvalidKey::NotPem);
    assert_eq!(refusal(OPENSSL_ENCRYPTED), InvalidKey::Encrypted);
    assert_eq!(refusal(OPENSSL_ENCRYPTED_PKCS1), InvalidKey::Encrypted);
    assert_eq!(refusal(OPENSSL_EXPONENT_3), InvalidKey::Exponent);

    let ec = EcKeyPair::generate(P_256).unwrap();
    assert_eq!(refusal(ec.to_pem_private_key()), InvalidKey::NotRsa);
    assert_eq!(refusal(ec.to_traditional_pem_private_key()), InvalidKey::NotRsa);
    let hash = josekit::util::SHA_256;
    let pss = RsaPssKeyPair::generate(2048, hash, hash, 32).unwrap();
    assert_eq!(refusal(pss.to_pem_private_key()), InvalidKey::NotRsa);

    let small = RsaKeyPair::generate(1024).unwrap();
    assert_eq!(refusal(small.to_pem_private_key()), InvalidKey::Size(1024));
    assert_eq!(refusal(small.to_traditional_pem_private_key()), InvalidKey::Size(1024));
    assert_eq!(refusal(small.to_pem_public_key()), InvalidKey::NotPrivate("public key".to_owned()));
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let end = OPENSSL_PKCS8.trim_end().len();
    for length in (0..end).step_by(37).chain([end - 1]) {
        let refusal = refusal(&OPENSSL_PKCS8[..length]);
        assert!(matches!(refusal, InvalidKey::Empty | InvalidKey::NotPem), "{length}: {refusal:?}");
    }
}

#[test]
fn a_key_whose_parts_do_not_fit_is_refused() {
    const IN_THE_MODULUS: usize = 100;
    let mut der = RsaKeyPair::from_pem(pem(0)).unwrap().to_der_private_key();
    der[IN_THE_MODULUS] ^= 1;
    assert_eq!(refusal(as_pem("PRIVATE KEY", &der)), InvalidKey::Damaged);
}

fn as_pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_file_never_panics(
        changes in prop::collection::vec((0_usize..1300, any::<u8>()), 1..4),
        begins in any::<bool>(),
        is_pkcs1 in any::<bool>(),
    ) {
        let key_pair = RsaKeyPair::from_pem(OPENSSL_PKCS8).unwrap();
        let (label, original) = if is_pkcs1 {
            ("RSA PRIVATE KEY", key_pair.to_raw_private_key())
        } else {
            ("PRIVATE KEY", key_pair.to_der_private_key())
        };
        let mut der = original.clone();
        // Half of the cases hit the frame, where the lengths are.
        let reach = if begins { 40 } else { der.len() };
        for (position, byte) in changes {
            der[position % reach] = byte;
        }
        if let Ok(key) = SigningKey::from_pem(as_pem(label, &der).as_bytes()) {
            prop_assert_eq!(key.key_id().as_str(), OPENSSL_THUMBPRINT.trim(), "signs under another name");
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), label in "[A-Z ]{0,12}PRIVATE KEY") {
        prop_assert!(SigningKey::from_pem(&bytes).is_err());
        prop_assert!(SigningKey::from_pem(as_pem(&label, &bytes).as_bytes()).is_err());
    }
}
