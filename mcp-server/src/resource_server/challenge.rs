//! Every refusal → status, `WWW-Authenticate`, JSON body and reason code, in this one place
//! (RFC 6750 §3, RFC 9728 §5.1).
//!
//! The description is a constant sentence. What was expected and what was presented is added only by
//! [`Refusal::explained`], which the verifier calls only for claims whose signature it has verified.

mod kind;

mod quote;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde::Serialize;

use super::refusal_body::RefusalBody;
use kind::Kind;

use super::scope::Scopes;
use super::scope_names::ScopeNames;
use quote::{quotable, shortened};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $code:literal, $kind:ident, $description:literal;)*) => {
        /// Why a request was refused: stable codes for bodies, logs and metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, as in `"reason": "audience_mismatch"`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// One constant sentence: says nothing that the caller has sent.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }
        }
    };
}

reasons! {
    /// No bearer token was presented.
    MissingToken, "missing_token", NoCredentials,
        "This resource needs an access token";
    /// The `Authorization` header is not `Bearer` and one token.
    AuthorizationMalformed, "authorization_malformed", InvalidRequest,
        "The Authorization header is not the word Bearer and one token";
    /// More than one `Authorization` header.
    MultipleCredentials, "multiple_credentials", InvalidRequest,
        "A request carries exactly one Authorization header";
    /// Longer than any token that is read.
    TokenTooLarge, "token_too_large", InvalidToken,
        "The access token is too long";
    /// Not a compact JWS of three canonical segments and a strict JSON header.
    TokenMalformed, "token_malformed", InvalidToken,
        "The access token is not a well-formed JWT";
    /// The header names an algorithm outside the allow-list.
    AlgorithmNotAllowed, "algorithm_not_allowed", InvalidToken,
        "The access token is signed with an algorithm that is not allowed";
    /// The header has `crit` (RFC 7515 §4.1.11).
    CriticalHeader, "critical_header", InvalidToken,
        "The access token has a critical header parameter";
    /// The header's `typ` is not that of an access token (RFC 9068 §2.1).
    TokenTypeMismatch, "token_type_mismatch", InvalidToken,
        "The token's type is not that of an access token";
    /// `iss` is not one of the configured issuers.
    IssuerUnknown, "issuer_unknown", InvalidToken,
        "The access token is from an issuer that this resource does not trust";
    /// The header has no `kid`.
    KeyIdMissing, "key_id_missing", InvalidToken,
        "The access token does not say which key signed it";
    /// No published key has this `kid`.
    UnknownKey, "unknown_key", InvalidToken,
        "The access token is signed with a key that its issuer does not publish";
    /// The issuer's keys could not be fetched yet.
    KeysUnavailable, "keys_unavailable", Unavailable,
        "The issuer's keys cannot be had at the moment";
    /// The signature does not verify.
    SignatureInvalid, "signature_invalid", InvalidToken,
        "The access token's signature is not valid";
    /// A claim is missing or of the wrong type.
    ClaimsMalformed, "claims_malformed", InvalidToken,
        "The access token's claims are incomplete or of the wrong type";
    /// `aud` is absent or empty.
    AudienceMissing, "audience_missing", InvalidToken,
        "The access token names no audience";
    /// `aud` names another resource (RFC 8707).
    AudienceMismatch, "audience_mismatch", InvalidToken,
        "The access token was issued for another resource";
    /// The client is not in the list of allowed clients.
    ClientNotAllowed, "client_not_allowed", InvalidToken,
        "The access token was issued to a client that is not allowed here";
    /// `exp` has passed.
    TokenExpired, "token_expired", InvalidToken,
        "The access token has expired";
    /// `nbf` or `iat` lies in the future.
    TokenNotYetValid, "token_not_yet_valid", InvalidToken,
        "The access token is not valid yet";
    /// Valid for longer than the bound allows.
    LifetimeTooLong, "lifetime_too_long", InvalidToken,
        "The access token is valid for longer than this resource accepts";
    /// Bound to a key (`cnf`) and presented as a plain bearer token.
    SenderConstrained, "sender_constrained", InvalidToken,
        "A sender-constrained token cannot be used as a bearer token";
    /// An ID token, a refresh token, or another token that is not for resources.
    NotAnAccessToken, "not_an_access_token", InvalidToken,
        "The token is not an access token";
    /// Not a JWT, and no issuer is known for opaque tokens.
    OpaqueToken, "opaque_token", InvalidToken,
        "This resource accepts JWT access tokens only";
    /// The issuer says that the token is not active (RFC 7662 §2.2).
    TokenInactive, "token_inactive", InvalidToken,
        "The access token is no longer active";
    /// The issuer gave no answer about the token.
    IntrospectionUnavailable, "introspection_unavailable", Unavailable,
        "The issuer cannot confirm the access token at the moment";
    /// A JWT that only its issuer could judge, while too many such questions are open.
    IntrospectionBudget, "introspection_budget", InvalidToken,
        "The access token could not be verified";
    /// An opaque token, while too many questions to its issuer are open.
    IntrospectionBusy, "introspection_busy", Unavailable,
        "Too many access tokens are being confirmed at the moment";
    /// The token lacks a scope that the operation needs.
    InsufficientScope, "insufficient_scope", InsufficientScope,
        "The access token lacks a scope that this operation needs";
    /// The person signed in too long ago for the operation (RFC 9470 §3).
    InsufficientUserAuthentication, "insufficient_user_authentication", InsufficientUserAuthentication,
        "This operation needs a more recent sign-in";
    /// The `Host` header is not a name of this server.
    HostNotAllowed, "host_not_allowed", Forbidden,
        "The Host header is not one of this server's names: they follow MCP_RESOURCE_PUBLIC_URL, and MCP_RESOURCE_ALLOWED_HOSTS adds others";
    /// The `Origin` header is not an allowed origin.
    OriginNotAllowed, "origin_not_allowed", Forbidden,
        "The Origin header is not an allowed origin: MCP_RESOURCE_ALLOWED_ORIGINS adds origins";
    /// The body is larger than any request needs.
    BodyTooLarge, "body_too_large", TooLarge,
        "The request body is too large";
    /// The body is not one JSON-RPC message, so what it asks for cannot be told.
    BodyMalformed, "body_malformed", Malformed,
        "The request body is not one JSON-RPC message";
}

impl Reason {
    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.kind().status()
    }

    /// The `error` member of body and challenge; none when there were no credentials.
    #[must_use]
    pub const fn error(self) -> Option<&'static str> {
        self.kind().error()
    }
}

/// One refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    detail: Option<String>,
    required: Option<Scopes>,
    max_age: Option<i64>,
    retry_after: Option<u32>,
}

impl Refusal {
    /// A refusal with the constant description of its reason.
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self { reason, detail: None, required: None, max_age: None, retry_after: None }
    }

    /// Adds what was expected and presented. Only for claims under a verified signature.
    #[must_use]
    pub fn explained(reason: Reason, expected: &str, presented: &str) -> Self {
        let detail = format!("expected {}, presented {}", shortened(expected), shortened(presented));
        Self { detail: Some(detail), ..Self::new(reason) }
    }

    /// The token lacks some of `required`: all scopes that the operation needs.
    #[must_use]
    pub fn insufficient_scope(required: Scopes) -> Self {
        Self { required: Some(required), ..Self::new(Reason::InsufficientScope) }
    }

    /// The person signed in longer ago than `max_age`; `required` are the scopes of the operation.
    #[must_use]
    pub fn insufficient_user_authentication(max_age: SignedDuration, required: Scopes) -> Self {
        let required = Some(required).filter(|required| !required.is_empty());
        Self { max_age: Some(max_age.as_secs()), required, ..Self::new(Reason::InsufficientUserAuthentication) }
    }

    /// The same, with the scopes as the issuer of the token is asked for them.
    pub(super) fn asked_for(mut self, names: &ScopeNames) -> Self {
        self.required = self.required.map(|ours| names.asked(&ours));
        self
    }

    /// No verdict can be had; worth another try after `seconds`.
    #[must_use]
    pub const fn retry_after(reason: Reason, seconds: u32) -> Self {
        let mut refusal = Self::new(reason);
        refusal.retry_after = Some(seconds);
        refusal
    }

    /// Drops what was quoted from the token, for when its signature was not verified after all.
    #[must_use]
    pub fn unexplained(self) -> Self {
        Self { detail: None, ..self }
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What was expected and presented, if it may be told.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The scopes that the operation needs, if that is what is missing.
    #[must_use]
    pub const fn required(&self) -> Option<&Scopes> {
        self.required.as_ref()
    }

    /// One sentence, with what was expected and presented if it may be told.
    #[must_use]
    pub fn description(&self) -> String {
        let sentence = self.reason.description();
        self.detail.as_ref().map_or_else(|| sentence.to_owned(), |detail| format!("{sentence}: {detail}"))
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

/// What all challenges of one resource share.
#[derive(Clone, Debug)]
pub struct Challenger {
    resource_metadata: String,
    scope: Scopes,
    body: Option<RefusalBody>,
}

impl Challenger {
    /// `resource_metadata` is the URL of the RFC 9728 document; `scope` is asked for in each 401.
    #[must_use]
    pub const fn new(resource_metadata: String, scope: Scopes) -> Self {
        Self { resource_metadata, scope, body: None }
    }

    /// Answers with bodies of one's own.
    #[must_use]
    pub fn with_body(self, body: Option<RefusalBody>) -> Self {
        Self { body, ..self }
    }

    /// The whole answer: status, challenge, `no-store` and JSON body.
    #[must_use]
    pub fn respond(&self, refusal: &Refusal, request_id: Option<&str>) -> Response {
        let reason = refusal.reason;
        let mut response = match &self.body {
            Some(body) => body.make(refusal, request_id),
            None => Json(Body::new(refusal, request_id)).into_response(),
        };
        *response.status_mut() = reason.status();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.remove(header::WWW_AUTHENTICATE);
        if reason.kind().challenges()
            && let Ok(value) = HeaderValue::from_str(&self.challenge(refusal, &refusal.description()))
        {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = refusal.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn challenge(&self, refusal: &Refusal, description: &str) -> String {
        let max_age = refusal.max_age.map(|seconds| seconds.to_string());
        let scope = refusal.required.as_ref().unwrap_or(&self.scope).to_string();
        let parameters = [
            refusal.reason.error().map(|error| ("error", error)),
            refusal.reason.error().map(|_| ("error_description", description)),
            max_age.as_deref().map(|seconds| ("max_age", seconds)),
            Some(("scope", scope.as_str())).filter(|(_, scope)| !scope.is_empty()),
            Some(("resource_metadata", self.resource_metadata.as_str())),
        ];
        let quoted = |(name, value)| format!("{name}=\"{}\"", quotable(value));
        let quoted: Vec<String> = parameters.into_iter().flatten().map(quoted).collect();
        format!("Bearer {}", quoted.join(", "))
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    error_description: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn new(refusal: &Refusal, request_id: Option<&'a str>) -> Self {
        Self {
            error: refusal.reason.error(),
            error_description: refusal.description(),
            reason: refusal.reason.code(),
            scope: refusal.required.as_ref().map(ToString::to_string),
            max_age: refusal.max_age,
            request_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn challenger() -> Challenger {
        let metadata = "http://localhost:8001/.well-known/oauth-protected-resource/mcp";
        Challenger::new(metadata.to_owned(), Scopes::parse("mcp:read"))
    }

    fn challenge_of(response: &Response) -> Option<&str> {
        response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap())
    }

    async fn body_of(response: Response) -> serde_json::Value {
        let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn status_body_and_header_agree_for_every_reason() {
        let mut codes = HashSet::new();
        for &reason in Reason::ALL {
            let response = challenger().respond(&Refusal::new(reason), Some("id-1"));
            assert!(codes.insert(reason.code()), "{} twice", reason.code());
            assert_eq!(response.status(), reason.status());
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            let challenge = challenge_of(&response).map(ToOwned::to_owned);
            match response.status().as_u16() {
                401 => assert!(
                    challenge.as_ref().unwrap().contains("resource_metadata=\"http://localhost:8001/.well-known/")
                ),
                413 | 503 => assert_eq!(challenge, None),
                400 | 403 => {}
                other => panic!("{other} for {reason:?}"),
            }
            if let Some(challenge) = challenge {
                let error = reason.error().map(|error| format!("error=\"{error}\""));
                assert_eq!(challenge.contains("error="), error.is_some(), "{reason:?}");
                assert!(error.is_none_or(|error| challenge.contains(&error)));
                assert!(challenge.contains("scope=\"mcp:read\""));
            }
            let body = body_of(response).await;
            assert_eq!(body["reason"], reason.code());
            assert_eq!(body.get("error").and_then(|error| error.as_str()), reason.error());
            assert_eq!(body["error_description"], reason.description());
            assert_eq!(body["request_id"], "id-1");
        }
        assert_eq!(codes.len(), Reason::ALL.len());
    }

    #[test]
    fn no_credentials_get_no_error_code() {
        let response = challenger().respond(&Reason::MissingToken.into(), None);
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge_of(&response),
            Some(
                "Bearer scope=\"mcp:read\", resource_metadata=\"http://localhost:8001/.well-known/oauth-protected-resource/mcp\""
            )
        );
    }

    #[test]
    fn insufficient_scope_names_every_scope_of_the_operation() {
        let refusal = Refusal::insufficient_scope(Scopes::parse("mcp:read mcp:write"));
        let response = challenger().respond(&refusal, None);
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let challenge = challenge_of(&response).unwrap();
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains("scope=\"mcp:read mcp:write\""), "{challenge}");
    }

    #[test]
    fn a_quoted_value_cannot_leave_its_quotes() {
        let hostile = "x\", error=\"none\\\r\nSet-Cookie: a=b\u{7f}\u{e9}";
        let refusal = Refusal::explained(Reason::AudienceMismatch, "http://localhost:8001/mcp", hostile);
        let response = challenger().respond(&refusal, None);
        let challenge = challenge_of(&response).unwrap();
        assert_eq!(challenge.matches('"').count(), 8, "{challenge}");
        assert!(!challenge.contains('\\'));
        assert!(response.headers().get(header::SET_COOKIE).is_none());
    }

    #[test]
    fn long_values_are_cut() {
        let refusal = Refusal::explained(Reason::AudienceMismatch, "a", &"b".repeat(10_000));
        assert!(refusal.detail().unwrap().len() < 300);
    }
}
