//! Redirect URIs (OAuth 2.1 §2.3, RFC 8252 §7.1, §7.3, §8.3): https, http to this machine, or a private-use scheme that
//! the operator named, written in one way only. They match as strings, but for the port of a loopback redirect.

use super::{PrivateUseScheme, RedirectRules};
use std::fmt;
use url::{Host, Url};

/// A redirect URI that passed every rule, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    written: String,
    parsed: Url,
}

/// The rule that a redirect URI breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// Longer than 2048 bytes.
    #[error("is longer than 2048 bytes")]
    TooLong,
    /// Has a space, a control character, a character outside of ASCII, or one that has no place in a URI.
    #[error("has a character that is not allowed in a URI")]
    IllegalCharacter,
    /// Has an encoded control character.
    #[error("has an encoded control character")]
    EncodedControlCharacter,
    /// Has a `*`.
    #[error("has a wildcard")]
    Wildcard,
    /// Not an absolute URI with a host.
    #[error("is not an absolute URI with a host")]
    NotAbsolute,
    /// Has a fragment (RFC 6749 §3.1.2).
    #[error("has a fragment")]
    HasFragment,
    /// Has a user or a password in front of the host.
    #[error("has user information")]
    HasUserInformation,
    /// Neither https nor http, nor a scheme that the operator named.
    #[error("has a scheme other than https and http that MCP_AUTH_REDIRECT_SCHEMES does not name")]
    SchemeNotAllowed,
    /// http, and the host is not loopback.
    #[error("is http to a host that is not loopback")]
    InsecureHttp,
    /// The host is the unspecified address.
    #[error("names the unspecified address")]
    UnspecifiedHost,
    /// Written in another way than a browser would write it: upper case host, dot segments, numbers as host …
    #[error("is not in normal form")]
    NotNormal,
    /// Its query has a parameter that the authorization response needs.
    #[error("has a query parameter that belongs to the authorization response")]
    ReservedParameter,
}

impl RedirectUri {
    /// What stands for a client that cannot be redirected to.
    pub const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";
    const MAX_BYTES: usize = 2048;
    /// Parameters of an authorization response; each has to be there once (RFC 6749 §4.1.2, RFC 9207 §2).
    const RESPONSE_PARAMETERS: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

    /// Parses and checks in one step: https, or http to loopback.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidRedirectUri> {
        Self::parse_by(raw, &RedirectRules::default())
    }

    /// The same where the operator allows more.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse_by(raw: &str, rules: &RedirectRules) -> Result<Self, InvalidRedirectUri> {
        let uri = Self::from_store(raw)?;
        if rules.allow(&uri) { Ok(uri) } else { Err(InvalidRedirectUri::SchemeNotAllowed) }
    }

    /// Reads one that was allowed when it was stored; [`RedirectRules::allow`] says whether it still is.
    ///
    /// # Errors
    /// The first rule that it breaks, whatever the operator allows.
    pub fn from_store(raw: &str) -> Result<Self, InvalidRedirectUri> {
        check_characters(raw)?;
        let parsed = Url::parse(raw).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        if raw != Self::OUT_OF_BAND {
            check_scheme_and_host(&parsed)?;
        }
        if parsed.query_pairs().any(|(name, _)| Self::RESPONSE_PARAMETERS.contains(&name.as_ref())) {
            return Err(InvalidRedirectUri::ReservedParameter);
        }
        // What the browser will do must be what is compared and shown.
        if parsed.as_str() != raw && parsed.as_str().strip_suffix('/') != Some(raw) {
            return Err(InvalidRedirectUri::NotNormal);
        }
        Ok(Self { written: raw.to_owned(), parsed })
    }

    /// Whether `requested` may be used where this one is registered: the same string, or the same loopback redirect
    /// at another port (RFC 8252 §7.3; the host must stay the same).
    #[must_use]
    pub fn allows(&self, requested: &Self) -> bool {
        self.written == requested.written
            || (self.is_loopback() && requested.is_loopback() && self.without_port() == requested.without_port())
    }

    /// Whether the browser stays on the person's own machine, over http.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.parsed.scheme() == "http"
    }

    /// Whether the answer goes to whatever listens on the person's own machine, over http or https.
    #[must_use]
    pub fn stays_on_this_computer(&self) -> bool {
        let is_local = match self.parsed.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.is_loopback() || (self.is_https() && is_local)
    }

    /// Whether https protects the answer on its way.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.parsed.scheme() == "https"
    }

    /// Whether there is nowhere to go: the code is shown, and the person copies it.
    #[must_use]
    pub fn is_out_of_band(&self) -> bool {
        self.written == Self::OUT_OF_BAND
    }

    /// Whether the answer goes to whichever application on the person's device has claimed the scheme (RFC 8252 §8.6).
    #[must_use]
    pub fn is_private_use(&self) -> bool {
        !self.is_https() && !self.is_loopback() && !self.is_out_of_band()
    }

    /// The scheme, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.parsed.scheme()
    }

    /// The host with its port, as the person should see it; with a private-use scheme the scheme and its colon, because
    /// any host may stand behind it.
    #[must_use]
    pub fn host(&self) -> String {
        if self.is_private_use() {
            return format!("{}:", self.scheme());
        }
        let host = self.parsed.host_str().unwrap_or_default();
        self.parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The source for `form-action` of a Content-Security-Policy: scheme, host and port. Its grammar has no place for
    /// an IPv6 address (CSP3 §2.3.1), and browsers would leave the source out and block the redirect: there, the
    /// scheme alone. So with a private-use scheme, which has no origin.
    #[must_use]
    pub fn form_action_source(&self) -> String {
        match self.parsed.host() {
            Some(Host::Ipv6(_)) => format!("{}:", self.scheme()),
            _ if self.is_private_use() => format!("{}:", self.scheme()),
            _ => self.parsed.origin().ascii_serialization(),
        }
    }

    /// This URI with `parameters` added to its query.
    #[must_use]
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let mut target = self.parsed.clone();
        target.query_pairs_mut().extend_pairs(parameters);
        target.into()
    }

    /// The URI as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn without_port(&self) -> (Option<Host<&str>>, &str, Option<&str>) {
        (self.parsed.host(), self.parsed.path(), self.parsed.query())
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn check_characters(raw: &str) -> Result<(), InvalidRedirectUri> {
    if raw.len() > RedirectUri::MAX_BYTES {
        return Err(InvalidRedirectUri::TooLong);
    }
    if !raw.bytes().all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)) {
        return Err(InvalidRedirectUri::IllegalCharacter);
    }
    if raw.contains('#') {
        return Err(InvalidRedirectUri::HasFragment);
    }
    if raw.contains('*') {
        return Err(InvalidRedirectUri::Wildcard);
    }
    let encoded = raw.as_bytes().windows(3).filter_map(|window| match window {
        [b'%', high, low] => Some((*high, *low)),
        _ => None,
    });
    for (high, low) in encoded {
        if matches!(high, b'0' | b'1') || (high == b'7' && low.eq_ignore_ascii_case(&b'f')) {
            return Err(InvalidRedirectUri::EncodedControlCharacter);
        }
    }
    Ok(())
}

fn check_scheme_and_host(uri: &Url) -> Result<(), InvalidRedirectUri> {
    let private_use = !matches!(uri.scheme(), "https" | "http");
    if private_use && PrivateUseScheme::parse(uri.scheme()).is_err() {
        return Err(InvalidRedirectUri::SchemeNotAllowed);
    }
    if !uri.username().is_empty() || uri.password().is_some() {
        return Err(InvalidRedirectUri::HasUserInformation);
    }
    if private_use {
        return Ok(());
    }
    // `localhost` and the two loopback addresses themselves; 127.0.0.2 and localhost.example are somebody else.
    let (unspecified, loopback) = match uri.host() {
        None => return Err(InvalidRedirectUri::NotAbsolute),
        Some(Host::Domain(name)) => (false, name == "localhost"),
        Some(Host::Ipv4(address)) => (address.is_unspecified(), address == std::net::Ipv4Addr::LOCALHOST),
        Some(Host::Ipv6(address)) => (address.is_unspecified(), address == std::net::Ipv6Addr::LOCALHOST),
    };
    if unspecified {
        return Err(InvalidRedirectUri::UnspecifiedHost);
    }
    if uri.scheme() == "http" && !loopback {
        return Err(InvalidRedirectUri::InsecureHttp);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use InvalidRedirectUri::*;
    use proptest::prelude::*;

    fn uri(raw: &str) -> RedirectUri {
        RedirectUri::parse(raw).unwrap_or_else(|problem| panic!("{raw}: {problem}"))
    }

    #[test]
    fn https_and_http_to_loopback_are_allowed() {
        for good in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/cb?tenant=1",
            "http://localhost:3030/callback",
            "http://127.0.0.1/cb",
            "http://[::1]:9/cb",
        ] {
            assert_eq!(uri(good).as_str(), good);
        }
    }

    #[test]
    fn every_rule_has_its_refusal() {
        for (hostile, rule) in [
            ("javascript:alert(1)", SchemeNotAllowed),
            ("data:text/html,x", SchemeNotAllowed),
            ("vbscript:x", SchemeNotAllowed),
            ("file:///etc/passwd", SchemeNotAllowed),
            ("blob:https://a.example/1", SchemeNotAllowed),
            ("com.example.app:/cb", SchemeNotAllowed),
            ("/callback", NotAbsolute),
            ("", NotAbsolute),
            ("//a.example/cb", NotAbsolute),
            ("https://a.example/cb#", HasFragment),
            ("https://*.a.example/cb", Wildcard),
            ("https://user@a.example/cb", HasUserInformation),
            ("https://user:pw@a.example/cb", HasUserInformation),
            ("http://a.example/cb", InsecureHttp),
            ("http://192.168.0.1/cb", InsecureHttp),
            ("http://127.0.0.2/cb", InsecureHttp),
            ("http://localhost.evil.example/cb", InsecureHttp),
            ("http://localhost./cb", InsecureHttp),
            ("http://0.0.0.0/cb", UnspecifiedHost),
            ("https://[::]/cb", UnspecifiedHost),
            ("http://2130706433/cb", NotNormal),
            ("http://0x7f.1/cb", NotNormal),
            ("http://LOCALHOST/cb", NotNormal),
            ("HTTPS://a.example/cb", NotNormal),
            ("https:a.example/cb", NotNormal),
            ("https://a.example/x/../cb", NotNormal),
            ("https://a.example/%2e%2e/cb", NotNormal),
            ("https://a.example\\@b.example/cb", IllegalCharacter),
            ("https://a.example/c b", IllegalCharacter),
            ("https://a.example/cb\r\nX: y", IllegalCharacter),
            ("https://a.example/cb\0", IllegalCharacter),
            ("https://ä.example/cb", IllegalCharacter),
            ("https://a.example/cb%0d%0aX:y", EncodedControlCharacter),
            ("https://a.example/cb%00", EncodedControlCharacter),
            ("https://a.example/cb?code=1", ReservedParameter),
            ("https://a.example/cb?st%61te=1", ReservedParameter),
        ] {
            assert_eq!(RedirectUri::parse(hostile), Err(rule), "{hostile:?}");
        }
    }

    #[test]
    fn a_long_one_is_refused_unread() {
        let long = format!("https://a.example/{}", "x".repeat(20_000));
        assert_eq!(RedirectUri::parse(&long), Err(TooLong));
    }

    #[test]
    fn only_the_port_of_a_loopback_redirect_may_vary() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert!(uri(&format!("http://{host}:3030/cb")).allows(&uri(&format!("http://{host}:49152/cb"))));
            assert!(uri(&format!("http://{host}/cb")).allows(&uri(&format!("http://{host}:49152/cb"))));
        }
        let registered = uri("http://localhost:3030/callback");
        for other in [
            "http://127.0.0.1:3030/callback",
            "http://[::1]:3030/callback",
            "http://localhost:3030/callback/",
            "http://localhost:3030/Callback",
            "http://localhost:3030/callback?x=1",
            "https://localhost:3030/callback",
        ] {
            assert!(!registered.allows(&uri(other)), "{other}");
        }
        assert!(!uri("https://a.example/cb").allows(&uri("https://a.example:8443/cb")));
        assert!(!uri("https://localhost:1/cb").allows(&uri("https://localhost:2/cb")));
    }

    #[test]
    fn parameters_are_added_behind_a_query_that_is_there() {
        let target = uri("https://a.example/cb?tenant=1").with_query(&[("state", "a&b=c#d\r\n ")]);
        assert_eq!(target, "https://a.example/cb?tenant=1&state=a%26b%3Dc%23d%0D%0A+");
    }

    proptest! {
        #[test]
        fn never_panics_and_never_leaves_https_or_loopback(raw in "\\PC{0,60}|https?://[a-z0-9.:@/\\\\%*\\[\\]-]{0,40}") {
            if let Ok(uri) = RedirectUri::parse(&raw) {
                let host = uri.parsed.host_str().unwrap().to_owned();
                prop_assert!(uri.parsed.scheme() == "https" || ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()));
                prop_assert!(uri.allows(&uri));
            }
        }

        #[test]
        fn https_matches_only_itself(a in "https://[a-c]\\.example/[a-c]{0,2}", b in "https://[a-c]\\.example/[a-c]{0,2}") {
            prop_assert_eq!(uri(&a).allows(&uri(&b)), a == b);
        }

        #[test]
        fn any_loopback_port_matches_and_nothing_else_changes(port in 1024_u16.., path in "[a-z]{0,3}", other in "[a-z]{0,3}") {
            let registered = uri(&format!("http://localhost:3030/{path}"));
            prop_assert_eq!(registered.allows(&uri(&format!("http://localhost:{port}/{other}"))), path == other);
        }
    }
}
