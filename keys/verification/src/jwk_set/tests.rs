use serde_json::{Value, json};

use super::*;
use crate::{
    AllowedAlgorithms,
    jws::{CompactJws, JwsError},
    testing::{TestKey, jwk_set},
};

fn parse(document: &Value) -> Result<JwkSet, JwkSetError> {
    JwkSet::parse(document.to_string().as_bytes())
}

/// The good key's JWK with `changes` made to it; null removes a member.
fn changed(key: &TestKey, changes: &Value) -> Value {
    let mut jwk = key.jwk();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            jwk.as_object_mut().unwrap().remove(name);
        } else {
            jwk[name] = value.clone();
        }
    }
    jwk
}

/// Why `jwk` is passed over, in a set whose other key goes on working.
fn reason(jwk: &Value) -> UnusableKey {
    let good = TestKey::rsa_two();
    let set = parse(&json!({"keys": [jwk, good.jwk()]})).unwrap();
    let kids: Vec<_> = set.iter().map(|key| key.key_id().unwrap()).collect();
    assert_eq!(kids, ["two"], "{jwk}");
    assert_eq!(set.passed_over().len(), 1, "{jwk}");
    set.passed_over()[0]
}

fn verify(set: &JwkSet, token: &str) -> Option<Result<(), JwsError>> {
    let jws = CompactJws::parse(token, &AllowedAlgorithms::default()).unwrap();
    let key = set.key(jws.header().key_id.as_deref(), jws.header().algorithm)?;
    Some(jws.verify(key))
}

#[test]
fn a_key_of_each_type_is_usable() {
    let keys = [TestKey::rsa_one(), TestKey::p256(), TestKey::ed25519()];
    let set = parse(&jwk_set(&keys)).unwrap();
    assert_eq!(set.iter().count(), 3);
    for key in &keys {
        assert_eq!(verify(&set, &key.access_token(&json!({}))), Some(Ok(())), "{}", key.kid());
    }
}

#[test]
fn private_and_symmetric_keys_are_passed_over() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let jwk = changed(&TestKey::rsa_one(), &json!({ name: "AQAB" }));
        assert_eq!(reason(&jwk), UnusableKey::Secret, "{name}");
    }
    assert_eq!(reason(&json!({"kty": "oct", "k": "AAAA", "kid": "one", "alg": "HS256"})), UnusableKey::Secret);
    assert_eq!(reason(&json!({"kty": "oct", "kid": "one"})), UnusableKey::UnsupportedType);
}

#[test]
fn rfc7517_section_4_2_a_key_of_another_use_is_passed_over() {
    for purpose in ["enc", "SIG", "", "sig "] {
        assert_eq!(reason(&changed(&TestKey::rsa_one(), &json!({"use": purpose}))), UnusableKey::OtherUse);
    }
    assert_eq!(reason(&changed(&TestKey::rsa_one(), &json!({"use": ["sig"]}))), UnusableKey::Malformed("use"));
    let unstated = changed(&TestKey::rsa_one(), &json!({"use": null}));
    assert_eq!(parse(&json!({"keys": [unstated]})).unwrap().iter().count(), 1);
}

#[test]
fn rfc7517_section_4_3_a_key_whose_operations_are_others_is_passed_over() {
    for operations in [json!([]), json!(["encrypt"]), json!(["sign"]), json!(["Verify"])] {
        let jwk = changed(&TestKey::rsa_one(), &json!({"key_ops": operations}));
        assert_eq!(reason(&jwk), UnusableKey::OtherUse, "{operations}");
    }
    for operations in [json!("verify"), json!(["verify", 1]), json!({})] {
        let jwk = changed(&TestKey::rsa_one(), &json!({"key_ops": operations}));
        assert_eq!(reason(&jwk), UnusableKey::Malformed("key_ops is not a list of strings"), "{operations}");
    }
    let verifies = changed(&TestKey::rsa_one(), &json!({"key_ops": ["verify"]}));
    assert_eq!(parse(&json!({"keys": [verifies]})).unwrap().iter().count(), 1);
}

#[test]
fn a_key_of_another_type_or_curve_is_passed_over() {
    for changes in
        [json!({"kty": "EC"}), json!({"kty": "OKP"}), json!({"n": null}), json!({"e": null}), json!({"kty": null})]
    {
        assert!(matches!(reason(&changed(&TestKey::rsa_one(), &changes)), UnusableKey::Malformed(_)), "{changes}");
    }
    for (key, curve) in [(TestKey::p256(), "P-384"), (TestKey::p256(), "secp256k1"), (TestKey::ed25519(), "Ed448")] {
        assert_eq!(reason(&changed(&key, &json!({"crv": curve}))), UnusableKey::UnsupportedType, "{curve}");
    }
    for kty in ["rsa", "AKP", ""] {
        assert_eq!(reason(&changed(&TestKey::rsa_one(), &json!({"kty": kty}))), UnusableKey::UnsupportedType, "{kty}");
    }
}

#[test]
fn a_weak_rsa_key_is_passed_over() {
    let short = base64url(&[0xff; 128]);
    assert_eq!(
        reason(&changed(&TestKey::rsa_one(), &json!({"n": short}))),
        UnusableKey::WeakRsa("fewer than 2048 bits")
    );
    for exponent in [&[1][..], &[2], &[1, 0, 0], &[0xff; 9]] {
        let jwk = changed(&TestKey::rsa_one(), &json!({"e": base64url(exponent)}));
        assert!(matches!(reason(&jwk), UnusableKey::WeakRsa(_)), "{exponent:?}");
    }
}

#[test]
fn numbers_are_base64url_in_canonical_form_and_of_full_length() {
    for n in ["", "AQAB=", "AQ+B", "A"] {
        let jwk = changed(&TestKey::rsa_one(), &json!({"n": n}));
        assert!(matches!(reason(&jwk), UnusableKey::Malformed(_)), "{n}");
    }
    for length in [31, 33] {
        for name in ["x", "y"] {
            let jwk = changed(&TestKey::p256(), &json!({ name: base64url(&vec![1; length]) }));
            assert_eq!(reason(&jwk), UnusableKey::Malformed("a coordinate is not 32 bytes long"));
        }
        let jwk = changed(&TestKey::ed25519(), &json!({"x": base64url(&vec![1; length])}));
        assert_eq!(reason(&jwk), UnusableKey::Malformed("x is not 32 bytes long"));
    }
    let compensating = json!({"x": base64url(&[1; 31]), "y": base64url(&[1; 33])});
    assert!(matches!(reason(&changed(&TestKey::p256(), &compensating)), UnusableKey::Malformed(_)));
}

#[test]
fn a_key_of_another_algorithm_is_passed_over() {
    for algorithm in ["HS256", "RS384", "PS512", "RSA-OAEP", "ES256", "EdDSA", "none", "rs256"] {
        let jwk = changed(&TestKey::rsa_one(), &json!({"alg": algorithm}));
        assert_eq!(reason(&jwk), UnusableKey::UnsupportedAlgorithm, "{algorithm}");
    }
    let expected = UnusableKey::Malformed("alg");
    assert_eq!(reason(&changed(&TestKey::rsa_one(), &json!({"alg": 1}))), expected);
}

#[test]
fn a_key_that_states_its_algorithm_is_for_no_other() {
    let pss = TestKey::rsa_one().with_algorithm(SigningAlgorithm::Ps256);
    let stated = parse(&jwk_set([&pss])).unwrap();
    assert_eq!(verify(&stated, &pss.access_token(&json!({}))), Some(Ok(())));
    assert_eq!(verify(&stated, &TestKey::rsa_one().access_token(&json!({}))), Some(Err(JwsError::KeyMismatch)));
    let unstated = parse(&json!({"keys": [changed(&pss, &json!({"alg": null}))]})).unwrap();
    assert_eq!(verify(&unstated, &pss.access_token(&json!({}))), Some(Ok(())));
    assert_eq!(verify(&unstated, &TestKey::rsa_one().access_token(&json!({}))), Some(Ok(())));
}

#[test]
fn rfc7517_section_4_a_key_with_a_member_twice_is_passed_over_alone() {
    let good = TestKey::rsa_two().jwk();
    let document = format!(r#"{{"keys":[{{"kty":"oct","kty":"RSA"}},{good}]}}"#);
    let set = JwkSet::parse(document.as_bytes()).unwrap();
    assert_eq!(set.iter().count(), 1);
    assert_eq!(set.passed_over(), [UnusableKey::Malformed("not one strict JSON object")]);
}

#[test]
fn junk_among_the_keys_is_passed_over_alone() {
    for junk in [json!(null), json!(1), json!("RSA"), json!([]), json!({}), json!({"kid": 1, "kty": "RSA"})] {
        assert!(matches!(reason(&junk), UnusableKey::Malformed(_)), "{junk}");
    }
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let document = format!(r#"{{"keys":[{deep},{}]}}"#, TestKey::rsa_two().jwk());
    assert_eq!(JwkSet::parse(document.as_bytes()).unwrap().iter().count(), 1);
}

#[test]
fn rfc7517_section_5_a_set_is_an_object_with_an_array_of_keys() {
    for document in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        "[[]]",
        r#"[[{"kty":"RSA"}]]"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]}x"#,
        "\u{feff}{\"keys\":[]}",
        r#"{"keys":["#,
        "<html></html>",
    ] {
        assert_eq!(JwkSet::parse(document.as_bytes()), Err(JwkSetError::NotAJwkSet), "{document}");
    }
    assert_eq!(JwkSet::parse(b"{\"keys\":[\"\xff\"]}"), Err(JwkSetError::NotAJwkSet));
    assert_eq!(JwkSet::parse(br#" {"x":1,"keys":[]}"#).map(|set| set.iter().count()), Ok(0));
}

#[test]
fn a_set_has_at_most_100_keys() {
    let keys = |count: usize| json!({"keys": vec![TestKey::rsa_one().jwk(); count]});
    assert_eq!(parse(&keys(100)).map(|set| set.iter().count()), Ok(100));
    assert_eq!(parse(&keys(101)), Err(JwkSetError::TooManyKeys));
}

#[test]
fn keys_that_share_a_kid_are_all_tried() {
    let (one, two) = (TestKey::rsa_one().with_kid("k"), TestKey::rsa_two().with_kid("k"));
    for pair in [[&one, &two], [&two, &one]] {
        let set = parse(&jwk_set(pair)).unwrap();
        assert_eq!(verify(&set, &one.access_token(&json!({}))), Some(Ok(())));
        assert_eq!(verify(&set, &two.access_token(&json!({}))), Some(Ok(())));
        let forged = TestKey::rsa_one().with_algorithm(SigningAlgorithm::Ps256).with_kid("k").access_token(&json!({}));
        assert_eq!(verify(&set, &forged), Some(Err(JwsError::KeyMismatch)));
    }
    let types = [&TestKey::p256().with_kid("k"), &one, &TestKey::ed25519().with_kid("k")];
    let set = parse(&jwk_set(types)).unwrap();
    for key in types {
        assert_eq!(verify(&set, &key.access_token(&json!({}))), Some(Ok(())), "{:?}", key.algorithm());
    }
}

#[test]
fn a_kid_is_looked_up_exactly() {
    let set = parse(&jwk_set([&TestKey::rsa_one()])).unwrap();
    for kid in ["One", "one ", "", "on", "../one", "one\0"] {
        assert_eq!(set.key(Some(kid), SigningAlgorithm::Rs256), None, "{kid:?}");
    }
    assert!(set.key(Some("one"), SigningAlgorithm::Rs256).is_some());
}

#[test]
fn without_a_kid_exactly_one_key_must_fit() {
    let set = parse(&jwk_set([&TestKey::rsa_one(), &TestKey::p256()])).unwrap();
    assert_eq!(set.key(None, SigningAlgorithm::Rs256).unwrap().key_id(), Some("one"));
    assert_eq!(set.key(None, SigningAlgorithm::EdDsa), None);
    let set = parse(&jwk_set([&TestKey::rsa_one(), &TestKey::rsa_two()])).unwrap();
    assert_eq!(set.key(None, SigningAlgorithm::Rs256), None);
}

#[test]
fn a_set_holds_its_own_keys_only() {
    let set = parse(&jwk_set([&TestKey::rsa_one()])).unwrap();
    assert!(set.holds(&TestKey::rsa_one().public()));
    assert!(!set.holds(&TestKey::rsa_two().public()));
    assert!(!set.holds(&TestKey::rsa_two().with_kid("one").public()), "another key under the same kid");
    assert!(!set.holds(&TestKey::rsa_one().with_kid("two").public()));
}

#[test]
fn what_is_logged_of_a_key_names_it_and_no_more() {
    let logged = format!("{:?}", TestKey::rsa_one().public());
    let n = TestKey::rsa_one().jwk()["n"].as_str().unwrap().to_owned();
    assert!(logged.contains("one") && !logged.contains(&n));
}

fn base64url(bytes: &[u8]) -> String {
    crate::base64url::encode(bytes)
}
