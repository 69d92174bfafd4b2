//! Outgoing HTTP with bounds: no redirect is followed, a call ends after 5 s, certificates are verified (with the
//! operating system's and any extra roots), and a body is read only up to a limit. Nothing is decompressed, and no
//! proxy is taken from the environment.

use std::{sync::Arc, time::Duration};

use reqwest::{
    ClientBuilder, Response, StatusCode,
    header::{ACCEPT, HeaderMap},
    redirect,
};
use url::Url;

pub use crate::cache_control::freshness_lifetime;
pub use reqwest::{Client, dns};

/// How long a whole call may take unless it is set otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// What can be chosen about outgoing calls.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Certificates to trust besides the operating system's: PEM, one or many.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// How long a call may take, from connecting to the last byte.
    pub timeout: Duration,
    /// Headers of every call.
    pub headers: HeaderMap,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { extra_ca_pem: None, timeout: DEFAULT_TIMEOUT, headers: HeaderMap::new() }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The extra certificates hold no certificate, or a broken one.
    #[error("the extra certificates are not PEM certificates")]
    Certificates,
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[source] reqwest::Error),
}

/// Makes a client that keeps the bounds of this module. [`crate::install_crypto_providers`] comes first.
///
/// # Errors
/// When the extra certificates are none, or TLS cannot be set up.
pub fn client(options: &ClientOptions) -> Result<Client, ClientError> {
    builder(options)?.build().map_err(ClientError::Tls)
}

/// As [`client()`], and only `resolver` says where a name is: what it returns is what is connected to. A host that is
/// an IP address already never gets to it.
///
/// # Errors
/// As [`client()`].
pub fn client_with_resolver(options: &ClientOptions, resolver: Arc<dyn dns::Resolve>) -> Result<Client, ClientError> {
    builder(options)?.dns_resolver(resolver).build().map_err(ClientError::Tls)
}

fn builder(options: &ClientOptions) -> Result<ClientBuilder, ClientError> {
    let extra = match &options.extra_ca_pem {
        None => Vec::new(),
        Some(pem) => certificates(pem)?,
    };
    #[expect(clippy::disallowed_methods, reason = "the one place where clients are made, with every bound")]
    let builder = Client::builder();
    Ok(builder
        .redirect(redirect::Policy::none())
        .timeout(options.timeout)
        .default_headers(options.headers.clone())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(extra))
}

fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, ClientError> {
    let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| ClientError::Certificates)?;
    if found.is_empty() { Err(ClientError::Certificates) } else { Ok(found) }
}

/// An answer whose body was read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; a redirect is one like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Not reached, cut off, or not in time.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The body is longer than the limit of this many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
}

/// Gets `url`, accepting `media_types`, with a body of `max_bytes` at most.
///
/// # Errors
/// When there is no answer or it is too long; any status is an answer.
pub async fn get_limited(client: &Client, url: &Url, media_types: &str, max_bytes: usize) -> Result<Answer, CallError> {
    let response = client.get(url.clone()).header(ACCEPT, media_types).send().await.map_err(CallError::NoAnswer)?;
    read_limited(response, max_bytes).await
}

/// Reads the body of `response`, and stops as soon as it is longer than `max_bytes`.
///
/// # Errors
/// When the body breaks off or is too long.
pub async fn read_limited(mut response: Response, max_bytes: usize) -> Result<Answer, CallError> {
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(CallError::TooLarge(max_bytes));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(CallError::NoAnswer)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(CallError::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
}
