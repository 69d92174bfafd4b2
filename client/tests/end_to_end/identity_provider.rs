//! A stand-in for an organisation's identity provider: it exchanges the one ID token that it knows for an ID-JAG.

use axum::{Form, Json, Router, extract::State, http::StatusCode, response::IntoResponse as _, routing};
use client::oauth::signing::SigningKey;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use verification_keys::{Clock as _, SystemClock};

use crate::realm::random;

/// The ID token of the person; what is in it is nobody's business but the identity provider's.
pub(crate) const ID_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln";
/// The client at the identity provider.
pub(crate) const CLIENT: &str = "at-the-idp";

struct Provider {
    issuer: String,
    key: SigningKey,
    /// The client that its assertions are for.
    client_id: &'static str,
}

/// Starts one whose assertions are for `client_id`; its issuer.
pub(crate) async fn start(client_id: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let random = random();
    let key = SigningKey::p256(&SigningKey::generate_p256(&random).unwrap(), &random).unwrap();
    let provider = Arc::new(Provider { issuer: issuer.clone(), key, client_id });
    let router = Router::new()
        .route("/.well-known/openid-configuration", routing::get(metadata))
        .route("/jwks", routing::get(jwks))
        .route("/token", routing::post(token))
        .with_state(provider);
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

async fn metadata(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
    }))
}

async fn jwks(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let mut key = provider.key.public_jwk().unwrap();
    key["kid"] = json!("idp-1");
    key["alg"] = json!("ES256");
    key["use"] = json!("sig");
    Json(json!({"keys": [key]}))
}

async fn token(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<HashMap<String, String>>,
) -> axum::response::Response {
    let known = form["subject_token"] == ID_TOKEN && form["client_id"] == CLIENT;
    if !known || form["grant_type"] != "urn:ietf:params:oauth:grant-type:token-exchange" {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let now = SystemClock.now().as_second();
    let claims = json!({
        "iss": provider.issuer,
        "sub": "ann",
        "aud": form["audience"],
        "client_id": provider.client_id,
        "resource": form["resource"],
        "scope": form.get("scope").cloned().unwrap_or_default(),
        "jti": format!("jti-{now}"),
        "iat": now,
        "exp": now + 300,
    });
    let header = json!({"alg": "ES256", "typ": "oauth-id-jag+jwt", "kid": "idp-1"});
    let assertion = provider.key.sign(&header, &claims, &random()).unwrap();
    Json(json!({
        "access_token": assertion,
        "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
        "token_type": "N_A",
        "expires_in": 300,
    }))
    .into_response()
}
