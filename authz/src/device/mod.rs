//! `GET|POST /device` (RFC 8628 §3.3): a person types the code that a device shows, sees what the device asks for, and
//! allows or denies it. The decision itself is [`crate::device_authorization::approve`] or `deny`.

mod page;
#[cfg(test)]
mod tests;

use crate::{
    authorize::DecisionError,
    consent::Choice,
    device_authorization::{approve, deny},
    domain::{AuthenticatedPerson, DeviceAuthorization, RegisteredClient, UserCode},
    login::{Browser, BrowserForm, Destination},
    pages::{PageError, see_other},
    protocol::{ErrorCode, Parameters},
    routes::DEVICE,
    services::Services,
    store::Verdict,
};
use axum::{
    Router,
    extract::{RawQuery, State},
    response::Response,
    routing,
};
use http::HeaderMap;
use page::Problem;
use std::sync::Arc;

/// The routes of this folder.
pub fn routes() -> Router<Arc<Services>> {
    Router::new().route(DEVICE, routing::get(get).post(post))
}

/// A device that waits, and the client on it.
struct Waiting {
    code: UserCode,
    device: DeviceAuthorization,
    client: RegisteredClient,
}

/// The page to type the code. One that stands in the address is only filled in: the person has to compare it with the
/// one on the device (RFC 8628 §3.3.1).
async fn get(
    State(services): State<Arc<Services>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes())?;
    let code = parameters.once(Destination::USER_CODE)?.and_then(UserCode::parse);
    match Browser::known(&services, &headers).await? {
        Some(browser) if browser.session().subject().is_some() => {
            Ok(page::enter(&services, &browser, code.as_ref(), None))
        }
        Some(_) | None => Ok(see_other(&Destination::Device(code).login_address(&services))),
    }
}

/// The code, or the code and the decision.
async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let browser = form.browser();
    let code = form.field(Destination::USER_CODE)?.and_then(UserCode::parse);
    let Some(person) = browser.session().person() else {
        return Ok(see_other(&Destination::Device(code).login_address(&services)));
    };
    let choice = form.field("decision")?.map(|raw| Choice::parse(raw).ok_or(PageError::Field("decision")));
    let choice = choice.transpose()?;
    let waiting = match &code {
        Some(code) => find(&services, code).await?,
        None => None,
    };
    match (waiting, choice) {
        (None, None) => {
            form.notes().refused("unknown_user_code");
            Ok(page::enter(&services, browser, None, Some(Problem::Unknown)))
        }
        (None, Some(_)) => again(&services, code.as_ref(), person).await,
        (Some(waiting), None) => page::ask(&services, browser, &waiting, person).await,
        (Some(waiting), Some(choice)) => decide(&services, &form, &waiting, (person, choice)).await,
    }
}

async fn find(services: &Services, code: &UserCode) -> Result<Option<Waiting>, PageError> {
    let Some(device) = services.store.device_authorization(&code.hash(), services.now()).await? else {
        return Ok(None);
    };
    let client = services.store.client(&device.client_id).await?;
    Ok(client.map(|client| Waiting { code: code.clone(), device, client }))
}

async fn decide(
    services: &Services,
    form: &BrowserForm,
    waiting: &Waiting,
    (person, choice): (&AuthenticatedPerson, Choice),
) -> Result<Response, PageError> {
    let (subject, client_id) = (&person.subject, &waiting.client.id);
    form.notes().subject(subject);
    form.notes().client(client_id);
    form.notes().target(&waiting.device.resource, &waiting.device.scope);
    tracing::info!(%subject, %client_id, scope = %waiting.device.scope, ?choice, "decided for a device");
    let decided = match choice {
        Choice::Allow => approve(services, &waiting.device, person).await,
        Choice::Deny => {
            form.notes().refused(ErrorCode::AccessDenied.as_str());
            deny(services, &waiting.device, person).await
        }
    };
    match decided {
        Ok(()) => Ok(page::done(choice)),
        Err(DecisionError::AlreadyDecided) => again(services, Some(&waiting.code), person).await,
        Err(error) => Err(error.into()),
    }
}

/// A form that is posted twice, by a double click for example: what became of it, for whoever decided it.
async fn again(
    services: &Services,
    code: Option<&UserCode>,
    person: &AuthenticatedPerson,
) -> Result<Response, PageError> {
    let code = code.ok_or(PageError::DeviceGone)?;
    match services.store.decided_device(&code.hash(), &person.subject, services.now()).await? {
        Some(Verdict::Approved) => Ok(page::done(Choice::Allow)),
        Some(Verdict::Denied) => Ok(page::done(Choice::Deny)),
        None => Err(PageError::DeviceGone),
    }
}
