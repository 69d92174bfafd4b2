//! The resource identifier (RFC 8707 §2, RFC 9728 §1.2): the one public URL that feeds the metadata, the
//! challenge, the audience check and the allowed hosts.

use std::fmt;

use url::{Host, Url};

/// The public URL of the protected resource, byte for byte as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceIdentifier {
    raw: String,
    url: Url,
    canonical: String,
}

/// Which rule a resource identifier breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResource {
    /// Not an absolute http or https URL.
    #[error("not an absolute http or https URL")]
    NotAUrl,
    /// Has a query or a fragment.
    #[error("has a query or a fragment")]
    QueryOrFragment,
    /// Has a user name or password.
    #[error("has credentials in it")]
    Credentials,
}

impl ResourceIdentifier {
    /// Parses and checks in one step.
    ///
    /// # Errors
    /// Says which rule the URL breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidResource> {
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidResource::NotAUrl);
        }
        let url = Url::parse(raw).map_err(|_| InvalidResource::NotAUrl)?;
        let canonical = canonical(raw).filter(|_| matches!(url.scheme(), "http" | "https"));
        let canonical = canonical.ok_or(InvalidResource::NotAUrl)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidResource::QueryOrFragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidResource::Credentials);
        }
        Ok(Self { raw: raw.to_owned(), url, canonical })
    }

    /// The identifier as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The identifier as a URL, to build others from.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether `presented` names this resource: scheme and host in lower case, default port dropped, the
    /// rest byte for byte.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        presented == self.raw || canonical(presented).is_some_and(|other| other == self.canonical)
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Display for ResourceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// `scheme://host[:port]` in lower case without the default port, and the rest as it stands. Done on the
/// text, because a URL parser would also resolve dots and escapes of the path.
fn canonical(raw: &str) -> Option<String> {
    let (scheme, rest) = raw.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = authority.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    Some(format!("{scheme}://{authority}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_default_port_are_compared_loosely_the_rest_is_not() {
        let ours = ResourceIdentifier::parse("https://mcp.example/mcp").unwrap();
        for same in ["https://mcp.example/mcp", "HTTPS://MCP.Example/mcp", "https://mcp.example:443/mcp"] {
            assert!(ours.matches(same), "{same}");
        }
        let others = [
            "https://mcp.example/mcp/",
            "https://mcp.example/MCP",
            "https://mcp.example/m%63p",
            "https://mcp.example/./mcp",
            "https://mcp.example/mcp?x",
            "https://mcp.example/mcp#x",
            "https://mcp.example:8443/mcp",
            "https://mcp.example:80/mcp",
            "http://mcp.example/mcp",
            "https://a@mcp.example/mcp",
            "https://mcp.example.evil/mcp",
            "https://mcp.example",
            "mcp.example/mcp",
            "*",
            "",
        ];
        for other in others {
            assert!(!ours.matches(other), "{other}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_an_identifier() {
        let refused = |raw| ResourceIdentifier::parse(raw).unwrap_err();
        assert_eq!(refused("/mcp"), InvalidResource::NotAUrl);
        assert_eq!(refused("ftp://a/mcp"), InvalidResource::NotAUrl);
        assert_eq!(refused("https://a/mcp?x=1"), InvalidResource::QueryOrFragment);
        assert_eq!(refused("https://a/mcp#x"), InvalidResource::QueryOrFragment);
        assert_eq!(refused("https://me@a/mcp"), InvalidResource::Credentials);
    }

    #[test]
    fn knows_loopback() {
        let loopback = |raw| ResourceIdentifier::parse(raw).unwrap().is_loopback();
        assert!(loopback("http://localhost:8001/mcp") && loopback("http://[::1]:1/mcp"));
        assert!(loopback("http://127.0.0.1/mcp") && !loopback("https://mcp.example/mcp"));
    }
}
