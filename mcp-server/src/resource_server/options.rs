//! The plain ways to put a resource server together: from URLs, with what most servers need.

use std::sync::Arc;

use verification_keys::http;
use verification_keys::{Clock, HttpHosts, Issuer, SystemClock};

use super::{
    AudienceRules, InvalidOptions, IssuerOptions, Preset, RefusalBody, ResourceIdentifier, ResourceServer,
    ResourceServerOptions, ScopePolicy, shim,
};

impl ResourceServerOptions {
    /// The resource `public_url` takes the RFC 9068 tokens of `issuers` that name it as their audience.
    ///
    /// # Errors
    /// The URL that cannot be used.
    pub fn for_issuers(public_url: &str, issuers: &[&str], scopes: ScopePolicy) -> Result<Self, InvalidOptions> {
        let resource = ResourceIdentifier::parse(public_url)?;
        let trust = |issuer: &&str| {
            let issuer = Issuer::parse(issuer, &HttpHosts::default())?;
            Ok(IssuerOptions::new(issuer, Preset::AUTHZ, AudienceRules::strict(resource.clone())))
        };
        let issuers = issuers.iter().map(trust).collect::<Result<Vec<_>, InvalidOptions>>()?;
        Ok(Self::of(resource.clone(), issuers, scopes))
    }

    /// Where clients are sent for a token: what `authorization_servers` of the metadata names.
    #[must_use]
    pub fn advertised(&self) -> Vec<String> {
        let of = |issuer: &IssuerOptions| match issuer.shim {
            Some(_) => vec![shim::issuer(&self.resource)],
            None => issuer.names(),
        };
        self.advertised_issuers.clone().unwrap_or_else(|| self.issuers.iter().flat_map(of).collect())
    }

    /// Refusals get a body of your own.
    #[must_use]
    pub fn with_refusal_body(self, body: RefusalBody) -> Self {
        Self { refusal_body: Some(body), ..self }
    }

    /// The resource server, with the clock of this machine; nothing is fetched yet.
    ///
    /// # Errors
    /// The option that cannot be used.
    pub fn build(self) -> Result<ResourceServer, InvalidOptions> {
        self.build_with_clock(Arc::new(SystemClock))
    }

    /// The same with a clock of your own. [`ResourceServer::new`] takes your own HTTP client as well.
    ///
    /// # Errors
    /// The option that cannot be used.
    pub fn build_with_clock(self, clock: Arc<dyn Clock>) -> Result<ResourceServer, InvalidOptions> {
        verification_keys::install_crypto_providers();
        let client = http::client(&http::ClientOptions::default())?;
        ResourceServer::new(self, &client, clock)
    }
}
