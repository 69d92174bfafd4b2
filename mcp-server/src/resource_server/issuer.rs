//! One trusted issuer: its keys, its rules, and how to ask it.

use std::sync::Arc;

use jiff::SignedDuration;
use url::Url;
use verification_keys::http::Client;
use verification_keys::jwk_set::{JwkSetSource, RemoteJwkSet, RemoteOptions};
use verification_keys::metadata::Overrides;
use verification_keys::{AllowedAlgorithms, Clock, HttpHosts, Issuer, SigningAlgorithm};

use super::audience::AudienceRules;
use super::introspect::{IntrospectionEndpoint, IntrospectionMode, IntrospectionOptions, Introspector};
use super::metrics::{IntrospectionMeter, Metrics};
use super::presets::{Introspection, Preset, TENANT};
use super::rules::Rules;
use super::scope_names::ScopeNames;
use super::shim::ShimOptions;

/// What is configured about an issuer.
#[derive(Clone, Debug)]
pub struct IssuerOptions {
    /// `iss`, byte for byte; or a template of the preset's with `{tenantid}`.
    pub issuer: Issuer,
    /// The tenants whose tokens are taken, when `issuer` is a template.
    pub tenants: Vec<String>,
    /// How its tokens look.
    pub preset: &'static Preset,
    /// Which of its tokens are taken.
    pub audience: AudienceRules,
    /// The algorithms that it may sign with.
    pub algorithms: AllowedAlgorithms,
    /// Whether a token without `kid` is taken, if exactly one key fits; as the preset says unless it is set.
    pub unnamed_keys: bool,
    /// What it calls our scopes.
    pub scope_names: ScopeNames,
    /// When it is asked about tokens.
    pub introspection: IntrospectionOptions,
    /// Whether it has opaque tokens. At most one issuer may.
    pub opaque_tokens: bool,
    /// The longest time from `iat` to `exp`; the preset's bound unless it is set.
    pub max_token_lifetime: Option<SignedDuration>,
    /// Where things are, when its metadata does not say so.
    pub places: IssuerPlaces,
    /// What stands in front of it for MCP clients that cannot use it as it is. At most one issuer may have it.
    pub shim: Option<ShimOptions>,
}

/// Addresses that replace those found by discovery. None of them changes the expected `iss`.
#[derive(Clone, Debug, Default)]
pub struct IssuerPlaces {
    /// The metadata document.
    pub metadata: Option<Url>,
    /// The JWK Set.
    pub jwks: Option<Url>,
    /// The introspection endpoint.
    pub introspection: Option<Url>,
    /// Hosts that may be reached by plain http.
    pub http_hosts: HttpHosts,
}

impl IssuerOptions {
    /// An issuer whose tokens are verified locally, and never asked about.
    #[must_use]
    pub fn new(issuer: Issuer, preset: &'static Preset, audience: AudienceRules) -> Self {
        let mode = IntrospectionMode::Never;
        let introspection = IntrospectionOptions { mode, credentials: None, cache: SignedDuration::from_secs(30) };
        Self {
            issuer,
            tenants: Vec::new(),
            preset,
            audience,
            algorithms: AllowedAlgorithms::default(),
            unnamed_keys: preset.unnamed_keys,
            scope_names: ScopeNames::default(),
            introspection,
            opaque_tokens: false,
            max_token_lifetime: None,
            places: IssuerPlaces::default(),
            shim: None,
        }
    }

    /// Whether the issuer stands for one issuer per tenant.
    #[must_use]
    pub fn is_template(&self) -> bool {
        !self.preset.tenants.is_empty() && self.issuer.as_str().contains(TENANT)
    }

    /// Each `iss` that is trusted: the issuer, or one for each tenant of a template.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        if !self.is_template() {
            return vec![self.issuer.as_str().to_owned()];
        }
        self.tenants.iter().map(|tenant| self.issuer.as_str().replace(TENANT, tenant)).collect()
    }

    /// What configuration and preset say instead of, or beside, the issuer's metadata.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let (places, preset) = (&self.places, self.preset);
        let usual = || preset.metadata_url(self.issuer.as_str())?.parse().ok();
        let introspection_endpoint = match preset.introspection {
            Introspection::TokenInformation(url) => places.introspection.clone().or_else(|| url.parse().ok()),
            _ => places.introspection.clone(),
        };
        Overrides {
            metadata_url: places.metadata.clone().or_else(usual),
            jwks_uri: places.jwks.clone(),
            introspection_endpoint,
            jwks_origins: preset.key_origins.iter().map(ToString::to_string).collect(),
            http_hosts: places.http_hosts.clone(),
        }
    }
}

#[derive(Debug)]
pub(super) struct TrustedIssuer {
    /// The issuer as configured.
    pub(super) name: Arc<str>,
    /// Each `iss` of its tokens, and the tenant that it is of.
    names: Vec<(Arc<str>, Option<String>)>,
    algorithms: AllowedAlgorithms,
    pub(super) unnamed_keys: bool,
    pub(super) keys: RemoteJwkSet,
    pub(super) rules: Rules,
    pub(super) mode: IntrospectionMode,
    pub(super) introspector: Option<Introspector>,
    pub(super) opaque_tokens: bool,
}

impl TrustedIssuer {
    pub(super) fn new(options: IssuerOptions, client: &Client, clock: Arc<dyn Clock>, metrics: &Arc<Metrics>) -> Self {
        let overrides = options.overrides();
        let discovered = || JwkSetSource::Issuer { issuer: options.issuer.clone(), overrides: overrides.clone() };
        let source = overrides.jwks_uri.clone().map_or_else(discovered, JwkSetSource::Url);
        let keys = RemoteJwkSet::new(source, client.clone(), clock, RemoteOptions::default());
        let name: Arc<str> = options.issuer.as_str().into();
        let names = named_tenants(&options);
        let meter = IntrospectionMeter { metrics: Arc::clone(metrics), issuer: Arc::clone(&name) };
        let introspection = options.preset.introspection;
        let endpoint =
            IntrospectionEndpoint::new(client.clone(), (options.issuer, introspection), overrides, keys.clone());
        let IntrospectionOptions { mode, credentials, cache } = options.introspection;
        let introspector = credentials.map(|credentials| Introspector::new(endpoint, credentials, cache, meter));
        Self {
            name,
            names,
            algorithms: options.algorithms,
            unnamed_keys: options.unnamed_keys,
            keys,
            rules: Rules {
                preset: options.preset,
                audience: options.audience,
                max_token_lifetime: options.max_token_lifetime.unwrap_or(options.preset.max_token_lifetime),
                scope_names: options.scope_names,
            },
            mode,
            introspector,
            opaque_tokens: options.opaque_tokens,
        }
    }

    /// The `iss` of ours that `named` is, byte for byte, and its tenant.
    pub(super) fn is_named(&self, named: &str) -> Option<(&Arc<str>, Option<&str>)> {
        let (name, tenant) = self.names.iter().find(|(name, _)| &**name == named)?;
        Some((name, tenant.as_deref()))
    }

    /// Whether it may sign with `algorithm`.
    pub(super) fn signs_with(&self, algorithm: SigningAlgorithm) -> bool {
        self.algorithms.contains(algorithm)
    }

    /// Whom to ask what cannot be judged locally, if anybody.
    pub(super) fn fallback(&self) -> Option<&Introspector> {
        match self.mode {
            IntrospectionMode::Never => None,
            IntrospectionMode::Fallback | IntrospectionMode::Always => self.introspector.as_ref(),
        }
    }
}

fn named_tenants(options: &IssuerOptions) -> Vec<(Arc<str>, Option<String>)> {
    let tenants: Vec<Option<String>> =
        if options.is_template() { options.tenants.iter().cloned().map(Some).collect() } else { vec![None] };
    options.names().into_iter().map(Into::into).zip(tenants).collect()
}
