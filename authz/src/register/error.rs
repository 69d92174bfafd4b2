//! Why a client was not registered, read, replaced or deleted; and how it is told.

use super::InvalidMetadata;
use crate::{form, protocol::ErrorCode, store::StoreError};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ring::error::Unspecified;

/// Why nothing was registered, read, replaced or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The content type is another one.
    #[error("the body has to be application/json")]
    NotJson,
    /// The metadata breaks a rule.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
    /// RFC 7591 §3: not everybody may register here, and there is no initial access token.
    #[error("no bearer token")]
    TokenMissing,
    /// There is a token, and it is not one that counts here.
    #[error("the bearer token is unknown, expired or not this client's")]
    TokenInvalid,
    /// RFC 7592 §2: the operator switched the client off.
    #[error("the client is disabled")]
    Disabled,
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for RegisterError {
    fn into_response(self) -> Response {
        match self {
            Self::NotJson => {
                let mut response = form::error(ErrorCode::InvalidClientMetadata, "use application/json");
                *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                response
            }
            Self::Metadata(invalid) => {
                tracing::info!(cause = %invalid, "registration refused");
                form::error(invalid.code(), invalid.description())
            }
            Self::TokenMissing => {
                let description = "ask the people who run this server for an initial access token";
                challenged(form::error(ErrorCode::InvalidToken, description), "Bearer")
            }
            Self::TokenInvalid => {
                tracing::info!("bearer token refused at the registration endpoint");
                let response =
                    form::error(ErrorCode::InvalidToken, "the token is unknown, expired or not this client's");
                challenged(response, "Bearer error=\"invalid_token\"")
            }
            Self::Disabled => {
                // RFC 7592 §2.1; at the token endpoint the same word is a 400 (RFC 8628 §3.5).
                let mut response = form::error(ErrorCode::AccessDenied, "the client is disabled");
                *response.status_mut() = StatusCode::FORBIDDEN;
                response
            }
            Self::Randomness(_) | Self::Store(_) => {
                tracing::error!(error = ?self, "registration failed");
                form::error(ErrorCode::TemporarilyUnavailable, "try again later")
            }
        }
    }
}

fn challenged(mut response: Response, challenge: &'static str) -> Response {
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
