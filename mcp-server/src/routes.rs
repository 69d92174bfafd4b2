//! Where everything is mounted: the protected MCP endpoint at the path of the public URL, and the public
//! routes beside it; on a port of its own, `GET /metrics`.

use std::future::ready;

use axum::Router;
use axum::routing::MethodRouter;

use crate::resource_server::{ResourceIdentifier, ResourceServer};

pub use serving::metrics::METRICS;

/// The whole server. Host and Origin are checked on the MCP endpoint only.
pub fn router(resource: &ResourceIdentifier, protected: &ResourceServer, endpoint: MethodRouter) -> Router {
    let keys = protected.clone();
    Router::new()
        .without_v07_checks()
        .route(resource.url().path(), endpoint.layer(protected.layer()))
        .merge(protected.metadata_routes())
        .merge(serving::health::routes(move || ready(keys.is_ready())))
}

/// What the port of the metrics serves, and nothing else does.
pub fn metrics(protected: &ResourceServer) -> Router {
    let protected = protected.clone();
    serving::metrics::routes(move || protected.metrics())
}
