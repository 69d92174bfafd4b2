//! The flags and environment variables that every process has, to be flattened into its command line.

use crate::{Tls, logging::LogFormat, settings::InvalidSetting};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The certificate to serve https with, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct TlsArgs {
    /// PEM file with the certificate chain to serve https with; needs --tls-key
    #[arg(long, global = true, env = "MCP_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of --tls-cert
    #[arg(long, global = true, env = "MCP_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Serve https with a certificate of our own for localhost, made at the first start and renewed in time
    #[arg(long, global = true, env = "MCP_TLS_SELF_SIGNED", value_parser = clap::builder::BoolishValueParser::new())]
    pub tls_self_signed: bool,

    /// Folder in which the certificate of --tls-self-signed is kept
    #[arg(long, global = true, env = "MCP_TLS_DIR", value_name = "FOLDER", default_value = "data/tls")]
    pub tls_dir: PathBuf,
}

/// Settings common to authorization server and resource server.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct ServingArgs {
    /// Whether https is served, and with which certificate.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// PEM file with certificates to trust in outgoing calls, besides those of the system
    #[arg(long, env = "MCP_CA_CERT", value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,

    /// How log lines look (the filter is in `RUST_LOG`)
    #[arg(long, env = "MCP_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Print the settings in effect (secrets as ***) and exit
    #[arg(long)]
    pub print_config: bool,
}

impl TlsArgs {
    /// Whether https is to be served.
    #[must_use]
    pub const fn wants_tls(&self) -> bool {
        self.tls_self_signed || self.tls_cert.is_some() || self.tls_key.is_some()
    }

    /// The certificate to serve with; none for plain http. `host` is the host of the public URL, for
    /// which a self-signed certificate is made besides the loopback names.
    ///
    /// # Errors
    /// The settings contradict each other, or a file cannot be used.
    pub fn certificate(&self, host: &str) -> Result<Option<Tls>, InvalidSetting> {
        match (&self.tls_cert, &self.tls_key, self.tls_self_signed) {
            (None, None, false) => Ok(None),
            (None, None, true) => Tls::self_signed(&self.tls_dir, host, now()).map(Some).map_err(|error| {
                InvalidSetting::new("MCP_TLS_DIR", error.to_string(), "name a folder that can be written")
            }),
            (Some(certificate), Some(key), false) => Tls::from_pem_files(certificate, key).map(Some).map_err(|error| {
                InvalidSetting::new("MCP_TLS_CERT", error.to_string(), "name PEM files of a certificate and its key")
            }),
            (Some(_), None, false) => {
                Err(InvalidSetting::new("MCP_TLS_KEY", "missing", "name the key of MCP_TLS_CERT"))
            }
            (None, Some(_), false) => {
                Err(InvalidSetting::new("MCP_TLS_CERT", "missing", "name the certificate of MCP_TLS_KEY"))
            }
            (_, _, true) => {
                let problem = "cannot be used together with MCP_TLS_CERT or MCP_TLS_KEY";
                Err(InvalidSetting::new("MCP_TLS_SELF_SIGNED", problem, "leave one of them out"))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the start of a process, where its certificate is looked at")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The settings in effect, one `NAME=value` a line, for `--print-config`.
impl fmt::Display for TlsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "MCP_TLS_CERT={}", shown(self.tls_cert.as_deref()))?;
        writeln!(f, "MCP_TLS_KEY={}", shown(self.tls_key.as_deref()))?;
        writeln!(f, "MCP_TLS_SELF_SIGNED={}", self.tls_self_signed)?;
        writeln!(f, "MCP_TLS_DIR={}", self.tls_dir.display())
    }
}

/// As [`TlsArgs`], and the others after them.
impl fmt::Display for ServingArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tls.fmt(f)?;
        writeln!(f, "MCP_CA_CERT={}", shown(self.ca_cert.as_deref()))?;
        writeln!(f, "MCP_LOG_FORMAT={}", self.log_format)
    }
}

fn shown(file: Option<&Path>) -> impl fmt::Display {
    file.unwrap_or(Path::new("")).display()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(args: &TlsArgs) -> &'static str {
        args.certificate("localhost").unwrap_err().name
    }

    #[test]
    fn half_a_certificate_and_two_of_them_are_invalid() {
        let file = || Some(PathBuf::from("x.pem"));
        let none = TlsArgs::default();
        assert!(none.certificate("localhost").unwrap().is_none());
        assert_eq!(problem(&TlsArgs { tls_cert: file(), ..none.clone() }), "MCP_TLS_KEY");
        assert_eq!(problem(&TlsArgs { tls_key: file(), ..none.clone() }), "MCP_TLS_CERT");
        assert_eq!(problem(&TlsArgs { tls_cert: file(), tls_key: file(), ..none.clone() }), "MCP_TLS_CERT");
        assert_eq!(problem(&TlsArgs { tls_cert: file(), tls_self_signed: true, ..none }), "MCP_TLS_SELF_SIGNED");
    }

    #[test]
    fn flags_are_read_with_their_defaults() {
        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            serving: ServingArgs,
        }
        let parse = |flags: &[&str]| <Cli as clap::Parser>::try_parse_from(flags).map(|cli| cli.serving);
        let args = parse(&["x", "--tls-self-signed", "--log-format", "json"]).unwrap();
        assert!(args.tls.wants_tls());
        let shown = args.to_string();
        assert!(shown.contains("MCP_TLS_SELF_SIGNED=true\n") && shown.contains("MCP_LOG_FORMAT=json\n"), "{shown}");
        assert_eq!((args.log_format, args.tls.tls_dir), (LogFormat::Json, PathBuf::from("data/tls")));
        assert!(!parse(&["x"]).unwrap().tls.wants_tls());
        assert!(parse(&["x", "--log-format", "xml"]).is_err());
    }
}
