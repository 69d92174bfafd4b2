//! What is counted, for `GET /metrics` on a port of its own: requests by route and status, refusals by reason, and how
//! long answers take.

use http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{fmt, time::Duration};

/// The first word of each name.
const PREFIX: &str = "mcp_auth";
/// From an answer out of memory to one that waits for a disk, or for a queue of passwords, in seconds.
const BUCKETS: [f64; 11] = [2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 1.0, 5.0];

/// The counters of one server.
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

/// Routes as mounted, never paths as sent: so there are only so many.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabels {
    route: String,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            refusals: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Counts an answer; `method` is one of the well-known ones.
    pub fn answered(&self, route: &str, method: &'static str, status: StatusCode, time: Duration) {
        let labels = RequestLabels { route: route.to_owned(), method, status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { route: route.to_owned() }).observe(time.as_secs_f64());
    }

    /// Counts a refusal.
    pub fn refused(&self, route: &str, reason: &'static str) {
        self.refusals.get_or_create(&RefusalLabels { route: route.to_owned(), reason }).inc();
    }

    /// The text of a scrape, of the media type [`serving::metrics::MEDIA_TYPE`].
    #[must_use]
    pub fn text(&self) -> String {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("requests", "Requests by route and status", self.requests.clone());
        registry.register("refusals", "Requests that were refused, by reason", self.refusals.clone());
        let help = "Time from the headers of a request to its answer";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.durations.clone());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_has_every_counter() {
        let metrics = Metrics::default();
        metrics.answered("/oauth2/token", "POST", StatusCode::BAD_REQUEST, Duration::from_millis(1));
        metrics.refused("/oauth2/token", "invalid_grant");
        let text = metrics.text();
        for line in [
            r#"mcp_auth_requests_total{route="/oauth2/token",method="POST",status="400"} 1"#,
            r#"mcp_auth_refusals_total{route="/oauth2/token",reason="invalid_grant"} 1"#,
            r#"mcp_auth_request_duration_seconds_count{route="/oauth2/token"} 1"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
