//! The checks of a token in the order of the verifier, and which one a reason belongs to.

use serde::Serialize;

use crate::resource_server::Reason;

/// One check of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Short enough to be read.
    Size,
    /// A compact JWS, or opaque.
    Shape,
    /// `alg`.
    Algorithm,
    /// `crit`.
    Critical,
    /// The payload is strict JSON, and its claims have their types.
    Claims,
    /// `iss`.
    Issuer,
    /// `typ`.
    Type,
    /// `kid` is there.
    KeyId,
    /// The issuer publishes a key of that name.
    Key,
    /// The signature is by that key.
    Signature,
    /// An access token, and not bound to a key.
    Kind,
    /// The claims that the preset demands.
    Required,
    /// `exp`, `nbf`, `iat`.
    Times,
    /// From `iat` to `exp`.
    Lifetime,
    /// `aud`.
    Audience,
    /// The client.
    Client,
    /// What the issuer says, if it is asked.
    Introspection,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was made and was good.
    Passed,
    /// It is why the token is refused.
    Failed,
    /// The verifier did not get there.
    NotReached,
    /// There was nothing to check.
    NotNeeded,
}

impl Check {
    /// Each check, in the order of the verifier.
    pub const ALL: [Self; 17] = [
        Self::Size,
        Self::Shape,
        Self::Algorithm,
        Self::Critical,
        Self::Claims,
        Self::Issuer,
        Self::Type,
        Self::KeyId,
        Self::Key,
        Self::Signature,
        Self::Kind,
        Self::Required,
        Self::Times,
        Self::Lifetime,
        Self::Audience,
        Self::Client,
        Self::Introspection,
    ];

    /// Its name in both outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Shape => "shape",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Type => "type",
            Self::KeyId => "key_id",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Kind => "kind",
            Self::Required => "required",
            Self::Times => "times",
            Self::Lifetime => "lifetime",
            Self::Audience => "audience",
            Self::Client => "client",
            Self::Introspection => "introspection",
        }
    }

    /// The check that a token fails for `reason`; none for what is no matter of the token. Claims that are
    /// malformed are [`Check::Required`] here: whether they could be read at all is for the caller to see.
    #[must_use]
    pub const fn of(reason: Reason) -> Option<Self> {
        Some(match reason {
            Reason::TokenTooLarge => Self::Size,
            Reason::AuthorizationMalformed | Reason::TokenMalformed | Reason::OpaqueToken => Self::Shape,
            Reason::AlgorithmNotAllowed => Self::Algorithm,
            Reason::CriticalHeader => Self::Critical,
            Reason::IssuerUnknown => Self::Issuer,
            Reason::TokenTypeMismatch => Self::Type,
            Reason::KeyIdMissing => Self::KeyId,
            Reason::UnknownKey | Reason::KeysUnavailable => Self::Key,
            Reason::SignatureInvalid => Self::Signature,
            Reason::SenderConstrained | Reason::NotAnAccessToken => Self::Kind,
            Reason::ClaimsMalformed => Self::Required,
            Reason::TokenExpired | Reason::TokenNotYetValid => Self::Times,
            Reason::LifetimeTooLong => Self::Lifetime,
            Reason::AudienceMissing | Reason::AudienceMismatch => Self::Audience,
            Reason::ClientNotAllowed => Self::Client,
            Reason::TokenInactive
            | Reason::IntrospectionUnavailable
            | Reason::IntrospectionBudget
            | Reason::IntrospectionBusy => Self::Introspection,
            Reason::MissingToken
            | Reason::MultipleCredentials
            | Reason::InsufficientScope
            | Reason::InsufficientUserAuthentication
            | Reason::HostNotAllowed
            | Reason::OriginNotAllowed
            | Reason::BodyTooLarge
            | Reason::BodyMalformed => return None,
        })
    }
}
