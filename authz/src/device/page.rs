//! What the pages about a device look like: the code, the question, the end.

use super::Waiting;
use crate::{
    consent::{Choice, Question},
    domain::{AuthenticatedPerson, UserCode},
    login::Browser,
    pages::{ContentSecurityPolicy, PageError, page},
    routes::DEVICE,
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
    let asked = (&waiting.device.resource, &waiting.device.scope);
    let template = AskTemplate {
        action: services.public_url.path(DEVICE),
        code: waiting.code.reveal(),
        question: Question::new(services, (browser, &person), &waiting.client, asked),
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
    code: String,
    question: Question<'a>,
}

impl AskTemplate<'_> {
    /// Whoever shows the code gets the access, and the page cannot know where they are.
    #[expect(clippy::unused_self, reason = "the template that it extends asks every page")]
    const fn warns(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DoneTemplate {
    allowed: bool,
}
