//! The end of an authorization request: a code or a refusal for the client, once.

use super::answer::{Answer, Outcome};
use crate::{
    consent::may_remember,
    domain::{
        AuthenticatedPerson, AuthorizationCode, CODE_LIFETIME, CodeSecret, CodeState, Consent, Grant, GrantId,
        GrantState, PendingAuthorization, RegisteredClient,
    },
    protocol::ErrorCode,
    sealed_code,
    services::Services,
    store::{Decision, Memory, StoreError},
};
use ring::error::Unspecified;
use signing_keys::SealError;

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// It was taken before, or too late, or by another browser.
    #[error("the authorization request was decided before")]
    AlreadyDecided,
    /// No randomness for a code.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// No code without a page.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// That somebody allows a request.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Who.
    pub person: AuthenticatedPerson,
    /// The code for the client; new, or derived from the request and the session.
    pub code: CodeSecret,
    /// Whether the page need not be shown the next time.
    pub memory: Memory,
}

/// Somebody allows what `pending` asks for: makes the grant and its code, and returns the answer.
///
/// # Errors
/// The request was decided before, or the store or the randomness failed. No code exists then.
pub async fn approve(
    services: &Services,
    pending: &PendingAuthorization,
    approval: &Approval,
) -> Result<Answer, DecisionError> {
    let code = code(services, pending, &approval.person, &approval.code)?;
    match services.store.approve(pending, &code, approval.memory, services.now()).await? {
        Decision::First => Ok(approved(services, pending, &approval.code)),
        Decision::AlreadyDecided => Err(DecisionError::AlreadyDecided),
    }
}

/// The person denies what `pending` asks for: returns the answer.
///
/// # Errors
/// The request was decided before, or the store failed.
pub async fn deny(services: &Services, pending: &PendingAuthorization) -> Result<Answer, DecisionError> {
    match services.store.deny(pending, services.now()).await? {
        Decision::First => Ok(denied(services, pending)),
        Decision::AlreadyDecided => Err(DecisionError::AlreadyDecided),
    }
}

/// Allows what `pending` asks for without a page, if this person allowed as much to this client before and the consent
/// is remembered. `None`: the page has to be shown. `pending` need not be in the store, and the code is not either
/// ([`sealed_code`]).
///
/// # Errors
/// The store, the randomness or the key failed.
pub async fn approve_as_before(
    services: &Services,
    client: &RegisteredClient,
    pending: &PendingAuthorization,
    person: &AuthenticatedPerson,
) -> Result<Option<Answer>, DecisionError> {
    let Some(consent) = remembered(services, client, pending, person).await? else { return Ok(None) };
    let grant = grant(services, pending, person)?;
    let Some(code) = sealed_code::seal(services, pending, &grant, &consent)? else { return Ok(None) };
    if client.origin.expires() {
        services.store.client_used(&client.id, services.now()).await?;
    }
    Ok(Some(Answer::new(pending, Outcome::Code(code), services.public_url.issuer())))
}

/// What this person allowed to this client before, if it is as much as `pending` asks for and the page may be left out.
///
/// # Errors
/// The store failed.
pub async fn remembered(
    services: &Services,
    client: &RegisteredClient,
    pending: &PendingAuthorization,
    person: &AuthenticatedPerson,
) -> Result<Option<Consent>, StoreError> {
    if pending.must_ask || !may_remember(client, &pending.redirect_uri) {
        return Ok(None);
    }
    let consent = services.store.consent(&person.subject, &client.id, &pending.resource).await?;
    Ok(consent.filter(|consent| consent.scope.contains_all(&pending.scope)))
}

/// The answer with a code.
#[must_use]
pub fn approved(services: &Services, pending: &PendingAuthorization, code: &CodeSecret) -> Answer {
    Answer::new(pending, Outcome::Code(code.reveal()), services.public_url.issuer())
}

/// The answer with a no.
#[must_use]
pub fn denied(services: &Services, pending: &PendingAuthorization) -> Answer {
    Answer::new(pending, Outcome::Error(ErrorCode::AccessDenied.as_str()), services.public_url.issuer())
}

fn code(
    services: &Services,
    pending: &PendingAuthorization,
    person: &AuthenticatedPerson,
    secret: &CodeSecret,
) -> Result<AuthorizationCode, Unspecified> {
    let grant = grant(services, pending, person)?;
    Ok(AuthorizationCode {
        hash: secret.hash(),
        expires_at: grant.created_at + CODE_LIFETIME,
        grant,
        redirect_uri: pending.redirect_uri.clone(),
        challenge: pending.challenge.clone(),
        nonce: pending.nonce.clone(),
        state: CodeState::Issued,
    })
}

fn grant(
    services: &Services,
    pending: &PendingAuthorization,
    person: &AuthenticatedPerson,
) -> Result<Grant, Unspecified> {
    Ok(Grant {
        id: GrantId::generate(services.random.as_ref())?,
        subject: person.subject.clone(),
        client_id: pending.client_id.clone(),
        scope: pending.scope.clone(),
        resource: pending.resource.clone(),
        authentication: Some(person.authentication),
        created_at: services.now(),
        state: GrantState::Alive,
    })
}
