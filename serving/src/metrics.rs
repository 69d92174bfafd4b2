//! `GET /metrics` for Prometheus, on a port of its own: for the operator's monitoring, not for the public.

use crate::{Listener, ServeOptions, serve, settings::Problems};
use axum::{Router, routing::get};
use http::header;
use std::{future::ready, num::NonZeroU16};

/// The path of the metrics, on their own port.
pub const METRICS: &str = "/metrics";
/// The media type of the `OpenMetrics` text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the port of the metrics serves; `text` is asked at each scrape.
pub fn routes(text: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new().route(METRICS, get(move || ready(([(header::CONTENT_TYPE, MEDIA_TYPE)], text()))))
}

/// Serves them until `stopped` ends.
pub fn spawn(listener: Listener, routes: Router, stopped: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(serve(listener, routes, ServeOptions::default(), stopped));
}

/// Judges the port of the metrics, the setting `name`; `public` is the port that everybody reaches.
pub fn port(name: &'static str, raw: Option<&str>, public: u16, problems: &mut Problems) -> Option<u16> {
    const FIX: &str = "use a port of its own, 1 to 65535, or leave it empty";
    let raw = raw.filter(|raw| !raw.is_empty())?;
    let port = problems.check(name, FIX, raw.parse::<NonZeroU16>())?.get();
    if port == public {
        problems.add(name, "the port that is public", FIX);
    }
    Some(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn the_text_is_asked_for_at_each_scrape() {
        let request = http::Request::get(METRICS).body(Body::empty()).unwrap();
        let response = routes(|| "# EOF\n".to_owned()).oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(&axum::body::to_bytes(response.into_body(), 100).await.unwrap()[..], b"# EOF\n");
    }

    #[test]
    fn the_port_is_one_of_its_own() {
        let judged = |raw| {
            let mut problems = Problems::new();
            let port = port("MCP_X_METRICS_PORT", raw, 9000, &mut problems);
            (port, problems.is_empty())
        };
        assert_eq!([judged(None), judged(Some(""))], [(None, true), (None, true)]);
        assert_eq!(judged(Some("9800")), (Some(9800), true));
        for wrong in ["9000", "0", "65536", "http"] {
            assert!(!judged(Some(wrong)).1, "{wrong}");
        }
    }
}
