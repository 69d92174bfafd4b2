//! Tokens that somebody made who has only the public key: the old tricks with real signatures of the wrong kind.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::json;
use verification_keys::testing::TestKey;

use crate::bench::Bench;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn number(key: &TestKey, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(key.jwk()[name].as_str().unwrap()).unwrap()
}

/// `SubjectPublicKeyInfo` of an RSA key of 2048 bits with the exponent 65537.
fn spki(modulus: &[u8]) -> Vec<u8> {
    let mut der = vec![0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    der.extend([0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00]);
    der.extend(pkcs1(modulus));
    der
}

fn pkcs1(modulus: &[u8]) -> Vec<u8> {
    let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    der.extend(modulus);
    der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    der
}

fn pem(label: &str, der: &[u8], line_end: &str) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----{line_end}{}{line_end}-----END {label}-----{line_end}", lines.join(line_end))
}

#[tokio::test]
async fn the_public_key_is_no_secret_for_hmac() {
    let bench = Bench::new().await;
    let key = bench.issuer.key();
    let modulus = number(key, "n");
    let public = pem("PUBLIC KEY", &spki(&modulus), "\n");
    let secrets = [
        public.clone().into_bytes(),
        public.trim_end().as_bytes().to_vec(),
        format!("\n{public}").into_bytes(),
        pem("PUBLIC KEY", &spki(&modulus), "\r\n").into_bytes(),
        pem("RSA PUBLIC KEY", &pkcs1(&modulus), "\n").into_bytes(),
        spki(&modulus),
        pkcs1(&modulus),
        modulus.clone(),
        key.jwk().to_string().into_bytes(),
        key.jwk()["n"].as_str().unwrap().as_bytes().to_vec(),
        b"one".to_vec(),
        Vec::new(),
    ];
    let kinds = [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for (secret, (label, kind)) in secrets.iter().flat_map(|secret| kinds.map(|kind| (secret, kind))) {
        let header = json!({"typ": "at+jwt", "alg": label, "kid": "one"}).to_string();
        let input = format!("{}.{}", encoded(header), encoded(bench.claims(json!({})).to_string()));
        let tag = hmac::sign(&hmac::Key::new(kind, secret), input.as_bytes());
        let token = format!("{input}.{}", encoded(tag));
        bench.call(&token).await.assert_refused("algorithm_not_allowed", label);
        // The same bytes under an algorithm that is allowed.
        let relabelled = input.replacen(
            &encoded(json!({"typ": "at+jwt", "alg": label, "kid": "one"}).to_string()),
            &encoded(r#"{"typ":"at+jwt","alg":"RS256","kid":"one"}"#),
            1,
        );
        bench.call(&format!("{relabelled}.{}", encoded(tag))).await.assert_refused("signature_invalid", label);
    }
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn special_numbers_are_no_rsa_signature() {
    let bench = Bench::new().await;
    let modulus = number(bench.issuer.key(), "n");
    let good = bench.token(json!({}));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let small = |value: u8| [vec![0; 255], vec![value]].concat();
    let mut less = modulus.clone();
    *less.last_mut().unwrap() -= 1;
    let cases = [
        ("0", small(0)),
        ("1", small(1)),
        ("2", small(2)),
        ("n", modulus.clone()),
        ("n - 1", less),
        ("s + n", sum(&signature, &modulus)),
        ("s with a zero in front", [vec![0], signature.clone()].concat()),
        ("s with a zero behind", [signature.clone(), vec![0]].concat()),
        ("s without its last byte", signature[..255].to_vec()),
        ("255 ones", vec![0xff; 256]),
    ];
    for (what, value) in cases {
        bench.call(&format!("{input}.{}", encoded(value))).await.assert_refused("signature_invalid", what);
    }
    assert_eq!(bench.verdict(&good).await.0, 200);
}

/// `a + b`, big-endian, both of the same length.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut carry, mut digits) = (0, Vec::new());
    for (a, b) in a.iter().zip(b).rev() {
        let total = u16::from(*a) + u16::from(*b) + carry;
        digits.push(total.to_le_bytes()[0]);
        carry = total >> 8;
    }
    digits.extend((carry > 0).then_some(1));
    digits.reverse();
    digits
}

#[tokio::test]
async fn special_numbers_are_no_signature_on_curves() {
    let bench = Bench::new().await;
    let keys = [TestKey::p256(), TestKey::ed25519()];
    bench.issuer.publishes_keys(&keys);
    let order: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let one = [[0; 31].as_slice(), &[1]].concat();
    let neutral = [[1].as_slice(), &[0; 63]].concat();
    for key in &keys {
        let good = key.access_token(&bench.claims(json!({})));
        assert_eq!(bench.verdict(&good).await.0, 200);
        let (input, _) = good.rsplit_once('.').unwrap();
        let cases = [
            vec![0; 64],
            [one.clone(), one.clone()].concat(),
            [order.to_vec(), order.to_vec()].concat(),
            [order.to_vec(), vec![0; 32]].concat(),
            neutral.clone(),
            vec![0xff; 64],
            vec![0; 63],
            vec![0x30, 6, 2, 1, 0, 2, 1, 0],
        ];
        for value in cases {
            let token = format!("{input}.{}", encoded(&value));
            bench.call(&token).await.assert_refused("signature_invalid", &format!("{} {value:x?}", key.kid()));
        }
    }
}

#[tokio::test]
async fn an_encrypted_token_is_none() {
    let bench = Bench::new().await;
    let inner = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(bench.claims(json!({})).to_string()));
    for algorithm in ["RSA-OAEP", "RSA1_5", "dir", "none", "RS256"] {
        let header = encoded(json!({"alg": algorithm, "enc": "A256GCM", "cty": "JWT", "kid": "one"}).to_string());
        let token =
            format!("{header}.{}.{}.{}.{}", encoded([1; 256]), encoded([2; 12]), encoded(&inner), encoded([3; 16]));
        bench.call(&token).await.assert_refused("opaque_token", algorithm);
    }
    assert_eq!((bench.handled(), bench.issuer.introspections()), (0, 0));
}
