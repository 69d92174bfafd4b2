//! Why a document is of no use. People and clients read a constant, the log has the cause.

use super::InvalidDocumentUrl;
use crate::{
    outgoing::OutgoingError,
    pages::{ErrorPage, Turn},
    protocol::ErrorCode,
    register::InvalidMetadata,
    store::StoreError,
};
use http::StatusCode;
use verification_keys::http::CallError;

/// Why there is no telling whether there is such a client.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Its document.
    #[error(transparent)]
    Document(#[from] UnusableDocument),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a document is of no use.
#[derive(Debug, thiserror::Error)]
pub enum UnusableDocument {
    /// The identifier cannot be the address of one.
    #[error("the client_id {0}")]
    Url(#[from] InvalidDocumentUrl),
    /// Too many are being fetched, or were for this address.
    #[error("too many metadata documents are being fetched")]
    Busy,
    /// It may not be called, does not answer, or is too long.
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    /// Any status but 200.
    #[error("the metadata document is answered with {0}")]
    Status(StatusCode),
    /// Not JSON by its headers.
    #[error("the metadata document is not application/json")]
    ContentType,
    /// It is about another client.
    #[error("client_id in the metadata document is not its URL")]
    ClientId,
    /// It has a secret in it, or a method that needs one.
    #[error("the metadata document has a shared secret")]
    SharedSecret,
    /// MCP: `client_name` is required.
    #[error("the metadata document has no client_name")]
    NameMissing,
    /// It breaks a rule for all clients.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
}

impl UnusableDocument {
    /// The code for a client that authenticates: another try may help, or not. A host that leads to a forbidden address
    /// looks like one that does not answer, so that nobody learns our names.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Status(status) if status.is_server_error() => ErrorCode::TemporarilyUnavailable,
            Self::Busy | Self::Outgoing(OutgoingError::Call(CallError::NoAnswer(_))) => {
                ErrorCode::TemporarilyUnavailable
            }
            Self::Outgoing(OutgoingError::Forbidden(_) | OutgoingError::Call(CallError::TooLarge(_)))
            | Self::Url(_)
            | Self::Status(_)
            | Self::ContentType
            | Self::ClientId
            | Self::SharedSecret
            | Self::NameMissing
            | Self::Metadata(_) => ErrorCode::InvalidClient,
        }
    }

    /// The page that the person sees. Nothing of the request or of the document is in it.
    #[must_use]
    pub fn page(&self) -> ErrorPage {
        if matches!(self, Self::Busy) {
            let message = "It had to look up too many applications, for all or for your network. Wait a few seconds.";
            return ErrorPage::new(StatusCode::TOO_MANY_REQUESTS, Turn::You, "This server is busy", message);
        }
        let message = "The application says who it is in a metadata document, and that document cannot be used.";
        ErrorPage::new(StatusCode::BAD_REQUEST, Turn::Application, "This application cannot be identified", message)
            .listing("What is wrong with it:", [format!("invalid_client: {}", self.description())])
    }

    /// What is wrong, and what would be right: a constant.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        match self {
            Self::Url(_) => {
                "a client_id that is a URL is https with a path, in normal form, without fragment, \
                 user information and dot segments"
            }
            Self::Busy => "too many metadata documents are being fetched",
            Self::Outgoing(OutgoingError::Forbidden(_) | OutgoingError::Call(CallError::NoAnswer(_))) => {
                "the document cannot be reached at a public address within 5 seconds"
            }
            Self::Outgoing(OutgoingError::Call(CallError::TooLarge(_))) => "the document is longer than 5 KB",
            Self::Status(_) => "the document is not answered with 200; redirects are not followed",
            Self::ContentType => "the Content-Type of the document is not application/json",
            Self::ClientId => "client_id in the document is not the URL of the document, to the letter",
            Self::SharedSecret => {
                "the document has a client_secret, or a token_endpoint_auth_method that needs one: \
                 use none or private_key_jwt"
            }
            Self::NameMissing => "the document has no client_name",
            Self::Metadata(problem) => problem.description(),
        }
    }
}
