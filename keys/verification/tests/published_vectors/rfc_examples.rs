//! The examples of RFC 7515, RFC 7520, RFC 7638, RFC 7797 and RFC 8037.

use std::fs;

use serde_json::{Value, json};
use verification_keys::{
    jwk_set::{JwkSet, UnusableKey, VerificationKey},
    jws::JwsError,
};

use crate::{Refused, data, judge, read};

fn set_of(jwk: &Value) -> JwkSet {
    JwkSet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap()
}

/// The public halves of an example's keys, which are given in full.
fn public_keys(example: &Value) -> JwkSet {
    let mut keys = match &example["input"]["key"] {
        Value::Array(keys) => keys.clone(),
        key => vec![key.clone()],
    };
    for key in &mut keys {
        key.as_object_mut().unwrap().retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
    }
    JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn rfc7515_appendix_a_2_rs256() {
    let example = &read("rfc7515_examples.json")["A.2"];
    let payload = judge(example["jws"].as_str().unwrap(), &set_of(&example["jwk"])).unwrap();
    assert_eq!(payload, b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
}

#[test]
fn rfc7515_appendix_a_5_an_unsecured_jws_must_be_refused() {
    let examples = read("rfc7515_examples.json");
    let refused = judge(examples["A.5"]["jws"].as_str().unwrap(), &set_of(&examples["A.2"]["jwk"]));
    assert_eq!(refused, Err(Refused::Token(JwsError::AlgorithmNotAllowed)));
}

#[test]
fn rfc7638_section_3_1_thumbprint() {
    let example = read("rfc7638_example.json");
    let key = VerificationKey::from_jwk(example["jwk"].to_string().as_bytes()).unwrap();
    assert_eq!(key.thumbprint(), example["thumbprint"]);
}

#[test]
fn rfc7520_section_3_keys() {
    let rsa = read("jose-cookbook/jwk/3_3.rsa_public_key.json");
    assert_eq!(set_of(&rsa).iter().count(), 1);
    let p521 = read("jose-cookbook/jwk/3_1.ec_public_key.json");
    assert_eq!(set_of(&p521).passed_over(), [UnusableKey::UnsupportedType]);
}

#[test]
fn rfc7520_and_rfc8037_signatures() {
    // The two compact examples of algorithms on the allow-list; every other compact one, and every JSON
    // serialization, must be refused.
    let expected = ["4_1.rsa_v15_signature.json", "jws.json"];
    let mut accepted = Vec::new();
    let mut refused = 0;
    for file in ["jws", "curve25519", "rfc7797"].into_iter().flat_map(files) {
        let example = read(&file);
        let set = public_keys(&example);
        for (form, token) in example["output"].as_object().unwrap() {
            let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
            match judge(&token, &set) {
                Ok(payload) => {
                    assert_eq!((form.as_str(), payload.as_slice()), ("compact", bytes(&example["input"]["payload"])));
                    accepted.push(file.rsplit('/').next().unwrap().to_owned());
                }
                Err(_) => refused += 1,
            }
        }
    }
    accepted.sort();
    assert_eq!(accepted, expected);
    assert_eq!(refused, 26);
}

fn files(folder: &str) -> Vec<String> {
    let folder = format!("jose-cookbook/{folder}");
    let entries = fs::read_dir(data(&folder)).unwrap();
    entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap())).collect()
}

fn bytes(text: &Value) -> &[u8] {
    text.as_str().unwrap().as_bytes()
}
