//! The keys held, how fresh they are, and the `kid`s that they are known not to have. Pure: the time is passed in.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use moka::sync::Cache;

use super::{super::JwkSet, KeyLookup, source::Fetched};

/// How many unknown `kid`s are remembered.
const MAX_UNKNOWN_KIDS: u64 = 1_000;

/// One fetched set.
pub(super) struct HeldKeys {
    pub(super) set: JwkSet,
    /// When it was asked for: from then on, what it says is what the issuer says.
    pub(super) requested_at: Timestamp,
    pub(super) version: u64,
    max_age: Duration,
    /// Made anew with each set, so that each successful fetch empties it. By hash: a `kid` may be as long as a token.
    unknown_kids: Cache<[u8; 32], Timestamp>,
}

/// What may be done with the keys held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Use them.
    Fresh,
    /// Use them, and fetch them anew before their time is up.
    RefreshDue,
    /// Their time is up; use them only if they cannot be fetched.
    Stale,
    /// Do not use them.
    Dead,
}

impl HeldKeys {
    pub(super) fn new(fetched: Fetched, requested_at: Timestamp, before: Option<&Self>) -> Self {
        let version = match before {
            None => 1,
            Some(before) if before.set.has_the_keys_of(&fetched.set) => before.version,
            Some(before) => before.version + 1,
        };
        let unknown_kids = Cache::new(MAX_UNKNOWN_KIDS);
        Self { set: fetched.set, requested_at, version, max_age: fetched.max_age, unknown_kids }
    }

    /// Time since the keys were asked for; none when the clock went backwards.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.requested_at)).unwrap_or_default()
    }

    pub(super) fn freshness(&self, now: Timestamp, stale: Duration) -> Freshness {
        let age = self.age(now);
        if age < self.max_age.mul_f64(0.8) {
            Freshness::Fresh
        } else if age < self.max_age {
            Freshness::RefreshDue
        } else if age < self.max_age + stale {
            Freshness::Stale
        } else {
            Freshness::Dead
        }
    }

    pub(super) fn is_known_as_unknown(&self, kid: &str, now: Timestamp, remembered: Duration) -> bool {
        let since = self.unknown_kids.get(&hash(kid));
        since.is_some_and(|since| Duration::try_from(now.duration_since(since)).is_ok_and(|past| past < remembered))
    }

    /// The verdict on a `kid` that is not in this set.
    pub(super) fn unknown(&self, kid: &str, token_arrived: Timestamp) -> KeyLookup {
        if self.requested_at < token_arrived {
            return KeyLookup::UnknownInOlderSet;
        }
        self.unknown_kids.insert(hash(kid), self.requested_at);
        KeyLookup::UnknownInFreshSet
    }
}

impl fmt::Debug for HeldKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HeldKeys")
            .field("set", &self.set)
            .field("requested_at", &self.requested_at)
            .field("version", &self.version)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

fn hash(kid: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, kid.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn held(max_age: u64) -> HeldKeys {
        let fetched = Fetched { set: JwkSet::default(), max_age: Duration::from_secs(max_age) };
        HeldKeys::new(fetched, at(1_000), None)
    }

    #[test]
    fn keys_are_refreshed_before_their_time_is_up_and_serve_on_for_the_stale_time_only() {
        let held = held(100);
        let freshness = |second| held.freshness(at(second), Duration::from_secs(50));
        assert_eq!([freshness(1_000), freshness(1_079)], [Freshness::Fresh; 2]);
        assert_eq!([freshness(1_080), freshness(1_099)], [Freshness::RefreshDue; 2]);
        assert_eq!([freshness(1_100), freshness(1_149)], [Freshness::Stale; 2]);
        assert_eq!([freshness(1_150), freshness(9_999)], [Freshness::Dead; 2]);
        assert_eq!(freshness(900), Freshness::Fresh, "a clock that went backwards makes nothing older");
    }

    #[test]
    fn only_a_set_asked_for_after_the_token_arrived_says_no_for_good() {
        let held = held(100);
        assert_eq!(held.unknown("k", at(999)), KeyLookup::UnknownInFreshSet);
        assert_eq!(held.unknown("k", at(1_000)), KeyLookup::UnknownInFreshSet);
        assert_eq!(held.unknown("k", at(1_001)), KeyLookup::UnknownInOlderSet);
    }

    #[test]
    fn an_unknown_kid_is_forgotten_after_its_time() {
        let held = held(100);
        held.unknown("k", at(1_000));
        let known = |kid, second| held.is_known_as_unknown(kid, at(second), Duration::from_secs(10));
        assert!(known("k", 1_009));
        assert!(!known("k", 1_010));
        assert!(!known("other", 1_001));
    }

    #[test]
    fn remembers_a_bounded_number_of_unknown_kids() {
        let held = held(100);
        for number in 0..20_000 {
            held.unknown(&number.to_string(), at(1_000));
        }
        held.unknown_kids.run_pending_tasks();
        assert!(held.unknown_kids.entry_count() <= MAX_UNKNOWN_KIDS);
    }
}
