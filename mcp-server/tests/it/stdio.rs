//! The stdio transport: lines in, lines out, one token from the beginning to its end.

use std::sync::Arc;

use axum::http::HeaderValue;
use mcp_server::resource_server::{AuditLog, Requirement, ResourceIdentifier};
use mcp_server::stdio::{Ended, Session};
use mcp_server::{mcp, tools};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, split};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::issuer::RESOURCE;
use crate::server::{Server, TOOLS};

/// The other end.
struct Client {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    session: JoinHandle<Result<(), Ended>>,
}

impl Client {
    async fn start(server: &Server, token: &str) -> Result<Self, Ended> {
        let endpoint = mcp::endpoint(server.tools(), 1 << 20, CancellationToken::new());
        let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
        let authorization = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let clock = Arc::clone(&server.bench.clock);
        let session = Session::start((&resource, &server.bench.server), endpoint, authorization, clock, 10_000).await?;
        let (here, there) = tokio::io::duplex(1 << 16);
        let (input, output) = split(there);
        let session = tokio::spawn(session.run(BufReader::new(input), output));
        let (output, input) = split(here);
        Ok(Self { input, output: BufReader::new(output).lines(), session })
    }

    async fn say(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.output.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})).await;
        let answer = self.hear().await;
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
        answer
    }

    async fn ended(mut self) -> Result<(), Ended> {
        self.input.shutdown().await.unwrap();
        self.session.await.unwrap()
    }
}

fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

fn hello(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
}

#[tokio::test]
async fn both_eras_are_served() {
    let server = Server::start().await;
    let token = server.bench.token(json!({"scope": "mcp:read mcp:write"}));
    let mut new = Client::start(&server, &token).await.unwrap();
    let discovered = new.ask("server/discover", modern(json!({}))).await;
    assert_eq!(discovered["result"]["supportedVersions"][3], "2026-07-28", "{discovered}");
    let call = json!({"name": "create_secure_note", "arguments": {"content": "milk", "title": "Grüße"}});
    let uri = new.ask("tools/call", modern(call)).await["result"]["structuredContent"]["uri"].clone();
    let read = new.ask("resources/read", modern(json!({"uri": uri}))).await;
    assert!(read["result"]["contents"][0]["text"].as_str().unwrap().ends_with("milk"), "{read}");
    let unknown = new.ask("tools/call", modern(json!({"name": "grüße", "arguments": {}}))).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    new.ended().await.unwrap();

    let mut old = Client::start(&server, &token).await.unwrap();
    assert_eq!(old.ask("initialize", hello("2025-06-18")).await["result"]["protocolVersion"], "2025-06-18");
    old.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    let tools = old.ask("tools/list", json!({})).await["result"]["tools"].clone();
    let names: Vec<&str> = tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, TOOLS);
    let notes = old.ask("tools/call", json!({"name": "list_secure_notes"})).await;
    assert_eq!(notes["result"]["structuredContent"]["total"], 1);
    old.ended().await.unwrap();
}

#[tokio::test]
async fn a_bad_token_does_not_start_a_session() {
    let server = Server::start().await;
    for (claims, reason) in [
        (json!({"aud": "https://elsewhere.example"}), "audience_mismatch"),
        (json!({"exp": server.bench.now() - 3600, "iat": server.bench.now() - 7200}), "token_expired"),
    ] {
        let refused = Client::start(&server, &server.bench.token(claims)).await.err().unwrap();
        assert!(matches!(&refused, Ended::Refused(refused) if refused.reason == reason), "{refused}");
        assert!(refused.to_string().ends_with("Get a new access token and start again"), "{refused}");
    }
}

#[tokio::test]
async fn a_tool_without_its_scope_is_an_error_and_the_session_goes_on() {
    let server = Server::start().await;
    let mut client = Client::start(&server, &server.bench.token(json!({"scope": "mcp:read"}))).await.unwrap();
    let refused = client.ask("tools/call", json!({"name": "create_secure_note", "arguments": {"content": "x"}})).await;
    assert_eq!(refused["error"]["code"], 403);
    assert_eq!(refused["error"]["data"], json!({"reason": "insufficient_scope", "scope": "mcp:write"}));
    let allowed = client.ask("tools/call", json!({"name": "whoami"})).await;
    assert_eq!(allowed["result"]["structuredContent"]["subject"], "user-1");
    client.ended().await.unwrap();
}

#[tokio::test]
async fn each_call_is_in_the_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let audit = AuditLog::file(&path).unwrap();
    let server = Server::built(&|options| options.audit = Some(audit.clone()), |tools| tools).await;
    let token = server.bench.token(json!({"scope": "mcp:read"}));
    let mut client = Client::start(&server, &token).await.unwrap();
    client.ask("tools/list", json!({})).await;
    client.ask("tools/call", json!({"name": "get_time", "arguments": {"timezone": "Asia/Tokyo"}})).await;
    client.ask("tools/call", json!({"name": "create_secure_note", "arguments": {"content": "x"}})).await;
    client.ask("resources/read", modern(json!({"uri": "user://profile"}))).await;
    client.ended().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = entries.iter().map(|entry| (&entry["decision"], &entry["reason"], &entry["status"])).collect();
    let (accepted, refused) = (json!("accepted"), json!("refused"));
    let (lacking, none, ok, forbidden) = (json!("insufficient_scope"), json!(null), json!(200), json!(403));
    assert_eq!(told, [(&accepted, &none, &ok), (&refused, &lacking, &forbidden), (&accepted, &none, &ok)], "{text}");
    for entry in &entries {
        let who = ["issuer", "subject", "client_id", "token_id"].map(|name| entry[name].as_str().unwrap());
        assert_eq!(who, [server.bench.issuer.url(), "user-1", "client-1", "token-1"]);
        assert!(entry["duration_us"].is_u64() && entry["time"].is_string(), "{entry}");
    }
    let what = (&entries[0]["tool"], &entries[1]["tool"], &entries[2]["resource"]);
    assert_eq!(what, (&json!("get_time"), &json!("create_secure_note"), &json!("user://profile")));
    assert!(!text.contains("Tokyo") && token.split('.').all(|part| !text.contains(part)), "{text}");
}

#[tokio::test]
async fn an_old_sign_in_for_one_tool_does_not_end_the_session() {
    let recent = Requirement::scopes("mcp:read").max_age(std::time::Duration::from_mins(5));
    let server = Server::with(tools::scopes().tool("get_time", recent), |tools| tools).await;
    let token = server.bench.token(json!({"auth_time": server.bench.now() - 600}));
    let mut client = Client::start(&server, &token).await.unwrap();
    let refused = client.ask("tools/call", json!({"name": "get_time"})).await;
    let data = json!({"reason": "insufficient_user_authentication", "scope": "mcp:read", "max_age": 300});
    assert_eq!((&refused["error"]["code"], &refused["error"]["data"]), (&json!(401), &data));
    let allowed = client.ask("tools/call", json!({"name": "whoami"})).await;
    assert_eq!(allowed["result"]["structuredContent"]["subject"], "user-1");
    client.ended().await.unwrap();
}

#[tokio::test]
async fn an_expired_token_ends_the_session_although_nobody_asks() {
    let server = Server::start().await;
    let expires_at = server.bench.now() + 300;
    let token = server.bench.token(json!({"exp": expires_at}));
    let client = Client::start(&server, &token).await.unwrap();
    server.bench.advance(301);
    let ended = client.session.await.unwrap().unwrap_err();
    assert!(matches!(ended, Ended::Expired(at) if at.as_second() == expires_at), "{ended}");
    assert!(ended.to_string().starts_with("MCP_ACCESS_TOKEN has expired at 2026-09-21T"), "{ended}");
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_ends_the_session_at_the_next_request() {
    let server = Server::start().await;
    let mut client = Client::start(&server, &server.bench.token(json!({}))).await.unwrap();
    client.ask("tools/list", json!({})).await;
    // Past the end, while the session sleeps until it looks at the clock again.
    server.bench.advance(2 * 3600);
    let refused = client.ask("tools/list", json!({})).await;
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["data"]["reason"]),
        (&json!(401), &json!("token_expired"))
    );
    let ended = client.session.await.unwrap().unwrap_err();
    assert!(matches!(&ended, Ended::Refused(refused) if refused.reason == "token_expired"), "{ended}");
}

#[tokio::test]
async fn nonsense_is_answered_and_too_much_of_it_ends_the_session() {
    let server = Server::start().await;
    let token = server.bench.token(json!({"scope": "mcp:read mcp:write"}));
    let mut client = Client::start(&server, &token).await.unwrap();
    client.input.write_all(b"\n  \nnonsense\n").await.unwrap();
    assert_eq!(client.hear().await["error"]["code"], -32700);
    client.say(&json!([1, 2])).await;
    assert_eq!(client.hear().await["error"]["code"], -32700);
    client.say(&json!("x".repeat(10_000))).await;
    assert!(matches!(client.session.await.unwrap(), Err(Ended::LineTooLong(10_000))));
}
