//! The kinds of answers: status, `error`, and whether a challenge belongs into them.

use http::StatusCode;

/// What kind of answer a reason gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    NoCredentials,
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
    InsufficientUserAuthentication,
    Forbidden,
    TooLarge,
    Malformed,
    Unavailable,
}

impl Kind {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::InvalidToken | Self::InsufficientUserAuthentication => StatusCode::UNAUTHORIZED,
            Self::InvalidRequest | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::InsufficientScope | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// RFC 6750 §3.1: no error code when the request has no authentication information.
    pub(super) const fn error(self) -> Option<&'static str> {
        match self {
            Self::NoCredentials => None,
            Self::InvalidRequest | Self::TooLarge | Self::Malformed => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope => Some("insufficient_scope"),
            Self::InsufficientUserAuthentication => Some("insufficient_user_authentication"),
            Self::Forbidden => Some("forbidden"),
            Self::Unavailable => Some("temporarily_unavailable"),
        }
    }

    /// Whether another token could help, so that a challenge belongs into the answer.
    pub(super) const fn challenges(self) -> bool {
        match self {
            Self::NoCredentials
            | Self::InvalidRequest
            | Self::InvalidToken
            | Self::InsufficientScope
            | Self::InsufficientUserAuthentication => true,
            Self::Forbidden | Self::TooLarge | Self::Malformed | Self::Unavailable => false,
        }
    }
}
