//! Looks at every request from outside: whose it is, what became of it. Counts it, and writes it into the audit log.

use crate::{
    domain::Subject,
    operations::{
        CallerAddress, Notes, Refused,
        audit::{Entry, Noted},
    },
    protocol::ClientId,
    services::Services,
};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Method, StatusCode};
use serving::RequestId;
use std::{sync::Arc, time::Instant};
use tracing::Span;

/// What is known before the answer is.
struct Seen {
    method: &'static str,
    /// As mounted, without the path of the issuer.
    route: String,
    address: CallerAddress,
    request_id: Option<RequestId>,
}

pub(super) async fn watch(State(services): State<Arc<Services>>, mut request: Request, next: Next) -> Response {
    let (arrived, notes) = (Instant::now(), Notes::default());
    let address = CallerAddress::of(&request, &services.operations.trusted_proxies);
    let seen = Seen {
        method: method(request.method()),
        route: route(&request, &services),
        address,
        request_id: request.extensions().get().copied(),
    };
    request.extensions_mut().insert(notes.clone());
    request.extensions_mut().insert(address);
    let response = next.run(request).await;
    let found = notes.noted();
    let reason = reason(&response, &found);
    record(&found, reason);
    let metrics = &services.operations.metrics;
    metrics.answered(&seen.route, seen.method, response.status(), arrived.elapsed());
    if let Some(reason) = reason {
        metrics.refused(&seen.route, reason);
    }
    // What is only looked at is not audited, unless it was refused.
    if reason.is_some() || !["GET", "HEAD", "OPTIONS"].contains(&seen.method) {
        audit(&services, &seen, &found, (reason, response.status()));
    }
    response
}

/// In the span of the request, which the log and the traces show.
fn record(found: &Noted, reason: Option<&'static str>) {
    let span = Span::current();
    if let Some(client_id) = &found.client_id {
        span.record("client_id", client_id.as_str());
    }
    span.record("outcome", reason.unwrap_or("accepted"));
}

fn audit(services: &Services, seen: &Seen, noted: &Noted, (reason, status): (Option<&'static str>, StatusCode)) {
    let Some(log) = &services.operations.audit else { return };
    log.write(&Entry {
        time: services.now(),
        decision: if reason.is_some() { "refused" } else { "accepted" },
        reason,
        status: status.as_u16(),
        operation: &format!("{} {}", seen.method, seen.route),
        subject: noted.subject.as_ref().map(Subject::as_str),
        client_id: noted.client_id.as_ref().map(ClientId::as_str),
        resource: noted.target.as_ref().map(|(resource, _)| resource.as_str()),
        scope: noted.target.as_ref().map(|(_, scope)| scope.as_str()),
        address: seen.address.to_string(),
        request_id: seen.request_id.map(|id| id.to_string()),
    });
}

fn reason(response: &Response, noted: &Noted) -> Option<&'static str> {
    if let Some(Refused(reason)) = response.extensions().get() {
        return Some(reason);
    }
    match response.status() {
        status if status.is_server_error() => noted.reason.or(Some("unavailable")),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some("not_found"),
        StatusCode::MISDIRECTED_REQUEST => Some("host_not_allowed"),
        StatusCode::TOO_MANY_REQUESTS => Some("too_many_requests"),
        status if status.is_client_error() => noted.reason.or(Some("invalid_request")),
        _ => noted.reason,
    }
}

/// What is not mounted is one route, whatever its path: nobody fills the metrics with names.
fn route(request: &Request, services: &Services) -> String {
    let base_path = services.public_url.base_path();
    let mounted = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    mounted.map_or("none", |path| path.strip_prefix(base_path).unwrap_or(path)).to_owned()
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
