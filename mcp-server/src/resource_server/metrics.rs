//! What is counted: verdicts by reason, verification time, keys, introspections, the cache. Each resource
//! server counts for itself; nothing is global.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use verification_keys::jwk_set::RemoteJwkSet;

use super::challenge::Reason;

/// The media type of [`super::ResourceServer::metrics`].
pub const METRICS_MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The first word of each name.
const PREFIX: &str = "mcp_resource";
/// From a verification without waiting to one that waits for the issuer, in seconds.
const BUCKETS: [f64; 13] = [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 1.0, 5.0];

/// The counters of one resource server.
#[derive(Debug)]
pub(super) struct Metrics {
    verdicts: Family<VerdictLabels, Counter>,
    /// The one of `verdicts` that known tokens count: without a look-up.
    accepted: Counter,
    would_refuse: Family<IssuerReason, Counter>,
    verification: Histogram,
    introspections: Family<IssuerOutcome, Counter>,
    cache_hits: Counter,
    cache_misses: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct VerdictLabels {
    decision: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IssuerReason {
    issuer: String,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IssuerOutcome {
    issuer: String,
    outcome: &'static str,
}

/// What became of the wish to ask an issuer about a token. The first four are calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Active,
    Refused,
    Declined,
    Failed,
    /// A refusal was remembered.
    Remembered,
    /// The issuer has failed too often just now.
    BreakerOpen,
    /// Too many questions at once.
    OverBudget,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Remembered => "remembered",
            Self::BreakerOpen => "breaker_open",
            Self::OverBudget => "over_budget",
        }
    }
}

impl Metrics {
    /// Every reason stands there from the start, at 0, so that the first refusal is an increase.
    pub(super) fn new() -> Self {
        let verdicts = Family::<VerdictLabels, Counter>::default();
        let accepted = verdicts.get_or_create_owned(&VerdictLabels { decision: "accepted", reason: "" });
        for &reason in Reason::ALL {
            drop(verdicts.get_or_create(&refused(reason)));
        }
        Self {
            verdicts,
            accepted,
            would_refuse: Family::default(),
            verification: Histogram::new(BUCKETS),
            introspections: Family::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
        }
    }

    pub(super) fn accepted(&self) {
        self.accepted.inc();
    }

    pub(super) fn refused(&self, reason: Reason) {
        self.verdicts.get_or_create(&refused(reason)).inc();
    }

    pub(super) fn would_refuse(&self, issuer: &str, reason: Reason) {
        let labels = IssuerReason { issuer: issuer.to_owned(), reason: reason.code() };
        self.would_refuse.get_or_create(&labels).inc();
    }

    pub(super) fn verified_in(&self, time: Duration) {
        self.verification.observe(time.as_secs_f64());
    }

    pub(super) fn cache_hit(&self) {
        self.cache_hits.inc();
    }

    pub(super) fn cache_miss(&self) {
        self.cache_misses.inc();
    }

    /// The text of a scrape.
    pub(super) fn text(&self, keys: Vec<KeysOf>, cached_tokens: u64) -> String {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("verdicts", "Requests by what was decided about them", self.verdicts.clone());
        let help = "Tokens accepted that MCP_RESOURCE_OAUTH_STRICT=true would refuse";
        registry.register("would_refuse", help, self.would_refuse.clone());
        let help = "Time to the verdict on a token that is not in the cache, waiting for its issuer included";
        registry.register_with_unit("verification", help, Unit::Seconds, self.verification.clone());
        let help = "Questions to issuers about tokens; remembered, breaker_open and over_budget were not asked";
        registry.register("introspections", help, self.introspections.clone());
        registry.register("token_cache_hits", "Tokens found among the verified ones", self.cache_hits.clone());
        registry.register("token_cache_misses", "Tokens not found among them", self.cache_misses.clone());
        registry.register("token_cache_size", "Verified tokens that are kept", ConstGauge::new(clamped(cached_tokens)));
        registry.register_collector(Box::new(KeyCollector(keys)));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &registry);
        text
    }
}

fn refused(reason: Reason) -> VerdictLabels {
    VerdictLabels { decision: "refused", reason: reason.code() }
}

fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Counts what becomes of questions to one issuer.
#[derive(Clone, Debug)]
pub(super) struct IntrospectionMeter {
    pub(super) metrics: Arc<Metrics>,
    pub(super) issuer: Arc<str>,
}

impl IntrospectionMeter {
    pub(super) fn count(&self, outcome: Outcome) {
        let labels = IssuerOutcome { issuer: self.issuer.to_string(), outcome: outcome.as_str() };
        self.metrics.introspections.get_or_create(&labels).inc();
    }
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeysOf {
    pub(super) issuer: Arc<str>,
    pub(super) keys: RemoteJwkSet,
}

/// Reads the state of the keys when it is asked for.
#[derive(Debug)]
struct KeyCollector(Vec<KeysOf>);

impl Collector for KeyCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Time since the issuer's keys were fetched; absent without keys";
        let mut ages = encoder.encode_descriptor("key_age", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for KeysOf { issuer, keys } in &self.0 {
            if let Some(age) = keys.age() {
                let labels = [("issuer", &**issuer)];
                ConstGauge::new(clamped(age.as_secs())).encode(ages.encode_family(&labels)?)?;
            }
        }
        let help = "Fetches of the issuer's keys";
        let mut fetches = encoder.encode_descriptor("key_fetches", help, None, MetricType::Counter)?;
        for KeysOf { issuer, keys } in &self.0 {
            let counted = keys.fetches();
            for (outcome, count) in [("succeeded", counted.succeeded), ("failed", counted.failed)] {
                let labels = [("issuer", &**issuer), ("outcome", outcome)];
                ConstCounter::new(count).encode(fetches.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
