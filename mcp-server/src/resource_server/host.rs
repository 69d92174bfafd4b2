//! The `Host` check: a page that rebinds its name to this machine does not get in, whatever token it has.

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

use super::challenge::Reason;
use super::resource::ResourceIdentifier;

/// The names under which this server answers.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Vec<Name>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    host: String,
    port: Option<u16>,
}

/// The entry is not `host` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host or host:port")]
pub struct InvalidHost(String);

impl AllowedHosts {
    /// The host of `resource` with any port (all three loopback names when it is one), and `others`:
    /// `host` for any port, `host:port` for that port only.
    ///
    /// # Errors
    /// The entry that is not a host.
    pub fn new(resource: &ResourceIdentifier, others: &[String]) -> Result<Self, InvalidHost> {
        let mut names: Vec<Name> = others.iter().map(|other| Name::parse(other)).collect::<Result<_, _>>()?;
        let ours = resource.url().host_str().unwrap_or_default();
        let loopback: &[&str] = if resource.is_loopback() { &super::LOOPBACK } else { &[] };
        for host in loopback.iter().copied().chain([ours]) {
            names.push(Name { host: host.to_owned(), port: None });
        }
        Ok(Self(names))
    }

    /// Checks the `Host` header and, if the request line has one, its authority.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Reason> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (header, repeated) = (hosts.next(), hosts.next().is_some());
        let header_allowed = header.is_some_and(|value| value.to_str().is_ok_and(|host| self.allows(host)));
        let authority = uri.authority().map(Authority::as_str);
        let allowed = match (header, authority) {
            (None, None) => false,
            (None, Some(authority)) => self.allows(authority),
            (Some(_), None) => header_allowed,
            (Some(_), Some(authority)) => header_allowed && self.allows(authority),
        };
        if allowed && !repeated { Ok(()) } else { Err(Reason::HostNotAllowed) }
    }

    /// On the path of each request, so nothing is allocated: what equals a name needs no parsing of its own.
    fn allows(&self, presented: &str) -> bool {
        let Some((host, port)) = split(presented) else {
            return false;
        };
        let same = |name: &Name| name.host.eq_ignore_ascii_case(host) && (name.port.is_none() || name.port == port);
        self.0.iter().any(same)
    }
}

impl Name {
    fn parse(raw: &str) -> Result<Self, InvalidHost> {
        let authority = raw.parse::<Authority>().ok();
        let named = |host: &str| !host.is_empty() && host != "*";
        let parts = split(raw).filter(|(host, _)| authority.is_some_and(|found| found.host() == *host) && named(host));
        let (host, port) = parts.ok_or_else(|| InvalidHost(raw.to_owned()))?;
        Ok(Self { host: host.to_owned(), port })
    }
}

/// `host` or `host:port`; an IPv6 address is in brackets.
fn split(raw: &str) -> Option<(&str, Option<u16>)> {
    let end = if raw.starts_with('[') { raw.find(']')? + 1 } else { raw.find(':').unwrap_or(raw.len()) };
    let (host, rest) = raw.split_at_checked(end)?;
    match rest.strip_prefix(':') {
        None => rest.is_empty().then_some((host, None)),
        // A sign is no part of a port, though it is of a number.
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(resource: &str, uri: &str, hosts: &[&str]) -> Result<(), Reason> {
        let resource = ResourceIdentifier::parse(resource).unwrap();
        let others = ["proxy.internal".to_owned(), "edge.internal:8443".to_owned()];
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        AllowedHosts::new(&resource, &others).unwrap().check(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn a_loopback_resource_answers_to_the_three_loopback_names() {
        for host in
            ["localhost:8001", "127.0.0.1:8001", "[::1]:8001", "LOCALHOST:8001", "localhost", "proxy.internal:1"]
        {
            assert_eq!(check("http://localhost:8001/mcp", "/mcp", &[host]), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_public_resource_answers_to_its_own_name() {
        for host in ["mcp.example", "mcp.example:443", "edge.internal:8443"] {
            assert_eq!(check("https://mcp.example/mcp", "/mcp", &[host]), Ok(()), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "edge.internal", "edge.internal:1"] {
            assert_eq!(check("https://mcp.example/mcp", "/mcp", &[host]), Err(Reason::HostNotAllowed), "{host}");
        }
    }

    #[test]
    fn foreign_missing_and_repeated_hosts_are_refused() {
        let foreign = [
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "localhost@evil.example",
            "evil.example@localhost",
            "0.0.0.0:8001",
            "127.0.0.1.nip.io",
            "localhost:port",
            "localhost:8001:1",
            "[::1",
            "",
        ];
        for host in foreign {
            assert_eq!(check("http://localhost:8001/mcp", "/mcp", &[host]), Err(Reason::HostNotAllowed), "{host}");
        }
        assert!(check("http://localhost:8001/mcp", "/mcp", &[]).is_err());
        assert!(check("http://localhost:8001/mcp", "/mcp", &["localhost", "localhost"]).is_err());
    }

    #[test]
    fn a_setting_that_is_no_host_is_refused() {
        let resource = ResourceIdentifier::parse("https://mcp.example/mcp").unwrap();
        for other in ["https://a", "a/b", "a@b", "a:b", "a:+1", "*", "", "a b", ":1"] {
            let refused =
                AllowedHosts::new(&resource, &[other.to_owned()]).map(|_| ()) == Err(InvalidHost(other.to_owned()));
            assert!(refused, "{other}");
        }
    }

    #[test]
    fn the_request_line_is_checked_as_well() {
        let ours = "http://localhost:8001/mcp";
        assert_eq!(check(ours, "http://localhost:8001/mcp", &["localhost"]), Ok(()));
        assert_eq!(check(ours, "http://localhost:8001/mcp", &[]), Ok(()));
        assert!(check(ours, "http://evil.example/mcp", &["localhost"]).is_err());
        assert!(check(ours, "http://localhost:8001/mcp", &["evil.example"]).is_err());
    }
}
