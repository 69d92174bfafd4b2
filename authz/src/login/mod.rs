//! Signing in and out.

pub mod passwords;

use crate::services::Services;
use axum::Router;
use std::sync::Arc;

/// The routes of this folder.
pub fn routes() -> Router<Arc<Services>> {
    Router::new()
}
