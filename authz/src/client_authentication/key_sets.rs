//! The public keys of clients: from their registration, or from the address that they registered.

use crate::{domain::ClientKeys, outgoing::Outgoing};
use jiff::Timestamp;
use moka::sync::Cache;
use std::{fmt, sync::Arc, time::Duration};
use verification_keys::{
    Clock, SigningAlgorithm,
    jwk_set::{JwkSet, JwkSetSource, KeyLookup, RemoteJwkSet, RemoteOptions, VerificationKey},
};

/// The keys of a client are at an address that does not answer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys of the client cannot be fetched now")]
pub struct KeysUnavailable;

/// The key sets of clients. Those at an address are fetched when they are needed, and kept within bounds.
#[derive(Clone)]
pub struct ClientKeySets {
    outgoing: Outgoing,
    clock: Arc<dyn Clock>,
    remote: Cache<String, RemoteJwkSet>,
}

impl fmt::Debug for ClientKeySets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeySets").field("outgoing", &self.outgoing).finish_non_exhaustive()
    }
}

impl ClientKeySets {
    /// So many addresses are remembered at the most.
    const MOST: u64 = 1000;
    const IDLE: Duration = Duration::from_hours(1);

    /// Key sets that are fetched by `outgoing`.
    #[must_use]
    pub fn new(outgoing: Outgoing, clock: Arc<dyn Clock>) -> Self {
        let remote = Cache::builder().max_capacity(Self::MOST).time_to_idle(Self::IDLE).build();
        Self { outgoing, clock, remote }
    }

    /// Whether nothing has to be called that was not called before.
    #[must_use]
    pub fn are_at_hand(&self, keys: &ClientKeys) -> bool {
        match keys {
            ClientKeys::Set(_) => true,
            ClientKeys::At(url) => self.remote.contains_key(url.as_str()),
        }
    }

    /// The key of that name for that algorithm; without a name, the only one for it. `None` if the client has no such key.
    ///
    /// # Errors
    /// Whether it has one cannot be told, because its keys cannot be fetched now.
    pub async fn key(
        &self,
        keys: &ClientKeys,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
        arrived: Timestamp,
    ) -> Result<Option<Arc<VerificationKey>>, KeysUnavailable> {
        let url = match keys {
            ClientKeys::Set(document) => {
                let set = JwkSet::parse(document.as_bytes()).ok();
                return Ok(set.and_then(|set| set.key(kid, algorithm).cloned()));
            }
            ClientKeys::At(url) => url,
        };
        if self.outgoing.check(url).is_err() {
            return Ok(None);
        }
        let set = self.remote.get_with_by_ref(url.as_str(), || {
            let (client, clock) = (self.outgoing.client().clone(), Arc::clone(&self.clock));
            RemoteJwkSet::new(JwkSetSource::Url(url.clone()), client, clock, RemoteOptions::default())
        });
        let found = match kid {
            None => set.only_key(algorithm).await,
            Some(kid) => match set.key(kid, algorithm, arrived).await {
                KeyLookup::Found(key) => Some(key),
                KeyLookup::UnknownInFreshSet | KeyLookup::UnknownInOlderSet | KeyLookup::NoKeys => None,
            },
        };
        // A name that leads to a forbidden address looks like one that does not answer: nobody learns our names.
        if found.is_none() && set.failure().is_some() { Err(KeysUnavailable) } else { Ok(found) }
    }
}
