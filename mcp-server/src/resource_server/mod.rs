//! The reusable layer that turns a router into a protected resource (RFC 9728, MCP authorization): it knows
//! tower, http and the keys of issuers, and nothing of the tools behind it.
//!
//! A request passes: size → `Host` → `Origin` and preflight → bearer → verifier → scope → the inner service,
//! which finds an [`AccessToken`] in the request's extensions and no `Authorization` header. A current span with the fields
//! `issuer`, `client_id` and `outcome` gets them, and of a refusal the `tool`.

mod access_token;
mod audience;
mod audit;
mod bearer;
mod challenge;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod introspect;
mod issuer;
mod json_rpc;
mod layer;
pub mod metadata;
mod metrics;
mod options;
mod origin;
mod presets;
mod refusal_body;
mod remedies;
mod require_scope;
mod resource;
mod rules;
mod scope;
mod scope_names;
mod service;
pub mod shim;
mod trace;
mod user_info;
mod verdicts;
mod verifier;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::http::header::AUTHORIZATION;
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue};
use axum::Router;
use verification_keys::http::{Client, ClientError};
use verification_keys::issuer::InvalidIssuer;
use verification_keys::jwk_set::FetchError;

pub use access_token::AccessToken;
pub use audience::{AudienceRules, InvalidStrictness, Strictness};
pub use audit::AuditLog;
pub use bearer::{BearerToken, MAX_TOKEN_BYTES};
pub use challenge::{Challenger, Reason, Refusal};
pub use host::{AllowedHosts, InvalidHost};
pub use introspect::{
    AssertionKey, AuthenticationMethod, Credentials, IntrospectionMode, IntrospectionOptions, InvalidAssertionKey,
    InvalidMethod, InvalidMode, Proof, Secret,
};
pub use issuer::{IssuerOptions, IssuerPlaces};
pub use layer::ResourceServerLayer;
pub use metadata::ProtectedResourceMetadata;
pub use metrics::METRICS_MEDIA_TYPE;
pub use origin::{AllowedOrigins, InvalidOrigin};
pub use presets::{
    AudienceKind, Evidence, EvidenceLabel, Guard, Introspection, Preset, Recipe, RequiredClaim, TENANT, TenantTemplate,
    UnknownPreset, Variant,
};
pub use refusal_body::RefusalBody;
pub use require_scope::{RequireScope, RequireScopeLayer};
pub use resource::{InvalidResource, ResourceIdentifier};
pub use rules::CLOCK_TOLERANCE;
pub use scope::{Requirement, ScopePolicy, Scopes};
pub use scope_names::ScopeNames;
pub use service::{ResourceServerService, ResponseFuture};
pub use shim::{ShimClient, ShimError, ShimOptions, ShimRedirectUri};
pub use user_info::{UserInfo, UserInfoError};
pub use verdicts::DEFAULT_CAPACITY;
pub use verification_keys::{Clock, HttpHosts, Issuer, SystemClock};

#[cfg(feature = "demo")]
pub(crate) use introspect::token_information;

use issuer::TrustedIssuer;
use metrics::{KeysOf, Metrics};
use service::Content;
use shim::Shim;
use verdicts::{TokenHash, Verdicts};
use verifier::Verifier;

/// The names of this machine to itself, as they stand in URLs.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What is configured about a protected resource.
#[derive(Clone, Debug)]
pub struct ResourceServerOptions {
    /// Its public URL.
    pub resource: ResourceIdentifier,
    /// Whose tokens it takes.
    pub issuers: Vec<IssuerOptions>,
    /// Where clients are sent for a token: the issuers or their shim, unless something else stands in front of them.
    pub advertised_issuers: Option<Vec<String>>,
    /// What its operations need.
    pub scopes: ScopePolicy,
    /// Its name for people, in the metadata.
    pub name: Option<String>,
    /// Names it answers to besides that of the public URL: `host` or `host:port`.
    pub allowed_hosts: Vec<String>,
    /// Origins of pages that may call it, besides its own.
    pub allowed_origins: Vec<String>,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many verified tokens are kept.
    pub cached_tokens: u64,
    /// Where the id of a request is found, for refusals and the log; nowhere unless it is set.
    pub request_id: RequestIdSource,
    /// Whether handlers find a [`UserInfo`] in the extensions of a request, for issuers that have the endpoint.
    pub user_info: bool,
    /// Where it is written who called what, if anywhere.
    pub audit: Option<AuditLog>,
    /// Makes the bodies of refusals, instead of the JSON object with reason and description.
    pub refusal_body: Option<RefusalBody>,
}

/// Finds the id that an outer layer gave to a request, in its extensions or headers.
pub type RequestIdSource = fn(&Parts) -> Option<String>;

impl ResourceServerOptions {
    /// A resource that takes the tokens of one issuer.
    #[must_use]
    pub fn new(resource: ResourceIdentifier, issuer: IssuerOptions, scopes: ScopePolicy) -> Self {
        Self::of(resource, vec![issuer], scopes)
    }

    /// A resource that takes the tokens of several issuers.
    #[must_use]
    pub fn of(resource: ResourceIdentifier, issuers: Vec<IssuerOptions>, scopes: ScopePolicy) -> Self {
        Self {
            resource,
            issuers,
            advertised_issuers: None,
            scopes,
            name: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_body_bytes: 1024 * 1024,
            cached_tokens: DEFAULT_CAPACITY,
            request_id: |_| None,
            user_info: false,
            audit: None,
            refusal_body: None,
        }
    }
}

/// Why options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidOptions {
    /// The public URL is none.
    #[error("the resource is {0}")]
    Resource(#[from] InvalidResource),
    /// The issuer is none.
    #[error("the issuer is {0}")]
    Issuer(#[from] InvalidIssuer),
    /// Outgoing calls cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No issuer.
    #[error("no issuer is trusted")]
    NoIssuer,
    /// An opaque token does not say whose it is.
    #[error("more than one issuer is said to have opaque tokens")]
    SeveralOpaqueIssuers,
    /// A shim has one issuer behind it.
    #[error("more than one issuer is to have the metadata shim")]
    SeveralShims,
    /// Two issuers have the same name, so that their rules cannot be told apart.
    #[error("{0} is trusted twice")]
    SameIssuer(String),
    /// A template stands for no issuer.
    #[error("{0} stands for many tenants, and none is named")]
    NoTenant(String),
    /// A host is none.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// An origin is none.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
}

/// A protected resource. Clones share its keys and caches.
#[derive(Clone, Debug)]
pub struct ResourceServer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    verifier: Verifier,
    hosts: AllowedHosts,
    origins: AllowedOrigins,
    scopes: ScopePolicy,
    challenger: Challenger,
    metrics: Arc<Metrics>,
    metadata: ProtectedResourceMetadata,
    resource: ResourceIdentifier,
    shim: Option<Arc<Shim>>,
    max_body_bytes: usize,
    request_id: RequestIdSource,
    /// Who asks about people, if that is wanted.
    user_info: Option<Client>,
    audit: Option<AuditLog>,
}

impl ResourceServer {
    /// The plainest one: the resource `public_url` takes the RFC 9068 tokens of `issuer` that name it as their
    /// audience. For more choice there are [`ResourceServerOptions`].
    ///
    /// # Errors
    /// The argument that cannot be used.
    pub fn for_issuer(public_url: &str, issuer: &str, scopes: ScopePolicy) -> Result<Self, InvalidOptions> {
        ResourceServerOptions::for_issuers(public_url, &[issuer], scopes)?.build()
    }

    /// Puts a resource server together; nothing is fetched yet.
    ///
    /// # Errors
    /// The option that cannot be used.
    pub fn new(options: ResourceServerOptions, client: &Client, clock: Arc<dyn Clock>) -> Result<Self, InvalidOptions> {
        Self::check_issuers(&options.issuers)?;
        let advertised = options.advertised();
        let (resource, scopes) = (options.resource, options.scopes);
        let shim_of = |issuer| Shim::of(issuer, &resource, scopes.challenge(), (client, &clock));
        let shim = options.issuers.iter().find_map(shim_of);
        let metrics = Arc::new(Metrics::new());
        let trust = |issuer| TrustedIssuer::new(issuer, client, Arc::clone(&clock), &metrics);
        let issuers: Vec<TrustedIssuer> = options.issuers.into_iter().map(trust).collect();
        let asked = asked_scopes(&issuers, scopes.challenge());
        let challenged = issuers.first().map(|issuer| issuer.rules.scope_names.asked(scopes.challenge()));
        let metadata = ProtectedResourceMetadata::new(&resource, &advertised, &asked, options.name.as_deref());
        let verifier = Verifier {
            issuers,
            verdicts: Verdicts::new(options.cached_tokens),
            clock,
            observed: AtomicU64::new(0),
            metrics: Arc::clone(&metrics),
        };
        Ok(Self(Arc::new(Shared {
            verifier,
            hosts: AllowedHosts::new(&resource, &options.allowed_hosts)?,
            origins: AllowedOrigins::new(&resource, &options.allowed_origins)?,
            challenger: Challenger::new(metadata::url(&resource), challenged.unwrap_or_default())
                .with_body(options.refusal_body),
            metrics,
            scopes,
            metadata,
            resource,
            shim,
            max_body_bytes: options.max_body_bytes,
            request_id: options.request_id,
            user_info: options.user_info.then(|| client.clone()),
            audit: options.audit,
        })))
    }

    /// Whether tokens can be told apart by their issuers.
    ///
    /// # Errors
    /// What is ambiguous about them.
    pub fn check_issuers(issuers: &[IssuerOptions]) -> Result<(), InvalidOptions> {
        if issuers.is_empty() {
            return Err(InvalidOptions::NoIssuer);
        }
        if issuers.iter().filter(|issuer| issuer.opaque_tokens).count() > 1 {
            return Err(InvalidOptions::SeveralOpaqueIssuers);
        }
        if issuers.iter().filter(|issuer| issuer.shim.is_some()).count() > 1 {
            return Err(InvalidOptions::SeveralShims);
        }
        let mut seen = std::collections::HashSet::new();
        for issuer in issuers {
            let names = issuer.names();
            if names.is_empty() {
                return Err(InvalidOptions::NoTenant(issuer.issuer.to_string()));
            }
            if let Some(again) = names.into_iter().find(|name| !seen.insert(name.clone())) {
                return Err(InvalidOptions::SameIssuer(again));
            }
        }
        Ok(())
    }

    /// The layer for the MCP endpoint. It looks into the messages for what they ask for.
    #[must_use]
    pub fn layer(&self) -> ResourceServerLayer {
        ResourceServerLayer::new(self.clone(), Content::Mcp)
    }

    /// The layer for other routes: the same, but for bodies, which it does not read.
    #[must_use]
    pub fn http_layer(&self) -> ResourceServerLayer {
        ResourceServerLayer::new(self.clone(), Content::Http)
    }

    /// What a route needs besides a good token. It goes inside one of the two layers above.
    #[must_use]
    pub fn require_scope(&self, needs: impl Into<Requirement>) -> RequireScopeLayer {
        RequireScopeLayer::new(self.clone(), needs.into())
    }

    /// The routes of the protected resource metadata, and of the shim where there is one: public, so outside the layer.
    pub fn metadata_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let routes = self.0.metadata.routes(&self.0.resource);
        match &self.0.shim {
            Some(shim) => routes.merge(shim.routes(&self.0.resource)),
            None => routes,
        }
    }

    /// Whether the metadata shim can stand in front of its issuer, which is asked now. Without a shim it can.
    ///
    /// # Errors
    /// Why not; a server should not start with an error that [`ShimError::is_final`].
    pub async fn check_shim(&self) -> Result<(), ShimError> {
        match &self.0.shim {
            Some(shim) => shim.check().await,
            None => Ok(()),
        }
    }

    /// Fetches the keys of all issuers, so that the first request does not wait for them.
    ///
    /// # Errors
    /// Why the keys of one could not be had; the others are fetched nevertheless.
    pub async fn fetch_keys(&self) -> Result<(), Arc<FetchError>> {
        let mut outcome = Ok(());
        for issuer in &self.0.verifier.issuers {
            if let Err(error) = issuer.keys.refresh().await {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Whether there are keys of every issuer.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.verifier.issuers.iter().all(|issuer| issuer.keys.is_ready())
    }

    /// The verdict on a token as on a request that carries it, without the request: for other transports and for
    /// people who want to know.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn verify(&self, token: &str) -> Result<AccessToken, Refusal> {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Reason::AuthorizationMalformed)?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        let hash = TokenHash::of(BearerToken::from_headers(&headers)?.reveal());
        match self.0.verifier.known(&hash) {
            Some(known) => Ok(known),
            None => self.0.verifier.verify(token, hash).await,
        }
    }

    /// The `kid`s of the usable keys that are held of an issuer; without keys, none.
    #[must_use]
    pub fn key_ids(&self, issuer: &str) -> Vec<String> {
        let named = self.0.verifier.issuers.iter().filter(|trusted| &*trusted.name == issuer);
        named.flat_map(|trusted| trusted.keys.key_ids()).collect()
    }

    /// Whether there are keys of an issuer that may be used now.
    #[must_use]
    pub fn has_keys(&self, issuer: &str) -> bool {
        self.0.verifier.issuers.iter().any(|trusted| &*trusted.name == issuer && trusted.keys.is_ready())
    }

    /// How many tokens passed that the strict audience check would refuse.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.0.verifier.observed.load(Ordering::Relaxed)
    }

    /// What has been counted, as text of the media type [`METRICS_MEDIA_TYPE`]: for a port of its own, never
    /// for the public one.
    #[must_use]
    pub fn metrics(&self) -> String {
        let Shared { verifier, metrics, .. } = &*self.0;
        let keys = |issuer: &TrustedIssuer| KeysOf { issuer: Arc::clone(&issuer.name), keys: issuer.keys.clone() };
        metrics.text(verifier.issuers.iter().map(keys).collect(), verifier.verdicts.len())
    }
}

/// Our scopes, as each issuer is asked for them.
fn asked_scopes(issuers: &[TrustedIssuer], ours: &Scopes) -> Scopes {
    let asked: Vec<Scopes> = issuers.iter().map(|issuer| issuer.rules.scope_names.asked(ours)).collect();
    asked.iter().flat_map(Scopes::iter).collect()
}
