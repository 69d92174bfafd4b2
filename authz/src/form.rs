//! What the POST endpoints for programs take: one `application/x-www-form-urlencoded` body, nothing in the query.

use crate::{
    operations::{CallerAddress, Notes, Refused},
    protocol::{ErrorCode, MalformedParameters, Parameters},
};
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use std::fmt;

/// A form, and the `Authorization` headers that came with it.
pub struct Form {
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The parameters of the body; which may be repeated is checked.
    pub parameters: Parameters,
    /// What the handler finds out, for the audit log.
    pub notes: Notes,
    /// Who sent it.
    pub caller: Option<CallerAddress>,
}

/// The headers hold secrets.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// The request is not such a form.
#[derive(Debug, thiserror::Error)]
pub enum NotAForm {
    /// The content type is another one.
    #[error("the body has to be application/x-www-form-urlencoded")]
    ContentType,
    /// There are parameters in the query, where logs would keep them (OAuth 2.1 §3.2).
    #[error("parameters belong into the body, not into the query")]
    Query,
    /// The body was not received.
    #[error("the body could not be read")]
    Body(#[from] BytesRejection),
    /// The body is not a form, or has a parameter twice.
    #[error("the form is malformed")]
    Malformed(#[from] MalformedParameters),
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = NotAForm;

    async fn from_request(request: Request, state: &S) -> Result<Self, NotAForm> {
        if request.uri().query().is_some() {
            return Err(NotAForm::Query);
        }
        if !has_media_type(request.headers(), "application/x-www-form-urlencoded") {
            return Err(NotAForm::ContentType);
        }
        let headers = request.headers().clone();
        let notes = request.extensions().get().cloned().unwrap_or_default();
        let caller = request.extensions().get().copied();
        let parameters = Parameters::parse(&Bytes::from_request(request, state).await?)?;
        // Only `resource` may be there more than once (RFC 8707 §2).
        parameters.refuse_repeated(&["resource"])?;
        Ok(Self { headers, parameters, notes, caller })
    }
}

impl IntoResponse for NotAForm {
    fn into_response(self) -> Response {
        tracing::debug!(cause = %self, "refused");
        match self {
            Self::ContentType => {
                with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "use application/x-www-form-urlencoded")
            }
            Self::Query => error(ErrorCode::InvalidRequest, "parameters belong into the body"),
            Self::Body(rejection) => with_status(rejection.status(), "the body could not be read"),
            Self::Malformed(MalformedParameters::Repeated) => {
                error(ErrorCode::InvalidRequest, "a parameter is repeated")
            }
            Self::Malformed(
                MalformedParameters::TooLarge | MalformedParameters::TooMany | MalformedParameters::NotUtf8,
            ) => error(ErrorCode::InvalidRequest, "the form is malformed"),
        }
    }
}

/// Whether there is exactly one `Content-Type`, of this media type; parameters such as `charset` are ignored.
#[must_use]
pub fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(first), None) = (values.next(), values.next()) else { return false };
    let media_type = first.to_str().ok().and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}

/// A JSON error response (RFC 6749 §5.2). `description` is a constant: nothing of the request is echoed.
#[must_use]
pub fn error(code: ErrorCode, description: &'static str) -> Response {
    respond(code.status(), code, description)
}

/// RFC 6585 §4. There is no code of its own for it in OAuth.
#[must_use]
pub fn too_many_requests(description: &'static str) -> Response {
    respond(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable, description)
}

fn with_status(status: StatusCode, description: &'static str) -> Response {
    respond(status, ErrorCode::InvalidRequest, description)
}

fn respond(status: StatusCode, code: ErrorCode, description: &'static str) -> Response {
    let body = json!({ "error": code.as_str(), "error_description": description });
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
    response.extensions_mut().insert(Refused(code.as_str()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
