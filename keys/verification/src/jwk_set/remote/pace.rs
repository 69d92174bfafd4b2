//! When a fetch may start: one at a time, not too soon after a failure, and for unknown `kid`s once per cooldown.
//! Pure: the time is passed in.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{FetchError, RemoteOptions};

/// Why a fetch is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The keys are missing, or getting old.
    Refresh,
    /// A token names a `kid` that is not among them.
    UnknownKid,
    /// It was asked for.
    Asked,
}

/// What was fetched when, and what is under way.
#[derive(Debug, Default)]
pub(super) struct Pace {
    flight: Option<watch::Receiver<()>>,
    started_at: Option<Timestamp>,
    refetched_at: Option<Timestamp>,
    failure: Option<Arc<FetchError>>,
}

impl Pace {
    /// The fetch under way, to wait for; it is over when the other side is dropped.
    pub(super) fn flight(&self) -> Option<watch::Receiver<()>> {
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }

    /// Notes that a fetch starts now, if it may; what is returned is to be dropped when it ends.
    pub(super) fn start(
        &mut self,
        occasion: Occasion,
        now: Timestamp,
        options: &RemoteOptions,
    ) -> Option<watch::Sender<()>> {
        let failed_just_now = self.failure.is_some() && within(self.started_at, now, options.retry);
        let may_start = match occasion {
            Occasion::Asked => true,
            Occasion::Refresh => !failed_just_now,
            Occasion::UnknownKid => !failed_just_now && !within(self.refetched_at, now, options.cooldown),
        };
        if !may_start {
            return None;
        }
        if occasion == Occasion::UnknownKid {
            self.refetched_at = Some(now);
        }
        self.started_at = Some(now);
        let (landed, flight) = watch::channel(());
        self.flight = Some(flight);
        Some(landed)
    }

    /// Starts the cooldown at a fetch that was made for another reason, and was in vain for a `kid`.
    pub(super) fn count_as_refetch(&mut self, at: Timestamp) {
        self.refetched_at = self.refetched_at.max(Some(at));
    }

    pub(super) fn succeeded(&mut self) {
        self.failure = None;
    }

    pub(super) fn failed(&mut self, error: FetchError) {
        self.failure = Some(Arc::new(error));
    }

    /// Whether the last fetch failed.
    pub(super) const fn is_failing(&self) -> bool {
        self.failure.is_some()
    }

    /// Why the last fetch failed.
    pub(super) fn failure(&self) -> Option<Arc<FetchError>> {
        self.failure.clone()
    }
}

fn within(since: Option<Timestamp>, now: Timestamp, span: Duration) -> bool {
    // A clock that went backwards must not hold fetches up until it has caught up.
    since.is_some_and(|since| Duration::try_from(now.duration_since(since)).is_ok_and(|past| past < span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn starts(pace: &mut Pace, occasion: Occasion, second: i64) -> bool {
        pace.start(occasion, at(second), &RemoteOptions::default()).is_some()
    }

    #[test]
    fn an_unknown_kid_starts_at_most_one_fetch_per_cooldown() {
        let mut pace = Pace::default();
        let started: Vec<_> = (0..100).filter(|second| starts(&mut pace, Occasion::UnknownKid, *second)).collect();
        assert_eq!(started, [0, 30, 60, 90]);
    }

    #[test]
    fn a_refresh_is_not_held_up_by_the_cooldown_nor_does_it_start_one() {
        let mut pace = Pace::default();
        assert!(starts(&mut pace, Occasion::Refresh, 0));
        assert!(starts(&mut pace, Occasion::UnknownKid, 1));
        assert!(starts(&mut pace, Occasion::Refresh, 2));
        assert!(!starts(&mut pace, Occasion::UnknownKid, 3));
        pace.count_as_refetch(at(2));
        assert!(!starts(&mut pace, Occasion::UnknownKid, 31));
        assert!(starts(&mut pace, Occasion::UnknownKid, 32));
    }

    #[test]
    fn after_a_failure_only_a_person_is_served_before_the_retry_time() {
        let mut pace = Pace::default();
        assert!(starts(&mut pace, Occasion::Refresh, 0));
        pace.failed(FetchError::Status(500));
        assert!(!starts(&mut pace, Occasion::Refresh, 9));
        assert!(!starts(&mut pace, Occasion::UnknownKid, 9));
        assert!(starts(&mut pace, Occasion::Refresh, 10));
        assert!(starts(&mut pace, Occasion::Asked, 11));
        assert!(!starts(&mut pace, Occasion::Refresh, 12));
        pace.succeeded();
        assert!(starts(&mut pace, Occasion::Refresh, 12));
    }

    #[test]
    fn a_clock_that_goes_backwards_holds_nothing_up() {
        let mut pace = Pace::default();
        assert!(starts(&mut pace, Occasion::UnknownKid, 10_000));
        assert!(starts(&mut pace, Occasion::UnknownKid, 10));
    }

    #[test]
    fn a_fetch_is_under_way_until_its_side_is_dropped() {
        let mut pace = Pace::default();
        let landed = pace.start(Occasion::Asked, at(0), &RemoteOptions::default());
        assert!(landed.is_some() && pace.flight().is_some());
        drop(landed);
        assert!(pace.flight().is_none());
    }
}
