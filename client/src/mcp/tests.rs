use super::*;
use crate::oauth::testing::{
    endpoint, wire,
    world::{Reply, TOKEN, World, complete},
};
use http::header;
use serde_json::json;

async fn open(world: &World) -> Result<Session, McpError> {
    Session::open(&wire(), &endpoint(&world.server()), AccessToken::parse(TOKEN).as_ref()).await
}

#[tokio::test]
async fn the_newest_version_is_tried_first_and_every_request_carries_the_token() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    assert_eq!(session.protocol_version().as_deref(), Some("2026-07-28"));
    assert_eq!(session.tools().await.unwrap()[0].name, "get_time");
    let result = session.call("get_time", None).await.unwrap();
    assert_eq!(result.content[0].as_text().unwrap().text, "noon");
    session.close().await;
    let requests = world.seen("/mcp");
    assert!(requests.len() >= 3);
    for request in requests {
        assert_eq!(request.headers[header::AUTHORIZATION], format!("Bearer {TOKEN}"));
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/mcp"));
    }
}

#[tokio::test]
async fn an_older_server_is_greeted_with_initialize() {
    let world = World::start().await;
    let unknown = json!({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32601, "message": "Method not found"}});
    let initialized = json!({"jsonrpc": "2.0", "id": "ID", "result": {
        "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
        "serverInfo": {"name": "old", "version": "1"},
    }});
    world
        .reply("mcp:server/discover", Reply::json(200, &unknown))
        .reply("mcp:initialize", Reply::json(200, &initialized))
        .reply("mcp:notifications/initialized", Reply::raw(202, ""));
    let session = open(&world).await.unwrap();
    assert_eq!(session.protocol_version().as_deref(), Some("2025-06-18"));
    assert_eq!(session.tools().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_401_hands_over_the_challenge() {
    let world = World::start().await;
    let session = Session::open(&wire(), &endpoint(&world.server()), None).await;
    let Err(McpError::Unauthorized(challenge)) = session else { panic!("{session:?}") };
    assert_eq!(challenge.scope, Scope::parse("mcp:read"));
    assert!(challenge.resource_metadata.unwrap().starts_with(&world.origin));
}

#[tokio::test]
async fn a_403_ends_with_a_sentence_that_names_the_scopes() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"notes:read notes:write\"";
    world.reply("mcp:tools/call", Reply::raw(403, "{}").header(header::WWW_AUTHENTICATE, challenge));
    let error = session.call("x", None).await.unwrap_err();
    let McpError::InsufficientScope { needed, .. } = &error else { panic!("{error}") };
    assert_eq!(needed.to_string(), "notes:read notes:write");
    assert!(error.to_string().contains("notes:read notes:write"));
}

#[tokio::test]
async fn a_403_without_scopes_shows_the_servers_words() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    let body = json!({"error_description": "this host is not allowed"});
    world.reply("mcp:tools/call", Reply::json(403, &body));
    assert_eq!(session.call("x", None).await.unwrap_err(), McpError::Forbidden("this host is not allowed".into()));
}

#[tokio::test]
async fn other_failures_are_told_apart() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    let failure = async |reply: Reply| {
        world.reply("mcp:tools/call", reply);
        session.call("x", None).await.unwrap_err()
    };
    let unknown = json!({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32602, "message": "no such tool"}});
    let refused = McpError::Refused { code: -32602, message: "no such tool".into() };
    assert_eq!(failure(Reply::json(200, &unknown)).await, refused);
    assert_eq!(failure(Reply::raw(503, "").header(header::RETRY_AFTER, "1")).await, McpError::Status(503));
    assert_eq!(failure(Reply::raw(401, "{}")).await, McpError::Unauthorized(Box::default()));
    let moved = failure(Reply::raw(307, "").header(header::LOCATION, format!("{}/elsewhere", world.origin))).await;
    assert!(matches!(moved, McpError::Protocol(_)) && moved.to_string().contains("never followed"));
    assert!(world.seen("/elsewhere").is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let nowhere = Session::open(&wire(), &endpoint("http://127.0.0.1:1/mcp"), None).await;
    assert!(matches!(nowhere, Err(McpError::Unreachable(_))), "{nowhere:?}");
}

#[tokio::test]
async fn a_tool_list_without_end_has_one() {
    let world = World::start().await;
    let tools: Vec<_> = (0..100).map(|n| json!({"name": format!("t{n}"), "inputSchema": {"type": "object"}})).collect();
    let page = complete(&json!("ID"), json!({"tools": tools, "nextCursor": "again"}));
    world.reply("mcp:tools/list", Reply::json(200, &page));
    assert_eq!(open(&world).await.unwrap().tools().await.unwrap().len(), MAX_TOOLS);
    let empty = complete(&json!("ID"), json!({"tools": [], "nextCursor": "again"}));
    world.reply("mcp:tools/list", Reply::json(200, &empty));
    assert_eq!(open(&world).await.unwrap().tools().await.unwrap().len(), 0);
    let pages = world.seen("/mcp").iter().filter(|seen| seen.json()["method"] == "tools/list").count();
    assert!(pages <= 2 * MAX_PAGES, "{pages}");
}
