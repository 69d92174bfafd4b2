//! The `Origin` check and CORS for the protected route (MCP Streamable HTTP, "Security & Endpoint"): a
//! foreign origin is refused with or without a token, a preflight is answered without one.

use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::challenge::Reason;
use super::resource::ResourceIdentifier;

const EXPOSED: HeaderValue =
    HeaderValue::from_static("www-authenticate, retry-after, x-request-id, mcp-session-id, mcp-protocol-version");
// `*` does not cover Authorization (Fetch, "CORS-preflight fetch"); it stands for the Mcp-Param-* headers.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id, *",
);
const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, DELETE");

/// The origins of pages that may call this resource.
#[derive(Clone, Debug)]
pub struct AllowedOrigins {
    listed: Vec<String>,
    loopback: bool,
}

/// The entry is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin, as in https://app.example or http://localhost:3000")]
pub struct InvalidOrigin(String);

impl AllowedOrigins {
    /// The origin of `resource` (any loopback origin when it is one), and `others`.
    ///
    /// # Errors
    /// The entry that is not an origin.
    pub fn new(resource: &ResourceIdentifier, others: &[String]) -> Result<Self, InvalidOrigin> {
        let parse = |other: &String| origin_of(other).ok_or_else(|| InvalidOrigin(other.clone()));
        let mut listed: Vec<String> = others.iter().map(parse).collect::<Result<_, _>>()?;
        listed.push(resource.url().origin().ascii_serialization());
        Ok(Self { listed, loopback: resource.is_loopback() })
    }

    /// The origin that the request comes from, if it names one.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Reason> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return Ok(None);
        };
        let allowed = origin.to_str().is_ok_and(|origin| self.allows(origin));
        if allowed && origins.next().is_none() { Ok(Some(origin.clone())) } else { Err(Reason::OriginNotAllowed) }
    }

    fn allows(&self, presented: &str) -> bool {
        let Some(origin) = origin_of(presented) else {
            return false;
        };
        self.listed.contains(&origin) || (self.loopback && is_loopback(&origin))
    }
}

/// `scheme://host[:port]` in its one spelling; nothing else, no path, no `null`.
fn origin_of(raw: &str) -> Option<String> {
    let url = Url::parse(raw).ok()?;
    let serialized = url.origin().ascii_serialization();
    let web = matches!(url.scheme(), "http" | "https");
    let bare = raw.get(url.scheme().len()..)?.matches('/').count() == 2;
    let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    (web && bare && plain && raw.is_ascii()).then_some(serialized)
}

fn is_loopback(origin: &str) -> bool {
    let host = Url::parse(origin).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
    host.is_some_and(|host| super::LOOPBACK.contains(&host.as_str()))
}

/// Whether this is a CORS preflight, which carries no token.
pub(super) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight from an allowed origin.
pub(super) fn preflight(origin: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    grant(&mut response, origin);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ACCEPTED);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets a page of `origin` read the response.
pub(super) fn grant(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(resource: &str, origins: &[&str]) -> Result<Option<HeaderValue>, Reason> {
        let resource = ResourceIdentifier::parse(resource).unwrap();
        let others = ["https://app.example".to_owned()];
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        AllowedOrigins::new(&resource, &others).unwrap().check(&headers)
    }

    #[test]
    fn no_origin_is_fine() {
        assert_eq!(check("https://mcp.example/mcp", &[]), Ok(None));
    }

    #[test]
    fn own_and_listed_origins_pass() {
        for origin in ["https://mcp.example", "https://mcp.example:443", "https://app.example"] {
            assert!(check("https://mcp.example/mcp", &[origin]).unwrap().is_some(), "{origin}");
        }
        for origin in ["http://localhost:6274", "http://127.0.0.1:3000", "http://[::1]:1", "https://localhost"] {
            assert!(check("http://localhost:8001/mcp", &[origin]).unwrap().is_some(), "{origin}");
        }
    }

    #[test]
    fn foreign_origins_are_refused() {
        let foreign = [
            "https://evil.example",
            "http://mcp.example",
            "https://mcp.example:8443",
            "https://mcp.example.evil.example",
            "https://mcp.example/",
            "https://mcp.example@evil.example",
            "http://localhost:8001",
            "null",
            "file://",
            "",
        ];
        for origin in foreign {
            assert_eq!(check("https://mcp.example/mcp", &[origin]), Err(Reason::OriginNotAllowed), "{origin}");
        }
        let two = check("https://mcp.example/mcp", &["https://mcp.example", "https://mcp.example"]);
        assert_eq!(two, Err(Reason::OriginNotAllowed));
        for origin in ["http://localhost.evil.example", "http://evil.example", "http://127.0.0.1.nip.io"] {
            assert!(check("http://localhost:8001/mcp", &[origin]).is_err(), "{origin}");
        }
    }

    #[test]
    fn a_setting_that_is_no_origin_is_refused() {
        let resource = ResourceIdentifier::parse("https://mcp.example/mcp").unwrap();
        for other in ["*", "app.example", "https://app.example/", "https://app.example/x", "null"] {
            assert!(AllowedOrigins::new(&resource, &[other.to_owned()]).is_err(), "{other}");
        }
    }
}
