//! `POST /login`: checks the password and renews the session. An unknown person costs what a wrong password costs.

use super::{
    BrowserForm, REQUEST,
    page::{LoginForm, Problem, sign_in},
    page_address,
    passwords::Password,
    with_cookie,
};
use crate::{
    consent::Asking,
    domain::{PersonState, Subject, Username},
    pages::{PageError, see_other},
    routes::{CONSENT, LOGIN},
    services::Services,
};
use axum::{extract::State, response::Response};
use std::sync::Arc;

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let asking = Asking::load(&services, form.browser(), form.field(REQUEST)?).await?;
    let typed = form.field("username")?.unwrap_or_default();
    match authenticate(&services, typed, form.field("password")?).await? {
        Ok(subject) => {
            tracing::info!(%subject, "signed in");
            form.notes().subject(&subject);
            // A new secret: whoever planted or saw the old one is not signed in with it.
            let request = asking.as_ref().map(|asking| &asking.pending.hash);
            let browser = form.browser().renewed(&services, Some(&subject), request).await?;
            let next = match &asking {
                Some(asking) => page_address(&services, CONSENT, Some(&asking.request())),
                None => page_address(&services, LOGIN, None),
            };
            Ok(with_cookie(see_other(&next), &services, &browser))
        }
        Err(problem) => {
            tracing::info!(?problem, "sign-in refused");
            form.notes().refused("sign_in_refused");
            let username = Username::parse(typed).map_or_else(|_| String::new(), |name| name.as_str().to_owned());
            let form_again = LoginForm { asking, username, problem: Some(problem) };
            Ok(sign_in(&services, form.browser(), &form_again))
        }
    }
}

/// Whose name and password these are.
async fn authenticate(
    services: &Services,
    username: &str,
    password: Option<&str>,
) -> Result<Result<Subject, Problem>, PageError> {
    let Some(password) = password else { return Ok(Err(Problem::NoPassword)) };
    let Ok(password) = Password::parse(password) else { return Ok(Err(Problem::PasswordTooLong)) };
    if username.is_empty() {
        return Ok(Err(Problem::NoUsername));
    }
    let person = match Username::parse(username) {
        Ok(username) => services.store.person_by_username(&username).await?,
        Err(_) => None,
    };
    let verified = services.passwords.verify(&password, person.as_ref().map(|person| &person.password)).await?;
    let enabled = person.filter(|person| verified && person.state == PersonState::Enabled);
    Ok(enabled.map(|person| person.subject).ok_or(Problem::WrongPassword))
}
