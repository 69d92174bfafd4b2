//! Device authorizations (RFC 8628), each decided once and redeemed once.

use super::{Decision, Redemption, StoreError, Verdict};
use crate::domain::{DeviceAuthorization, DeviceHash, Grant, RefreshFamily, Subject, UserCodeHash};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// Device authorizations.
#[async_trait]
pub trait DeviceStore {
    /// Keeps what a device asks for. `false` if its user code is taken, and nothing was kept.
    async fn begin_device_authorization(&self, device: &DeviceAuthorization) -> Result<bool, StoreError>;

    /// The undecided device authorization with this user code, if it is in time.
    async fn device_authorization(
        &self,
        user_code: &UserCodeHash,
        now: Timestamp,
    ) -> Result<Option<DeviceAuthorization>, StoreError>;

    /// A person allows it: adds the grant and, in the same transaction, gives it to the device.
    async fn approve_device(&self, device: &DeviceHash, grant: &Grant, now: Timestamp) -> Result<Decision, StoreError>;

    /// A person denies it.
    async fn deny_device(&self, device: &DeviceHash, subject: &Subject, now: Timestamp)
    -> Result<Decision, StoreError>;

    /// How this person decided on the device authorization with this user code, if it is in time and what they allowed
    /// still stands.
    async fn decided_device(
        &self,
        user_code: &UserCodeHash,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError>;

    /// The device authorization with this device code, decided or not, late or not.
    async fn device(&self, device: &DeviceHash) -> Result<Option<DeviceAuthorization>, StoreError>;

    /// The device polled, and has to wait for `pause` before it does so again.
    async fn device_polled(&self, device: &DeviceHash, pause: SignedDuration, now: Timestamp)
    -> Result<(), StoreError>;

    /// Uses up an approved device code by one conditional update and, in the same transaction, begins the family of
    /// refresh tokens. If it was used before, its grant is revoked in the same transaction.
    async fn redeem_device(
        &self,
        device: &DeviceHash,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError>;
}
