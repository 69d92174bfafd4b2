//! Project Wycheproof: JSON Web Signature, JSON Web Key, and RSA PKCS #1 v1.5 with SHA-256 and 2048 bits.

use serde_json::{Value, json};
use verification_keys::{
    SigningAlgorithm, install_crypto_providers,
    jwk_set::{JwkSet, VerificationKey},
    jws::JwsError,
};

use crate::{Refused, judge, read};

/// Every test of a file with the group that it belongs to.
fn tests(file: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = file["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
}

fn id(test: &Value) -> u64 {
    test["tcId"].as_u64().unwrap()
}

/// The public half of a group's key or keys; a group without one has symmetric keys.
fn keys(group: &Value) -> &Value {
    group.get("public").unwrap_or(&group["private"])
}

/// The file gives most tokens as compact JWS and some as JSON.
fn token(test: &Value) -> String {
    test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned)
}

#[test]
fn json_web_signature() {
    // 18 es256 · 33, 259-263 rs256 · 272-275, 287, 288 ps256 · 345, 349 RFC 7520 figure 13 · 378 es256.
    // The file's other valid vectors are of algorithms that are not on the allow-list, and 346 and 350 are PS384
    // tokens under keys that state PS256.
    let expected = [18, 33, 259, 260, 261, 262, 263, 272, 273, 274, 275, 287, 288, 345, 349, 378];
    let file = read("wycheproof/json_web_signature_test.json");
    let verdict = |group: &Value, test: &Value| {
        let set = JwkSet::parse(json!({"keys": [keys(group)]}).to_string().as_bytes()).unwrap();
        // Some of the keys have no `kid` though the tokens name one: what is tested is the signature.
        judge_with_any_kid(&token(test), &set)
    };
    let accepted: Vec<u64> =
        tests(&file).filter(|(group, test)| verdict(group, test).is_ok()).map(|(_, test)| id(test)).collect();
    assert_eq!(accepted, expected);
    assert_eq!(tests(&file).count() - accepted.len(), 385);
    assert!(tests(&file).all(|(_, test)| !accepted.contains(&id(test)) || test["result"] == "valid"));
}

#[test]
fn json_web_signature_keys_of_another_use_do_not_verify() {
    let file = read("wycheproof/json_web_signature_test.json");
    for (group, test) in tests(&file).filter(|(_, test)| (353..=356).contains(&id(test))) {
        let set = JwkSet::parse(json!({"keys": [keys(group)]}).to_string().as_bytes()).unwrap();
        assert_eq!(set.iter().count(), 0, "{}", id(test));
        assert_eq!(judge(&token(test), &set), Err(Refused::NoKey), "{}", id(test));
    }
}

#[test]
fn json_web_key() {
    // 5 is RS256 under a key for it. 2, 13, 14 and 15 are valid in the file and HMAC, so refused here.
    let file = read("wycheproof/json_web_key_test.json");
    let verdict = |group: &Value, test: &Value| {
        let set = JwkSet::parse(keys(group).to_string().as_bytes()).unwrap();
        judge(&token(test), &set)
    };
    let accepted: Vec<u64> =
        tests(&file).filter(|(group, test)| verdict(group, test).is_ok()).map(|(_, test)| id(test)).collect();
    assert_eq!(accepted, [5]);
    assert_eq!(tests(&file).count() - accepted.len(), 25);
}

#[test]
fn rsa_pkcs1_2048_sha256() {
    // 8 is "acceptable" to the file: the NULL in DigestInfo is missing. It is refused here.
    let expected = [1, 2, 3, 4, 5, 6, 7, 258, 259];
    install_crypto_providers();
    let file = read("wycheproof/rsa_signature_2048_sha256_test.json");
    let verdict = |group: &Value, test: &Value| {
        let key = VerificationKey::from_jwk(group["keyJwk"].to_string().as_bytes()).unwrap();
        key.verify(SigningAlgorithm::Rs256, &unhex(&test["msg"]), &base64url(&unhex(&test["sig"])))
    };
    let accepted: Vec<u64> =
        tests(&file).filter(|(group, test)| verdict(group, test).is_ok()).map(|(_, test)| id(test)).collect();
    assert_eq!(accepted, expected);
    let refused = tests(&file).filter(|(group, test)| verdict(group, test) == Err(JwsError::SignatureInvalid)).count();
    assert_eq!(refused, 250);
}

/// As [`judge`], with the only key of the set whatever the token calls it.
fn judge_with_any_kid(token: &str, set: &JwkSet) -> Result<Vec<u8>, Refused> {
    use verification_keys::{AllowedAlgorithms, jws::CompactJws};
    install_crypto_providers();
    let jws = CompactJws::parse(token, &AllowedAlgorithms::default()).map_err(Refused::Token)?;
    let key = set.iter().next().ok_or(Refused::NoKey)?;
    jws.verify(key).map_err(Refused::Token)?;
    Ok(jws.payload().to_vec())
}

fn unhex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
