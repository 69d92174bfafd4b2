//! An issuer's key set, fetched when it is needed and kept for as long as the issuer says, within bounds: refreshed in
//! the background, one fetch at a time, a new `kid` looked for at most once per cooldown, and the last good keys
//! serving for a while when the issuer fails.

mod held;
mod pace;
mod source;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

pub use self::source::{FetchError, JwkSetSource};
use self::{
    held::{Freshness, HeldKeys},
    pace::{Occasion, Pace},
};
use super::VerificationKey;
use crate::{algorithm::SigningAlgorithm, clock::Clock, http::Client, metadata::IssuerMetadata};

/// The key set of one issuer. Clones share it.
#[derive(Clone, Debug)]
pub struct RemoteJwkSet(Arc<Shared>);

/// The bounds of a remote set; the defaults are the ones to use.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// How long keys are fresh when the issuer does not say.
    pub default_max_age: Duration,
    /// The shortest time for which keys are fresh, whatever the issuer says.
    pub min_max_age: Duration,
    /// The longest time for which keys are fresh, whatever the issuer says.
    pub max_max_age: Duration,
    /// How long keys that are no longer fresh serve while they cannot be fetched.
    pub stale: Duration,
    /// The least time between two fetches for the sake of unknown `kid`s.
    pub cooldown: Duration,
    /// The least time between a failed fetch and the next.
    pub retry: Duration,
    /// How long a `kid` that the issuer did not know is not asked for again.
    pub unknown_kid: Duration,
    /// How long a caller waits for a refresh when there are older keys to go on with. Real time, not the clock's.
    pub patience: Duration,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            default_max_age: Duration::from_mins(10),
            min_max_age: Duration::from_mins(1),
            max_max_age: Duration::from_hours(24),
            stale: Duration::from_hours(1),
            cooldown: Duration::from_secs(30),
            retry: Duration::from_secs(10),
            unknown_kid: Duration::from_mins(5),
            patience: Duration::from_millis(500),
        }
    }
}

/// What is known of a `kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLookup {
    /// The key of that name. It may still be one for another algorithm, with which the token will not verify.
    Found(Arc<VerificationKey>),
    /// Not among keys that were fetched after the token arrived: the issuer does not have it.
    UnknownInFreshSet,
    /// Not among the keys held, which were fetched before the token arrived; a newer set could not be had now.
    UnknownInOlderSet,
    /// There are no keys to look among.
    NoKeys,
}

/// How often the keys were fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetches {
    /// With keys as the answer.
    pub succeeded: u64,
    /// Without.
    pub failed: u64,
}

#[derive(Debug)]
struct Shared {
    source: source::Source,
    client: Client,
    clock: Arc<dyn Clock>,
    options: RemoteOptions,
    held: RwLock<Option<Arc<HeldKeys>>>,
    pace: Mutex<Pace>,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl RemoteJwkSet {
    /// A set that nothing was fetched for yet.
    #[must_use]
    pub fn new(source: JwkSetSource, client: Client, clock: Arc<dyn Clock>, options: RemoteOptions) -> Self {
        let source = source::Source::new(source);
        let (held, pace) = (RwLock::default(), Mutex::default());
        let (succeeded, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Shared { source, client, clock, options, held, pace, succeeded, failed }))
    }

    /// Finds the key that a token names, fetching if that can help and is allowed. `token_arrived` is when the request
    /// came in: only a set fetched after it can say for good that there is no such key.
    pub async fn key(&self, kid: &str, algorithm: SigningAlgorithm, token_arrived: Timestamp) -> KeyLookup {
        let Some((held, waited)) = self.usable_keys().await else { return KeyLookup::NoKeys };
        if let Some(key) = held.set.key(Some(kid), algorithm) {
            return KeyLookup::Found(Arc::clone(key));
        }
        if waited {
            // The fetch just made was for this `kid` as much as any refetch would be.
            self.pace().count_as_refetch(held.requested_at);
        }
        let asked_for_it = if waited { held.requested_at >= token_arrived } else { held.requested_at > token_arrived };
        if asked_for_it || held.is_known_as_unknown(kid, self.0.clock.now(), self.0.options.unknown_kid) {
            return held.unknown(kid, token_arrived);
        }
        self.key_after_refetch(held, kid, algorithm, token_arrived).await
    }

    /// The key that a token names, if it can be had without waiting: the fast path. Starts a refresh when one is due.
    #[must_use]
    pub fn cached_key(&self, kid: &str, algorithm: SigningAlgorithm) -> Option<Arc<VerificationKey>> {
        self.keys_at_hand()?.set.key(Some(kid), algorithm).cloned()
    }

    /// The only key for `algorithm`, for a token without `kid`; fetches when there are no keys.
    pub async fn only_key(&self, algorithm: SigningAlgorithm) -> Option<Arc<VerificationKey>> {
        self.usable_keys().await?.0.set.key(None, algorithm).cloned()
    }

    /// The same in a set fetched because the only key held did not verify the token: without a `kid` nothing else tells
    /// that the issuer has another key by now. Paced like the refetches for an unknown `kid`; none before the next.
    pub async fn only_key_after_refetch(&self, algorithm: SigningAlgorithm) -> Option<Arc<VerificationKey>> {
        landing(self.fetch(Occasion::UnknownKid)?).await;
        self.held()?.set.key(None, algorithm).cloned()
    }

    /// Whether this very key may still be used: it is in the set held, and that set is not too old. A verdict that was
    /// reached with a key ends with it. Starts a refresh when one is due.
    #[must_use]
    pub fn holds(&self, key: &VerificationKey) -> bool {
        self.keys_at_hand().is_some_and(|held| held.set.holds(key))
    }

    /// A number that changes whenever the keys change; 0 before there are any.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.held().map_or(0, |held| held.version)
    }

    /// Whether there are keys that may be used now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.held().is_some_and(|held| self.freshness(&held) != Freshness::Dead)
    }

    /// How old the keys are; `None` without any.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let held = self.held()?;
        Some(held.age(self.0.clock.now()))
    }

    /// The names of the keys held, usable or not any more.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        let held = self.held();
        let keys = held.iter().flat_map(|held| held.set.iter());
        keys.filter_map(|key| key.key_id().map(ToOwned::to_owned)).collect()
    }

    /// How often the keys were fetched so far.
    #[must_use]
    pub fn fetches(&self) -> Fetches {
        let [succeeded, failed] = [&self.0.succeeded, &self.0.failed].map(|count| count.load(Ordering::Relaxed));
        Fetches { succeeded, failed }
    }

    /// The issuer's metadata as last discovered, when the set finds its keys that way.
    #[must_use]
    pub fn metadata(&self) -> Option<Arc<IssuerMetadata>> {
        self.0.source.metadata()
    }

    /// Why the last fetch failed; `None` when it did not.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<FetchError>> {
        self.pace().failure()
    }

    /// Fetches now, or waits for the fetch under way. Takes no heed of any cooldown: for start-up and for people.
    ///
    /// # Errors
    /// Why the keys could not be had; keys held before are kept.
    pub async fn refresh(&self) -> Result<(), Arc<FetchError>> {
        if let Some(flight) = self.fetch(Occasion::Asked) {
            landing(flight).await;
        }
        self.failure().map_or(Ok(()), Err)
    }

    async fn key_after_refetch(
        &self,
        held: Arc<HeldKeys>,
        kid: &str,
        algorithm: SigningAlgorithm,
        token_arrived: Timestamp,
    ) -> KeyLookup {
        let Some(flight) = self.fetch(Occasion::UnknownKid) else { return held.unknown(kid, token_arrived) };
        landing(flight).await;
        let held = self.held().unwrap_or(held);
        match held.set.key(Some(kid), algorithm) {
            Some(key) => KeyLookup::Found(Arc::clone(key)),
            None => held.unknown(kid, token_arrived),
        }
    }

    /// The keys to look among, and whether they were waited for.
    async fn usable_keys(&self) -> Option<(Arc<HeldKeys>, bool)> {
        if let Some(held) = self.keys_at_hand() {
            return Some((held, false));
        }
        if let Some(flight) = self.fetch(Occasion::Refresh) {
            match self.held() {
                // A hanging issuer must not hold up what can be answered with the keys at hand.
                Some(held) if self.freshness(&held) != Freshness::Dead => {
                    let _ = tokio::time::timeout(self.0.options.patience, landing(flight)).await;
                }
                _ => landing(flight).await,
            }
        }
        self.held().filter(|held| self.freshness(held) != Freshness::Dead).map(|held| (held, true))
    }

    /// The keys that may be used without waiting for a fetch.
    fn keys_at_hand(&self) -> Option<Arc<HeldKeys>> {
        let held = self.held()?;
        match self.freshness(&held) {
            Freshness::Fresh => Some(held),
            Freshness::RefreshDue => {
                self.fetch(Occasion::Refresh);
                Some(held)
            }
            Freshness::Stale if self.pace().is_failing() => {
                self.fetch(Occasion::Refresh);
                Some(held)
            }
            Freshness::Stale | Freshness::Dead => None,
        }
    }

    fn held(&self) -> Option<Arc<HeldKeys>> {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn freshness(&self, held: &HeldKeys) -> Freshness {
        held.freshness(self.0.clock.now(), self.0.options.stale)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.0.pace()
    }

    /// Joins the fetch under way, or starts one if `occasion` may. The fetch is a task of its own: a caller that goes
    /// away does not end it for the others.
    fn fetch(&self, occasion: Occasion) -> Option<watch::Receiver<()>> {
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let mut pace = self.pace();
        if let Some(flight) = pace.flight() {
            return Some(flight);
        }
        let landed = pace.start(occasion, self.0.clock.now(), &self.0.options)?;
        let flight = landed.subscribe();
        drop(pace);
        let shared = Arc::clone(&self.0);
        runtime.spawn(async move {
            shared.fetch_once().await;
            drop(landed);
        });
        Some(flight)
    }
}

impl Shared {
    async fn fetch_once(&self) {
        let requested_at = self.clock.now();
        match self.source.fetch(&self.client, requested_at, &self.options).await {
            Ok(fetched) => {
                let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
                let next = HeldKeys::new(fetched, requested_at, held.as_deref());
                tracing::debug!(source = %self.source, keys = next.set.iter().count(),
                    passed_over = next.set.passed_over().len(), version = next.version, "fetched the key set");
                *held = Some(Arc::new(next));
                drop(held);
                self.succeeded.fetch_add(1, Ordering::Relaxed);
                self.pace().succeeded();
            }
            Err(error) => {
                tracing::warn!(source = %self.source, error = &error as &dyn std::error::Error, "no key set fetched");
                self.failed.fetch_add(1, Ordering::Relaxed);
                self.pace().failed(error);
            }
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a fetch has ended, one way or the other.
async fn landing(mut flight: watch::Receiver<()>) {
    // Nothing is ever sent: the fetch ends by dropping its side.
    let _ = flight.changed().await;
}
