//! The end of an authorization request: a code or a refusal for the client, once.

use crate::{
    domain::{
        AuthenticatedPerson, AuthorizationCode, CODE_LIFETIME, CodeSecret, CodeState, Grant, GrantId, GrantState,
        PendingAuthorization,
    },
    protocol::ErrorCode,
    services::Services,
    store::{Decision, StoreError},
};
use ring::error::Unspecified;

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// It was taken before, or too late, or by another browser.
    #[error("the authorization request was decided before")]
    AlreadyDecided,
    /// No randomness for a code.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `person` allows what `pending` asks for: makes the grant and its code, and returns where to send the browser (303).
///
/// # Errors
/// The request was decided before, or the store or the randomness failed. No code exists then.
pub async fn approve(
    services: &Services,
    pending: &PendingAuthorization,
    person: &AuthenticatedPerson,
) -> Result<String, DecisionError> {
    let now = services.now();
    let secret = CodeSecret::generate(services.random.as_ref())?;
    let grant = Grant {
        id: GrantId::generate(services.random.as_ref())?,
        subject: person.subject.clone(),
        client_id: pending.client_id.clone(),
        scope: pending.scope.clone(),
        resource: pending.resource.clone(),
        authentication: Some(person.authentication),
        created_at: now,
        state: GrantState::Alive,
    };
    let code = AuthorizationCode {
        hash: secret.hash(),
        grant,
        redirect_uri: pending.redirect_uri.clone(),
        challenge: pending.challenge.clone(),
        nonce: pending.nonce.clone(),
        expires_at: now + CODE_LIFETIME,
        state: CodeState::Issued,
    };
    match services.store.approve(pending, &code, now).await? {
        Decision::First => Ok(respond(services, pending, &[("code", &secret.reveal())])),
        Decision::AlreadyDecided => Err(DecisionError::AlreadyDecided),
    }
}

/// The person denies what `pending` asks for: returns where to send the browser (303).
///
/// # Errors
/// The request was decided before, or the store failed.
pub async fn deny(services: &Services, pending: &PendingAuthorization) -> Result<String, DecisionError> {
    match services.store.deny(pending, services.now()).await? {
        Decision::First => Ok(respond(services, pending, &[("error", ErrorCode::AccessDenied.as_str())])),
        Decision::AlreadyDecided => Err(DecisionError::AlreadyDecided),
    }
}

/// RFC 9207 §2: `iss` goes into every authorization response, errors included.
fn respond(services: &Services, pending: &PendingAuthorization, answer: &[(&str, &str)]) -> String {
    let state = pending.state.iter().map(|state| ("state", state.as_str()));
    let issuer = ("iss", services.public_url.issuer());
    let parameters: Vec<_> = answer.iter().copied().chain(state).chain([issuer]).collect();
    pending.redirect_uri.with_query(&parameters)
}
