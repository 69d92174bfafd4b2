//! `x-request-id`: an own id for each request, on the answer, in its span and in the request's extensions. An id sent by the caller is ignored, because it would let a caller forge log lines.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue};
use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};
use tracing::{Instrument as _, Span, field::Empty};

/// The header that carries the id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request: 16 hexadecimal digits. It correlates log lines and is no secret.
///
/// Handlers take it from the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The next id: a counter under a keyed hash with a key of this process, so unique and not guessable
    /// from another one.
    #[must_use]
    pub fn next() -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        Self(KEY.hash_one(COUNTER.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The span of a request, in its extensions: for those who find something out about it in a span further in.
#[derive(Clone, Debug)]
pub struct RequestSpan(Span);

impl RequestSpan {
    /// Adds the tool that is called.
    pub fn record_tool(&self, tool: &str) {
        self.0.record("tool", tool);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// The middleware, for `axum::middleware::from_fn`; [`crate::layers::apply`] puts it on every router.
pub async fn set(mut request: Request, next: Next) -> Response {
    let id = RequestId::next();
    request.headers_mut().remove(X_REQUEST_ID);
    request.extensions_mut().insert(id);
    let span = span(&request, id);
    request.extensions_mut().insert(RequestSpan(span.clone()));
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Named by its route, as in `POST /mcp`. Who asks, for what, and what comes of it is added by whoever finds it out.
fn span(request: &Request, id: RequestId) -> Span {
    let name = format!("{} {}", request.method(), route(request));
    let span = tracing::info_span!(
        "request",
        otel.name = name,
        request_id = %id,
        issuer = Empty,
        client_id = Empty,
        tool = Empty,
        outcome = Empty
    );
    #[cfg(feature = "otel")]
    crate::traces::join(&span, request);
    span
}

/// The route as it is mounted, so that what stands in a path names no span of its own; of what is not mounted, the path.
/// Never the query: it may hold codes and tokens.
fn route(request: &Request) -> String {
    let mounted = request.extensions().get::<MatchedPath>();
    mounted.map_or_else(|| request.uri().path(), MatchedPath::as_str).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Extension, Router, body::Body, middleware::from_fn, routing::get};
    use tower::ServiceExt as _;

    async fn shown(Extension(id): Extension<RequestId>, headers: http::HeaderMap) -> String {
        assert!(!headers.contains_key(X_REQUEST_ID));
        id.to_string()
    }

    #[tokio::test]
    async fn the_id_of_the_caller_is_ignored_and_the_own_one_is_answered() {
        let router = Router::new().route("/", get(shown)).layer(from_fn(set));
        let request = http::Request::get("/").header(X_REQUEST_ID, "forged").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let header = response.headers()[X_REQUEST_ID].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(header.as_bytes(), &body[..]);
        assert_eq!(header.len(), 16);
    }

    #[tokio::test]
    async fn a_span_is_named_by_its_route() {
        async fn named(request: Request) -> String {
            route(&request)
        }
        let router: Router = Router::new().route("/clients/{id}", get(named)).fallback(named);
        let named = async |path: &str| {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            axum::body::to_bytes(response.into_body(), 100).await.unwrap()
        };
        assert_eq!(&named("/clients/c_1?token=x").await[..], b"/clients/{id}");
        assert_eq!(&named("/nowhere?token=x").await[..], b"/nowhere");
    }

    #[test]
    fn ids_differ() {
        assert_ne!(RequestId::next(), RequestId::next());
    }
}
