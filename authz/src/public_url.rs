//! The public URL: the issuer identifier, and the base of every address that this server gives out.
//! It is configuration; request headers never decide it.

use std::fmt;
use url::{Host, Url};

/// The public URL of this server, and so its issuer identifier (RFC 8414 §2): https, or http on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    issuer: String,
    parsed: Url,
}

/// The value cannot be a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicUrl {
    /// Not an absolute http or https URL with a host.
    #[error("is not an absolute http or https URL")]
    NotAbsolute,
    /// RFC 8414 §2: no query and no fragment; no user information either.
    #[error("has a query, a fragment or user information")]
    ExtraParts,
    /// http to somewhere else than loopback.
    #[error("is http, and its host is not loopback")]
    InsecureHttp,
    /// A part of the path could not be told from a placeholder of the router.
    #[error("has a part of its path that begins with : or *")]
    UnusablePath,
    /// Written in another way than it would be read.
    #[error("is not in normal form (lower case host, no default port, no dot segments)")]
    NotNormal,
}

impl PublicUrl {
    /// Parses a public URL. One trailing slash is dropped: the issuer has none.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidPublicUrl> {
        let parsed = Url::parse(raw).map_err(|_| InvalidPublicUrl::NotAbsolute)?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
            return Err(InvalidPublicUrl::NotAbsolute);
        }
        let extra = parsed.query().is_some() || parsed.fragment().is_some();
        if extra || !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(InvalidPublicUrl::ExtraParts);
        }
        let issuer = raw.strip_suffix('/').unwrap_or(raw).to_owned();
        if parsed.as_str().strip_suffix('/').unwrap_or(parsed.as_str()) != issuer || issuer.ends_with('/') {
            return Err(InvalidPublicUrl::NotNormal);
        }
        if parsed.path().split('/').any(|part| part.starts_with([':', '*'])) {
            return Err(InvalidPublicUrl::UnusablePath);
        }
        let url = Self { issuer, parsed };
        if url.parsed.scheme() == "http" && !url.is_loopback() {
            return Err(InvalidPublicUrl::InsecureHttp);
        }
        Ok(url)
    }

    /// The issuer identifier: what `iss` holds, byte for byte.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The whole address of a route.
    #[must_use]
    pub fn join(&self, route: &str) -> String {
        format!("{}{route}", self.issuer)
    }

    /// The address of a route without scheme and host: for links, forms, redirects and cookies of our own pages.
    #[must_use]
    pub fn path(&self, route: &str) -> String {
        format!("{}{route}", self.base_path())
    }

    /// The path that every route but the well-known one is under: empty, or `/` and something.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.parsed.path().trim_end_matches('/')
    }

    /// Where the metadata document is: the well-known path, then the path of the issuer (RFC 8414 §3.1).
    #[must_use]
    pub fn metadata_path(&self) -> String {
        format!("{}{}", crate::routes::METADATA, self.base_path())
    }

    /// Scheme, host and port: what a browser sends as `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.parsed.origin().ascii_serialization()
    }

    /// Whether browsers reach this server over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.parsed.scheme() == "https"
    }

    /// Whether the host is this machine: `localhost`, `127.0.0.1` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.parsed.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The host without port, in the form of a `Host` header: IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.parsed.host_str().unwrap_or_default()
    }

    /// The port, the scheme's own if none is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.parsed.port_or_known_default()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_the_string_without_a_trailing_slash() {
        assert_eq!(PublicUrl::parse("http://localhost:9000/").unwrap().issuer(), "http://localhost:9000");
        let nested = PublicUrl::parse("https://as.example/tenant1").unwrap();
        assert_eq!(nested.join("/login"), "https://as.example/tenant1/login");
        assert_eq!(
            (nested.path("/login").as_str(), nested.origin().as_str()),
            ("/tenant1/login", "https://as.example")
        );
    }

    #[test]
    fn https_is_required_off_loopback() {
        assert_eq!(PublicUrl::parse("http://as.example"), Err(InvalidPublicUrl::InsecureHttp));
        for good in ["https://as.example", "http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000"] {
            assert!(PublicUrl::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn nothing_may_follow_the_path() {
        for hostile in ["https://a.example?x", "https://a.example#x", "https://u@a.example"] {
            assert_eq!(PublicUrl::parse(hostile), Err(InvalidPublicUrl::ExtraParts), "{hostile}");
        }
        for hostile in ["https://A.example", "https://a.example:443", "https://a.example/x/../y", "https://a.example//"]
        {
            assert_eq!(PublicUrl::parse(hostile), Err(InvalidPublicUrl::NotNormal), "{hostile}");
        }
        for hostile in ["https://a.example/:tenant", "https://a.example/x/*rest"] {
            assert_eq!(PublicUrl::parse(hostile), Err(InvalidPublicUrl::UnusablePath), "{hostile}");
        }
        for hostile in ["", "localhost:9000", "/x", "ftp://a.example"] {
            assert_eq!(PublicUrl::parse(hostile), Err(InvalidPublicUrl::NotAbsolute), "{hostile}");
        }
    }
}
