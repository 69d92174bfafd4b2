//! `POST /oauth2/token`: a token request passed on to the issuer without `resource` (RFC 8707 §2.2), for issuers that
//! refuse the parameter there too: a redirect could not take it out of a body. Nothing is kept, logged or looked at.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use verification_keys::http::{Answer, CallError, read_limited};

use super::{ANY_ORIGIN, NO_STORE, Shim, error, parameters, unavailable};

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_ANSWER_BYTES: usize = 256 * 1024;

pub(super) async fn pass_on(State(shim): State<Arc<Shim>>, headers: HeaderMap, body: Bytes) -> Response {
    let is_form = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_form);
    let Some(form) = std::str::from_utf8(&body).ok().filter(|_| is_form) else {
        let answer = error("invalid_request", "A token request is a form in UTF-8");
        return (StatusCode::BAD_REQUEST, [ANY_ORIGIN, NO_STORE], answer).into_response();
    };
    let Ok(_place) = shim.places.try_acquire() else { return unavailable() };
    let Ok(known) = shim.upstream.current().await else { return unavailable() };
    let mut request = shim.client.post(known.token_endpoint.clone()).header(header::CONTENT_TYPE, FORM);
    if let Some(credentials) = headers.get(header::AUTHORIZATION) {
        request = request.header(header::AUTHORIZATION, credentials);
    }
    let sent = request.header(header::ACCEPT, "application/json").body(parameters::without(form, &["resource"]));
    let answer = match sent.send().await {
        Ok(response) => read_limited(response, MAX_ANSWER_BYTES).await,
        Err(error) => Err(CallError::NoAnswer(error)),
    };
    answer.ok().and_then(passed_back).unwrap_or_else(|| {
        tracing::warn!("the issuer's token endpoint has no answer that can be passed back");
        unavailable()
    })
}

fn is_form(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM))
}

/// RFC 6749 §5: a JSON object with one of these statuses; anything else is no answer.
fn passed_back(answer: Answer) -> Option<Response> {
    let is_answer = matches!(answer.status.as_u16(), 200 | 400 | 401 | 403);
    let object = serde_json::from_slice::<Value>(&answer.body).is_ok_and(|value| value.is_object());
    if !is_answer || !object {
        return None;
    }
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some((answer.status, [ANY_ORIGIN, NO_STORE, json], answer.body).into_response())
}
