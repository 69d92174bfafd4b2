//! Body, log line, metric and audit entry of a refusal say the same, for every reason.

#[path = "../../../tests/it/log.rs"]
mod log;

use std::path::Path;

use serde_json::Value;
use verification_keys::testing::ManualClock;

use super::super::{
    AudienceRules, IssuerOptions, Preset, ResourceIdentifier, ResourceServer, ResourceServerOptions, ScopePolicy,
};
use super::*;

fn server(audit: &Path) -> ResourceServer {
    verification_keys::install_crypto_providers();
    let resource = ResourceIdentifier::parse("http://localhost:8001/mcp").unwrap();
    let issuer = verification_keys::Issuer::parse("http://localhost:9000", &verification_keys::HttpHosts::default());
    let issuer = IssuerOptions::new(issuer.unwrap(), Preset::AUTHZ, AudienceRules::strict(resource.clone()));
    let mut options = ResourceServerOptions::new(resource, issuer, ScopePolicy::new("mcp:read"));
    options.audit = Some(AuditLog::file(audit).unwrap());
    options.request_id = |_| Some("request-1".to_owned());
    let client = verification_keys::http::client(&verification_keys::http::ClientOptions::default()).unwrap();
    ResourceServer::new(options, &client, std::sync::Arc::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH))).unwrap()
}

fn parts() -> Parts {
    let request = Request::post("/mcp").header("mcp-method", "tools/call").header("mcp-name", "get_time");
    let (mut parts, _) =
        request.header(header::AUTHORIZATION, "Bearer s3cret").body(Body::empty()).unwrap().into_parts();
    AuditLog::arrived(&mut parts);
    parts
}

#[tokio::test]
async fn body_log_metric_and_audit_entry_agree_for_every_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let server = server(&path);
    for (number, &reason) in Reason::ALL.iter().enumerate() {
        log::start();
        let response = server.0.refuse(&Refusal::new(reason), &parts());
        let (code, status) = (reason.code(), reason.status().as_u16());
        let logged = log::written();

        assert_eq!(response.status().as_u16(), status);
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["reason"], code);
        assert_eq!(body["error_description"], reason.description());
        assert_eq!(body["request_id"], "request-1");

        let line = format!("request refused reason={code} status={status} request_id=\"request-1\"");
        assert_eq!(logged.matches(&line).count(), 1, "{logged}");

        let counted = format!("mcp_resource_verdicts_total{{decision=\"refused\",reason=\"{code}\"}} 1\n");
        assert!(server.metrics().contains(&counted), "{code}");

        let audited = std::fs::read_to_string(&path).unwrap();
        let entries: Vec<Value> = audited.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries.len(), number + 1);
        let entry = &entries[number];
        assert_eq!((&entry["decision"], &entry["reason"]), (&"refused".into(), &code.into()));
        assert_eq!((&entry["status"], &entry["request_id"]), (&status.into(), &"request-1".into()));
        assert_eq!((&entry["operation"], &entry["tool"]), (&"tools/call".into(), &"get_time".into()));
        assert!(entry["duration_us"].is_u64() && entry.get("subject").is_none());
        assert!(!audited.contains("s3cret") && !logged.contains("s3cret"));
    }
}
