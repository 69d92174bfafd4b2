//! The settings of this folder: as written, and judged.

use super::TrustedProxies;
use serving::{AuditTarget, settings::Problems};
use std::fmt;

/// The name of the setting of the audit log.
pub(super) const AUDIT_LOG: &str = "MCP_AUTH_AUDIT_LOG";

/// Flags and environment variables, as written.
#[derive(Clone, Debug, clap::Args)]
pub struct OperationsArgs {
    /// Whether callers that ask too often are told to wait: on or off
    #[arg(long, env = "MCP_AUTH_RATE_LIMITS", value_name = "ON|OFF", default_value = "on")]
    pub rate_limits: String,

    /// Addresses or networks of the proxies whose `X-Forwarded-For` is believed [default: none]
    #[arg(long, env = "MCP_AUTH_TRUSTED_PROXY", value_name = "ADDRESSES", value_delimiter = ',')]
    pub trusted_proxy: Vec<String>,

    /// Port of `GET /metrics`, on the same host; not for the public [default: none]
    #[arg(long, env = "MCP_AUTH_METRICS_PORT", value_name = "PORT")]
    pub metrics_port: Option<String>,

    /// Where it is written who asked for what: off, - (the log, target `audit`) or a file
    #[arg(long, env = AUDIT_LOG, value_name = "FILE", default_value = "off")]
    pub audit_log: String,
}

/// The same, judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationsConfig {
    /// Whether callers that ask too often are told to wait.
    pub rate_limits: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Port of the metrics, if they are served.
    pub metrics_port: Option<u16>,
    /// Where the audit log goes.
    pub audit: AuditTarget,
}

impl OperationsConfig {
    /// Judges the settings; `port` is the one that everybody reaches.
    pub fn new(args: &OperationsArgs, port: u16, problems: &mut Problems) -> Self {
        let metrics_port = args.metrics_port.as_deref();
        Self {
            rate_limits: rate_limits(&args.rate_limits, problems),
            trusted_proxies: trusted_proxies(&args.trusted_proxy, problems),
            metrics_port: serving::metrics::port("MCP_AUTH_METRICS_PORT", metrics_port, port, problems),
            audit: AuditTarget::parse(&args.audit_log),
        }
    }
}

fn rate_limits(raw: &str, problems: &mut Problems) -> bool {
    match raw {
        "" | "on" | "true" => true,
        "off" | "false" => false,
        _ => {
            problems.add("MCP_AUTH_RATE_LIMITS", "unknown word", "use on or off");
            true
        }
    }
}

fn trusted_proxies(raw: &[String], problems: &mut Problems) -> TrustedProxies {
    let fix = "write addresses or networks such as 10.0.0.0/8, separated by commas";
    problems.check("MCP_AUTH_TRUSTED_PROXY", fix, TrustedProxies::parse(raw)).unwrap_or_default()
}

/// The settings in effect, one `NAME=value` a line.
impl fmt::Display for OperationsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "MCP_AUTH_RATE_LIMITS={}", if self.rate_limits { "on" } else { "off" })?;
        writeln!(f, "MCP_AUTH_TRUSTED_PROXY={}", self.trusted_proxies)?;
        let port = self.metrics_port.map(|port| port.to_string()).unwrap_or_default();
        writeln!(f, "MCP_AUTH_METRICS_PORT={port}")?;
        writeln!(f, "{AUDIT_LOG}={}", self.audit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serving::settings::InvalidSetting;

    fn judge(change: impl FnOnce(&mut OperationsArgs)) -> Result<OperationsConfig, Vec<InvalidSetting>> {
        let mut args = OperationsArgs {
            rate_limits: "on".to_owned(),
            trusted_proxy: Vec::new(),
            metrics_port: None,
            audit_log: "off".to_owned(),
        };
        change(&mut args);
        let mut problems = Problems::new();
        let config = OperationsConfig::new(&args, 9000, &mut problems);
        problems.into_result(Some(config))
    }

    #[test]
    fn every_problem_is_told_with_its_setting() {
        let problems = judge(|args| {
            args.rate_limits = "sometimes".to_owned();
            args.trusted_proxy = vec!["proxy.example".to_owned()];
            args.metrics_port = Some("9000".to_owned());
        });
        let names: Vec<_> = problems.unwrap_err().iter().map(|problem| problem.name).collect();
        assert_eq!(names, ["MCP_AUTH_RATE_LIMITS", "MCP_AUTH_TRUSTED_PROXY", "MCP_AUTH_METRICS_PORT"]);
    }

    #[test]
    fn the_settings_in_effect_are_shown() {
        let config = judge(|args| {
            args.rate_limits = "off".to_owned();
            args.trusted_proxy = vec!["127.0.0.1".to_owned(), " 10.0.0.0/8".to_owned()];
            args.metrics_port = Some("9800".to_owned());
            args.audit_log = "-".to_owned();
        });
        let shown = config.unwrap().to_string();
        let expected = "MCP_AUTH_RATE_LIMITS=off\nMCP_AUTH_TRUSTED_PROXY=127.0.0.1/32,10.0.0.0/8\n\
            MCP_AUTH_METRICS_PORT=9800\nMCP_AUTH_AUDIT_LOG=-\n";
        assert_eq!(shown, expected);
    }
}
