//! Why a page of ours does not do what was asked of it. The person reads a constant, the log has the cause.

use super::{ErrorPage, Turn};
use crate::{
    authorize::DecisionError,
    form::NotAForm,
    login::{origin::CrossSite, passwords::PasswordError, session::SessionError},
    operations::Refused,
    protocol::MalformedParameters,
    store::StoreError,
};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ring::error::Unspecified;

/// Why the login or the consent page does not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The query cannot be read.
    #[error(transparent)]
    Query(#[from] MalformedParameters),
    /// The body is no form.
    #[error(transparent)]
    Form(#[from] NotAForm),
    /// A field that our forms have is missing, or has a value that they do not have.
    #[error("the form field {0} is missing or unknown")]
    Field(&'static str),
    /// Another site posted the form.
    #[error(transparent)]
    CrossSite(#[from] CrossSite),
    /// There is no cookie, or its session has ended.
    #[error("the form was posted without a session")]
    NoSession,
    /// The form was made for another session.
    #[error("the CSRF token does not fit the session")]
    CsrfMismatch,
    /// The authorization request is unknown, too old, decided, or another browser's.
    #[error("there is no such authorization request in this session")]
    RequestGone,
    /// No device waits with this code any more.
    #[error("no device waits with this code")]
    DeviceGone,
    /// Too many passwords at once.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The decision could not be taken.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SessionError> for PageError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Randomness(error) => Self::Randomness(error),
            SessionError::Store(error) => Self::Store(error),
        }
    }
}

impl PageError {
    /// The word for the audit log and the metrics.
    const fn reason(&self) -> &'static str {
        match self {
            Self::Query(_) | Self::Field(_) | Self::Form(_) => "invalid_request",
            Self::CrossSite(_) => "cross_site",
            Self::NoSession => "no_session",
            Self::CsrfMismatch => "csrf_mismatch",
            Self::RequestGone | Self::DeviceGone | Self::Decision(DecisionError::AlreadyDecided) => "request_over",
            Self::Password(PasswordError::Busy) => "busy",
            Self::Password(PasswordError::Argon2(_) | PasswordError::Randomness(_) | PasswordError::Worker(_))
            | Self::Decision(DecisionError::Randomness(_) | DecisionError::Seal(_) | DecisionError::Store(_))
            | Self::Randomness(_)
            | Self::Store(_) => "unavailable",
        }
    }

    fn page(&self) -> ErrorPage {
        match self {
            Self::Query(_) | Self::Field(_) => malformed(StatusCode::BAD_REQUEST),
            Self::Form(error) => malformed(status_of(error)),
            Self::CrossSite(_) => ErrorPage::new(
                StatusCode::FORBIDDEN,
                Turn::You,
                "This form came from another site",
                "Your browser says that another site sent it, so nothing was done.",
            ),
            Self::NoSession | Self::CsrfMismatch => ErrorPage::new(
                StatusCode::FORBIDDEN,
                Turn::You,
                "This page is out of date",
                "It belongs to a session that has ended, or your browser did not send our cookie. Nothing was done.",
            ),
            Self::RequestGone | Self::Decision(DecisionError::AlreadyDecided) => over(
                "This request is over",
                "It was answered already, took longer than ten minutes, or was started in another browser. \
                 Only the application can start it again.",
            ),
            Self::DeviceGone => over(
                "No device waits with this code any more",
                "Somebody answered it already, or it took longer than ten minutes. Your device shows what became of it.",
            ),
            Self::Password(PasswordError::Busy) => ErrorPage::new(
                StatusCode::TOO_MANY_REQUESTS,
                Turn::You,
                "Too many people are signing in",
                "Your password was not looked at. Wait a few seconds.",
            ),
            Self::Password(PasswordError::Argon2(_) | PasswordError::Randomness(_) | PasswordError::Worker(_))
            | Self::Decision(DecisionError::Randomness(_) | DecisionError::Seal(_) | DecisionError::Store(_))
            | Self::Randomness(_)
            | Self::Store(_) => unavailable(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let page = self.page();
        let mut response = page.into_response();
        response.extensions_mut().insert(Refused(self.reason()));
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(error = %self, source = std::error::Error::source(&self), "page failed");
        } else {
            tracing::warn!(error = %self, "page refused");
        }
        response
    }
}

fn over(title: &'static str, message: &'static str) -> ErrorPage {
    ErrorPage::new(StatusCode::BAD_REQUEST, Turn::You, title, message)
}

fn unavailable() -> ErrorPage {
    let message = "Something that it stands on did not work. Nothing was decided.";
    ErrorPage::new(StatusCode::SERVICE_UNAVAILABLE, Turn::Operator, "The server could not do this", message)
}

fn malformed(status: StatusCode) -> ErrorPage {
    let message = "A field is missing, repeated, too long or not readable.";
    ErrorPage::new(status, Turn::You, "This page was not filled in by its own form", message)
}

fn status_of(error: &NotAForm) -> StatusCode {
    match error {
        NotAForm::Body(rejection) => rejection.status(),
        NotAForm::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        NotAForm::Malformed(MalformedParameters::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        NotAForm::Query
        | NotAForm::Malformed(
            MalformedParameters::TooMany | MalformedParameters::NotUtf8 | MalformedParameters::Repeated,
        ) => StatusCode::BAD_REQUEST,
    }
}
