//! `GET /healthz` says that the process runs, `GET /readyz` that it can do its work.

use axum::{Router, routing::get};
use http::{StatusCode, header};

/// The path that answers 200 as long as the process runs.
pub const HEALTHZ: &str = "/healthz";
/// The path that answers 200 when the process is ready, else 503.
pub const READYZ: &str = "/readyz";

/// The two routes; `ready` is asked at each `GET /readyz`.
///
/// ```
/// let routes: axum::Router = serving::health::routes(|| std::future::ready(true));
/// ```
pub fn routes<S, F, Ready>(ready: F) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    F: Fn() -> Ready + Clone + Send + Sync + 'static,
    Ready: Future<Output = bool> + Send + 'static,
{
    let readyz = move || {
        let ready = ready();
        async move {
            no_store(if ready.await {
                (StatusCode::OK, "ready")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready")
            })
        }
    };
    Router::new().route(HEALTHZ, get(async || no_store((StatusCode::OK, "ok")))).route(READYZ, get(readyz))
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1], &'static str);

const fn no_store((status, body): (StatusCode, &'static str)) -> Answer {
    (status, [(header::CACHE_CONTROL, "no-store")], body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    use tower::ServiceExt as _;

    async fn status(router: &Router, path: &str) -> StatusCode {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn readiness_is_asked_each_time_and_health_does_not_depend_on_it() {
        let ready = Arc::new(AtomicBool::new(false));
        let asked = ready.clone();
        let router: Router = routes(move || std::future::ready(asked.load(Ordering::Relaxed)));
        assert_eq!(status(&router, READYZ).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(&router, HEALTHZ).await, StatusCode::OK);
        ready.store(true, Ordering::Relaxed);
        assert_eq!(status(&router, READYZ).await, StatusCode::OK);
    }
}
