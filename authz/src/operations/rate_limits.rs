//! How often a caller may ask (RFC 9700 §4.12 leaves it to us): a bucket for each address or client, refilled by the
//! clock. Some buckets count every request, some only failures: whoever guesses is slowed down, whoever knows is not.

use super::CallerAddress;
use crate::protocol::ClientId;
use governor::{
    Quota, RateLimiter, clock::Clock as GovernorClock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore,
};
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use verification_keys::Clock;

/// The limits of this process; replicas count for themselves.
pub struct RateLimits {
    sign_in: Limit,
    registration: Limit,
    device: Limit,
    token_failures: Limit,
    introspection_failures: Limit,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Every post of a login form, of an address.
    SignIn,
    /// Every registration and every metadata document of a client that is fetched to sign in, of an address.
    Registration,
    /// Every device authorization request, and every user code that is typed, of an address.
    Device,
    /// Refused requests for tokens, of an address: guessed codes, secrets and refresh tokens.
    TokenFailures,
}

/// The caller has to wait for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("asked too often")]
pub struct TooMany {
    /// At least one second.
    pub retry_after: Duration,
}

impl RateLimits {
    /// Every bucket is full.
    #[must_use]
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        let limit = |burst, per_second| Limit::new(burst, per_second, clock.clone());
        Self {
            sign_in: limit(100, 1),
            registration: limit(100, 1),
            device: limit(100, 1),
            token_failures: limit(300, 5),
            introspection_failures: limit(300, 5),
        }
    }

    /// Counts a request, or says that it is one too many; of [`Limited::TokenFailures`] it only says so.
    ///
    /// # Errors
    /// The bucket is empty.
    pub fn request(&self, what: Limited, address: CallerAddress) -> Result<(), TooMany> {
        let subscriber = address.subscriber();
        match what {
            Limited::SignIn => self.sign_in.count(&subscriber),
            Limited::Registration => self.registration.count(&subscriber),
            Limited::Device => self.device.count(&subscriber),
            Limited::TokenFailures => self.token_failures.blocked(&subscriber),
        }
    }

    /// Counts a refused request for a token.
    pub fn token_refused(&self, address: CallerAddress) {
        self.token_failures.failed(&address.subscriber());
    }

    /// Whether a resource server has asked about too many tokens that are none.
    ///
    /// # Errors
    /// It has.
    pub fn introspection(&self, client: &ClientId) -> Result<(), TooMany> {
        self.introspection_failures.blocked(&client.as_str())
    }

    /// Counts a question about a token that is none.
    pub fn introspection_failed(&self, client: &ClientId) {
        self.introspection_failures.failed(&client.as_str());
    }

    /// Forgets the buckets that are full again.
    pub fn sweep(&self) {
        for limit in self.all() {
            limit.sweep();
        }
    }

    const fn all(&self) -> [&Limit; 5] {
        [&self.sign_in, &self.registration, &self.device, &self.token_failures, &self.introspection_failures]
    }
}

/// Buckets of one kind. A caller's bucket is found by a keyed hash of 16 bits, so there are at most 65,536, however many
/// addresses a flood comes from; that two callers share one is as rare as that, and nobody can choose to.
struct Limit {
    buckets: RateLimiter<u16, HashMapStateStore<u16>, SharedClock, NoOpMiddleware<Duration>>,
    hasher: RandomState,
    /// Until when a caller whose failures are too many is not listened to.
    blocked: Mutex<HashMap<u16, Duration>>,
    clock: SharedClock,
}

impl Limit {
    fn new(burst: u32, per_second: u32, clock: Arc<dyn Clock>) -> Self {
        let [burst, per_second] = [burst, per_second].map(|number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN));
        let clock = SharedClock(clock);
        Self {
            buckets: RateLimiter::hashmap_with_clock(Quota::per_second(per_second).allow_burst(burst), clock.clone()),
            hasher: RandomState::new(),
            blocked: Mutex::default(),
            clock,
        }
    }

    fn bucket(&self, caller: &impl Hash) -> u16 {
        let [first, second, ..] = self.hasher.hash_one(caller).to_ne_bytes();
        u16::from_ne_bytes([first, second])
    }

    fn count(&self, caller: &impl Hash) -> Result<(), TooMany> {
        self.take(self.bucket(caller)).map_err(TooMany::after)
    }

    fn take(&self, bucket: u16) -> Result<(), Duration> {
        self.buckets.check_key(&bucket).map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// A failure that finds the bucket empty closes the door until there is room again.
    fn failed(&self, caller: &impl Hash) {
        let bucket = self.bucket(caller);
        if let Err(wait) = self.take(bucket) {
            self.doors().insert(bucket, self.clock.now() + wait);
        }
    }

    fn blocked(&self, caller: &impl Hash) -> Result<(), TooMany> {
        let bucket = self.bucket(caller);
        let until = self.doors().get(&bucket).copied().unwrap_or_default();
        match until.checked_sub(self.clock.now()) {
            Some(wait) if !wait.is_zero() => Err(TooMany::after(wait)),
            _ => Ok(()),
        }
    }

    fn sweep(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
        let now = self.clock.now();
        let mut doors = self.doors();
        doors.retain(|_, until| *until > now);
        doors.shrink_to_fit();
    }

    fn doors(&self) -> std::sync::MutexGuard<'_, HashMap<u16, Duration>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TooMany {
    fn after(wait: Duration) -> Self {
        Self { retry_after: Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(Self::LEAST) }
    }

    const LEAST: Duration = Duration::from_secs(1);
}

/// The clock of the process, as the buckets want it.
#[derive(Clone)]
struct SharedClock(Arc<dyn Clock>);

impl GovernorClock for SharedClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::try_from(self.0.now().as_duration()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use verification_keys::testing::ManualClock;

    fn limit(burst: u32, per_second: u32) -> (Limit, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::constant(1_800_000_000, 0)));
        (Limit::new(burst, per_second, clock.clone()), clock)
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_for_each_refill() {
        let (limit, clock) = limit(3, 1);
        assert_eq!([(); 4].map(|()| limit.count(&"a").is_ok()), [true, true, true, false]);
        assert_eq!(limit.count(&"a"), Err(TooMany { retry_after: Duration::from_secs(1) }));
        assert_eq!(limit.count(&"b"), Ok(()), "another caller has a bucket of its own");
        clock.advance(Duration::from_secs(1));
        assert_eq!([limit.count(&"a").is_ok(), limit.count(&"a").is_ok()], [true, false]);
    }

    #[test]
    fn failures_close_the_door_and_successes_do_not() {
        let (limit, clock) = limit(2, 1);
        for _ in 0..1000 {
            assert_eq!(limit.blocked(&"a"), Ok(()));
        }
        for _ in 0..2 {
            limit.failed(&"a");
            assert_eq!(limit.blocked(&"a"), Ok(()));
        }
        limit.failed(&"a");
        assert_eq!(limit.blocked(&"a"), Err(TooMany { retry_after: Duration::from_secs(1) }));
        assert_eq!(limit.blocked(&"b"), Ok(()));
        clock.advance(Duration::from_secs(1));
        assert_eq!(limit.blocked(&"a"), Ok(()));
    }

    #[test]
    fn a_flood_from_many_addresses_takes_bounded_memory_and_none_for_long() {
        let (limit, clock) = limit(1, 1);
        for caller in 0..300_000_u32 {
            limit.failed(&caller);
        }
        assert!(limit.buckets.len() <= 1 << 16 && limit.doors().len() <= 1 << 16);
        clock.advance(Duration::from_mins(1));
        limit.sweep();
        assert_eq!((limit.buckets.len(), limit.doors().len()), (0, 0));
    }
}
