//! The token endpoint, the token, and the key it is signed with (RFC 7636 §4.6, RFC 9068, RFC 7517).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use ring::rand::SecureRandom;
use serde_json::Value;

use super::{
    discovery::{self, Endpoints, member},
    sign_in::{Application, Code},
    step::{Outcome, Problem, Seen, expect},
};
use crate::{
    demo::servers::Servers,
    oauth::{exchange::Answer, pkce::CodeVerifier, token::AccessToken},
};

/// Longest life of a token of ours, in seconds.
const LONGEST_LIFE: i64 = 3600;

/// Redeems the code with a verifier that is not the right one, and then with the right one: a failed try uses nothing up.
///
/// # Errors
/// When the first gets a token or the second none.
pub async fn pkce_verified(
    http: &reqwest::Client,
    application: &Application<'_>,
    code: &Code,
    random: &dyn SecureRandom,
) -> Outcome<AccessToken> {
    let other = CodeVerifier::generate(random)?;
    let refused = application.redeem(http, code, Some(&other)).await?;
    let seen = format!("{} {}", refused.status, error(&refused));
    expect(refused.status == StatusCode::BAD_REQUEST, "400 for another verifier", &seen)?;
    expect(error(&refused) == "invalid_grant", "invalid_grant for another verifier", &seen)?;
    let token = issued(&application.redeem(http, code, None).await?)?;
    Ok(Seen::new("another verifier: 400 invalid_grant; the right one: a token", token))
}

/// The access token of an answer.
///
/// # Errors
/// When there is none.
pub fn issued(answer: &Answer) -> Result<AccessToken, Problem> {
    let seen = || Problem::unexpected("an access token", format!("{} {}", answer.status, error(answer)));
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| seen())?;
    let token = body.get("access_token").and_then(Value::as_str).filter(|_| answer.status == StatusCode::OK);
    token.and_then(AccessToken::parse).ok_or_else(seen)
}

/// Reads header and claims as RFC 9068 §2 wants them, and hands on the `kid`.
///
/// # Errors
/// A member that is missing or another.
pub fn profile(token: &AccessToken, application: &Application<'_>, username: &str) -> Outcome<String> {
    let mut parts = token.reveal().split('.').map(decoded);
    let (Some(Some(header)), Some(Some(claims))) = (parts.next(), parts.next()) else {
        return Err(Problem::unexpected("a JWT", "something else"));
    };
    let (issuer, resource) = (application.endpoints.issuer.as_str(), application.resource.as_str());
    let exactly = [
        (&header, "typ", "at+jwt"),
        (&header, "alg", "RS256"),
        (&claims, "iss", issuer),
        (&claims, "aud", resource),
        (&claims, "client_id", application.credentials.id.as_str()),
        (&claims, "scope", application.scope),
    ];
    for (object, name, value) in exactly {
        expect(member(object, name)? == value, &format!("{name}={value}"), member(object, name)?)?;
    }
    let subject = member(&claims, "sub")?;
    expect(subject != username && !subject.is_empty(), "an opaque sub", subject)?;
    member(&claims, "jti")?;
    let lifetime = seconds(&claims, "exp")? - seconds(&claims, "iat")?;
    expect((1..=LONGEST_LIFE).contains(&lifetime), "a lifetime of at most an hour", lifetime)?;
    let key_id = member(&header, "kid")?;
    let line = format!("typ=at+jwt, alg=RS256, kid={}…, iss={issuer}, aud={resource}, {lifetime} s", shortened(key_id));
    Ok(Seen::new(line, key_id.to_owned()))
}

/// The MCP server has fetched keys on its own by now, and the published set holds the token's key and nothing private.
///
/// # Errors
/// When no fetch was observed, or the key is not published.
pub async fn key_fetched(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    kid: &str,
    servers: &impl Servers,
) -> Outcome<()> {
    let fetches = servers.key_fetches()?;
    expect(fetches > 0, "a fetch of the keys by the MCP server", "none")?;
    let set = discovery::document(http, &endpoints.jwks).await?;
    let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let key = keys.iter().find(|key| key.get("kid").and_then(Value::as_str) == Some(kid));
    let key =
        key.ok_or_else(|| Problem::unexpected("the token's kid at jwks_uri", format!("{} other keys", keys.len())))?;
    let private = ["d", "p", "q", "dp", "dq", "qi", "k"].into_iter().find(|name| key.get(name).is_some());
    expect(private.is_none(), "a public key only", private.unwrap_or_default())?;
    let (kty, path) = (member(key, "kty")?, endpoints.jwks.path());
    Ok(Seen::new(format!("{fetches} by the MCP server from {path}; {kty} key {}… is in it", shortened(kid)), ()))
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn seconds(claims: &Value, name: &str) -> Result<i64, Problem> {
    let found = claims.get(name).unwrap_or(&Value::Null);
    found.as_i64().ok_or_else(|| Problem::unexpected(format!("{name} as an integer"), found.to_string()))
}

fn error(answer: &Answer) -> String {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let error = body.as_ref().and_then(|body| body.get("error")).and_then(Value::as_str);
    error.unwrap_or("without an error").to_owned()
}

fn shortened(kid: &str) -> &str {
    kid.get(..8).unwrap_or(kid)
}
