//! What every router is wrapped in: request id, panics as 500, a time limit, a body limit.

use crate::{ServeOptions, request_id};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use std::any::Any;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

/// Wraps `router`; [`crate::serve()`] does it, and tests of a router in process may do it too.
///
/// A request that takes too long is 408, a body that is too large 413, a panic in a handler 500.
pub fn apply(router: Router, options: &ServeOptions) -> Router {
    let layers = ServiceBuilder::new()
        .layer(from_fn(request_id::set))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, options.request_timeout))
        .layer(RequestBodyLimitLayer::new(options.max_body_bytes))
        .layer(DefaultBodyLimit::disable());
    router.layer(layers)
}

/// The message of the panic stays out of the answer and of the log, it may hold a caller's data; the panic
/// hook has printed the place.
fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CACHE_CONTROL, "no-store")], "internal server error").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::{Body, Bytes},
        routing::{get, post},
    };
    use http::Request;
    use std::time::Duration;
    use tower::ServiceExt as _;

    async fn status(router: Router, options: &ServeOptions, request: Request<Body>) -> StatusCode {
        apply(router, options).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_panic_in_a_handler_is_500_and_says_nothing() {
        async fn handler() -> &'static str {
            panic!("secret words")
        }
        let router = apply(Router::new().route("/", get(handler)), &ServeOptions::default());
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key(request_id::X_REQUEST_ID));
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(&body[..], b"internal server error");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_413_and_one_at_the_limit_passes() {
        let options = ServeOptions { max_body_bytes: 3_000_000, ..ServeOptions::default() };
        for (length, expected) in [(3_000_000, StatusCode::OK), (3_000_001, StatusCode::PAYLOAD_TOO_LARGE)] {
            let router = Router::new().route("/", post(async |body: Bytes| body.len().to_string()));
            let request = Request::post("/").body(Body::from(vec![b'x'; length])).unwrap();
            assert_eq!(status(router, &options, request).await, expected);
        }
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_408() {
        let options = ServeOptions { request_timeout: Duration::from_millis(20), ..ServeOptions::default() };
        let router = Router::new().route("/", get(std::future::pending::<&'static str>));
        let request = Request::get("/").body(Body::empty()).unwrap();
        assert_eq!(status(router, &options, request).await, StatusCode::REQUEST_TIMEOUT);
    }
}
