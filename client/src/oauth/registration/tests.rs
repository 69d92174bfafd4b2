use super::*;
use crate::oauth::testing::{endpoint, issuer_metadata, json_answer};
use ClientAuthentication::{Basic, None as Public, Post};
use serde_json::{Value, json};

fn redirect() -> RedirectUri {
    RedirectUri::on_port(3030)
}

fn processed(status: u16, body: &Value) -> Result<RegisteredClient, RegistrationError> {
    process(&json_answer(status, body.to_string()), &redirect(), ClientAuthentication::None)
}

#[test]
fn registers_as_a_native_application_with_its_redirect() {
    let at = endpoint("https://auth.example/register");
    let request = registration_request(&at, &redirect(), ClientAuthentication::None, false);
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://auth.example/register");
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    let expected = json!({
        "client_name": "Portcullis client",
        "application_type": "native",
        "redirect_uris": ["http://localhost:3030/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    assert_eq!(sent, expected);
}

#[test]
fn the_metadata_document_names_its_own_url_and_what_the_specification_asks_for() {
    let url = endpoint("https://client.example/client.json");
    let document: Value = serde_json::from_str(&metadata_document(&url, &redirect())).unwrap();
    assert_eq!(document["client_id"], "https://client.example/client.json");
    assert_eq!(document["client_name"], "Portcullis client");
    assert_eq!(document["redirect_uris"], json!(["http://localhost:3030/callback"]));
    assert_eq!(document["token_endpoint_auth_method"], "none");
    assert!(document.get("client_secret").is_none());
}

#[test]
fn a_registration_yields_credentials_and_their_method() {
    let client = processed(201, &json!({ "client_id": "c" })).unwrap();
    assert_eq!(client.method, ClientAuthentication::None);
    assert_eq!(client.credentials, ClientCredentials { id: "c".into(), secret: None });
    let body = json!({
        "client_id": "c", "client_secret": "s", "client_secret_expires_at": 0,
        "token_endpoint_auth_method": "client_secret_post", "redirect_uris": ["http://localhost:3030/callback"],
    });
    let client = processed(201, &body).unwrap();
    assert_eq!((client.method, client.secret_expires_at), (ClientAuthentication::Post, None));
    assert_eq!(client.credentials.secret, ClientSecret::new("s"));
}

#[test]
fn a_refusal_is_told_in_words() {
    let refused = processed(400, &json!({"error": "invalid_redirect_uri", "error_description": "no"})).unwrap_err();
    assert!(matches!(&refused, RegistrationError::Refused { error, .. } if error == "invalid_redirect_uri"));
    assert_eq!(refused.to_string(), "registration was refused: invalid_redirect_uri: no");
}

#[test]
fn a_registration_that_is_not_what_was_asked_for_is_not_used() {
    for body in [
        json!({}),
        json!({"client_id": ""}),
        json!({"client_id": 7}),
        json!({"client_id": "a\r\nb"}),
        json!({"client_id": "x".repeat(3000)}),
        json!({"client_id": "c", "redirect_uris": ["https://evil.example/"]}),
        json!({"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"}),
        json!({"client_id": "c", "token_endpoint_auth_method": "client_secret_basic"}),
        json!({"client_id": "c", "client_secret": "a\nb", "token_endpoint_auth_method": "client_secret_basic"}),
    ] {
        assert!(matches!(processed(201, &body), Err(RegistrationError::Malformed(_))), "{body}");
    }
    for status in [302, 404, 500] {
        assert!(matches!(processed(status, &json!({"client_id": "c"})), Err(RegistrationError::Malformed(_))));
    }
}

#[test]
fn asks_for_the_weakest_secret_that_the_server_takes() {
    let issuer = |methods: &[ClientAuthentication]| IssuerMetadata {
        token_endpoint_auth_methods: methods.to_vec(),
        ..issuer_metadata()
    };
    assert_eq!(preferred_method(&issuer(&[Basic, Public])).unwrap(), Public);
    assert_eq!(preferred_method(&issuer(&[Post, Basic])).unwrap(), Basic);
    assert_eq!(preferred_method(&issuer(&[Post])).unwrap(), Post);
    assert!(matches!(preferred_method(&issuer(&[])), Err(RegistrationError::NoMethod(_))));
}
