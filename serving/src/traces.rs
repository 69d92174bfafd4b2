//! OpenTelemetry traces over OTLP (feature `otel`), set by the standard environment variables: with
//! `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) set, each request is a span, named by its
//! method and route; one that comes with a `traceparent` belongs to its caller's trace.

use crate::settings::InvalidSetting;
use axum::extract::Request;
use opentelemetry::{propagation::TextMapPropagator as _, trace::TracerProvider as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, Tracer},
};
use std::sync::OnceLock;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::registry::LookupSpan;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// What hands spans over, if the environment says where to.
///
/// # Errors
/// The environment says something that cannot be used.
pub(crate) fn layer<S>() -> Result<Option<OpenTelemetryLayer<S, Tracer>>, InvalidSetting>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    if [ENDPOINT, TRACES_ENDPOINT].iter().all(|name| !is_set(name)) || is_true("OTEL_SDK_DISABLED") {
        return Ok(None);
    }
    // The exporter speaks https by whatever provider is installed; whoever comes first installs the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let exporter = SpanExporter::builder().with_http().build().map_err(|error| {
        InvalidSetting::new(ENDPOINT, error.to_string(), "write the http or https URL of an OTLP collector")
    })?;
    let provider = PROVIDER.get_or_init(|| SdkTracerProvider::builder().with_batch_exporter(exporter).build());
    Ok(Some(tracing_opentelemetry::layer().with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))))
}

/// Hands over what is left.
pub(crate) fn flush() {
    if let Some(Err(error)) = PROVIDER.get().map(SdkTracerProvider::shutdown) {
        tracing::warn!(%error, "the last spans were not handed over");
    }
}

/// Makes `span` a part of the trace that the headers of `request` name, if they do (W3C Trace Context).
pub(crate) fn join(span: &Span, request: &Request) {
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    // An error says that there is no exporter.
    let _ = span.set_parent(caller);
}

#[expect(clippy::disallowed_methods, reason = "no settings of ours: the standard variables of OpenTelemetry")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "no settings of ours: the standard variables of OpenTelemetry")]
fn is_true(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
