//! The I/O half of every exchange: send one request, follow no redirect, read a bounded answer.

use http::{HeaderMap, StatusCode, header};
use std::{error::Error, fmt};
use verification_keys::http::{CallError, read_limited};

/// A request ready to be sent.
pub type Request = http::Request<Vec<u8>>;

/// Largest metadata, registration or token answer read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What a server answered; its `Debug` shows no body, which may hold tokens.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Response headers.
    pub headers: HeaderMap,
    /// At most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the content type is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        let content_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The request could not be built; the URL or a header is unusable.
    #[error("a request could not be built")]
    Unsendable,
    /// No connection, a timeout, or a connection that broke.
    #[error("could not reach {origin} ({})", root_cause(.source))]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// What the HTTP client saw.
        source: reqwest::Error,
    },
    /// The address is not one to call (MCP best practices "SSRF").
    #[error(
        "{0} is not called from here: its address is not public. If it is yours, name it in MCP_CLIENT_WEB_ALLOWED_HOSTS"
    )]
    Forbidden(String),
    /// The answer goes beyond [`MAX_ANSWER_BYTES`].
    #[error("{origin} sent more than {MAX_ANSWER_BYTES} bytes, which is too much for this answer")]
    TooLarge {
        /// Scheme, host and port.
        origin: String,
    },
}

/// Builds a GET for a JSON document.
#[must_use]
pub fn get_json(url: &url::Url) -> Request {
    let mut request = Request::new(Vec::new());
    if let Ok(uri) = url.as_str().parse() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    request
}

/// Builds a POST of `body` for a JSON answer.
#[must_use]
pub fn post(url: &url::Url, content_type: &'static str, body: Vec<u8>) -> Request {
    let mut request = get_json(url);
    *request.method_mut() = http::Method::POST;
    request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    *request.body_mut() = body;
    request
}

/// Sends `request` with `http`, which must not follow redirects.
///
/// # Errors
/// When there is no answer, or one that is too large.
pub async fn send(http: &reqwest::Client, request: Request) -> Result<Answer, ExchangeError> {
    let request = reqwest::Request::try_from(request).map_err(|_| ExchangeError::Unsendable)?;
    let origin = request.url().origin().ascii_serialization();
    let unreachable = |source: reqwest::Error| ExchangeError::Unreachable { origin: origin.clone(), source };
    let response = http.execute(request).await.map_err(unreachable)?;
    match read_limited(response, MAX_ANSWER_BYTES).await {
        Ok(answer) => Ok(Answer { status: answer.status, headers: answer.headers, body: answer.body }),
        Err(CallError::TooLarge(_)) => Err(ExchangeError::TooLarge { origin }),
        Err(CallError::NoAnswer(source)) => Err(unreachable(source)),
    }
}

/// The innermost cause, which is the one that says something to a person.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
