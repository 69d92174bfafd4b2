//! From the refused request to the endpoints: challenge → resource metadata → issuer metadata (RFC 9728, RFC 8414).

use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::{
    mcp,
    step::{Outcome, Problem, Seen, expect},
};
use crate::oauth::{challenge::BearerChallenge, exchange};

/// What a request without a token is told.
#[derive(Clone, Debug)]
pub struct Challenged {
    /// Where the metadata of the resource is.
    pub metadata: Url,
    /// What to ask for.
    pub scope: String,
}

/// What the issuer publishes.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The issuer, byte for byte.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization: Url,
    /// Where the code goes.
    pub token: Url,
    /// Where the keys are.
    pub jwks: Url,
}

/// Asks without a token: 401 that names the metadata and a scope, and no `error`, for nothing was wrong (RFC 6750 §3.1).
///
/// # Errors
/// Any other answer.
pub async fn challenge(http: &reqwest::Client, server: &Url) -> Outcome<Challenged> {
    let answer = mcp::call(http, server, None, "get_time").await?;
    expect(answer.status == StatusCode::UNAUTHORIZED, "401 without a token", answer.status)?;
    let challenge = BearerChallenge::from_headers(&answer.headers)
        .ok_or_else(|| Problem::unexpected("a Bearer challenge", "none in WWW-Authenticate"))?;
    expect(challenge.error.is_none(), "no error code where no token was sent", challenge.error.unwrap_or_default())?;
    let scope = challenge.scope.ok_or_else(|| Problem::unexpected("scope in the challenge", "none"))?;
    let raw = challenge.resource_metadata.unwrap_or_default();
    let metadata =
        raw.parse().map_err(|_| Problem::unexpected("resource_metadata=URL in the challenge", raw.clone()))?;
    let line = format!("401, resource_metadata={raw}, scope={scope}");
    Ok(Seen::new(line, Challenged { metadata, scope: scope.to_string() }))
}

/// Reads the metadata of the resource: it is this server's, and names its issuer, which is handed on.
///
/// # Errors
/// Another `resource`, or no issuer.
pub async fn resource_metadata(http: &reqwest::Client, metadata: &Url, server: &Url) -> Outcome<String> {
    let document = document(http, metadata).await?;
    let resource = member(&document, "resource")?;
    expect(resource == server.as_str(), &format!("resource {server}"), resource)?;
    let issuer = document.pointer("/authorization_servers/0").and_then(Value::as_str);
    let issuer = issuer.ok_or_else(|| Problem::unexpected("an entry in authorization_servers", "none"))?;
    Ok(Seen::new(format!("resource={resource}, authorization_servers={issuer}"), issuer.to_owned()))
}

/// Reads the metadata of the issuer: the same issuer, S256, and `iss` in its answers.
///
/// # Errors
/// A document that a careful client must not use.
pub async fn issuer_metadata(http: &reqwest::Client, issuer: &str) -> Outcome<Endpoints> {
    let url = url(&format!("{issuer}/.well-known/oauth-authorization-server"))?;
    let document = document(http, &url).await?;
    let found = member(&document, "issuer")?;
    expect(found == issuer, &format!("issuer {issuer}"), found)?;
    let methods = document.get("code_challenge_methods_supported").unwrap_or(&Value::Null);
    expect(*methods == serde_json::json!(["S256"]), "code_challenge_methods_supported [\"S256\"]", methods)?;
    let promise = document.get("authorization_response_iss_parameter_supported").unwrap_or(&Value::Null);
    expect(*promise == Value::Bool(true), "authorization_response_iss_parameter_supported true", promise)?;
    let endpoints = Endpoints {
        issuer: issuer.to_owned(),
        authorization: self::url(member(&document, "authorization_endpoint")?)?,
        token: self::url(member(&document, "token_endpoint")?)?,
        jwks: self::url(member(&document, "jwks_uri")?)?,
    };
    let line =
        format!("issuer={found}, authorize={}, token={}", endpoints.authorization.path(), endpoints.token.path());
    Ok(Seen::new(format!("{line}, jwks={}, S256", endpoints.jwks.path()), endpoints))
}

/// A JSON document that must be there.
pub(super) async fn document(http: &reqwest::Client, url: &Url) -> Result<Value, Problem> {
    let answer = exchange::send(http, exchange::get_json(url)).await?;
    expect(answer.status == StatusCode::OK && answer.is_json(), &format!("JSON at {url}"), answer.status)?;
    serde_json::from_slice(&answer.body)
        .map_err(|error| Problem::unexpected(format!("JSON at {url}"), error.to_string()))
}

/// A string member that must be there.
pub(super) fn member<'a>(document: &'a Value, name: &str) -> Result<&'a str, Problem> {
    let found = document.get(name).unwrap_or(&Value::Null);
    found.as_str().ok_or_else(|| Problem::unexpected(format!("{name} as a string"), found.to_string()))
}

fn url(raw: &str) -> Result<Url, Problem> {
    raw.parse().map_err(|_| Problem::unexpected("a URL", raw))
}
