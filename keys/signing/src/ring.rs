//! Which key signs and which keys are published: a pure function of the keys' creation times and now.
//!
//! A key is *published*, becomes *active* after the activation delay (the first one at once, there is
//! nothing else to sign with), is *retired* when its successor is active, and leaves the JWKS when the
//! longest-lived token that it can have signed has expired everywhere.

#[cfg(test)]
mod tests;

use crate::{KeyId, KeyPolicy};
use jiff::Timestamp;
use std::time::Duration;

/// Verifiers accept a token for so long after its `exp`, so its key stays published for as long.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// A key as far as the ring is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingKey {
    /// When it was made, whole seconds.
    pub created_at: Timestamp,
    /// Its name.
    pub key_id: KeyId,
}

/// The stage of a key's life. A key past its last stage is not published any more and has no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// In the JWKS, not signing yet.
    Published {
        /// When it begins to sign.
        activates_at: Timestamp,
    },
    /// The one that signs.
    Active {
        /// When it began to.
        since: Timestamp,
    },
    /// Signs no more; its tokens still verify.
    Retired {
        /// When it leaves the JWKS.
        until: Timestamp,
    },
}

/// The keys of an issuer, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRing {
    keys: Vec<RingKey>,
    policy: KeyPolicy,
}

impl KeyRing {
    /// Orders `keys` by creation time, then by name.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = RingKey>, policy: KeyPolicy) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable_by(|one, other| (one.created_at, &one.key_id).cmp(&(other.created_at, &other.key_id)));
        Self { keys, policy }
    }

    /// The key that signs at `now`; none only in an empty ring.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> Option<&KeyId> {
        self.keys.get(self.active(now)).map(|key| &key.key_id)
    }

    /// The keys in the JWKS at `now`, oldest first.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = &KeyId> {
        self.states(now).map(|(key, _)| &key.key_id)
    }

    /// Every published key with the stage of its life at `now`, oldest first.
    pub fn states(&self, now: Timestamp) -> impl Iterator<Item = (&RingKey, KeyState)> {
        self.keys.iter().enumerate().filter_map(move |(index, key)| Some((key, self.state(index, now)?)))
    }

    /// The keys past their last stage at `now`, oldest first: nobody needs them any more.
    pub fn past(&self, now: Timestamp) -> impl Iterator<Item = &RingKey> {
        self.keys.iter().enumerate().filter(move |(index, _)| self.state(*index, now).is_none()).map(|(_, key)| key)
    }

    /// When the next key is to be made: when the newest one has the age of rotation, and not in the past.
    /// None if keys are not rotated by themselves. At once if there is no key.
    #[must_use]
    pub fn next_rotation(&self, now: Timestamp) -> Option<Timestamp> {
        let rotation = self.policy.rotation?;
        Some(self.newest().map_or(now, |newest| later(newest.created_at, rotation).max(now)))
    }

    /// The key made last.
    #[must_use]
    pub fn newest(&self) -> Option<&RingKey> {
        self.keys.last()
    }

    fn state(&self, index: usize, now: Timestamp) -> Option<KeyState> {
        let activates_at = self.activates_at(index)?;
        match index.cmp(&self.active(now)) {
            std::cmp::Ordering::Greater => Some(KeyState::Published { activates_at }),
            std::cmp::Ordering::Equal => Some(KeyState::Active { since: activates_at }),
            std::cmp::Ordering::Less => {
                let until = later(self.activates_at(index + 1)?, self.policy.max_token_lifetime + CLOCK_TOLERANCE);
                (now < until).then_some(KeyState::Retired { until })
            }
        }
    }

    /// The index of the newest key whose time to sign has come; the first one signs in any case.
    fn active(&self, now: Timestamp) -> usize {
        (1..self.keys.len()).rev().find(|index| self.activates_at(*index).is_some_and(|at| at <= now)).unwrap_or(0)
    }

    fn activates_at(&self, index: usize) -> Option<Timestamp> {
        let created_at = self.keys.get(index)?.created_at;
        Some(if index == 0 { created_at } else { later(created_at, self.policy.activation_delay) })
    }
}

/// `time` and `duration` together, at most the end of time.
fn later(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}
