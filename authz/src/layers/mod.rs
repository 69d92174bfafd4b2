//! Middleware of this server: security headers and no-store on every answer, error pages with their request id.

mod error_pages;
mod security_headers;

use axum::{Router, middleware::from_fn};

/// Wraps the router of the whole server, inside of [`serving::layers`], which sets the request id.
pub fn apply<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(from_fn(error_pages::render)).layer(from_fn(security_headers::set))
}
