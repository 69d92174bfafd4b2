//! What the tests of this crate share.

pub(crate) mod world;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use ring::rand::SystemRandom;

use super::{
    discovery::IssuerMetadata,
    endpoint::Endpoint,
    exchange::Answer,
    grant::GrantName,
    token::{AccessToken, RefreshToken},
    token_store::StoredToken,
};
use crate::flow::Wire;

#[expect(clippy::disallowed_methods, reason = "tests are an edge of their own")]
pub(crate) fn random() -> SystemRandom {
    SystemRandom::new()
}

/// A fresh P-256 key in PKCS#8.
pub(crate) fn p256_pem() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random()).unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key.as_ref()))
}

/// Header and claims of a compact JWT; its signature is not looked at.
pub(crate) fn jwt_parts(jwt: &str) -> (serde_json::Value, serde_json::Value) {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let parts: Vec<_> = jwt.split('.').collect();
    let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (json(parts[0]), json(parts[1]))
}

/// A token of `https://auth.example` for `https://mcp.example/mcp` that came with a refresh token.
pub(crate) fn stored_token() -> StoredToken {
    StoredToken {
        issuer: "https://auth.example".into(),
        resource: "https://mcp.example/mcp".into(),
        client_id: "c".into(),
        grant: GrantName::AuthorizationCode,
        requested_scope: None,
        granted_scope: None,
        expires_at: None,
        access_token: AccessToken::parse("the-access-token").unwrap(),
        refresh_token: RefreshToken::parse("the-refresh-token"),
        possession_key: None,
    }
}

pub(crate) fn endpoint(raw: &str) -> Endpoint {
    Endpoint::parse(raw).unwrap()
}

pub(crate) fn json_answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() }
}

pub(crate) fn wire() -> Wire {
    Wire::new(http_client())
}

pub(crate) fn http_client() -> reqwest::Client {
    verification_keys::install_crypto_providers();
    verification_keys::http::client(&verification_keys::http::ClientOptions::default()).unwrap()
}

/// An issuer that lets people in and offers nothing besides.
pub(crate) fn issuer_metadata() -> IssuerMetadata {
    IssuerMetadata {
        issuer: "https://auth.example".into(),
        authorization_endpoint: Some(endpoint("https://auth.example/authorize")),
        grant_types: None,
        dpop_algorithms: Vec::new(),
        token_endpoint: endpoint("https://auth.example/token"),
        device_authorization_endpoint: None,
        registration_endpoint: None,
        revocation_endpoint: None,
        token_endpoint_auth_methods: Vec::new(),
        iss_parameter_supported: false,
        metadata_documents_supported: false,
        offline_access_supported: false,
    }
}

/// A code as a callback would bring it.
pub(crate) fn authorization_code(code: &str) -> super::authorization::AuthorizationCode {
    use super::{
        authorization::{AuthorizationParameters, AuthorizationRequest},
        loopback::RedirectUri,
    };
    let issuer = issuer_metadata();
    let about = AuthorizationParameters {
        issuer: &issuer,
        client_id: "c",
        redirect_uri: &RedirectUri::on_port(3030),
        resource: "r",
        scope: None,
        max_age: None,
        acr_values: None,
        dpop_jkt: None,
    };
    let request = AuthorizationRequest::new(&about, &random()).unwrap();
    let state = request.url().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs([("code", code), ("state", &state)]).finish();
    request.process_callback(&query).unwrap()
}
