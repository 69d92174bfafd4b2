//! Device authorizations (RFC 8628): a device without a browser asks, a person decides in a browser of their own, and
//! the device polls until then.

use super::{Grant, GrantState, Secret, SecretHash, UserCodeHash};
use crate::protocol::{ClientId, Resource, Scope};
use jiff::{SignedDuration, Timestamp};

/// How long a person has to type the code and decide.
pub const DEVICE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long a device waits between two polls (RFC 8628 §3.2), to begin with.
pub const DEVICE_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// RFC 8628 §3.5: after `slow_down` the interval MUST be increased by 5 seconds.
const SLOWER: SignedDuration = SignedDuration::from_secs(5);
/// The network may make a pause look shorter than it was.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

/// Marks the secrets of devices.
pub enum Device {}

/// A device code as the device gets it.
pub type DeviceCode = Secret<Device>;
/// A device code as stored.
pub type DeviceHash = SecretHash<Device>;

/// What a device asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// SHA-256 of the device code.
    pub hash: DeviceHash,
    /// SHA-256 of the user code.
    pub user_code: UserCodeHash,
    /// The client that asks.
    pub client_id: ClientId,
    /// What it asks for.
    pub scope: Scope,
    /// The resource the token will be for.
    pub resource: Resource,
    /// When the device asked.
    pub created_at: Timestamp,
    /// When it is too late to decide, and to poll.
    pub expires_at: Timestamp,
    /// How long the device has to wait between two polls.
    pub pause: SignedDuration,
    /// When it last polled.
    pub polled_at: Option<Timestamp>,
    /// What the person decided.
    pub state: DeviceState,
}

/// The life of a device authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has decided.
    Pending,
    /// A person allowed it.
    Approved(Grant),
    /// A person denied it.
    Denied,
    /// Its tokens were issued; a second redemption is a replay.
    Redeemed(Grant),
}

/// What a poll comes to (RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DevicePoll {
    /// `authorization_pending`: poll again.
    Pending,
    /// `slow_down`: it polled too soon.
    TooSoon,
    /// `access_denied`.
    Denied,
    /// `expired_token`.
    Expired,
    /// The grant of the person is to be redeemed; the store sees whether for the first time.
    Decided(Grant),
    /// Its grant was revoked, or the device code is another client's.
    Dead,
}

impl DeviceAuthorization {
    /// Decides what a poll comes to. Pure.
    #[must_use]
    pub fn poll(&self, client: &ClientId, now: Timestamp) -> DevicePoll {
        let too_soon = || self.polled_at.is_some_and(|polled| now + TOLERANCE < polled + self.pause);
        match &self.state {
            _ if self.client_id != *client => DevicePoll::Dead,
            // However late: a replay has to end the grant.
            DeviceState::Redeemed(grant) => DevicePoll::Decided(grant.clone()),
            _ if now >= self.expires_at => DevicePoll::Expired,
            DeviceState::Denied => DevicePoll::Denied,
            DeviceState::Approved(grant) if grant.state != GrantState::Alive => DevicePoll::Dead,
            DeviceState::Pending | DeviceState::Approved(_) if too_soon() => DevicePoll::TooSoon,
            DeviceState::Pending => DevicePoll::Pending,
            DeviceState::Approved(grant) => DevicePoll::Decided(grant.clone()),
        }
    }

    /// The pause after a poll that came too soon.
    #[must_use]
    pub fn longer_pause(&self) -> SignedDuration {
        self.pause + SLOWER
    }
}
