use super::*;
use crate::oauth::{
    client::ClientAuthentication,
    testing::{endpoint, issuer_metadata, random},
};
use proptest::prelude::*;
use std::collections::HashMap;

const ISSUER: &str = "https://auth.example/tenant";

fn metadata(authorization_endpoint: &str, iss_parameter_supported: bool) -> IssuerMetadata {
    IssuerMetadata {
        issuer: ISSUER.into(),
        authorization_endpoint: Some(endpoint(authorization_endpoint)),
        token_endpoint_auth_methods: vec![ClientAuthentication::None],
        iss_parameter_supported,
        ..issuer_metadata()
    }
}

fn make(issuer: &IssuerMetadata, scope: Option<&Scope>) -> Result<AuthorizationRequest, AuthorizationError> {
    let about = AuthorizationParameters {
        issuer,
        client_id: "c",
        redirect_uri: &RedirectUri::on_port(3030),
        resource: "HTTP://LocalHost:8001/mcp",
        scope,
        max_age: None,
        acr_values: None,
        dpop_jkt: None,
    };
    AuthorizationRequest::new(&about, &random())
}

/// A request whose issuer advertises `iss`, or not.
fn request(iss_parameter_supported: bool) -> AuthorizationRequest {
    make(&metadata("https://auth.example/authorize", iss_parameter_supported), None).unwrap()
}

fn query(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

#[test]
fn the_request_holds_state_s256_and_the_resource_byte_for_byte() {
    let issuer = metadata("https://auth.example/authorize?tenant=1", true);
    let request = make(&issuer, Scope::parse("mcp:read mcp:write").as_ref()).unwrap();
    let sent: HashMap<_, _> = request.url().query_pairs().into_owned().collect();
    assert_eq!(sent.len(), 9);
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "c"),
        ("redirect_uri", "http://localhost:3030/callback"),
        ("code_challenge_method", "S256"),
        ("code_challenge", &request.verifier().challenge()),
        ("resource", "HTTP://LocalHost:8001/mcp"),
        ("scope", "mcp:read mcp:write"),
        ("state", &request.state),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    assert_eq!(request.state.len(), 43);
    assert!(!request.url().as_str().contains(request.verifier().reveal()));
}

#[test]
fn without_a_scope_none_is_sent() {
    assert!(!request(true).url().as_str().contains("scope"));
}

#[test]
fn two_requests_share_neither_state_nor_verifier() {
    let (first, second) = (request(true), request(true));
    assert_ne!(first.state, second.state);
    assert_ne!(first.verifier, second.verifier);
}

#[test]
fn an_endpoint_that_sets_our_parameters_is_not_used() {
    for hostile in ["state=x", "resource=https://evil.example", "code_challenge_method=plain", "client_id=c"] {
        let issuer = metadata(&format!("https://auth.example/authorize?{hostile}"), true);
        assert_eq!(make(&issuer, None).map(drop), Err(AuthorizationError::EndpointQuery), "{hostile}");
    }
}

#[test]
fn the_right_state_and_issuer_yield_the_code() {
    for advertised in [true, false] {
        let request = request(advertised);
        let answer = query(&[("code", "a b+c/d"), ("state", &request.state), ("iss", ISSUER), ("unknown", "x")]);
        assert_eq!(request.process_callback(&answer), Ok(AuthorizationCode("a b+c/d".into())));
    }
}

#[test]
fn rejects_a_wrong_missing_or_empty_state() {
    let request = request(true);
    let answer = |state: &str| request.process_callback(&query(&[("code", "c"), ("state", state), ("iss", ISSUER)]));
    assert_eq!(answer("other"), Err(CallbackRejected::StateMismatch));
    assert_eq!(answer(""), Err(CallbackRejected::StateMismatch));
    assert_eq!(answer(&request.state[1..]), Err(CallbackRejected::StateMismatch));
    let missing = request.process_callback(&query(&[("code", "c"), ("iss", ISSUER)]));
    assert_eq!(missing, Err(CallbackRejected::StateMissing));
}

#[test]
fn rejects_an_issuer_that_differs_in_anything_advertised_or_not() {
    for advertised in [true, false] {
        let request = request(advertised);
        for wrong in [
            "https://evil.example",
            "https://auth.example/tenant/",
            "https://AUTH.example/tenant",
            "https://auth.example:443/tenant",
            "https://auth.example/%74enant",
            "https://auth.example",
            "",
        ] {
            let answer = query(&[("code", "c"), ("state", &request.state), ("iss", wrong)]);
            let expected = CallbackRejected::IssuerMismatch { expected: ISSUER.into() };
            assert_eq!(request.process_callback(&answer), Err(expected), "{wrong:?}");
        }
    }
}

#[test]
fn a_missing_issuer_is_rejected_only_where_it_is_advertised() {
    let (with, without) = (request(true), request(false));
    let expected = CallbackRejected::IssuerMissing { expected: ISSUER.into() };
    assert_eq!(with.process_callback(&query(&[("code", "c"), ("state", &with.state)])), Err(expected));
    assert!(without.process_callback(&query(&[("code", "c"), ("state", &without.state)])).is_ok());
}

#[test]
fn rejects_any_known_parameter_that_comes_twice() {
    let request = request(false);
    let good = [("code", "c"), ("state", request.state.as_str()), ("iss", ISSUER)];
    for name in ["code", "state", "iss", "error", "error_description"] {
        let value = good.iter().find(|(known, _)| *known == name).map_or("x", |(_, value)| value);
        let mut twice = good.to_vec();
        twice.extend([(name, value), (name, value)]);
        assert_eq!(request.process_callback(&query(&twice)), Err(CallbackRejected::Repeated(name)), "{name}");
    }
}

#[test]
fn an_error_is_reported_only_when_it_is_the_issuers_own() {
    let request = request(true);
    let error = |state: &str, iss: &str| {
        let answer = [("error", "access_denied"), ("error_description", "no"), ("state", state), ("iss", iss)];
        request.process_callback(&query(&answer)).unwrap_err()
    };
    let own = error(&request.state, ISSUER);
    assert_eq!(own, CallbackRejected::Refused { error: "access_denied".into(), description: Some("no".into()) });
    assert!(own.to_string().contains("access was denied"));
    for foreign in [error(&request.state, "https://evil.example"), error("x", ISSUER)] {
        assert!(!matches!(foreign, CallbackRejected::Refused { .. }));
        assert!(!foreign.to_string().contains("denied") && !foreign.to_string().contains("evil"));
    }
}

#[test]
fn an_error_beats_a_code_and_neither_is_no_answer() {
    let request = request(false);
    let both = query(&[("error", "server_error"), ("code", "c"), ("state", &request.state)]);
    assert!(matches!(request.process_callback(&both), Err(CallbackRejected::Refused { .. })));
    for code in ["", "a\r\nb", "\u{fffd}"] {
        let answer = query(&[("code", code), ("state", &request.state)]);
        assert_eq!(request.process_callback(&answer), Err(CallbackRejected::CodeMissing), "{code:?}");
    }
    let neither = query(&[("state", &request.state)]);
    assert_eq!(request.process_callback(&neither), Err(CallbackRejected::CodeMissing));
}

#[test]
fn a_huge_or_broken_query_is_dropped() {
    let request = request(false);
    assert_eq!(request.process_callback(&"x".repeat(MAX_QUERY_BYTES + 1)), Err(CallbackRejected::TooLong));
    for broken in ["", "&&&", "%ff=%ff", "state", "=&="] {
        assert!(request.process_callback(broken).is_err(), "{broken:?}");
    }
}

#[test]
fn neither_code_nor_verifier_is_ever_shown() {
    let request = request(false);
    let shown = format!("{request:?} {:?}", AuthorizationCode("c0de".into()));
    assert!(!shown.contains("c0de") && !shown.contains(request.verifier().reveal()));
}

proptest! {
    #[test]
    fn no_query_without_our_state_and_issuer_yields_a_code(query in "[a-z=&%0-9]{0,80}|(code|state|iss|error)=[ -~]{0,40}") {
        let request = request(true);
        prop_assert!(request.process_callback(&query).is_err());
        let ours = format!("state={}&iss={ISSUER}&{query}", request.state);
        let accepted = request.process_callback(&ours);
        let codes = form_urlencoded::parse(ours.as_bytes()).filter(|(name, _)| name == "code").count();
        prop_assert!(accepted.is_err() || codes == 1);
    }
}
