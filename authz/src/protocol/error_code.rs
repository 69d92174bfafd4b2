//! The closed list of error codes on the wire (RFC 6749 §4.1.2.1, §5.2; RFC 7591 §3.2.2; RFC 8707 §2; OIDC Core §3.1.2.6).

use http::StatusCode;

/// An OAuth error code. Its status at a JSON endpoint follows from it, here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// A parameter is missing, malformed or repeated.
    InvalidRequest,
    /// Client authentication failed.
    InvalidClient,
    /// A bearer token of our own is missing, unknown or expired (RFC 6750 §3.1).
    InvalidToken,
    /// The code is unknown, expired, used, or was issued for something else.
    InvalidGrant,
    /// This client may not use this grant or response type.
    UnauthorizedClient,
    /// The authorization server does not have this grant type.
    UnsupportedGrantType,
    /// The authorization server does not have this response type.
    UnsupportedResponseType,
    /// A scope is unknown, malformed, or more than the client may ask for.
    InvalidScope,
    /// The resource is unknown or not the one that was granted (RFC 8707 §2).
    InvalidTarget,
    /// The person, or the authorization server, said no.
    AccessDenied,
    /// `prompt=none`, and nobody is signed in (OIDC Core §3.1.2.6).
    LoginRequired,
    /// `prompt=none`, and the consent page has to be shown (OIDC Core §3.1.2.6).
    ConsentRequired,
    /// The `request` parameter is not supported (RFC 9101).
    RequestNotSupported,
    /// The `request_uri` parameter is not supported (RFC 9101).
    RequestUriNotSupported,
    /// Nobody has decided about the device yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device polls too often (RFC 8628 §3.5).
    SlowDown,
    /// The device code is too old (RFC 8628 §3.5).
    ExpiredToken,
    /// One of the redirect URIs breaks a rule (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// Another member of the client metadata breaks a rule (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// Something broke on our side.
    ServerError,
    /// Try again later.
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidToken => "invalid_token",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The status of a JSON error response with this code.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::AccessDenied
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::ExpiredToken
            | Self::InvalidRedirectUri
            | Self::InvalidClientMetadata => StatusCode::BAD_REQUEST,
            Self::InvalidClient | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
