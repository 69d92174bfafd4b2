//! What the pages about a device look like: the code, the question, the end.

use super::Waiting;
use crate::{
    consent::{Choice, Permission},
    domain::{AuthenticatedPerson, DisplayName, Origin, UserCode},
    login::Browser,
    pages::{ContentSecurityPolicy, PageError, page},
    protocol::{Resource, Scope},
    routes::{DEVICE, LOGOUT},
    services::Services,
};
use askama::Template;
use axum::response::Response;
use http::StatusCode;

/// What is wrong with the code that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No device waits with it; or it cannot be one. Nobody learns which.
    Unknown,
}

pub(super) fn enter(
    services: &Services,
    browser: &Browser,
    code: Option<&UserCode>,
    problem: Option<Problem>,
) -> Response {
    let csrf = browser.csrf_token();
    let template = EnterTemplate {
        action: services.public_url.path(DEVICE),
        csrf: csrf.reveal(),
        code: code.map(UserCode::reveal).unwrap_or_default(),
        problem: problem.is_some(),
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    page(status, &template, &ContentSecurityPolicy::OwnForm)
}

pub(super) async fn ask(
    services: &Services,
    browser: &Browser,
    waiting: &Waiting,
    person: &AuthenticatedPerson,
) -> Result<Response, PageError> {
    let person = services.store.person(&person.subject).await?.ok_or(PageError::NoSession)?;
    let csrf = browser.csrf_token();
    let resources = services.resources.current();
    let resource = resources.find(waiting.device.resource.as_str());
    let template = AskTemplate {
        action: services.public_url.path(DEVICE),
        sign_out: services.public_url.path(LOGOUT),
        csrf: csrf.reveal(),
        code: waiting.code.reveal(),
        username: person.username.as_str(),
        client: waiting.client.display_name(),
        self_registered: waiting.client.origin == Origin::SelfRegistered,
        client_host: waiting.client.metadata_host(),
        resource: &waiting.device.resource,
        resource_name: resource.and_then(|resource| resource.name.as_ref()).map(DisplayName::as_str),
        scope: &waiting.device.scope,
        permissions: waiting.device.scope.tokens().map(Permission::of).collect(),
    };
    Ok(page(StatusCode::OK, &template, &ContentSecurityPolicy::OwnForm))
}

pub(super) fn done(choice: Choice) -> Response {
    let template = DoneTemplate { allowed: choice == Choice::Allow };
    page(StatusCode::OK, &template, &ContentSecurityPolicy::NoForm)
}

#[derive(Template)]
#[template(path = "device.html")]
struct EnterTemplate<'a> {
    action: String,
    csrf: &'a str,
    code: String,
    problem: bool,
}

#[derive(Template)]
#[template(path = "device_consent.html")]
struct AskTemplate<'a> {
    action: String,
    sign_out: String,
    csrf: &'a str,
    code: String,
    username: &'a str,
    client: &'a str,
    self_registered: bool,
    client_host: Option<String>,
    resource: &'a Resource,
    resource_name: Option<&'a str>,
    scope: &'a Scope,
    permissions: Vec<Permission<'a>>,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DoneTemplate {
    allowed: bool,
}
