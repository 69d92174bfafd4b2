//! How long a connection may wait for a request. hyper starts one timer when it begins to wait and drops it
//! when the request's head is complete; the time that this timer gives depends on what has arrived:
//! a new connection and a head under way have the header time, an idle connection the idle time.

use crate::{
    ServeOptions,
    places::{Place, WaitingMark},
};
use hyper::rt::{Sleep, Timer};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time;

/// hyper's timer for one connection.
#[derive(Debug)]
pub(super) struct HeadTimer {
    place: Arc<Place>,
    /// Set by the stream when bytes arrive.
    arrived: Arc<AtomicBool>,
    is_first: AtomicBool,
    header_read_timeout: Duration,
}

impl HeadTimer {
    pub(super) fn new(options: &ServeOptions, place: Arc<Place>, arrived: Arc<AtomicBool>) -> Self {
        let header_read_timeout = options.header_read_timeout;
        Self { place, arrived, is_first: AtomicBool::new(true), header_read_timeout }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, idle_deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.arrived.store(self.is_first.swap(false, Ordering::Relaxed), Ordering::Relaxed);
        Box::pin(HeadSleep {
            sleep: Box::pin(time::sleep_until(idle_deadline.into())),
            arrived: self.arrived.clone(),
            is_reading: false,
            header_read_timeout: self.header_read_timeout,
            _waiting: self.place.mark_waiting(),
        })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }
}

/// Ends when the wait for a head has lasted too long.
struct HeadSleep {
    sleep: Pin<Box<time::Sleep>>,
    arrived: Arc<AtomicBool>,
    is_reading: bool,
    header_read_timeout: Duration,
    _waiting: WaitingMark,
}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // hyper polls after each read, so the first byte of a head is seen here.
        if !this.is_reading && this.arrived.load(Ordering::Relaxed) {
            this.is_reading = true;
            let deadline = this.sleep.deadline().min(time::Instant::now() + this.header_read_timeout);
            this.sleep.as_mut().reset(deadline);
        }
        this.sleep.as_mut().poll(cx)
    }
}

impl Sleep for HeadSleep {}
