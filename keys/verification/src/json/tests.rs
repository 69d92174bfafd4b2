use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn refuses_a_name_that_stands_twice_at_any_level() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"{"x":[[{"y":{"a":null,"a":null}}]]}"#,
        r#"{"":0,"":0}"#,
    ] {
        assert_eq!(parse(text.as_bytes()), Err(JsonError::DuplicateName), "{text}");
        assert_eq!(parse_object(text.as_bytes()), Err(JsonError::DuplicateName), "{text}");
    }
    assert!(parse(br#"{"a":{"a":{"a":1}},"A":1,"a ":1}"#).is_ok());
}

#[test]
fn refuses_what_is_nested_deeper_than_the_limit() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let limit = usize::from(MAX_DEPTH);
    assert!(parse(nested(limit).as_bytes()).is_ok());
    assert_eq!(parse(nested(limit + 1).as_bytes()), Err(JsonError::TooDeep));
    assert_eq!(parse(nested(100_000).as_bytes()), Err(JsonError::TooDeep));
    let object = format!(r#"{{"a":{}}}"#, nested(limit));
    assert_eq!(parse_object(object.as_bytes()), Err(JsonError::TooDeep));
}

#[test]
fn refuses_bytes_around_the_text() {
    for text in [
        &b"\xef\xbb\xbf{}"[..],
        b"{}x",
        b"{} {}",
        b"{}\0",
        b"\0{}",
        b"{}//",
        b"/**/{}",
        b"",
        b" ",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\x01\"}",
        b"{'a':1}",
        b"{\"a\":1,}",
        b"{\"a\":NaN}",
        b"{\"a\":01}",
        b"{\"a\":1e400}",
    ] {
        assert_eq!(parse_object(text), Err(JsonError::Syntax), "{}", text.escape_ascii());
    }
    assert!(parse_object(b" \t\r\n{ \"a\" : 1 }\n").is_ok());
}

#[test]
fn only_an_object_is_an_object() {
    for text in ["[]", "1", "\"a\"", "null", "true", "[{}]"] {
        assert_eq!(parse_object(text.as_bytes()), Err(JsonError::NotAnObject), "{text}");
    }
}

#[test]
fn gives_no_meaning_to_names_that_the_library_uses_itself() {
    let text = br#"{"$serde_json::private::RawValue":"[1]","$serde_json::private::Number":"1"}"#;
    let expected = json!({"$serde_json::private::RawValue": "[1]", "$serde_json::private::Number": "1"});
    assert_eq!(parse(text), Ok(expected));
}

proptest! {
    #[test]
    fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&text);
        let _ = parse_object(&text);
    }

    #[test]
    fn never_panics_on_what_looks_like_json(text in r#"[\[\]{}",:0-9eE.+\-\\u truefalsn]{0,80}"#) {
        let _ = parse(text.as_bytes());
    }

    #[test]
    fn agrees_with_serde_json_on_texts_without_duplicates(names in proptest::collection::hash_set("[a-z]{1,6}", 0..8),
                                                          number in any::<i64>(), text in any::<String>()) {
        let inner: Map<String, Value> = names.iter().map(|name| (name.clone(), json!([number, text, null, true]))).collect();
        let value = json!({"inner": inner, "number": number, "float": 1.5, "text": text});
        prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
    }
}
