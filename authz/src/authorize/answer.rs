//! The answer to an authorization request (RFC 6749 §4.1.2, RFC 9207 §2): for the client at its redirect URI, or, where
//! it has none that can be reached, on a page from which the person copies it.

use crate::{
    domain::PendingAuthorization,
    pages::{ContentSecurityPolicy, page, see_other},
    protocol::RedirectUri,
};
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serving::RequestId;

/// An answer that is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    redirect_uri: RedirectUri,
    outcome: Outcome,
    state: Option<String>,
    issuer: String,
}

/// What became of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A code.
    Code(String),
    /// An error code.
    Error(&'static str),
}

impl Answer {
    pub(super) fn new(pending: &PendingAuthorization, outcome: Outcome, issuer: &str) -> Self {
        let state = pending.state.as_ref().map(|state| state.as_str().to_owned());
        Self { redirect_uri: pending.redirect_uri.clone(), outcome, state, issuer: issuer.to_owned() }
    }

    /// The redirect URI with the answer. RFC 9207 §2: `iss` goes into every answer, errors included.
    #[must_use]
    pub fn location(&self) -> String {
        let mut parameters = vec![match &self.outcome {
            Outcome::Code(code) => ("code", code.as_str()),
            Outcome::Error(error) => ("error", *error),
        }];
        parameters.extend(self.state.iter().map(|state| ("state", state.as_str())));
        parameters.push(("iss", &self.issuer));
        self.redirect_uri.with_query(&parameters)
    }

    /// Whether the person carries the answer to the client.
    #[must_use]
    pub fn is_copied(&self) -> bool {
        self.redirect_uri.is_out_of_band()
    }

    /// Sends the browser to the client, or shows the page, which [`crate::layers`] renders.
    #[must_use]
    pub fn respond(self) -> Response {
        if !self.is_copied() {
            return see_other(&self.location());
        }
        let mut response = StatusCode::OK.into_response();
        response.extensions_mut().insert(self);
        response
    }

    /// The page from which the answer is copied. Nothing of it is in an address.
    #[must_use]
    pub fn render(&self, request_id: Option<RequestId>) -> Response {
        let code = match &self.outcome {
            Outcome::Code(code) => Some(code.as_str()),
            Outcome::Error(_) => None,
        };
        let template = CopyTemplate { code, state: self.state.as_deref(), issuer: &self.issuer, request_id };
        page(StatusCode::OK, &template, &ContentSecurityPolicy::NoForm)
    }
}

#[derive(Template)]
#[template(path = "copy.html")]
struct CopyTemplate<'a> {
    code: Option<&'a str>,
    state: Option<&'a str>,
    issuer: &'a str,
    request_id: Option<RequestId>,
}
