//! `GET /consent`: who asks, for what, where, and where the answer goes (MCP: the redirect host has to be shown).

use super::{Asking, Question};
use crate::{
    authorize::{Approval, approve, remembered},
    domain::{PendingAuthorization, Person},
    login::{Browser, REQUEST, page_address},
    pages::{ContentSecurityPolicy, PageError, page, see_other},
    protocol::{Parameters, RedirectUri},
    routes::{CONSENT, LOGIN},
    services::Services,
    store::Memory,
};
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

pub(super) async fn get(
    State(services): State<Arc<Services>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes())?;
    let browser = Browser::known(&services, &headers).await?.ok_or(PageError::RequestGone)?;
    let asking = Asking::load(&services, &browser, parameters.once(REQUEST)?).await?.ok_or(PageError::RequestGone)?;
    let login = || see_other(&page_address(&services, LOGIN, Some(&asking.request())));
    let Some(person) = browser.session().person().filter(|_| !asking.pending.must_sign_in) else { return Ok(login()) };
    if remembered(&services, &asking.client, &asking.pending, person).await?.is_some() {
        tracing::info!(subject = %person.subject, client_id = %asking.client.id, "allowed as before");
        let (code, memory) = (browser.code(asking.secret()), Memory::Kept);
        let approval = Approval { person: person.clone(), code, memory };
        return Ok(approve(&services, &asking.pending, &approval).await?.respond());
    }
    let person = services.store.person(&person.subject).await?;
    Ok(person.map_or_else(login, |person| show(&services, &browser, &asking, &person)))
}

fn show(services: &Services, browser: &Browser, asking: &Asking, person: &Person) -> Response {
    let PendingAuthorization { resource, scope, redirect_uri, .. } = &asking.pending;
    let template = ConsentTemplate {
        action: services.public_url.path(CONSENT),
        request: asking.request(),
        question: Question::new(services, (browser, person), &asking.client, (resource, scope)),
        redirect_uri,
    };
    page(StatusCode::OK, &template, &ContentSecurityPolicy::FormToClient(redirect_uri))
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    action: String,
    request: String,
    question: Question<'a>,
    redirect_uri: &'a RedirectUri,
}

impl ConsentTemplate<'_> {
    /// The answer goes to no server: another program, or another person, may be the one who gets it.
    fn stays_here(&self) -> bool {
        self.redirect_uri.stays_on_this_computer()
            || self.redirect_uri.is_private_use()
            || self.redirect_uri.is_out_of_band()
    }

    fn warns(&self) -> bool {
        self.stays_here() || self.question.unchecked().is_some()
    }
}
