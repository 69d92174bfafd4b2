//! What holds for every request: the `Host` is ours (DNS rebinding), and every answer says what a browser may do with it.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header, uri::Authority};
use std::sync::Arc;

use super::Web;
use crate::oauth::endpoint::Endpoint;

/// Own style, own script, own forms; nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) const fn policy() -> HeaderValue {
    HeaderValue::from_static(POLICY)
}

/// Lets through what is meant for us: 421 for another host, 400 for none, two or an unreadable one.
pub(super) async fn host(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    match judge(&request, &web.config.origin) {
        Ok(()) => next.run(request).await,
        Err(status) => {
            let origin = web.config.origin.as_str();
            (status, format!("This host is not served here. Served is {origin} (MCP_CLIENT_WEB_URL).\n"))
                .into_response()
        }
    }
}

/// The headers of every answer.
pub(super) async fn headers(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    const FIXED: [(HeaderName, &str); 4] = [
        // No referrer, and `Origin: null` with it, would leave our own forms without an origin to check.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, web.policy.clone());
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn judge(request: &Request, origin: &Endpoint) -> Result<(), StatusCode> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(StatusCode::BAD_REQUEST) };
    let host = host.to_str().ok().filter(|host| !host.contains('@'));
    let authority = host.and_then(|host| host.parse::<Authority>().ok()).ok_or(StatusCode::BAD_REQUEST)?;
    // The absolute form of a request line names a host too (RFC 9112 §3.2.2).
    let ours = [Some(&authority), request.uri().authority()].into_iter().flatten().all(|one| is_ours(one, origin));
    if ours { Ok(()) } else { Err(StatusCode::MISDIRECTED_REQUEST) }
}

/// The port is left alone: a proxy or a forwarded port may change it.
fn is_ours(authority: &Authority, origin: &Endpoint) -> bool {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
    let host = authority.host();
    let is = |name: &str| host.eq_ignore_ascii_case(name);
    origin.url().host_str().is_some_and(is) || (origin.is_loopback() && LOOPBACK.into_iter().any(is))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::endpoint;
    use axum::body::Body;

    fn status(origin: &str, hosts: &[&str]) -> Result<(), StatusCode> {
        let mut request = http::Request::get("/");
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        judge(&request.body(Body::empty()).unwrap(), &endpoint(origin))
    }

    #[test]
    fn only_our_own_names_are_served() {
        for host in ["localhost:3000", "LOCALHOST", "127.0.0.1:3000", "[::1]:3000"] {
            assert_eq!(status("http://localhost:3000", &[host]), Ok(()), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "0.0.0.0:3000"] {
            let refused = Err(StatusCode::MISDIRECTED_REQUEST);
            assert_eq!(status("http://localhost:3000", &[host]), refused, "{host}");
        }
        assert_eq!(status("https://client.example", &["localhost"]), Err(StatusCode::MISDIRECTED_REQUEST));
        assert_eq!(status("https://client.example", &["client.example"]), Ok(()));
    }

    #[test]
    fn none_two_and_unreadable_hosts_are_bad_requests() {
        for hosts in [&[][..], &["localhost", "localhost"], &["a@localhost"], &["local host"]] {
            assert_eq!(status("http://localhost:3000", hosts), Err(StatusCode::BAD_REQUEST), "{hosts:?}");
        }
    }
}
