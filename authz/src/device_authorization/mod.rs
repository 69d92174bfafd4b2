//! `POST /oauth2/device_authorization` (RFC 8628 §3.1): a device without a browser asks for two codes. It polls the token
//! endpoint with one; a person types the other on our page, which ends the request through [`approve`] or [`deny`].

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{approve, deny};

use crate::{
    client_authentication::authenticate,
    domain::{DEVICE_LIFETIME, DEVICE_PAUSE, DeviceAuthorization, DeviceCode, DeviceState, UserCode},
    form::{Form, NotAForm},
    protocol::GrantType,
    routes,
    services::Services,
    token::{Asked, TokenError},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use serde::Serialize;
use std::sync::Arc;

/// A user code that is taken is drawn again; this often is never needed.
const DRAWS: u32 = 5;

/// Handles a device authorization request.
///
/// # Errors
/// As at the token endpoint (RFC 8628 §3.2); nothing was kept.
pub async fn post(
    State(services): State<Arc<Services>>,
    form: Result<Form, NotAForm>,
) -> Result<DeviceResponse, TokenError> {
    let form = form?;
    let client = authenticate(&services, &form).await?;
    if !client.registration().grant_types.contains(&GrantType::DeviceCode) {
        return Err(TokenError::GrantTypeNotAllowed);
    }
    let asked = Asked::parse_for_person(&services, &client, &form.parameters)?;
    form.notes.target(&asked.resource, &asked.scope);
    let (code, now) = (DeviceCode::generate(services.random.as_ref())?, services.now());
    for _ in 0..DRAWS {
        let user_code = UserCode::generate(services.random.as_ref())?;
        let device = DeviceAuthorization {
            hash: code.hash(),
            user_code: user_code.hash(),
            client_id: client.id().clone(),
            scope: asked.scope.clone(),
            resource: asked.resource.clone(),
            created_at: now,
            expires_at: now + DEVICE_LIFETIME,
            pause: DEVICE_PAUSE,
            polled_at: None,
            state: DeviceState::Pending,
        };
        if services.store.begin_device_authorization(&device).await? {
            tracing::info!(client_id = %client.id(), "device authorization begun");
            return Ok(DeviceResponse::new(&services, &code, &user_code));
        }
    }
    Err(TokenError::NoUserCode)
}

/// A device authorization response (RFC 8628 §3.2).
#[derive(Serialize)]
pub struct DeviceResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

impl DeviceResponse {
    fn new(services: &Services, code: &DeviceCode, user_code: &UserCode) -> Self {
        let (page, user_code) = (services.public_url.join(routes::DEVICE), user_code.reveal());
        Self {
            device_code: code.reveal(),
            verification_uri_complete: format!("{page}?user_code={user_code}"),
            verification_uri: page,
            user_code,
            expires_in: DEVICE_LIFETIME.as_secs(),
            interval: DEVICE_PAUSE.as_secs(),
        }
    }
}

impl IntoResponse for DeviceResponse {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(self)).into_response()
    }
}
