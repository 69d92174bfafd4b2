//! Says `429` with `Retry-After` to an address that asks too often, before its request is looked at.

use crate::{
    form,
    operations::{
        CallerAddress, Refused,
        rate_limits::{Limited, TooMany},
    },
    pages::{ErrorPage, Turn},
    protocol::ErrorCode,
    routes,
    services::Services,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use std::sync::Arc;

/// The layer around the endpoints, inside of CORS, so that a script can read the refusal.
pub async fn check(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let Some(limits) = &services.operations.rate_limits else { return next.run(request).await };
    let Some((limited, refuse)) = limited(&request) else { return next.run(request).await };
    let Some(address) = request.extensions().get::<CallerAddress>().copied() else { return next.run(request).await };
    if let Err(too_many) = limits.request(limited, address) {
        // Counted and audited; a line for each would let a flood fill the log.
        tracing::debug!(%address, ?limited, "asked too often");
        return refuse(&too_many);
    }
    let response = next.run(request).await;
    if limited == Limited::TokenFailures && is_failure(&response) {
        limits.token_refused(address);
    }
    response
}

/// A device that asks whether its person is done yet (RFC 8628 §3.5) guesses nothing.
fn is_failure(response: &Response) -> bool {
    let pending = Some(&Refused(ErrorCode::AuthorizationPending.as_str()));
    response.status().is_client_error() && response.extensions().get() != pending
}

type Refuse = fn(&TooMany) -> Response;

/// Only posts count: looking at a page, or asking whether one may call, costs nothing.
fn limited(request: &Request) -> Option<(Limited, Refuse)> {
    if request.method() != Method::POST {
        return None;
    }
    match request.uri().path() {
        routes::LOGIN | routes::PASSWORD | routes::SIGN_UP => Some((Limited::SignIn, page)),
        routes::DEVICE_AUTHORIZATION => Some((Limited::Device, refusal)),
        routes::DEVICE => Some((Limited::Device, page)),
        routes::REGISTER => Some((Limited::Registration, refusal)),
        routes::TOKEN | routes::REVOKE | routes::INTROSPECT => Some((Limited::TokenFailures, refusal)),
        _ => None,
    }
}

/// The answer to a program.
#[must_use]
pub fn refusal(too_many: &TooMany) -> Response {
    let response = form::too_many_requests("asked too often, wait as long as Retry-After says");
    with_retry_after(response, too_many)
}

fn page(too_many: &TooMany) -> Response {
    let message = "Too many attempts came from your network. Nothing was looked at. Wait a little.";
    let page = ErrorPage::new(StatusCode::TOO_MANY_REQUESTS, Turn::You, "Too many attempts", message);
    with_retry_after(page.into_response(), too_many)
}

fn with_retry_after(mut response: Response, too_many: &TooMany) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(too_many.retry_after.as_secs()));
    response.extensions_mut().insert(Refused("too_many_requests"));
    response
}
