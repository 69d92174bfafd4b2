//! The token requests of all grants, and the checks on their answers (OAuth 2.1 §4.1.3, §4.2 and §4.3, RFC 7523 §2.1,
//! RFC 8707).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;
use std::{borrow::Cow, fmt};
use url::form_urlencoded;

use super::{
    authorization::{AuthorizationCode, refusal},
    client::ClientProof,
    device::DeviceCode,
    endpoint::Endpoint,
    exchange::{self, Answer, ExchangeError, Request},
    loopback::RedirectUri,
    pkce::CodeVerifier,
    registration::ErrorDocument,
    scope::Scope,
};
use crate::flow::StepKind;

/// Longest access token accepted, in bytes.
const MAX_TOKEN_BYTES: usize = 32 * 1024;
/// The name of the device authorization grant (RFC 8628 §3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The name of the JWT bearer grant (RFC 7523 §2.1).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(super) type Form<'s> = form_urlencoded::Serializer<'s, String>;

/// An access token; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
    /// Accepts what can be sent in an `Authorization: Bearer` header (RFC 6750 §2.1) and nothing else, so neither
    /// line breaks nor spaces; `None` for the rest.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        ((1..=MAX_TOKEN_BYTES).contains(&raw.len()) && raw.bytes().all(allowed)).then(|| Self(raw.to_owned()))
    }

    /// The token itself, for the resource it was issued for and the private file only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(***)")
    }
}

/// A refresh token; never shown, and sent to nobody but the issuer that made it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Accepts `1*VSCHAR` (RFC 6749 appendix A.17) of a bounded length; `None` for the rest.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let printable = raw.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        ((1..=MAX_TOKEN_BYTES).contains(&raw.len()) && printable).then(|| Self(raw.to_owned()))
    }

    /// The token itself, for its issuer and the private file only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(***)")
    }
}

/// What a token is asked for with.
#[derive(Clone, Copy, Debug)]
pub enum TokenGrant<'a> {
    /// A code that the browser brought, for the first tokens.
    AuthorizationCode {
        /// The checked code.
        code: &'a AuthorizationCode,
        /// The verifier of the same authorization request.
        verifier: &'a CodeVerifier,
        /// The redirect URI of the same authorization request.
        redirect_uri: &'a RedirectUri,
    },
    /// What came with the tokens before, for the next ones. The scope stays what it was.
    RefreshToken(&'a RefreshToken),
    /// As before, for a token that may do less (OAuth 2.1 §4.3.1).
    LesserToken {
        /// What came with the tokens before.
        refresh_token: &'a RefreshToken,
        /// A part of the scope that was granted.
        scope: &'a Scope,
    },
    /// Nothing but who the client is: for itself, not for a person (OAuth 2.1 §4.2).
    ClientCredentials {
        /// The scope to ask for.
        scope: Option<&'a Scope>,
    },
    /// A code that the person has entered elsewhere (RFC 8628 §3.4).
    DeviceCode(&'a DeviceCode),
    /// What somebody whom the server trusts signed: about a workload, or about a person (RFC 7523 §2.1).
    JwtBearer {
        /// The JWT.
        assertion: &'a Assertion,
        /// The scope to ask for.
        scope: Option<&'a Scope>,
    },
}

/// A JWT of somebody else, to be shown for a token; never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion(String);

impl Assertion {
    /// Takes three parts of base64url, and nothing else; `None` for the rest.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let jwt = raw.len() <= MAX_TOKEN_BYTES && raw.split('.').count() == 3 && raw.split('.').all(part);
        jwt.then(|| Self(raw.to_owned()))
    }

    /// The JWT itself, for the token request only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is made out to this issuer, by its identifier or its token endpoint (RFC 7523 §3); nothing else in it is
    /// looked at, and the signature is the issuer's business.
    #[must_use]
    pub fn is_for(&self, issuer: &str, token_endpoint: &str) -> bool {
        let payload = self.0.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Option<Value> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let ours = |audience: &Value| {
            let audience = audience.as_str().unwrap_or_default();
            audience == token_endpoint || audience.trim_end_matches('/') == issuer.trim_end_matches('/')
        };
        match claims.as_ref().and_then(|claims| claims.get("aud")) {
            Some(Value::Array(audiences)) => audiences.iter().any(ours),
            Some(audience) => ours(audience),
            None => false,
        }
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion(***)")
    }
}

impl TokenGrant<'_> {
    /// The step of the flow that a request with it is.
    #[must_use]
    pub const fn step(&self) -> StepKind {
        match self {
            Self::AuthorizationCode { .. } => StepKind::TokenRequest,
            Self::RefreshToken(_) | Self::LesserToken { .. } => StepKind::Refresh,
            Self::ClientCredentials { .. } => StepKind::ClientGrant,
            Self::DeviceCode(_) => StepKind::DeviceToken,
            Self::JwtBearer { .. } => StepKind::AssertionGrant,
        }
    }
}

/// All that goes into one token request.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The issuer's token endpoint.
    pub endpoint: &'a Endpoint,
    /// Who asks, and what it shows for that.
    pub client: &'a ClientProof<'a>,
    /// What it asks with.
    pub grant: TokenGrant<'a>,
    /// The resource of the same authorization request.
    pub resource: &'a str,
}

/// A checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenResponse {
    /// The token.
    pub access_token: AccessToken,
    /// Seconds from now, if the server says so.
    pub expires_in: Option<i64>,
    /// The scope granted, if it is not the one asked for.
    pub scope: Option<Scope>,
    /// For the next access token, if the server gives one.
    pub refresh_token: Option<RefreshToken>,
    /// Whether the token is bound to the key of the request's proof (RFC 9449 §5).
    pub bound: bool,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The server refused.
    #[error("the token endpoint refused: {}", refusal(.error, .description.as_deref()))]
    Refused {
        /// `invalid_grant`, `invalid_client` …
        error: String,
        /// `error_description`.
        description: Option<String>,
    },
    /// An answer that is neither a token nor an OAuth error, or breaks a rule.
    #[error("the token endpoint sent an unusable answer: {0}")]
    Malformed(Cow<'static, str>),
}

#[derive(Deserialize)]
struct Document {
    access_token: String,
    token_type: String,
    expires_in: Option<i64>,
    scope: Option<String>,
    refresh_token: Option<String>,
}

/// Builds the token request.
#[must_use]
pub fn token_request(token: &TokenRequest<'_>) -> Request {
    let mut form = Form::new(String::new());
    match token.grant {
        TokenGrant::AuthorizationCode { code, verifier, redirect_uri } => form
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code.reveal())
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("code_verifier", verifier.reveal()),
        TokenGrant::RefreshToken(token) => {
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.reveal())
        }
        TokenGrant::LesserToken { refresh_token, scope } => {
            let form = form.append_pair("grant_type", "refresh_token");
            add_scope(form.append_pair("refresh_token", refresh_token.reveal()), Some(scope))
        }
        TokenGrant::ClientCredentials { scope } => {
            add_scope(form.append_pair("grant_type", "client_credentials"), scope)
        }
        TokenGrant::DeviceCode(code) => {
            form.append_pair("grant_type", DEVICE_CODE).append_pair("device_code", code.reveal())
        }
        TokenGrant::JwtBearer { assertion, scope } => {
            add_scope(form.append_pair("grant_type", JWT_BEARER).append_pair("assertion", assertion.reveal()), scope)
        }
    };
    form.append_pair("resource", token.resource);
    form_request(token.endpoint, form, token.client)
}

pub(super) fn add_scope<'f, 's>(form: &'f mut Form<'s>, scope: Option<&Scope>) -> &'f mut Form<'s> {
    match scope {
        Some(scope) => form.append_pair("scope", &scope.to_string()),
        None => form,
    }
}

/// Builds the POST of `form` to an endpoint that wants to know who the client is.
pub(super) fn form_request(endpoint: &Endpoint, mut form: Form<'_>, client: &ClientProof<'_>) -> Request {
    client.add_to_form(&mut form);
    let body = form.finish().into_bytes();
    let mut request = exchange::post(endpoint.url(), "application/x-www-form-urlencoded", body);
    client.add_to_headers(&mut request);
    request
}

/// Checks the answer to [`token_request`].
///
/// # Errors
/// When the server refused, or sent something that is neither a bearer token nor, where one was `proved`, a bound one.
pub fn process(answer: &Answer, proved: bool) -> Result<TokenResponse, TokenError> {
    refused(answer)?;
    // The parser's message could quote the body, and with it a token.
    let document: Document = serde_json::from_slice(&answer.body)
        .map_err(|_| TokenError::Malformed("it is not a token response in JSON".into()))?;
    let bound = proved && document.token_type.eq_ignore_ascii_case("dpop");
    if !bound && !document.token_type.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Malformed("token_type is not Bearer".into()));
    }
    let access_token = AccessToken::parse(&document.access_token)
        .ok_or(TokenError::Malformed("access_token is not a bearer token (RFC 6750)".into()))?;
    if document.expires_in.is_some_and(|seconds| seconds < 0) {
        return Err(TokenError::Malformed("expires_in is negative".into()));
    }
    let scope = match document.scope.as_deref() {
        None | Some("") => None,
        Some(raw) => Some(Scope::parse(raw).ok_or(TokenError::Malformed("scope breaks the grammar".into()))?),
    };
    let refresh_token = match document.refresh_token.as_deref() {
        None | Some("") => None,
        Some(raw) => {
            Some(RefreshToken::parse(raw).ok_or(TokenError::Malformed("refresh_token breaks the grammar".into()))?)
        }
    };
    Ok(TokenResponse { access_token, expires_in: document.expires_in, scope, refresh_token, bound })
}

/// The refusal in an answer that is not 200.
pub(super) fn refused(answer: &Answer) -> Result<(), TokenError> {
    if answer.status == http::StatusCode::OK {
        return Ok(());
    }
    Err(match serde_json::from_slice::<ErrorDocument>(&answer.body) {
        Ok(ErrorDocument { error, error_description: description }) => TokenError::Refused { error, description },
        Err(_) => TokenError::Malformed(format!("status {}", answer.status).into()),
    })
}

#[cfg(test)]
mod tests;
