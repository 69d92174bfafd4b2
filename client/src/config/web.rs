//! Where `client web` is served, from its settings.

use serving::{is_loopback_host, settings::Problems};
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
}

/// What is set about the page.
pub(super) fn web(raw: &WebSettings, problems: &mut Problems) -> Option<WebConfig> {
    let port = port("MCP_CLIENT_WEB_PORT", raw.web_port.as_ref(), DEFAULT_WEB_PORT, problems)?;
    let host = given(raw.web_host.as_ref()).unwrap_or("localhost").to_owned();
    let local = format!("http://localhost:{port}");
    let url = given(raw.web_url.as_ref());
    if url.is_none() && !is_loopback_host(&host) {
        problems.add(
            "MCP_CLIENT_WEB_URL",
            format!("missing, though MCP_CLIENT_WEB_HOST is {host}, which is not this computer alone"),
            "name the https URL of the proxy in front, or serve on localhost",
        );
    }
    let fix = "use scheme, host and port alone, as in https://client.example";
    let origin = Endpoint::parse(url.unwrap_or(&local)).map_err(|reason| reason.to_string());
    let origin = origin.and_then(|url| match (url.url().path(), url.url().query()) {
        ("" | "/", None) => Ok(url),
        _ => Err("it has a path or a query".to_owned()),
    });
    let origin = problems.check("MCP_CLIENT_WEB_URL", fix, origin)?;
    let allowed_hosts = raw.web_allowed_hosts.iter().map(|host| host.trim().to_ascii_lowercase());
    Some(WebConfig { host, port, origin, allowed_hosts: allowed_hosts.filter(|host| !host.is_empty()).collect() })
}

impl fmt::Display for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "MCP_CLIENT_WEB_PORT={}", self.port)?;
        writeln!(f, "MCP_CLIENT_WEB_HOST={}", self.host)?;
        writeln!(f, "MCP_CLIENT_WEB_URL={}", self.origin.as_str())?;
        writeln!(f, "MCP_CLIENT_WEB_ALLOWED_HOSTS={}", self.allowed_hosts.join(","))
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
    fn an_address_that_others_reach_needs_an_https_url() {
        assert!(read(&open(None)).unwrap_err().starts_with("MCP_CLIENT_WEB_URL: missing"));
        assert!(read(&open(Some("http://client.example"))).unwrap_err().contains("https"));
        assert!(read(&open(Some("https://client.example/mcp"))).unwrap_err().contains("path"));
        assert_eq!(read(&open(Some("https://client.example"))).unwrap().origin.as_str(), "https://client.example");
    }
}
