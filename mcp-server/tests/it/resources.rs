//! Resources and the prompt through the whole server, in both eras.

use axum::extract::Request;
use serde_json::{Value, json};

use crate::bench::Answered;
use crate::server::{Server, set};

const NOW: &str = "2026-09-21T14:13:20Z";

impl Server {
    fn asking_as(&self, subject: &str, scope: &str, mut request: Request) -> Request {
        let token = self.bench.token(json!({"sub": subject, "jti": format!("{subject} {scope}"), "scope": scope}));
        set(&mut request, "authorization", &format!("Bearer {token}"));
        request
    }

    async fn read_as(&self, subject: &str, uri: &str) -> Answered {
        let mut request = self.modern("resources/read", json!({"uri": uri}));
        set(&mut request, "mcp-name", uri);
        self.send(self.asking_as(subject, "mcp:read mcp:write", request)).await
    }

    async fn note_of(&self, subject: &str, title: &str, content: &str) -> String {
        let arguments = json!({"title": title, "content": content});
        let request = self.modern("tools/call", json!({"name": "create_secure_note", "arguments": arguments}));
        let answer = self.send(self.asking_as(subject, "mcp:read mcp:write", request)).await;
        answer.body["result"]["structuredContent"]["uri"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_lists_name_what_there_is_for_everybody() {
    let server = Server::start().await;
    for (method, member, name, value) in [
        ("resources/list", "resources", "uri", "user://profile"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate", "user://notes/{note_id}"),
        ("prompts/list", "prompts", "name", "summarize_notes"),
    ] {
        let modern = server.send(server.modern(method, json!({}))).await;
        let result = &modern.body["result"];
        assert_eq!((result[member].as_array().unwrap().len(), &result[member][0][name]), (1, &json!(value)));
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("public")), "{method}");
        let legacy = server.send(server.legacy(Some("2025-11-25"), method, json!({}))).await;
        assert_eq!(legacy.body["result"][member][0][name], value);
        assert_eq!(legacy.body["result"].get("ttlMs"), None, "{method}");
    }
}

#[tokio::test]
async fn everybody_reads_their_own_profile_for_themselves() {
    let server = Server::start().await;
    for subject in ["ann", "bob"] {
        let answer = server.read_as(subject, "user://profile").await;
        let result = &answer.body["result"];
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
        let contents = &result["contents"][0];
        assert_eq!((&contents["uri"], &contents["mimeType"]), (&json!("user://profile"), &json!("application/json")));
        let profile: Value = serde_json::from_str(contents["text"].as_str().unwrap()).unwrap();
        assert_eq!(profile["user_id"], subject);
    }
}

#[tokio::test]
async fn a_note_is_a_resource_of_its_owner_and_of_nobody_else() {
    let server = Server::start().await;
    let uri = server.note_of("ann", "Groceries", "milk\nbread").await;
    let answer = server.read_as("ann", &uri).await;
    let text = format!("Groceries\n{NOW}\n\nmilk\nbread");
    assert_eq!(answer.body["result"]["contents"], json!([{"uri": uri, "mimeType": "text/plain", "text": text}]));
    assert_eq!(answer.body["result"]["cacheScope"], "private");
    let unknown = format!("user://notes/{}", "0".repeat(32));
    let not_found = server.read_as("bob", &unknown).await.body["error"].clone();
    assert_eq!((&not_found["code"], &not_found["data"]["uri"]), (&json!(-32602), &json!(unknown)));
    let mut others = server.read_as("bob", &uri).await.body["error"].clone();
    others["data"]["uri"] = json!(unknown);
    assert_eq!(others, not_found);
    let old = server.legacy(Some("2025-11-25"), "resources/read", json!({"uri": uri}));
    let old = server.send(server.asking_as("ann", "mcp:read", old)).await;
    assert_eq!(
        (&old.body["result"]["contents"][0]["text"], old.body["result"].get("cacheScope")),
        (&json!(text), None)
    );
    let old = server.legacy(Some("2025-11-25"), "resources/read", json!({"uri": uri}));
    assert_eq!(server.send(server.asking_as("bob", "mcp:read", old)).await.body["error"]["code"], -32002);
}

#[tokio::test]
async fn no_spelling_of_a_uri_is_a_way_around() {
    let server = Server::start().await;
    let uri = server.note_of("ann", "Diary", "secret").await;
    for uri in [
        uri.to_uppercase(),
        format!("{uri}/"),
        format!("{uri}?x"),
        uri.replace("notes/", "notes//"),
        uri.replace("notes/", "notes/../notes/"),
        "user://notes/".to_owned(),
        "user://notes/%".to_owned(),
        "user://profile/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_eq!(server.read_as("ann", &uri).await.body["error"]["code"], -32602, "{uri}");
    }
}

#[tokio::test]
async fn reading_needs_mcp_read() {
    let server = Server::start().await;
    let uri = server.note_of("ann", "Diary", "secret").await;
    let rows = [
        ("resources/read", json!({"uri": "user://profile"})),
        ("resources/read", json!({"uri": uri})),
        ("prompts/get", json!({"name": "summarize_notes"})),
    ];
    for (method, params) in rows {
        let request = server.legacy(Some("2025-11-25"), method, &params);
        let answer = server.send(server.asking_as("ann", "other", request)).await;
        assert_eq!(answer.verdict(), (403, "insufficient_scope".to_owned()), "{method}");
        assert_eq!(answer.body["scope"], "mcp:read");
    }
}

#[tokio::test]
async fn the_prompt_embeds_the_notes_of_the_person() {
    let server = Server::start().await;
    let uri = server.note_of("ann", "Groceries", "milk").await;
    let prompt = async |subject: &str, arguments: Value| {
        let request = server.modern("prompts/get", json!({"name": "summarize_notes", "arguments": arguments}));
        server.send(server.asking_as(subject, "mcp:read", request)).await.body["result"]["messages"].clone()
    };
    let messages = prompt("ann", json!({"topic": "food"})).await;
    let resource = json!({"uri": uri, "mimeType": "text/plain", "text": format!("Groceries\n{NOW}\n\nmilk")});
    assert_eq!(messages[0]["content"], json!({"type": "resource", "resource": resource}));
    assert!(messages[1]["content"]["text"].as_str().unwrap().contains("about \"food\""));
    let none = prompt("bob", json!({})).await;
    assert_eq!(none.as_array().unwrap().len(), 1);
    assert!(none[0]["content"]["text"].as_str().unwrap().contains("no notes yet"));
}

#[tokio::test]
async fn a_database_that_is_away_is_an_error_of_the_request() {
    let server = Server::start().await;
    std::fs::write(server.folder.path().join("data"), "in the way of the folder").unwrap();
    let note = server.read_as("ann", &format!("user://notes/{}", "0".repeat(32))).await;
    assert_eq!(note.body["error"]["code"], -32603);
    assert!(note.body["error"]["message"].as_str().unwrap().ends_with("try again later"));
    assert!(server.read_as("ann", "user://profile").await.body["result"].is_object());
}
