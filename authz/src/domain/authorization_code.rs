//! Authorization codes (RFC 6749 §4.1.2): short-lived, single use, bound to everything that was asked for.

use super::{CodeHash, Grant};
use crate::protocol::{CodeChallenge, Nonce, RedirectUri};
use jiff::{SignedDuration, Timestamp};

/// How long a client has to redeem a code.
pub const CODE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// A code and the grant it stands for. Client, subject, scope and resource are the grant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// SHA-256 of the code.
    pub hash: CodeHash,
    /// What the person allowed.
    pub grant: Grant,
    /// The redirect URI that the code was sent to.
    pub redirect_uri: RedirectUri,
    /// The PKCE challenge of the request.
    pub challenge: CodeChallenge,
    /// The nonce of the request, for the ID token.
    pub nonce: Option<Nonce>,
    /// When it is too late to redeem it.
    pub expires_at: Timestamp,
    /// Whether it was redeemed.
    pub state: CodeState,
}

/// The life of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// Not redeemed.
    Issued,
    /// Redeemed; a second redemption is a replay.
    Redeemed {
        /// When.
        at: Timestamp,
    },
}
