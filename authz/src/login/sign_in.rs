//! `POST /login`: checks the password and renews the session. An unknown person costs what a wrong password costs.

use super::{
    BrowserForm, Destination, REQUEST,
    page::{LoginForm, Problem, sign_in},
    page_address,
    passwords::Password,
    with_cookie,
};
use crate::{
    consent::Asking,
    domain::{Person, PersonState, Subject, Username},
    pages::{PageError, see_other},
    routes::{CONSENT, LOGIN},
    services::Services,
};
use axum::{extract::State, response::Response};
use std::sync::Arc;

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let asking = Asking::load(&services, form.browser(), form.field(REQUEST)?).await?;
    let to = Destination::parse(form.field(Destination::PARAMETER)?, form.field(Destination::USER_CODE)?);
    let typed = form.field("username")?.unwrap_or_default();
    match authenticate(&services, &form, typed).await? {
        Ok(subject) => {
            tracing::info!(%subject, "signed in");
            welcome(&services, &form, (asking, to), &subject).await
        }
        Err(problem) => {
            tracing::info!(?problem, "sign-in refused");
            form.notes().refused(if problem.is_too_soon() { "too_many_requests" } else { "sign_in_refused" });
            let username = Username::parse(typed).map_or_else(|_| String::new(), |name| name.as_str().to_owned());
            let form_again = LoginForm { asking, to, username, problem: Some(problem) };
            Ok(sign_in(&services, form.browser(), &form_again))
        }
    }
}

/// Signs `subject` in and leads on to what the page was about.
///
/// # Errors
/// The store or the randomness failed.
pub async fn welcome(
    services: &Services,
    form: &BrowserForm,
    (asking, to): (Option<Asking>, Option<Destination>),
    subject: &Subject,
) -> Result<Response, PageError> {
    form.notes().subject(subject);
    // A new secret: whoever planted or saw the old one is not signed in with it.
    let request = asking.as_ref().map(|asking| &asking.pending.hash);
    let browser = form.browser().renewed(services, Some(subject), request).await?;
    let next = match (&asking, to) {
        (Some(asking), _) => page_address(services, CONSENT, Some(&asking.request())),
        (None, Some(to)) => to.address(services),
        (None, None) => page_address(services, LOGIN, None),
    };
    Ok(with_cookie(see_other(&next), services, &browser))
}

/// Whose name and password these are. Names that nobody has, wrong passwords and disabled people cost and count the same.
async fn authenticate(
    services: &Services,
    form: &BrowserForm,
    username: &str,
) -> Result<Result<Subject, Problem>, PageError> {
    let Some(password) = form.field("password")? else { return Ok(Err(Problem::NoPassword)) };
    let Ok(password) = Password::parse(password) else { return Ok(Err(Problem::PasswordTooLong)) };
    if username.is_empty() {
        return Ok(Err(Problem::NoUsername));
    }
    if let Err(too_soon) = services.attempts.begin(username, form.address(), services.now()) {
        return Ok(Err(Problem::TooSoon(too_soon)));
    }
    let judged = judge(services, username, &password).await;
    let enabled = judged.inspect_err(|_| services.attempts.not_judged(username, form.address()))?;
    if enabled.is_some() {
        services.attempts.succeeded(username, form.address());
    }
    Ok(enabled.map(|person| person.subject).ok_or(Problem::WrongPassword))
}

/// The enabled person whose name and password these are. The same work for a name that nobody has.
async fn judge(services: &Services, username: &str, password: &Password) -> Result<Option<Person>, PageError> {
    let person = match Username::parse(username) {
        Ok(username) => services.store.person_by_username(&username).await?,
        Err(_) => None,
    };
    let verified = services.passwords.verify(password, person.as_ref().map(|person| &person.password)).await?;
    Ok(person.filter(|person| verified && person.state == PersonState::Enabled))
}
