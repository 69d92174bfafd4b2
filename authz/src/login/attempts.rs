//! Wrong passwords slow down, and never lock out: whoever types wrong ones waits longer each time, for that account, at
//! that address. When many addresses try one account, each address waits up to 30 seconds before its first attempt, and
//! gets it however many the others make: the person is held up once, and a guesser for every address.
//!
//! Names that nobody has count like any other. Kept in memory, of a bounded size; replicas count for themselves.

use crate::operations::CallerAddress;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
};

/// The attempts of this process.
#[derive(Debug, Default)]
pub struct Attempts {
    /// Keys are keyed hashes: of account and address, and of the account alone.
    pairs: Mutex<Tallies>,
    accounts: Mutex<Tallies>,
    hasher: RandomState,
}

/// The next attempt may be made in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong passwords")]
pub struct TooSoon {
    /// At least one second.
    pub wait: SignedDuration,
}

impl TooSoon {
    /// For a page.
    #[must_use]
    pub fn sentence(self) -> String {
        match self.wait.as_secs() {
            1 => "Too many wrong passwords. Try again in a second.".to_owned(),
            seconds => format!("Too many wrong passwords. Try again in {seconds} seconds."),
        }
    }
}

type Tallies = HashMap<u64, Tally>;

#[derive(Clone, Copy, Debug)]
struct Tally {
    failures: u32,
    last: Timestamp,
    not_before: Timestamp,
}

/// Wrong passwords at one address that cost nothing.
const FREE: u32 = 5;
/// Wrong passwords for one account, from anywhere, that cost nothing.
const FREE_FOR_ALL: u32 = 20;
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_WAIT_FOR_ALL: SignedDuration = SignedDuration::from_secs(30);
/// After so long without an attempt it is forgotten.
const MEMORY: SignedDuration = SignedDuration::from_mins(30);
const MOST_TALLIES: usize = 20_000;

impl Attempts {
    /// Counts an attempt before the password is looked at, so that many at once count as many.
    ///
    /// # Errors
    /// It comes too soon. Nothing was counted.
    pub fn begin(&self, account: &str, address: CallerAddress, now: Timestamp) -> Result<(), TooSoon> {
        let (pair, account) = (self.pair(account, address), self.hasher.hash_one(account));
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut pairs, now);
        make_room(&mut accounts, now);
        let by_all = accounts.get(&account).filter(|tally| tally.is_recent(now)).map_or(0, |tally| tally.failures);
        let wait_for_all = wait(by_all, FREE_FOR_ALL, LONGEST_WAIT_FOR_ALL);
        let known = pairs.get(&pair).filter(|tally| tally.is_recent(now)).copied();
        let tally = known.unwrap_or(Tally { failures: 0, last: now, not_before: now + wait_for_all });
        if now < tally.not_before {
            pairs.insert(pair, tally);
            return Err(TooSoon { wait: tally.not_before.duration_since(now).max(SignedDuration::from_secs(1)) });
        }
        let failures = tally.failures.saturating_add(1);
        let pause = wait(failures, FREE, LONGEST_WAIT).max(wait_for_all);
        pairs.insert(pair, Tally { failures, last: now, not_before: now + pause });
        accounts.insert(account, Tally { failures: by_all.saturating_add(1), last: now, not_before: now });
        Ok(())
    }

    /// The password was right: this address starts anew, and the attempt does not count against the account.
    pub fn succeeded(&self, account: &str, address: CallerAddress) {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pair(account, address));
        self.forgive(account);
    }

    /// Nobody could say whether the password was right: as if the attempt had not been made.
    pub fn not_judged(&self, account: &str, address: CallerAddress) {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = pairs.get_mut(&self.pair(account, address)) {
            *tally = Tally { failures: tally.failures.saturating_sub(1), not_before: tally.last, ..*tally };
        }
        self.forgive(account);
    }

    fn forgive(&self, account: &str) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = accounts.get_mut(&self.hasher.hash_one(account)) {
            tally.failures = tally.failures.saturating_sub(1);
        }
    }

    fn pair(&self, account: &str, address: CallerAddress) -> u64 {
        self.hasher.hash_one((account, address.subscriber()))
    }
}

impl Tally {
    fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.last) < MEMORY || now < self.not_before
    }
}

/// Nothing for the free ones, then a second, doubled each time.
fn wait(failures: u32, free: u32, longest: SignedDuration) -> SignedDuration {
    match failures.checked_sub(free) {
        None | Some(0) => SignedDuration::ZERO,
        Some(more) => SignedDuration::from_secs(1_i64.checked_shl(more.min(30) - 1).unwrap_or(i64::MAX)).min(longest),
    }
}

/// Forgets what is over; if that is not enough, what was counted least recently.
fn make_room(tallies: &mut Tallies, now: Timestamp) {
    if tallies.len() < MOST_TALLIES {
        return;
    }
    tallies.retain(|_, tally| tally.is_recent(now));
    if tallies.len() >= MOST_TALLIES {
        let mut ages: Vec<_> = tallies.values().map(|tally| tally.last).collect();
        let (_, middle, _) = ages.select_nth_unstable(MOST_TALLIES / 2);
        let middle = *middle;
        tallies.retain(|_, tally| tally.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::TrustedProxies;
    use axum::{body::Body, extract::ConnectInfo};
    use http::Request;
    use jiff::ToSpan as _;
    use std::net::{Ipv4Addr, SocketAddr};

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn address(last: u32) -> CallerAddress {
        let peer = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + last), 40_000));
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(peer));
        CallerAddress::of(&request, &TrustedProxies::default())
    }

    fn seconds(result: Result<(), TooSoon>) -> i64 {
        result.err().map_or(0, |too_soon| too_soon.wait.as_secs())
    }

    #[test]
    fn wrong_passwords_at_one_address_wait_twice_as_long_each_time_up_to_five_minutes() {
        let (attempts, mut now) = (Attempts::default(), NOW);
        for _ in 0..=FREE {
            assert_eq!(attempts.begin("ann", address(1), now), Ok(()));
        }
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
            assert_eq!(seconds(attempts.begin("ann", address(1), now)), expected);
            now += expected.seconds();
            assert_eq!(attempts.begin("ann", address(1), now), Ok(()));
        }
        now += 31.minutes();
        assert_eq!(attempts.begin("ann", address(1), now), Ok(()));
    }

    #[test]
    fn the_right_password_starts_anew_and_other_accounts_are_not_held_up() {
        let attempts = Attempts::default();
        for _ in 0..=FREE {
            assert_eq!(attempts.begin("ann", address(1), NOW), Ok(()));
        }
        assert!(attempts.begin("ann", address(1), NOW).is_err());
        assert_eq!(attempts.begin("bob", address(1), NOW), Ok(()));
        assert_eq!(attempts.begin("ann", address(2), NOW), Ok(()));
        attempts.succeeded("ann", address(1));
        assert_eq!(attempts.begin("ann", address(1), NOW), Ok(()));
    }

    #[test]
    fn an_attempt_that_was_not_judged_does_not_count() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.begin("ann", address(1), NOW), Ok(()));
            attempts.not_judged("ann", address(1));
        }
        for _ in 0..=FREE {
            assert_eq!(attempts.begin("ann", address(1), NOW), Ok(()));
        }
        assert_eq!(seconds(attempts.begin("ann", address(1), NOW)), 1);
        assert_eq!(attempts.begin("ann", address(2), NOW), Ok(()), "nor for the account");
    }

    #[test]
    fn nobody_locks_somebody_out_from_other_addresses() {
        let (attempts, mut now) = (Attempts::default(), NOW);
        let mut guessers = 1000;
        let mut flood = |now| {
            for _ in 0..500 {
                guessers += 1;
                let _ = attempts.begin("ann", address(guessers), now);
            }
        };
        for _ in 0..40 {
            flood(now);
            now += 1.second();
        }
        // The person comes, is told to wait once, and is let in then, whatever the others do meanwhile.
        let wait = seconds(attempts.begin("ann", address(1), now));
        assert!((1..=30).contains(&wait), "{wait}");
        for _ in 0..wait {
            flood(now);
            now += 1.second();
        }
        assert_eq!(attempts.begin("ann", address(1), now), Ok(()));
    }

    #[test]
    fn a_flood_of_names_takes_a_bounded_memory() {
        let attempts = Attempts::default();
        for index in 0..3 * u32::try_from(MOST_TALLIES).unwrap() {
            let now = NOW + i64::from(index).milliseconds();
            let _ = attempts.begin(&format!("user{index}"), address(index), now);
        }
        assert!(attempts.pairs.lock().unwrap().len() <= MOST_TALLIES);
        assert!(attempts.accounts.lock().unwrap().len() <= MOST_TALLIES);
    }
}
