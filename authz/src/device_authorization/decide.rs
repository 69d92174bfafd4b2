//! The end of a device authorization: the person on our page allows it or denies it, once.

use crate::{
    authorize::DecisionError,
    domain::{AuthenticatedPerson, DeviceAuthorization, Grant, GrantId, GrantState},
    services::Services,
    store::Decision,
};

/// `person` allows what the device asks for; its next poll gets the tokens.
///
/// # Errors
/// It was decided before, or too late, or the store or the randomness failed. Nothing was granted then.
pub async fn approve(
    services: &Services,
    device: &DeviceAuthorization,
    person: &AuthenticatedPerson,
) -> Result<(), DecisionError> {
    let now = services.now();
    let grant = Grant {
        id: GrantId::generate(services.random.as_ref())?,
        subject: person.subject.clone(),
        client_id: device.client_id.clone(),
        scope: device.scope.clone(),
        resource: device.resource.clone(),
        authentication: Some(person.authentication),
        created_at: now,
        state: GrantState::Alive,
    };
    first(services.store.approve_device(&device.hash, &grant, now).await?)
}

/// `person` denies it; the next poll is told.
///
/// # Errors
/// It was decided before, or too late, or the store failed.
pub async fn deny(
    services: &Services,
    device: &DeviceAuthorization,
    person: &AuthenticatedPerson,
) -> Result<(), DecisionError> {
    first(services.store.deny_device(&device.hash, &person.subject, services.now()).await?)
}

const fn first(decision: Decision) -> Result<(), DecisionError> {
    match decision {
        Decision::First => Ok(()),
        Decision::AlreadyDecided => Err(DecisionError::AlreadyDecided),
    }
}
