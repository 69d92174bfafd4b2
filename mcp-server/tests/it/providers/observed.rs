//! Tokens as moto and oidc-provider issued them: their claims and headers, signed anew by a key of ours.

use serde_json::Value;
use verification_keys::testing::{TestKey, jwk_set};

use super::bench::{Setup, assert_columns, read, serve};

const NONE: Setup = Setup { preset: "", issuer: "", tenants: &[], audiences: &[], prefix: "", map: &[] };

async fn assert_row(file: &str, setup: &Setup, client: &str, expected: (&str, &str)) {
    let observed: Value = serde_json::from_slice(&read(&format!("observed/{file}.json"))).unwrap();
    let key = TestKey::rsa_one().with_kid(observed["header"]["kid"].as_str().unwrap());
    let token = key.sign(observed["header"].to_string(), observed["claims"].to_string());
    let keys = serve(jwk_set([&key]).to_string().into_bytes()).await;
    let now = observed["claims"]["iat"].as_i64().unwrap() + 60;
    assert_columns((setup, &keys, now), (file, &token), client, expected).await;
}

#[tokio::test]
async fn moto() {
    let setup = Setup {
        preset: "cognito",
        issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_e495cec3a30342f3895798f487f49864",
        map: &[("tools.read", "aws.cognito.signin.user.admin")],
        ..NONE
    };
    let client = "abc3f115957d430898b4408c99";
    assert_row("moto-cognito-access_token", &setup, client, ("audience_missing", "ok")).await;
    assert_row("moto-cognito-id_token", &setup, client, ("not_an_access_token", "not_an_access_token")).await;
}

#[tokio::test]
async fn oidc_provider() {
    let okta = Setup {
        preset: "okta",
        issuer: "http://127.0.0.1:24011/oauth2/default",
        audiences: &["api://default"],
        ..NONE
    };
    assert_row("oidc-provider-okta-access_token", &okta, "m2m", ("ok", "ok")).await;
    let rows = [
        ("plain", "authz", "http://127.0.0.1:24010", "ok"),
        ("plain", "generic", "http://127.0.0.1:24010", "ok"),
        ("keycloak", "keycloak", "http://127.0.0.1:24012/realms/demo", "ok"),
        ("auth0", "auth0", "http://127.0.0.1:24013/", "ok"),
        ("cognito", "cognito", "http://127.0.0.1:24014/us-east-1_AbCdEfGhI", "audience_missing"),
    ];
    for (flavour, preset, issuer, strict) in rows {
        let setup = Setup { preset, issuer, ..NONE };
        assert_row(&format!("oidc-provider-{flavour}-access_token"), &setup, "m2m", (strict, "ok")).await;
    }
}

#[tokio::test]
async fn the_tokens_of_one_kind_of_issuer_need_its_preset() {
    let issuer = "http://127.0.0.1:24012/realms/demo";
    let rows = [("authz", "token_type_mismatch"), ("cognito", "claims_malformed"), ("okta", "token_type_mismatch")];
    for (preset, reason) in rows {
        let setup = Setup { preset, issuer, ..NONE };
        assert_row("oidc-provider-keycloak-access_token", &setup, "m2m", (reason, reason)).await;
    }
}
