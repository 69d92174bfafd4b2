//! Notes, profile and usage through the whole server: whose they are, and what is said when there is a problem.

use std::collections::HashSet;

use axum::extract::Request;
use axum::http::HeaderValue;
use mcp_server::resource_server::ResourceIdentifier;
use mcp_server::{mcp, routes};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::bench::Answered;
use crate::issuer::RESOURCE;
use crate::server::{Server, set};

const NOW: &str = "2026-09-21T14:13:20Z";

impl Server {
    /// A call by `subject`, whose token allows reading and writing.
    fn call_as(&self, subject: &str, tool: &str, arguments: &Value) -> Request {
        let token = self.bench.token(json!({"sub": subject, "jti": subject, "scope": "mcp:read mcp:write"}));
        self.with_token(&token, tool, arguments)
    }

    fn with_token(&self, token: &str, tool: &str, arguments: &Value) -> Request {
        let mut request = self.modern("tools/call", json!({"name": tool, "arguments": arguments}));
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        request.headers_mut().insert("authorization", bearer);
        request
    }

    async fn done(&self, request: Request) -> Value {
        let mut answer = self.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["result"]["isError"]),
            (200, &json!(false)),
            "{}",
            answer.body
        );
        answer.body["result"]["structuredContent"].take()
    }

    /// What a tool says that could not do its work.
    async fn complaint(&self, request: Request) -> String {
        let answer = self.send(request).await;
        assert_eq!((answer.status.as_u16(), &answer.body["result"]["isError"]), (200, &json!(true)), "{}", answer.body);
        answer.body["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_note_is_kept_and_listed_with_a_preview() {
    let server = Server::start().await;
    let content = json!({"content": "milk\nbread", "title": "Groceries"});
    let created = server.done(server.call_as("ann", "create_secure_note", &content)).await;
    let id = created["note_id"].as_str().unwrap();
    let uri = format!("user://notes/{id}");
    assert_eq!(created, json!({"note_id": id, "uri": uri, "title": "Groceries", "created_at": NOW}));
    let listed = server.done(server.call_as("ann", "list_secure_notes", &json!({}))).await;
    let note = json!({"note_id": id, "uri": uri, "title": "Groceries", "preview": "milk bread", "created_at": NOW});
    assert_eq!(listed, json!({"notes": [note], "total": 1}));
    let untitled = server.done(server.call_as("ann", "create_secure_note", &json!({"content": "x"}))).await;
    assert_eq!(untitled["title"], "Untitled");
    let one = server.done(server.call_as("ann", "list_secure_notes", &json!({"limit": 1, "skip": 1}))).await;
    assert_eq!((one["notes"].as_array().unwrap().len(), &one["total"]), (1, &json!(2)));
}

#[tokio::test]
async fn two_hundred_people_with_equal_ids_see_only_their_own_notes() {
    let server = Server::start().await;
    let person = |number: usize| {
        let subject = format!("user-{number}");
        let write = server.call_as(&subject, "create_secure_note", &json!({"content": format!("of {subject}")}));
        let read = server.call_as(&subject, "list_secure_notes", &json!({}));
        let router = server.router.clone();
        tokio::spawn(async move {
            let written = Answered::read(router.clone().oneshot(write).await.unwrap()).await;
            let listed = Answered::read(router.oneshot(read).await.unwrap()).await;
            (subject, written, listed)
        })
    };
    let people: Vec<_> = (0..200).map(person).collect();
    let mut ids = HashSet::new();
    for person in people {
        let (subject, written, listed) = person.await.unwrap();
        assert_eq!((&written.body["id"], &listed.body["id"]), (&json!(1), &json!(1)));
        let id = &written.body["result"]["structuredContent"]["note_id"];
        assert!(ids.insert(id.as_str().unwrap().to_owned()), "{subject}: {id} twice");
        let listed = &listed.body["result"]["structuredContent"];
        assert_eq!((&listed["total"], &listed["notes"][0]["note_id"]), (&json!(1), id), "{subject}");
        assert_eq!(listed["notes"][0]["preview"], format!("of {subject}"));
    }
}

#[tokio::test]
async fn writing_needs_mcp_write() {
    let server = Server::start().await;
    let token = server.bench.token(json!({"scope": "mcp:read"}));
    let answer = server.send(server.with_token(&token, "create_secure_note", &json!({"content": "x"}))).await;
    assert_eq!(answer.verdict(), (403, "insufficient_scope".to_owned()));
    assert!(answer.header("www-authenticate").unwrap().contains("scope=\"mcp:write\""));
    assert_eq!(server.done(server.with_token(&token, "list_secure_notes", &json!({}))).await["total"], 0);
}

#[tokio::test]
async fn what_cannot_be_kept_is_said_clearly() {
    let server = Server::start().await;
    for (arguments, complaint) in [
        (json!({"content": ""}), "the note was not kept: the content is empty"),
        (
            json!({"content": "x".repeat(65_537)}),
            "the note was not kept: the content has 65537 bytes, and 65536 is the most",
        ),
        (
            json!({"content": "x", "title": "x".repeat(201)}),
            "the note was not kept: the title has 201 bytes, and 200 is the most",
        ),
        (json!({"content": "x", "title": "a\nb"}), "the note was not kept: the title has control characters"),
    ] {
        assert_eq!(server.complaint(server.call_as("ann", "create_secure_note", &arguments)).await, complaint);
    }
    for limit in [0, 101] {
        let complaint = server.complaint(server.call_as("ann", "list_secure_notes", &json!({"limit": limit}))).await;
        assert_eq!(complaint, format!("limit is {limit}: use 1 to 100"));
    }
    let nobody = server.bench.token(json!({"sub": "a\u{1}b", "scope": "mcp:read mcp:write"}));
    let complaint = server.complaint(server.with_token(&nobody, "create_secure_note", &json!({"content": "x"}))).await;
    assert!(complaint.starts_with("the subject of your access token"), "{complaint}");
    assert_eq!(server.done(server.call_as("ann", "list_secure_notes", &json!({}))).await["total"], 0);
}

#[tokio::test]
async fn a_database_that_is_away_is_an_error_of_the_tool_and_nothing_else() {
    let server = Server::start().await;
    std::fs::write(server.folder.path().join("data"), "in the way of the folder").unwrap();
    let note = json!({"content": "x"});
    for (tool, arguments) in
        [("create_secure_note", &note), ("list_secure_notes", &json!({})), ("get_api_usage", &json!({}))]
    {
        let complaint = server.complaint(server.call_as("ann", tool, arguments)).await;
        assert!(complaint.ends_with("try again later"), "{tool}: {complaint}");
        assert!(!complaint.contains('/'), "{tool}: {complaint}");
    }
    server.done(server.call_as("ann", "get_time", &json!({}))).await;
    std::fs::remove_file(server.folder.path().join("data")).unwrap();
    server.done(server.call_as("ann", "create_secure_note", &note)).await;
}

#[tokio::test]
async fn the_profile_is_what_the_token_says() {
    let server = Server::start().await;
    let claims = json!({
        "sub": "ann", "email": "ann@example.com", "name": "Ann", "auth_time": 1_789_999_000, "scope": "mcp:read other",
    });
    let profile = server.done(server.with_token(&server.bench.token(&claims), "get_user_profile", &json!({}))).await;
    let expected = json!({
        "user_id": "ann", "email": "ann@example.com", "name": "Ann", "created_at": null,
        "last_login": "2026-09-21T13:56:40Z", "permissions": ["mcp:read", "other"],
    });
    assert_eq!(profile, expected);
    let bare = server.done(server.call_as("bob", "get_user_profile", &json!({}))).await;
    let expected = json!({
        "user_id": "bob", "email": null, "name": null, "created_at": null, "last_login": null,
        "permissions": ["mcp:read", "mcp:write"],
    });
    assert_eq!(bare, expected);
}

#[tokio::test]
async fn the_issuer_is_asked_with_the_same_token_and_believed_for_a_minute() {
    let server = Server::start().await;
    let issuer = &server.bench.issuer;
    issuer.tells(200, &json!({"sub": "ann", "email": "ann@example.com", "name": "Ann", "created_at": 1_700_000_000}));
    let token = server.bench.token(json!({"sub": "ann", "name": "Ann of the token"}));
    let profile = async || server.done(server.with_token(&token, "get_user_profile", &json!({}))).await;
    let first = profile().await;
    assert_eq!((&first["email"], &first["created_at"]), (&json!("ann@example.com"), &json!("2023-11-14T22:13:20Z")));
    assert_eq!(first["name"], "Ann of the token");
    assert_eq!(*issuer.script.user_infos.lock().unwrap(), [Some(format!("Bearer {token}"))]);
    issuer.tells(500, &json!({}));
    assert_eq!(profile().await, first);
    server.bench.advance(60);
    assert_eq!(profile().await["email"], Value::Null);
    assert_eq!(issuer.script.user_infos.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_issuer_says_about_somebody_else_is_not_used() {
    let server = Server::start().await;
    for told in [json!({"sub": "bob", "email": "bob@example.com"}), json!({"email": "bob@example.com"}), json!([])] {
        server.bench.issuer.tells(200, &told);
        server.bench.advance(60);
        let profile = server.done(server.call_as("ann", "get_user_profile", &json!({}))).await;
        assert_eq!(profile["email"], Value::Null, "{told}");
    }
}

#[tokio::test]
async fn usage_is_counted_per_person_and_day() {
    let server = Server::start().await;
    let used = async |subject| server.done(server.call_as(subject, "get_api_usage", &json!({}))).await;
    assert_eq!(used("ann").await["requests_today"], 0);
    let note = json!({"content": "x".repeat(4000)});
    server.done(server.call_as("ann", "create_secure_note", &note)).await;
    let after = used("ann").await;
    let counted = ["requests_today", "requests_this_month", "monthly_quota", "quota_remaining"];
    assert_eq!(counted.map(|name| after[name].as_u64().unwrap()), [2, 2, 1000, 998]);
    let tokens = after["tokens_today"].as_u64().unwrap();
    assert!((1000..1300).contains(&tokens), "{tokens}");
    assert_eq!(used("bob").await["requests_this_month"], 0);
    server.bench.advance(10 * 60 * 60);
    let tomorrow = used("ann").await;
    assert_eq!(counted.map(|name| tomorrow[name].as_u64().unwrap()), [0, 3, 1000, 997]);
    server.bench.advance(30 * 24 * 60 * 60);
    assert_eq!(used("ann").await["requests_this_month"], 0);
}

#[tokio::test]
async fn who_has_used_up_a_month_is_told_until_when_and_others_are_not_held_up() {
    let mut server = Server::start().await;
    let endpoint = mcp::endpoint(server.tools_with(3), 1 << 20, CancellationToken::new());
    let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
    server.router = routes::router(&resource, &server.bench.server, endpoint);
    let call = |subject, tool| server.call_as(subject, tool, &json!({}));
    for _ in 0..3 {
        server.done(call("ann", "get_time")).await;
    }
    let told = "your 3 requests of this month are used up; there are new ones on 2026-10-01 (UTC)";
    assert_eq!(server.complaint(call("ann", "get_time")).await, told);
    let used = server.done(call("ann", "get_api_usage")).await;
    assert_eq!((&used["requests_this_month"], &used["quota_remaining"]), (&json!(3), &json!(0)));
    let token = server.bench.token(json!({"sub": "ann", "scope": "mcp:read"}));
    for (method, params) in
        [("resources/read", json!({"uri": "user://profile"})), ("prompts/get", json!({"name": "summarize_notes"}))]
    {
        let mut request = server.legacy(None, method, params);
        set(&mut request, "authorization", &format!("Bearer {token}"));
        let error = server.send(request).await.body["error"].clone();
        assert_eq!((&error["code"], &error["message"]), (&json!(429), &json!(told)), "{method}");
    }
    server.done(call("bob", "get_time")).await;
    server.bench.advance(10 * 24 * 60 * 60);
    server.done(call("ann", "get_time")).await;
}
