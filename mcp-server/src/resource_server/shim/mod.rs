//! The metadata shim, for issuers that MCP clients cannot use as they are: an RFC 8414 document at our own origin with
//! the issuer's endpoints and S256. `iss` of the tokens stays the issuer's. Only where asked for, it also answers
//! registration (RFC 7591) with one client, and changes `resource` and `audience` on the way to the issuer.

mod authorize;
mod document;
mod parameters;
mod redirect_uri;
mod registration;
#[cfg(test)]
mod tests;
mod token;
mod upstream;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use tokio::sync::Semaphore;
use verification_keys::Clock;
use verification_keys::http::Client;
use verification_keys::metadata::MetadataError;

pub use redirect_uri::{InvalidRedirectUri, ShimRedirectUri};

#[cfg(any(test, fuzzing))]
pub(super) use document::fuzz_document;

use super::issuer::IssuerOptions;
use super::metadata::{ANY_ORIGIN, preflight_of};
use super::resource::ResourceIdentifier;
use super::scope::Scopes;
use upstream::Upstream;

/// Where the document stands; the path of the resource may follow, for clients that look there.
pub const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";
/// Where clients register, if that is answered.
pub const REGISTER: &str = "/oauth2/register";
/// Where browsers are sent on from, if requests have to be changed.
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// Where codes are passed on from, if `resource` has to be taken out.
pub const TOKEN: &str = "/oauth2/token";

/// The longest body of a registration or a token request, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How many token requests are passed on at a time.
const MAX_IN_FLIGHT: usize = 32;
/// When to ask again while the issuer is away, in seconds.
const RETRY_AFTER: &str = "10";

/// What the shim of an issuer does besides its document.
#[derive(Clone, Debug, Default)]
pub struct ShimOptions {
    /// What registration is answered with; without it nobody registers here.
    pub client: Option<ShimClient>,
    /// Takes `resource` out of requests, for issuers that refuse it. Token requests then pass through this server.
    pub drop_resource: bool,
    /// Puts this `audience` into authorization requests, for issuers that know no `resource`.
    pub add_audience: Option<String>,
}

/// The one public client that every registration is answered with.
#[derive(Clone, Debug)]
pub struct ShimClient {
    /// Its id at the issuer. It has no secret: whoever registers here would know it.
    pub client_id: String,
    /// The redirect URIs that it has at the issuer.
    pub redirect_uris: Vec<ShimRedirectUri>,
}

impl ShimOptions {
    const fn changes_requests(&self) -> bool {
        self.drop_resource || self.add_audience.is_some()
    }
}

/// Why there is no document to serve.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// The issuer's own could not be had.
    #[error(transparent)]
    Metadata(Box<MetadataError>),
    /// RFC 9207 §2.4: a client compares `iss` of the answer with the issuer of the metadata, which is ours.
    #[error(
        "the issuer puts iss into its answers (RFC 9207), so clients would refuse every answer that reaches them through \
         a shim"
    )]
    SendsIss,
    /// The list of methods is there, and S256 is not in it.
    #[error("the issuer says that it does not take PKCE with S256, so a shim must not promise it")]
    NoS256,
    /// A URL that clients need is missing, no URL, or may not be spoken to.
    #[error("{member} in the issuer's metadata is {problem}")]
    BadEndpoint {
        /// The member's name.
        member: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl From<MetadataError> for ShimError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(Box::new(error))
    }
}

impl ShimError {
    /// Whether only another configuration, here or there, can help: then a server should not start.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::SendsIss | Self::NoS256 => true,
            Self::Metadata(_) | Self::BadEndpoint { .. } => false,
        }
    }
}

/// The issuer that the shim is: our own origin, in the one form that metadata and document share (RFC 8414 §3.3).
#[must_use]
pub fn issuer(resource: &ResourceIdentifier) -> String {
    resource.url().origin().ascii_serialization()
}

/// The paths that a shim takes at our origin.
#[must_use]
pub fn paths(resource: &ResourceIdentifier) -> Vec<String> {
    let own = [WELL_KNOWN, REGISTER, AUTHORIZE, TOKEN].map(ToOwned::to_owned);
    own.into_iter().chain(suffixed(resource)).collect()
}

/// The path-inserted form, where clients look that take the resource for the issuer.
fn suffixed(resource: &ResourceIdentifier) -> Option<String> {
    let path = resource.url().path();
    (path != "/").then(|| format!("{WELL_KNOWN}{path}"))
}

/// The shim in front of one issuer.
#[derive(Debug)]
pub(super) struct Shim {
    options: ShimOptions,
    upstream: Upstream,
    client: Client,
    places: Semaphore,
}

impl Shim {
    /// The shim of `issuer`, if it is to have one; `scopes` are ours.
    pub(super) fn of(
        issuer: &IssuerOptions,
        resource: &ResourceIdentifier,
        scopes: &Scopes,
        (client, clock): (&Client, &Arc<dyn Clock>),
    ) -> Option<Arc<Self>> {
        let options = issuer.shim.clone()?;
        let face = document::Face::new(issuer, &options, resource, scopes);
        let upstream = Upstream::new(issuer, face, client.clone(), Arc::clone(clock));
        Some(Arc::new(Self { options, upstream, client: client.clone(), places: Semaphore::new(MAX_IN_FLIGHT) }))
    }

    /// Whether the document can be served, as far as the issuer tells.
    pub(super) async fn check(&self) -> Result<(), ShimError> {
        self.upstream.fetch().await.map(|_| ())
    }

    pub(super) fn routes<S: Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        resource: &ResourceIdentifier,
    ) -> Router<S> {
        let mut router = Router::new().without_v07_checks();
        for path in std::iter::once(WELL_KNOWN.to_owned()).chain(suffixed(resource)) {
            router = router.route(&path, get(metadata).options(preflight_of("GET")));
        }
        if self.options.client.is_some() {
            router = router.route(REGISTER, post(registration::register).options(preflight_of("POST")));
        }
        if self.options.changes_requests() {
            router = router.route(AUTHORIZE, get(authorize::redirect));
        }
        if self.options.drop_resource {
            router = router.route(TOKEN, post(token::pass_on).options(preflight_of("POST")));
        }
        router.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(Arc::clone(self))
    }
}

/// `GET /.well-known/oauth-authorization-server`: public, for any origin.
async fn metadata(State(shim): State<Arc<Shim>>) -> Response {
    let Ok(known) = shim.upstream.current().await else { return unavailable() };
    let headers = [
        ANY_ORIGIN,
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, known.document.clone()).into_response()
}

const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The issuer is away, or what it says cannot be used; which of them stands in the log.
fn unavailable() -> Response {
    let retry_after = (header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    let description = "The issuer's metadata or answer cannot be had at the moment";
    let answer = error("temporarily_unavailable", description);
    (StatusCode::SERVICE_UNAVAILABLE, [ANY_ORIGIN, NO_STORE, retry_after], answer).into_response()
}

fn error(code: &'static str, description: &str) -> Json<serde_json::Value> {
    Json(json!({ "error": code, "error_description": description }))
}
