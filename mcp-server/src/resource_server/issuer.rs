//! One trusted issuer: its keys, its rules, and how to ask it.

use std::sync::Arc;

use jiff::SignedDuration;
use url::Url;
use verification_keys::http::Client;
use verification_keys::jwk_set::{JwkSetSource, RemoteJwkSet, RemoteOptions};
use verification_keys::metadata::Overrides;
use verification_keys::{Clock, HttpHosts, Issuer};

use super::audience::AudienceRules;
use super::introspect::{IntrospectionEndpoint, IntrospectionMode, IntrospectionOptions, Introspector};
use super::metrics::{IntrospectionMeter, Metrics};
use super::presets::Preset;
use super::rules::Rules;

/// What is configured about an issuer.
#[derive(Clone, Debug)]
pub struct IssuerOptions {
    /// `iss`, byte for byte.
    pub issuer: Issuer,
    /// How its tokens look.
    pub preset: &'static Preset,
    /// Which of its tokens are taken.
    pub audience: AudienceRules,
    /// When it is asked about tokens.
    pub introspection: IntrospectionOptions,
    /// Whether it has opaque tokens. At most one issuer may.
    pub opaque_tokens: bool,
    /// The longest time from `iat` to `exp`; the preset's bound unless it is set.
    pub max_token_lifetime: Option<SignedDuration>,
    /// Where things are, when its metadata does not say so.
    pub places: IssuerPlaces,
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
            preset,
            audience,
            introspection,
            opaque_tokens: false,
            max_token_lifetime: None,
            places: IssuerPlaces::default(),
        }
    }
}

#[derive(Debug)]
pub(super) struct TrustedIssuer {
    pub(super) name: Arc<str>,
    pub(super) keys: RemoteJwkSet,
    pub(super) rules: Rules,
    pub(super) mode: IntrospectionMode,
    pub(super) introspector: Option<Introspector>,
    pub(super) opaque_tokens: bool,
}

impl TrustedIssuer {
    pub(super) fn new(options: IssuerOptions, client: &Client, clock: Arc<dyn Clock>, metrics: &Arc<Metrics>) -> Self {
        let overrides = Overrides {
            metadata_url: options.places.metadata,
            jwks_uri: options.places.jwks.clone(),
            introspection_endpoint: options.places.introspection,
            http_hosts: options.places.http_hosts,
            ..Overrides::default()
        };
        let source = options.places.jwks.map_or_else(
            || JwkSetSource::Issuer { issuer: options.issuer.clone(), overrides: overrides.clone() },
            JwkSetSource::Url,
        );
        let keys = RemoteJwkSet::new(source, client.clone(), clock, RemoteOptions::default());
        let name: Arc<str> = options.issuer.as_str().into();
        let meter = IntrospectionMeter { metrics: Arc::clone(metrics), issuer: Arc::clone(&name) };
        let endpoint = IntrospectionEndpoint::new(client.clone(), options.issuer, overrides, keys.clone());
        let IntrospectionOptions { mode, credentials, cache } = options.introspection;
        let introspector = credentials.map(|credentials| Introspector::new(endpoint, credentials, cache, meter));
        Self {
            name,
            keys,
            rules: Rules {
                preset: options.preset,
                audience: options.audience,
                max_token_lifetime: options.max_token_lifetime.unwrap_or(options.preset.max_token_lifetime),
            },
            mode,
            introspector,
            opaque_tokens: options.opaque_tokens,
        }
    }

    /// Whom to ask what cannot be judged locally, if anybody.
    pub(super) fn fallback(&self) -> Option<&Introspector> {
        match self.mode {
            IntrospectionMode::Never => None,
            IntrospectionMode::Fallback | IntrospectionMode::Always => self.introspector.as_ref(),
        }
    }
}
