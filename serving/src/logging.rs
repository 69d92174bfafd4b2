//! Logs: to stderr, as text or JSON, filtered by `RUST_LOG`.

use crate::settings::InvalidSetting;
use std::{env::VarError, error::Error as _, io};
use tracing_subscriber::{EnvFilter, fmt};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging for this process. `default_filter` (as `info` or `authz=debug,info`) counts when
/// `RUST_LOG` is not set. A second call changes nothing.
///
/// # Errors
/// `RUST_LOG` (or the default) is not a filter.
pub fn init(format: LogFormat, default_filter: &str) -> Result<(), InvalidSetting> {
    let filter = match EnvFilter::try_from_default_env() {
        Err(error) if is_unset(&error) => EnvFilter::try_new(default_filter).map_err(invalid)?,
        filter => filter.map_err(invalid)?,
    };
    let logs = fmt().with_env_filter(filter).with_writer(io::stderr);
    // An error means that logging runs already, which is what was asked for.
    let _already_running = match format {
        LogFormat::Text => logs.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    Ok(())
}

fn is_unset(error: &tracing_subscriber::filter::FromEnvError) -> bool {
    matches!(error.source().and_then(|source| source.downcast_ref()), Some(VarError::NotPresent))
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
        let problem = EnvFilter::try_new("authz=nonsense").map_err(invalid).unwrap_err();
        assert_eq!(problem.name, "RUST_LOG");
    }

    #[test]
    fn logging_starts_with_the_default_filter_and_may_be_asked_for_twice() {
        assert_eq!(init(LogFormat::Text, "info"), Ok(()));
        assert_eq!(init(LogFormat::Json, "info"), Ok(()));
    }
}
