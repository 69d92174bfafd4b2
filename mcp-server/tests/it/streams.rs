//! Answers that are streams: what a proxy in between is told, and their end.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::header;
use futures_util::StreamExt as _;
use mcp_server::resource_server::ResourceIdentifier;
use mcp_server::{mcp, routes};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, NumberOrString, ProgressNotificationParam, ProgressToken,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::bench::Bench;
use crate::issuer::RESOURCE;

/// Says that it has begun, and never ends.
#[derive(Clone)]
struct Endless;

impl ServerHandler for Endless {
    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let token = ProgressToken(NumberOrString::Number(1));
        context.peer.notify_progress(ProgressNotificationParam::new(token, 0.5)).await.unwrap();
        context.ct.cancelled().await;
        Ok(CallToolResult::success(Vec::new()).into())
    }
}

fn router(bench: &Bench, stop: &CancellationToken) -> Router {
    let endpoint = mcp::endpoint(Endless, 1 << 20, stop.clone());
    routes::router(&ResourceIdentifier::parse(RESOURCE).unwrap(), &bench.server, endpoint)
}

fn call(bench: &Bench) -> Request {
    let params = json!({"name": "get_time", "_meta": {"progressToken": 1}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let mut request = Bench::request(Some(&bench.token(json!({"scope": "mcp:read mcp:write"}))));
    *request.body_mut() = Body::from(body.to_string());
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert(header::ACCEPT, "application/json, text/event-stream".parse().unwrap());
    headers.insert("mcp-protocol-version", "2025-11-25".parse().unwrap());
    request
}

/// The next event of a stream that says something.
async fn event(stream: &mut BodyDataStream) -> Option<String> {
    loop {
        let chunk = String::from_utf8(stream.next().await?.unwrap().to_vec()).unwrap();
        if chunk.contains("\"method\"") || chunk.contains("\"result\"") {
            return Some(chunk);
        }
    }
}

#[tokio::test]
async fn a_stream_is_not_buffered_on_its_way_and_ends_when_the_server_does() {
    let (bench, stop) = (Bench::new().await, CancellationToken::new());
    let response = router(&bench, &stop).oneshot(call(&bench)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut stream = response.into_body().into_data_stream();
    assert!(event(&mut stream).await.unwrap().contains("notifications/progress"));
    stop.cancel();
    while event(&mut stream).await.is_some() {}
}

#[tokio::test]
async fn a_graceful_shutdown_does_not_wait_for_open_streams() {
    let (bench, stop) = (Bench::new().await, CancellationToken::new());
    let listener = serving::Listener::bind("localhost", 0).await.unwrap();
    let address = listener.addresses()[0];
    let shutdown = stop.clone().cancelled_owned();
    let server =
        tokio::spawn(serving::serve(listener, router(&bench, &stop), serving::ServeOptions::default(), shutdown));
    let client = verification_keys::http::client(&verification_keys::http::ClientOptions::default()).unwrap();
    let (parts, body) = call(&bench).into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let url = format!("http://{address}/mcp");
    let mut answer = client.post(url).headers(parts.headers).body(body).send().await.unwrap();
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    assert!(answer.chunk().await.unwrap().is_some());
    stop.cancel();
    while let Ok(Some(_)) = answer.chunk().await {}
    // Well before the grace for open requests is over.
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
}
