//! The connection limit. When all places are taken, the connection that has waited longest for a request
//! gives its place up, so that half-open and idle connections never keep a good one out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// All places of one server.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// One taken place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    evicted: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

/// While it lives, its connection counts as waiting for a request and may be evicted.
#[derive(Debug)]
pub(crate) struct WaitingMark {
    places: Arc<Places>,
    turn: u64,
}

/// Connections without a request, longest waiting first.
#[derive(Debug, Default)]
struct Waiting {
    turns: u64,
    by_turn: BTreeMap<u64, Arc<Notify>>,
}

impl Places {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self { free: Arc::new(Semaphore::new(limit)), waiting: Mutex::default() })
    }

    /// A place for a new connection. Waits only while every place is busy with a request.
    pub(crate) async fn take(self: Arc<Self>) -> Option<Place> {
        let permit = if let Ok(permit) = self.free.clone().try_acquire_owned() {
            permit
        } else {
            self.evict_longest_waiting();
            self.free.clone().acquire_owned().await.ok()?
        };
        Some(Place { places: self, evicted: Arc::default(), _permit: permit })
    }

    fn evict_longest_waiting(&self) {
        if let Some((_, connection)) = self.waiting().by_turn.pop_first() {
            connection.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Ends when this connection has to go.
    pub(crate) fn evicted(&self) -> Arc<Notify> {
        self.evicted.clone()
    }

    /// Marks the connection as waiting for a request, as the youngest of all.
    pub(crate) fn mark_waiting(&self) -> WaitingMark {
        let mut waiting = self.places.waiting();
        let turn = waiting.turns;
        waiting.turns += 1;
        waiting.by_turn.insert(turn, self.evicted.clone());
        WaitingMark { places: self.places.clone(), turn }
    }
}

impl Drop for WaitingMark {
    fn drop(&mut self) {
        self.places.waiting().by_turn.remove(&self.turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::Future as _, pin::pin, task::Context};

    fn is_evicted(place: &Place) -> bool {
        let evicted = place.evicted();
        pin!(evicted.notified()).poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[tokio::test]
    async fn the_longest_waiting_connection_gives_its_place_up() {
        let places = Places::new(3);
        let busy = places.clone().take().await.unwrap();
        drop(busy.mark_waiting());
        let older = places.clone().take().await.unwrap();
        let _older_waits = older.mark_waiting();
        let younger = places.clone().take().await.unwrap();
        let _younger_waits = younger.mark_waiting();

        let newcomer = tokio::spawn(places.clone().take());
        tokio::task::yield_now().await;
        assert_eq!([is_evicted(&busy), is_evicted(&older), is_evicted(&younger)], [false, true, false]);
        drop(older);
        assert!(newcomer.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_newcomer_waits_while_every_place_is_busy() {
        let places = Places::new(1);
        let busy = places.clone().take().await.unwrap();
        let newcomer = tokio::spawn(places.clone().take());
        tokio::task::yield_now().await;
        assert!(!is_evicted(&busy));
        assert!(!newcomer.is_finished());
        drop(busy);
        assert!(newcomer.await.unwrap().is_some());
    }
}
