//! The issuer identifier: kept byte for byte, because it is compared as a string (RFC 8414 §3.3, RFC 9207 §2.4),
//! and the hosts that may be spoken to without TLS.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

/// An issuer identifier (RFC 8414 §2): https, or http for an allowed host; no query, fragment or credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    raw: String,
    url: Url,
}

/// Which rule an issuer identifier breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuer {
    /// Not an absolute http or https URL, or not plain ASCII.
    #[error("not an absolute http or https URL")]
    NotAUrl,
    /// Has a query or a fragment.
    #[error("has a query or a fragment")]
    QueryOrFragment,
    /// Has a user name or password.
    #[error("has credentials in it")]
    Credentials,
    /// http, and the host is neither loopback nor listed.
    #[error("http is allowed only for loopback and for listed hosts")]
    InsecureScheme,
}

impl Issuer {
    /// Parses and checks in one step.
    ///
    /// # Errors
    /// Says which rule the identifier breaks.
    pub fn parse(raw: &str, http_hosts: &HttpHosts) -> Result<Self, InvalidIssuer> {
        // The URL parser would drop white space and control characters without a word.
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidIssuer::NotAUrl);
        }
        let url = Url::parse(raw).map_err(|_| InvalidIssuer::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidIssuer::NotAUrl);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidIssuer::QueryOrFragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidIssuer::Credentials);
        }
        if !http_hosts.allows(&url) {
            return Err(InvalidIssuer::InsecureScheme);
        }
        Ok(Self { raw: raw.to_owned(), url })
    }

    /// The identifier exactly as it was configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The identifier as a URL, to build others from; never for comparing.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.raw)
    }
}

/// The hosts that may be reached by plain http: loopback always, others by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpHosts(Vec<String>);

/// The entry is not `host` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host or host:port")]
pub struct InvalidHttpHost(String);

impl HttpHosts {
    /// Loopback and these: `host` or `host:port`, without a scheme, each written as it stands in URLs.
    ///
    /// # Errors
    /// The first entry that could never be the host of a URL.
    pub fn parse<S: AsRef<str>>(hosts: impl IntoIterator<Item = S>) -> Result<Self, InvalidHttpHost> {
        hosts.into_iter().map(|host| parse_host(host.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `url` may be fetched: https to anywhere, http to an allowed host, no other scheme.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(url) || self.lists(url),
            _ => false,
        }
    }

    fn lists(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        self.0.iter().any(|listed| *listed == host || *listed == with_port)
    }
}

/// Comma-separated, as in a setting.
impl fmt::Display for HttpHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// In lower case. What a URL would write otherwise, such as an address without all its parts, would never be met.
fn parse_host(raw: &str) -> Result<String, InvalidHttpHost> {
    let host = raw.to_ascii_lowercase();
    let is_met = |url: &Url| {
        let name = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        host == name || host == format!("{name}:{port}")
    };
    let url = Url::parse(&format!("http://{host}")).ok().filter(is_met);
    // A URL may have a star in its host, and this is no pattern.
    match url.filter(|_| !host.contains('*')) {
        Some(_) => Ok(host),
        None => Err(InvalidHttpHost(raw.to_owned())),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<String, InvalidIssuer> {
        Issuer::parse(raw, &HttpHosts::parse(["authz", "idp:8080"]).unwrap()).map(|issuer| issuer.as_str().to_owned())
    }

    #[test]
    fn keeps_the_identifier_byte_for_byte() {
        for raw in ["https://a.example", "https://a.example/", "https://A.example:443/x/", "https://a.example/%7Ex"] {
            assert_eq!(parse(raw).as_deref(), Ok(raw));
        }
    }

    #[test]
    fn http_is_for_loopback_and_listed_hosts_only() {
        for raw in ["http://localhost:9000", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:1/x"] {
            assert_eq!(parse(raw).as_deref(), Ok(raw));
        }
        for raw in ["http://authz:9000", "http://AUTHZ", "http://idp:8080"] {
            assert_eq!(parse(raw).as_deref(), Ok(raw));
        }
        for raw in
            ["http://a.example", "http://localhost.evil", "http://idp:8081", "http://x.localhost", "http://0.0.0.0"]
        {
            assert_eq!(parse(raw), Err(InvalidIssuer::InsecureScheme), "{raw}");
        }
    }

    #[test]
    fn a_host_that_no_url_can_have_is_refused() {
        for host in ["authz", "AUTHZ:80", "a_b:8080", "10.0.0.7", "[fd00::1]:9000", "xn--bcher-kva.example"] {
            assert_eq!(HttpHosts::parse([host]).map(|hosts| hosts.to_string()), Ok(host.to_ascii_lowercase()));
        }
        for host in [
            "http://authz",
            "authz:9000/x",
            "authz/",
            "me@authz",
            "*",
            "*.internal",
            "10.0.0.0/8",
            "10.1",
            "authz:",
            ":9000",
            "authz:99999",
            "authz:+1",
            "fd00::1",
            "bücher.example",
            "a b",
            "a\tb",
            "authz?x",
            "",
        ] {
            assert_eq!(HttpHosts::parse(["authz", host]), Err(InvalidHttpHost(host.to_owned())), "{host:?}");
        }
    }

    #[test]
    fn refuses_what_rfc8414_section_2_forbids() {
        assert_eq!(parse("https://a.example?x=1"), Err(InvalidIssuer::QueryOrFragment));
        assert_eq!(parse("https://a.example?"), Err(InvalidIssuer::QueryOrFragment));
        assert_eq!(parse("https://a.example#x"), Err(InvalidIssuer::QueryOrFragment));
        assert_eq!(parse("https://me:pw@a.example"), Err(InvalidIssuer::Credentials));
        for raw in
            ["a.example", "/x", "", "ftp://a.example", "file:///etc/passwd", " https://a.example", "https://a.e\nx"]
        {
            assert_eq!(parse(raw), Err(InvalidIssuer::NotAUrl), "{raw:?}");
        }
    }
}
