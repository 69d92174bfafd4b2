use super::*;
use crate::oauth::{
    client::{ClientAuthentication, ClientCredentials, ClientSecret},
    testing::{authorization_code, endpoint, json_answer, random},
};
use serde_json::{Value, json};
use std::collections::HashMap;

fn request(secret: &str, method: ClientAuthentication) -> (Request, HashMap<String, String>) {
    let client = ClientCredentials { id: "c".into(), secret: ClientSecret::new(secret) };
    let request = token_request(&TokenRequest {
        endpoint: &endpoint("https://auth.example/token"),
        client: &ClientProof::Credentials(&client, method),
        grant: TokenGrant::AuthorizationCode {
            code: &authorization_code("c0de&x"),
            verifier: &CodeVerifier::generate(&random()).unwrap(),
            redirect_uri: &RedirectUri::on_port(3030),
        },
        resource: "http://localhost:8001/mcp",
    });
    let form = form_urlencoded::parse(request.body()).into_owned().collect();
    (request, form)
}

#[test]
fn the_request_holds_code_verifier_redirect_and_resource() {
    let (request, form) = request("", ClientAuthentication::None);
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "https://auth.example/token"));
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "c0de&x");
    assert_eq!(form["code_verifier"].len(), 43);
    assert_eq!(form["redirect_uri"], "http://localhost:3030/callback");
    assert_eq!(form["resource"], "http://localhost:8001/mcp");
    assert_eq!(form["client_id"], "c");
}

/// The form of a public client.
fn form_of(grant: TokenGrant<'_>) -> HashMap<String, String> {
    let client = ClientCredentials { id: "c".into(), secret: None };
    let request = token_request(&TokenRequest {
        endpoint: &endpoint("https://auth.example/token"),
        client: &ClientProof::Credentials(&client, ClientAuthentication::None),
        grant,
        resource: "http://localhost:8001/mcp",
    });
    form_urlencoded::parse(request.body()).into_owned().collect()
}

#[test]
fn a_client_that_asks_for_itself_names_the_grant_the_scope_and_the_resource() {
    let scope = Scope::parse("mcp:read").unwrap();
    let form = form_of(TokenGrant::ClientCredentials { scope: Some(&scope) });
    assert_eq!((form["grant_type"].as_str(), form["scope"].as_str()), ("client_credentials", "mcp:read"));
    assert_eq!(form["resource"], "http://localhost:8001/mcp");
    assert!(!form_of(TokenGrant::ClientCredentials { scope: None }).contains_key("scope"));
}

#[test]
fn an_assertion_is_shown_as_it_is_and_only_if_it_can_be_a_jwt() {
    let assertion = Assertion::parse("eyJ.eyJ.c2ln").unwrap();
    let form = form_of(TokenGrant::JwtBearer { assertion: &assertion, scope: None });
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!((form["assertion"].as_str(), form["resource"].as_str()), ("eyJ.eyJ.c2ln", "http://localhost:8001/mcp"));
    for bad in ["", "a.b", "a.b.c.d", "a..c", "a.b.c\n", "a.b.c d", "a.b.c&x=1"] {
        assert_eq!(Assertion::parse(bad), None, "{bad:?}");
    }
    assert_eq!(format!("{assertion:?}"), "Assertion(***)");
}

#[test]
fn an_assertion_is_for_those_that_it_is_made_out_to() {
    let for_whom = |audience: Value| {
        let payload = URL_SAFE_NO_PAD.encode(json!({"aud": audience}).to_string());
        let assertion = Assertion::parse(&format!("e30.{payload}.c2ln")).unwrap();
        assertion.is_for("https://auth.example", "https://auth.example/token")
    };
    for good in [
        json!("https://auth.example"),
        json!("https://auth.example/"),
        json!("https://auth.example/token"),
        json!(["https://other.example", "https://auth.example"]),
    ] {
        assert!(for_whom(good.clone()), "{good}");
    }
    for bad in [json!("https://other.example"), json!("api://exchange"), json!(null), json!(7), json!([])] {
        assert!(!for_whom(bad.clone()), "{bad}");
    }
    assert!(!Assertion::parse("a.b.c").unwrap().is_for("https://auth.example", ""));
}

#[test]
fn a_refresh_holds_the_refresh_token_and_the_resource_and_no_code() {
    let form = form_of(TokenGrant::RefreshToken(&RefreshToken::parse("r&x y").unwrap()));
    let expected = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "r&x y"),
        ("resource", "http://localhost:8001/mcp"),
        ("client_id", "c"),
    ];
    assert_eq!(form, expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
}

#[test]
fn a_bound_token_is_taken_only_where_a_proof_was_shown() {
    let answer = json_answer(200, r#"{"access_token":"t","token_type":"DPoP"}"#);
    assert!(process(&answer, true).unwrap().bound);
    assert!(matches!(process(&answer, false), Err(TokenError::Malformed(_))));
    let bearer = json_answer(200, r#"{"access_token":"t","token_type":"Bearer"}"#);
    assert!(!process(&bearer, true).unwrap().bound);
}

#[test]
fn a_refresh_token_of_other_characters_or_any_length_is_not_kept() {
    let response =
        |token: &str| processed(&json!({"access_token": "t", "token_type": "Bearer", "refresh_token": token}));
    assert_eq!(response("r").unwrap().refresh_token, RefreshToken::parse("r"));
    assert_eq!(response("").unwrap().refresh_token, None);
    for bad in ["a\nb", "ä", &"x".repeat(MAX_TOKEN_BYTES + 1)] {
        assert!(matches!(response(bad), Err(TokenError::Malformed(_))));
    }
    assert!(!format!("{:?}", RefreshToken::parse("s3cr3t")).contains("s3cr3t"));
}

#[test]
fn each_method_puts_the_secret_in_its_own_place_only() {
    let (basic, form) = request("s", ClientAuthentication::Basic);
    assert!(basic.headers().contains_key("authorization"));
    assert!(!form.contains_key("client_secret") && !form.contains_key("client_id"));
    let (post, form) = request("s", ClientAuthentication::Post);
    assert!(!post.headers().contains_key("authorization"));
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("c", "s"));
    let (public, form) = request("", ClientAuthentication::None);
    assert!(!public.headers().contains_key("authorization") && !form.contains_key("client_secret"));
}

fn processed(body: &Value) -> Result<TokenResponse, TokenError> {
    process(&json_answer(200, body.to_string()), false)
}

#[test]
fn a_bearer_token_is_accepted_and_unknown_members_are_ignored() {
    let body = json!({"access_token": "a.b.c", "token_type": "bearer", "expires_in": 3600, "scope": "mcp:read",
        "refresh_token": "r", "extra": [1]});
    let response = processed(&body).unwrap();
    assert_eq!(response.access_token.reveal(), "a.b.c");
    assert_eq!((response.expires_in, response.scope), (Some(3600), Scope::parse("mcp:read")));
    let least = processed(&json!({"access_token": "t", "token_type": "Bearer"})).unwrap();
    assert_eq!((least.expires_in, least.scope), (None, None));
}

#[test]
fn rejects_a_token_that_no_header_could_carry() {
    for token in ["", "a b", "a\r\nX-Evil: 1", "a\nb", "a\u{0}b", "ä", "a,b", "a\"b"] {
        let refused = processed(&json!({"access_token": token, "token_type": "Bearer"}));
        assert!(matches!(refused, Err(TokenError::Malformed(_))), "{token:?}");
    }
    let long = "x".repeat(MAX_TOKEN_BYTES + 1);
    assert!(processed(&json!({"access_token": long, "token_type": "Bearer"})).is_err());
}

#[test]
fn rejects_other_types_and_wrong_members() {
    for body in [
        json!({"access_token": "t"}),
        json!({"access_token": "t", "token_type": "DPoP"}),
        json!({"access_token": "t", "token_type": "N_A"}),
        json!({"access_token": ["t"], "token_type": "Bearer"}),
        json!({"access_token": 7, "token_type": "Bearer"}),
        json!({"access_token": "t", "token_type": "Bearer", "expires_in": -1}),
        json!({"access_token": "t", "token_type": "Bearer", "expires_in": 1e300}),
        json!({"access_token": "t", "token_type": "Bearer", "scope": "a\nb"}),
        json!({"token_type": "Bearer"}),
        json!([]),
    ] {
        assert!(matches!(processed(&body), Err(TokenError::Malformed(_))), "{body}");
    }
    let twice = br#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#;
    assert!(matches!(process(&json_answer(200, twice.as_slice()), false), Err(TokenError::Malformed(_))));
}

#[test]
fn a_refusal_is_told_in_words_and_other_statuses_are_no_token() {
    let refused =
        process(&json_answer(400, r#"{"error":"invalid_grant","error_description":"used"}"#), false).unwrap_err();
    assert!(matches!(&refused, TokenError::Refused { error, .. } if error == "invalid_grant"));
    assert!(refused.to_string().contains("what it was shown is not good, or not any more (invalid_grant: used)"));
    for status in [201, 302, 307, 500] {
        let answer = json_answer(status, r#"{"access_token":"t","token_type":"Bearer"}"#);
        assert!(matches!(process(&answer, false), Err(TokenError::Malformed(_))), "{status}");
    }
}

#[test]
fn no_error_and_no_debug_output_shows_a_token() {
    let body = r#"{"access_token":"s3cr3t","token_type":"Bearer""#;
    let shown = process(&json_answer(200, body), false).unwrap_err().to_string();
    let token = format!("{:?} {:?}", AccessToken::parse("s3cr3t"), json_answer(200, body));
    assert!(!shown.contains("s3cr3t") && !token.contains("s3cr3t"));
}
