//! Why there is no token, and why none was revoked: every cause and its code on the wire (RFC 6749 §5.2, RFC 7009 §2.2.1,
//! RFC 8628 §3.5, RFC 8707 §2.2).

use super::{CodeRejected, DeviceRejected, IdJagRejected, RefreshRejected, issue::IssueError};
use crate::{
    assertion_issuers::NoKeys,
    client_authentication::AuthenticationFailed,
    form::{self, NotAForm},
    protocol::{ErrorCode, MalformedParameters},
    store::StoreError,
};
use axum::response::{IntoResponse, Response};
use ring::error::Unspecified;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The request is not a form.
    #[error(transparent)]
    NotAForm(#[from] NotAForm),
    /// The client did not prove who it is.
    #[error(transparent)]
    Client(#[from] AuthenticationFailed),
    /// A parameter is repeated.
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
    /// A parameter is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The verifier is outside of RFC 7636 §4.1.
    #[error("code_verifier is malformed")]
    MalformedVerifier,
    /// Nobody can use this grant type here.
    #[error("unsupported grant type")]
    UnsupportedGrantType,
    /// This client may not use it.
    #[error("the client may not use this grant type")]
    GrantTypeNotAllowed,
    /// The grant is for clients that have a secret.
    #[error("a public client cannot act for itself")]
    PublicClient,
    /// The resource is missing or not one of ours.
    #[error("the resource is missing or unknown")]
    UnknownResource,
    /// The scope is more than the client may have at the resource.
    #[error("the scope is unknown or more than the client may have")]
    ScopeNotAllowed,
    /// The code cannot be redeemed.
    #[error(transparent)]
    Code(#[from] CodeRejected),
    /// The refresh token is not taken.
    #[error(transparent)]
    Refresh(#[from] RefreshRejected),
    /// The poll of a device brings no token.
    #[error(transparent)]
    Device(#[from] DeviceRejected),
    /// The assertion is not taken.
    #[error(transparent)]
    IdJag(#[from] IdJagRejected),
    /// The assertion cannot be judged now.
    #[error(transparent)]
    NoKeys(#[from] NoKeys),
    /// The token that is to be revoked is another client's.
    #[error("the token was issued to another client")]
    ForeignToken,
    /// Every user code that was drawn is taken.
    #[error("no user code is free")]
    NoUserCode,
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The token could not be made.
    #[error("the token could not be made")]
    Issue(#[from] IssueError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::NotAForm(_) | Self::Malformed(_) | Self::Missing(_) | Self::MalformedVerifier => {
                ErrorCode::InvalidRequest
            }
            Self::Client(_) => ErrorCode::InvalidClient,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotAllowed | Self::PublicClient => ErrorCode::UnauthorizedClient,
            Self::UnknownResource => ErrorCode::InvalidTarget,
            Self::ScopeNotAllowed => ErrorCode::InvalidScope,
            Self::ForeignToken => ErrorCode::InvalidGrant,
            Self::Code(rejected) => rejected.code(),
            Self::Refresh(rejected) => rejected.code(),
            Self::Device(rejected) => rejected.code(),
            Self::IdJag(rejected) => rejected.code(),
            Self::Randomness(_) | Self::Issue(_) => ErrorCode::ServerError,
            Self::NoKeys(_) | Self::NoUserCode | Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// What the client is told: a constant; the log gets the cause.
    const fn description(&self) -> &'static str {
        if matches!(self, Self::ForeignToken) {
            return "the token was issued to another client";
        }
        match self.code() {
            ErrorCode::InvalidRequest => "a parameter is missing, malformed or repeated",
            ErrorCode::InvalidGrant => "what was sent is unknown, expired or used, or was issued for something else",
            ErrorCode::InvalidScope => "the scope is unknown, or more than was granted or may be",
            ErrorCode::InvalidTarget => "the resource is missing, unknown, or not the one that was granted",
            ErrorCode::AuthorizationPending => "nobody has decided yet",
            ErrorCode::SlowDown => "wait five seconds longer between two polls",
            ErrorCode::AccessDenied => "the person said no",
            ErrorCode::ExpiredToken => "the device code is too old",
            ErrorCode::UnsupportedGrantType => "the grant type is not supported",
            ErrorCode::UnauthorizedClient => "the client may not use this grant type",
            _ => "try again later",
        }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let code = self.code();
        match self {
            Self::NotAForm(error) => return error.into_response(),
            Self::Client(failed) => return failed.into_response(),
            Self::Randomness(_) | Self::Issue(_) | Self::Store(_) => {
                tracing::error!(error = ?self, "token request failed");
            }
            _ => tracing::info!(cause = %self, error = code.as_str(), "token request refused"),
        }
        form::error(code, self.description())
    }
}
