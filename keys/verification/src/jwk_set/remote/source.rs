//! Where a key set comes from: a URL, or an issuer's metadata first. One fetch, with its limits.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::StatusCode;
use url::Url;

use super::{
    super::{JwkSet, JwkSetError},
    RemoteOptions,
};
use crate::{
    cache_control,
    http::{self, CallError, Client},
    issuer::Issuer,
    metadata::{self, IssuerMetadata, MetadataError, Overrides},
};

/// The longest key set that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// How long metadata is taken to say where the keys are.
const METADATA_MAX_AGE: Duration = Duration::from_hours(24);
/// RFC 7517 §8.5.2, and what most issuers answer with.
const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";

/// Where the keys of an issuer are.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each issuer, made once")]
pub enum JwkSetSource {
    /// At a URL from configuration.
    Url(Url),
    /// Where the issuer's metadata says.
    Issuer {
        /// The issuer to ask.
        issuer: Issuer,
        /// What configuration says instead of its metadata.
        overrides: Overrides,
    },
}

/// Why a key set could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The metadata that names the keys could not be had.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// No answer, or one that is too long.
    #[error("the key set could not be read")]
    Call(#[from] CallError),
    /// Any status but 200; redirects are not followed.
    #[error("the key set was answered with status {0}")]
    Status(u16),
    /// The answer is no key set.
    #[error("the key set is {0}")]
    JwkSet(#[from] JwkSetError),
}

/// A fetched set, and for how long it is fresh.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) set: JwkSet,
    pub(super) max_age: Duration,
}

/// A source, with what was discovered of it.
#[derive(Debug)]
pub(super) struct Source {
    place: JwkSetSource,
    discovered: Mutex<Option<Discovered>>,
}

#[derive(Clone, Debug)]
struct Discovered {
    metadata: Arc<IssuerMetadata>,
    at: Timestamp,
    /// Asked again before the next use, in case the keys have moved.
    doubted: bool,
}

impl Source {
    pub(super) fn new(place: JwkSetSource) -> Self {
        Self { place, discovered: Mutex::default() }
    }

    pub(super) fn metadata(&self) -> Option<Arc<IssuerMetadata>> {
        self.discovered().as_ref().map(|found| Arc::clone(&found.metadata))
    }

    pub(super) async fn fetch(
        &self,
        client: &Client,
        now: Timestamp,
        options: &RemoteOptions,
    ) -> Result<Fetched, FetchError> {
        let url = self.jwks_uri(client, now).await?;
        let fetched = fetch_from(client, &url, options).await;
        if fetched.is_err()
            && let Some(found) = self.discovered().as_mut()
        {
            found.doubted = true;
        }
        fetched
    }

    async fn jwks_uri(&self, client: &Client, now: Timestamp) -> Result<Url, MetadataError> {
        let (issuer, overrides) = match &self.place {
            JwkSetSource::Url(url) => return Ok(url.clone()),
            JwkSetSource::Issuer { issuer, overrides } => (issuer, overrides),
        };
        if let Some(found) = self.discovered().as_ref().filter(|found| found.is_good(now)) {
            return Ok(found.metadata.jwks_uri.clone());
        }
        let metadata = Arc::new(metadata::discover(client, issuer, overrides).await?);
        let jwks_uri = metadata.jwks_uri.clone();
        *self.discovered() = Some(Discovered { metadata, at: now, doubted: false });
        Ok(jwks_uri)
    }

    fn discovered(&self) -> MutexGuard<'_, Option<Discovered>> {
        self.discovered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Discovered {
    fn is_good(&self, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        !self.doubted && age < METADATA_MAX_AGE
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            JwkSetSource::Url(url) => url.fmt(formatter),
            JwkSetSource::Issuer { issuer, .. } => issuer.fmt(formatter),
        }
    }
}

async fn fetch_from(client: &Client, url: &Url, options: &RemoteOptions) -> Result<Fetched, FetchError> {
    let answer = http::get_limited(client, url, MEDIA_TYPES, MAX_BYTES).await?;
    if answer.status != StatusCode::OK {
        return Err(FetchError::Status(answer.status.as_u16()));
    }
    let set = JwkSet::parse(&answer.body)?;
    let stated = cache_control::freshness_lifetime(&answer.headers);
    let max_age = stated.unwrap_or(options.default_max_age).clamp(options.min_max_age, options.max_max_age);
    Ok(Fetched { set, max_age })
}
