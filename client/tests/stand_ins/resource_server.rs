//! A resource server with one tool, which may lack one check.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use client::demo::servers::Strictness;
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use verification_keys::http::{ClientOptions, client};

use crate::stand_in::Lacks;

pub(crate) struct ResourceServer {
    lacks: Option<Lacks>,
    url: String,
    issuer: String,
    state: Mutex<Running>,
}

/// What a restart resets.
struct Running {
    strictness: Strictness,
    keys: Option<JwkSet>,
    warnings: Vec<String>,
}

impl ResourceServer {
    pub(crate) fn new(lacks: Option<Lacks>, url: &str, issuer: &str) -> Self {
        let state = Mutex::new(Running { strictness: Strictness::True, keys: None, warnings: Vec::new() });
        Self { lacks, url: url.to_owned(), issuer: issuer.to_owned(), state }
    }

    pub(crate) fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/mcp", post(call))
            .route("/.well-known/oauth-protected-resource/mcp", get(metadata))
            .with_state(self)
    }

    pub(crate) fn restart(&self, strictness: Strictness) {
        let warnings = match strictness {
            Strictness::False => vec!["MCP_RESOURCE_OAUTH_STRICT is false".to_owned()],
            Strictness::True | Strictness::Observe => Vec::new(),
        };
        *self.state.lock().unwrap() = Running { strictness, keys: None, warnings };
    }

    pub(crate) fn key_fetches(&self) -> usize {
        usize::from(self.state.lock().unwrap().keys.is_some())
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.state.lock().unwrap().warnings.clone()
    }

    async fn keys(&self) -> Result<JwkSet, reqwest::Error> {
        let held = self.state.lock().unwrap().keys.clone().filter(|_| self.lacks != Some(Lacks::LocalVerification));
        if let Some(keys) = held {
            return Ok(keys);
        }
        let http = client(&ClientOptions::default()).unwrap();
        let keys: JwkSet = http.get(format!("{}/jwks", self.issuer)).send().await?.json().await?;
        self.state.lock().unwrap().keys = Some(keys.clone());
        Ok(keys)
    }

    fn verdict(&self, token: &str, keys: &JwkSet) -> Result<(), &'static str> {
        if token.split('.').count() != 3 {
            return Err("opaque_token");
        }
        let claims: Value = if self.lacks == Some(Lacks::Signature) {
            jsonwebtoken::dangerous::insecure_decode(token).unwrap().claims
        } else {
            let mut rules = Validation::new(Algorithm::RS256);
            (rules.validate_exp, rules.validate_aud) = (false, false);
            rules.required_spec_claims.clear();
            let header = jsonwebtoken::decode_header(token).map_err(|_| "token_malformed")?;
            let key = header.kid.and_then(|kid| keys.find(&kid).cloned()).ok_or("unknown_key")?;
            let key = DecodingKey::from_jwk(&key).unwrap();
            jsonwebtoken::decode(token, &key, &rules).map_err(|_| "signature_invalid")?.claims
        };
        if claims["aud"] == self.url { Ok(()) } else { self.mismatch() }
    }

    fn mismatch(&self) -> Result<(), &'static str> {
        let mut state = self.state.lock().unwrap();
        match state.strictness {
            Strictness::True if self.lacks != Some(Lacks::Audience) => return Err("audience_mismatch"),
            Strictness::Observe if self.lacks != Some(Lacks::ObservedWarning) => {
                state.warnings.push("would_refuse=audience_mismatch".to_owned());
            }
            Strictness::True | Strictness::Observe | Strictness::False => {}
        }
        Ok(())
    }

    fn unauthorized(&self, reason: Option<&str>) -> Response {
        let metadata = self.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
        let error = if reason.is_some() { ", error=\"invalid_token\"" } else { "" };
        let challenge = format!("Bearer resource_metadata=\"{metadata}\", scope=\"mcp:read\"{error}");
        let body = Json(json!({"reason": reason.unwrap_or("missing_token")}));
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
    }
}

async fn metadata(State(server): State<Arc<ResourceServer>>) -> Json<Value> {
    Json(json!({"resource": server.url, "authorization_servers": [server.issuer]}))
}

async fn call(State(server): State<Arc<ResourceServer>>, headers: HeaderMap) -> Response {
    let Ok(keys) = server.keys().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"reason": "keys_unavailable"}))).into_response();
    };
    let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = credentials.and_then(|value| value.strip_prefix("Bearer ")) else {
        return server.unauthorized(None);
    };
    if let Err(reason) = server.verdict(token, &keys) {
        return server.unauthorized(Some(reason));
    }
    let content = json!([{"type": "text", "text": "2026-11-21T00:00:00Z"}]);
    Json(json!({"jsonrpc": "2.0", "id": 1, "result": {"content": content}})).into_response()
}
