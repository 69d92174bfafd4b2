//! Issuers whose word about a person is taken for a token (MCP Enterprise-managed authorization): the identity providers
//! of the operator's organisation, by setting, and their keys.

use jiff::Timestamp;
use std::sync::Arc;
use verification_keys::{
    Clock, SigningAlgorithm,
    http::Client,
    issuer::Issuer,
    jwk_set::{JwkSetSource, KeyLookup, RemoteJwkSet, RemoteOptions, VerificationKey},
    metadata::Overrides,
};

/// The trusted issuers; nearly always there is none.
#[derive(Clone, Debug, Default)]
pub struct AssertionIssuers(Vec<(String, RemoteJwkSet)>);

/// There are no keys to look among, for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys of the issuer cannot be had")]
pub struct NoKeys;

impl AssertionIssuers {
    /// Nothing is fetched before the first assertion.
    #[must_use]
    pub fn new(issuers: &[Issuer], client: &Client, clock: &Arc<dyn Clock>) -> Self {
        let keys = |issuer: &Issuer| {
            let source = JwkSetSource::Issuer { issuer: issuer.clone(), overrides: Overrides::default() };
            RemoteJwkSet::new(source, client.clone(), clock.clone(), RemoteOptions::default())
        };
        Self(issuers.iter().map(|issuer| (issuer.as_str().to_owned(), keys(issuer))).collect())
    }

    /// Whether nobody's word is taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this issuer's word is taken.
    #[must_use]
    pub fn trusts(&self, issuer: &str) -> bool {
        self.0.iter().any(|(trusted, _)| trusted == issuer)
    }

    /// The key of a trusted issuer that an assertion names.
    ///
    /// # Errors
    /// The issuer has not answered yet.
    pub async fn key(
        &self,
        issuer: &str,
        key_id: &str,
        algorithm: SigningAlgorithm,
        arrived: Timestamp,
    ) -> Result<Option<Arc<VerificationKey>>, NoKeys> {
        let Some((_, keys)) = self.0.iter().find(|(trusted, _)| trusted == issuer) else { return Ok(None) };
        match keys.key(key_id, algorithm, arrived).await {
            KeyLookup::Found(key) => Ok(Some(key)),
            KeyLookup::UnknownInFreshSet | KeyLookup::UnknownInOlderSet => Ok(None),
            KeyLookup::NoKeys => Err(NoKeys),
        }
    }
}
