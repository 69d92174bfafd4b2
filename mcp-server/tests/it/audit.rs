//! The audit log of a resource server in use.

use std::path::PathBuf;

use axum::body::Body;
use mcp_server::resource_server::AuditLog;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::log;

struct Audited {
    bench: Bench,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Audited {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let bench = Bench::with(&|options| options.audit = Some(AuditLog::file(&path).unwrap())).await;
        Self { bench, path, _folder: folder }
    }

    async fn call(&self, token: &str, method: &str, params: Value) -> u16 {
        let mut request = Bench::request(Some(token));
        *request.body_mut() =
            Body::from(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string());
        self.bench.send(request).await.status.as_u16()
    }

    fn entries(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn each_operation_is_one_entry_with_who_and_what() {
    let audited = Audited::start().await;
    let token = audited.bench.token(json!({"scope": "mcp:read mcp:write"}));
    // The first time, and as a known token.
    for _ in 0..2 {
        let arguments = json!({"name": "get_time", "arguments": {"timezone": "Asia/Tokyo"}});
        assert_eq!(audited.call(&token, "tools/call", arguments).await, 200);
    }
    assert_eq!(audited.call(&token, "resources/read", json!({"uri": "user://profile"})).await, 200);
    assert_eq!(audited.call(&token, "prompts/get", json!({"name": "summary"})).await, 200);
    assert_eq!(audited.call(&token, "tools/list", json!({})).await, 200);
    let entries = audited.entries();
    assert_eq!(entries.len(), 4);
    for entry in &entries {
        let who = ["issuer", "subject", "client_id", "token_id"].map(|name| entry[name].as_str().unwrap());
        assert_eq!(who, [audited.bench.issuer.url(), "user-1", "client-1", "token-1"]);
        assert_eq!((&entry["decision"], &entry["status"]), (&"accepted".into(), &200.into()));
        assert!(entry["duration_us"].is_u64() && entry.get("reason").is_none());
        assert_eq!(entry["time"], "2026-09-21T14:13:20Z");
    }
    assert_eq!((&entries[1]["operation"], &entries[1]["tool"]), (&"tools/call".into(), &"get_time".into()));
    assert_eq!(entries[2]["resource"], "user://profile");
    assert_eq!(entries[3]["prompt"], "summary");
    let text = std::fs::read_to_string(&audited.path).unwrap();
    assert!(!text.contains("Asia/Tokyo"), "arguments are not written");
    assert!(token.split('.').all(|part| !text.contains(part)));
}

#[tokio::test]
async fn a_scope_that_is_lacking_names_who_lacks_it_for_what() {
    let audited = Audited::start().await;
    let token = audited.bench.token(json!({}));
    assert_eq!(audited.call(&token, "tools/call", json!({"name": "write_note"})).await, 403);
    let entry = audited.entries().remove(0);
    assert_eq!((&entry["decision"], &entry["reason"]), (&"refused".into(), &"insufficient_scope".into()));
    assert_eq!((&entry["tool"], &entry["subject"]), (&"write_note".into(), &"user-1".into()));
}

#[tokio::test]
async fn nothing_is_said_about_the_caller_of_a_token_that_is_refused() {
    let audited = Audited::start().await;
    let forged = format!("{}x", audited.bench.token(json!({"sub": "somebody-else"})));
    assert_eq!(audited.call(&forged, "tools/call", json!({"name": "get_time"})).await, 401);
    let entry = audited.entries().remove(0);
    assert_eq!(entry["decision"], "refused");
    assert!(["issuer", "subject", "client_id", "token_id"].iter().all(|name| entry.get(name).is_none()), "{entry}");
}

#[tokio::test]
async fn the_log_takes_entries_too() {
    let bench = Bench::with(&|options| options.audit = Some(AuditLog::log())).await;
    let token = bench.token(json!({}));
    log::start();
    assert_eq!(bench.call(&token).await.status, 200);
    let written = log::written();
    let entry = written.lines().find(|line| line.contains(" audit: ")).unwrap();
    for field in ["decision=\"accepted\"", "tool=\"get_time\"", "subject=\"user-1\"", "token_id=\"token-1\""] {
        assert!(entry.contains(field), "{entry}");
    }
}
