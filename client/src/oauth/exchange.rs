//! The I/O half of every exchange: send one request, follow no redirect, read a bounded answer.

use http::{HeaderMap, StatusCode, header};
use std::{error::Error, fmt, io};
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

/// The innermost cause, which is the one that says something to a person, and what to do about it where that is known.
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match tls_error(cause).and_then(tls_hint).or_else(|| http_hint(cause)) {
        Some(hint) => format!("{cause}; {hint}"),
        None => cause.to_string(),
    }
}

/// The TLS error in `error`, which may be wrapped as an I/O error more than once.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => tls_error(inner),
        None => error.downcast_ref(),
    }
}

fn tls_hint(error: &rustls::Error) -> Option<&'static str> {
    use rustls::{CertificateError as Certificate, Error as Tls};
    match error {
        Tls::InvalidMessage(_) => Some("it does not speak https there: is its URL one with http?"),
        Tls::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature)
        | Tls::NoCertificatesPresented => Some(
            "nobody that this computer trusts has signed its certificate: name the file that does with MCP_CA_CERT",
        ),
        Tls::InvalidCertificate(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. }) => {
            Some("its certificate is for another host: use the name that stands in it")
        }
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            Some("its certificate has expired: its operator has to renew it")
        }
        _ => None,
    }
}

/// The HTTP client has no type for what a TLS server says to plain http.
fn http_hint(error: &dyn Error) -> Option<&'static str> {
    let is_no_http = error.to_string().contains("invalid HTTP version");
    is_no_http.then_some("it does not speak http there: is its URL one with https?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::{http_client, world::World};
    use rustls::CertificateError;

    #[tokio::test]
    async fn https_where_there_is_http_and_the_other_way_round_are_told_apart_from_silence() {
        let world = World::start().await;
        let url = world.server().replace("http://", "https://").parse().unwrap();
        let failed = send(&http_client(), get_json(&url)).await.unwrap_err().to_string();
        assert!(failed.contains("it does not speak https there"), "{failed}");
        // What a TLS server answers to plain http: an alert.
        let tls = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", tls.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = tls.accept().await.unwrap();
            let _request = stream.read(&mut [0; 1024]).await;
            stream.write_all(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]).await.unwrap();
        });
        let failed = send(&http_client(), get_json(&url)).await.unwrap_err().to_string();
        assert!(failed.contains("it does not speak http there"), "{failed}");
    }

    #[test]
    fn a_certificate_that_is_not_trusted_names_the_setting() {
        let untrusted = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let said = root_cause(&io::Error::other(untrusted));
        assert!(said.contains("UnknownIssuer") && said.contains("MCP_CA_CERT"), "{said}");
        assert_eq!(root_cause(&io::Error::other("x")), "x");
    }
}
