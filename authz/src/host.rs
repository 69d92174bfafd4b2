//! The `Host` of a request has to be ours (DNS rebinding: a page of a stranger's must not reach a server on loopback
//! under the stranger's name). Health paths are exempt, because probes call by address.

use crate::{public_url::PublicUrl, routes, services::Services};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header, uri::Authority};
use std::sync::Arc;

/// Lets through what is meant for us: 421 for another host, 400 for none or several.
pub async fn check(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    if [routes::HEALTHZ, routes::READYZ].contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match judge(&request, &services.public_url) {
        Ok(()) => next.run(request).await,
        Err(status) => refuse(status, &request, &services.public_url),
    }
}

/// The log names both, what was presented and what would be right. The answer does not repeat what was presented.
fn refuse(status: StatusCode, request: &Request, public_url: &PublicUrl) -> Response {
    let presented: Vec<_> = request.headers().get_all(header::HOST).iter().collect();
    let served = served(public_url).join(", ");
    tracing::warn!(?presented, authority = ?request.uri().authority(), %served, "this host is not served here");
    let told = format!("This host is not served here. Served are: {served} (MCP_AUTH_PUBLIC_URL).\n");
    (status, [(header::CACHE_CONTROL, "no-store")], told).into_response()
}

fn judge(request: &Request, public_url: &PublicUrl) -> Result<(), StatusCode> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let from_header = match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            let authority = host.to_str().ok().filter(|host| !host.contains('@'));
            Some(authority.and_then(|host| host.parse::<Authority>().ok()).ok_or(StatusCode::BAD_REQUEST)?)
        }
        (None, _) => None,
        (Some(_), Some(_)) => return Err(StatusCode::BAD_REQUEST),
    };
    // The absolute form of a request line names a host too (RFC 9112 §3.2.2).
    let named: Vec<_> = from_header.iter().chain(request.uri().authority()).collect();
    if named.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let ours = named.iter().all(|authority| is_ours(authority.host(), public_url));
    if ours { Ok(()) } else { Err(StatusCode::MISDIRECTED_REQUEST) }
}

/// The port is left alone: a forwarded port or a proxy may change it.
fn is_ours(host: &str, public_url: &PublicUrl) -> bool {
    served(public_url).iter().any(|name| host.eq_ignore_ascii_case(name))
}

fn served(public_url: &PublicUrl) -> Vec<&str> {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
    let loopback: &[&str] = if public_url.is_loopback() { &LOOPBACK } else { &[] };
    let mut served = loopback.to_vec();
    if !served.contains(&public_url.host()) {
        served.push(public_url.host());
    }
    served
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn status(public_url: &str, uri: &str, hosts: &[&str]) -> Result<(), StatusCode> {
        let mut request = http::Request::get(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        judge(&request.body(Body::empty()).unwrap(), &PublicUrl::parse(public_url).unwrap())
    }

    #[test]
    fn a_loopback_server_answers_to_loopback_names() {
        for host in ["localhost:9000", "LOCALHOST", "127.0.0.1:1", "[::1]:9000"] {
            assert_eq!(status("http://localhost:9000", "/", &[host]), Ok(()), "{host}");
        }
    }

    #[test]
    fn another_host_is_misdirected() {
        for host in [
            "evil.example",
            "evil.example:9000",
            "localhost.evil.example",
            "evil.localhost",
            "localhost.",
            "127.0.0.1.nip.io",
            "0.0.0.0:9000",
            "127.0.0.2",
            "[::]:9000",
            "169.254.169.254",
        ] {
            let refused = Err(StatusCode::MISDIRECTED_REQUEST);
            assert_eq!(status("http://localhost:9000", "/", &[host]), refused, "{host}");
        }
        assert_eq!(status("https://as.example", "/", &["localhost"]), Err(StatusCode::MISDIRECTED_REQUEST));
        assert_eq!(status("https://as.example", "/", &["as.example:443"]), Ok(()));
    }

    #[test]
    fn none_two_and_unreadable_hosts_are_bad_requests() {
        for hosts in [&[][..], &["localhost", "localhost"], &["a@localhost"], &["local host"], &[""]] {
            assert_eq!(status("http://localhost:9000", "/", hosts), Err(StatusCode::BAD_REQUEST), "{hosts:?}");
        }
    }

    #[test]
    fn the_host_of_an_absolute_request_line_counts_too() {
        let refused = Err(StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(status("http://localhost:9000", "http://evil.example/", &["localhost"]), refused);
        assert_eq!(status("http://localhost:9000", "http://localhost:9000/", &["evil.example"]), refused);
        assert_eq!(status("http://localhost:9000", "http://localhost:9000/", &["localhost:9000"]), Ok(()));
    }
}
