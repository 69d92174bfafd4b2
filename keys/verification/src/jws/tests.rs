use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::TestKey;

fn parse(token: &str) -> Result<CompactJws<'_>, JwsError> {
    CompactJws::parse(token, &AllowedAlgorithms::default())
}

/// Signs `header` over `{}`, so that only the header can be at fault.
fn with_header(header: impl AsRef<[u8]>) -> String {
    TestKey::rsa_one().sign(header, "{}")
}

fn refusal(token: &str) -> JwsError {
    parse(token).unwrap_err()
}

#[test]
fn verifies_each_allowed_algorithm_with_its_key_and_no_other() {
    let pss = TestKey::rsa_two().with_algorithm(SigningAlgorithm::Ps256);
    for key in [TestKey::rsa_one(), pss, TestKey::p256(), TestKey::ed25519()] {
        let token = key.access_token(&json!({"sub": "a"}));
        let jws = parse(&token).unwrap();
        assert_eq!(jws.header().algorithm, key.algorithm());
        assert_eq!(jws.header().key_id.as_deref(), Some(key.kid()));
        assert_eq!(jws.header().token_type.as_deref(), Some("at+jwt"));
        assert_eq!(jws.payload(), br#"{"sub":"a"}"#);
        assert_eq!(jws.verify(&key.public()), Ok(()));
    }
    let token = TestKey::rsa_one().access_token(&json!({}));
    let jws = parse(&token).unwrap();
    assert_eq!(jws.verify(&TestKey::rsa_two().public()), Err(JwsError::SignatureInvalid));
    assert_eq!(jws.verify(&TestKey::p256().public()), Err(JwsError::KeyMismatch));
    let pss_only = TestKey::rsa_one().with_algorithm(SigningAlgorithm::Ps256).public();
    assert_eq!(jws.verify(&pss_only), Err(JwsError::KeyMismatch));
}

#[test]
fn rfc8725_section_3_1_the_algorithm_must_be_on_the_allow_list() {
    let names =
        ["none", "None", "NONE", "nOnE", "", " ", "RS256\0", "rs256", "HS256", "HS384", "HS512", "RS384", "RS512"];
    for name in names.into_iter().chain(["PS384", "PS512", "ES384", "ES512", "ES256K", "Ed25519", "RSA-OAEP", "dir"]) {
        let token = with_header(json!({"alg": name}).to_string());
        assert_eq!(refusal(&token), JwsError::AlgorithmNotAllowed, "{name:?}");
    }
    let only_rs256 = AllowedAlgorithms::from_iter([SigningAlgorithm::Rs256]);
    for key in [TestKey::p256(), TestKey::ed25519(), TestKey::rsa_one().with_algorithm(SigningAlgorithm::Ps256)] {
        let token = key.access_token(&json!({}));
        assert_eq!(CompactJws::parse(&token, &only_rs256).unwrap_err(), JwsError::AlgorithmNotAllowed);
        assert!(parse(&token).is_ok());
    }
}

#[test]
fn alg_must_be_there_and_a_string() {
    for header in ["{}", r#"{"alg":null}"#, r#"{"alg":256}"#, r#"{"alg":["RS256"]}"#, r#"{"ALG":"RS256"}"#] {
        assert_eq!(refusal(&with_header(header)), JwsError::Malformed("alg is not a string"), "{header}");
    }
}

#[test]
fn rfc7515_section_4_1_11_critical_parameters_that_are_not_understood_must_be_refused() {
    for crit in [r#"["exp"]"#, r#"["x-unknown"]"#, r#"["b64"]"#, "[]", "null", r#""exp""#, "{}", r#"["alg"]"#] {
        let token = with_header(format!(r#"{{"alg":"RS256","crit":{crit},"exp":1}}"#));
        assert_eq!(refusal(&token), JwsError::CriticalHeader, "{crit}");
    }
    for b64 in ["true", "false", "null"] {
        let token = with_header(format!(r#"{{"alg":"RS256","b64":{b64}}}"#));
        assert_eq!(refusal(&token), JwsError::CriticalHeader, "{b64}");
    }
    let escaped = with_header(r#"{"alg":"RS256","\u0063rit":["exp"]}"#);
    assert_eq!(refusal(&escaped), JwsError::CriticalHeader);
}

#[test]
fn rfc7515_section_4_header_parameter_names_must_be_unique() {
    for header in [
        r#"{"alg":"RS256","alg":"RS256"}"#,
        r#"{"alg":"none","alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"RS256","typ":"JWT","t\u0079p":"at+jwt"}"#,
        r#"{"alg":"RS256","x":1,"x":1}"#,
        r#"{"alg":"RS256","jwk":{"a":1,"a":1}}"#,
    ] {
        assert!(matches!(refusal(&with_header(header)), JwsError::Malformed(_)), "{header}");
    }
}

#[test]
fn the_header_is_one_json_object_and_nothing_around_it() {
    let deep = format!(r#"{{"alg":"RS256","x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let headers: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"\"RS256\"",
        b"\xef\xbb\xbf{\"alg\":\"RS256\"}",
        b"{\"alg\":\"RS256\"}x",
        b"{\"alg\":\"RS256\"}{}",
        b"{\"alg\":\"RS256\",\"kid\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for header in headers {
        assert!(matches!(refusal(&with_header(header)), JwsError::Malformed(_)), "{}", header.escape_ascii());
    }
    assert!(parse(&with_header(" {\"alg\" : \"RS256\"}\n")).is_ok());
}

#[test]
fn kid_and_typ_are_strings_or_absent() {
    for value in ["null", "1", "[]", "{}", "true"] {
        for name in ["kid", "typ"] {
            let token = with_header(format!(r#"{{"alg":"RS256","{name}":{value}}}"#));
            assert!(matches!(refusal(&token), JwsError::Malformed(_)), "{name} {value}");
        }
    }
    let hostile = "../../etc/passwd\0' OR 1=1 --\r\n";
    let token = with_header(json!({"alg": "RS256", "kid": hostile}).to_string());
    assert_eq!(parse(&token).unwrap().header().key_id.as_deref(), Some(hostile));
}

#[test]
fn rfc8725_section_3_10_a_key_or_url_in_the_header_is_not_looked_at() {
    let attacker = TestKey::rsa_two();
    let header =
        json!({"alg": "RS256", "kid": "one", "jwk": attacker.jwk(), "jku": "http://127.0.0.1:1/", "x5c": ["x"]});
    let token = attacker.sign(header.to_string(), "{}");
    assert_eq!(parse(&token).unwrap().verify(&TestKey::rsa_one().public()), Err(JwsError::SignatureInvalid));
}

#[test]
fn only_three_segments_are_a_jws() {
    let token = TestKey::rsa_one().access_token(&json!({}));
    for other in ["", "opaque", "a.b", "a.b.c.d", "a.b.c.d.e", "....", r#"{"payload":"","signatures":[]}"#] {
        assert_eq!(refusal(other), JwsError::Opaque, "{other}");
    }
    assert_eq!(refusal(&format!("{token}.")), JwsError::Opaque);
    assert_eq!(refusal(&format!(".{token}")), JwsError::Opaque);
    assert!(matches!(refusal(".."), JwsError::Malformed(_)));
}

#[test]
fn rfc7515_section_2_segments_are_base64url_without_padding_and_have_one_spelling() {
    let token = TestKey::p256().access_token(&json!({"sub": "someone"}));
    let segments: Vec<_> = token.split('.').collect();
    for (index, name) in ["header", "payload", "signature"].into_iter().enumerate() {
        let segment = segments[index];
        for other in [
            format!("{segment}="),
            format!("{segment}=="),
            format!("{segment} "),
            format!("+{}", &segment[1..]),
            format!("{segment}\n"),
            "AB".to_owned(),
            "A".to_owned(),
        ] {
            let mut changed = segments.clone();
            changed[index] = &other;
            let refused = refusal(&changed.join("."));
            assert!(
                matches!(refused, JwsError::Malformed(reason) if reason.contains(name)),
                "{name} {other}: {refused}"
            );
        }
    }
}

#[test]
fn a_token_that_is_too_long_is_not_looked_at() {
    let padding = |length| TestKey::rsa_one().access_token(&json!({"x": "x".repeat(length)}));
    let fits = padding(11_000);
    assert!(fits.len() <= MAX_TOKEN_BYTES && parse(&fits).is_ok());
    assert_eq!(refusal(&padding(13_000)), JwsError::TooLarge);
    assert_eq!(refusal(&"x".repeat(MAX_TOKEN_BYTES + 1)), JwsError::TooLarge);
}

#[test]
fn an_empty_payload_is_a_payload_and_an_empty_signature_is_none() {
    let token = TestKey::rsa_one().sign(r#"{"alg":"RS256"}"#, "");
    assert_eq!(parse(&token).unwrap().verify(&TestKey::rsa_one().public()), Ok(()));
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    assert_eq!(refusal(&unsigned), JwsError::Malformed("the signature is not base64url"));
}

#[test]
fn a_signature_of_another_length_or_value_is_invalid() {
    let key = TestKey::rsa_one();
    let token = key.access_token(&json!({}));
    let (signing_input, signature) = token.rsplit_once('.').unwrap();
    let good = base64url::decode(signature).unwrap();
    let shorter = good[1..].to_vec();
    let longer = [&[0], good.as_slice()].concat();
    for forged in
        [shorter, longer, vec![0; 256], [&[0; 255][..], &[1]].concat(), vec![0xff; 256], vec![0], vec![7; 1_024]]
    {
        let token = format!("{signing_input}.{}", base64url::encode(&forged));
        assert_eq!(parse(&token).unwrap().verify(&key.public()), Err(JwsError::SignatureInvalid), "{}", forged.len());
    }
    assert_eq!(parse(&token).unwrap().verify(&key.public()), Ok(()));
}

#[test]
fn an_ecdsa_signature_of_zeros_is_invalid() {
    for key in [TestKey::p256(), TestKey::ed25519()] {
        let token = key.access_token(&json!({}));
        let zeros = format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url::encode(&[0; 64]));
        assert_eq!(parse(&zeros).unwrap().verify(&key.public()), Err(JwsError::SignatureInvalid));
    }
}

#[test]
fn rfc7515_section_4_1_9_the_type_is_compared_without_prefix_and_case() {
    let is_access_token = |typ: &str| {
        let token = with_header(json!({"alg": "RS256", "typ": typ}).to_string());
        parse(&token).unwrap().header().is_of_type("at+jwt")
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(is_access_token(typ), "{typ}");
    }
    for typ in ["JWT", "", "at+jwt ", "application/", "text/at+jwt", "application/application/at+jwt", "dpop+jwt", "é"]
    {
        assert!(!is_access_token(typ), "{typ}");
    }
    assert!(!parse(&with_header(r#"{"alg":"RS256"}"#)).unwrap().header().is_of_type("at+jwt"));
}

proptest! {
    #[test]
    fn never_panics(token in any::<String>()) {
        let _ = parse(&token);
    }

    #[test]
    fn never_panics_on_what_looks_like_a_token(token in r"[A-Za-z0-9_\-=.]{0,80}") {
        let _ = parse(&token);
    }

    #[test]
    fn never_panics_on_any_header(header in r#"\{("(alg|kid|typ|crit|x)":("RS256"|null|1|\[\]|"[a-z]*"),?){0,4}\}"#) {
        let _ = parse(&format!("{}.e30.AA", base64url::encode(header.as_bytes())));
    }

    #[test]
    fn a_token_changed_in_any_character_is_refused(position in any::<proptest::sample::Index>(), other in any::<char>()) {
        let key = TestKey::p256();
        let token = key.access_token(&json!({"sub": "someone", "exp": 1}));
        let mut characters: Vec<char> = token.chars().collect();
        let changed = position.index(characters.len());
        prop_assume!(characters[changed] != other);
        characters[changed] = other;
        let forged: String = characters.into_iter().collect();
        let accepted = parse(&forged).is_ok_and(|jws| jws.verify(&key.public()).is_ok());
        prop_assert!(!accepted, "{}", forged);
    }

    #[test]
    fn a_token_with_anything_inserted_is_refused(position in any::<proptest::sample::Index>(),
                                                  inserted in "[=+/ \\n\\tA-Za-z0-9._-]{1,3}") {
        let key = TestKey::ed25519();
        let mut token = key.access_token(&json!({"sub": "someone"}));
        token.insert_str(position.index(token.len() + 1), &inserted);
        let accepted = parse(&token).is_ok_and(|jws| jws.verify(&key.public()).is_ok());
        prop_assert!(!accepted, "{}", token);
    }
}
