//! The requests under way: many at once, each can be cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use http::HeaderValue;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tower::ServiceExt as _;

use super::envelope::{Answer, Envelope, Refused};
use crate::resource_server::ResourceIdentifier;

/// Requests at once.
const MOST: usize = 32;

#[derive(Debug)]
pub(super) struct Calls {
    pub(super) envelope: Envelope,
    router: Router,
    places: Arc<Semaphore>,
    under_way: Mutex<HashMap<String, AbortHandle>>,
    /// Set when the token has been refused.
    refusal: watch::Sender<Option<Refused>>,
}

impl Calls {
    pub(super) fn new(router: Router, resource: &ResourceIdentifier, authorization: HeaderValue) -> Self {
        Self {
            envelope: Envelope::new(resource, authorization),
            router,
            places: Arc::new(Semaphore::new(MOST)),
            under_way: Mutex::default(),
            refusal: watch::Sender::new(None),
        }
    }

    /// Begins what a line asks for, when there is a place; its answers go to `lines`.
    pub(super) async fn begin(self: &Arc<Self>, line: Vec<u8>, lines: mpsc::Sender<String>) {
        let message: Value = serde_json::from_slice(&line).unwrap_or_default();
        let method = message.get("method").and_then(Value::as_str);
        if let (Some("notifications/cancelled"), Some(id)) = (method, message.pointer("/params/requestId")) {
            return self.cancel(id);
        }
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return;
        };
        let (calls, id) = (Arc::clone(self), message.get("id").unwrap_or(&Value::Null).to_string());
        let own = id.clone();
        let mut under_way = self.under_way();
        let call = tokio::spawn(async move {
            calls.call(line, &message, &lines).await;
            calls.under_way().remove(&own);
            drop(place);
        });
        under_way.insert(id, call.abort_handle());
    }

    /// Waits until the token is refused.
    pub(super) async fn refused(&self) -> Refused {
        let mut refusal = self.refusal.subscribe();
        let refused = refusal.wait_for(Option::is_some).await.ok().and_then(|refused| refused.clone());
        match refused {
            Some(refused) => refused,
            // The sender is ours, so it is still there.
            None => std::future::pending().await,
        }
    }

    async fn call(&self, line: Vec<u8>, message: &Value, lines: &mpsc::Sender<String>) {
        let Ok(response) = self.router.clone().oneshot(self.envelope.request(line, message)).await;
        let Answer { messages, refused } = self.envelope.open(response, message).await;
        for message in messages {
            // Nobody reads any more: the session has ended.
            lines.send(message).await.ok();
        }
        if refused.is_some() {
            self.refusal.send_replace(refused);
        }
    }

    /// What is cancelled is not answered (MCP cancellation).
    fn cancel(&self, id: &Value) {
        if let Some(call) = self.under_way().remove(&id.to_string()) {
            call.abort();
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
