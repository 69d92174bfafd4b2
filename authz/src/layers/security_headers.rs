//! Headers that every answer has: not in a frame, no sniffing, no referrer, not kept (RFC 9700 §4.16, RFC 6749 §5.1).
//! What a handler sets itself, such as the lifetime of the key set, stays.

use crate::pages::ContentSecurityPolicy;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

pub(super) fn set(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in always() {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| ContentSecurityPolicy::NoForm.to_header_value());
    response
}

const fn always() -> [(HeaderName, &'static str); 3] {
    [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The addresses of our pages hold request ids, those of clients codes: neither is told to anybody.
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, routing::get};
    use http::{HeaderMap, Request};
    use tower::{ServiceExt as _, util::MapResponseLayer};

    async fn headers(path: &str) -> HeaderMap {
        let router: Router = Router::new()
            .route("/page", get(async || "page"))
            .route("/keys", get(async || ([(header::CACHE_CONTROL, "public, max-age=300")], "{}")))
            .layer(MapResponseLayer::new(set));
        router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap().headers().clone()
    }

    #[tokio::test]
    async fn every_answer_has_the_headers_even_a_404() {
        for path in ["/page", "/keys", "/nowhere"] {
            let headers = headers(path).await;
            for (name, expected) in always() {
                assert_eq!(headers[&name], expected, "{path}");
            }
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        }
    }

    #[tokio::test]
    async fn nothing_is_kept_unless_the_handler_says_so() {
        assert_eq!(headers("/page").await[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers("/keys").await[header::CACHE_CONTROL], "public, max-age=300");
    }
}
