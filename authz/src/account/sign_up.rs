//! `GET|POST /signup`: a new account, where the setting lets people make their own. That a login name is taken cannot be
//! kept from whoever wants it; everything else about other accounts is.

use crate::{
    consent::Asking,
    domain::{DisplayName, Email, Person, PersonOrigin, PersonState, Subject, Username},
    login::{Browser, BrowserForm, Destination, REQUEST, passwords::Password, welcome, with_cookie},
    pages::{ContentSecurityPolicy, PageError, page},
    protocol::Parameters,
    routes::{LOGIN, SIGN_UP},
    services::Services,
    store::Addition,
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
    let browser = Browser::known_or_new(&services, &headers).await?;
    let asking = Asking::load(&services, &browser, parameters.once(REQUEST)?).await?;
    let to = Destination::parse(parameters.once(Destination::PARAMETER)?, parameters.once(Destination::USER_CODE)?);
    let response = show(&services, &browser, &SignUpForm { asking, to, ..SignUpForm::default() });
    Ok(with_cookie(response, &services, &browser))
}

pub(super) async fn post(State(services): State<Arc<Services>>, form: BrowserForm) -> Result<Response, PageError> {
    let asking = Asking::load(&services, form.browser(), form.field(REQUEST)?).await?;
    let to = Destination::parse(form.field(Destination::PARAMETER)?, form.field(Destination::USER_CODE)?);
    match add(&services, &form).await? {
        Ok(subject) => {
            tracing::info!(%subject, "signed up");
            welcome(&services, &form, (asking, to), &subject).await
        }
        Err(problem) => {
            form.notes().refused("invalid_request");
            let username = form.field("username")?.unwrap_or_default();
            let username = Username::parse(username).map_or_else(|_| String::new(), |name| name.as_str().to_owned());
            Ok(show(&services, form.browser(), &SignUpForm { asking, to, username, problem: Some(problem) }))
        }
    }
}

async fn add(services: &Services, form: &BrowserForm) -> Result<Result<Subject, Problem>, PageError> {
    let Ok(username) = Username::parse(form.field("username")?.unwrap_or_default()) else {
        return Ok(Err(Problem::Username));
    };
    let Ok(name) = form.field("name")?.map(DisplayName::parse).transpose() else { return Ok(Err(Problem::Name)) };
    let Ok(email) = form.field("email")?.map(Email::parse).transpose() else { return Ok(Err(Problem::Email)) };
    let Ok(password) = Password::choose(form.field("password")?.unwrap_or_default()) else {
        return Ok(Err(Problem::Password));
    };
    // Before the hash: a taken name costs little, and says nothing that the answer does not say.
    if services.store.person_by_username(&username).await?.is_some() {
        return Ok(Err(Problem::Taken));
    }
    let random = services.random.as_ref();
    let person = Person {
        subject: Subject::generate(random)?,
        username,
        password: services.passwords.hash(&password, random).await?,
        name,
        email,
        origin: PersonOrigin::SignedUp,
        state: PersonState::Enabled,
    };
    Ok(match services.store.add_person(&person).await? {
        Addition::Added => Ok(person.subject),
        Addition::NameTaken => Err(Problem::Taken),
    })
}

/// What the page shows.
#[derive(Debug, Default)]
struct SignUpForm {
    asking: Option<Asking>,
    to: Option<Destination>,
    username: String,
    problem: Option<Problem>,
}

fn show(services: &Services, browser: &Browser, form: &SignUpForm) -> Response {
    let csrf = browser.csrf_token();
    let template = SignUpTemplate {
        action: services.public_url.path(SIGN_UP),
        login: services.public_url.path(LOGIN),
        csrf: csrf.reveal(),
        request: form.asking.as_ref().map(Asking::request),
        to: form.to.as_ref(),
        username: &form.username,
        problem: form.problem,
    };
    let policy = form.asking.as_ref().map_or(ContentSecurityPolicy::OwnForm, |asking| {
        ContentSecurityPolicy::FormToClient(&asking.pending.redirect_uri)
    });
    page(form.problem.map_or(StatusCode::OK, Problem::status), &template, &policy)
}

/// What is wrong with the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Username,
    Taken,
    Name,
    Email,
    Password,
}

impl Problem {
    const fn field(self) -> &'static str {
        match self {
            Self::Username | Self::Taken => "username",
            Self::Name => "name",
            Self::Email => "email",
            Self::Password => "password",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Username => "A user name has 1 to 128 characters, and no space at its ends.",
            Self::Taken => "Somebody has this user name already.",
            Self::Name => "The name cannot be used.",
            Self::Email => "The e-mail address does not look like one.",
            Self::Password => "The password needs 8 characters or more.",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Taken => StatusCode::CONFLICT,
            Self::Username | Self::Name | Self::Email | Self::Password => StatusCode::BAD_REQUEST,
        }
    }
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpTemplate<'a> {
    action: String,
    login: String,
    csrf: &'a str,
    request: Option<String>,
    to: Option<&'a Destination>,
    username: &'a str,
    problem: Option<Problem>,
}

impl SignUpTemplate<'_> {
    fn focuses(&self, field: &str) -> bool {
        self.problem.map_or("username", Problem::field) == field
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.problem.is_some_and(|problem| problem.field() == field)
    }

    /// The page to sign in, about the same.
    fn sign_in(&self) -> String {
        match (&self.request, self.to) {
            (Some(request), _) => format!("{}?{REQUEST}={request}", self.login),
            (None, Some(to)) => format!("{}?{}={}", self.login, Destination::PARAMETER, to.as_str()),
            (None, None) => self.login.clone(),
        }
    }
}
