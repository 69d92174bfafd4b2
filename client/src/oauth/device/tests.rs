use super::*;
use crate::oauth::{
    client::{ClientAuthentication, ClientCredentials},
    testing::{endpoint, json_answer},
    token::AccessToken,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use url::form_urlencoded;

const AT: &str = "https://auth.example/device_authorization";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn document() -> Value {
    json!({
        "device_code": "d3v1c3",
        "user_code": "BCDF-GHJK",
        "verification_uri": "https://auth.example/device",
        "verification_uri_complete": "https://auth.example/device?user_code=BCDF-GHJK",
        "expires_in": 600,
        "interval": 7,
    })
}

fn processed(document: &Value) -> Result<DeviceAuthorization, TokenError> {
    process(&json_answer(200, document.to_string()), &endpoint(AT), now())
}

#[test]
fn the_request_names_client_resource_and_scope() {
    let client = ClientCredentials { id: "c".into(), secret: None };
    let proof = ClientProof::Credentials(&client, ClientAuthentication::None);
    let request = device_request(&endpoint(AT), &proof, "https://mcp.example/mcp", Scope::parse("mcp:read").as_ref());
    let form: HashMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
    let expected = [("client_id", "c"), ("resource", "https://mcp.example/mcp"), ("scope", "mcp:read")];
    assert_eq!(form, expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
}

#[test]
fn a_good_answer_says_what_to_type_where_and_how_long() {
    let device = processed(&document()).unwrap();
    assert_eq!(
        (device.user_code.as_str(), device.verification_uri.as_str()),
        ("BCDF-GHJK", "https://auth.example/device")
    );
    assert_eq!((device.expires_at.as_second(), device.interval), (1_800_000_600, Duration::from_secs(7)));
    assert!(!format!("{device:?}").contains("d3v1c3"));
    let mut least = document();
    for optional in ["verification_uri_complete", "interval"] {
        least.as_object_mut().unwrap().remove(optional);
    }
    assert_eq!(processed(&least).unwrap().interval, Duration::from_secs(5), "RFC 8628 §3.2");
}

#[test]
fn what_nobody_should_open_or_type_is_not_shown() {
    for (member, value) in [
        ("verification_uri", json!("javascript:alert(1)")),
        ("verification_uri", json!("http://auth.example/device")),
        ("verification_uri", json!("http://localhost/device")),
        ("verification_uri_complete", json!("file:///etc/passwd")),
        ("user_code", json!("A\u{1b}[2J")),
        ("user_code", json!("")),
        ("user_code", json!("x".repeat(65))),
        ("device_code", json!("")),
        ("expires_in", json!("soon")),
    ] {
        let mut bad = document();
        bad[member] = value.clone();
        assert!(matches!(processed(&bad), Err(TokenError::Malformed(_))), "{member} {value}");
    }
    let refused = process(&json_answer(401, r#"{"error":"invalid_client"}"#), &endpoint(AT), now());
    assert!(matches!(refused, Err(TokenError::Refused { error, .. }) if error == "invalid_client"));
}

#[test]
fn an_endless_code_ends_all_the_same() {
    let mut endless = document();
    endless["expires_in"] = json!(i64::MAX);
    assert_eq!(processed(&endless).unwrap().expires_at, now() + SignedDuration::from_mins(30));
}

fn refusal(error: &str) -> Result<TokenResponse, TokenError> {
    Err(TokenError::Refused { error: error.to_owned(), description: None })
}

#[test]
fn the_pause_grows_when_the_issuer_says_so_and_stays_grown() {
    let pause = Duration::from_secs(5);
    assert_eq!(poll(refusal("authorization_pending"), pause).unwrap(), Poll::Again(pause));
    assert_eq!(poll(refusal("slow_down"), pause).unwrap(), Poll::Again(Duration::from_secs(10)));
    assert_eq!(
        poll(refusal("authorization_pending"), Duration::from_secs(10)).unwrap(),
        Poll::Again(Duration::from_secs(10))
    );
}

#[test]
fn a_decision_and_the_end_of_the_code_end_the_polls() {
    assert!(matches!(poll(refusal("access_denied"), FIVE_SECONDS), Err(DeviceError::Denied)));
    assert!(matches!(poll(refusal("expired_token"), FIVE_SECONDS), Err(DeviceError::Expired)));
    let other = poll(refusal("invalid_grant"), FIVE_SECONDS);
    assert!(matches!(other, Err(DeviceError::Token(TokenError::Refused { error, .. })) if error == "invalid_grant"));
    let response = TokenResponse {
        access_token: AccessToken::parse("t").unwrap(),
        expires_in: None,
        scope: None,
        refresh_token: None,
        bound: false,
    };
    assert_eq!(poll(Ok(response.clone()), FIVE_SECONDS).unwrap(), Poll::Done(response));
}
