//! The real mcp-server as a program: the client signs in first, starts it with the token, and anew with another one.

use client::demo::browser::Decision;
use serde_json::{Value, json};
use std::{fs, path::Path};

use crate::{
    realm::{Realm, binaries},
    terminal::{Terminal, stderr, stdout},
};

/// A file with mcp-server as the program `local`; its token URL has a path that the issuer does not have.
async fn configuration(realm: &Realm) -> String {
    let (_, endpoints) = realm.discover().await.unwrap();
    let issuer = endpoints.issuer.as_str().trim_end_matches('/');
    let file = realm.folder.path().join("servers.json");
    let database = realm.folder.path().join("stdio.db");
    let program = json!({
        "command": binaries().mcp_server,
        "args": ["--transport", "stdio"],
        "env": {
            "MCP_RESOURCE_PUBLIC_URL": realm.server().as_str(),
            "MCP_RESOURCE_AUTH_SERVER_URL": issuer,
            "MCP_RESOURCE_DATABASE_URL": format!("sqlite:{}", database.display()),
        },
        "auth": {
            "type": "oauth",
            "authorization_url": endpoints.authorization.as_str(),
            "token_url": format!("{issuer}/somewhere/token"),
            "client_id": "simple-mcp-client",
            "client_secret": "simple-mcp-secret-123",
            "scope": "mcp:read",
            "resource": realm.server().as_str(),
        },
    });
    fs::write(&file, json!({"mcpServers": {"local": program}}).to_string()).unwrap();
    file.display().to_string()
}

/// Makes all kept tokens end long ago.
fn expire(folder: &Path) -> usize {
    let mut expired = 0;
    for entry in fs::read_dir(folder.join("tokens")).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "json") {
            let mut token: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
            token["expires_at"] = json!(1);
            fs::write(entry.path(), token.to_string()).unwrap();
            expired += 1;
        }
    }
    expired
}

#[tokio::test]
async fn a_program_is_started_with_a_token_and_anew_after_a_step_up_or_when_it_has_expired() {
    let realm = Realm::start().await;
    let file = configuration(&realm).await;
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    let local = |words: &[&'static str]| [&["--config", &file, "--server", "local"], words].concat();

    let (output, _) = terminal.run_and_sign_in(&local(&["whoami"]), &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains(realm.server().as_str()), "{}", stdout(&output));
    assert!(stderr(&output).contains("/somewhere/token, but "), "{}", stderr(&output));

    let note = local(&["call", "create_secure_note", "content=remember the milk"]);
    let (output, _) = terminal.run_and_sign_in(&note, &mut realm.browser(None), Decision::Allow).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    terminal.forget_asking();
    assert_eq!(expire(&terminal.state_folder()), 1);
    let output = terminal.run(&local(&["call", "list_secure_notes", "limit=3"])).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("remember the milk") && !terminal.has_asked(), "{}", stdout(&output));
}

#[tokio::test]
async fn a_program_that_does_not_start_or_wants_a_token_is_told_in_its_words() {
    let realm = Realm::start().await;
    let file = realm.folder.path().join("servers.json");
    let servers = json!({"servers": [
        {"name": "bare", "command": binaries().mcp_server, "args": ["--transport", "stdio"]},
        {"name": "gone", "command": "/nonexistent/program"},
    ]});
    fs::write(&file, servers.to_string()).unwrap();
    let terminal = Terminal::new(realm.folder.path(), &realm.server());
    for (name, said) in [("bare", "give its entry an auth block"), ("gone", "cannot be started")] {
        let output = terminal.run(&["--config", file.to_str().unwrap(), "--server", name, "list"]).await;
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(stderr(&output).contains(said) && !terminal.has_asked(), "{}", stderr(&output));
    }
}
