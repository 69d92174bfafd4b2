//! The real program, as somebody runs it: its configuration file, its ports, its end.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mcp_server::resource_server::Clock as _;
use mcp_server::testing::TestIssuer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use verification_keys::http::{Client, ClientOptions, client};

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// `mcp-server` with a folder of its own, and the issuer that it trusts.
struct Program {
    issuer: TestIssuer,
    process: Child,
    client: Client,
    port: u16,
    metrics_port: u16,
    folder: TempDir,
}

/// What a call was answered.
struct Answer {
    status: u16,
    challenge: String,
    body: Value,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-server"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    /// Starts it with a configuration file that says `toml`, and waits until it is ready.
    async fn start(toml: &str) -> Self {
        verification_keys::install_crypto_providers();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("server.toml"), toml).unwrap();
        let issuer = TestIssuer::start().await.unwrap();
        let (port, metrics_port) = (free_port(), free_port());
        let (ports, metrics_ports) = (port.to_string(), metrics_port.to_string());
        let flags = ["--config", "server.toml", "--auth-server", issuer.url(), "--introspect", "never"];
        let ports = ["--port", &ports, "--metrics-port", &metrics_ports, "--audit-log", "audit.jsonl"];
        let process = command(folder.path(), &[&flags[..], &ports[..]].concat()).spawn().unwrap();
        let client = client(&ClientOptions::default()).unwrap();
        let program = Self { issuer, process, client, port, metrics_port, folder };
        timeout(PATIENCE, program.until_ready()).await.unwrap();
        program
    }

    async fn until_ready(&self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        while !matches!(self.client.get(&url).send().await, Ok(answer) if answer.status() == 200) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn url(&self) -> String {
        format!("http://localhost:{}/mcp", self.port)
    }

    fn token(&self, scopes: &str, claims: &Value) -> String {
        self.issuer.token_with(&self.url(), scopes, claims)
    }

    /// A request of the revisions with `initialize`.
    fn request(&self, token: &str, method: &str, params: &Value) -> reqwest::RequestBuilder {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let request = self.client.post(self.url()).body(body).bearer_auth(token);
        request.header("content-type", "application/json").header("accept", "application/json, text/event-stream")
    }

    async fn ask(&self, token: &str, method: &str, params: Value) -> Answer {
        let answer = self.request(token, method, &params).send().await.unwrap();
        let status = answer.status().as_u16();
        let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        Answer { status, challenge: challenge.unwrap_or_default(), body }
    }

    async fn call(&self, token: &str, tool: &str, arguments: Value) -> Answer {
        self.ask(token, "tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    async fn scrape(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.metrics_port);
        self.client.get(url).send().await.unwrap().text().await.unwrap()
    }
}

const NEEDS: &str = r#"
[tools]
get_time = ["mcp:read", "mcp:time"]
create_secure_note = { scopes = "mcp:write", max_age_seconds = 300 }

[prompts]
summarize_notes = "notes:summarize"

[resources]
"user://profile" = "profile"

[templates]
"user://notes/{note_id}" = { scopes = "mcp:read notes" }
"#;

#[tokio::test]
async fn what_the_file_says_of_operations_is_what_they_need() {
    let program = Program::start(NEEDS).await;
    let read = program.token("mcp:read", &json!({}));
    let rows = [
        ("tools/call", json!({"name": "get_time", "arguments": {}}), "mcp:read mcp:time"),
        ("prompts/get", json!({"name": "summarize_notes"}), "notes:summarize"),
        ("resources/read", json!({"uri": "user://profile"}), "mcp:read profile"),
        ("resources/read", json!({"uri": "user://notes/x"}), "mcp:read notes"),
    ];
    for (method, params, scopes) in rows {
        let lacking = program.ask(&read, method, params.clone()).await;
        assert_eq!((lacking.status, &lacking.body["reason"]), (403, &json!("insufficient_scope")), "{params}");
        assert!(lacking.challenge.contains(&format!("scope=\"{scopes}\"")), "{}", lacking.challenge);
        let enough = program.ask(&program.token(scopes, &json!({})), method, params.clone()).await;
        assert_eq!(enough.status, 200, "{params}: {}", enough.body);
    }
    assert_eq!(
        program.call(&read, "whoami", json!({})).await.status,
        200,
        "what is not named needs what it says itself"
    );
    let metrics = program.scrape().await;
    assert!(metrics.contains("{decision=\"refused\",reason=\"insufficient_scope\"} 4\n"), "{metrics}");
    let audit = std::fs::read_to_string(program.folder.path().join("audit.jsonl")).unwrap();
    assert_eq!(audit.lines().count(), 9, "{audit}");
}

#[tokio::test]
async fn a_tool_can_want_a_recent_sign_in() {
    let program = Program::start(NEEDS).await;
    let now = program.issuer.clock().now().as_second();
    let note = json!({"content": "milk"});
    for signed_in in [json!(now - 310), Value::Null] {
        let token = program.token("mcp:write", &json!({"auth_time": signed_in}));
        let old = program.call(&token, "create_secure_note", note.clone()).await;
        // RFC 9470 §3: another sign-in, and how old it may be.
        assert_eq!((old.status, &old.body["reason"]), (401, &json!("insufficient_user_authentication")));
        assert_eq!(old.body["max_age"], 300);
        let expected = ["Bearer error=\"insufficient_user_authentication\"", "max_age=\"300\"", "scope=\"mcp:write\""];
        assert!(expected.iter().all(|part| old.challenge.contains(part)), "{}", old.challenge);
        assert_eq!(program.call(&token, "whoami", json!({})).await.status, 200, "other tools do not mind");
    }
    let recent = program.token("mcp:write", &json!({"auth_time": now - 200}));
    let made = program.call(&recent, "create_secure_note", note).await;
    assert_eq!((made.status, &made.body["result"]["isError"]), (200, &json!(false)), "{}", made.body);
}

#[tokio::test]
async fn the_file_shows_in_print_config() {
    let folder = tempfile::tempdir().unwrap();
    let issuers = "[[issuer]]\nauth_server_url = \"https://a.example\"\npreset = \"generic\"\n\
                   [[issuer]]\nauth_server_url = \"https://b.example\"\npreset = \"keycloak\"\n";
    std::fs::write(folder.path().join("server.toml"), format!("{issuers}{NEEDS}")).unwrap();
    let output = command(folder.path(), &["--print-config", "--config", "server.toml"]).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = [
        "MCP_RESOURCE_CONFIG=server.toml\n",
        "# [tools] get_time = mcp:read mcp:time\n",
        "# [tools] create_secure_note = mcp:write, signed in within 300 s\n",
        "# [prompts] summarize_notes = notes:summarize\n",
        "# [resources] user://profile = profile\n",
        "# [templates] user://notes/{note_id} = mcp:read notes\n",
        "# [[issuer]]\nMCP_RESOURCE_AUTH_SERVER_URL=https://a.example\n",
        "# [[issuer]]\nMCP_RESOURCE_AUTH_SERVER_URL=https://b.example\n",
    ];
    assert!(expected.iter().all(|line| printed.contains(line)), "{printed}");
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    for arguments in [["--print-config"], ["doctor"]] {
        let folder = tempfile::tempdir().unwrap();
        let mut program = command(folder.path(), &arguments);
        let mut process = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(process.stdout.take());
        let output = timeout(PATIENCE, process.wait_with_output()).await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!told.contains("panicked") && !told.contains("pipe"), "{arguments:?}: {told}");
        assert!(output.status.code().is_some_and(|code| code <= 2), "{arguments:?}: {:?}", output.status);
    }
}

#[tokio::test]
async fn told_to_stop_it_ends_although_a_connection_is_open() {
    let mut program = Program::start("").await;
    let token = program.token("mcp:read", &json!({}));
    assert_eq!(program.call(&token, "get_time", json!({})).await.status, 200);
    let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", program.process.id().unwrap())]).status();
    assert!(told.await.unwrap().success());
    assert!(timeout(PATIENCE, program.process.wait()).await.unwrap().unwrap().success());
}
