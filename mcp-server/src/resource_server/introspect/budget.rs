//! The budget of questions about tokens that nothing speaks for, so that random tokens cannot flood the
//! issuer: 10 at once, 2 a second, 4 in flight.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

const BURST: i64 = 10;
const MILLISECONDS_PER_CALL: i64 = 500;
const IN_FLIGHT: u32 = 4;

/// A token bucket, counted in milliseconds, with a limit of calls under way.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    spent: i64,
    as_of: Option<Timestamp>,
    in_flight: u32,
}

/// One call under way; ends when dropped.
#[derive(Debug)]
pub(super) struct Permit<'a>(&'a Budget);

impl Budget {
    /// Leave for one call, or none.
    pub(super) fn take(&self, now: Timestamp) -> Option<Permit<'_>> {
        let mut state = self.state();
        state.refill(now);
        if state.in_flight == IN_FLIGHT || state.spent > (BURST - 1) * MILLISECONDS_PER_CALL {
            return None;
        }
        state.spent += MILLISECONDS_PER_CALL;
        state.in_flight += 1;
        Some(Permit(self))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refill(&mut self, now: Timestamp) {
        let passed = self.as_of.map_or(0, |as_of| now.as_millisecond() - as_of.as_millisecond());
        self.spent = (self.spent - passed.max(0)).max(0);
        self.as_of = Some(now);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn taken(budget: &Budget, now: Timestamp, tries: usize) -> usize {
        (0..tries).filter(|_| budget.take(now).is_some()).count()
    }

    #[test]
    fn ten_at_once_then_two_a_second() {
        let budget = Budget::default();
        assert_eq!(taken(&budget, at(0), 100), 10);
        assert_eq!(taken(&budget, at(499), 100), 0);
        assert_eq!(taken(&budget, at(500), 100), 1);
        assert_eq!(taken(&budget, at(1500), 100), 2);
    }

    #[test]
    fn rest_does_not_save_up_more_than_the_burst() {
        let budget = Budget::default();
        assert_eq!(taken(&budget, at(0), 100), 10);
        assert_eq!(taken(&budget, at(3_600_000), 100), 10);
    }

    #[test]
    fn four_in_flight() {
        let budget = Budget::default();
        let mut permits: Vec<_> = (0..4).map(|_| budget.take(at(0)).unwrap()).collect();
        assert!(budget.take(at(0)).is_none());
        permits.pop();
        assert!(budget.take(at(0)).is_some());
    }

    #[test]
    fn a_clock_set_back_gives_nothing() {
        let budget = Budget::default();
        assert_eq!(taken(&budget, at(10_000), 100), 10);
        assert_eq!(taken(&budget, at(0), 100), 0);
    }
}
