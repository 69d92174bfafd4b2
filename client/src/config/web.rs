//! Where `client web` is served, from its settings.

use serving::{TlsArgs, is_loopback_host, settings::Problems};
use std::fmt;

use super::{given, port};
use crate::{cli::WebSettings, oauth::endpoint::Endpoint};

/// Port of the page, unless set otherwise.
pub const DEFAULT_WEB_PORT: u16 = 3000;

/// Where the page is, and what it may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebConfig {
    /// The address to serve on.
    pub host: String,
    /// The port to serve on.
    pub port: u16,
    /// Where browsers find it: scheme, host and port.
    pub origin: Endpoint,
    /// Hosts that it may call although they are not public.
    pub allowed_hosts: Vec<String>,
    /// Whether the page is on https without a proxy, and with which certificate.
    pub tls: TlsArgs,
}

/// What is set about the page.
pub(super) fn web(raw: &WebSettings, problems: &mut Problems) -> Option<WebConfig> {
    let port = port("MCP_CLIENT_WEB_PORT", raw.web_port.as_ref(), DEFAULT_WEB_PORT, problems)?;
    let host = given(raw.web_host.as_ref()).unwrap_or("localhost").to_owned();
    let scheme = if raw.tls.wants_tls() { "https" } else { "http" };
    let local = format!("{scheme}://localhost:{port}");
    let url = given(raw.web_url.as_ref());
    if url.is_none() && !is_loopback_host(&host) {
        problems.add(
            "MCP_CLIENT_WEB_URL",
            format!("missing, though MCP_CLIENT_WEB_HOST is {host}, which is not this computer alone"),
            "name the https URL that browsers open, or serve on localhost",
        );
    }
    let fix = "use scheme, host and port alone, as in https://client.example";
    let origin = Endpoint::parse(url.unwrap_or(&local)).map_err(|reason| reason.to_string());
    let origin = origin.and_then(|url| match (url.url().path(), url.url().query()) {
        ("" | "/", None) => Ok(url),
        _ => Err("it has a path or a query".to_owned()),
    });
    let origin = problems.check("MCP_CLIENT_WEB_URL", fix, origin)?;
    if raw.tls.wants_tls() && origin.url().scheme() != "https" {
        problems.add("MCP_CLIENT_WEB_URL", "says http, but https is served", "start it with https://");
    }
    let allowed_hosts = raw.web_allowed_hosts.iter().map(|host| host.trim().to_ascii_lowercase());
    let allowed_hosts = allowed_hosts.filter(|host| !host.is_empty()).collect();
    Some(WebConfig { host, port, origin, allowed_hosts, tls: raw.tls.clone() })
}

impl fmt::Display for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "MCP_CLIENT_WEB_PORT={}", self.port)?;
        writeln!(f, "MCP_CLIENT_WEB_HOST={}", self.host)?;
        writeln!(f, "MCP_CLIENT_WEB_URL={}", self.origin.as_str())?;
        writeln!(f, "MCP_CLIENT_WEB_ALLOWED_HOSTS={}", self.allowed_hosts.join(","))?;
        self.tls.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &WebSettings) -> Result<WebConfig, String> {
        let mut problems = Problems::new();
        let config = web(raw, &mut problems);
        problems.into_result(config).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn set(web_port: &str) -> WebSettings {
        WebSettings { web_port: Some(web_port.to_owned()), ..WebSettings::default() }
    }

    fn open(web_url: Option<&str>) -> WebSettings {
        let web_host = Some("0.0.0.0".to_owned());
        WebSettings { web_host, web_url: web_url.map(str::to_owned), ..WebSettings::default() }
    }

    #[test]
    fn it_is_on_this_computer_unless_it_is_said_otherwise() {
        let config = read(&WebSettings::default()).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("localhost", 3000));
        assert_eq!(config.origin.as_str(), "http://localhost:3000");
        let moved = read(&set("3100")).unwrap();
        assert_eq!(moved.origin.as_str(), "http://localhost:3100");
    }

    #[test]
    fn with_a_certificate_the_page_is_on_https() {
        let tls = TlsArgs { tls_self_signed: true, ..TlsArgs::default() };
        let with = |web_url: Option<&str>| {
            read(&WebSettings { tls: tls.clone(), web_url: web_url.map(str::to_owned), ..WebSettings::default() })
        };
        assert_eq!(with(None).unwrap().origin.as_str(), "https://localhost:3000");
        let problem = with(Some("http://localhost:3000")).unwrap_err();
        assert!(problem.starts_with("MCP_CLIENT_WEB_URL: says http, but https is served"), "{problem}");
    }

    #[test]
    fn an_address_that_others_reach_needs_an_https_url() {
        assert!(read(&open(None)).unwrap_err().starts_with("MCP_CLIENT_WEB_URL: missing"));
        assert!(read(&open(Some("http://client.example"))).unwrap_err().contains("https"));
        assert!(read(&open(Some("https://client.example/mcp"))).unwrap_err().contains("path"));
        assert_eq!(read(&open(Some("https://client.example"))).unwrap().origin.as_str(), "https://client.example");
    }
}
