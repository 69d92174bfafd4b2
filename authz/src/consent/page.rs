//! `GET /consent`: who asks, for what, where, and where the answer goes (MCP: the redirect host has to be shown).

use super::{Asking, permission::Permission};
use crate::{
    authorize::{Approval, approve, remembered},
    domain::{DisplayName, Origin, PendingAuthorization, RegisteredClient},
    login::{Browser, REQUEST, page_address},
    pages::{ContentSecurityPolicy, PageError, page, see_other},
    protocol::{Parameters, Resource, Scope},
    routes::{CONSENT, LOGIN, LOGOUT},
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
    Ok(person.map_or_else(login, |person| show(&services, &browser, &asking, person.username.as_str())))
}

fn show(services: &Services, browser: &Browser, asking: &Asking, username: &str) -> Response {
    let csrf = browser.csrf_token();
    let resources = services.resources.current();
    let resource = resources.find(asking.pending.resource.as_str());
    let template = ConsentTemplate {
        action: services.public_url.path(CONSENT),
        sign_out: services.public_url.path(LOGOUT),
        csrf: csrf.reveal(),
        request: asking.request(),
        username,
        client: &asking.client,
        pending: &asking.pending,
        resource: &asking.pending.resource,
        scope: &asking.pending.scope,
        resource_name: resource.and_then(|resource| resource.name.as_ref()).map(DisplayName::as_str),
        permissions: asking.pending.scope.tokens().map(Permission::of).collect(),
        self_registered: asking.client.origin == Origin::SelfRegistered,
        client_host: asking.client.metadata_host(),
    };
    page(StatusCode::OK, &template, &ContentSecurityPolicy::FormToClient(&asking.pending.redirect_uri))
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    action: String,
    sign_out: String,
    csrf: &'a str,
    request: String,
    username: &'a str,
    client: &'a RegisteredClient,
    pending: &'a PendingAuthorization,
    resource: &'a Resource,
    scope: &'a Scope,
    resource_name: Option<&'a str>,
    permissions: Vec<Permission<'a>>,
    self_registered: bool,
    client_host: Option<String>,
}
