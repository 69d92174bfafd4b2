//! `GET|POST /oauth2/authorize` (RFC 6749 §3.1, OAuth 2.1 §4.1.1, RFC 9207): checks a request, keeps it, and sends the
//! browser to the login or consent page. The consent page ends it through [`approve`] or [`deny`].

mod answer;
mod decide;
mod prompt;
mod request;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use decide::{Approval, DecisionError, approve, approve_as_before, approved, denied, deny, remembered};
pub use prompt::Prompt;
pub use request::{AuthorizationRequest, Refusal, Untrusted};

use crate::{
    client_metadata_documents::{LookupError, find_client},
    domain::{AuthenticatedPerson, ClientStanding, PendingAuthorization, RegisteredClient, RequestSecret},
    login::session::{Browser, SessionError},
    operations::{CallerAddress, Refused},
    pages::{self, ErrorPage, Turn},
    protocol::{ClientId, ErrorCode, MalformedParameters, Parameters},
    routes,
    services::Services,
    store::StoreError,
};
use axum::{
    Extension,
    body::Bytes,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use ring::error::Unspecified;
use std::sync::Arc;

/// Handles an authorization request in the query.
///
/// # Errors
/// The request is refused: on a page, or at the client's redirect URI.
pub async fn get(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
    caller: Option<Extension<CallerAddress>>,
    RawQuery(query): RawQuery,
) -> Result<Response, AuthorizeError> {
    let checked = check(&services, address(caller), query.unwrap_or_default().as_bytes()).await?;
    let Some(browser) = Browser::known(&services, &headers).await? else {
        checked.1.check_silent(false)?;
        let browser = Browser::known_or_new(&services, &headers).await?;
        return begin(&services, browser, checked).await;
    };
    begin(&services, browser, checked).await
}

/// Handles an authorization request in a form (RFC 6749 §3.1: MAY support). A client's page posts it, and with a post
/// from another site browsers send no `SameSite=Lax` cookie: so a browser that seems to have no session is sent round
/// to [`get`], instead of being given a new session in place of the one that it has.
///
/// # Errors
/// As [`get`].
pub async fn post(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
    caller: Option<Extension<CallerAddress>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, AuthorizeError> {
    let is_form = crate::form::has_media_type(&headers, "application/x-www-form-urlencoded");
    if query.is_some() || !is_form {
        return Err(AuthorizeError::NotAForm);
    }
    let checked = check(&services, address(caller), &body).await?;
    let Some(browser) = Browser::known(&services, &headers).await? else {
        let path = services.public_url.path(routes::AUTHORIZE);
        return Ok(pages::see_other(&format!("{path}?{}", Parameters::parse(&body)?.encode())));
    };
    begin(&services, browser, checked).await
}

fn address(caller: Option<Extension<CallerAddress>>) -> Option<CallerAddress> {
    caller.map(|Extension(address)| address)
}

/// The client and the request of `raw` parameters.
async fn check(
    services: &Services,
    caller: Option<CallerAddress>,
    raw: &[u8],
) -> Result<(RegisteredClient, AuthorizationRequest), AuthorizeError> {
    let parameters = Parameters::parse(raw)?;
    let client = load_client(services, caller, &parameters).await?;
    let resources = services.resources.current();
    let answers = (&services.settings.redirects, services.public_url.issuer());
    let request = AuthorizationRequest::parse(&parameters, &client, &resources, answers)?;
    Ok((client, request))
}

async fn begin(
    services: &Services,
    browser: Browser,
    (client, request): (RegisteredClient, AuthorizationRequest),
) -> Result<Response, AuthorizeError> {
    let now = services.now();
    let fresh = |person: &&AuthenticatedPerson| !request.prompt.asks_to_sign_in_again(&person.authentication, now);
    let person = browser.session().person().filter(fresh);
    let secret = RequestSecret::generate(services.random.as_ref())?;
    let pending = PendingAuthorization {
        must_sign_in: person.is_none(),
        ..request.pending(&client, &browser.session().hash, secret.hash(), now)
    };
    if let Some(person) = person
        && let Some(answer) = approve_as_before(services, &client, &pending, person).await?
    {
        tracing::info!(subject = %person.subject, client_id = %client.id, "allowed as before");
        return Ok(answer.respond());
    }
    request.check_silent(person.is_some())?;
    services.store.begin_authorization(&pending).await?;
    let page = if person.is_some() { routes::CONSENT } else { routes::LOGIN };
    let mut response = pages::see_other(&format!("{}?request={}", services.public_url.path(page), secret.reveal()));
    if let Some(cookie) = browser.set_cookie(services) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn load_client(
    services: &Services,
    caller: Option<CallerAddress>,
    parameters: &Parameters,
) -> Result<RegisteredClient, AuthorizeError> {
    let raw = parameters.once("client_id")?.ok_or(Untrusted::ClientMissing)?;
    let id = ClientId::parse(raw).map_err(|_| Untrusted::ClientUnknown)?;
    let client = find_client(services, &id, caller).await?.ok_or(Untrusted::ClientUnknown)?;
    match client.standing {
        ClientStanding::Active => Ok(client),
        ClientStanding::AwaitingApproval => Err(Untrusted::AwaitingApproval(client.id).into()),
        ClientStanding::Disabled => Err(Untrusted::ClientDisabled.into()),
    }
}

/// Why an authorization request goes no further.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The posted body is not a form, or there is a query besides.
    #[error("the request is not one form")]
    NotAForm,
    /// The parameters cannot be read.
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
    /// There is nowhere that the answer may be sent to.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The client cannot be looked up.
    #[error(transparent)]
    Client(#[from] LookupError),
    /// The client is told, at its redirect URI.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// A code without a page could not be made.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The browser has no session and gets none.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for AuthorizeError {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => {
                tracing::info!(
                    error = refusal.code.as_str(),
                    description = refusal.description(),
                    "authorization request refused"
                );
                let mut response = refusal.respond();
                response.extensions_mut().insert(Refused(refusal.code.as_str()));
                response
            }
            Self::Untrusted(reason) => {
                tracing::info!(cause = %reason, "authorization request answered with a page");
                reason.page().into_response()
            }
            Self::Client(LookupError::Document(reason)) => {
                tracing::info!(cause = ?reason, "client metadata document refused");
                let mut response = reason.page().into_response();
                response.extensions_mut().insert(Refused(reason.code().as_str()));
                response
            }
            Self::NotAForm => malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "It is not one form."),
            Self::Malformed(_) => malformed(StatusCode::BAD_REQUEST, "A parameter is repeated or cannot be read."),
            Self::Client(LookupError::Store(_))
            | Self::Decision(_)
            | Self::Randomness(_)
            | Self::Session(_)
            | Self::Store(_) => {
                tracing::error!(error = ?self, "authorization request failed");
                let status = ErrorCode::TemporarilyUnavailable.status();
                let message = "Something that the server stands on did not work.";
                ErrorPage::new(status, Turn::Operator, "The server could not do this", message).into_response()
            }
        }
    }
}

/// A page, because there is no address that the answer may be sent to.
fn malformed(status: StatusCode, message: &'static str) -> Response {
    ErrorPage::new(status, Turn::Application, "This request cannot be answered", message).into_response()
}
