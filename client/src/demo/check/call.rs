//! Calls with a token: the good one, one with a flipped bit, a string that is none, and one for somebody else (D1, D2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use url::Url;

use super::{
    mcp,
    step::{Outcome, Problem, Seen, expect},
};
use crate::{
    demo::servers::{Servers, Strictness},
    oauth::{
        exchange::{self, Answer},
        token::AccessToken,
    },
};

/// The good token is accepted, and the tool answers.
///
/// # Errors
/// When it is not.
pub async fn accepted(http: &reqwest::Client, server: &Url, token: &AccessToken) -> Outcome<()> {
    let text = call(http, server, token.reveal()).await?;
    Ok(Seen::new(format!("get_time: {text}"), ()))
}

/// One bit of the signature flipped: 401 `signature_invalid`.
///
/// # Errors
/// Any other answer.
pub async fn flipped_bit(http: &reqwest::Client, server: &Url, token: &AccessToken) -> Outcome<()> {
    let forged =
        with_flipped_bit(token.reveal()).ok_or_else(|| Problem::unexpected("a signed JWT", "something else"))?;
    refused(http, server, &forged, "signature_invalid").await
}

/// A string that is no JWT, and no issuer that has such tokens: 401 `opaque_token`.
///
/// # Errors
/// Any other answer.
pub async fn opaque(http: &reqwest::Client, server: &Url) -> Outcome<()> {
    refused(http, server, "not-a-jwt-but-a-random-string", "opaque_token").await
}

/// Strict: a good token for another resource is 401 `audience_mismatch`.
///
/// # Errors
/// Any other answer.
pub async fn other_audience(http: &reqwest::Client, server: &Url, other: &AccessToken) -> Outcome<()> {
    refused(http, server, other.reveal(), "audience_mismatch").await
}

/// `false`: the same token is accepted, and the log warns that audiences are not checked.
///
/// # Errors
/// When it is refused, or nobody was warned.
pub async fn other_audience_unchecked(
    http: &reqwest::Client,
    servers: &mut impl Servers,
    other: &AccessToken,
) -> Outcome<()> {
    servers.restart_mcp_server(Strictness::False).await?;
    call(http, &servers.addresses().server, other.reveal()).await?;
    let warning = warning(servers, "MCP_RESOURCE_OAUTH_STRICT")?;
    Ok(Seen::new(format!("accepted after a restart with false; {warning}"), ()))
}

/// `observe`: the same token is accepted, and the log says what strict would have done.
///
/// # Errors
/// When it is refused, or the log does not say so.
pub async fn other_audience_observed(
    http: &reqwest::Client,
    servers: &mut impl Servers,
    other: &AccessToken,
) -> Outcome<()> {
    servers.restart_mcp_server(Strictness::Observe).await?;
    call(http, &servers.addresses().server, other.reveal()).await?;
    warning(servers, "would_refuse=audience_mismatch")?;
    Ok(Seen::new("accepted after a restart with observe, logged would_refuse=audience_mismatch", ()))
}

/// Strict again, one call, then the issuer goes: the token already seen and one never seen are both still accepted.
///
/// # Errors
/// When a call fails, or the issuer still answers.
pub async fn without_issuer(
    http: &reqwest::Client,
    servers: &mut impl Servers,
    issuer: &Url,
    tokens: [&AccessToken; 2],
) -> Outcome<()> {
    servers.restart_mcp_server(Strictness::True).await?;
    let [seen, unseen] = tokens;
    let server = servers.addresses().server.clone();
    call(http, &server, seen.reveal()).await?;
    servers.stop_authz().await?;
    let answer = exchange::send(http, exchange::get_json(issuer)).await;
    expect(answer.is_err(), "nobody at the issuer", "an answer")?;
    call(http, &server, seen.reveal()).await?;
    let text = call(http, &server, unseen.reveal()).await?;
    Ok(Seen::new(format!("a token seen before and one never seen are accepted; get_time: {text}"), ()))
}

async fn call(http: &reqwest::Client, server: &Url, token: &str) -> Result<String, Problem> {
    let answer = mcp::call(http, server, Some(token), "get_time").await?;
    mcp::result_text(&answer).ok_or_else(|| Problem::unexpected("the tool's answer", described(&answer)))
}

async fn refused(http: &reqwest::Client, server: &Url, token: &str, reason: &str) -> Outcome<()> {
    let answer = mcp::call(http, server, Some(token), "get_time").await?;
    let holds = answer.status == StatusCode::UNAUTHORIZED && mcp::reason(&answer) == reason;
    expect(holds, &format!("401 {reason}"), described(&answer))?;
    Ok(Seen::new(format!("401 {reason}"), ()))
}

fn warning(servers: &impl Servers, about: &str) -> Result<String, Problem> {
    let warnings = servers.mcp_server_warnings()?;
    let found = warnings.iter().find(|line| line.contains(about));
    found
        .cloned()
        .ok_or_else(|| Problem::unexpected(format!("a warning with {about}"), format!("{} others", warnings.len())))
}

fn described(answer: &Answer) -> String {
    match mcp::reason(answer).as_str() {
        "none" if mcp::result_text(answer).is_some() => format!("{}, the call went through", answer.status),
        reason => format!("{}, reason {reason}", answer.status),
    }
}

fn with_flipped_bit(token: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let mut signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let middle = signature.len() / 2;
    *signature.get_mut(middle)? ^= 1;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bit_of_the_signature_changes() {
        let forged = with_flipped_bit("a.b.AAAA").unwrap();
        assert_eq!(forged, "a.b.AAEA");
        assert_eq!(with_flipped_bit(&forged).unwrap(), "a.b.AAAA");
        assert_eq!(with_flipped_bit("no-dots"), None);
    }
}
