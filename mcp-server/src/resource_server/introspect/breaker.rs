//! The circuit breaker before an issuer that does not answer: after 5 failures in a row nobody is asked for
//! 10 seconds, then one caller tries.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

const FAILURES: u32 = 5;
const OPEN: SignedDuration = SignedDuration::from_secs(10);

/// Closed, open, or letting one caller try.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether a call may be made now; else in how many seconds.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), u32> {
        let mut state = self.state();
        let Some(until) = state.open_until else {
            return Ok(());
        };
        if now < until {
            let wait = until.duration_since(now).as_secs().saturating_add(1);
            return Err(u32::try_from(wait).unwrap_or(u32::MAX));
        }
        // This caller tries; the others wait for what becomes of it.
        state.open_until = now.saturating_add(OPEN).ok();
        Ok(())
    }

    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    pub(super) fn failed(&self, now: Timestamp) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.open_until = now.saturating_add(OPEN).ok();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(at(0)));
        breaker
    }

    #[test]
    fn opens_after_five_failures_in_a_row() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(at(0));
            assert_eq!(breaker.check(at(0)), Ok(()));
        }
        breaker.succeeded();
        (0..4).for_each(|_| breaker.failed(at(0)));
        assert_eq!(breaker.check(at(0)), Ok(()));
        breaker.failed(at(0));
        assert_eq!(breaker.check(at(0)), Err(11));
        assert_eq!(breaker.check(at(9)), Err(2));
    }

    #[test]
    fn then_one_caller_tries() {
        let breaker = opened();
        assert_eq!(breaker.check(at(10)), Ok(()));
        assert!(breaker.check(at(10)).is_err());
        breaker.succeeded();
        assert_eq!(breaker.check(at(10)), Ok(()));
    }

    #[test]
    fn a_failed_try_opens_it_again() {
        let breaker = opened();
        assert_eq!(breaker.check(at(12)), Ok(()));
        breaker.failed(at(13));
        assert!(breaker.check(at(22)).is_err());
        assert_eq!(breaker.check(at(23)), Ok(()));
    }
}
