//! Middleware of this server: security headers and no-store on every answer, error pages with their request id, rate
//! limits, and the eye on every request that counts and audits it.

pub mod database;
mod error_pages;
pub mod rate_limits;
mod security_headers;
#[cfg(test)]
mod tests;
mod watch;

use crate::{host, services::Services};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use std::sync::Arc;
use tower::ServiceBuilder;
use tower_http::limit::RequestBodyLimitLayer;

/// More than any endpoint takes, so that a megabyte typed as a password is read to its end and answered by our page:
/// at this limit the connection closes, and the answer may be lost. The limit is here, and not that of
/// [`serving::ServeOptions`], so that its 413 has the headers that every answer has.
const MAX_BODY_BYTES: usize = 1280 * 1024;

/// Wraps the router of the whole server, inside of [`serving::layers`], which sets the request id.
pub fn apply<S: Clone + Send + Sync + 'static>(router: Router<S>, services: &Arc<Services>) -> Router<S> {
    // The first is the outermost. One by one, the router would wrap each of them in a service of its own.
    let layers = ServiceBuilder::new()
        .map_response(security_headers::set)
        .layer(from_fn_with_state(services.clone(), watch::watch))
        .layer(from_fn(error_pages::render))
        .layer(from_fn_with_state(services.clone(), host::check))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES));
    router.layer(layers)
}
