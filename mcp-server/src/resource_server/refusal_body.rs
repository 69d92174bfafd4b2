//! A body of your own for refusals.

use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use super::challenge::Refusal;

/// Makes the body of a refusal, with its content type and other headers. Status, challenge, `Retry-After`
/// and `Cache-Control` are set by the layer whatever it answers: clients and caches depend on them.
#[derive(Clone)]
pub struct RefusalBody(Arc<Make>);

type Make = dyn Fn(&Refusal, Option<&str>) -> Response + Send + Sync;

impl RefusalBody {
    /// `make` gets the refusal, and the id of the request if there is one.
    pub fn new<F, R>(make: F) -> Self
    where
        F: Fn(&Refusal, Option<&str>) -> R + Send + Sync + 'static,
        R: IntoResponse,
    {
        Self(Arc::new(move |refusal, request_id| make(refusal, request_id).into_response()))
    }

    pub(super) fn make(&self, refusal: &Refusal, request_id: Option<&str>) -> Response {
        (self.0)(refusal, request_id)
    }
}

impl fmt::Debug for RefusalBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalBody").finish_non_exhaustive()
    }
}
