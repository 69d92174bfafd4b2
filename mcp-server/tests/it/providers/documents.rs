//! The metadata of each provider leads to its keys, with what the preset says and nothing more.

use serde_json::Value;
use verification_keys::metadata::{MetadataError, Overrides, discover};
use verification_keys::{HttpHosts, Issuer, http};

use super::bench::{read, serve};
use mcp_server::resource_server::Preset;

/// The `jwks_uri` that is found, or the member that is refused.
async fn found(file: &str, preset: &str, issuer: &str) -> Result<String, &'static str> {
    verification_keys::install_crypto_providers();
    let preset: &'static Preset = preset.parse().unwrap();
    let overrides = Overrides {
        metadata_url: Some(serve(read(file)).await),
        jwks_origins: preset.key_origins.iter().map(ToString::to_string).collect(),
        ..Overrides::default()
    };
    let client = http::client(&http::ClientOptions::default()).unwrap();
    match discover(&client, &Issuer::parse(issuer, &HttpHosts::default()).unwrap(), &overrides).await {
        Ok(metadata) => Ok(metadata.jwks_uri.to_string()),
        Err(MetadataError::BadEndpoint { member, .. }) => Err(member),
        Err(MetadataError::IssuerMismatch { .. }) => Err("issuer"),
        Err(_) => Err("another error"),
    }
}

#[tokio::test]
async fn each_document_is_of_its_issuer_and_names_its_keys() {
    let tenant = "11111111-2222-3333-4444-555555555555";
    let (v1, v2) =
        (format!("https://sts.windows.net/{tenant}/"), format!("https://login.microsoftonline.com/{tenant}/v2.0"));
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let rows = [
        (
            "transcribed/cognito/discovery.json",
            "cognito",
            "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE",
        ),
        ("transcribed/okta-custom/discovery.json", "okta", "https://dev-133320.okta.com/oauth2/default"),
        ("transcribed/auth0/discovery.json", "auth0", "https://dev-example.us.auth0.com/"),
        ("transcribed/keycloak/discovery.json", "keycloak", "https://kc.example.com/realms/demo"),
        ("transcribed/entra/discovery_v1_tenant.json", "entra", &v1),
        ("transcribed/entra/discovery_v2_tenant.json", "entra", &v2),
        ("transcribed/entra/discovery_v2_common.json", "entra", template),
        ("observed/oidc-provider-plain-discovery.json", "authz", "http://127.0.0.1:24010"),
        ("observed/oidc-provider-okta-discovery.json", "okta", "http://127.0.0.1:24011/oauth2/default"),
        ("observed/oidc-provider-keycloak-discovery.json", "keycloak", "http://127.0.0.1:24012/realms/demo"),
        ("observed/oidc-provider-auth0-discovery.json", "auth0", "http://127.0.0.1:24013/"),
        ("observed/oidc-provider-cognito-discovery.json", "cognito", "http://127.0.0.1:24014/us-east-1_AbCdEfGhI"),
    ];
    for (file, preset, issuer) in rows {
        let document: Value = serde_json::from_slice(&read(file)).unwrap();
        let expected = document["jwks_uri"].as_str().unwrap();
        assert_eq!(found(file, preset, issuer).await.as_deref(), Ok(expected), "{file}");
        // A slash more or less is another issuer.
        let other = issuer.strip_suffix('/').map_or_else(|| format!("{issuer}/"), ToOwned::to_owned);
        assert_eq!(found(file, preset, &other).await, Err("issuer"), "{file}");
    }
}

#[tokio::test]
async fn keys_elsewhere_need_the_preset_that_says_so() {
    let file = "transcribed/entra/discovery_v1_tenant.json";
    let issuer = "https://sts.windows.net/11111111-2222-3333-4444-555555555555/";
    assert_eq!(found(file, "generic", issuer).await, Err("jwks_uri"));
}

#[tokio::test]
async fn moto_names_keys_without_tls_so_that_an_override_is_needed() {
    let issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_e495cec3a30342f3895798f487f49864";
    assert_eq!(found("observed/moto-cognito-openid-configuration.json", "cognito", issuer).await, Err("jwks_uri"));
}
