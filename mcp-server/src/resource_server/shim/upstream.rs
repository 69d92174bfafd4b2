//! The issuer's metadata, fetched once for many: kept for ten minutes, used for an hour while the issuer is away.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use verification_keys::http::Client;
use verification_keys::metadata::{self, Overrides};
use verification_keys::{Clock, Issuer};

use super::ShimError;
use super::document::{Face, Known};
use crate::resource_server::issuer::IssuerOptions;

/// How long the document is taken as it is.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// How long the last one serves while there is no other.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How long nobody asks again after a failure: anybody can ask us, and nobody may flood the issuer with it.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// There is nothing to serve; the log says why.
#[derive(Debug)]
pub(super) struct Unavailable;

#[derive(Debug)]
pub(super) struct Upstream {
    issuer: Issuer,
    overrides: Overrides,
    face: Face,
    client: Client,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Taken by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    last: Option<(Arc<Known>, Timestamp)>,
    failed_at: Option<Timestamp>,
}

impl Upstream {
    pub(super) fn new(issuer: &IssuerOptions, face: Face, client: Client, clock: Arc<dyn Clock>) -> Self {
        let (overrides, issuer) = (issuer.overrides(), issuer.issuer.clone());
        let (held, fetching) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { issuer, overrides, face, client, clock, held, fetching }
    }

    /// What is known of the issuer. Callers wait for the one fetch under way only if there is nothing older to go by.
    pub(super) async fn current(&self) -> Result<Arc<Known>, Unavailable> {
        let held = self.held();
        if let Some(known) = held.not_older_than(FRESH, self.clock.now()) {
            return Ok(known);
        }
        let older = held.not_older_than(STALE, self.clock.now());
        let _fetching = match (self.fetching.try_lock(), older) {
            (Ok(ours), _) => ours,
            (Err(_), Some(older)) => return Ok(older),
            (Err(_), None) => self.fetching.lock().await,
        };
        // Somebody may have been faster.
        let mut held = self.held();
        let now = self.clock.now();
        let fresh = held.not_older_than(FRESH, now).is_some();
        let paused = held.failed_at.is_some_and(|failed| now.duration_since(failed) < PAUSE);
        if !fresh && !paused {
            match self.fetch().await {
                Ok(known) => held = Held { last: Some((Arc::new(known), now)), failed_at: None },
                Err(error) => held.fail(&error, now),
            }
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held.clone();
        }
        held.not_older_than(STALE, now).ok_or(Unavailable)
    }

    fn held(&self) -> Held {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the issuer now.
    pub(super) async fn fetch(&self) -> Result<Known, ShimError> {
        let theirs = metadata::document(&self.client, &self.issuer, &self.overrides).await?;
        self.face.read(&theirs)
    }
}

impl Held {
    fn not_older_than(&self, age: SignedDuration, now: Timestamp) -> Option<Arc<Known>> {
        let (known, fetched) = self.last.as_ref()?;
        (now.duration_since(*fetched) < age).then(|| Arc::clone(known))
    }

    fn fail(&mut self, error: &ShimError, now: Timestamp) {
        tracing::warn!(%error, "the metadata shim has no fresh document of its issuer");
        self.failed_at = Some(now);
        if error.is_final() {
            // What it says is not that it is away, but that clients could not use it.
            self.last = None;
        }
    }
}
