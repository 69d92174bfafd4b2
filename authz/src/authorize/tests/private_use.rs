//! Redirect URIs with a scheme of an application (RFC 8252 §7.1), where the operator named the scheme.

use crate::{
    authorize::Untrusted,
    pages::testing::{Tab, register},
    protocol::{PrivateUseScheme, RedirectRules},
    routes,
    testing::*,
};
use http::{StatusCode, header};
use serde_json::json;

const APP: &str = "com.example.app:/cb";

async fn server() -> Server {
    let schemes = vec![PrivateUseScheme::parse("com.example.app").unwrap()];
    Server::with(Options { redirects: RedirectRules { schemes, out_of_band: false }, ..Options::default() }).await
}

#[tokio::test]
async fn a_code_goes_to_a_scheme_that_the_operator_named() {
    let server = server().await;
    let client = register(&server, "An app", APP).await;
    let mut tab = Tab::new(&server);
    let request = tab.begin_signed_in(&[("client_id", &client), ("redirect_uri", APP)]).await;
    let page = tab.get(&format!("/consent?request={request}")).await;
    let policy = page.header(header::CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.contains("form-action 'self' com.example.app:;"), "{policy}");
    assert!(page.body.contains("<code>com.example.app:</code>"), "{}", page.body);
    assert!(page.body.contains("an app on this device"), "{}", page.body);
    let target = tab.decide(&request, "allow").await.location();
    assert!(target.as_str().starts_with("com.example.app:/cb?code="), "{target}");
    assert_eq!((target.parameter("state").as_deref(), target.parameter("iss").as_deref()), (Some("xyz"), Some(ISSUER)));
    let code = target.parameter("code").unwrap();
    let redeem = |uri: &'static str| {
        with(&exchange(&code), &[("client_id", &client), ("redirect_uri", uri)])
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    for (uri, expected) in [("com.example.app:/other", 400), (APP, 200)] {
        let form = redeem(uri);
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(server.post(routes::TOKEN, &form).await.status.as_u16(), expected, "{uri}");
    }
}

#[tokio::test]
async fn another_address_of_the_same_scheme_is_not_redirected_to() {
    let server = server().await;
    let client = register(&server, "An app", APP).await;
    for other in ["com.example.app:/cb/", "com.example.app:/cb?x=1", "com.example.app://cb", "com.example.other:/cb"] {
        let changes = [("client_id", client.as_str()), ("redirect_uri", other)];
        let answer = server.get(&format!("/oauth2/authorize?{}", encode(&request_with(&changes)))).await;
        assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::BAD_REQUEST, None), "{other}");
    }
}

#[tokio::test]
async fn a_client_registers_listed_schemes_only_and_not_as_a_web_client() {
    let server = server().await;
    for (metadata, expected) in [
        (json!({ "redirect_uris": [APP] }), None),
        (json!({ "redirect_uris": ["com.example.other:/cb"] }), Some("invalid_redirect_uri")),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), Some("invalid_redirect_uri")),
        (json!({ "redirect_uris": [APP], "application_type": "web" }), Some("invalid_redirect_uri")),
    ] {
        let answer = server.post_json(routes::REGISTER, &metadata).await;
        match expected {
            None => assert_eq!(answer.json()["application_type"], "native", "{}", answer.body),
            Some(code) => assert_eq!(answer.error(), (400, code.to_owned()), "{metadata}"),
        }
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_listed_any_more_ends_on_a_page_that_names_the_setting() {
    let server = server().await;
    let client = register(&server, "An app", APP).await;
    let server = server.restart().await;
    for uri in [APP, ""] {
        let changes = [("client_id", client.as_str()), ("redirect_uri", uri)];
        let answer = server.get(&format!("/oauth2/authorize?{}", encode(&request_with(&changes)))).await;
        assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::BAD_REQUEST, None), "{uri}");
        assert!(answer.body.contains("MCP_AUTH_REDIRECT_SCHEMES"), "{}: {}", Untrusted::RedirectUriOff, answer.body);
    }
}
