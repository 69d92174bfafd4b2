//! The tower service: size → `Host` → `Origin` and preflight → bearer → verifier → scope → inner. A token
//! that is known and may do everything goes to the inner service without waiting and without a body read.

use std::convert::Infallible;
use std::error::Error;
use std::future::Ready;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Method, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use pin_project_lite::pin_project;
use tower::Service;

use super::access_token::AccessToken;
use super::audit::{Asked, AuditLog, Seen};
use super::bearer::BearerToken;
use super::challenge::{Reason, Refusal};
use super::json_rpc::Message;
use super::scope::Operation;
use super::user_info::UserInfo;
use super::verdicts::TokenHash;
use super::{ResourceServer, Shared, origin, trace};

/// Lets only authorized requests through to `S`.
#[derive(Clone, Debug)]
pub struct ResourceServerService<S> {
    server: ResourceServer,
    content: Content,
    inner: S,
}

/// What the requests of a route are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON-RPC messages, whose operations need scopes.
    Mcp,
    /// Anything: the body is not read.
    Http,
}

impl<S> ResourceServerService<S> {
    pub(super) const fn new(server: ResourceServer, content: Content, inner: S) -> Self {
        Self { server, content, inner }
    }
}

/// What can be said without waiting.
enum Admission {
    Answer(Response),
    Known(AccessToken),
    Unknown(TokenHash),
}

impl<S> Service<Request> for ResourceServerService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let shared = &self.server.0;
        if shared.audit.is_some() {
            AuditLog::arrived(&mut parts);
        }
        let (admission, origin) = shared.admit(&parts);
        let state = match admission {
            Admission::Answer(response) => State::Answered { future: std::future::ready(response) },
            Admission::Known(token) if shared.needs_no_body(&token) => {
                shared.authorize(&mut parts, token);
                State::Inner { future: self.inner.call(Request::from_parts(parts, body)) }
            }
            undecided => {
                // The clone is the one to keep: only `self.inner` has been polled ready.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let server = (self.server.clone(), self.content);
                let future = Box::pin(async move { judge(server, inner, undecided, (parts, body)).await });
                State::Judged { future }
            }
        };
        ResponseFuture { state, origin }
    }
}

/// Waits for what could not be said at once, then for the inner service.
async fn judge<S>(
    (server, content): (ResourceServer, Content),
    mut inner: S,
    admission: Admission,
    (mut parts, body): (Parts, Body),
) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    match server.0.judge(admission, content, &mut parts, body).await {
        Ok((token, body)) => {
            let entry = server.0.audit.as_ref().map(|log| (log, token.clone(), Seen::of(&parts)));
            let request_id = entry.as_ref().and_then(|_| (server.0.request_id)(&parts));
            server.0.authorize(&mut parts, token);
            let Ok(response) = inner.call(Request::from_parts(parts, body)).await;
            if let Some((log, token, seen)) = entry {
                let now = server.0.verifier.clock.now();
                log.accepted((&token, &seen), response.status(), request_id.as_deref(), now);
            }
            response
        }
        Err(refusal) => server.0.refuse(&refusal, &parts),
    }
}

impl Shared {
    /// Whether nothing that the body says could matter.
    fn needs_no_body(&self, token: &AccessToken) -> bool {
        self.audit.is_none() && self.scopes.grants_everything(token)
    }

    /// The inner service gets the proof instead of the token: it cannot pass on what it does not have.
    fn authorize(&self, parts: &mut Parts, token: AccessToken) {
        self.metrics.accepted();
        trace::accepted(&token);
        let authorization = parts.headers.remove(header::AUTHORIZATION);
        if let Some((client, authorization)) = self.user_info.as_ref().zip(authorization)
            && let Some(url) = self.verifier.userinfo_endpoint(&token)
        {
            parts.extensions.insert(UserInfo::new(client.clone(), url, authorization, token.clone()));
        }
        parts.extensions.insert(token);
    }

    fn admit(&self, parts: &Parts) -> (Admission, Option<HeaderValue>) {
        let origin = match self.check_edge(parts) {
            Ok(origin) => origin,
            Err(reason) => return (Admission::Answer(self.refuse(&reason.into(), parts)), None),
        };
        if origin::is_preflight(parts)
            && let Some(origin) = origin
        {
            return (Admission::Answer(origin::preflight(origin)), None);
        }
        let admission = match BearerToken::from_headers(&parts.headers) {
            Err(reason) => Admission::Answer(self.refuse(&reason.into(), parts)),
            Ok(token) => {
                let hash = TokenHash::of(token.reveal());
                self.known(hash)
            }
        };
        (admission, origin)
    }

    fn known(&self, hash: TokenHash) -> Admission {
        if let Some(token) = self.verifier.known(&hash) {
            self.metrics.cache_hit();
            return Admission::Known(token);
        }
        self.metrics.cache_miss();
        Admission::Unknown(hash)
    }

    /// What is checked before the token is looked at.
    fn check_edge(&self, parts: &Parts) -> Result<Option<HeaderValue>, Reason> {
        let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > self.max_body_bytes) {
            return Err(Reason::BodyTooLarge);
        }
        self.hosts.check(&parts.uri, &parts.headers)?;
        self.origins.check(&parts.headers)
    }

    async fn judge(
        &self,
        admission: Admission,
        content: Content,
        parts: &mut Parts,
        body: Body,
    ) -> Result<(AccessToken, Body), Refusal> {
        let token = match admission {
            Admission::Known(token) => token,
            Admission::Unknown(hash) => {
                let presented = BearerToken::from_headers(&parts.headers)?;
                let started = Instant::now();
                let verdict = self.verifier.verify(presented.reveal(), hash).await;
                self.metrics.verified_in(started.elapsed());
                verdict?
            }
            Admission::Answer(_) => return Err(Reason::MissingToken.into()),
        };
        // For the audit entry of a refusal that follows.
        parts.extensions.insert(token.clone());
        let body = self.check_scopes(&token, content, parts, body).await;
        body.map(|body| (token.clone(), body)).map_err(|refusal| self.verifier.in_words_of(&token, refusal))
    }

    /// Whether the token may do what the request asks for; reads the body only if that depends on it.
    async fn check_scopes(
        &self,
        token: &AccessToken,
        content: Content,
        parts: &mut Parts,
        body: Body,
    ) -> Result<Body, Refusal> {
        self.scopes.check_request(token, self.verifier.clock.now())?;
        let message = content == Content::Mcp && parts.method == Method::POST;
        if !message || self.needs_no_body(token) {
            return Ok(body);
        }
        self.check_message(token, parts, body).await
    }

    /// Checks what an MCP message asks for, and hands back its body.
    async fn check_message(&self, token: &AccessToken, parts: &mut Parts, body: Body) -> Result<Body, Refusal> {
        let now = self.verifier.clock.now();
        if let Some(named) = Operation::from_headers(&parts.headers) {
            let checked = self.scopes.check_operations(token, std::slice::from_ref(&named), now);
            checked.inspect_err(|_| trace::asked(&named))?;
        }
        let bytes = Limited::new(body, self.max_body_bytes)
            .collect()
            .await
            .map_err(|error| if is_too_long(&*error) { Reason::BodyTooLarge } else { Reason::BodyMalformed })?;
        let bytes = bytes.to_bytes();
        let message = Message::parse(&bytes);
        let operations = message.as_ref().map_err(|reason| *reason).and_then(Operation::of);
        if self.audit.is_some() {
            let method = message.as_ref().ok().and_then(Message::method);
            parts.extensions.insert(Asked::new(method, operations.as_deref().unwrap_or_default()));
        }
        if !self.scopes.grants_everything(token) {
            let operations = operations?;
            let checked = self.scopes.check_operations(token, &operations, now);
            checked.inspect_err(|_| operations.iter().for_each(trace::asked))?;
        }
        Ok(Body::from(bytes))
    }

    /// Logs, counts and audits a refusal once, and answers it.
    pub(super) fn refuse(&self, refusal: &Refusal, parts: &Parts) -> Response {
        let request_id = (self.request_id)(parts);
        self.metrics.refused(refusal.reason());
        trace::refused(refusal.reason(), parts.extensions.get());
        let host = parts.headers.get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
        tracing::info!(
            reason = %refusal.reason().code(),
            status = refusal.reason().status().as_u16(),
            request_id = request_id.as_deref(),
            method = %parts.method,
            host = host.as_deref(),
            detail = refusal.detail().map(tracing::field::debug),
            "request refused"
        );
        if let Some(audit) = &self.audit {
            let verdict = (refusal.reason().code(), refusal.reason().status());
            audit.refused(parts, verdict, request_id.as_deref(), self.verifier.clock.now());
        }
        self.challenger.respond(refusal, request_id.as_deref())
    }
}

/// A listener with a limit of its own has wrapped the error once more.
fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<LengthLimitError>)
}

pin_project! {
    /// The answer of [`ResourceServerService`].
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
        origin: Option<HeaderValue>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Answered { future: Ready<Response> },
        Inner { #[pin] future: F },
        Judged { future: Pin<Box<dyn Future<Output = Response> + Send>> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for ResponseFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.state.project() {
            StateProjection::Answered { future } => ready!(Pin::new(future).poll(cx)),
            StateProjection::Inner { future } => ready!(future.poll(cx))?,
            StateProjection::Judged { future } => ready!(future.as_mut().poll(cx)),
        };
        let headers = response.headers_mut();
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
        if let Some(origin) = this.origin.take() {
            origin::grant(&mut response, origin);
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests;
