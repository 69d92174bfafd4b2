//! What rmcp sends goes through the [`Wire`] too. rmcp takes requests and answers apart itself, so they are put together
//! again here: a body that it did not hand over is not shown.

use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::streamable_http_client::{
        SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    },
};
use sse_stream::Sse;
use std::{collections::HashMap, sync::Arc};

use super::{Open, StepKind, Wire};
use crate::oauth::exchange::{Request, root_cause};

pub(super) type Headers = HashMap<HeaderName, HeaderValue>;
type Failure = StreamableHttpError<reqwest::Error>;

impl StreamableHttpClient for Wire {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let (token, headers) = self.authorization((&Method::POST, &uri), token, headers);
        let open = self.open_message(&uri, &message, token.as_deref(), &headers);
        told(open, self.http.post_message(uri, message, session, token, headers).await)
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        limit: usize,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let once = || {
            let (token, headers) = self.authorization((&Method::POST, &uri), token.clone(), headers.clone());
            let open = self.open_message(&uri, &message, token.as_deref(), &headers);
            let (uri, message, session) = (uri.clone(), message.clone(), session.clone());
            let sent = self.http.post_message_with_max_sse_event_size(uri, message, session, token, headers, limit);
            async move { told(open, sent.await) }
        };
        let result = once().await;
        match challenge_of(&result) {
            Some(challenge) if self.got_nonce(&uri, token.as_deref(), &challenge).await => once().await,
            _ => result,
        }
    }

    // Streams and their ends are plumbing of the transport, no step of the flow.
    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<(), Failure> {
        let (token, headers) = self.authorization((&Method::DELETE, &uri), token, headers);
        self.http.delete_session(uri, session, token, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        let (token, headers) = self.authorization((&Method::GET, &uri), token, headers);
        self.http.get_stream(uri, session, last_event, token, headers).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
        limit: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failure> {
        let (token, headers) = self.authorization((&Method::GET, &uri), token, headers);
        let stream =
            self.http.get_stream_with_max_sse_event_size(uri, session, last_event, token, headers, limit).await;
        if let Some(listening) = &self.listening {
            listening.notify_one();
        }
        stream
    }
}

impl Wire {
    fn open_message(
        &self,
        uri: &str,
        message: &ClientJsonRpcMessage,
        token: Option<&str>,
        headers: &Headers,
    ) -> Option<Open> {
        if !self.is_told() {
            return None;
        }
        let message = serde_json::to_value(message).unwrap_or_default();
        let kind = StepKind::of_method(message.get("method").and_then(|method| method.as_str()).unwrap_or_default());
        let mut request = Request::new(message.to_string().into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.parse().ok()?;
        let shown = request.headers_mut();
        shown.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(bearer) = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok()) {
            shown.insert(header::AUTHORIZATION, bearer);
        }
        shown.extend(headers.clone());
        self.open(kind, &request)
    }
}

/// The challenge of a 401.
fn challenge_of(result: &Result<StreamableHttpPostResponse, Failure>) -> Option<String> {
    match result {
        Err(StreamableHttpError::AuthRequired(refused)) => Some(refused.www_authenticate_header.clone()),
        _ => None,
    }
}

/// Reports how `result` came about, and hands it on.
fn told(
    open: Option<Open>,
    result: Result<StreamableHttpPostResponse, Failure>,
) -> Result<StreamableHttpPostResponse, Failure> {
    let Some(open) = open else { return result };
    match &result {
        Ok(StreamableHttpPostResponse::Json(message, _)) => {
            let body = serde_json::to_vec(message).unwrap_or_default();
            open.answered(200, &content_type("application/json"), Some(&body));
        }
        Ok(StreamableHttpPostResponse::Sse(..)) => open.answered(200, &content_type("text/event-stream"), None),
        Ok(_) => open.answered(202, &HeaderMap::new(), None),
        Err(StreamableHttpError::AuthRequired(refused)) => {
            open.answered(401, &challenge(&refused.www_authenticate_header), None);
        }
        Err(StreamableHttpError::InsufficientScope(refused)) => {
            open.answered(403, &challenge(&refused.www_authenticate_header), None);
        }
        Err(StreamableHttpError::HttpStatus(status)) => open.answered(status.status, &HeaderMap::new(), None),
        Err(StreamableHttpError::Client(error)) => open.failed(root_cause(error)),
        Err(error) => open.failed(error.to_string()),
    }
    result
}

fn content_type(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))])
}

fn challenge(value: &str) -> HeaderMap {
    HeaderValue::from_str(value).into_iter().map(|value| (header::WWW_AUTHENTICATE, value)).collect()
}
