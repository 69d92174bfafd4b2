//! An authorization request that passed every check and waits for the person to sign in and decide.

use super::{RequestHash, SessionHash, Username};
use crate::protocol::{ClientId, CodeChallenge, Nonce, RedirectUri, Resource, Scope, State};
use jiff::{SignedDuration, Timestamp};

/// How long a person has to sign in and decide.
pub const PENDING_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// A checked authorization request, bound to the browser that brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAuthorization {
    /// SHA-256 of the `request` parameter of the pages.
    pub hash: RequestHash,
    /// The browser session it belongs to; no other may decide it.
    pub session: SessionHash,
    /// The client that asks.
    pub client_id: ClientId,
    /// Where the answer goes: as requested, or the only registered one.
    pub redirect_uri: RedirectUri,
    /// What it asks for; never empty of meaning: an absent scope is already the client's default.
    pub scope: Scope,
    /// The client's own value, if it sent one.
    pub state: Option<State>,
    /// The PKCE challenge (S256).
    pub challenge: CodeChallenge,
    /// The client's own value for the ID token, if it sent one.
    pub nonce: Option<Nonce>,
    /// The person has to sign in, signed in or not (OIDC Core §3.1.2.1: `prompt=login`, `max_age`).
    pub must_sign_in: bool,
    /// The person has to be asked, whatever is remembered (`prompt=consent`).
    pub must_ask: bool,
    /// The name that the page to sign in starts with.
    pub login_hint: Option<Username>,
    /// The resource the token will be for.
    pub resource: Resource,
    /// When the request was made.
    pub created_at: Timestamp,
    /// When it is too late to decide.
    pub expires_at: Timestamp,
}
