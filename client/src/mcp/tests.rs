use super::{
    catalog::{MAX_ENTRIES, MAX_PAGES},
    *,
};
use crate::oauth::{
    scope::Scope,
    testing::{
        endpoint, wire,
        world::{Reply, TOKEN, World, complete},
    },
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
        assert_eq!((request.method.as_str(), request.path.as_str(), request.query), ("POST", "/mcp", None));
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

fn initialized(version: &str) -> Reply {
    let server = json!({"name": "old", "version": "1"});
    let result = json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server});
    Reply::json(200, &json!({"jsonrpc": "2.0", "id": "ID", "result": result}))
}

fn methods(world: &World) -> Vec<String> {
    world.seen("/mcp").iter().filter_map(|seen| Some(seen.json()["method"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn every_answer_that_is_not_of_the_newest_era_leads_to_initialize() {
    let empty_result = json!({"jsonrpc": "2.0", "id": "ID", "result": {}});
    let unsupported = json!({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32022, "message": "unsupported",
        "data": {"supported": ["2025-11-25", "2025-06-18"], "requested": "2026-07-28"}}});
    let other_versions = complete(&json!("ID"), json!({"supportedVersions": ["2025-11-25"], "capabilities": {}}));
    for answer in [
        Reply::raw(400, ""),
        Reply::raw(400, "Bad Request: no session"),
        Reply::raw(404, "not found"),
        Reply::raw(405, ""),
        Reply::json(200, &empty_result),
        Reply::json(400, &unsupported),
        Reply::json(200, &other_versions),
    ] {
        let world = World::start().await;
        world
            .reply("mcp:server/discover", answer)
            .reply("mcp:initialize", initialized("2025-11-25"))
            .reply("mcp:notifications/initialized", Reply::raw(202, ""));
        let session = open(&world).await.unwrap();
        assert_eq!(session.protocol_version().as_deref(), Some("2025-11-25"));
        assert_eq!(session.tools().await.unwrap().len(), 1);
        let greeting = world.seen("/mcp").into_iter().find(|seen| seen.json()["method"] == "initialize").unwrap();
        assert_eq!(greeting.json()["params"]["protocolVersion"], "2025-11-25");
        let listing = world.seen("/mcp").into_iter().find(|seen| seen.json()["method"] == "tools/list").unwrap();
        assert_eq!(listing.headers["mcp-protocol-version"], "2025-11-25");
    }
}

#[tokio::test]
async fn a_refusal_and_a_broken_server_say_nothing_about_the_era() {
    let mismatch =
        json!({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32020, "message": "a header differs from the body"}});
    for answer in [Reply::raw(401, ""), Reply::raw(403, ""), Reply::raw(500, ""), Reply::json(400, &mismatch)] {
        let world = World::start().await;
        world.reply("mcp:server/discover", answer).reply("mcp:initialize", initialized("2025-11-25"));
        open(&world).await.unwrap_err();
        assert_eq!(methods(&world), ["server/discover"]);
    }
}

#[tokio::test]
async fn every_request_of_the_newest_version_says_in_headers_and_metadata_what_it_is() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    session.tools().await.unwrap();
    session.call("get_time", None).await.unwrap();
    assert_eq!(methods(&world), ["server/discover", "tools/list", "tools/call"]);
    for request in world.seen("/mcp") {
        let body = request.json();
        assert_eq!(request.headers["mcp-protocol-version"], "2026-07-28");
        assert_eq!(request.headers["mcp-method"], body["method"].as_str().unwrap());
        let metadata = &body["params"]["_meta"];
        assert_eq!(metadata["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(metadata["io.modelcontextprotocol/clientInfo"]["name"], "portcullis-client");
        assert!(metadata["io.modelcontextprotocol/clientCapabilities"].is_object());
        assert_eq!(request.headers[header::ACCEPT], "text/event-stream, application/json");
        assert!(!request.headers.contains_key("mcp-session-id"));
        let named = request.headers.get("mcp-name").map(|name| name.to_str().unwrap());
        assert_eq!(named, (body["method"] == "tools/call").then_some("get_time"));
    }
}

#[tokio::test]
async fn what_is_called_read_or_filled_in_is_named_in_a_header_that_can_carry_any_name() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    let named = || world.seen("/mcp").pop().unwrap().headers["mcp-name"].to_str().unwrap().to_owned();
    session.call("größe", None).await.unwrap();
    assert_eq!(named(), "=?base64?Z3LDtsOfZQ==?=");
    session.call("a\r\nx-b: c", None).await.unwrap();
    assert_eq!(named(), "=?base64?YQ0KeC1iOiBj?=");
    // The answers are those to a call, which is no matter here.
    let _unread = session.read("notes://1").await;
    assert_eq!(named(), "notes://1");
    let _unfilled = session.prompt("summarize", None).await;
    assert_eq!(named(), "summarize");
}

#[tokio::test]
async fn arguments_that_the_schema_marks_go_into_headers_as_well() {
    let world = World::start().await;
    let property = |kind: &str, name: &str| json!({"type": kind, "x-mcp-header": name});
    let properties = json!({"region": property("string", "Region"), "count": property("integer", "Count"),
        "word": property("string", "Word"), "none": property("boolean", "None"), "query": {"type": "string"}});
    let tool = json!({"name": "marked", "inputSchema": {"type": "object", "properties": properties}});
    world.reply("mcp:tools/list", Reply::json(200, &complete(&json!("ID"), json!({"tools": [tool]}))));
    let session = open(&world).await.unwrap();
    let arguments = json!({"region": "eu", "count": 2, "word": "Grüße", "none": null, "query": "q"});
    session.call("marked", arguments.as_object().cloned()).await.unwrap();
    let call = world.seen("/mcp").pop().unwrap();
    assert_eq!(
        (&call.headers["mcp-param-region"], &call.headers["mcp-param-count"]),
        (&"eu".parse().unwrap(), &2.into())
    );
    assert_eq!(call.headers["mcp-param-word"], "=?base64?R3LDvMOfZQ==?=");
    assert!(!call.headers.contains_key("mcp-param-none") && !call.headers.contains_key("mcp-param-query"));
    // Known now, and a call without arguments has nothing to mirror.
    session.call("marked", arguments.as_object().cloned()).await.unwrap();
    assert_eq!(methods(&world).iter().filter(|method| *method == "tools/list").count(), 1);
    let other = open(&world).await.unwrap();
    other.call("marked", None).await.unwrap();
    assert_eq!(methods(&world).iter().filter(|method| *method == "tools/list").count(), 1);
}

#[tokio::test]
async fn a_tool_whose_marks_break_the_rules_is_left_out() {
    let world = World::start().await;
    let marked = |name: &str, mark: &str| {
        let properties = json!({"a": {"type": "string", "x-mcp-header": mark}});
        json!({"name": name, "inputSchema": {"type": "object", "properties": properties}})
    };
    let tools = [marked("good", "Region"), marked("empty", ""), marked("crlf", "A\r\nB"), marked("space", "A B")];
    world.reply("mcp:tools/list", Reply::json(200, &complete(&json!("ID"), json!({"tools": tools}))));
    let tools = open(&world).await.unwrap().tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), ["good"]);
}

#[tokio::test]
async fn a_reference_in_a_schema_is_kept_and_never_fetched() {
    let world = World::start().await;
    let reference = json!({"$ref": format!("{}/schema.json", world.origin)});
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {"a": reference}, "$defs": {"b": {"$anchor": "b"}}, "allOf": [{"if": {}, "then": {}}]});
    let tool = json!({"name": "t", "inputSchema": schema});
    world.reply("mcp:tools/list", Reply::json(200, &complete(&json!("ID"), json!({"tools": [tool]}))));
    let session = open(&world).await.unwrap();
    let tools = session.tools().await.unwrap();
    assert_eq!(serde_json::to_value(&tools[0].input_schema).unwrap(), schema);
    session.call("t", json!({"a": 1}).as_object().cloned()).await.unwrap();
    assert!(world.seen("/schema.json").is_empty());
}

#[tokio::test]
async fn a_version_that_the_server_refuses_and_names_is_tried_once_more_and_no_older_one() {
    let world = World::start().await;
    let data = json!({"supported": ["2026-07-28"], "requested": "2026-07-28"});
    let error = json!({"code": -32022, "message": "unsupported", "data": data});
    world.reply("mcp:server/discover", Reply::json(400, &json!({"jsonrpc": "2.0", "id": "ID", "error": error})));
    let refused = open(&world).await.unwrap_err();
    assert!(matches!(refused, McpError::Protocol(_)), "{refused}");
    assert_eq!(methods(&world), ["server/discover", "server/discover"]);
}

#[tokio::test]
async fn an_address_without_an_mcp_endpoint_is_told_with_what_to_check() {
    for status in [404, 405] {
        let world = World::start().await;
        world.reply("mcp:server/discover", Reply::raw(status, "")).reply("mcp:initialize", Reply::raw(status, ""));
        let error = open(&world).await.unwrap_err().to_string();
        assert!(error.contains("no MCP endpoint at this URL") && error.contains("HTTP+SSE"), "{error}");
    }
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
async fn a_redirect_to_another_origin_gets_neither_request_nor_token() {
    let (world, canary) = (World::start().await, World::start().await);
    let session = open(&world).await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        world.reply("mcp:tools/call", Reply::raw(status, "").header(header::LOCATION, canary.server()));
        let moved = session.call("x", None).await.unwrap_err();
        assert!(matches!(moved, McpError::Protocol(_)), "{moved}");
    }
    world.reply("mcp:server/discover", Reply::raw(307, "").header(header::LOCATION, canary.server()));
    open(&world).await.unwrap_err();
    assert!(canary.paths().is_empty());
}

#[tokio::test]
async fn a_huge_or_deep_answer_is_refused() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    let huge = vec![b' '; 60 * 1024 * 1024];
    let event = |data: &[u8]| Reply::stream([b"data: ", data, b"\n\n"].concat());
    for answer in [Reply::raw(200, huge.clone()), event(&huge), Reply::raw(200, "[".repeat(200_000))] {
        world.reply("mcp:tools/call", answer);
        let refused = session.call("x", None).await.unwrap_err();
        assert!(matches!(refused, McpError::Protocol(_) | McpError::Unreachable(_)), "{refused}");
        assert!(refused.to_string().len() < 1000);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_input_for_ever_is_left_after_a_while() {
    let world = World::start().await;
    let session = open(&world).await.unwrap();
    let more = json!({"resultType": "input_required", "requestState": "again", "inputRequests": {}});
    world.reply("mcp:tools/call", Reply::json(200, &json!({"jsonrpc": "2.0", "id": "ID", "result": more})));
    session.call("x", None).await.unwrap_err();
    let rounds = methods(&world).iter().filter(|method| *method == "tools/call").count();
    assert!((1..=16).contains(&rounds), "{rounds}");
}

#[tokio::test]
async fn a_form_is_answered_with_its_defaults_where_a_person_said_so_and_not_offered_elsewhere() {
    let world = World::start().await;
    let schema = json!({"type": "object", "properties": {"sure": {"type": "boolean", "default": true}}});
    let form = json!({"mode": "form", "message": "Sure?", "requestedSchema": schema});
    let asked = json!({"form": {"method": "elicitation/create", "params": form}});
    let more = json!({"resultType": "input_required", "requestState": "s", "inputRequests": asked});
    world.reply("mcp:tools/call", Reply::json(200, &json!({"jsonrpc": "2.0", "id": "ID", "result": more})));
    for (forms, offered, answer) in [
        (Forms::NotOffered, json!(null), json!({"action": "decline"})),
        (Forms::Defaults, json!({"form": {}}), json!({"action": "accept", "content": {"sure": true}})),
    ] {
        let (greeting, token) = (Greeting { forms, ..Greeting::default() }, AccessToken::parse(TOKEN));
        let server = endpoint(&world.server());
        let session = Session::open_in(greeting, &wire(), &server, token.as_ref()).await.unwrap();
        session.call("x", None).await.unwrap_err();
        let last = world.seen("/mcp").pop().unwrap().json();
        let metadata = &last["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!((&metadata["elicitation"], &last["params"]["inputResponses"]["form"]), (&offered, &answer));
        assert_eq!(last["params"]["requestState"], "s");
    }
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
    assert_eq!(open(&world).await.unwrap().tools().await.unwrap().len(), MAX_ENTRIES);
    let empty = complete(&json!("ID"), json!({"tools": [], "nextCursor": "again"}));
    world.reply("mcp:tools/list", Reply::json(200, &empty));
    assert_eq!(open(&world).await.unwrap().tools().await.unwrap().len(), 0);
    let pages = world.seen("/mcp").iter().filter(|seen| seen.json()["method"] == "tools/list").count();
    assert!(pages <= 2 * MAX_PAGES, "{pages}");
}
