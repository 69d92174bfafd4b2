//! URLs that this client is willing to call or to open: https, or http on this computer.
//! MCP authorization "Communication Security"; best practices "OAuth Authorization URL Validation" and "SSRF".

use url::{Host, Url};

/// Longest URL accepted from anybody, in bytes.
pub const MAX_URL_BYTES: usize = 4096;

/// An absolute URL that passed the rules, together with the exact text it was published as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    published: String,
    url: Url,
}

/// The rule a URL breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("it is too long")]
    TooLong,
    /// Holds something a shell, a terminal or another URL parser may read differently.
    #[error("it holds characters that do not belong in a URL")]
    Character,
    /// Relative, or not a URL at all.
    #[error("it is not an absolute URL")]
    NotAbsolute,
    /// A scheme other than https, or http for a host that is not this computer.
    #[error("it must use https (http is allowed only for this computer)")]
    InsecureScheme,
    /// Carries a user name or a password.
    #[error("it must not carry a user name or password")]
    Userinfo,
    /// Has a fragment.
    #[error("it must not have a fragment")]
    Fragment,
    /// Has a query where none is allowed.
    #[error("it must not have a query")]
    Query,
    /// A server elsewhere pointed at this computer.
    #[error("it names this computer, but was sent by a server elsewhere")]
    LoopbackFromElsewhere,
}

impl Endpoint {
    /// Parses and checks in one step.
    ///
    /// # Errors
    /// The first rule that `raw` breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidEndpoint> {
        if raw.len() > MAX_URL_BYTES {
            return Err(InvalidEndpoint::TooLong);
        }
        // Before parsing: the URL parser drops tabs and line breaks and turns `\` into `/`.
        if raw.contains('#') {
            return Err(InvalidEndpoint::Fragment);
        }
        let url = Url::parse(raw).map_err(|_| InvalidEndpoint::NotAbsolute)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(InvalidEndpoint::InsecureScheme),
        }
        if !raw.bytes().all(is_harmless) {
            return Err(InvalidEndpoint::Character);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpoint::Userinfo);
        }
        Ok(Self { published: raw.to_owned(), url })
    }

    /// Parses a URL found in a document of `namer`, which may point at this computer only from this computer.
    ///
    /// # Errors
    /// The first rule that `raw` breaks.
    pub fn named_by(namer: &Self, raw: &str) -> Result<Self, InvalidEndpoint> {
        let endpoint = Self::parse(raw)?;
        if endpoint.is_loopback() && !namer.is_loopback() {
            return Err(InvalidEndpoint::LoopbackFromElsewhere);
        }
        Ok(endpoint)
    }

    /// The text as it was published, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.published
    }

    /// The parsed form, for requests.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the host is this computer.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Scheme, host and port, without a path.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The origin as an issuer is written, without a path.
    #[must_use]
    pub fn origin_endpoint(&self) -> Self {
        let mut url = self.url.clone();
        url.set_path("");
        url.set_query(None);
        Self { published: self.origin(), url }
    }

    /// The URL on the same origin with `path` and this URL's query, as well-known locations are built.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(path);
        Self { published: url.to_string(), url }
    }
}

/// Whether the host of `url` is this computer.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What real endpoints are made of. Left out on purpose: quotes, `$ ( ) ; < > \ ^ { | }`, backtick, space and control
/// characters, so that nothing we open means anything to a shell on the way (xdg-open is a script).
const fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'[' | b']' | b'@' | b'!')
        || matches!(byte, b'*' | b'+' | b',' | b'=' | b'%' | b'&')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_https_and_http_on_this_computer() {
        for good in [
            "https://auth.example/oauth2/authorize",
            "http://localhost:9000/token",
            "http://127.0.0.1:9000/token",
            "http://[::1]:9000/token",
            "https://auth.example/authorize?tenant=1&x=%20",
        ] {
            assert_eq!(Endpoint::parse(good).map(|e| e.as_str().to_owned()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn refuses_other_schemes_and_plain_http_elsewhere() {
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "vbscript:x",
            "ssh://host/",
            "http://auth.example/",
            "http://localhost.evil.example/",
            "http://0.0.0.0/",
            "http://169.254.169.254/",
        ] {
            assert_eq!(Endpoint::parse(bad), Err(InvalidEndpoint::InsecureScheme), "{bad}");
        }
    }

    #[test]
    fn refuses_what_a_shell_or_a_terminal_would_read() {
        for bad in [
            "https://a.example/$(touch x)",
            "https://a.example/`id`",
            "https://a.example/;id",
            "https://a.example/|id",
            "https://a.example/\"x",
            "https://a.example/'x",
            "https://a.example/\n",
            " https://a.example/",
            "https://a.example\\@b.example/",
            "https://a.example/\u{1b}[2J",
            "https://a.example/\u{202e}",
        ] {
            assert_eq!(Endpoint::parse(bad), Err(InvalidEndpoint::Character), "{bad:?}");
        }
        assert_eq!(Endpoint::parse("-flag"), Err(InvalidEndpoint::NotAbsolute));
    }

    #[test]
    fn refuses_userinfo_fragments_and_great_length() {
        assert_eq!(Endpoint::parse("https://u:p@a.example/"), Err(InvalidEndpoint::Userinfo));
        assert_eq!(Endpoint::parse("https://a.example/#x"), Err(InvalidEndpoint::Fragment));
        let long = format!("https://a.example/{}", "x".repeat(MAX_URL_BYTES));
        assert_eq!(Endpoint::parse(&long), Err(InvalidEndpoint::TooLong));
    }

    #[test]
    fn only_this_computer_may_point_at_this_computer() {
        let elsewhere = Endpoint::parse("https://mcp.example/mcp").unwrap();
        let here = Endpoint::parse("http://localhost:8001/mcp").unwrap();
        for local in ["http://localhost:9000", "https://127.0.0.1/x"] {
            assert_eq!(Endpoint::named_by(&elsewhere, local), Err(InvalidEndpoint::LoopbackFromElsewhere));
            assert!(Endpoint::named_by(&here, local).is_ok());
        }
    }
}
