//! Scopes per operation, decided before the MCP service runs; lists that hide; the age of a sign-in.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use mcp_server::resource_server::{Requirement, ScopePolicy};
use mcp_server::tools;
use serde_json::{Value, json};

use crate::bench::{Answered, Bench};
use crate::server::{Server, TOOLS, set, tool_names};

fn policy() -> ScopePolicy {
    ScopePolicy::new("mcp:read")
        .tool("get_time", "mcp:read")
        .tool("delete_all", Requirement::scopes("mcp:write").max_age(Duration::from_mins(5)))
        .prompt("summarize", "mcp:read notes")
        .resource("user://profile", "profile")
        .template("user://notes/{note_id}", "notes")
        .implies("mcp:admin", "mcp:write")
        .implies("mcp:write", "mcp:read")
}

async fn bench() -> Bench {
    Bench::with(&|options| options.scopes = policy()).await
}

fn asking(token: &str, method: &str, params: &Value) -> Request {
    let mut request = Bench::request(Some(token));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    *request.body_mut() = Body::from(body.to_string());
    request
}

/// The scopes that a refusal asks for, in challenge and body.
fn asked_for(answer: &Answered) -> &str {
    let scope = answer.body["scope"].as_str().unwrap();
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
    scope
}

#[tokio::test]
async fn each_operation_is_refused_with_all_its_scopes() {
    let bench = bench().await;
    let rows = [
        ("tools/call", json!({"name": "get_time"}), "mcp:read"),
        ("prompts/get", json!({"name": "summarize"}), "mcp:read notes"),
        ("resources/read", json!({"uri": "user://profile"}), "profile"),
        ("resources/read", json!({"uri": "user://notes/1"}), "notes"),
        ("resources/subscribe", json!({"uri": "user://notes/1"}), "notes"),
        ("resources/read", json!({"uri": "USER://notes/1"}), "profile notes"),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "summarize"}}), "mcp:read notes"),
        (
            "subscriptions/listen",
            json!({"notifications": {"resourceSubscriptions": ["user://profile", "user://notes/1"]}}),
            "profile notes",
        ),
    ];
    for (method, params, scopes) in rows {
        let weak = bench.token(json!({"scope": "other"}));
        let answer = bench.send(asking(&weak, method, &params)).await;
        assert_eq!(answer.verdict(), (403, "insufficient_scope".to_owned()), "{method} {params}");
        assert_eq!(asked_for(&answer), scopes, "{method} {params}");
        let enough = bench.token(json!({"scope": scopes}));
        assert_eq!(bench.send(asking(&enough, method, &params)).await.status, 200, "{method} {params}");
    }
    let handled = bench.handled();
    assert_eq!(handled, 8, "a refused request does not reach the service");
}

#[tokio::test]
async fn a_broad_scope_is_enough_for_what_it_implies() {
    let bench = bench().await;
    let admin = bench.token(json!({"scope": "mcp:admin"}));
    assert_eq!(bench.send(asking(&admin, "tools/call", &json!({"name": "get_time"}))).await.status, 200);
    let narrow = bench.token(json!({"scope": "mcp:read", "auth_time": bench.now()}));
    let answer = bench.send(asking(&narrow, "tools/call", &json!({"name": "delete_all"}))).await;
    assert_eq!((answer.verdict().0, asked_for(&answer)), (403, "mcp:write"));
}

#[tokio::test]
async fn an_old_sign_in_gets_the_challenge_of_rfc_9470() {
    let bench = bench().await;
    let delete = json!({"name": "delete_all"});
    let token = bench.token(json!({"scope": "mcp:write", "auth_time": bench.now()}));
    assert_eq!(bench.send(asking(&token, "tools/call", &delete)).await.status, 200);
    bench.advance(301);
    let unsaid = bench.token(json!({"scope": "mcp:write"}));
    let text = bench.token(json!({"scope": "mcp:write", "auth_time": bench.now().to_string()}));
    for token in [&token, &unsaid, &text] {
        let answer = bench.send(asking(token, "tools/call", &delete)).await;
        assert_eq!(answer.verdict(), (401, "insufficient_user_authentication".to_owned()));
        assert_eq!(answer.body["max_age"], 300);
        let expected = "Bearer error=\"insufficient_user_authentication\", \
            error_description=\"This operation needs a more recent sign-in\", max_age=\"300\", scope=\"mcp:write\", \
            resource_metadata=\"http://localhost:8001/.well-known/oauth-protected-resource/mcp\"";
        assert_eq!(answer.header("www-authenticate"), Some(expected));
        assert_eq!(bench.send(asking(token, "tools/call", &json!({"name": "get_time"}))).await.status, 200);
    }
}

#[tokio::test]
async fn headers_refuse_without_the_body_and_never_allow_against_it() {
    let bench = bench().await;
    let read = bench.token(json!({"scope": "mcp:read"}));
    let named = |version: &str, header: &str, body: &str| {
        let mut request = asking(&read, "tools/call", &json!({"name": body}));
        set(&mut request, "mcp-protocol-version", version);
        set(&mut request, "mcp-method", "tools/call");
        set(&mut request, "mcp-name", header);
        request
    };
    for (request, status) in [
        (named("2026-07-28", "get_time", "get_time"), 200),
        (named("2026-07-28", "delete_all", "get_time"), 403),
        (named("2026-07-28", "get_time", "delete_all"), 403),
        // Before 2026-07-28 the header means nothing.
        (named("2025-11-25", "delete_all", "get_time"), 200),
        (named("2025-11-25", "get_time", "delete_all"), 403),
    ] {
        assert_eq!(bench.send(request).await.status, status);
    }
    let mut endless = named("2026-07-28", "delete_all", "get_time");
    *endless.body_mut() = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    assert_eq!(bench.send(endless).await.status, 403);
}

#[tokio::test]
async fn a_list_can_hide_what_the_token_may_not_call() {
    let scopes = || tools::scopes().tool("get_time", "clock").tool("list_secure_notes", "clock");
    let server = Server::with(scopes(), |tools| tools.hiding_by(scopes())).await;
    let rows = [
        ("mcp:read", vec!["get_api_usage", "get_user_profile", "whoami"]),
        ("clock mcp:write", vec!["create_secure_note", "get_time", "list_secure_notes"]),
        ("other", vec![]),
    ];
    for (scope, expected) in rows {
        let token = format!("Bearer {}", server.bench.token(json!({"scope": scope})));
        let list = [server.modern("tools/list", json!({})), server.legacy(Some("2025-11-25"), "tools/list", json!({}))];
        for (mut request, modern) in list.into_iter().zip([true, false]) {
            set(&mut request, "authorization", &token);
            let answer = server.send(request).await;
            assert_eq!(tool_names(&answer), expected, "{scope}");
            if modern {
                assert_eq!(answer.body["result"]["cacheScope"], "private", "{scope}");
            }
        }
    }
    let open = Server::start().await;
    let answer = open.send(open.modern("tools/list", json!({}))).await;
    assert_eq!(tool_names(&answer), TOOLS);
}
