//! The device code grant (RFC 8628 §3.4, §3.5): the device polls until a person has decided.

use super::{Issuance, TokenError, refresh_token};
use crate::{
    client_authentication::AuthenticatedClient,
    domain::{DeviceCode, DevicePoll},
    openid::id_token::SignIn,
    protocol::{ErrorCode, Parameters},
    services::Services,
    store::Redemption,
};

/// Answers a poll: load, decide, commit.
///
/// # Errors
/// Nobody has decided yet, the device has to wait, or the first rule that the poll breaks.
pub(super) async fn poll(
    services: &Services,
    client: &AuthenticatedClient,
    request: &DeviceRequest,
) -> Result<Issuance, TokenError> {
    let hash = request.code.as_ref().ok_or(DeviceRejected::Unknown)?.hash();
    let device = services.store.device(&hash).await?.ok_or(DeviceRejected::Unknown)?;
    let now = services.now();
    let grant = match device.poll(client.id(), now) {
        DevicePoll::Decided(grant) => grant,
        DevicePoll::Pending => {
            services.store.device_polled(&hash, device.pause, now).await?;
            return Err(DeviceRejected::Pending.into());
        }
        DevicePoll::TooSoon => {
            services.store.device_polled(&hash, device.longer_pause(), now).await?;
            return Err(DeviceRejected::TooSoon.into());
        }
        DevicePoll::Denied => return Err(DeviceRejected::Denied.into()),
        DevicePoll::Expired => return Err(DeviceRejected::Expired.into()),
        DevicePoll::Dead => return Err(DeviceRejected::Dead.into()),
    };
    if request.resources.iter().any(|sent| sent != grant.resource.as_str()) {
        return Err(DeviceRejected::ResourceMismatch.into());
    }
    let (refresh_token, family) = refresh_token::begin(services, client, &grant, now)?.unzip();
    match services.store.redeem_device(&hash, family.as_ref(), now).await? {
        Redemption::First => {
            let scope = grant.scope.clone();
            let sign_in = SignIn::asked_for(&scope, None);
            Ok(Issuance { grant, scope, refresh_token, sign_in })
        }
        Redemption::Revoked => Err(DeviceRejected::Dead.into()),
        Redemption::Replayed => {
            tracing::warn!(client_id = %client.id(), grant_id = grant.id.as_str(), "device code replayed, grant revoked");
            Err(DeviceRejected::Replayed.into())
        }
    }
}

/// The parameters of the grant.
#[derive(Debug)]
pub(super) struct DeviceRequest {
    /// `None` if what was sent cannot be a code of ours.
    code: Option<DeviceCode>,
    resources: Vec<String>,
}

/// Why a poll brings no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceRejected {
    /// No such code.
    #[error("unknown device code")]
    Unknown,
    /// Nobody has decided yet.
    #[error("nobody has decided yet")]
    Pending,
    /// It polled before its pause was over.
    #[error("the device polls too often")]
    TooSoon,
    /// The person said no.
    #[error("the person denied it")]
    Denied,
    /// Nobody decided in time, or the device did not ask in time.
    #[error("the device code expired")]
    Expired,
    /// It was issued to another client, or its grant was revoked.
    #[error("the device code is another client's, or its grant was revoked")]
    Dead,
    /// It was granted for another resource.
    #[error("resource differs from what was granted")]
    ResourceMismatch,
    /// It was redeemed before.
    #[error("the device code was redeemed twice")]
    Replayed,
}

impl DeviceRejected {
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::Pending => ErrorCode::AuthorizationPending,
            Self::TooSoon => ErrorCode::SlowDown,
            Self::Denied => ErrorCode::AccessDenied,
            Self::Expired => ErrorCode::ExpiredToken,
            Self::ResourceMismatch => ErrorCode::InvalidTarget,
            Self::Unknown | Self::Dead | Self::Replayed => ErrorCode::InvalidGrant,
        }
    }
}

impl DeviceRequest {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenError> {
        let code = parameters.once("device_code")?.ok_or(TokenError::Missing("device_code"))?;
        Ok(Self { code: DeviceCode::parse(code), resources: parameters.all("resource").map(str::to_owned).collect() })
    }
}
