use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(payload: &Value) -> Result<Claims, ClaimsError> {
    Claims::parse(payload.to_string().as_bytes())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn reads_every_registered_claim_and_keeps_the_others() {
    let claims = parse(&json!({
        "iss": "https://as.example", "sub": "s", "aud": "https://rs.example/mcp", "exp": 30, "nbf": 10, "iat": 20,
        "jti": "j", "client_id": "c", "scope": "a b", "grant_id": "g", "cnf": {"jkt": "x"},
    }))
    .unwrap();
    assert_eq!(claims.issuer.as_deref(), Some("https://as.example"));
    assert_eq!(claims.subject.as_deref(), Some("s"));
    assert_eq!(claims.audience, Audience::One("https://rs.example/mcp".into()));
    assert_eq!((claims.expires_at, claims.not_before, claims.issued_at), (Some(at(30)), Some(at(10)), Some(at(20))));
    assert_eq!((claims.token_id.as_deref(), claims.client_id.as_deref()), (Some("j"), Some("c")));
    assert_eq!(claims.scope.as_deref(), Some("a b"));
    assert_eq!(Value::Object(claims.extra), json!({"grant_id": "g", "cnf": {"jkt": "x"}}));
}

#[test]
fn what_is_missing_is_none_and_for_the_verifier_to_judge() {
    let claims = parse(&json!({})).unwrap();
    assert_eq!((claims.issuer, claims.expires_at, claims.audience), (None, None, Audience::Missing));
    assert!(claims.extra.is_empty());
}

#[test]
fn rfc7519_section_4_1_3_aud_is_a_string_or_a_list_of_strings() {
    let audience = |aud: Value| parse(&json!({"aud": aud})).map(|claims| claims.audience);
    assert_eq!(audience(json!("a")), Ok(Audience::One("a".into())));
    assert_eq!(audience(json!("")), Ok(Audience::One(String::new())));
    assert_eq!(audience(json!([])), Ok(Audience::Many(vec![])));
    assert_eq!(audience(json!(["a", "b"])), Ok(Audience::Many(vec!["a".into(), "b".into()])));
    for wrong in
        [json!(null), json!(42), json!(true), json!({"a": "b"}), json!([1]), json!(["a", null]), json!([["a"]])]
    {
        assert_eq!(audience(wrong.clone()), Err(ClaimsError::WrongType("aud")), "{wrong}");
    }
}

#[test]
fn audiences_are_listed_in_order() {
    let listed = |audience: &Audience| audience.iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(listed(&Audience::Missing), Vec::<String>::new());
    assert_eq!(listed(&Audience::One("a".into())), ["a"]);
    assert_eq!(listed(&Audience::Many(vec!["a".into(), "b".into()])), ["a", "b"]);
}

#[test]
fn times_are_integers() {
    for name in ["exp", "nbf", "iat"] {
        for value in ["\"1\"", "null", "true", "[]", "[1]", "{}", "1.0", "1.5", "1e3", "-0", "1e300"] {
            let payload = format!(r#"{{"{name}":{value}}}"#);
            assert_eq!(Claims::parse(payload.as_bytes()), Err(ClaimsError::WrongType(name)), "{payload}");
        }
    }
}

#[test]
fn times_that_no_date_belongs_to_are_refused() {
    for value in
        ["253402300800", "9223372036854775807", "9223372036854775808", "18446744073709551615", "-9999999999999"]
    {
        let payload = format!(r#"{{"exp":{value}}}"#);
        assert_eq!(Claims::parse(payload.as_bytes()), Err(ClaimsError::OutOfRange("exp")), "{payload}");
    }
    assert_eq!(Claims::parse(br#"{"exp":-1}"#).unwrap().expires_at, Some(at(-1)));
}

#[test]
fn times_that_are_no_json_number_are_refused() {
    for value in ["NaN", "Infinity", "01", "1e400", "+1", "0x1", "1_000", "1."] {
        let payload = format!(r#"{{"exp":{value}}}"#);
        assert_eq!(Claims::parse(payload.as_bytes()), Err(ClaimsError::Json(JsonError::Syntax)), "{payload}");
    }
}

#[test]
fn names_of_people_and_things_are_strings() {
    for name in ["iss", "sub", "jti", "client_id", "scope"] {
        for value in [json!(null), json!(1), json!(["a"]), json!({}), json!(false)] {
            // A list of scopes is for the verifier to judge.
            if name == "scope" && value.is_array() {
                continue;
            }
            assert_eq!(parse(&json!({ name: value })), Err(ClaimsError::WrongType(name)), "{name} {value}");
        }
    }
    let listed = parse(&json!({"scope": ["a", "b"]})).unwrap();
    assert_eq!((listed.scope, listed.extra.get("scope")), (None, Some(&json!(["a", "b"]))));
}

#[test]
fn rfc7519_section_4_claim_names_must_be_unique() {
    for payload in [
        r#"{"aud":"a","aud":"b"}"#,
        r#"{"exp":1,"exp":1}"#,
        r#"{"sub":"a","s\u0075b":"b"}"#,
        r#"{"x":1,"x":2}"#,
        r#"{"x":{"y":{"z":1,"z":2}}}"#,
    ] {
        let refused = Err(ClaimsError::Json(JsonError::DuplicateName));
        assert_eq!(Claims::parse(payload.as_bytes()), refused, "{payload}");
    }
}

#[test]
fn the_payload_is_one_json_object() {
    for (payload, reason) in [
        ("[]", JsonError::NotAnObject),
        ("\"x\"", JsonError::NotAnObject),
        ("", JsonError::Syntax),
        ("{}{}", JsonError::Syntax),
        ("\u{feff}{}", JsonError::Syntax),
    ] {
        assert_eq!(Claims::parse(payload.as_bytes()), Err(ClaimsError::Json(reason)), "{payload}");
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(Claims::parse(deep.as_bytes()), Err(ClaimsError::Json(JsonError::TooDeep)));
}

proptest! {
    #[test]
    fn never_panics(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Claims::parse(&payload);
    }

    #[test]
    fn never_panics_on_any_claims(payload in r#"\{("(iss|aud|exp|nbf|x)":(-?[0-9]{1,20}|"a"|null|\["a"\]|\{\}),?){0,4}\}"#) {
        let _ = Claims::parse(payload.as_bytes());
    }

    #[test]
    fn any_integer_is_a_time_or_out_of_range(seconds in any::<i64>()) {
        let claims = Claims::parse(format!(r#"{{"exp":{seconds}}}"#).as_bytes());
        let expected = Timestamp::from_second(seconds).map_err(|_| ClaimsError::OutOfRange("exp"));
        prop_assert_eq!(claims.map(|claims| claims.expires_at), expected.map(Some));
    }
}
