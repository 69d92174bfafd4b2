//! The device authorization grant (RFC 8628): this computer has no browser, so the person takes a short code to one that has,
//! and the token is asked for until the person has decided.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::{fmt, time::Duration};

use super::{
    client::ClientProof,
    endpoint::Endpoint,
    exchange::{Answer, ExchangeError, Request},
    scope::Scope,
    token::{Form, TokenError, TokenResponse, add_scope, form_request, refused},
};

/// Pause between polls where the issuer names none (RFC 8628 §3.2), and by how much `slow_down` adds to it (§3.5).
const FIVE_SECONDS: Duration = Duration::from_secs(5);
/// Longest code to type, in bytes: somebody has to.
const MAX_USER_CODE_BYTES: usize = 64;
/// Longest code to poll with, in bytes.
const MAX_DEVICE_CODE_BYTES: usize = 4096;
/// Longest time that a person is waited for, whatever the issuer allows.
const MAX_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// What the device polls with; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCode(String);

impl DeviceCode {
    /// The code itself, for the token request only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCode(***)")
    }
}

/// What the issuer gave: one code for the person, one for the polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// What the device polls with.
    pub device_code: DeviceCode,
    /// What the person types.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: Endpoint,
    /// The same with the code in it, for whoever can follow a link.
    pub verification_uri_complete: Option<Endpoint>,
    /// When it is over.
    pub expires_at: Timestamp,
    /// The pause between polls.
    pub interval: Duration,
}

#[derive(Deserialize)]
struct Document {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: i64,
    interval: Option<u64>,
}

/// Builds the device authorization request (RFC 8628 §3.1), for one resource (RFC 8707).
#[must_use]
pub fn device_request(endpoint: &Endpoint, client: &ClientProof<'_>, resource: &str, scope: Option<&Scope>) -> Request {
    let mut form = Form::new(String::new());
    form.append_pair("resource", resource);
    add_scope(&mut form, scope);
    form_request(endpoint, form, client)
}

/// Checks the answer of `endpoint` to [`device_request`], which arrived at `now`.
///
/// # Errors
/// When the issuer refused, or sent something that nobody should type or open.
pub fn process(answer: &Answer, endpoint: &Endpoint, now: Timestamp) -> Result<DeviceAuthorization, TokenError> {
    refused(answer)?;
    let malformed = |what: &'static str| TokenError::Malformed(what.into());
    let document: Document = serde_json::from_slice(&answer.body)
        .map_err(|_| malformed("it is not a device authorization response in JSON"))?;
    let printable = |text: &str, longest| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
    };
    if !printable(&document.device_code, MAX_DEVICE_CODE_BYTES) {
        return Err(malformed("device_code breaks the grammar"));
    }
    if !printable(&document.user_code, MAX_USER_CODE_BYTES) {
        return Err(malformed("user_code is nothing that a person could type"));
    }
    let page = |raw: &str| {
        Endpoint::named_by(endpoint, raw)
            .map_err(|reason| TokenError::Malformed(format!("verification_uri is not shown: {reason}").into()))
    };
    let lifetime = SignedDuration::from_secs(document.expires_in.max(0)).min(MAX_LIFETIME);
    Ok(DeviceAuthorization {
        verification_uri: page(&document.verification_uri)?,
        verification_uri_complete: document.verification_uri_complete.as_deref().map(page).transpose()?,
        device_code: DeviceCode(document.device_code),
        user_code: document.user_code,
        expires_at: now.saturating_add(lifetime).map_err(|_| malformed("expires_in is too long"))?,
        interval: document.interval.map_or(FIVE_SECONDS, Duration::from_secs),
    })
}

/// What a poll led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// The person has allowed it.
    Done(TokenResponse),
    /// Ask again after this pause, which is that of all later polls too.
    Again(Duration),
}

/// Why the polls ended without a token.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The issuer has no such endpoint.
    #[error("{0} has no device_authorization_endpoint. Check MCP_CLIENT_GRANT")]
    NotOffered(String),
    /// The person said no.
    #[error("access was denied on the page of the authorization server")]
    Denied,
    /// Nobody decided in time.
    #[error("nobody entered the code in time. Please try again")]
    Expired,
    /// The issuer refused otherwise.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Reads the outcome of one poll, made with the pause `interval` before it (RFC 8628 §3.5).
///
/// # Errors
/// When there is no reason to ask again.
pub fn poll(outcome: Result<TokenResponse, TokenError>, interval: Duration) -> Result<Poll, DeviceError> {
    let error = match outcome {
        Ok(response) => return Ok(Poll::Done(response)),
        // RFC 8628 §3.5: on a connection timeout, the pause grows exponentially.
        Err(TokenError::Exchange(ExchangeError::Unreachable { .. })) => {
            return Ok(Poll::Again(interval.max(FIVE_SECONDS).saturating_mul(2)));
        }
        Err(TokenError::Refused { error, description }) => (error, description),
        Err(other) => return Err(other.into()),
    };
    match error.0.as_str() {
        "authorization_pending" => Ok(Poll::Again(interval)),
        "slow_down" => Ok(Poll::Again(interval.saturating_add(FIVE_SECONDS))),
        "access_denied" => Err(DeviceError::Denied),
        "expired_token" => Err(DeviceError::Expired),
        _ => Err(TokenError::Refused { error: error.0, description: error.1 }.into()),
    }
}

#[cfg(test)]
mod tests;
