//! An issuer that stands for many tenants: the listed ones come in, each with its own tokens and keys.

use serde_json::{Value, json};
use verification_keys::testing::{TestKey, jwk_set};

use super::bench::{Column, Provider, Setup, options, serve};

const NOW: i64 = 1_795_190_460;
const SETUP: Setup = Setup {
    preset: "entra",
    issuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
    tenants: &["t-1", "t-2"],
    audiences: &["api-id"],
    prefix: "api://api-id/",
    map: &[],
};

async fn provider(jwks: &Value) -> Provider {
    let mut issuer = options(&SETUP, Column::True, "");
    issuer.places.jwks = Some(serve(jwks.to_string().into_bytes()).await);
    Provider::new(issuer, NOW)
}

fn token(issuer: &str, tenant: &str) -> String {
    let claims = json!({
        "iss": issuer, "tid": tenant, "aud": "api-id", "azp": "client", "sub": "pairwise", "scp": "tools.read",
        "iat": NOW, "exp": NOW + 3600, "ver": "2.0",
    });
    TestKey::rsa_one().sign(r#"{"alg":"RS256","typ":"JWT","kid":"one"}"#, claims.to_string())
}

fn keys(issuer: Option<&str>) -> Value {
    let mut set = jwk_set([&TestKey::rsa_one().with_kid("one")]);
    if let Some(issuer) = issuer {
        set["keys"][0]["issuer"] = json!(issuer);
    }
    set
}

fn v2(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

#[tokio::test]
async fn only_listed_tenants_come_in() {
    let provider = provider(&keys(None)).await;
    assert_eq!(provider.verdict(&token(&v2("t-1"), "t-1")).await, "ok");
    assert_eq!(provider.verdict(&token(&v2("t-2"), "t-2")).await, "ok");
    let others = [
        (v2("t-3"), "t-3"),
        // The tenant in `iss` and the one in `tid` must be the same.
        (v2("t-1"), "t-2"),
        (v2("t-1"), ""),
        (v2("{tenantid}"), "{tenantid}"),
        (v2("T-1"), "T-1"),
        (format!("{}/", v2("t-1")), "t-1"),
        ("https://sts.windows.net/t-1/".to_owned(), "t-1"),
        ("https://evil.example/t-1/v2.0".to_owned(), "t-1"),
    ];
    for (issuer, tenant) in others {
        assert_eq!(provider.verdict(&token(&issuer, tenant)).await, "issuer_unknown", "{issuer} {tenant}");
    }
}

#[tokio::test]
async fn a_key_of_one_tenant_does_not_sign_for_another() {
    for (of, first, second) in [
        (v2("{tenantid}"), "ok", "ok"),
        (v2("t-1"), "ok", "unknown_key"),
        (v2("t-2"), "unknown_key", "ok"),
        ("https://evil.example/t-1/v2.0".to_owned(), "unknown_key", "unknown_key"),
    ] {
        let provider = provider(&keys(Some(&of))).await;
        assert_eq!(provider.verdict(&token(&v2("t-1"), "t-1")).await, first, "{of}");
        assert_eq!(provider.verdict(&token(&v2("t-2"), "t-2")).await, second, "{of}");
    }
}

#[tokio::test]
async fn clients_are_sent_to_each_tenant() {
    let document = provider(&keys(None)).await.metadata().await;
    assert_eq!(document["authorization_servers"], json!([v2("t-1"), v2("t-2")]));
    assert_eq!(document["scopes_supported"], json!(["api://api-id/tools.read"]));
}
