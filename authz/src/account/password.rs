//! `GET|POST /account/password`: a new password, for whoever knows the old one. Other browsers are signed out.

use super::Done;
use crate::{
    domain::Person,
    login::{
        Browser, BrowserForm, Destination, TooSoon,
        passwords::{InvalidNewPassword, Password},
        with_cookie,
    },
    pages::{ContentSecurityPolicy, PageError, page, see_other, with_retry_after},
    routes::{ACCOUNT, PASSWORD},
    services::Services,
};
use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

pub(super) async fn get(State(services): State<Arc<Services>>, headers: HeaderMap) -> Result<Response, PageError> {
    let login = || see_other(&Destination::Account.login_address(&services));
    let Some(browser) = Browser::known(&services, &headers).await? else { return Ok(login()) };
    let Some(subject) = browser.session().subject() else { return Ok(login()) };
    let person = services.store.person(subject).await?;
    Ok(person.map_or_else(login, |person| show(&services, &browser, &person, None)))
}

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let subject = form.browser().session().subject();
    let person = match subject {
        Some(subject) => services.store.person(subject).await?,
        None => None,
    };
    let Some(person) = person else { return Ok(see_other(&Destination::Account.login_address(&services))) };
    form.notes().subject(&person.subject);
    let new = match check(&services, &form, &person).await? {
        Ok(new) => new,
        Err(problem) => {
            form.notes().refused(problem.reason());
            tracing::info!(subject = %person.subject, ?problem, "password not changed");
            return Ok(show(&services, form.browser(), &person, Some(problem)));
        }
    };
    let hash = services.passwords.hash(&new, services.random.as_ref()).await?;
    services.store.set_password(&person.subject, &hash, Some(&form.browser().session().hash)).await?;
    tracing::info!(subject = %person.subject, "password changed");
    // The password was just typed: a new secret for this browser too.
    let browser = form.browser().renewed(&services, Some(&person.subject), None).await?;
    let account = services.public_url.path(ACCOUNT);
    let next = see_other(&format!("{account}?{}={}", Done::PARAMETER, Done::Password.as_str()));
    Ok(with_cookie(next, &services, &browser))
}

/// The new password, if the old one is right and the new one is typed twice.
async fn check(
    services: &Services,
    form: &BrowserForm,
    person: &Person,
) -> Result<Result<Password, Problem>, PageError> {
    let (new, again) = (form.field("new")?.unwrap_or_default(), form.field("again")?.unwrap_or_default());
    let chosen = match Password::choose(new) {
        Ok(_) if new != again => return Ok(Err(Problem::NotTheSame)),
        Ok(chosen) => chosen,
        Err(InvalidNewPassword) => return Ok(Err(Problem::TooShort)),
    };
    let Ok(old) = Password::parse(form.field("password")?.unwrap_or_default()) else {
        return Ok(Err(Problem::WrongPassword));
    };
    let username = person.username.as_str();
    if let Err(too_soon) = services.attempts.begin(username, form.address(), services.now()) {
        return Ok(Err(Problem::TooSoon(too_soon)));
    }
    let verified = services.passwords.verify(&old, Some(&person.password)).await;
    if !verified.inspect_err(|_| services.attempts.not_judged(username, form.address()))? {
        return Ok(Err(Problem::WrongPassword));
    }
    services.attempts.succeeded(username, form.address());
    Ok(Ok(chosen))
}

fn show(services: &Services, browser: &Browser, person: &Person, problem: Option<Problem>) -> Response {
    let csrf = browser.csrf_token();
    let template = PasswordTemplate {
        action: services.public_url.path(PASSWORD),
        account: services.public_url.path(ACCOUNT),
        csrf: csrf.reveal(),
        username: person.username.as_str(),
        problem,
    };
    let status = problem.map_or(StatusCode::OK, Problem::status);
    let response = page(status, &template, &ContentSecurityPolicy::OwnForm);
    match problem {
        Some(Problem::TooSoon(too_soon)) => with_retry_after(response, too_soon.wait),
        Some(Problem::WrongPassword | Problem::TooShort | Problem::NotTheSame) | None => response,
    }
}

/// What is wrong with the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    WrongPassword,
    TooShort,
    NotTheSame,
    TooSoon(TooSoon),
}

impl Problem {
    const fn field(self) -> &'static str {
        match self {
            Self::WrongPassword | Self::TooSoon(_) => "password",
            Self::TooShort => "new",
            Self::NotTheSame => "again",
        }
    }

    const fn beside(self) -> &'static str {
        match self {
            Self::TooShort => "8 characters or more.",
            Self::WrongPassword | Self::NotTheSame | Self::TooSoon(_) => "Type it again.",
        }
    }

    fn sentence(self) -> String {
        match self {
            Self::WrongPassword => "The password that you have now is another one.".to_owned(),
            Self::TooShort => "The new password needs 8 characters or more.".to_owned(),
            Self::NotTheSame => "The new password is not the same in both places.".to_owned(),
            Self::TooSoon(too_soon) => too_soon.sentence(),
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::TooShort | Self::NotTheSame => StatusCode::BAD_REQUEST,
            Self::TooSoon(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::TooShort | Self::NotTheSame => "invalid_request",
            Self::TooSoon(_) => "too_many_requests",
        }
    }
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordTemplate<'a> {
    action: String,
    account: String,
    csrf: &'a str,
    username: &'a str,
    problem: Option<Problem>,
}

impl PasswordTemplate<'_> {
    fn focuses(&self, field: &str) -> bool {
        self.problem.map_or("password", Problem::field) == field
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.problem.is_some_and(|problem| problem.field() == field)
    }

    fn beside(&self) -> &'static str {
        self.problem.map_or("", Problem::beside)
    }
}
