//! A decision that is posted twice, by a double click for example: the browser throws the first answer away, so the
//! second one has to carry it. The code is the same: nobody gets a second one.

use super::decision::Choice;
use crate::{
    authorize,
    domain::{CodeSecret, CodeState, GrantState, PendingAuthorization, RequestSecret},
    login::Browser,
    pages::{ContentSecurityPolicy, PageError, page},
    services::Services,
    store::Verdict,
};
use askama::Template;
use axum::response::Response;
use http::StatusCode;

/// Answers a decision on a request that was decided before, if it was the same decision by the same browser, and the
/// client has not had the answer yet.
///
/// # Errors
/// [`PageError::RequestGone`] in every other case.
pub(super) async fn answer(
    services: &Services,
    browser: &Browser,
    named: &str,
    choice: Choice,
) -> Result<Response, PageError> {
    let secret = RequestSecret::parse(named).ok_or(PageError::RequestGone)?;
    let session = &browser.session().hash;
    let decided = services.store.decided_authorization(&secret.hash(), session, services.now()).await?;
    let (answer, pending) = match (decided, choice) {
        (Some((pending, Verdict::Approved)), Choice::Allow) => {
            let code = browser.code(&secret);
            check_unused(services, &code).await?;
            (authorize::approved(services, &pending, &code), pending)
        }
        (Some((pending, Verdict::Denied)), Choice::Deny) => (authorize::denied(services, &pending), pending),
        (Some(_) | None, _) => return Err(PageError::RequestGone),
    };
    if answer.is_copied() { Ok(answer.respond()) } else { show(services, (&answer.location(), &pending), choice).await }
}

/// A code that was redeemed got to the client; sending it again would look like a replay, and end the client's access.
async fn check_unused(services: &Services, code: &CodeSecret) -> Result<(), PageError> {
    let code = services.store.code(&code.hash()).await?.ok_or(PageError::RequestGone)?;
    let unused = code.state == CodeState::Issued && code.grant.state == GrantState::Alive;
    if unused && services.now() < code.expires_at { Ok(()) } else { Err(PageError::RequestGone) }
}

async fn show(
    services: &Services,
    (target, pending): (&str, &PendingAuthorization),
    choice: Choice,
) -> Result<Response, PageError> {
    let client = services.store.client(&pending.client_id).await?.ok_or(PageError::RequestGone)?;
    let template = DecidedTemplate { target, client: client.display_name(), allowed: choice == Choice::Allow };
    Ok(page(StatusCode::OK, &template, &ContentSecurityPolicy::NoForm))
}

#[derive(Template)]
#[template(path = "decided.html")]
struct DecidedTemplate<'a> {
    target: &'a str,
    client: &'a str,
    allowed: bool,
}
