//! Logs: to stderr, as text or JSON, filtered by `RUST_LOG`; and traces, with the feature `otel`.

use crate::settings::InvalidSetting;
use std::io;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

mod fields;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl std::fmt::Display for LogFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Starts logging for this process. `default_filter` (as `info` or `authz=debug,info`) counts when
/// `RUST_LOG` is not set or empty. A second call changes nothing.
///
/// # Errors
/// `RUST_LOG` (or the default) is not a filter.
pub fn init(format: LogFormat, default_filter: &str) -> Result<(), InvalidSetting> {
    #[expect(clippy::disallowed_methods, reason = "no setting of ours: what every program of this kind reads")]
    let set = std::env::var_os(EnvFilter::DEFAULT_ENV);
    let filter = filter(set.as_ref().map(|set| set.to_string_lossy()).as_deref(), default_filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    #[cfg(feature = "otel")]
    let registry = registry.with(crate::traces::layer()?);
    let logs = fmt::layer().with_writer(io::stderr);
    // An error means that logging runs already, which is what was asked for.
    let _already_running = match format {
        LogFormat::Text => {
            let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
            registry.with(logs.with_ansi(is_terminal).fmt_fields(fields::HarmlessFields)).try_init()
        }
        LogFormat::Json => {
            registry.with(logs.json().flatten_event(true).with_current_span(true).with_span_list(false)).try_init()
        }
    };
    Ok(())
}

/// The last thing that a process does: hands over the traces that wait for it, if there are any.
pub fn flush() {
    #[cfg(feature = "otel")]
    crate::traces::flush();
}

fn filter(set: Option<&str>, default_filter: &str) -> Result<EnvFilter, InvalidSetting> {
    EnvFilter::try_new(set.filter(|set| !set.trim().is_empty()).unwrap_or(default_filter)).map_err(invalid)
}

fn invalid(error: impl std::fmt::Display) -> InvalidSetting {
    InvalidSetting::new(
        "RUST_LOG",
        error.to_string(),
        "use a level such as info, or target=level pairs such as authz=debug,info",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_an_invalid_setting() {
        let problem = filter(Some("authz=nonsense"), "info").unwrap_err();
        assert_eq!(problem.name, "RUST_LOG");
    }

    #[test]
    fn an_empty_filter_is_as_good_as_none() {
        for unset in [None, Some(""), Some(" ")] {
            assert_eq!(filter(unset, "info,rmcp=warn").unwrap().to_string(), "rmcp=warn,info");
        }
        assert_eq!(filter(Some("debug"), "info").unwrap().to_string(), "debug");
    }

    #[test]
    fn logging_starts_with_the_default_filter_and_may_be_asked_for_twice() {
        assert_eq!(init(LogFormat::Text, "info"), Ok(()));
        assert_eq!(init(LogFormat::Json, "info"), Ok(()));
    }
}
