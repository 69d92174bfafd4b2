//! `GET /login`: the page to sign in; who is signed in already goes on to the consent page, or sees so.

use super::{Browser, Destination, TooSoon, page_address, with_cookie};
use crate::{
    consent::Asking,
    domain::Subject,
    pages::{ContentSecurityPolicy, PageError, page, see_other, with_retry_after},
    protocol::Parameters,
    routes::{ACCOUNT, CONSENT, LOGIN, LOGOUT, SIGN_UP},
    services::Services,
};
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use std::{borrow::Cow, sync::Arc};

pub(super) async fn get(
    State(services): State<Arc<Services>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes())?;
    let browser = Browser::known_or_new(&services, &headers).await?;
    let asking = Asking::load(&services, &browser, parameters.once(super::REQUEST)?).await?;
    let to = Destination::parse(parameters.once(Destination::PARAMETER)?, parameters.once(Destination::USER_CODE)?);
    let response = match (browser.session().subject(), asking) {
        (Some(_), Some(asking)) if !asking.pending.must_sign_in => {
            see_other(&page_address(&services, CONSENT, Some(&asking.request())))
        }
        (Some(subject), None) => match (services.store.person(subject).await?, to) {
            (Some(_), Some(to)) => see_other(&to.address(&services)),
            (Some(person), None) => signed_in(&services, &browser, person.username.as_str()),
            (None, to) => sign_in(&services, &browser, &LoginForm { to, ..LoginForm::default() }),
        },
        (known, Some(asking)) => {
            let username = first_guess(&services, &asking, known).await?;
            sign_in(&services, &browser, &LoginForm { asking: Some(asking), username, ..LoginForm::default() })
        }
        (None, None) => sign_in(&services, &browser, &LoginForm { to, ..LoginForm::default() }),
    };
    Ok(with_cookie(response, &services, &browser))
}

/// The name that the page starts with: the client's hint, or who has to sign in again.
async fn first_guess(services: &Services, asking: &Asking, known: Option<&Subject>) -> Result<String, PageError> {
    let person = match known {
        Some(subject) => services.store.person(subject).await?.map(|person| person.username),
        None => None,
    };
    let guess = asking.pending.login_hint.clone().or(person);
    Ok(guess.map_or_else(String::new, |name| name.as_str().to_owned()))
}

/// What the page to sign in shows.
#[derive(Debug, Default)]
pub(super) struct LoginForm {
    /// The authorization request that it is about.
    pub(super) asking: Option<Asking>,
    /// The page of ours that it leads to.
    pub(super) to: Option<Destination>,
    /// The name that was typed before.
    pub(super) username: String,
    /// What was wrong with what was typed before.
    pub(super) problem: Option<Problem>,
}

/// What is wrong with a login form that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    NoUsername,
    NoPassword,
    PasswordTooLong,
    /// Nobody has this name, or the password is another: nobody learns which.
    WrongPassword,
    /// Too many wrong passwords: it was not looked at.
    TooSoon(TooSoon),
}

pub(super) fn sign_in(services: &Services, browser: &Browser, form: &LoginForm) -> Response {
    let csrf = browser.csrf_token();
    let template = LoginTemplate {
        action: services.public_url.path(LOGIN),
        csrf: csrf.reveal(),
        sign_up: services.settings.signup.then(|| sign_up_address(services, form)),
        request: form.asking.as_ref().map(Asking::request),
        to: form.to.as_ref(),
        client: form.asking.as_ref().map(|asking| asking.client.display_name()),
        unverified: form.asking.as_ref().is_some_and(|asking| asking.client.named_itself()),
        again: browser.session().subject().is_some(),
        resource: form.asking.as_ref().map_or("", |asking| asking.pending.resource.as_str()),
        username: &form.username,
        problem: form.problem,
    };
    let policy = form.asking.as_ref().map_or(ContentSecurityPolicy::OwnForm, |asking| {
        ContentSecurityPolicy::FormToClient(&asking.pending.redirect_uri)
    });
    let response = page(form.problem.map_or(StatusCode::OK, Problem::status), &template, &policy);
    match form.problem {
        Some(Problem::TooSoon(too_soon)) => with_retry_after(response, too_soon.wait),
        _ => response,
    }
}

/// The page to make an account, about the same.
fn sign_up_address(services: &Services, form: &LoginForm) -> String {
    match (&form.asking, &form.to) {
        (Some(asking), _) => page_address(services, SIGN_UP, Some(&asking.request())),
        (None, Some(to)) => format!("{}?{}={}", services.public_url.path(SIGN_UP), Destination::PARAMETER, to.as_str()),
        (None, None) => services.public_url.path(SIGN_UP),
    }
}

fn signed_in(services: &Services, browser: &Browser, username: &str) -> Response {
    let csrf = browser.csrf_token();
    let (sign_out, account) = (services.public_url.path(LOGOUT), services.public_url.path(ACCOUNT));
    let template = SignedInTemplate { sign_out, account, csrf: csrf.reveal(), username };
    page(StatusCode::OK, &template, &ContentSecurityPolicy::OwnForm)
}

impl Problem {
    const fn field(self) -> &'static str {
        match self {
            Self::NoUsername => "username",
            Self::NoPassword | Self::PasswordTooLong | Self::WrongPassword | Self::TooSoon(_) => "password",
        }
    }

    /// For the summary on top.
    fn sentence(self) -> Cow<'static, str> {
        let sentence = match self {
            Self::NoUsername => "The user name is missing.",
            Self::NoPassword => "The password is missing.",
            Self::PasswordTooLong => "The password is too long.",
            Self::WrongPassword => "The user name or the password is wrong.",
            Self::TooSoon(too_soon) => return too_soon.sentence().into(),
        };
        sentence.into()
    }

    /// For the place beside the field.
    const fn hint(self) -> &'static str {
        match self {
            Self::NoUsername => "Type your user name.",
            Self::NoPassword => "Type your password.",
            Self::PasswordTooLong => "It has at most 1024 bytes.",
            Self::WrongPassword => "Check the name above, and type the password again.",
            Self::TooSoon(_) => "It was not looked at. Wait, and type it again.",
        }
    }

    /// 401 without a challenge: the answer to it is this form, not an `Authorization` header.
    const fn status(self) -> StatusCode {
        match self {
            Self::NoUsername | Self::NoPassword | Self::PasswordTooLong => StatusCode::BAD_REQUEST,
            Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::TooSoon(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(super) const fn is_too_soon(self) -> bool {
        matches!(self, Self::TooSoon(_))
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginTemplate<'a> {
    action: String,
    csrf: &'a str,
    sign_up: Option<String>,
    request: Option<String>,
    to: Option<&'a Destination>,
    client: Option<&'a str>,
    unverified: bool,
    again: bool,
    resource: &'a str,
    username: &'a str,
    problem: Option<Problem>,
}

impl LoginTemplate<'_> {
    /// The first thing to type: the name, or the password where the name is there.
    fn focuses(&self, field: &str) -> bool {
        let wanted = if self.username.is_empty() { "username" } else { "password" };
        self.problem.map_or(wanted, Problem::field) == field
    }

    fn beside(&self) -> &'static str {
        self.problem.map_or("", Problem::hint)
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.problem.is_some_and(|problem| problem.field() == field)
    }
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInTemplate<'a> {
    sign_out: String,
    account: String,
    csrf: &'a str,
    username: &'a str,
}
