//! The body of a request that is answered before it was read, as refusals are. hyper closes a connection with unread
//! bytes on it without saying so, and the peer's next request on it is lost: so what is left is read, within bounds, or
//! the answer says that the connection closes (RFC 9112 §9.6).

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time;

/// How much is read only to be forgotten, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_millis(250);

/// A body as the handler gets it.
#[derive(Debug)]
pub(super) struct Lent(Arc<Mutex<Incoming>>);

/// The same body as the connection keeps it.
#[derive(Debug)]
pub(super) struct Kept(Arc<Mutex<Incoming>>);

/// Both ends of `body`.
pub(super) fn lend(body: Incoming) -> (Lent, Kept) {
    let shared = Arc::new(Mutex::new(body));
    (Lent(Arc::clone(&shared)), Kept(shared))
}

impl Kept {
    /// Reads what the handler has left. `false` if there is more than that, so that the connection has to close.
    pub(super) async fn finish(self) -> bool {
        // Whoever still holds it may go on reading while the answer is sent.
        let Some(body) = Arc::into_inner(self.0) else { return true };
        let mut body = body.into_inner().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream() || time::timeout(PATIENCE, forget(&mut body)).await.unwrap_or(false)
    }
}

async fn forget(body: &mut Incoming) -> bool {
    let mut left = MAX_BYTES;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let Ok(frame) = frame else { return false };
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(less) => left = less,
            None => return false,
        }
    }
    true
}

impl Lent {
    fn body(&self) -> std::sync::MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
